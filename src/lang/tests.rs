//! Stacks from texts, as the other layers see them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Host;
use super::files::{Files as _, Memory, Recorded};
use super::inputs::{Given, Inputs};
use super::library::Library;
use super::module::{Source, Stack, load, questions};
use dofloat_base::address::Address;
use dofloat_base::clock::Moment;
use dofloat_base::desired::{Ignore, Known, Resolve as _};
use dofloat_base::diag::Diagnostic;
use dofloat_base::rng::Rng;
use dofloat_base::secret::Secret;
use dofloat_base::types::{Schemas, Type};
use dofloat_base::value::{Origin, Term, Value};

/// One made-up resource type with an argument of each sort.
pub(super) struct Kinds;

impl Schemas for Kinds {
    fn resource(&self, kind: &str) -> Option<Type> {
        let rule =
            Type::Object(BTreeMap::from([("port".to_owned(), Type::Number), ("sources".to_owned(), Type::Set(Box::new(Type::String)))]));
        let attrs = [
            ("id", Type::String),
            ("name", Type::String),
            ("size", Type::Number),
            ("tags", Type::Set(Box::new(Type::String))),
            ("rule", Type::List(Box::new(rule))),
        ];
        matches!(kind, "thing" | "data.thing").then(|| Type::Object(attrs.map(|(name, ty)| (name.to_owned(), ty)).into()))
    }

    fn resource_names(&self) -> Vec<String> {
        vec!["thing".to_owned()]
    }
}

