//! `table.txt`, made from the official description.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use regex::Regex;
use serde_json::Value;

/// How deep blocks lie within blocks.
const DEEPEST: usize = 5;

/// Run with `UPDATE_SCOPES=1` to write the file anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, and the one file that it writes")]
fn the_table_is_the_description_s() {
    let expected = Description::new().table();
    let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scopes/table.txt");
    if std::env::var_os("UPDATE_SCOPES").is_some() {
        std::fs::write(&place, &expected).expect("the package's folder is ours");
    }
    let found = std::fs::read_to_string(&place).expect("the file is there");
    assert!(found == expected, "src/api/scopes/table.txt is not what the description says: make it anew with UPDATE_SCOPES=1");
}

struct Description {
    document: Value,
    requires: Regex,
}

/// Which side of an exchange a schema is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Sent,
    Shown,
}

impl Description {
    fn new() -> Self {
        let requires = Regex::new(r"[Rr]equires[^.]*?`([a-z_]+:[a-z_]+)`").expect("a pattern");
        Self { document: dofloat_openapi::document(), requires }
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for (path, operations) in self.document["paths"].as_object().expect("paths") {
            let Some(pattern) = path.strip_prefix("/v2").filter(|path| path.starts_with('/')) else { continue };
            for method in ["get", "post", "put", "patch", "delete"] {
                let is_object = method == "get" && pattern.ends_with('}');
                if let Some(line) = operations.get(method).and_then(|operation| self.line(operation, is_object)) {
                    let _ = writeln!(table, "{} {pattern} {line}", method.to_uppercase());
                }
            }
        }
        table
    }

    fn line(&self, operation: &Value, is_object: bool) -> Option<String> {
        let mut words = vec![security(operation)?];
        let mut sent = BTreeSet::new();
        let content = &self.resolve(&operation["requestBody"])["content"]["application/json"]["schema"];
        self.fields(content, "", Side::Sent, DEEPEST, &mut sent);
        words.extend(sent.iter().map(|(name, scope)| format!("{name}={scope}")));
        for parameter in operation["parameters"].as_array().into_iter().flatten().map(|parameter| self.resolve(parameter)) {
            let name = parameter["name"].as_str().unwrap_or_default();
            words.extend(self.scopes(parameter).map(|scope| format!("?{name}={scope}")));
        }
        let mut shown = BTreeSet::new();
        let responses = operation["responses"].as_object().into_iter().flatten();
        for (_, response) in responses.filter(|(status, _)| is_object && status.starts_with('2')) {
            let schema = &self.resolve(response)["content"]["application/json"]["schema"];
            self.fields(schema, "", Side::Shown, DEEPEST, &mut shown);
        }
        // Of one object: the field that holds it is not part of the way.
        let shown = shown.iter().filter_map(|(name, scope)| Some((name.split_once('.')?.1, scope)));
        words.extend(shown.map(|(name, scope)| format!("<{name}={scope}")).collect::<BTreeSet<_>>());
        Some(words.join(" "))
    }

    /// The fields whose texts name a scope.
    fn fields(&self, schema: &Value, at: &str, side: Side, deep: usize, all: &mut BTreeSet<(String, String)>) {
        let schema = self.resolve(schema);
        if deep == 0 {
            return;
        }
        for member in ["allOf", "anyOf", "oneOf"].iter().filter_map(|word| schema[*word].as_array()).flatten() {
            self.fields(member, at, side, deep, all);
        }
        if let Some(items) = schema.get("items") {
            self.fields(items, at, side, deep, all);
        }
        for (name, of) in schema["properties"].as_object().into_iter().flatten() {
            let of = self.resolve(of);
            if side == Side::Sent && of["readOnly"] == true {
                continue;
            }
            let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            // One text serves both sides; what is needed to write hides nothing.
            let told = self.scopes(of).filter(|scope| side == Side::Sent || !scope.ends_with(":create") && !scope.contains(":assign"));
            all.extend(told.map(|scope| (at.clone(), scope)));
            self.fields(of, &at, side, deep - 1, all);
        }
    }

    fn scopes(&self, of: &Value) -> impl Iterator<Item = String> {
        let text = of["description"].as_str().unwrap_or_default().to_owned();
        self.requires.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>().into_iter()
    }

    fn resolve<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        while let Some(reference) = schema["$ref"].as_str() {
            schema = self.document.pointer(&reference[1..]).expect("a reference leads somewhere");
        }
        schema
    }
}

/// The alternatives of scopes. `api:read` and `api:write` stand for a token without custom scopes; nobody can tick them.
fn security(operation: &Value) -> Option<String> {
    let way = |way: &Value| {
        let scopes = way["bearer_auth"].as_array().into_iter().flatten().filter_map(Value::as_str);
        scopes.filter(|scope| !scope.starts_with("api:")).collect::<Vec<_>>().join("+")
    };
    let ways: Vec<String> = operation["security"].as_array()?.iter().map(way).filter(|way| !way.is_empty()).collect();
    Some(ways.join("|")).filter(|ways| !ways.is_empty())
}
