//! What apply tells while it works, as text and as lines of Terraform's machine-readable stream.
//!
//! Invariant: pure but for remembering when a waiting step was last mentioned.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::outputs::{self, OutputView};
use super::paint::Paint;
use super::plan_json::{line, resource, summary_line};
use super::value_text::{clock, visible};
use super::wait_notices::{SlowNotices, WaitNotices, rate_limit};
use dofloat_base::address::Address;
use dofloat_base::identity::Id;
use dofloat_engine::change::{Change, Event, Outcome, Plan, Provisioning, StepOp};
use dofloat_state::journal::Op;
use dofloat_state::shown_id;

/// Puts events into words.
#[derive(Clone, Debug)]
pub struct EventPrinter {
    /// What was there: its identity, and how that is shown.
    ids: BTreeMap<Address, (Id, Id)>,
    notices: WaitNotices<(Address, StepOp)>,
    slowed: SlowNotices,
    under_way: usize,
    to_come: usize,
}

impl EventPrinter {
    /// A printer of the apply of a plan, which knows the identities of what is there already.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let shown = |change: &Change| {
            let id = change.id.clone()?;
            let shown = change.before.as_ref().map_or_else(|| id.clone(), |before| shown_id(before, &id));
            Some((change.address.clone(), (id, shown)))
        };
        let (ids, to_come) = (plan.changes.iter().filter_map(shown).collect(), plan.steps.len());
        Self { ids, notices: WaitNotices::default(), slowed: SlowNotices::default(), under_way: 0, to_come }
    }

    /// The event as a line of text, if it is worth one.
    pub fn text(&mut self, event: &Event, paint: Paint) -> Option<String> {
        self.count(event);
        match event {
            Event::Started { op: StepOp::Object(Op::Forget { .. }), .. } => None,
            Event::Started { address, op } => {
                let id = self.id(address, op).map(|id| format!(" [id={id}]")).unwrap_or_default();
                Some(paint.bold(&format!("{address}: {}...{id}", words(op).doing)))
            }
            Event::Waiting { address, op, what, seen, elapsed, pause, limit } => {
                if !self.notices.due((address.clone(), op.clone()), *elapsed + *pause, seen) {
                    return None;
                }
                let limit = limit.map(|limit| format!(", up to {}", clock(limit))).unwrap_or_default();
                let what = if what.is_empty() { String::new() } else { format!(", waiting for {}", visible(what)) };
                let seen = if seen.is_empty() { String::new() } else { format!("; {}", visible(seen)) };
                Some(paint.bold(&format!("{address}: Still {}... [{} elapsed{limit}{what}{seen}]", words(op).still, clock(*elapsed))))
            }
            Event::Provisioning { address, provisioner, what } => provisioning(address, provisioner, what, paint),
            Event::Slowed { shortage, pause } => {
                let waits = self.waits();
                self.slowed.text(shortage, *pause, &waits).map(|text| paint.bold(&text))
            }
            Event::Done { address, op: StepOp::Object(Op::Forget { .. }), .. } => {
                Some(paint.bold(&format!("{address}: Removed from the state")))
            }
            Event::Done { address, op, id, elapsed } => {
                let id = match op {
                    StepOp::Object(Op::Delete { .. }) => String::new(),
                    _ => id.as_ref().or_else(|| self.shown(address)).map(|id| format!(" [id={id}]")).unwrap_or_default(),
                };
                Some(paint.bold(&format!("{address}: {} complete after {}{id}", words(op).noun, clock(*elapsed))))
            }
            Event::Failed { address, op, .. } => Some(paint.bad(&format!("{address}: {} failed", words(op).noun))),
            Event::Skipped { .. } => None,
            Event::Stopping => Some(paint.bold(
                "Interrupted: waiting for running operations, starting no new ones. Interrupt again to stop at once; the journal \
                 records what was done.",
            )),
        }
    }

    fn count(&mut self, event: &Event) {
        match event {
            Event::Started { .. } => {
                self.under_way += 1;
                self.to_come = self.to_come.saturating_sub(1);
            }
            Event::Done { .. } | Event::Failed { .. } => self.under_way = self.under_way.saturating_sub(1),
            Event::Skipped { .. } => self.to_come = self.to_come.saturating_sub(1),
            Event::Waiting { .. } | Event::Provisioning { .. } | Event::Slowed { .. } | Event::Stopping => {}
        }
    }

    /// What waits while the request limit is used up.
    fn waits(&self) -> String {
        match (self.under_way, self.to_come) {
            (0, 0) => String::new(),
            (1, 0) => " What waits: 1 operation under way.".to_owned(),
            (under_way, 0) => format!(" What waits: {under_way} operations under way."),
            (1, to_come) => format!(" What waits: 1 operation under way, {to_come} still to start."),
            (under_way, to_come) => format!(" What waits: {under_way} operations under way, {to_come} still to start."),
        }
    }

    /// The event as a line of the machine-readable stream, if it has one.
    pub fn json(&mut self, event: &Event, timestamp: &str) -> Option<Json> {
        let message = self.text(event, Paint::PLAIN);
        if let Event::Provisioning { address, provisioner, what } = event {
            return Some(provisioning_line(address, provisioner, what, &message.unwrap_or_default(), timestamp));
        }
        let (kind, address, op) = match event {
            Event::Provisioning { .. } => return None,
            Event::Started { address, op } => ("apply_start", address, op),
            Event::Waiting { address, op, .. } => ("apply_progress", address, op),
            Event::Done { address, op, .. } => ("apply_complete", address, op),
            Event::Failed { address, op, .. } => ("apply_errored", address, op),
            Event::Skipped { address, op } => ("apply_skipped", address, op),
            Event::Stopping => return Some(line("log", &message?, timestamp)),
            Event::Slowed { shortage, .. } => {
                let mut line = line("log", &message?, timestamp);
                line["rate_limit"] = rate_limit(shortage);
                return Some(line);
            }
        };
        let message = match (event, message) {
            (_, Some(message)) => message,
            (Event::Waiting { .. }, None) => return None,
            (Event::Skipped { .. }, None) => format!("{address}: {} not started", words(op).noun),
            (_, None) => format!("{address}: {}...", words(op).doing),
        };
        let mut line = line(kind, &message, timestamp);
        line["hook"] = json!({ "resource": resource(address), "action": words(op).action });
        let id = match event {
            Event::Done { op: StepOp::Object(Op::Delete { .. }), .. } => None,
            Event::Done { id: Some(id), .. } => Some(id),
            _ => self.id(address, op),
        };
        if let Some(id) = id {
            line["hook"]["id_key"] = json!("id");
            line["hook"]["id_value"] = json!(id);
        }
        if let Event::Waiting { elapsed, .. } | Event::Done { elapsed, .. } = event {
            line["hook"]["elapsed_seconds"] = json!(elapsed.as_secs());
        }
        if let Event::Waiting { what, seen, limit, .. } = event {
            line["hook"]["waiting_for"] = json!(what);
            line["hook"]["last_seen"] = json!(Some(seen).filter(|seen| !seen.is_empty()));
            line["hook"]["limit_seconds"] = json!(limit.map(|limit| limit.as_secs()));
        }
        Some(line)
    }

    fn id<'a>(&'a self, address: &Address, op: &'a StepOp) -> Option<&'a Id> {
        match op.object()? {
            Op::Create | Op::Forget { .. } => None,
            Op::AwaitReady { id } | Op::Delete { id } => {
                Some(self.ids.get(address).filter(|(there, _)| there == id).map_or(id, |(_, shown)| shown))
            }
            Op::Edit { .. } => self.shown(address),
        }
    }

    fn shown(&self, address: &Address) -> Option<&Id> {
        self.ids.get(address).map(|(_, shown)| shown)
    }
}

