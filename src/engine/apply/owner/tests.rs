//! Stories of a run, told by what its workers would report: what comes into the journal, what is told, and how far the run is.
//!
//! No worker ever runs here: nothing waits while a story is told.

use std::path::Path;

use tokio::sync::oneshot;

use super::*;
use crate::apply::ApplyOptions;
use crate::claims::Claims;
use crate::moves::Moves;
use crate::plan::make;
use crate::planned::Input;
use crate::recover::Located;
use crate::request::Options;
use crate::sketch_tests::{Sketch, base, owner, seen, short, state, told_object_op, told_op, told_problem, told_state};
use dofloat_api::client::{Client, Settings};
use dofloat_api::error::{ApiError, Asked};
use dofloat_base::clock::{Clock, Moment};
use dofloat_base::identity::Mark;
use dofloat_base::redact::Redactor;
use dofloat_base::rng::Rng;
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Value};
use dofloat_kinds::erased::{Certainty, Found};
use dofloat_state::journal::Line;
use dofloat_state::store::{Paths, RunStart, Store};

const GRACE: std::time::Duration = std::time::Duration::from_secs(60);

fn client(clock: &Clock) -> Client {
    let base = "http://127.0.0.1:1".parse().unwrap();
    Client::new(Settings::new(base, Secret::new("token".to_owned()), clock.clone(), Arc::new(Rng::seeded(1)))).unwrap()
}

/// Walks a story, and tells what came of it.
async fn told(name: &str, configuration: &str, records: &str, keep_going: bool, story: impl FnOnce(&mut Owner<'_>, &Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let paths = Paths::beside(&folder.path().join("state/web.json"), folder.path().to_owned());
    let journal = paths.journal.clone();
    let mut lock = Store::open(paths).without_lock().await.unwrap();
    let store = lock.files();
    store.load().unwrap();
    let (resolve, state, moves, options) = (Sketch::new(configuration), state(records), Moves::default(), Options::default());
    let observed = seen(&state, "");
    let planned = make(Input { resolve: &resolve, state: &state, observed: &observed, options: &options, moves: &moves }, base()).unwrap();
    store.begin(&state, RunStart { owner: owner(), marked: BTreeSet::new(), addresses: BTreeSet::new() }).unwrap();
    let clock = Clock::virtual_at(Moment(1_000));
    let mut events = Vec::new();
    let mut tell = |event: Event| events.push(told_event(&event));
    let (_sender, stop) = watch::channel(false);
    let run = Run {
        planned: &planned,
        resolve: &resolve,
        state,
        store,
        api: client(&clock),
        mark: Mark::of_stack("web", "l"),
        clock,
        claims: Claims::new(),
        options: ApplyOptions { parallelism: 10, keep_going, grace: GRACE, provisioners: None, known: Redactor::default() },
        stop,
        tell: &mut tell,
    };
    let (mut owner, _inbox) = Owner::new(run);
    owner.start_ready(None);
    story(&mut owner, &journal);
    let phase = format!("{:?}", owner.phase).split('(').next().unwrap_or_default().to_lowercase();
    let left = owner.finish();
    let lines = std::fs::read_to_string(&journal).unwrap_or_default();
    let lines: Vec<String> = lines.lines().filter_map(|line| told_line(&serde_json::from_str(line).unwrap())).collect();
    let errors: Vec<String> =
        left.outcome.errors.iter().map(|error| told_problem(error).replace(&at("").display().to_string(), "")).collect();
    let end = format!(
        "{phase}, {}{}, {} not begun",
        if left.settled { "settled" } else { "not settled" },
        if left.outcome.decision { ", to be decided" } else { "" },
        left.outcome.skipped
    );
    let parts =
        [("journal", lines.join("\n")), ("told", events.join("\n")), ("errors", errors.join("\n")), ("records", told_state(&left.state))];
    let parts: String = parts.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name}:\n{text}\n")).collect();
    format!("## {name}\n{parts}{end}\n")
}

