//! A plan for machines: lines of Terraform's machine-readable stream, and one object for `show -json`.
//!
//! Invariant: pure; secrets are never in it: where a value is sensitive the `…_sensitive` trees say so and the value is absent.

use serde_json::{Map, Value as Json, json};

use super::errors::{self, Sources};
use super::plan_text::{no_changes, summary};
use dofloat_base::address::{Address, Key};
use dofloat_base::value::{Body, Value};
use dofloat_engine::change::{Action, AttrChange, Change, Counts, Drift, Order, Plan, Provenance, Reason, Shown};

/// The version of the stream's form.
const UI_VERSION: &str = "1.2";

/// The first line of every stream.
#[must_use]
pub fn version_line(timestamp: &str) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let mut line = line("version", &format!("dofloat {version}"), timestamp);
    line["dofloat"] = json!(version);
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
    lines.extend(plan.notes.iter().map(|note| errors::json_line(note, sources, timestamp)));
    let message = if plan.is_empty() { no_changes(plan).to_owned() } else { summary(plan.counts()) };
    lines.push(summary_line(&message, plan.counts(), "plan", timestamp));
    let changing: Vec<_> = plan.outputs.iter().filter(|(_, output)| output.changed).collect();
    if !changing.is_empty() {
        let mut outputs_line = line("outputs", &format!("Outputs: {}", changing.len()), timestamp);
        let outputs = changing.into_iter().map(|(name, output)| {
            let sensitive = has(&output.before, &Shown::Sensitive) || has(&output.after, &Shown::Sensitive);
            (name.clone(), json!({ "sensitive": sensitive, "action": output_action(&output.before, &output.after) }))
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

/// A resource as the stream names it.
#[must_use]
pub fn resource(address: &Address) -> Json {
    json!({
        "addr": address.to_string(),
        "module": address.module_instance().map(ToString::to_string).unwrap_or_default(),
        "resource": address.within_module().to_string(),
        "implied_provider": provider(address),
        "resource_type": address.source().unwrap_or(&address.kind),
        "resource_name": address.name,
        "resource_key": address.key.as_ref().map(key),
    })
}

/// The whole plan as one object.
#[must_use]
pub fn object(plan: &Plan, sources: &Sources) -> Json {
    let drift = plan.drift.iter().map(|drift| {
        let actions = if drift.gone { ["delete"] } else { ["update"] };
        change_object(&drift.address, json!(actions), None, &drift.attrs, &Body::new(), &[])
    });
    let changes = plan.changes.iter().map(|change| {
        let nothing = Body::new();
        let same =
            if matches!(change.action, Action::Create | Action::Delete) { &nothing } else { change.before.as_ref().unwrap_or(&nothing) };
        let because: &[String] = if let Action::Replace { because, .. } = &change.action { because } else { &[] };
        let mut object = change_object(&change.address, actions(&change.action), change.reason.as_ref(), &change.attrs, same, because);
        match &change.provenance {
            Some(Provenance::Imported { id }) => object["change"]["importing"] = json!({ "id": id }),
            Some(Provenance::Moved { from }) => object["previous_address"] = json!(from),
            None => {}
        }
        object
    });
    let outputs = plan.outputs.iter().map(|(name, output)| {
        let actions = if output.changed { json!([output_action(&output.before, &output.after)]) } else { json!(["no-op"]) };
        (name.clone(), sides(actions, &output.before, &output.after))
    });
    let variables = plan.variables.iter().map(|(name, value)| (name.clone(), json!({ "value": value })));
    json!({
        "format_version": "1.2",
        "dofloat_version": env!("CARGO_PKG_VERSION"),
        "stack": plan.base.stack,
        "lineage": plan.base.lineage,
        "serial": plan.base.serial,
        "applyable": !plan.is_empty(),
        "complete": true,
        "errored": false,
        "variables": variables.collect::<Map<_, _>>(),
        "resource_drift": drift.collect::<Vec<_>>(),
        "resource_changes": changes.collect::<Vec<_>>(),
        "output_changes": outputs.collect::<Map<_, _>>(),
        "diagnostics": plan.notes.iter().map(|note| errors::to_json(note, sources)).collect::<Vec<_>>(),
    })
}

fn provider(address: &Address) -> &str {
    address.source().unwrap_or(&address.kind).split('_').next().unwrap_or_default()
}

fn key(key: &Key) -> Json {
    match key {
        Key::Index(index) => json!(index),
        Key::Name(name) => json!(name),
    }
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
fn reason(reason: Option<&Reason>, action: &Action) -> Option<&'static str> {
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
        (Some(Reason::Triggered { .. }), _) => Some("replace_triggered_by"),
        (Some(Reason::Unfinished), _) => Some("unfinished"),
        (Some(Reason::Stillborn), _) => Some("stillborn"),
        (Some(Reason::Deposed), _) => Some("deposed"),
        (Some(Reason::Stray), _) => Some("stray"),
        (Some(Reason::Destroy), _) => None,
        (None, Action::Replace { .. }) => Some("cannot_update"),
        (None, _) => None,
    }
}

/// The words of the object, which are others where something is replaced.
fn action_reason(why: Option<&Reason>, action: &Action) -> Option<&'static str> {
    Some(match reason(why, action)? {
        "requested" => "replace_by_request",
        "replace_triggered_by" => "replace_by_triggers",
        "cannot_update" => "replace_because_cannot_update",
        other => other,
    })
}

fn actions(action: &Action) -> Json {
    match action {
        Action::Keep | Action::Adopt { .. } => json!(["no-op"]),
        Action::Create => json!(["create"]),
        Action::Edit { .. } => json!(["update"]),
        Action::Replace { order: Order::DeleteFirst, .. } => json!(["delete", "create"]),
        Action::Replace { order: Order::CreateFirst, .. } => json!(["create", "delete"]),
        Action::Delete => json!(["delete"]),
        Action::Forget => json!(["forget"]),
        Action::Read => json!(["read"]),
    }
}

fn output_action(before: &Shown, after: &Shown) -> &'static str {
    match (super::change_text::is_null(before), super::change_text::is_null(after)) {
        (true, _) => "create",
        (_, true) => "delete",
        _ => "update",
    }
}