/// What is told of a provisioner, as Terraform tells it.
fn provisioning(address: &Address, provisioner: &str, what: &Provisioning, paint: Paint) -> Option<String> {
    match what {
        Provisioning::Started => Some(paint.bold(&format!("{address}: Provisioning with '{provisioner}'..."))),
        Provisioning::Line(line) => Some(format!("{} {}", paint.bold(&format!("{address} ({provisioner}):")), visible(line))),
        Provisioning::Ended => None,
        Provisioning::Failed { goes_on: true } => {
            Some(paint.bold(&format!("{address}: ({provisioner}) failed; going on, as its block says")))
        }
        Provisioning::Failed { goes_on: false } => Some(paint.bad(&format!("{address}: ({provisioner}) failed"))),
    }
}

/// The same as a line of the machine-readable stream.
fn provisioning_line(address: &Address, provisioner: &str, what: &Provisioning, message: &str, timestamp: &str) -> Json {
    let (kind, output) = match what {
        Provisioning::Started => ("provision_start", None),
        Provisioning::Line(line) => ("provision_progress", Some(line)),
        Provisioning::Ended => ("provision_complete", None),
        Provisioning::Failed { .. } => ("provision_errored", None),
    };
    let message = if message.is_empty() { format!("{address}: ({provisioner}) Provisioning complete") } else { message.to_owned() };
    let mut line = line(kind, &message, timestamp);
    line["hook"] = json!({ "resource": resource(address), "provisioner": provisioner });
    if let Some(output) = output {
        line["hook"]["output"] = json!(output);
    }
    line
}

