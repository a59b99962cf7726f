//! Stacks that call modules, as the other layers see them.

use std::collections::BTreeMap;
use std::path::Path;

use super::Host;
use super::files::Memory;
use super::inputs::{Given, Inputs};
use super::library::Library;
use super::module::{Source, Stack, load};
use super::tests::{Kinds, at, body, nothing};
use dofloat_base::address::Address;
use dofloat_base::clock::Moment;
use dofloat_base::desired::{Repeats, Resolve as _};
use dofloat_base::diag::Diagnostic;
use dofloat_base::rng::Rng;
use dofloat_base::secret::Secret;
use dofloat_base::value::{Origin, Term, Value};

/// A module that makes things of a name and a size, and calls another one.
const FLEET: &str = r#"
variable "name" {
  type = string
  validation {
    condition     = var.name != "bad"
    error_message = "No bad names."
  }
}
variable "sizes" {
  type    = list(number)
  default = [1]
}
variable "upon" {
  default = null
}
locals {
  full = "${var.name}-fleet"
}
resource "thing" "this" {
  count = length(var.sizes)
  name  = "${local.full}-${count.index}"
  size  = var.sizes[count.index]
  tags  = var.upon == null ? [] : [var.upon]
}
module "tag" {
  source = "../tag"
  text   = thing.this[0].id
}
output "ids" {
  value = thing.this[*].id
}
output "count" {
  value = length(var.sizes)
}
output "tag" {
  value = module.tag.name
}
output "secret" {
  value     = "s-${var.name}"
  sensitive = true
}
"#;

const TAG: &str = "variable \"text\" {}\nresource \"thing\" \"tag\" {\n  name = \"tag of ${var.text} in ${path.module}\"\n}\noutput \"name\" {\n  value = thing.tag.name\n}\n";

