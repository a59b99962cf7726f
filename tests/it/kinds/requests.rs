//! What a stack of one resource asks of the API, kind by kind and command by command, beside what Terraform asks with the
//! official provider. And what is believed of objects that cost money when the API shows old data.
//!
//! Each kind of the table needs a stack here: a new kind without one fails.

use std::fmt::Write as _;

use dofloat::kinds::KINDS;
use dofloat::sim::Options;
use serde_json::{Value, json};

use crate::support::cloud::Cloud;
use crate::support::harness::{KEY, Stack, say};

/// The commands of a stack's life.
const LIFE: [(&str, &[&str], i32); 4] = [
    ("plan", &["plan", "one", "-detailed-exitcode"], 2),
    ("apply", &["apply", "one", "-auto-approve"], 0),
    ("no-op", &["plan", "one", "-detailed-exitcode"], 0),
    ("destroy", &["destroy", "one", "-auto-approve"], 0),
];

/// By how much a command may exceed Terraform on the average: to be sure whose account it is, and that nothing is doubled.
const MORE: usize = 2;
/// The list of sizes, asked for by a plan and by an apply to say what the stack costs.
const PRICES: usize = 2;

/// The least that a kind takes, in an account that holds a droplet, an address and a domain already.
fn minimal(kind: &str, account: &Account) -> Option<String> {
    let body = match kind {
        "digitalocean_cdn" => r#"origin = "one.nyc3.digitaloceanspaces.com""#.to_owned(),
        "digitalocean_certificate" => "name = \"one\"\n  private_key = \"P\"\n  leaf_certificate = \"L\"".to_owned(),
        "digitalocean_container_registry" => "name = \"one\"\n  subscription_tier_slug = \"basic\"".to_owned(),
        "digitalocean_app" => concat!(
            "spec {\n    name = \"one\"\n    service {\n      name = \"web\"\n      image {\n        registry_type = \"DOCKER_HUB\"\n",
            "        registry = \"library\"\n        repository = \"nginx\"\n      }\n    }\n  }"
        )
        .to_owned(),
        "digitalocean_container_registry_docker_credentials" => "registry_name = \"other\"".to_owned(),
        "digitalocean_custom_image" => "name = \"one\"\n  url = \"https://example.com/one.qcow2\"\n  regions = [\"nyc3\"]".to_owned(),
        "digitalocean_droplet_snapshot" => format!("droplet_id = {}\n  name = \"one\"", account.droplet),
        "digitalocean_volume_snapshot" => format!("volume_id = \"{}\"\n  name = \"one\"", account.volume),
        "digitalocean_reserved_ipv6_assignment" => format!("ip = \"{}\"\n  droplet_id = {}", account.six, account.droplet),
        "digitalocean_reserved_ipv6" => r#"region_slug = "nyc3""#.to_owned(),
        "digitalocean_domain" => r#"name = "example.org""#.to_owned(),
        "digitalocean_database_cluster" => DATABASE.replace("NAME", "one"),
        "digitalocean_database_connection_pool" => {
            format!("cluster_id = \"{}\"\n  name = \"one\"\n  mode = \"session\"\n  size = 5\n  db_name = \"defaultdb\"", account.database)
        }
        "digitalocean_database_firewall" => {
            format!("cluster_id = \"{}\"\n  rule {{\n    type = \"ip_addr\"\n    value = \"192.0.2.1\"\n  }}", account.database)
        }
        "digitalocean_database_db" | "digitalocean_database_user" => {
            format!("cluster_id = \"{}\"\n  name = \"one\"", account.database)
        }
        "digitalocean_database_replica" => {
            format!("cluster_id = \"{}\"\n  name = \"one\"\n  size = \"db-s-1vcpu-1gb\"", account.database)
        }
        "digitalocean_droplet" => {
            "name = \"one\"\n  region = \"nyc3\"\n  image = \"ubuntu-24-04-x64\"\n  size = \"s-1vcpu-1gb\"".to_owned()
        }
        "digitalocean_firewall" => concat!(
            "name = \"one\"\n  inbound_rule {\n    protocol = \"tcp\"\n    port_range = \"22\"\n",
            "    source_addresses = [\"192.0.2.0/24\"]\n  }"
        )
        .to_owned(),
        "digitalocean_floating_ip" | "digitalocean_reserved_ip" => r#"region = "nyc3""#.to_owned(),
        "digitalocean_floating_ip_assignment" | "digitalocean_reserved_ip_assignment" => {
            format!("ip_address = \"{}\"\n  droplet_id = {}", account.address, account.droplet)
        }
        "digitalocean_kubernetes_cluster" => concat!(
            "name = \"one\"\n  region = \"nyc3\"\n  version = \"1.32.5-do.2\"\n  node_pool {\n    name = \"pool\"\n",
            "    size = \"s-2vcpu-4gb\"\n    node_count = 1\n  }"
        )
        .to_owned(),
        "digitalocean_kubernetes_node_pool" => {
            format!("cluster_id = \"{}\"\n  name = \"one\"\n  size = \"s-2vcpu-4gb\"\n  node_count = 1", account.kubernetes)
        }
        "digitalocean_loadbalancer" => concat!(
            "name = \"one\"\n  region = \"nyc3\"\n  forwarding_rule {\n    entry_protocol = \"http\"\n    entry_port = 80\n",
            "    target_protocol = \"http\"\n    target_port = 80\n  }"
        )
        .to_owned(),
        "digitalocean_monitor_alert" => concat!(
            "type = \"v1/insights/droplet/cpu\"\n  compare = \"GreaterThan\"\n  value = 95\n  window = \"5m\"\n  description = \"one\"\n",
            "  alerts {\n    email = [\"ops@example.com\"]\n  }"
        )
        .to_owned(),
        "digitalocean_database_logsink_opensearch" => format!(
            "cluster_id = \"{}\"\n  name = \"one\"\n  endpoint = \"https://logs.example.com\"\n  index_prefix = \"one\"",
            account.database
        ),
        "digitalocean_database_logsink_rsyslog" => {
            format!("cluster_id = \"{}\"\n  name = \"one\"\n  server = \"192.0.2.1\"\n  port = 514", account.database)
        }
        "digitalocean_partner_attachment" => format!(
            "name = \"one\"\n  connection_bandwidth_in_mbps = 1000\n  region = \"nyc\"\n  naas_provider = \"MEGAPORT\"\n  vpc_ids = [\"{}\"]",
            account.vpcs[0]
        ),
        "digitalocean_vpc_nat_gateway" => format!(
            "name = \"one\"\n  type = \"PUBLIC\"\n  region = \"nyc3\"\n  size = 1\n  vpcs {{\n    vpc_uuid = \"{}\"\n  }}",
            account.vpcs[0]
        ),
        "digitalocean_project" => r#"name = "one""#.to_owned(),
        "digitalocean_project_resources" => {
            format!("project = \"{}\"\n  resources = [\"do:volume:{}\"]", account.project, account.volume)
        }
        "digitalocean_record" => "domain = \"example.com\"\n  type = \"A\"\n  name = \"www\"\n  value = \"192.0.2.1\"".to_owned(),
        "digitalocean_spaces_bucket_cors_configuration" => concat!(
            "region = \"nyc3\"\n  bucket = \"other\"\n  cors_rule {\n    allowed_methods = [\"GET\"]\n",
            "    allowed_origins = [\"*\"]\n  }"
        )
        .to_owned(),
        "digitalocean_spaces_bucket_logging" => {
            "region = \"nyc3\"\n  bucket = \"other\"\n  target_bucket = \"other\"\n  target_prefix = \"logs/\"".to_owned()
        }
        "digitalocean_spaces_bucket_object" => "region = \"nyc3\"\n  bucket = \"other\"\n  key = \"one\"\n  content = \"one\"".to_owned(),
        "digitalocean_spaces_bucket_policy" => {
            "region = \"nyc3\"\n  bucket = \"other\"\n  policy = jsonencode({ Statement = [] })".to_owned()
        }
        "digitalocean_spaces_bucket" | "digitalocean_spaces_key" | "digitalocean_tag" => r#"name = "one""#.to_owned(),
        "digitalocean_ssh_key" => format!("name = \"one\"\n  public_key = \"{KEY}\""),
        "digitalocean_uptime_alert" => format!(
            "check_id = \"{}\"\n  name = \"one\"\n  type = \"down\"\n  period = \"2m\"\n  notifications {{\n    email = [\"ops@example.com\"]\n  }}",
            account.check
        ),
        "digitalocean_uptime_check" => "name = \"one\"\n  target = \"https://example.com\"".to_owned(),
        "digitalocean_volume" => "name = \"one\"\n  region = \"nyc3\"\n  size = 10".to_owned(),
        "digitalocean_volume_attachment" => format!("droplet_id = {}\n  volume_id = \"{}\"", account.droplet, account.volume),
        "digitalocean_vpc" => "name = \"one\"\n  region = \"nyc3\"".to_owned(),
        "digitalocean_vpc_peering" => format!("name = \"one\"\n  vpc_ids = [\"{}\", \"{}\"]", account.vpcs[0], account.vpcs[1]),
        "terraform_data" => r#"input = "one""#.to_owned(),
        _ => return None,
    };
    Some(format!("resource \"{kind}\" \"one\" {{\n  {body}\n}}\n"))
}

