//! `fmt` against Terraform's answers in `$DOFLOAT_TEST_DATA/conformance/fmt.json`, its properties, and the command.

use std::fs;

use dofloat::lang::fmt::format;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::Value;

use crate::support::harness::{Stack, test_data};

#[test]
fn texts_come_out_as_terraform_writes_them() {
    let Some(path) = test_data("conformance/fmt.json") else { return };
    let cases: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for case in cases["cases"].as_array().unwrap() {
        let (input, expect) = (case["input"].as_str().unwrap(), &case["expect"]);
        let found = format("main.tf", input).ok();
        if found.as_deref() != expect["output"].as_str() {
            wrong.push(format!("{}: {input:?} gives {found:?}, not {}", case["id"], expect["output"]));
        } else if let Some(found) = found {
            let again = format("main.tf", &found).expect("what was formatted can be read");
            assert_eq!(again == found, expect["stable"] == true, "{}: {found:?} gives {again:?}", case["id"]);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn spaced(text: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(text.to_owned()), 1 => Just(format!(" {text}")), 1 => Just(format!("{text}  ")), 1 => Just(format!("\t{text} "))]
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-2",
        "1.5e3",
        "true",
        "var.x",
        "local.é",
        "k.n[0].id",
        "k.n[*].id",
        "\"text\"",
        "\"a ${b}  c\"",
        "\"%{ if x }y%{endif}\"",
        "!x",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 24, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (inner.clone(), spaced("+"), inner.clone()).prop_map(|(a, op, b)| format!("{a}{op}{b}")),
            (inner.clone(), spaced("?"), inner.clone(), spaced(":"), inner.clone())
                .prop_map(|(a, q, b, c, d)| format!("({a}){q}{b}{c}{d}")),
            (many.clone(), spaced(",")).prop_map(|(items, comma)| format!("[{}]", items.join(&comma))),
            many.clone().prop_map(|items| format!("[\n{}]", items.iter().map(|item| format!("   {item}, # c\n")).collect::<String>())),
            (many.clone(), spaced("=")).prop_map(|(items, is)| {
                let lines = items.iter().enumerate().map(|(at, item)| format!("{}{is}{item}\n", "k".repeat(at + 1)));
                format!("{{\n{}}}", lines.collect::<String>())
            }),
            many.prop_map(|items| format!("f({})", items.join(","))),
            (spaced("in"), inner.clone(), spaced(":"), inner.clone()).prop_map(|(i, a, c, b)| format!("[for x {i} {a}{c}{b} if (x)]")),
            inner
                .prop_map(|item| format!("<<-EOT\n    a  ${{ {} }}\n\n  b = c\n   EOT\n", item.replace('\n', " ").replace('#', "")))
                .prop_filter("a comment or a heredoc needs its own line", |text| text.matches("EOT").count() == 2),
        ]
    })
}

/// Bodies of arguments and blocks, with comments and blank lines.
fn body() -> impl Strategy<Value = String> {
    let attr =
        (prop::sample::select(vec!["a", "long_name", "é"]), spaced("="), expression(), prop::sample::select(vec!["", " # c", "// d"]))
            .prop_map(
                |(name, is, value, comment)| {
                    if value.contains("EOT") { (name, format!("{is}{value}")) } else { (name, format!("{is}{value}{comment}\n")) }
                },
            );
    let attrs = prop::collection::vec(attr, 0..5).prop_map(|attrs| {
        // Each name once in a body.
        attrs.into_iter().enumerate().map(|(at, (name, rest))| format!("{name}{at}{rest}")).collect::<String>()
    });
    attrs.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), prop::sample::select(vec!["\n", "  # alone\n", "", "\n\n"]), inner)
            .prop_map(|(outer, between, inner)| format!("{outer}{between}   block \"l\"   {{\n{inner}  }}\n"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn only_spaces_change_and_only_once(text in body()) {
        if let Ok(once) = format("a.tf", &text) {
            let bare = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '\t')).collect::<String>();
            prop_assert_eq!(bare(&once), bare(&text));
            prop_assert_eq!(format("a.tf", &once), Ok(once.clone()), "from {:?}", text);
        }
    }
}

#[test]
fn most_of_the_texts_that_are_drawn_can_be_read() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let drawn = (0..200).map(|_| body().new_tree(&mut runner).unwrap().current());
    let readable = drawn.filter(|text| format("a.tf", text).is_ok()).count();
    assert!(readable > 100, "{readable} of 200");
}

const LOOSE: &str = "a=1\n";
const NEAT: &str = "a = 1\n";

#[test]
fn files_are_written_listed_checked_and_compared() {
    let fresh = || {
        let stack = Stack::with_plan("web", LOOSE);
        for file in ["main.tf", "plans/db/a.tf", "plans/db/terraform.tfvars", "sub/b.tf", ".hidden/c.tf", "plans/x.txt"] {
            stack.write(file, LOOSE);
        }
        stack
    };
    let stack = fresh();
    assert_eq!(stack.run(&["fmt", "-check"]).exits(1).stdout, "main.tf\nplans/db/a.tf\nplans/db/terraform.tfvars\nplans/web.tf\n");
    assert_eq!(
        stack.run(&["fmt", "-write=false", "-list=false", "-diff", "main.tf"]).ok().stdout,
        "--- old/main.tf\n+++ new/main.tf\n@@ -1 +1 @@\n-a=1\n+a = 1\n"
    );
    assert_eq!(stack.read("main.tf"), LOOSE, "nothing was written");
    assert_eq!(stack.run(&["fmt"]).ok().stdout.lines().count(), 4);
    assert_eq!(
        (stack.read("main.tf").as_str(), stack.read("plans/db/a.tf").as_str(), stack.read("sub/b.tf").as_str()),
        (NEAT, NEAT, LOOSE)
    );
    assert_eq!(stack.run(&["fmt", "-check"]).ok().stdout, "");
    assert_eq!(stack.run(&["fmt", "-recursive"]).ok().stdout, "sub/b.tf\n");
    assert_eq!((stack.read(".hidden/c.tf").as_str(), stack.read("plans/x.txt").as_str()), (LOOSE, LOOSE));
    let stack = fresh();
    assert_eq!(stack.run(&["fmt", "sub", "plans/web.tf"]).ok().stdout, "plans/web.tf\nsub/b.tf\n");
    stack.run(&["fmt", "plans/x.txt"]).exits(64);
    stack.run(&["fmt", "nowhere.tf"]).exits(1);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let stack = Stack::empty();
    assert_eq!(stack.run_with(&["fmt", "-"], LOOSE).ok().stdout, NEAT);
    assert_eq!(stack.run_with(&["fmt", "-check", "-"], LOOSE).exits(1).stdout, "");
    assert_eq!(stack.run_with(&["fmt", "-check", "-"], NEAT).ok().stdout, "");
    stack.run_with(&["fmt", "-"], "a {\n").exits(1).mentions("standard input:");
    stack.run_with(&["fmt", "-", "a.tf"], NEAT).exits(64);
}

#[test]
fn what_cannot_be_read_is_left_alone_and_the_rest_is_formatted() {
    let stack = Stack::with_plan("a", "a=").with_file("plans/b.tf", LOOSE);
    stack.run(&["fmt"]).exits(1).mentions("plans/a.tf:1:1");
    assert_eq!((stack.read("plans/a.tf").as_str(), stack.read("plans/b.tf").as_str()), ("a=", NEAT));
}
