//! What is remembered, as text and for machines.
//!
//! Invariant: pure; what state keeps as a digest is shown as `(sensitive value)`.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::change_text::{BodyText, Rest, block_items};
use super::modules_json::{Modules, entry};
use super::outputs;
use super::paint::Paint;
use super::plan_json::TERRAFORM;
use super::plan_text::Layout;
use super::rows::rows_of;
use super::values_json;
use dofloat_base::address::Address;
use dofloat_engine::change::{AttrChange, Shown};
use dofloat_engine::parts::is_of_parts;
use dofloat_state::{Health, Record, State};

/// All resources, then the outputs.
#[must_use]
pub fn render(state: &State, layout: Layout<'_>) -> String {
    let mut text = String::new();
    for (address, record) in &state.records {
        text.push_str(&one(address, record, layout));
        text.push('\n');
    }
    for (address, id) in state.deposed.keys() {
        let _ = writeln!(text, "# {address}: [id={id}] was replaced and has yet to be destroyed\n");
    }
    if text.is_empty() && state.outputs.is_empty() {
        return "The state is empty.\n".to_owned();
    }
    text + &outputs(state)
}

/// The outputs.
pub(super) fn outputs(state: &State) -> String {
    outputs::block(&outputs::views(&state.outputs)).trim_start_matches('\n').to_owned()
}

/// One resource.
#[must_use]
pub fn one(address: &Address, record: &Record, layout: Layout<'_>) -> String {
    let mut text = format!("{}\n", layout.paint.bold(&format!("# {address}:")));
    if record.health.is_unfinished() {
        text.push_str("# (an interrupted run did not see it ready)\n");
    }
    let _ = writeln!(text, "resource \"{}\" \"{}\" {{", address.kind, address.name);
    let rows = (layout.rows)(&address.kind).unwrap_or_default();
    let blocks: Vec<&str> = rows.iter().filter(|row| row.block).map(|row| row.name).collect();
    let mut kept: Vec<(&str, Shown)> = Vec::new();
    let mut attrs = Vec::new();
    if !record.body.contains_key("id") {
        kept.push(("id", Shown::Value(record.id.0.as_str().into())));
    }
    for (name, value) in &record.body {
        let shown = Shown::Value(value.clone());
        if blocks.contains(&name.as_str()) && block_items(&shown).is_some() {
            attrs.push(AttrChange { name: name.clone(), before: Shown::Absent, after: shown, replaces: false, disrupts: false });
        } else {
            kept.push((name, shown));
        }
    }
    kept.extend(record.digests.keys().filter(|name| !is_of_parts(name)).map(|name| (name.as_str(), Shown::Sensitive)));
    let body = BodyText { rows, attrs: &attrs, kept, rest: Rest::default(), still: true, paint: Paint::PLAIN }.render();
    // The renderer of changes leaves four columns for symbols.
    for line in body.lines() {
        let _ = writeln!(text, "{}", line.strip_prefix("    ").unwrap_or(line));
    }
    text.push_str("}\n");
    text
}

/// The state as Terraform's `show -json` has it.
#[must_use]
pub fn to_json(state: &State) -> Json {
    let modules: Modules<'_> = state.records.iter().map(|(address, record)| (address, record_json(address, record))).collect();
    json!({
        "format_version": "1.0",
        "terraform_version": TERRAFORM,
        "dofloat_version": env!("CARGO_PKG_VERSION"),
        "lineage": state.lineage,
        "serial": state.serial,
        "values": { "outputs": outputs::to_json(&outputs::views(&state.outputs)), "root_module": modules.root() },
    })
}

/// What a resource is, and by which ID it is known.
#[must_use]
pub fn entry_json(address: &Address, record: &Record) -> Json {
    let mut json = entry(address);
    json.insert("id".to_owned(), json!(record.id.0));
    json.into()
}

/// One resource as an entry of `show -json`.
#[must_use]
pub fn record_json(address: &Address, record: &Record) -> Json {
    let mut body = record.body.clone();
    body.entry("id".to_owned()).or_insert_with(|| record.id.0.as_str().into());
    let mut shown = values_json::map(&body);
    if let Shown::Map(entries) = &mut shown {
        entries.extend(record.digests.keys().filter(|name| !is_of_parts(name)).map(|name| (name.clone(), Shown::Sensitive)));
    }
    let mut json = entry(address);
    let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
    put("schema_version", json!(0));
    put("values", values_json::object(&shown, rows_of(&address.kind).unwrap_or_default()));
    put("sensitive_values", values_json::tree(&shown, &Shown::Sensitive));
    if !record.after.is_empty() {
        put("depends_on", record.after.iter().map(|address| json!(address)).collect());
    }
    if record.health != Health::Ready {
        put("tainted", json!(true));
    }
    json.into()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::errors::{Sources, Warnings};
    use crate::plan_text::{Detail, WIDTH};
    use dofloat_base::digest::{Digest, Salt};
    use dofloat_base::identity::Id;
    use dofloat_base::types::Type;
    use dofloat_base::value::Value;
    use dofloat_kinds::attr::{Attr, Change, Ty};
    use dofloat_state::SavedOutput;

    const RULE: &[Attr] = &[Attr::required("protocol", Ty::String, Change::InPlace("rules"), "The protocol.")];
    const ROWS: &[Attr] = &[Attr::optional("inbound_rule", Ty::Set(&Ty::Object(RULE)), Change::InPlace("rules"), "Rules.").block()];

    fn state() -> State {
        let mut state = State::new("lineage".into(), Salt::new([0; 32]));
        let body = [
            ("name", json!("web")),
            ("tags", json!(["+a", "b"])),
            ("script", json!("+x\ny\n")),
            ("inbound_rule", json!([{"protocol": "tcp"}])),
        ];
        let record = Record {
            id: Id("7".into()),
            mark: None,
            body: body.into_iter().map(|(name, json)| (name.into(), Value::from_json(&json))).collect(),
            digests: BTreeMap::from([("user_data".into(), Digest::foreign_sha1("00"))]),
            arguments: dofloat_base::value::Body::new(),
            after: BTreeSet::new(),
            health: Health::Unfinished,
            create_before_destroy: false,
        };
        state.records.insert("digitalocean_firewall.web[0]".parse().expect("an address"), record);
        state.outputs.insert("url".into(), SavedOutput { value: Some("u".into()), ty: Type::String, sensitive: None });
        state
    }

    #[test]
    fn a_state_as_text() {
        let layout = Layout {
            paint: Paint::PLAIN,
            rows: &|_| Some(ROWS),
            sources: &Sources::new(),
            warnings: Warnings::Whole,
            detail: Detail::Whole,
            width: WIDTH,
            wraps: false,
        };
        insta::assert_snapshot!(render(&state(), layout));
        assert_eq!(render(&State::new(String::new(), Salt::new([0; 32])), layout), "The state is empty.\n");
    }

    #[test]
    fn a_state_for_machines() {
        insta::assert_snapshot!(format!("{:#}", to_json(&state())));
    }
}
