//! `families.json`, made from the official description.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value, json};

use super::family::{FAMILIES, Verb};

/// The collections that are played by what the description says of them.
const PLAIN: &[&str] = &[
    "/v2/apps",
    "/v2/cdn/endpoints",
    "/v2/certificates",
    "/v2/databases",
    "/v2/databases/{database_cluster_uuid}/dbs",
    "/v2/databases/{database_cluster_uuid}/logsink",
    "/v2/databases/{database_cluster_uuid}/pools",
    "/v2/databases/{database_cluster_uuid}/replicas",
    "/v2/databases/{database_cluster_uuid}/users",
    "/v2/images",
    "/v2/kubernetes/clusters",
    "/v2/kubernetes/clusters/{cluster_id}/node_pools",
    "/v2/load_balancers",
    "/v2/monitoring/alerts",
    "/v2/partner_network_connect/attachments",
    "/v2/registries",
    "/v2/reserved_ipv6",
    "/v2/snapshots",
    "/v2/spaces/keys",
    "/v2/uptime/checks",
    "/v2/uptime/checks/{check_id}/alerts",
    "/v2/volumes",
    "/v2/vpc_nat_gateways",
    "/v2/vpc_peerings",
];

/// The part of a field's schema that is kept.
const KEPT: &[&str] = &["type", "nullable", "enum", "pattern", "format", "maxLength", "minimum", "maximum", "default"];

/// Fields whose type the description has wrong: it is what the official Go client sends.
const WRONG: &[(&str, &str)] = &[("preserve_path_prefix", "boolean")];

/// Fields that hold objects of their own, of which nothing is needed where they are shown.
const DEEP: &[&str] = &[
    "active_deployment",
    "dedicated_ips",
    "domains",
    "in_progress_deployment",
    "pending_deployment",
    "pinned_deployment",
    "region",
    "spec",
    "vpc",
];

/// Run with `UPDATE_FAMILIES=1` to write the file anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, and the one file that it writes")]
fn the_families_are_those_of_the_description() {
    let document = Description(dofloat_openapi::document());
    let expected = Value::Array(PLAIN.iter().map(|path| document.family(path)).collect());
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plain/families.json");
    if std::env::var_os("UPDATE_FAMILIES").is_some() {
        std::fs::write(&place, format!("{expected:#}\n")).expect("the package's folder is ours");
    }
    let found: Value = serde_json::from_str(&std::fs::read_to_string(&place).expect("the file is there")).expect("it is JSON");
    assert!(found == expected, "src/sim/plain/families.json is not what the description says: make it anew with UPDATE_FAMILIES=1");
}

#[test]
fn every_family_has_its_operations_and_what_it_lies_in() {
    for family in FAMILIES.iter() {
        assert!(
            Verb::ALL.into_iter().filter(|verb| !matches!(verb, Verb::Create | Verb::Update)).all(|verb| !family.scopes(verb).is_empty()),
            "{}",
            family.path
        );
        assert_eq!(family.parent().is_some(), family.path.contains('{'), "{} lies in what is not played", family.path);
    }
}

struct Description(Value);

/// The fields of a schema, and those that are needed.
#[derive(Default)]
struct Object {
    fields: BTreeMap<String, Value>,
    required: Vec<String>,
}

