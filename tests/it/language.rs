//! The language against the answers of Terraform 1.11.4 in `$DOFLOAT_TEST_DATA/conformance/lang.json`.
//!
//! A configuration's resources are played here: `terraform_data` gives its input back as its output.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use dofloat::base::address::Address;
use dofloat::base::clock::Moment;
use dofloat::base::desired::{Output, Resolve as _};
use dofloat::base::diag::Diagnostic;
use dofloat::base::rng::Rng;
use dofloat::base::secret::Secret;
use dofloat::base::types::{Schemas, Type};
use dofloat::base::value::{Origin, Term, Value};
use dofloat::lang::Host;
use dofloat::lang::files::Memory;
use dofloat::lang::inputs::{Given, Inputs};
use dofloat::lang::library::Library;
use dofloat::lang::module::{self, Source};
use serde_json::Value as Json;

/// Cases that do not hold, and why. One that holds by now is to be taken out of the list.
const LEFT: &[(&str, &str)] = &[
    ("fn-encoding-6d865803", "`.inf` in YAML: there are no infinite numbers here"),
    ("fn-type-6ab32757", "`1 / 0` is infinite there, and an error where it is shown; here it is one at once"),
    ("indexes-53c6cd0b", "an index that is not closed is told at the line where it is missed, not after it"),
    ("numbers-f2bba456", "`1e400` as a literal: beyond what a float holds; it is written `1e200 * 1e200` here"),
    ("resources-d128977b", "the type of a `terraform_data`'s output is that of its JSON, in which a set is a list"),
    ("variables-7843afd6", "an ephemeral value is treated as a sensitive one, so what is worked out of it is sensitive too"),
];

/// Cases that are answered otherwise on purpose: Terraform refuses a type in quotes since 0.15. One in six public configurations
/// still has one, and it can mean nothing else, so it is a warning here. An output may have a type, as later releases have it.
const OTHERWISE: &[&str] = &["outputs-ece870bd", "var-types-4275b647", "var-types-62bca64c"];

struct TerraformData;

impl Schemas for TerraformData {
    fn resource(&self, kind: &str) -> Option<Type> {
        let attrs = [("id", Type::String), ("input", Type::Any), ("output", Type::Any), ("triggers_replace", Type::Any)];
        (kind == "terraform_data").then(|| Type::Object(attrs.map(|(name, ty)| (name.to_owned(), ty)).into()))
    }

    fn resource_names(&self) -> Vec<String> {
        vec!["terraform_data".to_owned()]
    }
}

struct Run<'a> {
    sources: Vec<(String, String)>,
    inputs: Inputs,
    files: &'a Memory,
}

impl Run<'_> {
    fn outputs(&self) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>> {
        let rng = Rng::seeded(1);
        let host =
            Host { files: self.files, base: Path::new("/stack"), home: None, now: Moment(1_790_000_000_000), rng: &rng, fresh: true };
        let sources: Vec<_> = self
            .sources
            .iter()
            .filter(|(name, _)| name.ends_with(".tf") || name.ends_with(".tf.json"))
            .map(|(name, text)| Source { name, text })
            .collect();
        let stack = module::load(&sources, &Library::default(), &self.inputs, &TerraformData, host)?;
        // What is of the moment has its value from here on, as in an apply.
        stack.begin();
        let mut done: BTreeMap<Address, Term> = BTreeMap::new();
        while done.len() < stack.desired().resources.len() {
            let before = done.len();
            for (address, wanted) in &stack.desired().resources {
                if done.contains_key(address) || !wanted.after.iter().all(|other| done.contains_key(other)) {
                    continue;
                }
                let known = |of: &Address| done.get(of).cloned().unwrap_or(Term::Unknown(Origin::default()));
                let mut made = stack.body(address, &known)?.entries().unwrap_or_default();
                if made.insert("id".to_owned(), Term::Value("an-id".into())).is_some() {
                    return Err(vec![Diagnostic::error("the id is computed").at(wanted.span.clone())]);
                }
                if let Some(input) = made.get("input").cloned() {
                    made.insert("output".to_owned(), input);
                }
                done.insert(address.clone(), Term::map(made));
                let known = |of: &Address| done.get(of).cloned().unwrap_or(Term::Unknown(Origin::default()));
                stack.check(address, &known)?;
            }
            assert!(done.len() > before, "the resources wait for each other");
        }
        stack.outputs(&|of| done.get(of).cloned().unwrap_or(Term::Unknown(Origin::default())))
    }

    /// `file:line` of a diagnostic.
    fn place(&self, error: &Diagnostic) -> Option<(String, usize)> {
        let span = error.span.as_ref()?;
        let tfvars = self.inputs.given.iter().filter_map(|given| match given {
            Given::File { name, text } => Some((name, text.expose())),
            Given::Text { .. } => None,
        });
        let text = self.sources.iter().map(|(name, text)| (name, text)).chain(tfvars).find(|(name, _)| **name == *span.file)?.1;
        Some((span.file.to_string(), text[..span.start.min(text.len())].matches('\n').count() + 1))
    }
}

