//! A plan for machines as lines of Terraform's machine-readable stream.
//!
//! Invariant: pure; secrets are never in it: where a value is sensitive the `…_sensitive` trees say so and the value is absent.

use serde_json::{Map, Value as Json, json};

use super::errors::{self, Sources};
use super::modules_json::key;
use super::plan_text::{no_changes, summary};
use super::values_json::has;
use dofloat_base::address::Address;
use dofloat_base::identity::Id;
use dofloat_base::provider::local_name;
use dofloat_engine::change::{Action, Change, Counts, Drift, Plan, Provenance, Reason, Shown};

/// The version of the stream's form.
const UI_VERSION: &str = "1.2";
/// The Terraform whose forms are followed.
pub const TERRAFORM: &str = "1.11.4";

/// A reading of what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// It starts.
    Starts,
    /// It has ended.
    Ends,
}

/// The first line of every stream.
#[must_use]
pub fn version_line(timestamp: &str) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let mut line = line("version", &format!("dofloat {version}"), timestamp);
    line["dofloat"] = json!(version);
    line["terraform"] = json!(TERRAFORM);
    line["ui"] = json!(UI_VERSION);
    line
}

/// A line of the stream with nothing in it yet but what every line has.
#[must_use]
pub fn line(kind: &str, message: &str, timestamp: &str) -> Json {
    json!({ "@level": "info", "@message": message, "@module": "dofloat.ui", "@timestamp": timestamp, "type": kind })
}

/// The plan as lines of the stream, without the version.
#[must_use]
pub fn lines(plan: &Plan, sources: &Sources, timestamp: &str) -> Vec<Json> {
    let mut lines: Vec<Json> = plan.drift.iter().map(|drift| drift_line(drift, timestamp)).collect();
    let changing = plan.changes.iter().filter(|change| change.action != Action::Keep || change.provenance.is_some());
    lines.extend(changing.map(|change| change_line(change, timestamp)));
    lines.extend(errors::json_lines(&plan.notes, sources, timestamp));
    let message = if plan.is_empty() { no_changes(plan).to_owned() } else { summary(plan.counts()) };
    lines.push(summary_line(&message, plan.counts(), "plan", timestamp));
    if !plan.outputs.is_empty() {
        let mut outputs_line = line("outputs", &format!("Outputs: {}", plan.outputs.len()), timestamp);
        let outputs = plan.outputs.iter().map(|(name, output)| {
            let sensitive = has(&output.before, &Shown::Sensitive) || has(&output.after, &Shown::Sensitive);
            let action = if output.changed { output_action(&output.before, &output.after) } else { "noop" };
            (name.clone(), json!({ "sensitive": sensitive, "action": action }))
        });
        outputs_line["outputs"] = outputs.collect::<Map<_, _>>().into();
        lines.push(outputs_line);
    }
    lines
}

/// The line that counts what is done: `operation` is plan, apply, or destroy.
#[must_use]
pub fn summary_line(message: &str, counts: Counts, operation: &str, timestamp: &str) -> Json {
    let mut line = line("change_summary", message, timestamp);
    line["changes"] = json!({
        "add": counts.add, "change": counts.change, "import": counts.import, "remove": counts.destroy, "operation": operation,
    });
    line
}

/// The line that a remembered object is read again, or was.
#[must_use]
pub fn refresh_line(address: &Address, id: &Id, refresh: Refresh, timestamp: &str) -> Json {
    let (kind, words) = match refresh {
        Refresh::Starts => ("refresh_start", "Refreshing state..."),
        Refresh::Ends => ("refresh_complete", "Refresh complete"),
    };
    let mut line = line(kind, &format!("{address}: {words} [id={id}]"), timestamp);
    line["hook"] = json!({ "resource": resource(address), "id_key": "id", "id_value": id });
    line
}

