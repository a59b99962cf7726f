//! A plan as one document, in the form that Terraform's `show -json` gives a plan, for the tools that read those.
//!
//! Invariant: pure; secrets are never in it: where a value is sensitive the `…_sensitive` trees say so and the value is absent.
//! Source: <https://developer.hashicorp.com/terraform/internals/json-format>.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};

use super::errors::{self, Sources};
use super::modules_json::{Modules, entry};
use super::plan_json::{TERRAFORM, output_action, reason};
use super::rows::rows_of;
use super::values_json::{has, map, object as attributes, tree, value};
use dofloat_base::address::Address;
use dofloat_base::value::Body;
use dofloat_engine::change::{Action, AttrChange, Change, Order, OutputChange, Plan, Provenance, Reason, Shown};
use dofloat_kinds::attr::Attr;

/// The version of the form.
const FORMAT: &str = "1.2";

/// The whole plan.
#[must_use]
pub fn document(plan: &Plan, sources: &Sources) -> Json {
    let changes: Vec<Sides<'_>> = plan.changes.iter().map(Sides::of).collect();
    let drift = plan.drift.iter().map(|drift| {
        let actions = if drift.gone { ["delete"] } else { ["update"] };
        Sides::new(&drift.address, &actions, &drift.attrs, &Body::new()).json(None, &[])
    });
    let outputs = plan.outputs.iter().map(|(name, output)| {
        let actions: &[&str] = if output.changed { &[output_action(&output.before, &output.after)] } else { &["no-op"] };
        (name.clone(), output_sides(actions, output))
    });
    let variables = plan.variables.iter().map(|(name, value)| (name.clone(), json!({ "value": value })));
    let mut json = json!({
        "format_version": FORMAT,
        "terraform_version": TERRAFORM,
        "dofloat_version": env!("CARGO_PKG_VERSION"),
        "stack": plan.base.stack,
        "lineage": plan.base.lineage,
        "serial": plan.base.serial,
        "applyable": !plan.is_empty(),
        "complete": plan.is_complete,
        "errored": false,
        "variables": variables.collect::<Map<_, _>>(),
        "planned_values": planned_values(plan, &changes),
        "resource_changes": plan.changes.iter().zip(&changes).map(|(change, sides)| change_json(change, sides)).collect::<Vec<_>>(),
        "output_changes": outputs.collect::<Map<_, _>>(),
        "diagnostics": errors::to_json(&plan.notes, sources),
    });
    if !plan.drift.is_empty() {
        json["resource_drift"] = drift.collect();
    }
    if changes.iter().any(|change| !matches!(change.before, Shown::Absent)) || plan.outputs.values().any(was_there) {
        json["prior_state"] = prior_state(plan, &changes);
    }
    if let Some(configuration) = &plan.configuration {
        json["configuration"] = configuration.clone();
        json["relevant_attributes"] = relevant_attributes(plan, configuration);
    }
    if let Some(planned_at) = plan.planned_at {
        json["timestamp"] = json!(planned_at.to_rfc3339());
    }
    json
}

/// What a resource is before and after.
struct Sides<'a> {
    address: &'a Address,
    rows: &'static [Attr],
    actions: Vec<&'static str>,
    before: Shown,
    after: Shown,
}

impl<'a> Sides<'a> {
    fn of(change: &'a Change) -> Self {
        let nothing = Body::new();
        let is_new = matches!(change.action, Action::Create | Action::Read | Action::Delete);
        let same = if is_new { &nothing } else { change.before.as_ref().unwrap_or(&nothing) };
        Self::new(&change.address, actions(&change.action), &change.attrs, same)
    }