/// The end of an apply, as text: the line that scripts look for, then the outputs. Errors are shown apart.
#[must_use]
pub fn ending(outcome: &Outcome, destroy: bool, paint: Paint) -> String {
    let message = ending_message(outcome, destroy);
    let failed = !outcome.errors.is_empty() || outcome.interrupted;
    let block = if destroy { String::new() } else { outputs::block(&outputs::views(&outcome.outputs)) };
    format!("\n{}\n{block}", if failed { paint.bad(&message) } else { paint.good(&message) })
}

/// The end of an apply, as lines of the machine-readable stream.
#[must_use]
pub fn ending_lines(outcome: &Outcome, destroy: bool, timestamp: &str) -> Vec<Json> {
    let operation = if destroy { "destroy" } else { "apply" };
    let mut lines = vec![summary_line(&ending_message(outcome, destroy), outcome.counts, operation, timestamp)];
    let outputs: BTreeMap<String, OutputView> = outputs::views(&outcome.outputs);
    if !destroy && !outputs.is_empty() {
        let mut line = line("outputs", &format!("Outputs: {}", outputs.len()), timestamp);
        line["outputs"] = outputs::to_json(&outputs);
        lines.push(line);
    }
    lines
}

fn ending_message(outcome: &Outcome, destroy: bool) -> String {
    let counts = outcome.counts;
    let imported = if counts.import > 0 { format!("{} imported, ", counts.import) } else { String::new() };
    let done = format!("{imported}{} added, {} changed, {} destroyed", counts.add, counts.change, counts.destroy);
    if outcome.errors.is_empty() && !outcome.interrupted {
        return match destroy {
            true => format!("Destroy complete! Resources: {} destroyed.", counts.destroy),
            false => format!("Apply complete! Resources: {done}."),
        };
    }
    let what = if destroy { "Destroy" } else { "Apply" };
    let how = if outcome.interrupted { "interrupted" } else { "failed" };
    let skipped = match outcome.skipped {
        0 => String::new(),
        1 => "; 1 step was not started".to_owned(),
        skipped => format!("; {skipped} steps were not started"),
    };
    format!("{what} {how}. Resources: {done}{skipped}. Run it again to continue from here.")
}

struct Words {
    action: &'static str,
    doing: &'static str,
    still: &'static str,
    noun: &'static str,
}