/// Loads a text and hands the stack, or what is wrong with it, on.
fn with<T>(text: &str, inputs: &Inputs, run: impl FnOnce(Result<Stack<'_>, Vec<Diagnostic>>) -> T) -> T {
    let files = Memory::default().with("/s/note.txt", "hello");
    let rng = Rng::seeded(1);
    let host = Host { files: &files, base: Path::new("/s"), home: None, now: Moment(0), rng: &rng, fresh: false };
    let name = if text.starts_with('{') { "t.tf.json" } else { "t.tf" };
    run(load(&[Source { name, text }], &Library::default(), inputs, &Kinds, host))
}

fn stack<T>(text: &str, run: impl FnOnce(&Stack<'_>) -> T) -> T {
    with(text, &Inputs::default(), |stack| match stack {
        Ok(stack) => run(&stack),
        Err(errors) => panic!("{errors:#?}"),
    })
}

/// The messages of a text's errors, each with its line.
fn errors(text: &str) -> Vec<String> {
    with(text, &Inputs::default(), |stack| {
        let line = |error: &Diagnostic| error.span.as_ref().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        stack.err().unwrap_or_default().iter().map(|error| format!("{}: {}", line(error), error.message)).collect()
    })
}

pub(super) fn nothing(_: &Address) -> Term {
    Term::Unknown(Origin::default())
}

pub(super) fn at(text: &str) -> Address {
    text.parse().expect("an address")
}

pub(super) fn body(stack: &Stack<'_>, of: &str, known: &Known<'_>) -> String {
    match stack.body(&at(of), known) {
        Ok(Term::Value(value)) => value.to_json().to_string(),
        Ok(other) => format!("{other:?}"),
        Err(errors) => format!("{:?}", errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>()),
    }
}

#[test]
fn what_has_no_instance_is_held_to_its_form_alone() {
    let text = |repeat: &str, rest: &str| {
        format!(
            "variable \"rules\" {{\n  default = null\n}}\nlocals {{\n  none = var.rules\n}}\nresource \"thing\" \"x\" {{\n  {repeat}\n  {rest}\n}}\n"
        )
    };
    let rest = "name = var.rules.name\n  size = length(local.none) + 1\n  tags = [for tag in local.none : tag]\n  dynamic \"rule\" {\n    \
                for_each = var.rules\n    content {\n      port = rule.value.port\n    }\n  }\n  provisioner \"local-exec\" {\n    \
                command = var.rules.command\n  }";
    for repeat in
        ["count = 0", "for_each = {}", "for_each = toset([])", "count = var.rules == null ? 0 : 1", "lifecycle {\n    enabled = false\n  }"]
    {
        assert_eq!(errors(&text(repeat, rest)), [""; 0], "{repeat}");
        // What is written out is wrong whatever the values are.
        let told = errors(&text(repeat, "size = [1]"));
        assert!(matches!(told.as_slice(), [told] if told.ends_with("\"size\" must be a number, not a tuple.")), "{repeat}: {told:?}");
    }
    assert_eq!(errors(&text("count = 1", "name = var.rules.name")).len(), 1);
}

#[test]
fn all_static_errors_are_reported_at_once() {
    let text = r#"
resource "thing" "a" {
  name = var.nam
  siez = 1
  tags = [for x in ["a"] : nosuch(x)]
}
resource "thing" "b" {
  name = true ? "fine" : thing.a.nmae
  size = local.none
}
resource "thong" "c" {}
variable "name" {
  default = "n"
}
"#;
    assert_eq!(
        errors(text),
        [
            "3: There is no variable \"nam\".",
            "4: \"thing\" has no argument \"siez\".",
            "5: There is no function \"nosuch\".",
            "8: There is no attribute \"nmae\" here.",
            "9: There is no local value \"none\".",
            "11: The resource type \"thong\" is not supported.",
        ]
    );
}

#[test]
fn the_last_of_keys_that_are_written_twice_counts() {
    let text = r#"
locals {
  x = { a = 1, b = 0, a = 2, "c" = 1, c = 3, "c" = 4, é = 1, a = "${1 + 2}" }
  y = { for k, v in { n = "one", n = "two" } : k => v }
}
resource "thing" "x" {
  name = "${jsonencode(local.x)} ${local.y.n}"
  size = local.x.nosuch
}
"#;
    assert_eq!(errors(text), ["8: This object has no attribute \"nosuch\"."]);
    stack(&text.replace("  size = local.x.nosuch\n", ""), |stack| {
        assert_eq!(body(stack, "thing.x", &nothing), r#"{"name":"{\"a\":3,\"b\":0,\"c\":4,\"é\":1} two"}"#);
    });
}

#[test]
fn line_breaks_in_a_for_between_braces_mean_nothing() {
    let text = r#"
locals {
  x = { for k in ["a", "b"] : # both
    k => k == "a" ? 1 : // the first
    k == "b"
    ? 2
    : 3 /* none
    */
  }
}
resource "thing" "x" {
  name = jsonencode(local.x)
  tags = [!
  true, local.none]
}
"#;
    assert_eq!(errors(text), ["14: There is no local value \"none\"."]);
    stack(&text.replace(", local.none", ""), |stack| {
        assert_eq!(body(stack, "thing.x", &nothing), r#"{"name":"{\"a\":1,\"b\":2}","tags":["false"]}"#);
    });
    assert_eq!(errors("locals {\n  x = { for k in [1] : k => k ?\n }\n}"), ["2: An expression is expected here, not the end of the line."]);
}

#[test]
fn a_dynamic_block_of_nothing_is_as_one_that_is_not_written() {
    let text = "resource \"thing\" \"x\" {\n  name = \"n\"\n  dynamic \"rule\" {\n    for_each = LIST\n    content {\n      port = rule.value\n    }\n  }\n}\n";
    for (list, expected) in [("[]", r#"{"name":"n"}"#), ("{}", r#"{"name":"n"}"#), ("[1]", r#"{"name":"n","rule":[{"port":1}]}"#)] {
        stack(&text.replace("LIST", list), |stack| assert_eq!(body(stack, "thing.x", &nothing), expected));
    }
}

#[test]
fn what_is_not_supported_says_so() {
    for (text, expected) in [
        ("module \"m\" {}", "1: A module block needs the argument \"source\"."),
        ("terraform {\n  cloud {}\n}", "2: The \"cloud\" block has no effect here: dofloat does not use that service."),
        ("terraform {\n  backend {}\n}", "2: A backend block is written `backend \"KIND\" { … }`."),
        (
            "terraform {\n  backend \"git\" {\n    branch = var.branch\n  }\n}",
            "3: `branch` of a backend is read before anything is evaluated, so it must be a plain value.",
        ),
        ("data \"thong\" \"x\" {}", "1: 1 of 1 resources and data sources is not supported: thong 1."),
        ("provider \"digitalocen\" {}", "1: The provider \"digitalocen\" is not supported; the only one is \"digitalocean\"."),
        ("resourec \"thing\" \"a\" {}", "1: There is no block type \"resourec\"."),
        ("locals {\n  a = data.thing.x.id\n}", "2: There is no data source \"thing\" \"x\"."),
        ("locals {\n  a = data.thing\n}", "2: A reference to a data source names its type and its name: data.TYPE.NAME."),
        (
            "data \"thing\" \"x\" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}",
            "3: A lifecycle block has no argument \"prevent_destroy\".",
        ),
        ("data \"thing\" \"x\" {\n  siez = 1\n}", "2: \"data.thing\" has no argument \"siez\"."),
        (
            "resource \"thing\" \"x\" {\n  count = data.thing.y.size\n}\ndata \"thing\" \"y\" {}",
            "2: `count` of thing.x is not known before apply: it depends on data.thing.y, which is read during the apply.",
        ),
    ] {
        assert_eq!(errors(text), [expected]);
    }
}

#[test]
fn a_type_in_quotes_is_taken_and_told_of() {
    let text = "variable \"a\" {\n  type    = \"string\"\n  default = 1\n}\nvariable \"b\" {\n  type    = \"list\"\n  default = [1]\n}\n";
    stack(text, |stack| {
        assert_eq!(stack.variables()["a"].value, Term::Value("1".into()));
        assert_eq!(
            stack.warnings().iter().map(|w| w.message.as_str()).collect::<Vec<_>>(),
            ["A type in quotes is an old way to write it."; 2]
        );
    });
    assert_eq!(errors("variable \"a\" {\n  type = list(\"string\")\n}\n"), ["2: A type is written without quotes."]);
}

#[test]
fn data_sources_are_read_and_not_made() {
    let text = r#"
data "thing" "each" {
  for_each = toset(["a", "b"])
  name     = each.key
}
data "thing" "one" {
  name       = thing.r.id
  depends_on = [thing.s]
  lifecycle {
    postcondition {
      condition     = self.size > 1
      error_message = "small"
    }
  }
}
resource "thing" "r" {
  name = data.thing.each["a"].id
  tags = [for key, one in data.thing.each : one.name]
}
resource "thing" "s" {}
resource "thing" "t" {
  name = data.thing.one.name
  size = [for data in [1, 2] : data][0]
}
output "o" {
  value = data.thing.each["b"].size
}
"#;
    stack(text, |stack| {
        let desired = stack.desired();
        let names = |addresses: &BTreeSet<Address>| addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
        let read: Vec<String> = desired.data.keys().map(ToString::to_string).collect();
        assert_eq!(read, ["data.thing.each[\"a\"]", "data.thing.each[\"b\"]", "data.thing.one"]);
        assert_eq!(desired.resources.len(), 3);
        assert!(desired.blocks.keys().all(|block| !block.is_data()));
        let one = &desired.data[&"data.thing.one".parse::<Address>().unwrap()];
        assert_eq!(
            (names(&one.after), names(&one.depends_on)),
            (vec!["thing.r".to_owned(), "thing.s".to_owned()], vec!["thing.s".to_owned()])
        );
        let after = |address: &str| names(&desired.resources[&address.parse::<Address>().unwrap()].after);
        assert_eq!(after("thing.r"), ["data.thing.each[\"a\"]", "data.thing.each[\"b\"]"]);
        // It follows what the data source follows, as nothing else would tell once that is forgotten.
        assert_eq!(after("thing.t"), ["data.thing.one", "thing.r", "thing.s"]);
        let known = |of: &Address| match of.is_data() {
            true => Term::Value(Value::from_json(&serde_json::json!({"id": "7", "name": of.to_string(), "size": 2}))),
            false => Term::Unknown(Origin::default()),
        };
        let t = stack.body(&"thing.t".parse().unwrap(), &known).unwrap();
        assert_eq!(t, Term::Value(Value::from_json(&serde_json::json!({"name": "data.thing.one", "size": 1}))));
        let outputs = stack.outputs(&known).unwrap();
        assert_eq!(outputs["o"].value, Term::Value(2.into()));
        assert!(stack.check(&"data.thing.one".parse().unwrap(), &known).is_ok());
        let small = |_: &Address| Term::Value(Value::from_json(&serde_json::json!({"size": 1})));
        assert_eq!(stack.check(&"data.thing.one".parse().unwrap(), &small).unwrap_err()[0].message, "small");
    });
    let json = r#"{"data": {"thing": {"a": {"name": "n"}}}, "resource": {"thing": {"b": {"name": "${data.thing.a.id}"}}}}"#;
    stack(json, |stack| assert_eq!((stack.desired().data.len(), stack.desired().resources.len()), (1, 1)));
}

#[test]
fn circles_are_named() {
    assert_eq!(
        errors("data \"thing\" \"x\" {\n  name = thing.y.id\n}\nresource \"thing\" \"y\" {\n  name = data.thing.x.id\n}\n"),
        ["1: These depend on each other in a circle: data.thing.x → thing.y → data.thing.x."]
    );
    assert_eq!(
        errors("locals {\n  a = local.b\n  b = thing.x.id\n}\nresource \"thing\" \"x\" {\n  name = local.a\n}\n"),
        ["2: These depend on each other in a circle: local.a → local.b → thing.x → local.a."]
    );
}

#[test]
fn references_give_the_order_through_local_values_too() {
    let text = r#"
locals { ids = thing.a[*].id }
resource "thing" "a" { count = 2 }
resource "thing" "b" { name = join(",", local.ids) }
resource "thing" "c" {
  count = 2
  name  = thing.a[count.index].id
}
resource "thing" "d" {
  for_each   = toset(["x"])
  name       = each.key
  depends_on = [thing.b]
  lifecycle {
    ignore_changes       = [tags]
    replace_triggered_by = [thing.c[0].name]
  }
}
"#;
    stack(text, |stack| {
        let after = |of: &str| stack.desired().resources[&at(of)].after.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(after("thing.b"), ["thing.a[0]", "thing.a[1]"]);
        assert_eq!(after("thing.c[1]"), ["thing.a[1]"]);
        assert_eq!(after("thing.d[\"x\"]"), ["thing.b", "thing.c[0]"]);
        let rules = &stack.desired().resources[&at("thing.d[\"x\"]")].rules;
        assert_eq!(rules.ignore_changes, Ignore::Names(BTreeSet::from(["tags".to_owned()])));
        assert_eq!(rules.replace_triggered_by[0].address, at("thing.c[0]"));
        assert_eq!(rules.replace_triggered_by[0].attribute.as_deref(), Some("name"));
    });
}

#[test]
fn bodies_have_the_types_of_their_attributes() {
    let text = r#"
resource "thing" "a" {
  name = 5
  size = "7"
  tags = ["b", "a", "b"]
  rule { port = "80" }
  dynamic "rule" {
    for_each = [443, 22]
    content {
      port    = rule.value
      sources = rule.key == 0 ? ["x"] : null
    }
  }
}
"#;
    let expected = r#"{"name":"5","rule":[{"port":80},{"port":443,"sources":["x"]},{"port":22}],"size":7,"tags":["a","b"]}"#;
    stack(text, |stack| {
        assert_eq!(body(stack, "thing.a", &nothing), expected);
        let place = |path: &[&str]| stack.span(&at("thing.a"), path).map(|span| &text[span.start..span.end]);
        assert_eq!(place(&["size"]), Some("\"7\""));
        assert_eq!(place(&["rule", "1", "port"]), Some("rule.value"));
        assert_eq!(place(&["id"]), Some("resource \"thing\" \"a\""));
    });
}

#[test]
fn unknown_parts_stay_unknown_and_then_become_known() {
    let text = "resource \"thing\" \"a\" {}\nresource \"thing\" \"b\" {\n  name = \"is ${thing.a.id}\"\n  tags = [thing.a.name == null ? \"none\" : \"some\"]\n}\n";
    stack(text, |stack| {
        let term = stack.body(&at("thing.b"), &nothing).expect("a body");
        assert!(matches!(term.get("name"), Term::Unknown(_)), "{term:?}");
        let known = |_: &Address| Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), "7".into())])));
        assert_eq!(body(stack, "thing.b", &known), r#"{"name":"is 7","tags":["none"]}"#);
    });
}