    fn new(address: &'a Address, actions: &[&'static str], attrs: &[AttrChange], same: &Body) -> Self {
        let side = |of: fn(&AttrChange) -> &Shown| {
            let mut side = map(same);
            if let Shown::Map(entries) = &mut side {
                entries.extend(attrs.iter().map(|attr| (attr.name.clone(), of(attr).clone())));
            }
            side
        };
        let before = if actions == ["create"] || actions == ["read"] { Shown::Absent } else { side(|attr| &attr.before) };
        let after = if actions == ["delete"] || actions == ["forget"] { Shown::Absent } else { side(|attr| &attr.after) };
        Self { address, rows: rows_of(&address.kind).unwrap_or_default(), actions: actions.to_vec(), before, after }
    }

    fn json(&self, why: Option<&'static str>, because: &[String]) -> Json {
        let mut change = json!({
            "actions": self.actions,
            "before": attributes(&self.before, self.rows),
            "after": attributes(&self.after, self.rows),
            "after_unknown": if has(&self.after, &Shown::Unknown) { tree(&self.after, &Shown::Unknown) } else { json!({}) },
            "before_sensitive": tree(&self.before, &Shown::Sensitive),
            "after_sensitive": tree(&self.after, &Shown::Sensitive),
        });
        if !because.is_empty() {
            change["replace_paths"] = because.iter().map(|name| json!([name])).collect();
        }
        let mut json = entry(self.address);
        if let Some(module) = self.address.module_instance() {
            json.insert("module_address".to_owned(), json!(module));
        }
        json.insert("change".to_owned(), change);
        if let Some(why) = why {
            json.insert("action_reason".to_owned(), json!(why));
        }
        json.into()
    }

    /// An entry of the planned values, or of the state before.
    fn entry(&self, shown: &Shown) -> Json {
        let mut json = entry(self.address);
        json.insert("schema_version".to_owned(), json!(0));
        json.insert("values".to_owned(), attributes(shown, self.rows));
        json.insert("sensitive_values".to_owned(), tree(shown, &Shown::Sensitive));
        json.into()
    }
}

fn change_json(change: &Change, sides: &Sides<'_>) -> Json {
    let because: &[String] = if let Action::Replace { because, .. } = &change.action { because } else { &[] };
    let mut json = sides.json(action_reason(change.reason.as_ref(), !because.is_empty()), because);
    match &change.provenance {
        Some(Provenance::Imported { id }) => json["change"]["importing"] = json!({ "id": id }),
        Some(Provenance::Moved { from }) => json["previous_address"] = json!(from),
        None => {}
    }
    json
}

/// The words of the document, which are others than the stream's where something is replaced.
fn action_reason(why: Option<&Reason>, replaces: bool) -> Option<&'static str> {
    let action = if replaces { Action::Replace { because: vec![], order: Order::DeleteFirst } } else { Action::Keep };
    Some(match reason(why, &action)? {
        "requested" => "replace_by_request",
        "replace_triggered_by" => "replace_by_triggers",
        "cannot_update" => "replace_because_cannot_update",
        "tainted" => "replace_because_tainted",
        other => other,
    })
}

fn actions(action: &Action) -> &'static [&'static str] {
    match action {
        Action::Keep | Action::Adopt { .. } => &["no-op"],
        Action::Create => &["create"],
        Action::Edit { .. } => &["update"],
        Action::Replace { order: Order::DeleteFirst, .. } => &["delete", "create"],
        Action::Replace { order: Order::CreateFirst, .. } => &["create", "delete"],
        Action::Delete => &["delete"],
        Action::Forget => &["forget"],
        Action::Read => &["read"],
    }
}

fn output_sides(actions: &[&str], output: &OutputChange) -> Json {
    let is_sensitive = is_sensitive(output);
    let mut json = json!({
        "actions": actions,
        "before": value(&output.before, None),
        "after_unknown": if has(&output.after, &Shown::Unknown) { tree(&output.after, &Shown::Unknown) } else { json!(false) },
        "before_sensitive": is_sensitive,
        "after_sensitive": is_sensitive,
    });
    if !matches!(output.after, Shown::Unknown) {
        json["after"] = value(&output.after, None);
    }
    json
}

fn is_sensitive(output: &OutputChange) -> bool {
    [&output.before, &output.after].into_iter().any(|side| has(side, &Shown::Sensitive))
}

fn was_there(output: &OutputChange) -> bool {
    !super::change_text::is_null(&output.before)
}

