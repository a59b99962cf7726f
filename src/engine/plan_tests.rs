//! What a plan makes of a configuration, a state and what is seen: a golden of cases.

use std::fmt::Write as _;

use super::moves;
use super::plan::make;
use super::planned::Input;
use super::request::Options;
use super::sketch_tests::{Sketch, at, base, seen, state, told_change, told_problem, told_shown, told_steps};

/// A case: its name, the configuration, the state, what is seen, and what is asked for.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str, Options);

fn told(case: &Case<'_>) -> String {
    let (name, configuration, records, there, options) = case;
    let (resolve, mut state) = (Sketch::new(configuration), state(records));
    let moves = moves::apply(&mut state, dofloat_base::desired::Resolve::desired(&resolve));
    let observed = seen(&state, there);
    let mut text = format!("## {name}\n");
    match make(Input { resolve: &resolve, state: &state, observed: &observed, options, moves: &moves }, base()) {
        Err(stop) => text.extend(stop.diagnostics.iter().map(|error| told_problem(error) + "\n")),
        Ok(planned) => {
            let plan = planned.plan;
            for drift in &plan.drift {
                let _ = writeln!(text, "drift of {}: {}", drift.id, if drift.gone { "gone" } else { "altered" });
            }
            text.extend(plan.changes.iter().map(|change| told_change(change) + "\n"));
            for (name, output) in &plan.outputs {
                let _ = writeln!(text, "output {name}: {} -> {}", told_shown(&output.before), told_shown(&output.after));
            }
            text.extend(plan.notes.iter().map(|note| told_problem(note) + "\n"));
            if !plan.steps.is_empty() {
                let _ = writeln!(text, "{}", told_steps(&plan.steps));
            }
        }
    }
    text
}

fn golden(cases: &[Case<'_>]) -> String {
    cases.iter().map(told).collect::<Vec<_>>().join("\n")
}

const NET: &str = "vpc.net name=net region=ams3";
const NET_IS: &str = "vpc.net=v-1 name=net region=ams3 ip_range=10.0.0.0/20";
const WEB: &str = "droplet.web name=web image=debian-13-x64 size=s-1vcpu-1gb region=ams3 vpc_uuid=@vpc.net.id";
const WEB_IS: &str = "droplet.web=4 name=web image=debian-13-x64 size=s-1vcpu-1gb region=ams3 vpc_uuid=v-1 status=active backups=false \
                      ipv6=false monitoring=false resize_disk=true graceful_shutdown=false >vpc.net";

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

#[test]
fn what_is_wanted_and_what_is_there() {
    let both = format!("{NET}\n{WEB}");
    let both_are = format!("{NET_IS}\n{WEB_IS}");
    let none = Options::default;
    let text = golden(&[
        ("what is new is made in its order", &format!("{both}\noutput id=@droplet.web.id"), "", "", none()),
        ("what is as it is wanted is kept", &both, &both_are, "", none()),
        ("an edit in place", &both.replace("name=net", "name=core"), &both_are, "", none()),
        ("an edit that interrupts", &both.replace("1vcpu-1gb", "2vcpu-2gb"), &both_are, "", none()),
        ("a replacement takes along what is built upon it", &both.replace("ams3", "fra1"), &both_are, "", none()),
        ("the new one first", &format!("{NET}\n{} !first", WEB.replace("debian-13", "debian-12")), &both_are, "", none()),
        ("what the new one needs comes first as well", &format!("{NET}\n{WEB} !first").replace("ams3", "fra1"), &both_are, "", none()),
        ("a change that is ignored", &format!("{} !ignore:name", NET.replace("name=net", "name=core")), NET_IS, "", none()),
        ("what is gone is made anew", &both, &both_are, "droplet.web gone", none()),
        ("what was altered by hand is put back", &both, &both_are, "vpc.net name=other", none()),
        ("what is not wanted any more goes in its order", "", &both_are, "", none()),
        ("what is unfinished is waited for", &both, &format!("{NET_IS}\n{WEB_IS} !unfinished"), "", none()),
        ("what was off by hand is switched on", &both, &both_are, "droplet.web status=off", none()),
        ("a replaced object that is left", NET, &format!("{NET_IS}\n-vpc.net=v-0 name=old"), "", none()),
        ("a secret output is not shown", "tag.a name=a\noutput key=$new", "tag.a=a name=a", "", none()),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_asked_for_beside_it() {
    let both = format!("{NET}\n{WEB}");
    let both_are = format!("{NET_IS}\n{WEB_IS}");
    let edited = both.replace("name=net", "name=core").replace("name=web", "name=www");
    let text = golden(&[
        ("destroy", &both, &both_are, "", options(|asked| asked.destroy = true)),
        ("destroy of a part takes what is built upon it", &both, &both_are, "", {
            options(|asked| (asked.destroy, asked.targets) = (true, vec![at("vpc.net")]))
        }),
        ("a part, with what it is built upon", &edited, &both_are, "", options(|asked| asked.targets = vec![at("droplet.web")])),
        ("a part that leaves the rest", &edited, &both_are, "", options(|asked| asked.targets = vec![at("vpc.net")])),
        ("a replacement by the user's word", &both, &both_are, "", options(|asked| asked.replace = vec![at("droplet.web")])),
        ("only a look", &both, &both_are, "vpc.net name=other\ndroplet.web gone", options(|asked| asked.refresh_only = true)),
        ("a target that is nowhere", &both, &both_are, "", options(|asked| asked.targets = vec![at("tag.none")])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn what_became_of_addresses() {
    let none = Options::default;
    let text = golden(&[
        ("a move", "tag.b name=x\nmoved tag.a->tag.b", "tag.a=x name=x", "", none()),
        ("a move to a name that changes", "tag.b name=y\nmoved tag.a->tag.b", "tag.a=x name=x", "", none()),
        ("what is let go", "removed tag.a", "tag.a=x name=x", "", none()),
        ("what is prevented from going", "vpc.net name=net region=fra1 !prevent", NET_IS, "", none()),
        ("a destroy that is prevented", &format!("{NET} !prevent"), NET_IS, "", options(|asked| asked.destroy = true)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_wrong_is_told_at_once() {
    let text = golden(&[
        (
            "a circle",
            "vpc.a name=a region=ams3 description=@vpc.b.id\nvpc.b name=b region=ams3 description=@vpc.a.id",
            "",
            "",
            Options::default(),
        ),
        ("several mistakes", "thing.a x=y\nvpc.net nome=net region=ams3\ntag.b name=$secret\ndroplet.w name=w", "", "", Options::default()),
    ]);
    insta::assert_snapshot!(text);
}