const DATABASE: &str =
    "name = \"NAME\"\n  engine = \"pg\"\n  version = \"16\"\n  size = \"db-s-1vcpu-1gb\"\n  region = \"nyc3\"\n  node_count = 1";

/// Requests of Terraform 1.11 with the official provider 2.x, from its source and a recording: a plan of what is new asks
/// nothing; a create is read back; each later command reads the object first. What takes time is polled at least once.
fn terraform(kind: &str) -> Option<[usize; 4]> {
    Some(match kind {
        "terraform_data" => [0, 0, 0, 0],
        // POST, a look whether it is active, a read; GET; GET, DELETE, a look whether it is gone.
        "digitalocean_droplet" => [0, 3, 1, 3],
        // The droplet's actions, POST, the action, a read; GET; GET, the holder, POST, the action.
        "digitalocean_floating_ip_assignment" | "digitalocean_reserved_ip_assignment" => [0, 4, 1, 4],
        // POST, a look whether it is verified, the list to read it by name; the list; the list, the list for its uuid, DELETE.
        "digitalocean_certificate" => [0, 3, 1, 3],
        // POST, a look whether it runs, a read, its credentials; GET; GET, DELETE.
        "digitalocean_kubernetes_cluster" => [0, 4, 1, 2],
        // POST, a look whether its nodes run, a read; GET; GET, DELETE, a look whether it is gone.
        "digitalocean_kubernetes_node_pool" => [0, 3, 1, 3],
        // POST, a look whether it is active, a read; GET; GET, DELETE.
        "digitalocean_loadbalancer" => [0, 3, 1, 2],
        // The volume, POST, the action, a read; GET; GET, POST, the action.
        "digitalocean_volume_attachment" => [0, 4, 1, 3],
        // POST, a look whether it is online, a read; GET; GET, DELETE.
        "digitalocean_database_cluster" | "digitalocean_database_replica" => [0, 3, 1, 2],
        // PUT, GET; GET; GET, PUT.
        "digitalocean_database_firewall"
        | "digitalocean_database_connection_pool"
        | "digitalocean_database_db"
        | "digitalocean_database_logsink_opensearch"
        | "digitalocean_database_logsink_rsyslog"
        | "digitalocean_database_user" => [0, 2, 1, 2],
        // POST, the action, a read; GET; GET, POST, the action.
        "digitalocean_reserved_ipv6_assignment" => [0, 3, 1, 3],
        // POST, GET, the subscription; both; both, DELETE.
        "digitalocean_container_registry" => [0, 3, 2, 3],
        // POST, the deployments, the newest one, a read; GET; GET, DELETE.
        "digitalocean_app" => [0, 4, 1, 2],
        // The registry, the credentials; the registry; the registry.
        "digitalocean_container_registry_docker_credentials" => [0, 2, 1, 1],
        // POST, a look whether it is there, a read; GET; GET, DELETE.
        "digitalocean_custom_image" => [0, 3, 1, 2],
        // POST, a look whether it is there, GET; GET; GET, DELETE, a look whether it is gone.
        "digitalocean_partner_attachment" | "digitalocean_vpc_nat_gateway" => [0, 3, 1, 3],
        // POST, GET; GET; GET, DELETE, a look whether it is gone.
        "digitalocean_vpc_peering" => [0, 2, 1, 3],
        // POST, the action, the droplet's snapshots, a read; GET; GET, DELETE.
        "digitalocean_droplet_snapshot" => [0, 4, 1, 2],
        // POST, GET, what lies in it; both; both, DELETE.
        "digitalocean_project" => [0, 3, 2, 3],
        // POST, GET, what lies in it; both; both, POST.
        "digitalocean_project_resources" => [0, 3, 2, 3],
        // PUT, HEAD, PUT of the ACL, a read: HEAD, location, versioning, lifecycle; a read; a read, DELETE.
        "digitalocean_spaces_bucket" => [0, 7, 4, 5],
        // POST, GET; GET; GET, DELETE.
        "digitalocean_cdn"
        | "digitalocean_domain"
        | "digitalocean_firewall"
        | "digitalocean_floating_ip"
        | "digitalocean_monitor_alert"
        | "digitalocean_record"
        | "digitalocean_reserved_ip"
        | "digitalocean_reserved_ipv6"
        | "digitalocean_spaces_bucket_cors_configuration"
        | "digitalocean_spaces_bucket_logging"
        | "digitalocean_spaces_bucket_object"
        | "digitalocean_spaces_bucket_policy"
        | "digitalocean_spaces_key"
        | "digitalocean_ssh_key"
        | "digitalocean_tag"
        | "digitalocean_uptime_alert"
        | "digitalocean_uptime_check"
        | "digitalocean_volume"
        | "digitalocean_volume_snapshot"
        | "digitalocean_vpc" => [0, 2, 1, 2],
        _ => return None,
    })
}

