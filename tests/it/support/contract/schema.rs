//! From the schemas of OpenAPI 3.0 to JSON Schema 2020-12.
//!
//! Invariant: a keyword, format or reference that is not understood here is a panic, so that no part of the document is
//! skipped in silence. Where the document says less than it shows by its examples, the result is stricter than the document:
//! a discriminator selects its branch, and an envelope must hold the objects that it lists.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::document::Document;

/// Which side of an exchange a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// What the client sends: read-only properties are not asked for.
    Request,
    /// What the server answers: write-only properties are not asked for.
    Response,
}

/// Words that inform a reader and bind nobody.
const SILENT: &[&str] = &[
    "default",
    "deprecated",
    "description",
    "discriminator",
    "example",
    "examples",
    "externalDocs",
    "nullable",
    "readOnly",
    "title",
    "writeOnly",
    "xml",
];

/// Formats that the validator checks; the numeric ones only name a width.
const FORMATS: &[&str] = &["date", "date-time", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"];
const WIDTHS: &[&str] = &["uint32", "double", "float", "int32", "int64"];
/// What the document writes for a format and the judge knows none for: a text. A target of an uptime check may be a bare address.
const NO_FORMATS: &[&str] = &["byte", "cidr", "string", "url"];

/// A schema that stands alone: everything it refers to is under `$defs`.
pub(crate) fn standalone(document: &Document, schema: &Value, part: Part) -> Value {
    let mut wanted = BTreeSet::new();
    let top = if part == Part::Response { envelope(schema) } else { schema.clone() };
    let body = convert(document, &top, part, &mut wanted);
    let mut definitions = Map::new();
    while let Some(name) = wanted.iter().find(|name| !definitions.contains_key(*name)).cloned() {
        let converted = convert(document, document.component("schemas", &name), part, &mut wanted);
        definitions.insert(name, converted);
    }
    json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [body], "$defs": definitions})
}

/// The outermost object of an answer must hold what it lists, save paging: the document seldom says so, and `{}` would
/// pass as any object, and one droplet as several.
fn envelope(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(fields) = schema.as_object_mut() else { return schema };
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(members)) = fields.get_mut(key) {
            *members = members.iter().map(envelope).collect();
        }
    }
    if let Some(Value::Object(properties)) = fields.get("properties")
        && !fields.contains_key("required")
    {
        let listed: Vec<&String> = properties.keys().filter(|name| !["links", "meta"].contains(&name.as_str())).collect();
        let listed = json!(listed);
        fields.insert("required".to_owned(), listed);
    }
    schema
}

fn convert(document: &Document, schema: &Value, part: Part, wanted: &mut BTreeSet<String>) -> Value {
    let Value::Object(fields) = schema else {
        assert!(schema.is_boolean(), "a schema is an object or a boolean, not {schema}");
        return schema.clone();
    };
    if let Some(reference) = fields.get("$ref") {
        return reference_to(reference, wanted);
    }
    let nullable = fields.get("nullable") == Some(&Value::Bool(true));
    let mut out = Map::new();
    for (keyword, value) in fields {
        match keyword.as_str() {
            word if SILENT.contains(&word) || word.starts_with("x-") => {}
            "type" if nullable => drop(out.insert("type".to_owned(), json!([value, "null"]))),
            "enum" if nullable => drop(out.insert("enum".to_owned(), with_null(value))),
            "properties" => {
                let converted = object(value).iter().map(|(name, of)| (name.clone(), convert(document, of, part, wanted)));
                let converted: Map<String, Value> = converted.collect();
                out.insert("properties".to_owned(), Value::Object(converted));
            }
            "required" => {
                let names = array(value).iter().filter(|name| is_asked(document, fields, name, part)).cloned().collect();
                out.insert("required".to_owned(), Value::Array(names));
            }
            "items" | "not" | "additionalProperties" => {
                out.insert(keyword.clone(), convert(document, value, part, wanted));
            }
            "anyOf" | "oneOf" if has_mapping(fields) => {
                assert!(!fields.contains_key("allOf"), "allOf beside a discriminator is not known to the contract test");
                out.insert("allOf".to_owned(), by_discriminator(document, fields, part, wanted));
            }
            "allOf" | "anyOf" | "oneOf" => {
                let members = array(value).iter().map(|member| {
                    if keyword == "anyOf" && is_bare_nullable_object(member) {
                        return json!({"type": "null"});
                    }
                    convert(document, member, part, wanted)
                });
                let members = members.collect();
                out.insert(keyword.clone(), Value::Array(members));
            }
            "exclusiveMinimum" | "exclusiveMaximum" => assert!(value.is_boolean(), "{keyword} is a boolean in OpenAPI 3.0"),
            "minimum" => drop(out.insert(bound("minimum", "exclusiveMinimum", fields), value.clone())),
            "maximum" => drop(out.insert(bound("maximum", "exclusiveMaximum", fields), value.clone())),
            "pattern" => {
                // `\:` is no escape in every dialect of regular expressions; the colon needs none.
                let pattern = value.as_str().expect("a pattern is a text").replace("\\:", ":");
                out.insert("pattern".to_owned(), Value::String(pattern));
            }
            "format" => {
                let format = value.as_str().expect("a format is a text");
                if !WIDTHS.contains(&format) && !NO_FORMATS.contains(&format) {
                    assert!(FORMATS.contains(&format), "the format {format} is not known to the contract test");
                    out.insert("format".to_owned(), value.clone());
                }
            }
            "type" | "enum" | "maxItems" | "maxLength" | "maxProperties" | "minItems" | "minLength" | "minProperties" | "multipleOf"
            | "uniqueItems" => drop(out.insert(keyword.clone(), value.clone())),
            _ => panic!("the keyword {keyword} is not known to the contract test: {schema}"),
        }
    }
    // `nullable` beside anything but a type has no effect by the letter; its author meant null to be accepted.
    if nullable && !fields.contains_key("type") { json!({"anyOf": [{"type": "null"}, out]}) } else { Value::Object(out) }
}