fn told_event(event: &Event) -> String {
    match event {
        Event::Started { address, op } => format!("started {} {}", told_op(op), short(address)),
        Event::Slowed { .. } => "slowed".to_owned(),
        Event::Provisioning { address, provisioner, .. } => format!("{provisioner} of {}", short(address)),
        Event::Waiting { address, op, .. } => format!("waiting {} {}", told_op(op), short(address)),
        Event::Done { address, op, .. } => format!("done {} {}", told_op(op), short(address)),
        Event::Failed { address, op, .. } => format!("failed {} {}", told_op(op), short(address)),
        Event::Skipped { address, op } => format!("skipped {} {}", told_op(op), short(address)),
        Event::Stopping => "stopping".to_owned(),
    }
}

fn told_line(line: &Line) -> Option<String> {
    Some(match &line.entry {
        Entry::Begin(begin) => format!("{} begin {} {}", begin.step, told_object_op(&begin.op), short(&begin.address)),
        Entry::Id { step, id } => format!("{step} id {id}"),
        Entry::Done { step, outcome } => format!("{step} done, leaves {outcome}"),
        Entry::Failed { step, .. } => format!("{step} failed"),
        Entry::Provisioner { step, nth, .. } => format!("{step} provisioner {nth}"),
        Entry::Provisioned { step, .. } => format!("{step} provisioned"),
        Entry::Header(_) | Entry::Project { .. } | Entry::End { .. } => return None,
    })
}

fn id(text: &str) -> Id {
    Id(text.to_owned())
}

fn body(id: &str) -> Body {
    Body::from([("id".to_owned(), Value::from(id)), ("name".to_owned(), Value::from("net")), ("region".to_owned(), Value::from("ams3"))])
}

fn made(step: u32, object: &str) -> Message {
    Message::Made { step: StepId(step), id: id(object), written: oneshot::channel().0 }
}

fn done(step: u32, object: &str) -> Message {
    Message::Done { step: StepId(step), live: Some((id(object), body(object))) }
}

fn failed(step: u32, doubt: bool) -> Message {
    Message::Failed { step: StepId(step), why: Diagnostic::error("It failed."), doubt }
}

fn lost(step: u32) -> Message {
    let asked = Asked { method: "POST", path: "/vpcs".to_owned(), attempts: 1 };
    Message::Lost { step: StepId(step), error: ApiError::Ambiguous { asked, why: "the answer was cut".to_owned() } }
}

fn located(step: u32, found: Located) -> Message {
    Message::Located { step: StepId(step), found: Ok(found) }
}

fn found(object: &str) -> Found {
    Found { id: id(object), body: body(object), certainty: Certainty::Ours, marks: Vec::new(), project: None }
}

const NET: &str = "vpc.net name=net region=ams3";
/// Two that need each other, and one that stands alone.
const THREE: &str = "vpc.net name=net region=ams3\nvpc.upon name=@vpc.net.id region=ams3\ntag.alone name=alone";

#[tokio::test]
async fn a_step_comes_to_its_end() {
    let stories = [
        told("made, waited for, done", NET, "", false, |owner, _| {
            owner.take(vec![made(0, "v-1")]);
            owner.take(vec![done(0, "v-1")]);
        })
        .await,
        told("all in one batch", NET, "", false, |owner, _| owner.take(vec![made(0, "v-1"), done(0, "v-1")])).await,
        told("what is only forgotten", "removed vpc.net", "vpc.net=v-1 name=net", false, |owner, _| {
            owner.take(vec![Message::Done { step: StepId(0), live: None }]);
        })
        .await,
        told("refused", THREE, "", false, |owner, _| owner.take(vec![failed(1, false)])).await,
        told("refused, and others go on", THREE, "", true, |owner, _| owner.take(vec![failed(1, false)])).await,
        told("made, and never seen usable", NET, "", false, |owner, _| {
            owner.take(vec![made(0, "v-1")]);
            owner.take(vec![failed(0, true)]);
        })
        .await,
        told("perhaps made", NET, "", false, |owner, _| owner.take(vec![failed(0, true)])).await,
        told("Ctrl-C", THREE, "", false, |owner, _| {
            owner.interrupt();
            owner.interrupt();
            owner.take(vec![made(0, "t")]);
        })
        .await,
        told("Ctrl-C, and the time is up", THREE, "", false, |owner, _| {
            owner.take(vec![made(0, "t")]);
            owner.interrupt();
            owner.abandon();
        })
        .await,
    ];
    insta::assert_snapshot!(stories.join("\n"));
}