fn words(op: &StepOp) -> Words {
    let (action, doing, still, noun) = match op {
        StepOp::Object(Op::Create) => ("create", "Creating", "creating", "Creation"),
        StepOp::Object(Op::AwaitReady { .. }) => ("create", "Waiting until ready", "waiting until ready", "Creation"),
        StepOp::Object(Op::Edit { .. }) => ("update", "Modifying", "modifying", "Modifications"),
        StepOp::Object(Op::Delete { .. }) => ("delete", "Destroying", "destroying", "Destruction"),
        StepOp::Read => ("read", "Reading", "reading", "Read"),
        StepOp::Gate => ("read", "Waiting for health", "waiting for health", "Waiting for health"),
        StepOp::Object(Op::Forget { .. }) => ("remove", "Removing from the state", "removing from the state", "Removal from the state"),
    };
    Words { action, doing, still, noun }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan_fixture::{change, plan};
    use dofloat_api::wait::{Limit, Shortage};
    use dofloat_base::clock::Moment;
    use dofloat_base::desired::Output;
    use dofloat_base::diag::Diagnostic;
    use dofloat_base::secret::Secret;
    use dofloat_base::types::Type;
    use dofloat_base::value::{Term, Value};
    use dofloat_engine::change::{Action, Counts};

    fn story() -> (EventPrinter, Vec<Event>) {
        let mut edited = change("digitalocean_firewall.f", Action::Edit { edits: vec![], disruptive: false });
        edited.id = Some(Id("f-1".into()));
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let (a, f, old) = (address("digitalocean_droplet.a[0]"), address("digitalocean_firewall.f"), address("digitalocean_vpc.old"));
        let forget = || StepOp::from(Op::Forget { id: Id("8".into()) });
        let (edit, delete) = (StepOp::from(Op::Edit { edits: vec!["rules".into()] }), StepOp::from(Op::Delete { id: Id("v-1".into()) }));
        let waiting = |seconds| Event::Waiting {
            address: address("digitalocean_droplet.a[0]"),
            op: Op::Create.into(),
            elapsed: Duration::from_secs(seconds),
            pause: Duration::ZERO,
            what: if seconds < 10 { "droplet 3 to be active".into() } else { String::new() },
            seen: if seconds == 6 { "its status is new".into() } else { String::new() },
            limit: (seconds < 70).then_some(Duration::from_secs(300)),
        };
        let slowed = |until| {
            let shortage = Shortage { limit: Limit::Minute, most: 250, left: 10, until: Moment(until) };
            Event::Slowed { shortage, pause: Duration::from_secs(42) }
        };
        let events = vec![
            Event::Started { address: a.clone(), op: Op::Create.into() },
            slowed(1_800_000_042_000),
            slowed(1_800_000_042_300),
            waiting(3),
            waiting(6),
            waiting(9),
            waiting(11),
            waiting(19),
            waiting(74),
            Event::Done { address: a, op: Op::Create.into(), id: Some(Id("3".into())), elapsed: Duration::from_millis(75_900) },
            Event::Started { address: f.clone(), op: edit.clone() },
            Event::Done { address: f.clone(), op: edit.clone(), id: None, elapsed: Duration::ZERO },
            Event::Started { address: old.clone(), op: delete.clone() },
            Event::Done { address: old.clone(), op: delete.clone(), id: None, elapsed: Duration::from_secs(1) },
            Event::Started { address: f.clone(), op: Op::AwaitReady { id: Id("9".into()) }.into() },
            Event::Failed { address: f.clone(), op: edit.clone(), why: vec![Diagnostic::error("no")] },
            Event::Skipped { address: f.clone(), op: edit },
            Event::Started { address: old.clone(), op: forget() },
            Event::Done { address: old, op: forget(), id: None, elapsed: Duration::ZERO },
            Event::Stopping,
        ];
        (EventPrinter::new(&plan(vec![edited])), events)
    }

    #[test]
    fn the_story_of_an_apply() {
        let (mut printer, events) = story();
        let text: String = events.iter().filter_map(|event| printer.text(event, Paint::PLAIN)).map(|line| line + "\n").collect();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_story_for_machines() {
        let (mut printer, events) = story();
        let text: String = events.iter().filter_map(|event| printer.json(event, "T")).map(|line| format!("{line}\n")).collect();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn the_last_lines_are_terraforms() {
        let secret = Term::Secret(Secret::new(Value::from("hush")));
        let outcome = Outcome {
            counts: Counts { add: 5, ..Counts::default() },
            outputs: BTreeMap::from([
                ("ip".into(), Output { value: Term::Value("192.0.2.1".into()), ty: Type::String, sensitive: false, span: None }),
                ("token".into(), Output { value: secret, ty: Type::String, sensitive: true, span: None }),
            ]),
            ..Outcome::default()
        };
        let expected =
            "\nApply complete! Resources: 5 added, 0 changed, 0 destroyed.\n\nOutputs:\n\nip = \"192.0.2.1\"\ntoken = <sensitive>\n";
        assert_eq!(ending(&outcome, false, Paint::PLAIN), expected);
        let gone = Outcome { counts: Counts { destroy: 5, ..Counts::default() }, ..Outcome::default() };
        assert_eq!(ending(&gone, true, Paint::PLAIN), "\nDestroy complete! Resources: 5 destroyed.\n");
        let failed = Outcome { errors: vec![Diagnostic::error("no")], skipped: 2, ..gone };
        let expected =
            "\nDestroy failed. Resources: 0 added, 0 changed, 5 destroyed; 2 steps were not started. Run it again to continue from here.\n";
        assert_eq!(ending(&failed, true, Paint::PLAIN), expected);
        assert!(!ending_lines(&outcome, false, "T").iter().any(|line| line.to_string().contains("hush")));
    }
}
