//! What a takeover makes of the objects that were seen: a golden of cases.

use std::collections::BTreeMap;

use super::import::{again, complete, targets};
use super::moves::Moves;
use super::plan::make;
use super::planned::Input;
use super::request::Options;
use super::sketch_tests::{Sketch, at, base, seen, state, told_change, told_problem, told_state};
use dofloat_base::desired::Resolve as _;
use dofloat_base::identity::Id;

/// A case: its name, the configuration, the state, and what is seen of the objects that are taken over.
fn told((name, configuration, records, there): (&str, &str, &str, &str)) -> String {
    let (resolve, mut state, mut moves) = (Sketch::new(configuration), state(records), Moves::default());
    let observed = seen(&state, there);
    let targets = targets(resolve.desired(), &state);
    let ids: BTreeMap<_, _> = targets.iter().map(|target| (target.to.clone(), target.id.clone())).collect();
    again(&mut state, &observed.seen, &ids, resolve.desired(), &mut moves);
    let first = told_state(&state);
    let options = Options::default();
    let made = make(Input { resolve: &resolve, state: &state, observed: &observed, options: &options, moves: &moves }, base());
    let planned = match made {
        Ok(planned) => planned,
        Err(stop) => return format!("## {name}\n{}\n", stop.diagnostics.iter().map(told_problem).collect::<Vec<_>>().join("\n")),
    };
    complete(&mut state, &planned, &observed, &moves);
    let changes: Vec<String> = planned.plan.changes.iter().map(told_change).collect();
    let notes: Vec<String> = planned.plan.notes.iter().map(told_problem).collect();
    let lines = [format!("## {name}"), changes.join("\n"), notes.join("\n"), "records at first:".to_owned(), first];
    let lines = lines.into_iter().chain(["records as they are kept:".to_owned(), told_state(&state)]);
    lines.filter(|line| !line.is_empty()).map(|line| line + "\n").collect()
}

/// A droplet as the API shows it, which never shows its image and its user-data.
const WEB: &str = "droplet.web id=4 name=web size=s-1vcpu-1gb region=ams3 status=active backups=false ipv6=false monitoring=false";

#[test]
fn what_is_taken_over_is_kept_as_apply_would_keep_it() {
    let net = "vpc.net name=net region=ams3\nimport vpc.net=v-1";
    let web = "droplet.web name=web image=debian-13-x64 size=s-1vcpu-1gb region=ams3 user_data=$secret\nimport droplet.web=4";
    let text = [
        ("an object as it is wanted", net, "", "vpc.net id=v-1 name=net region=ams3 ip_range=10.0.0.0/20 default=false"),
        ("an object that differs", net, "", "vpc.net id=v-1 name=other region=ams3 ip_range=10.0.0.0/20"),
        ("what cannot be read is believed", web, "", WEB),
        ("an address that has a record is passed over", net, "vpc.net=v-0 name=net region=ams3", ""),
        (
            "what is built upon it knows that",
            "vpc.net name=net region=ams3\nimport vpc.net=v-1\ntag.t name=t\nvpc.other name=@vpc.net.name region=ams3",
            "vpc.other=v-2 name=net region=ams3\ntag.t=t name=t",
            "vpc.net id=v-1 name=net region=ams3",
        ),
    ]
    .map(told)
    .join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn only_addresses_without_a_record_are_wished_for() {
    let sketch = Sketch::new("tag.a name=a\ntag.b name=b\nimport tag.a=a\nimport tag.b=b");
    let targets: Vec<_> = targets(sketch.desired(), &state("tag.b=b name=b")).into_iter().map(|target| (target.to, target.id)).collect();
    assert_eq!(targets, [(at("tag.a"), Id("a".to_owned()))]);
}