impl Description {
    fn family(&self, path: &str) -> Value {
        let paths = self.0["paths"].as_object().expect("paths");
        let below = |other: &&String| other.strip_prefix(path).is_some_and(|rest| rest.starts_with("/{") && !rest[1..].contains('/'));
        let item = paths.keys().find(below).expect("an object has a path");
        let (collection, object) = (&paths[path], &paths[item]);
        let method = ["put", "patch"].into_iter().find(|method| object.get(method).is_some());
        let (many, _) = self.envelope(self.answered(&collection["get"]).1, "array");
        // A Spaces key is said to be answered as a list, against the example beside it.
        let tells = [&object["get"]].into_iter().chain(method.map(|method| &object[method]));
        let mut found = tells.filter_map(|operation| self.enveloped(self.answered(operation).1, "object"));
        // A few reads give an object without its envelope, which the answer to its create has.
        let whole = self.object(self.answered(&object["get"]).1).fields;
        let made = collection.get("post").and_then(|create| self.enveloped(self.answered(create).1, "object"));
        let bare = made.filter(|(one, _)| whole.len() > 1 && !whole.contains_key(one));
        let is_bare = bare.is_some();
        let held = bare.map(|(one, _)| (one, self.answered(&object["get"]).1.clone()));
        let (one, shown) = held.or_else(|| found.next()).expect("an answer holds what was asked for");
        let shown = self.fields(&shown, Side::Shown);
        // What the path calls a name is one, whatever else an object has.
        let placeholder =
            item.rsplit_once('{').and_then(|(_, rest)| rest.strip_suffix('}')).filter(|name| shown["fields"].get(name).is_some());
        let named = placeholder.or(item.ends_with("name}").then_some("name"));
        let mut ids = named.into_iter().chain(["id", "uuid", "ip", "sink_id", "name"]);
        let id = ids.find(|name| shown["fields"].get(name).is_some()).expect("an object has an identifier");
        let paged = self.object(self.answered(&collection["get"]).1).fields.contains_key("meta");
        let family = json!({
            "path": path, "item": item, "one": one, "many": many, "id": id, "list": ways(&collection["get"]), "read": ways(&object["get"]),
            "delete": ways(&object["delete"]), "create": collection.get("post").map(|create| self.write("post", create)),
            "update": method.map(|method| self.write(method, &object[method])), "shown": shown,
        });
        let mut fields = family.as_object().cloned().unwrap_or_default();
        if is_bare {
            fields.insert("bare".to_owned(), json!(true));
        }
        if !paged {
            fields.insert("paged".to_owned(), json!(false));
        }
        let (status, answer) = self.answered(&object["delete"]);
        if status != 204 {
            let shows: Vec<String> = self.object(answer).fields.into_keys().collect();
            fields.insert("gone".to_owned(), json!({ "status": status, "shows": shows }));
        }
        Value::Object(fields)
    }

    fn write(&self, method: &str, operation: &Value) -> Value {
        let taken = &self.resolve(&operation["requestBody"])["content"]["application/json"]["schema"];
        let (status, answer) = self.answered(operation);
        let takes = self.fields(taken, Side::Taken);
        let mut write = json!({ "method": method.to_uppercase(), "status": status, "scopes": ways(operation), "takes": takes });
        if status != 204 && answer.is_null() {
            write["silent"] = json!(true);
        }
        write
    }