fn loaded<T>(files: &[(&str, &str)], inputs: &Inputs, run: impl FnOnce(Result<Stack<'_>, Vec<Diagnostic>>) -> T) -> T {
    let memory = files.iter().fold(Memory::default(), |memory, (name, text)| memory.with(Path::new("/s").join(name), *text));
    let rng = Rng::seeded(1);
    let host = Host { files: &memory, base: Path::new("/s"), home: None, now: Moment(0), rng: &rng, fresh: false };
    let sources: Vec<Source<'_>> = files.iter().filter(|(name, _)| !name.contains('/')).map(|(name, text)| Source { name, text }).collect();
    let library = Library::read(&sources, &host, BTreeMap::new());
    run(load(&sources, &library, inputs, &Kinds, host))
}

fn with<T>(text: &str, run: impl FnOnce(&Stack<'_>) -> T) -> T {
    let files = [("main.tf", text), ("fleet/main.tf", FLEET), ("tag/main.tf", TAG)];
    loaded(&files, &Inputs::default(), |stack| match stack {
        Ok(stack) => run(&stack),
        Err(errors) => panic!("{errors:#?}"),
    })
}

/// The messages of the errors, each with its file and line.
fn errors(text: &str, more: &[(&str, &str)]) -> Vec<String> {
    let mut files = vec![("main.tf", text)];
    files.extend(more);
    loaded(&files, &Inputs::default(), |stack| {
        let place = |error: &Diagnostic| {
            let span = error.span.as_ref()?;
            let text = files.iter().find(|(name, _)| **name == *span.file)?.1;
            Some(format!("{}:{}", span.file, text[..span.start].matches('\n').count() + 1))
        };
        let errors = stack.err().unwrap_or_default();
        errors.iter().map(|error| format!("{} {}", place(error).unwrap_or_default(), error.message)).collect()
    })
}

fn addresses<'a>(all: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
    all.into_iter().map(ToString::to_string).collect()
}

const TWO: &str = r#"
resource "thing" "net" {
  name = "net"
}
module "web" {
  source   = "./fleet"
  for_each = { a = 1, b = 2 }
  name     = "web-${each.key}"
  sizes    = [for n in range(each.value) : n + 10]
  upon     = thing.net.id
}
resource "thing" "last" {
  name = module.web["b"].ids[1]
  size = module.web["b"].count
}
output "all" {
  value = { for name, web in module.web : name => web.ids }
}
"#;

#[test]
fn modules_have_instances_with_addresses_of_their_own() {
    with(TWO, |stack| {
        let desired = stack.desired();
        let expected = [
            "thing.last",
            "thing.net",
            r#"module.web["a"].thing.this[0]"#,
            r#"module.web["a"].module.tag.thing.tag"#,
            r#"module.web["b"].thing.this[0]"#,
            r#"module.web["b"].thing.this[1]"#,
            r#"module.web["b"].module.tag.thing.tag"#,
        ];
        let mut found = addresses(desired.resources.keys());
        let mut expected = expected.map(str::to_owned).to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(desired.blocks[&at(r#"module.web["a"].thing.this"#)], Repeats::Count);
        let after = |of: &str| addresses(&desired.resources[&at(of)].after);
        assert_eq!(after(r#"module.web["b"].thing.this[1]"#), ["thing.net"]);
        assert_eq!(after(r#"module.web["a"].module.tag.thing.tag"#), [r#"module.web["a"].thing.this[0]"#]);
        assert_eq!(after("thing.last"), [r#"module.web["b"].thing.this[0]"#, r#"module.web["b"].thing.this[1]"#]);
    });
}

#[test]
fn values_go_into_modules_and_outputs_come_out_once_they_are_known() {
    let known = |of: &Address| {
        let fields = BTreeMap::from([("id".to_owned(), Value::from(format!("id of {of}"))), ("name".to_owned(), Value::from("n"))]);
        Term::Value(Value::Map(fields))
    };
    with(TWO, |stack| {
        assert_eq!(
            body(stack, r#"module.web["b"].thing.this[1]"#, &known),
            r#"{"name":"web-b-fleet-1","size":11,"tags":["id of thing.net"]}"#
        );
        assert_eq!(
            body(stack, r#"module.web["a"].module.tag.thing.tag"#, &known),
            r#"{"name":"tag of id of module.web[\"a\"].thing.this[0] in tag"}"#
        );
        assert_eq!(body(stack, "thing.last", &known), r#"{"name":"id of module.web[\"b\"].thing.this[1]","size":2}"#);
        assert!(body(stack, "thing.last", &nothing).contains("Unknown"));
        let outputs = stack.outputs(&known).expect("outputs");
        let Term::Value(all) = &outputs["all"].value else { panic!("{:?}", outputs["all"].value) };
        assert_eq!(
            all.to_json().to_string(),
            r#"{"a":["id of module.web[\"a\"].thing.this[0]"],"b":["id of module.web[\"b\"].thing.this[0]","id of module.web[\"b\"].thing.this[1]"]}"#
        );
        let span = stack.span(&at(r#"module.web["a"].thing.this[0]"#), &["size"]).expect("a place");
        assert_eq!(&*span.file, "fleet/main.tf");
    });
}

#[test]
fn modules_may_give_values_to_each_other() {
    let pass = "variable \"a\" {\n  default = null\n}\nvariable \"b\" {\n  default = null\n}\nresource \"thing\" \"x\" {\n  name = var.a\n}\noutput \"id\" {\n  value = thing.x.id\n}\noutput \"b\" {\n  value = var.b\n}\n";
    let text = "module \"one\" {\n  source = \"./pass\"\n  b = \"start\"\n  a = module.two.b\n}\nmodule \"two\" {\n  source = \"./pass\"\n  b = module.one.b\n  a = module.one.id\n}\n";
    let files = [("main.tf", text), ("pass/main.tf", pass)];
    loaded(&files, &Inputs::default(), |stack| {
        let stack = stack.expect("no circle");
        assert_eq!(body(&stack, "module.one.thing.x", &nothing), r#"{"name":"start"}"#);
        assert_eq!(addresses(&stack.desired().resources[&at("module.two.thing.x")].after), ["module.one.thing.x"]);
    });
    let circle = text.replace("a = module.two.b", "a = module.two.id");
    let found = errors(&circle, &[("pass/main.tf", pass)]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("module.two.output.id → module.two.thing.x") && found[0].contains("in a circle"), "{found:?}");
}

#[test]
fn what_a_module_depends_on_comes_before_all_that_is_in_it() {
    let text = "resource \"thing\" \"first\" {}\nmodule \"a\" {\n  source = \"./fleet\"\n  name = \"a\"\n  depends_on = [thing.first]\n}\nresource \"thing\" \"end\" {\n  depends_on = [module.a]\n}\n";
    with(text, |stack| {
        let after = |of: &str| addresses(&stack.desired().resources[&at(of)].after);
        assert_eq!(after("module.a.thing.this[0]"), ["thing.first"]);
        assert_eq!(after("module.a.module.tag.thing.tag"), ["thing.first", "module.a.thing.this[0]"]);
        assert_eq!(after("thing.end"), ["module.a.thing.this[0]", "module.a.module.tag.thing.tag"]);
    });
}

#[test]
fn moves_removals_and_imports_cross_modules() {
    let moved = "resource \"thing\" \"here\" {}\nmoved {\n  from = thing.older\n  to = thing.here\n}\n";
    let text = "module \"m\" {\n  source = \"./m\"\n  count = 2\n}\nmoved {\n  from = thing.old\n  to = module.m[0].thing.older\n}\nmoved {\n  from = module.was\n  to = module.m[1]\n}\nremoved {\n  from = module.gone\n  lifecycle {\n    destroy = false\n  }\n}\nimport {\n  to = module.m[1].thing.here\n  id = \"7\"\n}\n";
    loaded(&[("main.tf", text), ("m/main.tf", moved)], &Inputs::default(), |stack| {
        let stack = stack.unwrap_or_else(|errors| panic!("{errors:#?}"));
        let desired = stack.desired();
        let moves: Vec<String> = desired.moves.iter().map(|of| format!("{} -> {}", of.from, of.to)).collect();
        assert_eq!(
            moves,
            [
                "thing.old -> module.m[0].thing.older",
                "module.was -> module.m[1]",
                "module.m[0].thing.older -> module.m[0].thing.here",
                "module.m[1].thing.older -> module.m[1].thing.here",
            ]
        );
        assert_eq!(desired.imports[&at("module.m[1].thing.here")].id, "7");
        assert_eq!(desired.removal(&at("module.gone[3].module.x.thing.y[\"k\"]")).map(|removal| removal.destroy), Some(false));
        assert!(desired.removal(&at("module.m[0].thing.here")).is_none());
    });
}

#[test]
fn what_is_wrong_with_a_module_has_its_place() {
    let modules = [("fleet/main.tf", FLEET), ("tag/main.tf", TAG)];
    let check = |text: &str, expected: &[&str]| assert_eq!(errors(text, &modules), expected, "{text}");
    let call = |more: &str| format!("module \"m\" {{\n  source = \"./fleet\"\n{more}}}\n");
    check(&call(""), &["main.tf:1 The module's variable \"name\" has no value."]);
    check(&call("  name = 1\n  nam = 2\n"), &["main.tf:4 The module has no variable \"nam\"."]);
    check(&call("  name = \"bad\"\n"), &["fleet/main.tf:2 No bad names."]);
    check(&call("  name = [1]\n"), &["main.tf:3 The value does not fit the module's variable \"name\": a string is required."]);
    check(
        &(call("  name = \"n\"\n") + "output \"o\" {\n  value = module.m.idz\n}\n"),
        &["main.tf:6 The module \"m\" has no output \"idz\"."],
    );
    check(
        &(call("  name = \"n\"\n") + "output \"o\" {\n  value = module.m[0].ids\n}\n"),
        &["main.tf:6 module.m has neither `count` nor `for_each`, so it has no instances to pick from."],
    );
    check(
        &(call("  name = \"n\"\n  count = 1\n") + "output \"o\" {\n  value = module.m.ids\n}\n"),
        &["main.tf:7 module.m has several instances; say which one is meant."],
    );
    check("output \"o\" {\n  value = module.m.ids\n}\n", &["main.tf:2 There is no module \"m\"."]);
    check(
        &(call("  name = \"n\"\n") + "output \"o\" {\n  value = module.m.secret\n}\n"),
        &["main.tf:5 This output would show a sensitive value."],
    );
    check("module \"m\" {\n  source = \"./none\"\n}\n", &["main.tf:2 There is no module at \"./none\": it is no folder with *.tf files."]);
    check("module \"m\" {\n  source = \".\"\n}\n", &["main.tf:2 This module calls itself, which never ends."]);
    check(
        "module \"m\" {\n  source = \"./fleet\"\n  count = thing.a.size\n  name = \"n\"\n}\nresource \"thing\" \"a\" {}\n",
        &["main.tf:3 `count` of module.m is not known before apply: it depends on thing.a.size."],
    );
}

#[test]
fn a_module_that_calls_itself_by_others_is_refused() {
    let files = [("a/main.tf", "module \"b\" {\n  source = \"../b\"\n}\n"), ("b/main.tf", "module \"a\" {\n  source = \"../a\"\n}\n")];
    let found = errors("module \"a\" {\n  source = \"./a\"\n}\n", &files);
    assert_eq!(found, ["b/main.tf:2 This module calls itself, which never ends."]);
}

#[test]
fn values_of_for_each_that_are_not_known_yet_are_computed_for_one_instance() {
    let text = "resource \"thing\" \"net\" {\n  count = 2\n}\nmodule \"m\" {\n  source = \"./fleet\"\n  for_each = { for n in range(2) : \"k${n}\" => thing.net[n].id }\n  name = each.key\n  upon = each.value\n}\n";
    with(text, |stack| {
        let known = |of: &Address| match of.kind.as_str() {
            "thing" => Term::Value(Value::Map(BTreeMap::from([("id".to_owned(), Value::from(format!("id of {of}")))]))),
            _ => Term::Unknown(Origin::default()),
        };
        assert_eq!(
            body(stack, r#"module.m["k1"].thing.this[0]"#, &known),
            r#"{"name":"k1-fleet-0","size":1,"tags":["id of thing.net[1]"]}"#
        );
    });
}

#[test]
fn many_modules_of_many_resources_take_their_time_and_no_more() {
    // Each module depends on the one before it; figures are in the notes, here it must only end.
    let module: String = "variable \"upon\" {\n  default = null\n}\n".to_owned()
        + &(0..50).map(|n| format!("resource \"thing\" \"r{n}\" {{\n  name = var.upon\n}}\n")).collect::<String>()
        + "output \"id\" {\n  value = thing.r0.id\n}\n";
    let call = |n: usize| {
        let upon = if n == 0 { String::new() } else { format!("  upon = module.m{}.id\n", n - 1) };
        format!("module \"m{n}\" {{\n  source = \"./m\"\n{upon}}}\n")
    };
    let text: String = (0..100).map(call).collect();
    loaded(&[("main.tf", &text), ("m/main.tf", &module)], &Inputs::default(), |stack| {
        let stack = stack.unwrap_or_else(|errors| panic!("{errors:#?}"));
        assert_eq!(stack.desired().resources.len(), 5_000);
        assert_eq!(addresses(&stack.desired().resources[&at("module.m99.thing.r49")].after), ["module.m98.thing.r0"]);
    });
}

#[test]
fn what_a_module_says_of_the_provider_is_told_to_have_no_effect() {
    let text = "module \"a\" {\n  source = \"./m\"\n}\nmodule \"b\" {\n  source = \"./m\"\n}\n";
    loaded(&[("main.tf", text), ("m/main.tf", "provider \"digitalocean\" {\n  token = \"x\"\n}\n")], &Inputs::default(), |stack| {
        let stack = stack.unwrap_or_else(|errors| panic!("{errors:#?}"));
        let told: Vec<&str> = stack.warnings().iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(told, ["A provider block in a module has no effect: the one of the stack's own files counts."], "once for both calls");
    });
}

/// A stack and its module that say which provider they mean.
const ALIASES: [(&str, &str); 2] = [
    (
        "main.tf",
        r#"
variable "token" {}
provider "digitalocean" {
  token = var.token
}
provider "digitalocean" {
  alias = "west"
  token = var.token
}
resource "thing" "a" {
  provider = digitalocean.west
}
data "thing" "d" {
  provider = digitalocean.west
}
module "m" {
  source    = "./m"
  providers = { digitalocean = digitalocean.west, digitalocean.peer = digitalocean }
}
"#,
    ),
    (
        "m/main.tf",
        r#"
terraform {
  required_providers {
    digitalocean = {
      source                = "digitalocean/digitalocean"
      configuration_aliases = [digitalocean.peer]
    }
  }
}
provider "digitalocean" {
  alias = "proxy"
}
resource "thing" "b" {
  provider = digitalocean.peer
}
resource "thing" "c" {
  provider = digitalocean.proxy
}
"#,
    ),
];

/// What is said of that stack with a text in place of another: errors with their lines, or warnings.
fn told_of_aliases(from: &str, to: &str, token: Option<&str>) -> Vec<String> {
    let texts = ALIASES.map(|(name, text)| (name, text.replacen(from, to, 1)));
    assert!(from.is_empty() || texts.iter().zip(ALIASES).any(|((_, new), (_, old))| new != old), "{from} is there");
    let files = texts.each_ref().map(|(name, text)| (*name, text.as_str()));
    let given = token.map(|token| Given::Text {
        name: "token".to_owned(),
        raw: Secret::new(token.to_owned()),
        from: "-var".to_owned(),
        strict: true,
    });
    let inputs = Inputs { given: given.into_iter().collect(), lenient: token.is_none(), ..Inputs::default() };
    loaded(&files, &inputs, |stack| match stack {
        Ok(stack) => stack.warnings().iter().map(|warning| warning.message.clone()).collect(),
        Err(errors) => errors
            .iter()
            .map(|error| {
                let span = error.span.as_ref().expect("a place");
                let text = files.iter().find(|(name, _)| *span.file == **name).expect("the file").1;
                format!("{}:{}: {}", span.file, text[..span.start].matches('\n').count() + 1, error.message)
            })
            .collect(),
    })
}

#[test]
fn providers_of_one_account_may_have_aliases() {
    for token in [Some("secret"), None] {
        assert_eq!(told_of_aliases("", "", token), [""; 0]);
        assert_eq!(
            told_of_aliases("digitalocean.west\n", "\"digitalocean.west\"\n", token),
            ["A reference in quotes is an old way to write it."]
        );
        // The main one may be asked for too.
        assert_eq!(told_of_aliases("[digitalocean.peer]", "[digitalocean, digitalocean.peer]", token), [""; 0]);
        assert_eq!(
            told_of_aliases("  alias = \"west\"\n  token = var.token", "  alias = \"west\"\n  token = \"${var.token}\"", token),
            [""; 0]
        );
    }
    // Without one of its own for all blocks, the first tells; all leave it to the environment.
    assert_eq!(told_of_aliases("provider \"digitalocean\" {\n  token = var.token\n}\n", "", Some("x")), [""; 0]);
}

#[test]
fn providers_of_different_accounts_are_refused() {
    let other = "main.tf:6: This provider has another `token` than the main one: a stack is of one account.";
    let west = "west\"\n  token = var.token";
    assert_eq!(told_of_aliases(west, "west\"\n  token = \"dop_other\"", Some("dop_one")), [other]);
    assert_eq!(
        told_of_aliases(west, "west\"", Some("dop_one")),
        ["main.tf:6: `token` is set in only one of these providers: they may be of different accounts, and a stack is of one."]
    );
    let endpoint = "west\"\n  api_endpoint = \"https://elsewhere.example\"\n  token = var.token";
    assert_eq!(
        told_of_aliases(west, endpoint, Some("dop_one")),
        ["main.tf:6: `api_endpoint` is set in only one of these providers: they may be of different accounts, and a stack is of one."]
    );
    // Nothing is known of it yet.
    assert_eq!(told_of_aliases(west, "west\"\n  token = \"dop_other\"", None), [""; 0]);
}

#[test]
fn names_of_providers_are_held_against_those_that_there_are() {
    for (from, to, told) in [
        ("digitalocean.west\n", "digitalocean.wets\n", "main.tf:11: There is no provider `digitalocean.wets`."),
        ("= digitalocean.west,", "= digitalocean.east,", "main.tf:18: There is no provider `digitalocean.east`."),
        ("digitalocean.peer = ", "digitalocean.pair = ", "main.tf:18: The module takes no provider `digitalocean.pair`."),
        ("= digitalocean.peer\n", "= digitalocean.pear\n", "m/main.tf:14: There is no provider `digitalocean.pear`."),
        ("[digitalocean.peer]", "[1]", "m/main.tf:6: \"configuration_aliases\" holds names of providers."),
        (
            "= digitalocean.west\n",
            "= aws.west\n",
            "main.tf:11: This provider is not supported; the one that has settings here is `digitalocean`.",
        ),
        ("alias = \"west\"\n", "", "main.tf:6: This provider is configured twice."),
        ("alias = \"west\"\n", "alias = \"a b\"\n", "main.tf:7: \"a b\" cannot be an alias."),
    ] {
        assert_eq!(told_of_aliases(from, to, Some("x")).first().map(String::as_str), Some(told), "{to}");
    }
}