#[test]
fn the_shape_must_be_known() {
    let text = "resource \"thing\" \"a\" {}\nresource \"thing\" \"b\" {\n  for_each = toset([thing.a.id])\n}\n";
    assert_eq!(errors(text), ["3: `for_each` of thing.b is not known before apply."]);
    let text = "resource \"thing\" \"a\" {}\nresource \"thing\" \"b\" {\n  count = thing.a.size\n}\n";
    assert_eq!(errors(text), ["3: `count` of thing.b is not known before apply: it depends on thing.a.size."]);
}

#[test]
fn a_shape_that_wants_a_variable_is_open_to_whoever_validates() {
    let text = r#"
variable "names" {
  type = set(string)
}
variable "many" {
  type = number
}
locals { more = { for name in var.names : name => upper(name) } }
resource "thing" "a" {
  for_each = var.names
  name     = each.key
}
resource "thing" "b" {
  for_each = thing.a
  name     = each.value.id
  tags     = [thing.a["x"].name, thing.d[0].name]
}
resource "thing" "c" {
  for_each = local.more
  name     = each.value
}
resource "thing" "d" {
  count = var.many
  name  = "d${count.index}"
}
resource "thing" "e" {
  for_each = toset([for name in ["x"] : "${name}${var.many}"])
}
import {
  to = thing.a["x"]
  id = "7"
}
output "o" {
  value = [values(thing.a)[*].id, thing.d[*].name, length(thing.c)]
}
"#;
    let inputs = |open_shape| Inputs { lenient: true, open_shape, ..Inputs::default() };
    with(text, &inputs(true), |stack| {
        let stack = stack.unwrap_or_else(|errors| panic!("{errors:#?}"));
        for of in ["thing.a", "thing.b", "thing.c", "thing.d", "thing.e"] {
            assert!(stack.body(&at(of), &nothing).is_ok(), "{of}");
        }
        assert!(stack.outputs(&nothing).is_ok());
    });
    with(text, &inputs(false), |stack| assert!(stack.err().is_some_and(|errors| errors[0].message.contains("is not known before apply"))));
    let still = "variable \"v\" {}\nresource \"thing\" \"a\" {}\nresource \"thing\" \"b\" {\n  for_each = toset([thing.a.id])\n  name     = var.v\n}\n";
    with(still, &inputs(true), |stack| assert_eq!(stack.err().map(|errors| errors.len()), Some(1)));
}