/// A resource as the stream names it.
#[must_use]
pub fn resource(address: &Address) -> Json {
    json!({
        "addr": address.to_string(),
        "module": address.module_instance().map(ToString::to_string).unwrap_or_default(),
        "resource": address.within_module().to_string(),
        "implied_provider": local_name(address.source().unwrap_or(&address.kind)),
        "resource_type": address.source().unwrap_or(&address.kind),
        "resource_name": address.name,
        "resource_key": address.key.as_ref().map(key),
    })
}

fn change_line(change: &Change, timestamp: &str) -> Json {
    let (action, words) = match &change.action {
        Action::Create => ("create", "Plan to create"),
        Action::Edit { .. } => ("update", "Plan to update"),
        Action::Replace { .. } => ("replace", "Plan to replace"),
        Action::Delete => ("delete", "Plan to delete"),
        Action::Adopt { .. } => ("import", "Plan to adopt what an interrupted run created"),
        Action::Read => ("read", "Plan to read"),
        Action::Forget => ("remove", "Plan to remove from the state"),
        Action::Keep => match &change.provenance {
            Some(Provenance::Imported { .. }) => ("import", "Plan to import"),
            Some(Provenance::Moved { .. }) => ("move", "Plan to move"),
            None => ("noop", "Plan to keep"),
        },
    };
    let mut line = line("planned_change", &format!("{}: {words}", change.address), timestamp);
    line["change"] = json!({ "resource": resource(&change.address), "action": action });
    match &change.provenance {
        Some(Provenance::Imported { id }) => line["change"]["importing"] = json!({ "id": id }),
        Some(Provenance::Moved { from }) => line["change"]["previous_resource"] = resource(from),
        None => {}
    }
    if let Some(reason) = reason(change.reason.as_ref(), &change.action) {
        line["change"]["reason"] = json!(reason);
    }
    line
}

fn drift_line(drift: &Drift, timestamp: &str) -> Json {
    let (action, words) = if drift.gone { ("delete", "Drift detected (delete)") } else { ("update", "Drift detected (update)") };
    let mut line = line("resource_drift", &format!("{}: {words}", drift.address), timestamp);
    line["change"] = json!({ "resource": resource(&drift.address), "action": action });
    line
}

/// The words of the stream.
pub(super) fn reason(reason: Option<&Reason>, action: &Action) -> Option<&'static str> {
    match (reason, action) {
        (Some(Reason::NotInConfiguration), _) => Some("delete_because_no_resource_config"),
        (Some(Reason::NoMoveTarget), _) => Some("delete_because_no_move_target"),
        (Some(Reason::CountIndex), _) => Some("delete_because_count_index"),
        (Some(Reason::EachKey), _) => Some("delete_because_each_key"),
        (Some(Reason::WrongRepetition), _) => Some("delete_because_wrong_repetition"),
        (Some(Reason::ConfigUnknown), _) => Some("read_because_config_unknown"),
        (Some(Reason::DependencyPending), _) => Some("read_because_dependency_pending"),
        (Some(Reason::Gone), _) => Some("gone"),
        (Some(Reason::Asked), _) => Some("requested"),
        (Some(Reason::Tainted), _) => Some("tainted"),
        (Some(Reason::Triggered { .. }), _) => Some("replace_triggered_by"),
        (Some(Reason::Unfinished), _) => Some("unfinished"),
        (Some(Reason::CreationFailed), _) => Some("stillborn"),
        (Some(Reason::Deposed), _) => Some("deposed"),
        (Some(Reason::Stray), _) => Some("stray"),
        (Some(Reason::Destroy), _) => None,
        (None, Action::Replace { .. }) => Some("cannot_update"),
        (None, _) => None,
    }
}

pub(super) fn output_action(before: &Shown, after: &Shown) -> &'static str {
    match (super::change_text::is_null(before), super::change_text::is_null(after)) {
        (true, _) => "create",
        (_, true) => "delete",
        _ => "update",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_fixture::rich;

    #[test]
    fn the_stream_is_terraforms() {
        let lines = lines(&rich(), &Sources::new(), "T");
        insta::assert_snapshot!(lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
}