fn reference_to(reference: &Value, wanted: &mut BTreeSet<String>) -> Value {
    let reference = reference.as_str().expect("a reference is a text");
    let name = reference.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{reference} is no schema"));
    assert!(!name.contains(['/', '~', '%']), "{name} would need escapes");
    wanted.insert(name.to_owned());
    json!({"$ref": format!("#/$defs/{name}")})
}

/// One condition for each value of the discriminator; a value that is not listed is refused.
fn by_discriminator(document: &Document, fields: &Map<String, Value>, part: Part, wanted: &mut BTreeSet<String>) -> Value {
    let property = fields["discriminator"]["propertyName"].as_str().expect("a discriminator names its property");
    let mapping = object(&fields["discriminator"]["mapping"]);
    let values: Vec<&String> = mapping.keys().collect();
    let mut members = vec![json!({"type": "object", "required": [property], "properties": {property: {"enum": values}}})];
    for (value, target) in mapping {
        let then = convert(document, &json!({"$ref": target}), part, wanted);
        let when = json!({"required": [property], "properties": {property: {"const": value}}});
        members.push(json!({"if": when, "then": then}));
    }
    Value::Array(members)
}

fn has_mapping(fields: &Map<String, Value>) -> bool {
    fields.get("discriminator").is_some_and(|of| of.get("mapping").is_some())
}

/// `anyOf: [any object or null, X]` means "X or null".
fn is_bare_nullable_object(schema: &Value) -> bool {
    schema["type"] == "object" && schema["nullable"] == true && schema.get("properties").is_none() && schema.get("allOf").is_none()
}

fn is_asked(document: &Document, fields: &Map<String, Value>, name: &Value, part: Part) -> bool {
    let name = name.as_str().expect("required holds names");
    let Some(property) = fields.get("properties").and_then(|all| all.get(name)) else { return true };
    !is_one_sided(document.resolve(property), part)
}

/// Whether the property does not belong into this side of an exchange.
pub(crate) fn is_one_sided(property: &Value, part: Part) -> bool {
    property[if part == Part::Request { "readOnly" } else { "writeOnly" }] == true
}

fn bound(plain: &str, exclusive: &str, fields: &Map<String, Value>) -> String {
    if fields.get(exclusive) == Some(&Value::Bool(true)) { exclusive.to_owned() } else { plain.to_owned() }
}

fn with_null(values: &Value) -> Value {
    let mut values = array(values).clone();
    if !values.contains(&Value::Null) {
        values.push(Value::Null);
    }
    Value::Array(values)
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("expected an object, found {value}"))
}

fn array(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("expected a list, found {value}"))
}