    /// The status of success, and the schema of its body.
    fn answered<'a>(&'a self, operation: &'a Value) -> (u16, &'a Value) {
        let responses = operation["responses"].as_object().expect("responses");
        let (status, response) = responses.iter().find(|(status, _)| status.starts_with('2')).expect("it can succeed");
        (status.parse().expect("a number"), &self.resolve(response)["content"]["application/json"]["schema"])
    }

    /// The field of an answer that holds what was asked for, and its schema.
    fn envelope(&self, schema: &Value, kind: &str) -> (String, Value) {
        self.enveloped(schema, kind).expect("an answer holds what was asked for")
    }

    fn enveloped(&self, schema: &Value, kind: &str) -> Option<(String, Value)> {
        let fields = self.object(schema).fields.into_iter();
        let mut held = fields.filter(|(name, of)| name != "links" && name != "meta" && self.kind(of) == kind);
        let found = held.next()?;
        assert!(held.next().is_none(), "an answer holds one thing");
        Some(found)
    }

    fn fields(&self, schema: &Value, side: Side) -> Value {
        let Object { fields, required } = self.object(schema);
        let fields = fields.into_iter().filter(|(_, of)| side == Side::Shown || self.resolve(of)["readOnly"] != true);
        let fields: Map<String, Value> = fields.map(|(name, of)| (name.clone(), self.field(&name, &of, side))).collect();
        json!({ "fields": fields, "required": required })
    }

    fn field(&self, name: &str, schema: &Value, side: Side) -> Value {
        let resolved = self.resolve(schema);
        let mut field: Map<String, Value> =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), resolved.get(*name)?.clone()))).collect();
        field.insert("type".to_owned(), json!(self.kind(schema)));
        let scopes = scopes(resolved, side);
        if !scopes.is_empty() {
            field.insert("scopes".to_owned(), json!(scopes));
        }
        if let Some((_, kind)) = WRONG.iter().find(|(of, _)| *of == name) {
            field.insert("type".to_owned(), json!(kind));
        }
        if side == Side::Shown && DEEP.contains(&name) {
            return Value::Object(field);
        }
        if let Some(items) = resolved.get("items") {
            field.insert("items".to_owned(), self.field("", items, side));
        }
        if self.kind(schema) == "object" && !self.object(schema).fields.is_empty() {
            field.insert("object".to_owned(), self.fields(schema, side));
        }
        Value::Object(field)
    }

    fn kind(&self, schema: &Value) -> String {
        let resolved = self.resolve(schema);
        match resolved["type"].as_str() {
            Some(kind) => kind.to_owned(),
            None if resolved.get("properties").is_some() => "object".to_owned(),
            None => match ["allOf", "anyOf", "oneOf"].into_iter().find_map(|word| resolved[word].as_array()) {
                Some(members) => members.iter().map(|member| self.kind(member)).find(|kind| !kind.is_empty()).unwrap_or_default(),
                None => String::new(),
            },
        }
    }

    /// The fields of a schema and of those that it is made of. What every alternative needs is needed.
    fn object(&self, schema: &Value) -> Object {
        let schema = self.resolve(schema);
        let mut all = Object::default();
        for (name, of) in schema["properties"].as_object().into_iter().flatten() {
            all.fields.insert(name.clone(), of.clone());
        }
        let names = schema["required"].as_array().into_iter().flatten();
        all.required.extend(names.map(|name| name.as_str().expect("a name").to_owned()));
        for member in schema["allOf"].as_array().into_iter().flatten() {
            let member = self.object(member);
            all.fields.extend(member.fields);
            all.required.extend(member.required);
        }
        for word in ["anyOf", "oneOf"] {
            let members: Vec<Object> = schema[word].as_array().into_iter().flatten().map(|member| self.object(member)).collect();
            let needed = members.first().map(|first| first.required.clone()).unwrap_or_default();
            let needed = needed.into_iter().filter(|name| members.iter().all(|member| member.required.contains(name)));
            all.required.extend(needed);
            all.fields.extend(members.into_iter().flat_map(|member| member.fields));
        }
        all.required.sort();
        all.required.dedup();
        all
    }

    fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(reference) = schema["$ref"].as_str() {
            schema = self.0.pointer(&reference[1..]).expect("a reference leads somewhere");
        }
        schema
    }
}

/// Which side of an exchange a schema is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Taken,
    Shown,
}

/// The scopes that the text of a field names. One text serves both sides; what is needed to write hides nothing.
fn scopes(field: &Value, side: Side) -> BTreeSet<String> {
    let requires = Regex::new(r"[Rr]equires[^.]*?`([a-z_]+:[a-z_]+)`").expect("a pattern");
    let text = field["description"].as_str().unwrap_or_default();
    let told = requires.captures_iter(text).map(|found| found[1].to_owned());
    told.filter(|scope| side == Side::Taken || !scope.ends_with(":create") && !scope.contains(":assign")).collect()
}

fn ways(operation: &Value) -> Value {
    operation["security"].as_array().expect("security").iter().map(|way| way["bearer_auth"].clone()).collect()
}