#[test]
fn old_and_long_ways_to_write_references_are_understood() {
    let text = r#"
provider "digitalocean" {
  version = "~> 2.0"
}
resource "thing" "a" {
  count    = 1
  provider = "digitalocean"
}
resource "thing" "b" {
  name       = resource.thing.a[0].id
  tags       = [for resource in ["x"] : resource]
  depends_on = ["thing.a", resource.thing.c]
  lifecycle {
    ignore_changes       = ["size"]
    replace_triggered_by = ["thing.c"]
  }
}
resource "thing" "c" {
  for_each = resource.thing.a[*]
}
moved {
  from = resource.thing.x
  to   = resource.thing.a[0]
}
output "o" {
  value = templatestring(local.t, { resource = { a = { b = "in a template" } } })
}
locals {
  t = "$${resource.a.b}"
}
"#
    .replace("resource.thing.a[*]", "{ for it in resource.thing.a : \"k\" => it.name }");
    stack(&text, |stack| {
        let known = |_: &Address| Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), "7".into())])));
        assert_eq!(body(stack, "thing.b", &known), r#"{"name":"7","tags":["x"]}"#);
        let wanted = &stack.desired().resources[&at("thing.b")];
        assert_eq!(wanted.after, BTreeSet::from([at("thing.a[0]"), at("thing.c[\"k\"]")]));
        assert_eq!(wanted.rules.ignore_changes, Ignore::Names(BTreeSet::from(["size".to_owned()])));
        assert_eq!(wanted.rules.replace_triggered_by.len(), 1);
        assert_eq!(stack.outputs(&known).expect("outputs")["o"].value, Term::Value("in a template".into()));
        let told: Vec<_> = stack.warnings().iter().map(|warning| (warning.message.as_str(), warning.hint.as_deref())).collect();
        let quoted = "A reference in quotes is an old way to write it.";
        let hints = ["Write `digitalocean`.", "Write `thing.a`.", "Write `size`.", "Write `thing.c`."];
        assert!(told[0].0.starts_with("`version` in a provider block has no effect"), "{told:?}");
        assert_eq!(told[1..], hints.map(|hint| (quoted, Some(hint))));
    });
    assert_eq!(
        errors("output \"o\" {\n  value = resource.thing\n}\n"),
        ["2: A reference to a resource names its type and its name: TYPE.NAME."]
    );
}