/// All that is there once the plan is carried out, as far as it is known.
fn planned_values(plan: &Plan, changes: &[Sides<'_>]) -> Json {
    let there = changes.iter().filter(|change| !matches!(change.after, Shown::Absent));
    let outputs = plan.outputs.iter().filter(|(_, output)| !super::change_text::is_null(&output.after));
    let resources: Modules<'_> = there.map(|change| (change.address, change.entry(&change.after))).collect();
    values(outputs.map(|(name, output)| (name, output, &output.after)), resources)
}

/// All that was found.
fn prior_state(plan: &Plan, changes: &[Sides<'_>]) -> Json {
    let there = changes.iter().filter(|change| !matches!(change.before, Shown::Absent));
    let outputs = plan.outputs.iter().filter(|(_, output)| was_there(output));
    let resources: Modules<'_> = there.map(|change| (change.address, change.entry(&change.before))).collect();
    let values = values(outputs.map(|(name, output)| (name, output, &output.before)), resources);
    json!({ "format_version": "1.0", "terraform_version": TERRAFORM, "values": values })
}

fn values<'p>(outputs: impl Iterator<Item = (&'p String, &'p OutputChange, &'p Shown)>, resources: Modules<'_>) -> Json {
    let outputs: Map<String, Json> = outputs.map(|(name, output, shown)| (name.clone(), output_value(output, shown))).collect();
    let mut json = json!({ "root_module": resources.root() });
    if !outputs.is_empty() {
        json["outputs"] = outputs.into();
    }
    json
}

fn output_value(output: &OutputChange, shown: &Shown) -> Json {
    let mut json = json!({ "sensitive": is_sensitive(output) });
    if !matches!(shown, Shown::Unknown | Shown::Sensitive) {
        json["value"] = value(shown, None);
        if let Some(ty) = &output.ty {
            json["type"] = ty.to_json();
        }
    }
    json
}

/// The attributes that the configuration of each module instance refers to: changes of those may be what brought a plan about.
fn relevant_attributes(plan: &Plan, configuration: &Json) -> Json {
    let modules = plan.changes.iter().flat_map(|change| std::iter::successors(change.address.module_instance(), |of| of.module_instance()));
    let modules: BTreeSet<&Address> = modules.collect();
    let mut found = BTreeSet::new();
    for instance in std::iter::once(None).chain(modules.into_iter().map(Some)) {
        found.extend(referred(written(configuration, instance)).into_iter().map(|(resource, path)| (instance, resource, path)));
    }
    let one = |(instance, resource, path): (Option<&Address>, String, String)| {
        let resource = instance.map_or_else(|| resource.clone(), |instance| format!("{instance}.{resource}"));
        json!({ "resource": resource, "attribute": path.split('.').collect::<Vec<_>>() })
    };
    found.into_iter().map(one).collect()
}

/// What is written of a module.
fn written<'c>(configuration: &'c Json, instance: Option<&Address>) -> &'c Json {
    match instance {
        None => &configuration["root_module"],
        Some(instance) => &written(configuration, instance.module_instance())["module_calls"][instance.name.as_str()]["module"],
    }
}

/// The resources of a module that something in it refers to, each with the attribute.
fn referred(module: &Json) -> BTreeSet<(String, String)> {
    let resources: BTreeSet<&str> = module["resources"].as_array().into_iter().flatten().filter_map(|of| of["address"].as_str()).collect();
    let mut found = BTreeSet::new();
    let mut note = |reference: &str| {
        let of = resources.iter().filter(|resource| reference.starts_with(**resource)).max_by_key(|resource| resource.len());
        let Some((resource, (key, path))) = of.and_then(|of| Some((of, reference[of.len()..].split_once('.')?))) else { return };
        if key.is_empty() || key.starts_with('[') {
            found.insert((format!("{resource}{key}"), path.to_owned()));
        }
    };
    let calls = module["module_calls"].as_object().into_iter().flat_map(|calls| calls.values());
    let given = calls.flat_map(|call| [&call["expressions"], &call["count_expression"], &call["for_each_expression"]]);
    [&module["resources"], &module["outputs"]].into_iter().chain(given).for_each(|part| each_reference(part, &mut note));
    found
}

/// The longest form of each reference in a part of the configuration.
fn each_reference(json: &Json, note: &mut dyn FnMut(&str)) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| each_reference(item, note)),
        Json::Object(entries) => {
            let mut last = "";
            for reference in entries.get("references").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
                if !last.starts_with(reference) {
                    note(reference);
                }
                last = reference;
            }
            entries.values().for_each(|entry| each_reference(entry, note));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_fixture::rich;

    #[test]
    fn the_document_holds_both_sides() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&document(&rich(), &Sources::new())).unwrap());
    }
}