fn change_object(address: &Address, actions: Json, why: Option<&Reason>, attrs: &[AttrChange], same: &Body, because: &[String]) -> Json {
    let side = |of: fn(&AttrChange) -> &Shown| {
        let touched = |name: &String| attrs.iter().any(|attr| attr.name == *name);
        let kept = same.iter().filter(|(name, _)| !touched(name)).map(|(name, value)| (name.clone(), Shown::Value(value.clone())));
        let map = kept.chain(attrs.iter().map(|attr| (attr.name.clone(), of(attr).clone()))).collect();
        Shown::Map(map)
    };
    let names = actions.as_array().map(|actions| actions.iter().filter_map(Json::as_str).collect::<Vec<_>>()).unwrap_or_default();
    let before = if names == ["create"] || names == ["read"] { Shown::Absent } else { side(|attr| &attr.before) };
    let after = if names == ["delete"] || names == ["forget"] { Shown::Absent } else { side(|attr| &attr.after) };
    let mut change = sides(actions.clone(), &before, &after);
    if !because.is_empty() {
        change["replace_paths"] = because.iter().map(|name| json!([name])).collect();
    }
    let mut json = json!({
        "address": address.to_string(),
        "mode": if address.is_data() { "data" } else { "managed" },
        "type": address.source().unwrap_or(&address.kind),
        "name": address.name,
        "provider_name": provider(address),
        "change": change,
    });
    if let Some(module) = address.module_instance() {
        json["module_address"] = json!(module);
    }
    if let Some(index) = &address.key {
        json["index"] = key(index);
    }
    let action = if because.is_empty() { Action::Keep } else { Action::Replace { because: vec![], order: Order::DeleteFirst } };
    if let Some(reason) = action_reason(why, &action) {
        json["action_reason"] = json!(reason);
    }
    json
}

