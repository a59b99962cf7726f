//! The same files by Terraform's own binary, where one is installed: expressions that are drawn, and configurations of
//! `terraform_data` that are drawn, applied, altered and planned again. What is planned must be the same.
//!
//! Invariant: Terraform asks nobody: what it needs is built into it, and it looks for no newer release. What is drawn follows from a
//! seed that a failure names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::support::harness::{Stack, in_full};

/// Numbers that follow from a seed.
struct Draw(u64);

impl Draw {
    fn new(seed: u64) -> Self {
        let mut draw = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| draw.0 ^= draw.next());
        draw
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap_or_default()
    }

    fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Terraform, if it is there; else that is said.
pub(crate) fn terraform() -> Option<Terraform> {
    let stack = Stack::empty().with_file("rc", "").env("CHECKPOINT_DISABLE", "1");
    let file = stack.path("rc").display().to_string();
    let terraform = Terraform { stack: stack.env("TF_CLI_CONFIG_FILE", &file) };
    let found = terraform.stack.command("terraform").arg("version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(terraform);
    }
    println!("skipped: there is no `terraform` to compare with");
    None
}

/// A folder of Terraform's.
pub(crate) struct Terraform {
    stack: Stack,
}

impl Terraform {
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.stack.command("terraform").args(arguments).output().expect("it starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    pub(crate) fn write(&self, files: &[(&str, String)]) {
        files.iter().for_each(|(name, text)| self.stack.write(name, text));
    }

    /// The plan as JSON.
    pub(crate) fn planned(&self, more: &[&str]) -> Result<Json, String> {
        self.run(&[&["plan", "-input=false", "-no-color", "-out=p"], more].concat())?;
        Ok(serde_json::from_str(&self.run(&["show", "-json", "p"])?).expect("it is JSON"))
    }
}

pub(crate) fn ours(stack: &Stack, more: &[&str]) -> Result<Json, String> {
    let planned = stack.run(&[&["plan", "--sim", "-input=false", "-out=p"], more].concat());
    if planned.code != 0 {
        return Err(planned.to_string());
    }
    Ok(serde_json::from_str(&stack.run(&["show", "--sim", "-json", "p"]).ok().stdout).expect("it is JSON"))
}

#[derive(Clone, Copy)]
enum Ty {
    Number,
    Text,
    Flag,
    Numbers,
    Texts,
    Map,
}

