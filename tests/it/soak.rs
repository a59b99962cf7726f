//! A soak: small changes of one stack, applied for as long as it takes to see that memory and files stay bounded.
//!
//! Invariant: nothing is timed. It is played in a process of its own, so that what is measured is its own.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::engine::Sketch;
use crate::support::account::{Account, droplet};
use crate::support::alone::alone;
use crate::support::harness::{Width, asked, say, width};

/// How much more memory, in MiB, the last nine tenths of the applies may take than the first.
const MORE: u64 = 24;

const OWN: &str = "DOFLOAT_SOAK";

/// The stack after so many changes: each differs from the one before it in one thing.
fn after(changes: u64) -> Sketch {
    let made = |what: u64| (changes + 5 - what) / 5;
    let mut stack = Map::from_iter([
        ("digitalocean_vpc.net".to_owned(), json!({"name": "net", "region": "nyc3"})),
        ("digitalocean_domain.d".to_owned(), json!({"name": "example.com"})),
        ("digitalocean_reserved_ip.ip".to_owned(), json!({"region": "nyc3"})),
        (
            "digitalocean_ssh_key.ops".to_owned(),
            json!({"name": format!("ops-{}", made(1) % 7), "public_key": crate::support::harness::KEY}),
        ),
    ]);
    for name in ["a", "b", "c"] {
        stack.insert(format!("digitalocean_droplet.{name}"), droplet(name));
    }
    stack["digitalocean_droplet.a"]["tags"] = json!([format!("v{}", made(2) % 3)]);
    let record = |name: &str, ttl: u64| json!({"domain": "$digitalocean_domain.d.name", "type": "A", "name": name, "ttl": ttl, "value": "$digitalocean_reserved_ip.ip.ip_address"});
    stack.insert("digitalocean_record.www".to_owned(), record("www", 30 + made(3) % 1000));
    if made(4) % 2 == 1 {
        stack.insert("digitalocean_record.now_and_then".to_owned(), record("now", 1800));
    }
    let rule = json!([{"protocol": "tcp", "port_range": (1000 + made(5) % 1000).to_string(), "source_addresses": ["192.0.2.0/24"]}]);
    stack.insert(
        "digitalocean_firewall.f".to_owned(),
        json!({"name": "fw", "droplet_ids": ["$digitalocean_droplet.a.id"], "inbound_rule": rule}),
    );
    Sketch::new(Value::Object(stack))
}

/// The memory that this process has, in MiB.
fn memory() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok().and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096 / (1 << 20)
}

/// How many files there are, and how many bytes in them.
fn files(folder: &Path) -> (usize, u64) {
    let sizes: Vec<u64> = fs::read_dir(folder).expect("a folder").flatten().filter_map(|file| Some(file.metadata().ok()?.len())).collect();
    (sizes.len(), sizes.iter().sum())
}

/// The part of [`memory_and_files_stay_bounded`] that is played by a process of its own.
#[test]
fn in_a_process_of_its_own() {
    let Some(count) = asked(OWN) else { return };
    let account = Account::open(1, 0, 0, None);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut known = None;
    for changes in 0..=count {
        let (cost, client) = runtime.block_on(account.run(&after(changes), false, known.as_ref()));
        assert!(cost.changes > 0, "apply {changes} changes nothing");
        known = Some(client);
        if [count / 10, count].contains(&changes) {
            let (number, bytes) = files(account.folder());
            say(&format!("SOAK {changes} {} {number} {bytes}", memory()));
        }
    }
}

#[test]
fn memory_and_files_stay_bounded() {
    let count = match width() {
        Width::Thin => 40,
        Width::Full => 200,
        Width::Whole => 10_000,
    };
    let said = alone("soak::in_a_process_of_its_own", OWN, &count.to_string());
    let figures = |line: &String| Some(line.strip_prefix("SOAK ")?.split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<u64>>());
    let [begun, ended] =
        said.iter().filter_map(figures).collect::<Vec<_>>().try_into().unwrap_or_else(|_| panic!("it ends early: {said:#?}"));
    say(&format!("applies, MiB, files, bytes: {begun:?}, and then {ended:?}"));
    assert!(ended[1] <= begun[1] + MORE, "memory grows: {begun:?}, {ended:?}");
    assert_eq!(ended[2], begun[2], "files are left over");
    assert!(ended[3] <= begun[3] + 1024, "files grow: {begun:?}, {ended:?}");
}