/// What is asked again on purpose: what a zone, a project or a bucket holds, just before it goes, when other steps of the run are done; and
/// which snapshots a droplet has, just before another one is made.
fn looked_at_again(kind: &str, command: &str) -> bool {
    ["digitalocean_domain", "digitalocean_project", "digitalocean_spaces_bucket"].contains(&kind) && command == "destroy"
        || kind == "digitalocean_droplet_snapshot" && command == "apply"
}

/// An account with things of somebody else in it.
struct Account {
    cloud: Cloud,
    stack: Stack,
    droplet: Value,
    address: String,
    check: String,
    volume: String,
    database: String,
    project: String,
    kubernetes: String,
    six: String,
    vpcs: [String; 2],
}

impl Account {
    fn open() -> Self {
        Self::of_seed(1)
    }

    fn of_seed(seed: u64) -> Self {
        let cloud = Cloud::start(Options { seed, ..Options::default() });
        let stack = cloud.serve(Stack::empty()).env("DOFLOAT_CLOCK", "virtual");
        cloud.outside("POST", "/v2/domains", &json!({"name": "example.com"}));
        let droplet = json!({"name": "other", "region": "nyc3", "image": "ubuntu-24-04-x64", "size": "s-1vcpu-1gb"});
        let droplet = cloud.outside("POST", "/v2/droplets", &droplet)["droplet"]["id"].clone();
        let address = cloud.outside("POST", "/v2/reserved_ips", &json!({"region": "nyc3"}))["reserved_ip"]["ip"].clone();
        cloud.finish_all();
        let address = address.as_str().expect("an address is a text").to_owned();
        let check = json!({"name": "other", "type": "ping", "target": "192.0.2.1", "regions": [], "enabled": true});
        let check = cloud.outside("POST", "/v2/uptime/checks", &check)["check"]["id"].as_str().expect("an identity").to_owned();
        let volume = json!({"name": "other", "region": "nyc3", "size_gigabytes": 10});
        let volume = cloud.outside("POST", "/v2/volumes", &volume)["volume"]["id"].as_str().expect("an identity").to_owned();
        let database =
            json!({"name": "other", "engine": "pg", "version": "16", "size": "db-s-1vcpu-1gb", "region": "nyc3", "num_nodes": 1});
        let database = cloud.outside("POST", "/v2/databases", &database)["database"]["id"].as_str().expect("an identity").to_owned();
        let pool = json!({"name": "pool", "size": "s-2vcpu-4gb", "count": 1});
        let kubernetes = json!({"name": "other", "region": "nyc3", "version": "latest", "node_pools": [pool]});
        let kubernetes = cloud.outside("POST", "/v2/kubernetes/clusters", &kubernetes);
        let kubernetes = kubernetes["kubernetes_cluster"]["id"].as_str().expect("an identity").to_owned();
        cloud.with_world(|world| assert_eq!(world.outside("PUT", "/spaces/nyc3/other", None).0, 200));
        let six = cloud.outside("POST", "/v2/reserved_ipv6", &json!({"region_slug": "nyc3"}))["reserved_ipv6"]["ip"].clone();
        let six = six.as_str().expect("an address is a text").to_owned();
        cloud.outside("POST", "/v2/registries", &json!({"name": "other", "subscription_tier_slug": "basic"}));
        cloud.finish_all();
        let project = json!({"name": "other", "purpose": "IoT"});
        let project = cloud.outside("POST", "/v2/projects", &project)["project"]["id"].as_str().expect("an identity").to_owned();
        let vpc = |name: &str| cloud.outside("POST", "/v2/vpcs", &json!({"name": name, "region": "nyc3"}))["vpc"]["id"].clone();
        let vpcs = ["other", "third"].map(|name| vpc(name).as_str().expect("an identity").to_owned());
        Self { cloud, stack, droplet, address, check, volume, database, project, kubernetes, six, vpcs }
    }