#[test]
fn values_of_for_each_may_be_known_later() {
    let text = "resource \"thing\" \"a\" {}\nresource \"thing\" \"b\" {\n  for_each = { x = thing.a.id }\n  name     = \"${each.key}=${each.value}\"\n}\n";
    let known = |_: &Address| Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), "7".into())])));
    stack(text, |stack| assert_eq!(body(stack, "thing.b[\"x\"]", &known), r#"{"name":"x=7"}"#));
}

#[test]
fn sensitive_values_are_secrets_outside() {
    let text = r#"
variable "token" {
  sensitive = true
}
resource "thing" "a" {
  name = "t-${var.token}"
  size = 1
}
output "o" {
  value     = [var.token, 1]
  sensitive = true
}
"#;
    let given = vec![Given::Text {
        name: "token".into(),
        raw: dofloat_base::secret::Secret::new("s3cret".into()),
        from: "-var".into(),
        strict: true,
    }];
    with(text, &Inputs { given, ..Inputs::default() }, |stack| {
        let stack = stack.unwrap_or_else(|errors| panic!("{errors:#?}"));
        let term = stack.body(&at("thing.a"), &nothing).expect("a body");
        assert!(matches!(term.get("name"), Term::Secret(_)));
        assert_eq!(term.get("size").value(), Some(&Value::from(1)));
        let outputs = stack.outputs(&nothing).expect("outputs");
        assert!(outputs["o"].value.has_secret() && outputs["o"].sensitive);
        let variables = stack.variables();
        assert!(variables["token"].sensitive);
        let shown = format!("{term:?} {outputs:?} {variables:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    });
    assert_eq!(
        errors("variable \"t\" {\n  default   = \"x\"\n  sensitive = true\n}\noutput \"o\" {\n  value = { a = var.t }\n}\n"),
        ["5: This output would show a sensitive value."]
    );
}

#[test]
fn questions_are_asked_for_what_is_missing_only() {
    let text = "variable \"a\" {}\nvariable \"b\" {\n  type        = number\n  description = \"How many\"\n}\nvariable \"c\" {\n  default = 1\n}\n";
    let files = Memory::default();
    let rng = Rng::seeded(1);
    let host = Host { files: &files, base: Path::new("/s"), home: None, now: Moment(0), rng: &rng, fresh: false };
    let given = vec![Given::File { name: "x.tfvars".into(), text: Secret::new("a = 1\nother = 2\n".to_owned()) }];
    let open = questions(
        &[Source { name: "t.tf", text }],
        &Library::default(),
        &Inputs { given: given.clone(), ..Inputs::default() },
        &Kinds,
        host,
    )
    .expect("questions");
    assert_eq!(
        open.iter().map(|q| (q.name.as_str(), q.description.as_deref(), &q.ty)).collect::<Vec<_>>(),
        [("b", Some("How many"), &Type::Number)]
    );
    with(text, &Inputs { given: given.clone(), ..Inputs::default() }, |stack| {
        assert_eq!(stack.err().map(|errors| errors.len()), Some(1));
    });
    with(text, &Inputs { given, lenient: true, ..Inputs::default() }, |stack| {
        let stack = stack.unwrap_or_else(|errors| panic!("{errors:#?}"));
        assert_eq!(stack.warnings().iter().map(|w| w.message.as_str()).collect::<Vec<_>>(), ["The stack has no variable \"other\"."]);
        assert!(matches!(stack.variables()["b"].value, Term::Unknown(_)));
    });
}

#[test]
fn the_provider_gives_its_arguments() {
    stack("locals { n = 5 }\nprovider \"digitalocean\" {\n  http_retry_max = local.n\n  token = null\n}\n", |stack| {
        let arguments = stack.provider().expect("arguments");
        assert_eq!(
            arguments.iter().map(|a| (a.name.as_str(), a.value.value().cloned())).collect::<Vec<_>>(),
            [("http_retry_max", Some(Value::from(5)))]
        );
    });
}

#[test]
fn conditions_are_checked() {
    let text = r#"
resource "thing" "a" {
  size = 3
  lifecycle {
    precondition {
      condition     = thing.b.size > 5
      error_message = "b has ${thing.b.size}."
    }
    postcondition {
      condition     = self.id != "bad"
      error_message = "The id is ${self.id}."
    }
  }
}
resource "thing" "b" {
  size = 1
}
"#;
    stack(text, |stack| {
        assert_eq!(body(stack, "thing.a", &nothing), r#"{"size":3}"#);
        let known = |_: &Address| Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), "bad".into()), ("size".to_owned(), 1.into())])));
        assert_eq!(body(stack, "thing.a", &known), r#"["b has 1."]"#);
        let failed = stack.check(&at("thing.a"), &known).err().unwrap_or_default();
        assert_eq!(failed.iter().map(|error| error.message.as_str()).collect::<Vec<_>>(), ["The id is bad."]);
        assert_eq!(failed[0].address.as_deref(), Some("thing.a"));
        assert!(stack.check(&at("thing.a"), &nothing).is_ok());
    });
}

