//! The attribute tables in the form of Terraform's `providers schema -json`, for editors and linters.
//!
//! Invariant: pure; a row gives what Terraform's own providers would say of it, no more.
//! Source: <https://developer.hashicorp.com/terraform/cli/commands/providers/schema>.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use dofloat_base::provider::source_address;
use dofloat_base::types::Type;
use dofloat_kinds::attr::{Attr, Presence, Secrecy, Ty};

/// A table by the name of its resource type or data source.
pub type Table<'a> = (&'a str, &'a [Attr]);

/// The schemas of every provider that these tables belong to.
#[must_use]
pub fn document(resources: &[Table<'_>], data: &[Table<'_>]) -> Json {
    let mut providers: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    for (section, tables) in [("resource_schemas", resources), ("data_source_schemas", data)] {
        for (name, rows) in tables {
            let provider = providers.entry(source_address(name)).or_default();
            let schemas = provider.entry(section).or_insert_with(|| json!({}));
            schemas[*name] = json!({ "version": 0, "block": block(rows) });
        }
    }
    for provider in providers.values_mut() {
        provider.insert("provider".to_owned(), json!({ "version": 0 }));
    }
    json!({ "format_version": "1.0", "provider_schemas": providers })
}

fn block(rows: &[Attr]) -> Json {
    let (mut attributes, mut blocks) = (Map::new(), Map::new());
    for row in rows {
        match row.inner().filter(|_| row.block) {
            Some(inner) => blocks.insert(row.name.to_owned(), nested(row, inner)),
            None => attributes.insert(row.name.to_owned(), attribute(row)),
        };
    }
    let mut json = json!({ "description_kind": "plain" });
    if !attributes.is_empty() {
        json["attributes"] = attributes.into();
    }
    if !blocks.is_empty() {
        json["block_types"] = blocks.into();
    }
    json
}

fn nested(row: &Attr, inner: &[Attr]) -> Json {
    let mode = if matches!(row.ty, Ty::Set(_)) { "set" } else { "list" };
    // What there can be one of only is an object for whoever reads it: Terraform's providers have it as a list of one.
    let mut json = json!({ "nesting_mode": mode, "block": block(inner) });
    if row.presence == Presence::Required {
        json["min_items"] = json!(1);
    }
    if row.wire.single {
        json["max_items"] = json!(1);
    }
    json
}

fn attribute(row: &Attr) -> Json {
    let mut json = json!({ "type": Type::from(row.ty).to_json(), "description": row.doc, "description_kind": "plain" });
    let (required, optional, computed) = match row.presence {
        Presence::Required => (true, false, false),
        Presence::Optional => (false, true, false),
        Presence::OptionalComputed => (false, true, true),
        Presence::Computed => (false, false, true),
    };
    // Terraform leaves out what is not so.
    let sensitive = row.secrecy == Secrecy::Sensitive || row.sealed;
    for (name, holds) in [("required", required), ("optional", optional), ("computed", computed), ("sensitive", sensitive)] {
        if holds {
            json[name] = json!(true);
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_kinds::attr::Change;

    #[test]
    fn rows_become_attributes_and_blocks() {
        static PART: &[Attr] = &[Attr::required("port", Ty::Number, Change::Replace, "The port.")];
        static ROWS: &[Attr] = &[
            Attr::computed("id", Ty::String, "Its id."),
            Attr::optional("rule", Ty::Set(&Ty::Object(PART)), Change::Replace, "A rule.").block(),
            Attr::optional("key", Ty::String, Change::Replace, "A key.").sensitive(),
        ];
        let json = document(&[("random_thing", ROWS)], &[]);
        let thing = &json["provider_schemas"]["registry.terraform.io/hashicorp/random"]["resource_schemas"]["random_thing"];
        let block = &thing["block"];
        let plain = "plain";
        assert_eq!(
            block["attributes"],
            json!({
                "id": { "type": "string", "description": "Its id.", "description_kind": plain, "computed": true },
                "key": { "type": "string", "description": "A key.", "description_kind": plain, "optional": true, "sensitive": true },
            })
        );
        let rule = &block["block_types"]["rule"];
        assert_eq!((&rule["nesting_mode"], &rule["min_items"]), (&json!("set"), &Json::Null));
        assert_eq!(rule["block"]["attributes"]["port"]["required"], json!(true));
    }
}