#[tokio::test]
async fn an_answer_that_was_lost_is_looked_for() {
    let stories = [
        told("found", NET, "", false, |owner, _| {
            owner.take(vec![lost(0)]);
            owner.locate_next();
            assert_eq!(owner.locating, Some(StepId(0)));
            owner.take(vec![located(0, Located::One(found("v-1")))]);
            assert_eq!(owner.locating, None);
            owner.take(vec![done(0, "v-1")]);
        })
        .await,
        told("never happened, again and again", NET, "", false, |owner, _| {
            for _ in 0..3 {
                owner.take(vec![lost(0)]);
                owner.locate_next();
                owner.take(vec![located(0, Located::Nothing)]);
            }
        })
        .await,
        told("never happened, after Ctrl-C", NET, "", false, |owner, _| {
            owner.interrupt();
            owner.take(vec![lost(0), located(0, Located::Nothing)]);
        })
        .await,
        told("a doubt", NET, "", false, |owner, _| {
            owner.take(vec![lost(0), located(0, Located::Doubt(vec![found("v-1"), found("v-2")]))]);
        })
        .await,
        told("one at a time", "vpc.a name=a region=ams3\nvpc.b name=b region=ams3", "", false, |owner, _| {
            owner.take(vec![lost(0)]);
            owner.locate_next();
            assert_eq!(owner.locating, None, "the other create is still without an answer");
            owner.take(vec![lost(1)]);
            owner.locate_next();
            assert_eq!((owner.locating, owner.lost.len()), (Some(StepId(0)), 1));
        })
        .await,
        told(
            "nothing of its kind is made meanwhile",
            "vpc.a name=a region=ams3\ntag.t name=t\nvpc.b name=@tag.t.id region=ams3",
            "",
            false,
            |owner, _| {
                let of = |owner: &Owner<'_>, name: &str| owner.steps.values().find(|step| step.address.name == name).unwrap().id;
                let [a, t, b] = ["a", "t", "b"].map(|name| of(owner, name));
                owner.take(vec![lost(a.0), made(t.0, "t")]);
                owner.locate_next();
                owner.take(vec![done(t.0, "t")]);
                owner.start_ready(None);
                assert!(!owner.running.contains_key(&b), "what it makes would be found, and taken for the lost one");
                owner.take(vec![located(a.0, Located::One(found("v-1")))]);
                owner.start_ready(None);
                assert!(owner.running.contains_key(&b));
            },
        )
        .await,
    ];
    insta::assert_snapshot!(stories.join("\n"));
}

/// Every line goes by one way: whatever cannot be written down is told with its reason and its identity.
#[tokio::test]
async fn a_journal_that_is_gone_breaks_the_run_off() {
    let gone = |journal: &Path| std::fs::remove_file(journal).unwrap();
    let stories = [
        told("when an object is made", THREE, "", false, |owner, journal| {
            gone(journal);
            owner.take(vec![made(1, "v-1")]);
            owner.take(vec![done(1, "v-1")]);
        })
        .await,
        told("when a lost one is found", NET, "", false, |owner, journal| {
            owner.take(vec![lost(0)]);
            gone(journal);
            owner.take(vec![located(0, Located::One(found("v-1")))]);
        })
        .await,
        told("when a step begins", THREE, "", false, |owner, journal| {
            owner.take(vec![made(1, "v-1")]);
            gone(journal);
            owner.take(vec![done(1, "v-1")]);
            owner.start_ready(None);
        })
        .await,
    ];
    insta::assert_snapshot!(stories.join("\n"));
}