    /// An account, and a stack with one resource of a kind.
    fn with(kind: &str) -> Self {
        let account = Self::open();
        let text = minimal(kind, &account).unwrap_or_else(|| panic!("write the least that a {kind} takes"));
        account.stack.write("plans/one.tf", &text);
        account.cloud.forget_log();
        account
    }

    fn log(&self) -> Vec<String> {
        let asked = self.cloud.log();
        let line = |of: &dofloat::sim::Exchange| {
            let query = if of.query.is_empty() { String::new() } else { format!("?{}", of.query) };
            format!("{} {}{query} {}", of.method, of.path.trim_start_matches("/v2"), of.status)
        };
        asked.iter().map(line).collect()
    }
}

#[test]
fn a_stack_of_one_resource_asks_for_little() {
    let mut table = format!("{:36} {}\n", "requests, and Terraform's", LIFE.map(|(name, ..)| format!("{name:>9}")).join(""));
    let mut wrongs = Vec::new();
    for kind in KINDS.iter().map(|kind| kind.name()) {
        let account = Account::with(kind);
        let theirs = terraform(kind).unwrap_or_else(|| panic!("say what Terraform asks for a {kind}"));
        let (mut line, mut all) = (format!("{kind:36} "), Vec::new());
        for ((name, arguments, code), theirs) in LIFE.into_iter().zip(theirs) {
            account.cloud.forget_log();
            account.stack.run(arguments).exits(code);
            let log = account.log();
            let doubles = account.cloud.doubles().into_iter().filter(|_| !looked_at_again(kind, name));
            wrongs.extend(doubles.map(|read| format!("{kind}, {name}: {read} is asked twice")));
            let _ = write!(line, "{:>5} ({theirs})", log.len());
            all.extend(log);
        }
        let most = theirs.iter().sum::<usize>() + LIFE.len() * MORE + PRICES;
        if all.len() > most {
            wrongs.push(format!("{kind}: {}, and {most} are allowed\n  {}", all.len(), all.join("\n  ")));
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    say(&table);
    insta::assert_snapshot!("requests", table);
    assert!(wrongs.is_empty(), "{table}\n{}", wrongs.join("\n"));
}

/// An object that is seen spares the question whose account it is; an account without it must not get away with that, even
/// where it has a thing of the same name.
#[test]
fn a_state_is_refused_by_another_account() {
    for kind in KINDS.iter().filter(|kind| kind.name() != "terraform_data") {
        let name = kind.name();
        let mut account = Account::with(name);
        account.stack.run(&["apply", "one", "-auto-approve"]).ok();
        let other = Account::of_seed(2);
        if name == "digitalocean_tag" {
            other.cloud.outside("POST", "/v2/tags", &json!({"name": "one"}));
        }
        account.stack = other.cloud.serve(account.stack);
        other.cloud.forget_log();
        for arguments in [
            &["plan", "one"][..],
            &["plan", "one", "-refresh=false"],
            &["apply", "one", "-auto-approve"],
            &["destroy", "one", "-auto-approve"],
        ] {
            account.stack.run(arguments).exits(1).mentions("The state of stack one belongs to account ");
        }
        let written: Vec<String> =
            other.log().into_iter().filter(|line| !["GET ", "HEAD "].iter().any(|read| line.starts_with(read))).collect();
        assert!(written.is_empty(), "{name}: {written:?}");
    }
}

/// Where what costs is listed.
const LISTS: [&str; 12] = [
    "apps",
    "databases",
    "droplets",
    "images",
    "kubernetes/clusters",
    "load_balancers",
    "partner_network_connect/attachments",
    "registries",
    "reserved_ips",
    "snapshots",
    "volumes",
    "vpc_nat_gateways",
];

#[test]
fn what_costs_is_not_believed_gone_at_once() {
    // What lies in another object is listed at a path of its own.
    let nested = ["digitalocean_database_replica", "digitalocean_kubernetes_node_pool"];
    for kind in KINDS.iter().filter(|kind| kind.billed() && !nested.contains(&kind.name())) {
        let name = kind.name();
        let account = Account::with(name);
        account.stack.run(&["apply", "one", "-auto-approve"]).ok();
        let old = [LISTS.map(|list| format!("GET /v2/{list} empty-list")), LISTS.map(|list| format!("GET /v2/{list}/* error-before=404"))]
            .concat();
        let old: Vec<&str> = old.iter().map(String::as_str).collect();
        // Once old data in the list and in the object itself: both were wrong.
        account.cloud.set_faults(&old);
        account.stack.run(&["plan", "one", "-detailed-exitcode"]).exits(0).says("No changes.");
        account.cloud.set_faults(&old);
        account.stack.run(&["apply", "one", "-auto-approve"]).ok().says("Apply complete! Resources: 0 added, 0 changed, 0 destroyed.");
        account.cloud.set_faults(&old);
        account.stack.run(&["destroy", "one", "-auto-approve"]).ok().says("Destroy complete! Resources: 1 destroyed.");
        // And what is gone is gone.
        account.cloud.set_faults(&[]);
        account.stack.run(&["apply", "one", "-auto-approve"]).ok();
        let state = account.stack.json("state/one.json");
        let id = state["resources"][format!("{name}.one")]["id"].as_str().expect("it has an identity").to_owned();
        let list = match name {
            "digitalocean_database_cluster" => "databases",
            "digitalocean_app" => "apps",
            "digitalocean_container_registry" => "registries",
            "digitalocean_custom_image" => "images",
            "digitalocean_droplet_snapshot" | "digitalocean_volume_snapshot" => "snapshots",
            "digitalocean_droplet" => "droplets",
            "digitalocean_kubernetes_cluster" => "kubernetes/clusters",
            "digitalocean_loadbalancer" => "load_balancers",
            "digitalocean_partner_attachment" => "partner_network_connect/attachments",
            "digitalocean_vpc_nat_gateway" => "vpc_nat_gateways",
            "digitalocean_volume" => "volumes",
            _ => "reserved_ips",
        };
        account.cloud.outside("DELETE", &format!("/v2/{list}/{id}"), &Value::Null);
        account.stack.run(&["plan", "one", "-detailed-exitcode"]).exits(2).says("Plan: 1 to add, 0 to change, 0 to destroy.");
    }
}