/// An expression of a type; mistakes are made too.
fn expression(draw: &mut Draw, ty: Ty, depth: usize) -> String {
    if depth == 0 || draw.below(12) == 0 {
        return literal(draw, ty).to_owned();
    }
    let mut sub = |ty: Ty| expression(draw, ty, depth - 1);
    let (a, b) = (sub(ty), sub(ty));
    let (number, text, flag) = (sub(Ty::Number), sub(Ty::Text), sub(Ty::Flag));
    let (numbers, texts, map) = (sub(Ty::Numbers), sub(Ty::Texts), sub(Ty::Map));
    let common =
        [format!("({flag} ? {a} : {b})"), format!("try({a}, {b})"), format!("[{a}, {b}][{flag} ? 0 : 1]"), format!("coalesce({a}, {b})")];
    let own = match ty {
        Ty::Number => vec![
            format!("({a} + {b})"),
            format!("({a} * {b})"),
            format!("({a} - {b})"),
            format!("({a} / {b})"),
            format!("({a} % {b})"),
            format!("-{a}"),
            format!("length({texts})"),
            format!("length({text})"),
            format!("max({numbers}...)"),
            format!("sum({numbers})"),
            format!("floor({a})"),
            format!("{numbers}[{number}]"),
            format!("index({texts}, {text})"),
            format!("tonumber({text})"),
            format!("signum({a})"),
            format!("parseint({text}, 10)"),
        ],
        Ty::Text => vec![
            format!("\"${{{a}}}-${{{number}}}\""),
            format!("upper({a})"),
            format!("join({a}, {texts})"),
            format!("format(\"%s/%v/%03d\", {a}, {flag}, {number})"),
            format!("substr({a}, {number}, 2)"),
            format!("replace({a}, {b}, \"_\")"),
            format!("jsonencode({map})"),
            format!("tostring({number})"),
            format!("trimsuffix({a}, {b})"),
            format!("lookup({map}, {a}, {b})"),
            format!("element({texts}, abs({number}))"),
            format!("\"%{{ for x in {texts} }}${{x}};%{{ endfor }}\""),
            format!("\"%{{ if {flag} }}${{{a}}}%{{ else }}no%{{ endif }}\""),
            format!("title({a})"),
            format!("indent(2, {a})"),
        ],
        Ty::Flag => vec![
            format!("({a} && {b})"),
            format!("({a} || {b})"),
            format!("!{a}"),
            format!("({number} > {})", literal(draw, Ty::Number)),
            format!("({text} == {})", literal(draw, Ty::Text)),
            format!("({numbers} == {})", literal(draw, Ty::Numbers)),
            format!("contains({texts}, {text})"),
            format!("can({number})"),
            format!("startswith({text}, \"a\")"),
            format!("alltrue([{a}, {b}])"),
        ],
        Ty::Numbers => vec![
            format!("[for x in {a} : x + {number}]"),
            format!("[for x in {a} : x if x > {number}]"),
            format!("concat({a}, {b})"),
            format!("reverse({a})"),
            format!("slice({a}, 0, {number})"),
            format!("range({number})"),
            format!("[for i, x in {texts} : i]"),
            format!("distinct({a})"),
            format!("[for v in values({map}) : length(v)]"),
            format!("flatten([{a}, [{number}, {b}]])"),
        ],
        Ty::Texts => vec![
            format!("[for x in {a} : upper(x)]"),
            format!("split({text}, {text})"),
            format!("sort({a})"),
            format!("keys({map})"),
            format!("compact({a})"),
            format!("tolist(toset({a}))"),
            format!("values({map})"),
            format!("[for k, v in {map} : \"${{k}}=${{v}}\"]"),
            format!("setunion({a}, {b})"),
            format!("chunklist({a}, 2)[0]"),
            format!("formatlist(\"<%s>\", {a})"),
            format!("regexall(\"[a-z]\", {text})"),
        ],
        Ty::Map => vec![
            format!("{{ for x in {texts} : x => {text} }}"),
            format!("merge({a}, {b})"),
            format!("{{ for k, v in {a} : v => k }}"),
            format!("zipmap({texts}, {texts})"),
            format!("{{ a = {text}, \"b c\" = {text}, ({text}) = \"z\" }}"),
            format!("tomap({a})"),
            format!("{{ for k, v in {a} : upper(k) => v if {flag} }}"),
        ],
    };
    let all: Vec<String> = own.into_iter().chain(common).collect();
    draw.one(&all).clone()
}

fn literal(draw: &mut Draw, ty: Ty) -> &'static str {
    let all: &[&str] = match ty {
        Ty::Number => &["0", "1", "2", "7", "-3", "0.5", "1e3", "10"],
        Ty::Text => &["\"a\"", "\"\"", "\"b,c\"", "\"12\"", "\"true\"", "\"é\"", "\"a b\""],
        Ty::Flag => &["true", "false"],
        Ty::Numbers => &["[]", "[1]", "[3, 1, 2]", "[0.5, 2, 2]"],
        Ty::Texts => &["[]", "[\"a\"]", "[\"b\", \"a\", \"b\"]", "[\"x\", \"\"]"],
        Ty::Map => &["{}", "{ a = \"1\" }", "{ b = \"2\", a = \"b\" }"],
    };
    all[draw.below(all.len())]
}

/// What the outputs come out as.
fn outputs(plan: &Json) -> BTreeMap<String, Json> {
    let all = plan["output_changes"].as_object().cloned().unwrap_or_default();
    all.into_iter().map(|(name, change)| (name, change["after"].clone())).collect()
}

