//! The honest end of a doubt: what exit 4 asks, and the answers that it names, typed back word by word.
//!
//! Invariant: only creates of kinds that carry no mark are ever asked about; in these tests nobody else made anything, so what
//! is offered is what the interrupted run made.

use regex::Regex;

use crate::support::harness::{Outcome, Stack};

/// The kinds that carry no mark of any sort.
const UNMARKED: [&str; 34] = [
    "digitalocean_app",
    "digitalocean_cdn",
    "digitalocean_certificate",
    "digitalocean_container_registry",
    "digitalocean_custom_image",
    "digitalocean_database_cluster",
    "digitalocean_database_connection_pool",
    "digitalocean_database_db",
    "digitalocean_database_logsink_opensearch",
    "digitalocean_database_logsink_rsyslog",
    "digitalocean_database_replica",
    "digitalocean_database_user",
    "digitalocean_domain",
    "digitalocean_droplet_snapshot",
    "digitalocean_firewall",
    "digitalocean_kubernetes_cluster",
    "digitalocean_kubernetes_node_pool",
    "digitalocean_loadbalancer",
    "digitalocean_monitor_alert",
    "digitalocean_partner_attachment",
    "digitalocean_project",
    "digitalocean_record",
    "digitalocean_reserved_ipv6",
    "digitalocean_spaces_bucket",
    "digitalocean_spaces_key",
    "digitalocean_ssh_key",
    "digitalocean_tag",
    "digitalocean_uptime_alert",
    "digitalocean_uptime_check",
    "digitalocean_volume",
    "digitalocean_volume_snapshot",
    "digitalocean_vpc",
    "digitalocean_vpc_nat_gateway",
    "digitalocean_vpc_peering",
];

/// The stack, address and object of every answer that takes an object.
pub(crate) fn offered(text: &str) -> Vec<[String; 3]> {
    let said = Regex::new(r"`dofloat adopt (\S+) ('[^']*'|\S+) ('[^']*'|[^\s`]+)`").expect("a pattern");
    let word = |text: &str| text.trim_matches('\'').to_owned();
    let all = said.captures_iter(text).map(|found| [word(&found[1]), word(&found[2]), word(&found[3])]);
    all.filter(|[.., id]| id != "none").collect()
}

/// The kind of what is asked about must be one without a mark.
pub(crate) fn is_unmarked(address: &str) -> bool {
    let own = address.rsplit_once("digitalocean_").map_or(address, |(_, own)| own);
    UNMARKED.iter().any(|kind| own.starts_with(&format!("{}.", kind.trim_start_matches("digitalocean_"))))
}

/// Runs a command, and where it ends with questions, answers them and runs it again; gives how many there were.
pub(crate) fn run(stack: &Stack, command: &[&str]) -> (Outcome, usize) {
    let ended = stack.run(command);
    if ended.code != 4 {
        return (ended, 0);
    }
    let questions = give(stack, &ended);
    (stack.run(command), questions)
}

/// Answers everything that was asked; gives how much that was.
pub(crate) fn give(stack: &Stack, ended: &Outcome) -> usize {
    let offered = offered(&format!("{}{}", ended.stdout, ended.stderr));
    assert!(!offered.is_empty(), "it asks and names no answer: {ended}");
    for [of, address, id] in &offered {
        assert!(is_unmarked(address), "{address} is known by its mark: {ended}");
        stack.run(&["adopt", of, address, id]).ok();
    }
    offered.len()
}