#[test]
fn the_json_form_means_the_same() {
    let text = r#"{"variable": {"n": {"type": "number", "default": 2}},
        "resource": {"thing": {"a": {"count": "${var.n}", "name": "n-${count.index}", "rule": [{"port": 80}], "lifecycle": {"prevent_destroy": true}},
                               "b": {"name": "b", "depends_on": ["thing.a"]}}},
        "output": {"o": {"value": "${thing.a[*].id}"}}}"#;
    stack(text, |stack| {
        assert_eq!(body(stack, "thing.a[1]", &nothing), r#"{"name":"n-1","rule":[{"port":80}]}"#);
        assert_eq!(stack.desired().resources[&at("thing.b")].after.len(), 2);
        assert!(stack.desired().resources[&at("thing.a[0]")].rules.prevent_destroy.is_some());
    });
}

#[test]
fn files_that_functions_read_are_remembered() {
    let files = Memory::default().with("/s/note.txt", "hello");
    let recorded = Recorded::new(&files);
    let rng = Rng::seeded(1);
    let host = Host { files: &recorded, base: Path::new("/s"), home: None, now: Moment(0), rng: &rng, fresh: false };
    let source = Source { name: "t.tf", text: "locals { a = file(\"note.txt\") }\noutput \"o\" { value = local.a }\n" };
    let stack = load(&[source], &Library::default(), &Inputs::default(), &Kinds, host).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(stack.outputs(&nothing).expect("outputs")["o"].value, Term::Value("hello".into()));
    assert_eq!(recorded.seen(), BTreeSet::from(["/s/note.txt".into()]));
    assert!(recorded.read(Path::new("/s/none")).is_err());
}

