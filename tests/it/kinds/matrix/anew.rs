//! Each kind made anew: under another name in the files, with nothing that says so, and in place of itself while the old one is there.
//!
//! Invariant: it is refused before the first write, or done for good: no apply succeeds and takes away what it has just made.

use dofloat::engine::request::Options;
use dofloat::kinds::KINDS;

use super::samples::{BEDS, Bed};
use super::{Account, account, line, once, settled, stack};
use crate::support::harness::say;

/// What is known by an attribute of its own, whoever makes it.
const SAME: &[&str] = &[
    "digitalocean_database_firewall",
    "digitalocean_domain",
    "digitalocean_floating_ip_assignment",
    "digitalocean_project_resources",
    "digitalocean_reserved_ip_assignment",
    "digitalocean_reserved_ipv6_assignment",
    "digitalocean_ssh_key",
    "digitalocean_tag",
    "digitalocean_volume_attachment",
    "digitalocean_vpc",
];

/// The stack of a bed as it is written where nothing else is said.
fn plain(bed: &Bed) -> String {
    let rows = KINDS.iter().find(|kind| kind.name() == bed.kind).expect("a kind").attrs();
    let sample = &bed.samples[0];
    let row = rows.iter().find(|row| row.name == sample.name).expect("an attribute");
    stack(bed, rows, sample, &line(row, sample.value))
}

/// Applies `later` on top of `first`; whether it was refused, with nothing done.
async fn then(first: &str, later: &str, options: &Options, refusal: &str, account: &Account) -> Result<bool, String> {
    once(first, account, &Options::default()).await.map_err(|why| format!("the first apply: {why}"))?;
    match once(later, account, options).await {
        Ok(_) => settled(later, account).await.map(|()| false),
        Err(why) if why.contains(refusal) => settled(first, account).await.map(|()| true),
        Err(why) => Err(why),
    }
}

fn every_bed(what: &str, refusal: &str, later: impl Fn(&Bed, &str) -> (String, String, Options)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut refused, mut failures) = (Vec::new(), Vec::new());
    for bed in BEDS {
        let (first, later, options) = later(bed, &plain(bed));
        let done = runtime.block_on(async {
            let account = account().await;
            let done = then(&first, &later, &options, refusal, &account).await;
            account.running.stop().await;
            done
        });
        match done {
            Ok(true) => refused.push(bed.kind),
            Ok(false) => {}
            Err(why) => failures.push(format!("{} {}: {why}", bed.kind, bed.label)),
        }
    }
    refused.dedup();
    say(&format!("{what}: {} beds, refused {}: {}", BEDS.len(), refused.len(), refused.join(", ")));
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n\n"));
    let lacking: Vec<&&str> = SAME.iter().filter(|kind| !refused.contains(kind)).collect();
    assert!(lacking.is_empty(), "not refused: {lacking:?}");
}

#[test]
fn under_another_name_it_is_refused_or_really_another_one() {
    every_bed("under another name", "takes the place of", |bed, text| {
        let renamed = text.replace(&format!("\"{}\" \"x\"", bed.kind), &format!("\"{}\" \"y\"", bed.kind));
        let renamed = renamed.replace(&format!("{}.x.", bed.kind), &format!("{}.y.", bed.kind));
        (text.to_owned(), renamed, Options::default())
    });
}

#[test]
fn beside_itself_it_is_refused_or_really_another_one() {
    every_bed("beside itself", "cannot be created before the old one is destroyed", |bed, text| {
        let head = format!("resource \"{}\" \"x\" {{\n", bed.kind);
        let text = text.replace(&head, &format!("{head}  lifecycle {{\n    create_before_destroy = true\n  }}\n"));
        let address = format!("{}.x", bed.kind).parse().expect("an address");
        (text.clone(), text, Options { replace: vec![address], ..Options::default() })
    });
}