fn sides(actions: Json, before: &Shown, after: &Shown) -> Json {
    json!({
        "actions": actions,
        "before": value(before),
        "after": value(after),
        "after_unknown": tree(after, &Shown::Unknown),
        "before_sensitive": tree(before, &Shown::Sensitive),
        "after_sensitive": tree(after, &Shown::Sensitive),
    })
}

/// The value as far as it may be shown; what may not is left out of maps and null elsewhere.
fn value(shown: &Shown) -> Json {
    match shown {
        Shown::Absent | Shown::Sensitive | Shown::Unknown => Json::Null,
        Shown::Value(value) => value.to_json(),
        Shown::List(items) => items.iter().map(value).collect(),
        Shown::Map(entries) => entries
            .iter()
            .filter(|(_, entry)| !matches!(entry, Shown::Sensitive | Shown::Unknown | Shown::Absent))
            .map(|(name, entry)| (name.clone(), value(entry)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// A tree of the same shape with `true` where the value is of a kind; in maps only such parts are named.
fn tree(shown: &Shown, kind: &Shown) -> Json {
    match shown {
        shown if shown == kind => json!(true),
        Shown::List(items) => items.iter().map(|item| tree(item, kind)).collect(),
        Shown::Map(entries) => entries
            .iter()
            .filter(|(_, entry)| has(entry, kind))
            .map(|(name, entry)| (name.clone(), tree(entry, kind)))
            .collect::<Map<_, _>>()
            .into(),
        Shown::Value(Value::List(items)) => items.iter().map(|_| json!(false)).collect(),
        Shown::Value(Value::Map(_)) => json!({}),
        _ => json!(false),
    }
}

fn has(shown: &Shown, kind: &Shown) -> bool {
    match shown {
        Shown::List(items) => items.iter().any(|item| has(item, kind)),
        Shown::Map(entries) => entries.values().any(|entry| has(entry, kind)),
        shown => shown == kind,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan_fixture::{attr, change, plan, shown, wide};
    use dofloat_base::diag::Diagnostic;
    use dofloat_base::identity::Id;
    use dofloat_engine::change::OutputChange;

    fn rich() -> Plan {
        let mut replace =
            change("digitalocean_droplet.web[1]", Action::Replace { because: vec!["image".into()], order: Order::DeleteFirst });
        replace.before = Some(BTreeMap::from([("name".into(), "web".into())]));
        replace.attrs = vec![
            AttrChange { replaces: true, ..attr("image", json!("debian-11"), json!("debian-12")) },
            AttrChange { before: Shown::Sensitive, after: Shown::Sensitive, ..attr("user_data", json!(null), json!(null)) },
        ];
        let mut plan = plan(vec![wide(), replace, change("digitalocean_tag.t", Action::Keep)]);
        plan.drift =
            vec![Drift { address: "digitalocean_vpc.v".parse().expect("an address"), id: Id("1".into()), attrs: vec![], gone: true }];
        plan.notes = vec![Diagnostic::warning("Beware.")];
        let output = OutputChange { before: Shown::Absent, after: Shown::Sensitive, ty: None, changed: true };
        plan.outputs = BTreeMap::from([
            ("token".into(), output),
            ("url".into(), OutputChange { before: shown(json!("a")), after: shown(json!("a")), ty: None, changed: false }),
        ]);
        plan
    }

    #[test]
    fn the_stream_is_terraforms() {
        let lines = lines(&rich(), &Sources::new(), "T");
        insta::assert_snapshot!(lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }

    #[test]
    fn the_object_holds_both_sides() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&object(&rich(), &Sources::new())).unwrap());
    }
}