#[test]
fn thousands_of_instances_are_resolved_one_by_one() {
    let text = "resource \"thing\" \"a\" {\n  count = 3000\n  name  = \"n-${count.index}\"\n}\nresource \"thing\" \"b\" {\n  count = 3000\n  name  = thing.a[count.index].name\n}\n";
    stack(text, |stack| {
        let asked = std::cell::Cell::new(0_usize);
        let known = |of: &Address| {
            asked.set(asked.get() + 1);
            Term::Value(Value::Map(BTreeMap::from([("name".to_owned(), Value::from(of.to_string()))])))
        };
        for address in stack.desired().resources.keys() {
            stack.body(address, &known).expect("a body");
        }
        // One question an instance that refers to another: no reference makes the values of all instances.
        assert_eq!(asked.get(), 3000);
        assert_eq!(body(stack, "thing.b[2999]", &known), r#"{"name":"thing.a[2999]"}"#);
    });
}

#[test]
fn chained_instances_ask_for_their_own_value_only() {
    let text = r#"
locals { by_name = { for name, thing in thing.a : upper(name) => thing.id } }
resource "thing" "a" {
  for_each = toset([for i in range(300) : "n${i}"])
}
resource "thing" "b" {
  for_each = thing.a
  name     = each.value.id
}
resource "thing" "c" {
  for_each = local.by_name
  name     = "${each.key} ${each.value}"
}
resource "thing" "d" {
  for_each = { for name, other in thing.a : name => other if length(name) == 2 }
  name     = each.value.id
}
resource "thing" "e" {
  for_each = merge({ x = thing.b["n1"].name }, { y = 2 })
  name     = each.value
}
"#;
    stack(text, |stack| {
        let asked = std::cell::Cell::new(0_usize);
        let known = |of: &Address| {
            asked.set(asked.get() + 1);
            let value = Value::from(format!("id of {of}"));
            Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), value.clone()), ("name".to_owned(), value)])))
        };
        for (of, expected) in [
            (r#"thing.b["n7"]"#, r#"{"name":"id of thing.a[\"n7\"]"}"#),
            (r#"thing.c["N250"]"#, r#"{"name":"N250 id of thing.a[\"n250\"]"}"#),
            (r#"thing.d["n9"]"#, r#"{"name":"id of thing.a[\"n9\"]"}"#),
            (r#"thing.e["x"]"#, r#"{"name":"id of thing.b[\"n1\"]"}"#),
        ] {
            assert_eq!(body(stack, of, &known), expected);
        }
        assert!(!stack.desired().resources.contains_key(&at(r#"thing.d["n10"]"#)));
        assert_eq!(asked.get(), 4);
    });
}

fn moves_of(text: &str) -> Vec<String> {
    const THINGS: &str = "resource \"thing\" \"b\" {\n  name = \"b\"\n}\nresource \"thing\" \"c\" {\n  count = 2\n}\n";
    stack(&format!("{THINGS}{text}"), |stack| {
        let desired = stack.desired();
        let moves = desired.moves.iter().map(|of| format!("{} -> {}", of.from, of.to));
        let removals =
            desired.removals.iter().map(|(from, removal)| format!("{from} {}", if removal.destroy { "destroy" } else { "forget" }));
        let imports = desired.imports.iter().map(|(to, import)| format!("{to} <- {}", import.id));
        moves.chain(removals).chain(imports).collect()
    })
}

#[test]
fn moves_removals_and_imports_are_known_before_any_request() {
    assert_eq!(moves_of("moved {\n  from = thing.a\n  to = thing.b\n}"), ["thing.a -> thing.b"]);
    assert_eq!(
        moves_of("moved {\n  from = thing.z\n  to = thing.b\n}\nmoved {\n  from = thing.a[\"x\"]\n  to = thing.z\n}"),
        ["thing.a[\"x\"] -> thing.z", "thing.z -> thing.b"],
        "what moves on is moved there first"
    );
    assert_eq!(moves_of("removed {\n  from = thing.gone\n}"), ["thing.gone destroy"]);
    assert_eq!(moves_of("removed {\n  from = thing.gone\n  lifecycle {\n    destroy = false\n  }\n}"), ["thing.gone forget"]);
    assert_eq!(moves_of("variable \"id\" {\n  default = 7\n}\nimport {\n  to = thing.b\n  id = \"${var.id}-x\"\n}"), ["thing.b <- 7-x"]);
    assert_eq!(
        moves_of("import {\n  for_each = { \"0\" = \"i\", \"1\" = \"j\" }\n  to = thing.c[tonumber(each.key)]\n  id = each.value\n}"),
        ["thing.c[0] <- i", "thing.c[1] <- j"]
    );
    let json = r#"{"resource": {"thing": {"b": {"name": "b"}}}, "moved": [{"from": "thing.a", "to": "thing.b"}], "import": [{"to": "thing.b", "id": "7"}]}"#;
    stack(json, |stack| assert_eq!((stack.desired().moves.len(), stack.desired().imports[&at("thing.b")].id.as_str()), (1, "7")));
}

#[test]
fn what_is_wrong_with_moves_removals_and_imports_has_a_place() {
    const B: &str = "resource \"thing\" \"b\" {\n}\n";
    let check = |text: &str, expected: &str| assert_eq!(errors(&format!("{B}{text}")), [expected], "{text}");
    check("moved {\n  from = thing.a\n}", "3: A moved block needs the argument \"to\".");
    check("moved {\n  from = thing.a\n  to = thing.a\n}", "3: This moves thing.a to where it is.");
    check(
        "moved {\n  from = thing.a\n  to = other.b\n}",
        "5: A move changes the name or the key, not the type: `thing` cannot become `other`.",
    );
    check("moved {\n  from = \"thing.a\"\n  to = thing.b\n}", "4: This is not a resource address.");
    check("moved {\n  from = thing.a[var.x]\n  to = thing.b\n}", "4: \"var\" cannot be used here: the value must be constant.");
    check(
        "moved {\n  from = module.a\n  to = thing.b\n}",
        "5: A move changes the name or the key, not the type: `module` cannot become `thing`.",
    );
    check("moved {\n  from = thing.b\n  to = thing.c\n}", "3: thing.b is moved away, and is still in the configuration.");
    check(
        "moved {\n  from = thing.x\n  to = thing.b\n}\nmoved {\n  from = thing.y\n  to = thing.b\n}",
        "7: Two are moved to thing.b: thing.x and thing.y.",
    );
    check(
        "moved {\n  from = thing.x\n  to = thing.y\n}\nmoved {\n  from = thing.x\n  to = thing.b\n}",
        "7: thing.x is moved to two places: thing.y and thing.b.",
    );
    check(
        "moved {\n  from = thing.x\n  to = thing.y\n}\nmoved {\n  from = thing.y\n  to = thing.x\n}",
        "3: These moves go round in a circle: thing.x, thing.y.",
    );
    check("removed {\n  from = thing.b\n}", "3: thing.b is removed, and is still in the configuration.");
    check("removed {\n  from = thing.a[0]\n}", "4: A removed block is about a whole resource, not about one instance of it.");
    check("removed {\n  from = thing.a\n  lifecycle {\n  }\n}", "5: This lifecycle block needs the argument \"destroy\".");
    check("removed {\n  from = thing.a\n}\nremoved {\n  from = thing.a\n}", "6: This removal is declared twice.");
    check("import {\n  to = thing.b\n}", "3: An import block needs the argument \"id\".");
    check("import {\n  to = thing.x\n  id = \"1\"\n}", "4: The import has nowhere to go: thing.x is not in the configuration.");
    check("import {\n  to = thing.b[0]\n  id = \"1\"\n}", "4: The import has nowhere to go: thing.b[0] is not in the configuration.");
    check(
        "import {\n  to = thing.b\n  id = thing.b.name\n}",
        "5: The id of an import must be known before apply: from variables, local values and data sources alone.",
    );
    check("import {\n  to = thing.b\n  id = \"\"\n}", "5: The id of an import is a text, and not empty.");
    check("import {\n  to = thing.b\n  id = sensitive(\"1\")\n}", "5: The id of an import is shown, so it cannot be sensitive.");
    check("import {\n  to = thing.b\n  id = \"1\"\n}\nimport {\n  to = thing.b\n  id = \"2\"\n}", "9: Two imports go to thing.b.");
}

#[test]
fn a_few_lines_cost_no_more_than_they_may() {
    let double = |zero: &str, step: fn(usize) -> String| {
        let lines: String = (1..60).map(|at| format!("  l{at:02} = {}\n", step(at - 1))).collect();
        format!("locals {{\n  l00 = {zero}\n{lines}}}\n")
    };
    let walks = |within: &str| format!("locals {{\n  a = [for a in range(1000) : [for b in range(1000) : {within}]]\n}}\n");
    let calls =
        "locals {\n  a = [for i in range(1000) : sha512(join(\"\", [for j in range(1000) : format(\"%5000d\", j)]))]\n}\n".to_owned();
    // Few steps, each of which looks at a lot.
    let compares = |what: &str| {
        format!(
            "locals {{\n  big = [for a in range(1000) : range(100)]\n  like = [for a in range(1000) : range(100)]\n  text = join(\"\", [for a in \
             range(1000) : format(\"%9000d\", a)])\n  a = [for a in range(100) : [for b in range(100) : 1 if {what}]]\n}}\n"
        )
    };
    for (text, expected) in [
        (double("[1, 2]", |at| format!("[local.l{at:02}, local.l{at:02}]")), "The value is too large"),
        (double("{}", |at| format!("{{ a = local.l{at:02}, b = local.l{at:02} }}")), "The value is too large"),
        (double("\"abc\"", |at| format!("\"${{local.l{at:02}}}${{local.l{at:02}}}\"")), "The text is longer than 16 MiB"),
        (double("[]", |at| format!("[local.l{at:02}]")), "The value is too deep"),
        (walks("[a, b]"), "The value is too large"),
        (walks("a if b < 0"), "This takes too long"),
        (calls, "This takes too long"),
        (compares("[local.big] == 1"), "This takes too long"),
        (compares("local.big == local.like"), "This takes too long"),
        (compares("\"${local.text}x\" == local.text"), "This takes too long"),
        (
            "locals {\n  a = \"%{ for a in range(1000) }%{ for b in range(1000) }x%{ endfor }%{ endfor }\"\n}\n".to_owned(),
            "This takes too long",
        ),
    ] {
        let found = errors(&text);
        assert!(found.first().is_some_and(|error| error.contains(expected)), "{text}\n{found:?}");
    }
}

#[test]
fn chains_may_be_of_any_length() {
    // By names in the order of the chain, and against it.
    let locals = |length: usize, end: &str, upwards: bool| {
        let name = |at: usize| format!("l{:05}", if upwards { at } else { length - at });
        let lines: String = (0..length).map(|at| format!("  {} = local.{}\n", name(at), name(at + 1))).collect();
        format!("locals {{\n{lines}  {} = {end}\n}}\noutput \"o\" {{\n  value = local.{}\n}}\n", name(length), name(0))
    };
    let counts: String =
        (0..2000).map(|at| format!("resource \"thing\" \"a{at}\" {{\n  count = length(thing.a{})\n}}\n", at + 1)).collect();
    let counts = counts + "resource \"thing\" \"a2000\" {\n  count = 1\n}\n";
    let moving = "resource \"thing\" \"a\" {}\nresource \"thing\" \"b\" {\n  name = local.l00000\n}\n";
    // The stack that the program's main thread has.
    let checked = std::thread::Builder::new().stack_size(8 << 20).spawn(move || {
        for upwards in [true, false] {
            stack(&locals(20_000, "7", upwards), |stack| assert_eq!(stack.outputs(&nothing).expect("outputs").len(), 1));
        }
        let text = format!("{moving}{}", locals(20_000, "\"is ${thing.a.id}\"", true));
        let known = |_: &Address| Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), "7".into())])));
        stack(&text, |stack| {
            assert_eq!(body(stack, "thing.b", &known), r#"{"name":"is 7"}"#);
            assert_eq!(stack.desired().resources[&at("thing.b")].after, BTreeSet::from([at("thing.a")]));
        });
        assert_eq!(errors(&counts), [""; 0]);
        // What is within each other in one expression is not, whatever it is made of.
        let deep = format!("locals {{\n  a = {}1{}\n}}\n", "abs(".repeat(300), ")".repeat(300));
        assert!(!errors(&deep).is_empty());
    });
    checked.expect("a thread").join().expect("no overflow");
}

