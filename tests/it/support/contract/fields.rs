//! Fields that the document does not know.
//!
//! JSON Schema allows them unless told otherwise, and the document never tells: so every object is compared with the union
//! of the properties of the schemas that apply to it. Objects without any listed property are free.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Document;
use super::schema::{Part, is_one_sided};

/// JSON pointers of the fields that have no place in this part of an exchange, each with the reason.
pub(crate) fn unknown(document: &Document, schema: &Value, instance: &Value, part: Part) -> Vec<(String, String)> {
    let mut found = Vec::new();
    walk(document, &[schema], instance, part, "", &mut found);
    found
}

fn walk(document: &Document, schemas: &[&Value], instance: &Value, part: Part, at: &str, found: &mut Vec<(String, String)>) {
    let mut flat = Vec::new();
    for schema in schemas {
        flatten(document, schema, instance, &mut flat);
    }
    match instance {
        Value::Object(fields) => {
            let mut known: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
            for (name, property) in flat.iter().filter_map(|schema| schema.get("properties")?.as_object()).flatten() {
                known.entry(name).or_default().push(property);
            }
            let free: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("additionalProperties")).collect();
            let is_free = known.is_empty() || free.iter().any(|schema| **schema != Value::Bool(false));
            for (name, value) in fields {
                let at = format!("{at}/{name}");
                match known.get(name.as_str()) {
                    Some(properties) if properties.iter().all(|property| is_one_sided(document.resolve(property), part)) => {
                        found.push((
                            at,
                            format!("`{name}` is {} in the document", if part == Part::Request { "read-only" } else { "write-only" }),
                        ));
                    }
                    Some(properties) => walk(document, properties, value, part, &at, found),
                    None if is_free => walk(document, &free, value, part, &at, found),
                    None => found.push((at, format!("`{name}` is unknown to the document"))),
                }
            }
        }
        Value::Array(elements) => {
            let of: Vec<&Value> = flat.iter().filter_map(|schema| schema.get("items")).collect();
            for (index, element) in elements.iter().enumerate() {
                walk(document, &of, element, part, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The schemas that speak about this instance itself: references followed, compositions opened, one branch of a
/// discriminator chosen.
fn flatten<'d>(document: &'d Document, schema: &'d Value, instance: &Value, flat: &mut Vec<&'d Value>) {
    let schema = document.resolve(schema);
    flat.push(schema);
    let chosen = schema.get("discriminator").and_then(|of| {
        let value = instance.get(of["propertyName"].as_str()?)?.as_str()?;
        of.get("mapping")?.get(value)?.as_str()?.strip_prefix("#/components/schemas/")
    });
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let Some(members) = schema.get(keyword).and_then(Value::as_array) else { continue };
        match chosen {
            Some(name) if keyword != "allOf" => flatten(document, document.component("schemas", name), instance, flat),
            _ => members.iter().for_each(|member| flatten(document, member, instance, flat)),
        }
    }
}