#[test]
fn expressions_come_out_as_with_terraform() {
    let Some(terraform) = terraform() else { return };
    let mut different = Vec::new();
    for seed in 0..if in_full() { 60 } else { 3 } {
        let mut draw = Draw::new(seed);
        let types = [Ty::Number, Ty::Text, Ty::Flag, Ty::Numbers, Ty::Texts, Ty::Map];
        let drawn: Vec<String> = (0..40)
            .map(|_| {
                let (ty, depth) = (*draw.one(&types), 1 + draw.below(2));
                expression(&mut draw, ty, depth)
            })
            .collect();
        let mut text = String::new();
        for (at, expr) in drawn.iter().enumerate() {
            writeln!(text, "output \"o{at}\" {{\n  value = try(jsonencode({{ v = {expr} }}), \"fails\")\n}}").expect("a text grows");
        }
        terraform.write(&[("main.tf", text.clone())]);
        let theirs = outputs(&terraform.planned(&[]).unwrap_or_else(|why| panic!("seed {seed}: {why}")));
        let stack = Stack::empty().with_file("main.tf", &text);
        let ours = outputs(&ours(&stack, &[]).unwrap_or_else(|why| panic!("seed {seed}: {why}")));
        for (at, expr) in drawn.iter().enumerate() {
            let name = format!("o{at}");
            if theirs.get(&name) != ours.get(&name) {
                different.push(format!("{expr}\n  Terraform: {:?}\n  here:      {:?}", theirs.get(&name), ours.get(&name)));
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[derive(Clone)]
enum Repeat {
    Once,
    Count(usize),
    Each(Vec<&'static str>),
}

impl Repeat {
    fn draw(draw: &mut Draw) -> Self {
        match draw.below(3) {
            0 => Self::Once,
            1 => Self::Count(draw.below(3)),
            _ => Self::Each(["k", "l", "m"].into_iter().filter(|_| draw.below(2) == 0).collect()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Once => String::new(),
            Self::Count(count) => format!("  count = {count}\n"),
            Self::Each(keys) => format!("  for_each = toset({keys:?})\n"),
        }
    }

    /// An instance, if there is one.
    fn one(&self) -> Option<String> {
        match self {
            Self::Once => Some(String::new()),
            Self::Count(count) => (*count > 0).then(|| "[0]".to_owned()),
            Self::Each(keys) => keys.first().map(|key| format!("[{key:?}]")),
        }
    }
}

#[derive(Clone)]
struct Block {
    name: String,
    repeat: Repeat,
    input: usize,
    /// A block that is named, if it is there.
    after: Option<String>,
    trigger: Option<usize>,
}

/// A configuration: blocks, and a module that is called with its own.
#[derive(Clone)]
struct Model {
    root: Vec<Block>,
    inner: Vec<Block>,
    call: (String, Repeat),
    moves: Vec<(String, String)>,
    inner_moves: Vec<(String, String)>,
    fresh: usize,
}

impl Model {
    fn draw(draw: &mut Draw) -> Self {
        let mut model = Self {
            root: Vec::new(),
            inner: Vec::new(),
            call: ("m0".to_owned(), Repeat::draw(draw)),
            moves: Vec::new(),
            inner_moves: Vec::new(),
            fresh: 0,
        };
        (0..2 + draw.below(3)).for_each(|_| model.add(draw, false));
        (0..1 + draw.below(2)).for_each(|_| model.add(draw, true));
        model
    }

    fn add(&mut self, draw: &mut Draw, inner: bool) {
        self.fresh += 1;
        let blocks = if inner { &mut self.inner } else { &mut self.root };
        let after = if blocks.is_empty() || draw.below(2) == 0 { None } else { Some(draw.one(blocks).name.clone()) };
        let trigger = (draw.below(3) == 0).then(|| draw.below(3));
        let (repeat, input) = (Repeat::draw(draw), draw.below(5));
        blocks.push(Block { name: format!("b{}", self.fresh), repeat, input, after, trigger });
    }

    /// Changes something, so that a further plan has something to do.
    fn alter(&mut self, draw: &mut Draw) {
        let inner = draw.below(3) == 0;
        let kind = draw.below(9);
        let fresh = self.fresh + 1;
        let (blocks, moves) = if inner { (&mut self.inner, &mut self.inner_moves) } else { (&mut self.root, &mut self.moves) };
        let at = draw.below(blocks.len());
        match kind {
            0 => blocks[at].input += 1,
            1 => blocks[at].repeat = Repeat::draw(draw),
            2 => {
                // With every instance named, whatever makes them now.
                let (old, new) = (blocks[at].repeat.one(), Repeat::draw(draw));
                if let (Some(old), Some(to)) = (old, new.one()) {
                    let name = &blocks[at].name;
                    moves.push((format!("terraform_data.{name}{old}"), format!("terraform_data.{name}{to}")));
                }
                blocks[at].repeat = new;
            }
            3 => {
                let old = std::mem::replace(&mut blocks[at].name, format!("b{fresh}"));
                moves.push((format!("terraform_data.{old}"), format!("terraform_data.b{fresh}")));
                blocks
                    .iter_mut()
                    .filter(|block| block.after.as_ref() == Some(&old))
                    .for_each(|block| block.after = Some(format!("b{fresh}")));
                self.fresh = fresh;
            }
            4 if blocks.len() > 1 => drop(blocks.remove(at)),
            5 => self.add(draw, inner),
            6 => self.call.1 = Repeat::draw(draw),
            7 => {
                let old = std::mem::replace(&mut self.call.0, format!("m{fresh}"));
                self.moves.push((format!("module.{old}"), format!("module.m{fresh}")));
                self.fresh = fresh;
            }
            _ => blocks[at].trigger = Some(draw.below(4)),
        }
        // What a move leads from or to twice is an error, and another test's matter.
        for moves in [&mut self.moves, &mut self.inner_moves] {
            let mut seen = Vec::new();
            moves.retain(|(from, to)| {
                from != to && !seen.contains(from) && !seen.contains(to) && {
                    seen.extend([from.clone(), to.clone()]);
                    true
                }
            });
        }
    }

    fn files(&self) -> Vec<(&'static str, String)> {
        let (call, repeat) = &self.call;
        let module = format!("module \"{call}\" {{\n  source = \"./m\"\n{}}}\n", repeat.text());
        vec![("main.tf", blocks(&self.root, &self.moves) + &module), ("m/main.tf", blocks(&self.inner, &self.inner_moves))]
    }

    /// Something that there is.
    fn some(&self, draw: &mut Draw) -> String {
        let block = draw.one(&self.root);
        match draw.below(3) {
            0 => format!("module.{}", self.call.0),
            1 => format!("terraform_data.{}", block.name),
            _ => format!("terraform_data.{}{}", block.name, block.repeat.one().unwrap_or_default()),
        }
    }
}

fn blocks(all: &[Block], moves: &[(String, String)]) -> String {
    let mut text = String::new();
    for block in all {
        let named = block.after.as_ref().and_then(|name| all.iter().find(|other| other.name == *name));
        let after = named.and_then(|other| Some(format!("terraform_data.{}{}.id", other.name, other.repeat.one()?)));
        let input = after.map_or_else(|| block.input.to_string(), |after| format!("[{}, {after}]", block.input));
        let trigger = block.trigger.map(|trigger| format!("  triggers_replace = {trigger}\n")).unwrap_or_default();
        writeln!(text, "resource \"terraform_data\" \"{}\" {{\n{}  input = {input}\n{trigger}}}", block.name, block.repeat.text())
            .expect("a text grows");
    }
    for (from, to) in moves {
        writeln!(text, "moved {{\n  from = {from}\n  to   = {to}\n}}").expect("a text grows");
    }
    text
}

/// What is to be done, and from where what stays was moved.
fn changes(plan: &Json) -> BTreeMap<String, String> {
    let all = plan["resource_changes"].as_array().cloned().unwrap_or_default();
    let told = |change: &Json| {
        let (actions, from) = (change["change"]["actions"].to_string(), change["previous_address"].as_str());
        let from = from.filter(|_| actions != "[\"delete\"]");
        let is_told = actions != "[\"no-op\"]" || from.is_some();
        is_told.then(|| (change["address"].as_str().unwrap_or_default().to_owned(), format!("{actions} {}", from.unwrap_or_default())))
    };
    all.iter().filter_map(told).collect()
}

/// Takes out what goes on both sides and has moved on one of them only: to the first of what is counted now, of which there is
/// none, or within a module's instance that there is no more.
fn drop_renamed(theirs: &mut BTreeMap<String, String>, ours: &mut BTreeMap<String, String>) {
    let goes = |all: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        let alone = all.iter().filter(|(address, what)| what.starts_with("[\"delete\"]") && !other.contains_key(*address));
        alone.map(|(address, _)| address.clone()).collect()
    };
    let (there, here) = (goes(theirs, ours), goes(ours, theirs));
    for moved in there.iter().filter(|address| address.ends_with("[0]")) {
        let Some(stayed) = here.iter().find(|address| block_of(address) == block_of(moved) && ours.contains_key(*address)) else {
            continue;
        };
        theirs.remove(moved);
        ours.remove(stayed);
    }
}

/// An address without its keys.
fn block_of(address: &str) -> String {
    address.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

#[test]
fn configurations_are_planned_as_with_terraform() {
    if terraform().is_none() {
        return;
    }
    let (mut compared, mut different) = (0, Vec::new());
    for seed in 0..if in_full() { 30 } else { 4 } {
        let Some(terraform) = terraform() else { return };
        let mut draw = Draw::new(seed);
        let mut model = Model::draw(&mut draw);
        let stack = Stack::empty().env("DOFLOAT_CLOCK", "virtual");
        let put = |files: &[(&str, String)]| {
            terraform.write(files);
            files.iter().for_each(|(name, text)| stack.write(name, text));
        };
        put(&model.files());
        terraform.run(&["init", "-backend=false", "-input=false", "-no-color"]).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        for round in 0..3 {
            let files = model.files();
            put(&files);
            if round > 0 {
                terraform.run(&["get", "-no-color"]).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            }
            let target = model.some(&mut draw);
            let block = draw.one(&model.root);
            let again = format!("terraform_data.{}{}", block.name, block.repeat.one().unwrap_or_default());
            let asked: Vec<Vec<&str>> = vec![vec![], vec!["-target", &target], vec!["-replace", &again], vec!["-destroy"]];
            for more in &asked {
                let (theirs, ours) = (terraform.planned(more), ours(&stack, more));
                let shown = || files.iter().map(|(name, text)| format!("# {name}\n{text}")).collect::<String>();
                match (&theirs, &ours) {
                    (Ok(theirs), Ok(ours)) => {
                        let (mut theirs, mut ours) = (changes(theirs), changes(ours));
                        drop_renamed(&mut theirs, &mut ours);
                        // What a target is built upon are the instances that it names here, and all of their blocks there.
                        let part = more.first() == Some(&"-target");
                        let within =
                            |(address, what): (&String, &String)| theirs.get(address) == Some(what) || what.starts_with("[\"no-op\"]");
                        let known = |address: &String| ours.keys().any(|other| block_of(other) == block_of(address));
                        let alike = part && ours.iter().all(within) && theirs.keys().all(known);
                        if theirs != ours && !alike {
                            different.push(format!(
                                "seed {seed}, round {round}, {more:?}\n{}\nTerraform: {theirs:#?}\nhere: {ours:#?}",
                                shown()
                            ));
                        }
                        compared += 1;
                    }
                    (Err(_), Err(_)) => {}
                    // There what was moved has to be planned along; here it is moved.
                    (Err(why), Ok(_)) if why.contains("excluded by targeting") => {}
                    // A word for what is not there: a target that names nothing is a mistake here.
                    (Ok(_), Err(why)) if why.contains("which is neither in the configuration nor in the state") => {}
                    (theirs, ours) => {
                        let of = |one: &Result<Json, String>| one.as_ref().map(changes).map_err(Clone::clone);
                        let (theirs, ours) = (of(theirs), of(ours));
                        different
                            .push(format!("seed {seed}, round {round}, {more:?}\n{}\nTerraform: {theirs:#?}\nhere: {ours:#?}", shown()));
                    }
                }
            }
            let applied = terraform.run(&["apply", "-auto-approve", "-input=false", "-no-color"]);
            let ours = stack.run(&["apply", "--sim", "-auto-approve"]);
            if applied.is_ok() != (ours.code == 0) {
                different.push(format!("seed {seed}, round {round}: {applied:?} {ours}"));
                break;
            }
            (0..1 + draw.below(3)).for_each(|_| model.alter(&mut draw));
        }
    }
    println!("{compared} plans compared");
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert!(compared > 20, "only {compared}");
}