#[test]
fn an_error_at_the_end_of_a_chain_is_told_once_and_can_be_tried() {
    let text = |use_it: &str| {
        let lines: String = (0..600).map(|at| format!("  l{at} = local.l{}\n", at + 1)).collect();
        format!("resource \"thing\" \"a\" {{\n  name = {use_it}\n}}\nlocals {{\n{lines}  l600 = 1 / 0\n}}\n")
    };
    assert_eq!(errors(&text("local.l0")), ["605: Division by zero."]);
    let tried = "variable \"v\" {\n  default = \"x\"\n}\nlocals {\n  a = thing.b.rule\n  c = local.a[0].port\n}\nresource \"thing\" \"b\" {}\nresource \"thing\" \"a\" {\n  name = try(local.c, \"none\")\n}\n";
    let known = |_: &Address| Term::Value(Value::Map(BTreeMap::new()));
    stack(tried, |stack| assert_eq!(body(stack, "thing.a", &known), r#"{"name":"none"}"#));
}

#[test]
fn instances_do_not_depend_on_each_other_without_end() {
    let text =
        "resource \"thing\" \"a\" {\n  count = 5000\n}\nresource \"thing\" \"b\" {\n  count      = 5000\n  depends_on = [thing.a]\n}\n";
    assert_eq!(errors(text), ["4: The instances depend on each other in more than 250000 ways."]);
    let text = "resource \"thing\" \"a\" {\n  count = 1e12\n}\n";
    assert_eq!(errors(text), ["2: `count` is more than 10000."]);
    let doubled: String = (1..60).map(|at| format!("  l{at} = [local.l{}[0], local.l{}[0]]\n", at - 1, at - 1)).collect();
    let text = format!(
        "resource \"thing\" \"a\" {{}}\nlocals {{\n  l0 = [thing.a.id]\n{doubled}}}\nresource \"thing\" \"b\" {{\n  name = local.l59[0]\n}}\n"
    );
    assert_eq!(errors(&text), [""; 0]);
}