/// What is wrong with the answer to a case, if something is.
fn judge(case: &Json, files: &Memory) -> Result<(), String> {
    let expect = &case["expect"];
    let refused = expect["error"].as_bool() == Some(true);
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let map = |json: &Json| -> Vec<(String, String)> {
        json.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    let mut given: Vec<Given> = Vec::new();
    for (name, raw) in map(&case["env"]) {
        if let Some(var) = name.strip_prefix("TF_VAR_").or(name.strip_prefix("DOFLOAT_VAR_")) {
            given.push(Given::Text { name: var.to_owned(), raw: Secret::new(raw), from: name.clone(), strict: false });
        }
    }
    if let Some(content) = case["tfvars"].as_str() {
        given.push(Given::File { name: "case.tfvars".to_owned(), text: Secret::new(content.to_owned()) });
    }
    for (name, raw) in map(&case["vars"]) {
        given.push(Given::Text { name, raw: Secret::new(raw), from: "-var".to_owned(), strict: true });
    }
    let sources = match case["expr"].as_str() {
        None => map(&case["files"]),
        Some(expr) => {
            let locals: String = map(&case["locals"]).iter().map(|(name, value)| format!("  {name} = {value}\n")).collect();
            let main = if refused {
                format!(
                    "output \"out\" {{\n  value = {expr}\n}}\n{}",
                    if locals.is_empty() { String::new() } else { format!("locals {{\n{locals}}}\n") }
                )
            } else {
                format!(
                    "locals {{\n  c = {expr}\n}}\nlocals {{\n{locals}}}\noutput \"c\" {{\n  value = [local.c, jsonencode(local.c)]\n}}\n"
                )
            };
            vec![("main.tf".to_owned(), main)]
        }
    };
    let run = Run { sources, inputs: Inputs { given, ..Inputs::default() }, files };
    let outcome = run.outputs();
    match (refused, outcome) {
        (true, Ok(outputs)) => Err(format!("accepted: {outputs:?}")),
        (true, Err(errors)) => {
            if expect["line"].is_null() {
                return Ok(());
            }
            let file = expect["file"].as_str().unwrap_or("main.tf");
            let mut places = vec![format!("{file}:{}", expect["line"])];
            places.extend(expect["also"].as_array().into_iter().flatten().map(text));
            let found: BTreeSet<String> = errors.iter().filter_map(|e| run.place(e)).map(|(file, line)| format!("{file}:{line}")).collect();
            let held = places.iter().any(|place| found.contains(place));
            if held { Ok(()) } else { Err(format!("at {found:?}, not {places:?}: {}", errors[0].message)) }
        }
        (false, Err(errors)) => Err(format!("refused: {} {:?}", errors[0].message, errors[0].hint)),
        (false, Ok(outputs)) if case["expr"].is_string() => judge_expression(expect, &outputs),
        (false, Ok(outputs)) => judge_outputs(expect, &outputs),
    }
}

fn judge_expression(expect: &Json, outputs: &BTreeMap<String, Output>) -> Result<(), String> {
    let output = outputs.get("c").ok_or("no output")?;
    let Type::Tuple(types) = &output.ty else { return Err(format!("type {}", output.ty)) };
    let Some([value, json]) = output.value.value().and_then(Value::as_list) else { return Err(format!("value {:?}", output.value)) };
    let (ty, json) = (types[0].to_json(), json.as_str().unwrap_or_default());
    if ty != expect["type"] {
        return Err(format!("type {ty}, not {}", expect["type"]));
    }
    let wanted = expect["json"].as_str().unwrap_or_default();
    if json != wanted {
        return Err(format!("jsonencode gives {json}, not {wanted}"));
    }
    let shown = expect["value"].as_str().unwrap_or(wanted);
    let found = compact(value);
    if plain(shown) == plain(&found) { Ok(()) } else { Err(format!("value {found}, not {shown}")) }
}

fn judge_outputs(expect: &Json, outputs: &BTreeMap<String, Output>) -> Result<(), String> {
    let wanted = expect["outputs"].as_object().ok_or("no outputs expected")?;
    if !wanted.keys().eq(outputs.keys()) {
        return Err(format!("outputs {:?}, not {:?}", outputs.keys(), wanted.keys()));
    }
    for (name, wanted) in wanted {
        let output = &outputs[name];
        if output.ty.to_json() != wanted["type"] {
            return Err(format!("{name} has type {}, not {}", output.ty.to_json(), wanted["type"]));
        }
        if Some(output.sensitive) != wanted["sensitive"].as_bool() {
            return Err(format!("{name} sensitive: {}", output.sensitive));
        }
        let value = output.value.sealed().ok_or("unknown")?;
        let (found, wanted) = (compact(value.expose()), wanted["json"].as_str().unwrap_or_default());
        if plain(&found) != plain(wanted) {
            return Err(format!("{name} is {found}, not {wanted}"));
        }
    }
    Ok(())
}

/// JSON with every digit of its numbers.
fn compact(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string().trim_start_matches("-0").to_owned() + if number.to_string() == "-0" { "0" } else { "" },
        Value::List(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(",")),
        Value::Map(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{}:{}", Json::from(name.as_str()), compact(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_json().to_string(),
    }
}

/// The same text without the escapes that one encoder writes and another does not.
fn plain(json: &str) -> String {
    json.replace("\\u003c", "<")
        .replace("\\u003e", ">")
        .replace("\\u0026", "&")
        .replace("\\u2028", "\u{2028}")
        .replace("\\u2029", "\u{2029}")
}

#[test]
fn the_language_answers_as_terraform_does() {
    let Ok(data) = data() else { return };
    let path = Path::new(&data).join("conformance/lang.json");
    let content = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all: Json = serde_json::from_str(&content).expect("lang.json is JSON");
    let mut files = Memory::default();
    for (name, content) in all["fixtures"].as_object().expect("there are fixtures") {
        let bytes = match (content.as_str(), content["base64"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, Some(coded)) => base64::engine::general_purpose::STANDARD.decode(coded).expect("the fixture is base64"),
            _ => panic!("{name} has no content"),
        };
        files = files.with(Path::new("/stack").join(name), bytes);
    }
    let cases = all["cases"].as_array().expect("there are cases");
    let only: Option<String> = None;
    let (mut held, mut by_category) = (0, BTreeMap::<&str, (usize, usize)>::new());
    let mut failed = Vec::new();
    for case in cases {
        let (id, category) = (case["id"].as_str().unwrap_or_default(), case["category"].as_str().unwrap_or_default());
        if only.as_ref().is_some_and(|only| !id.contains(only.as_str())) {
            continue;
        }
        let count = by_category.entry(category).or_default();
        count.1 += 1;
        match judge(case, &files) {
            Ok(()) => {
                count.0 += 1;
                held += 1;
            }
            Err(_) if OTHERWISE.contains(&id) => held += 1,
            Err(why) => failed.push((id, format!("{id} ({}): {why}", case["needs"]))),
        }
    }
    for (_, why) in &failed {
        println!("{why}");
    }
    for (category, (held, all)) in &by_category {
        println!("{category:16} {held:4} of {all:4}");
    }
    println!("{held} of {} cases hold", cases.len());
    let mut failed: Vec<&str> = failed.into_iter().map(|(id, _)| id).collect();
    failed.sort_unstable();
    assert!(only.is_some() || failed.iter().eq(LEFT.iter().map(|(id, _)| id)), "these do not hold: {failed:?}");
}

/// The folder of the test data.
fn data() -> Result<String, ()> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    let found = std::env::var("DOFLOAT_TEST_DATA");
    found.map_err(|_| {
        #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
        let required = std::env::var("CI").is_ok();
        assert!(!required, "DOFLOAT_TEST_DATA is not set");
        println!("skipped: DOFLOAT_TEST_DATA does not name the folder with the measured answers");
    })
}
