//! The house rules that no compiler checks: who may import whom, where a crate may be named, what no file may hold.
//!
//! Invariant: every rule is a function from one source to what is wrong with it, and each is shown here to be able to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Files of `tests/it` that wait for something that is not there yet, each with what it waits for.
const WAITING: &[(&str, &str)] = &[];

/// A file with more lines of code than this, comments and tests aside, has more than one duty.
const LONGEST: usize = 500;

/// The first line of a function.
static FUNCTION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(\s*)(?:pub(?:\([a-z: ]+\))? )?(?:const )?(?:async )?fn (\w+)").expect("a pattern"));

/// What a `use` names.
static USES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?use ([^;]+);").expect("a pattern"));

/// A path that is written out.
static WRITTEN_OUT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|super|self)(?:::\w+)+").expect("a pattern"));

/// A function of more lines than this has more than one duty.
const LONGEST_FUNCTION: usize = 60;

/// Files of one layer that still import each other in a circle. What comes in addition fails, and so does what is no longer true.
const CIRCLES: &[&[&str]] = &[
    // Evaluation, and the two forms that evaluate what they are given or not.
    &["lang/eval.rs", "lang/special.rs"],
];

/// A layer and those that it may import, itself aside.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("lang", &["base"]),
    ("bootstrap", &["base"]),
    ("api", &["base"]),
    ("state", &["base"]),
    ("sim", &["base"]),
    ("kinds", &["api", "base"]),
    ("modules", &["api", "base"]),
    ("engine", &["kinds", "state", "api", "base"]),
    ("ui", &["engine", "kinds", "state", "api", "base"]),
    ("cli", &["ui", "engine", "kinds", "lang", "modules", "bootstrap", "sim", "state", "api", "base"]),
];

/// A crate and the places that may name it: a file, or a folder if it ends with a slash.
const CRATES: &[(&str, &[&str])] = &[
    ("age", &["state/secrets.rs", "state/secrets/"]),
    ("anyhow", &["cli/", "main.rs"]),
    ("axum", &["sim/server.rs", "sim/server/", "sim/spaces.rs"]),
    ("clap", &["cli/"]),
    ("hcl_edit", &["lang/syntax.rs", "lang/syntax/", "lang/fmt.rs"]),
    ("object_store", &["state/store/s3.rs", "api/space_request.rs"]),
    ("petgraph", &["engine/graph.rs"]),
    ("aws_lc_rs", &["kinds/local/key.rs"]),
    ("rcgen", &["cli/cluster/certificates.rs", "kinds/local/certificate.rs"]),
    ("reqwest", &["api/"]),
    ("quick_xml", &["api/space_request.rs"]),
    ("s3s", &["sim/spaces.rs", "sim/spaces/"]),
    ("tar", &["modules/archive.rs"]),
    ("zip", &["modules/archive.rs"]),
];

/// Names that were here once, and those that the field has for the same. Whoever reads the code must be able to search for its words.
const RETIRED: &[(&str, &str)] = &[
    ("Ambush", "Interference"),
    ("attended", "with_progress"),
    ("Belated", "DelayedView"),
    ("Bent", "Intent"),
    ("Came", "Provenance"),
    ("Desk", "Service"),
    ("FetchRequest", "HttpRequest"),
    ("Ground", "SurveyContext"),
    ("Grounds", "ExpandContext"),
    ("Holding", "LockInfo"),
    ("Keeping", "Persistence"),
    ("Lacking", "MissingToken"),
    ("lodges", "joins_project"),
    ("LODGED", "MARKED_BY_PROJECT"),
    ("Lodging", "Project"),
    ("Looking", "PlanContext"),
    ("Manner", "ApplyOptions"),
    ("of_git", "from_git"),
    ("Parted", "Diverged"),
    ("parting", "data_loss"),
    ("Plot", "ClusterContext"),
    ("Rig", "TestWorld"),
    ("seek", "lookup"),
    ("Settle", "AwaitReady"),
    ("Sharing", "ReadLock"),
    ("Sight", "Baseline"),
    ("Sought", "DiscoverQuery"),
    ("SOLE", "UNIQUE_KEY"),
    ("sprung", "triggered"),
    ("Standing", "SyncStatus"),
    ("Stillborn", "CreationFailed"),
    ("Sure", "Certainty"),
    ("Teller", "EventPrinter"),
    ("Trap", "ArmedFaults"),
    ("Upkeep", "Moves"),
    ("Weight", "Severity"),
    ("Wish", "ImportTarget"),
    ("Wishes", "ProviderSettings"),
];

/// Turns of phrase that messages once had, and plain ones. Users paste messages into a search engine.
const STILTED: &[(&str, &str)] = &[
    ("It was waited for", "Waited"),
    ("begin anew", "start a new stack"),
    ("did not end well", "failed"),
    ("is in no record", "is not in the state"),
    ("is made anew", "is recreated"),
    ("is no name", "is not a valid name"),
    ("it lives on", "the object is kept"),
    ("makes it anew", "recreates it"),
    ("was not begun", "was not started"),
];

/// Who may look into a secret: its own file, the digest, the values of variables, the conversion of the language, the Spec of a kind, the token's header,
/// a bucket's key, the age file, and what cuts secrets out of all that is printed.
const EXPOSERS: &[&str] = &[
    "base/secret.rs",
    "base/digest.rs",
    "base/redact.rs",
    "lang/inputs.rs",
    "lang/convert.rs",
    "kinds/erased.rs",
    "engine/provision/settings.rs",
    "api/connect.rs",
    "api/space_request.rs",
    "state/secrets.rs",
    "state/store/s3.rs",
];

/// Who may write to a stream: what cuts secrets out first, and the lines that move.
const PRINTERS: &[&str] = &["ui/screen.rs", "cli/logging.rs", "ui/progress.rs"];

/// A file of the package.
struct Source {
    /// Below the folder it was found in, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The text before the unit tests; a file of tests is nothing else.
    fn own(&self) -> &str {
        if self.is_tests() {
            return "";
        }
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or(&self.text)
    }

    /// Whether the file is the end of the file beside it.
    fn is_tests(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs")
    }

    /// The same without lines of comment.
    fn code(&self) -> String {
        self.own().lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }

    /// The folder below `src`; empty for `lib.rs` and `main.rs`.
    fn layer(&self) -> &str {
        self.path.split_once('/').map_or("", |(layer, _)| layer)
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place })
    }
}

#[test]
fn layers_import_downwards_only() {
    check("src", imports);
}

#[test]
fn crates_stay_where_they_belong() {
    check("src", crates);
}

#[test]
fn secrets_are_exposed_in_few_places() {
    check("src", exposure);
}

#[test]
fn children_are_started_in_one_place() {
    check("src", children);
}

#[test]
fn the_program_plants_no_bugs() {
    check("src", planting);
}

#[test]
fn locks_signals_and_the_way_to_the_api_belong_to_the_session() {
    check("src", releases);
}

#[test]
fn one_view_knows_the_form() {
    check("src", forms);
}

#[test]
fn nothing_is_printed_past_what_cuts_secrets_out() {
    check("src", printing);
}

#[test]
fn the_client_and_the_engine_know_of_no_pretence() {
    check("src", pretence);
}

#[test]
fn kinds_are_named_by_kinds_only() {
    check("src", kinds);
}

#[test]
fn modules_say_what_they_are_for() {
    check("src", opening);
    check("tests", opening);
}

#[test]
fn comments_begin_with_the_thing_that_they_describe() {
    check("src", beginnings);
}

#[test]
fn files_are_of_a_size_to_be_read() {
    check("src", length);
}

#[test]
fn functions_are_of_a_size_to_be_read() {
    check("src", functions);
}

#[test]
fn files_of_a_layer_import_each_other_in_no_circle() {
    let sources = sources("src");
    let found: Vec<String> = LAYERS.iter().flat_map(|(layer, _)| round(&sources, layer, CIRCLES)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn lints_are_expected_never_allowed() {
    check("src", allowances);
    check("tests", allowances);
}

#[test]
fn retired_words_stay_away() {
    check("src", retired);
    check("tests", retired);
    check("src", stilted);
}

#[test]
fn no_file_is_forgotten() {
    for folder in ["src", "tests/it"] {
        let found = forgotten(&sources(folder));
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}

#[test]
fn sources_are_all_there_is_among_the_sources() {
    let found = debris(&sources("src"));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_file_holds_what_belongs_to_one_machine() {
    check(".", words);
}

#[test]
fn the_rules_can_fail() {
    let broken = |rule: fn(&Source) -> Vec<String>, path: &str, text: &str| {
        let found = rule(&Source { path: path.to_owned(), text: text.to_owned() });
        assert_eq!(found.len(), 1, "{path}: {text:?} gives {found:?}");
    };
    let fine = |rule: fn(&Source) -> Vec<String>, path: &str, text: &str| {
        let found = rule(&Source { path: path.to_owned(), text: text.to_owned() });
        assert!(found.is_empty(), "{path}: {text:?} gives {found:?}");
    };
    broken(imports, "base/value.rs", "use dofloat_lang::value::Val;");
    broken(imports, "engine/plan.rs", "use dofloat_ui::picture;");
    broken(imports, "engine/plan.rs", "fn f() { dofloat::cli::run() }");
    fine(imports, "cli/plan.rs", "use crate::cli::words; use dofloat_engine::plan;");
    broken(imports, "newcomer/mod.rs", "");
    fine(imports, "engine/plan.rs", "use crate::sim;\nuse dofloat_kinds::attr;\n#[cfg(test)]\nmod tests { use dofloat_sim::world; }");
    broken(crates, "engine/plan.rs", "use petgraph::Graph;");
    broken(crates, "ui/picture.rs", "#[derive(clap::Args)]");
    fine(crates, "cli/completions.rs", "use clap::Command; use clap_complete::Shell;");
    fine(crates, "ui/picture.rs", "// clap::Args says the rest\nuse clap_complete::Shell;");
    broken(exposure, "ui/picture.rs", "let token = secret.expose();");
    broken(exposure, "ui/picture.rs", "secret.map(Secret::expose)");
    broken(children, "cli/state/merge.rs", "let mut git = std::process::Command::new(\"git\");");
    fine(children, "base/child.rs", "Command::new(program)");
    broken(planting, "cli/mod.rs", "crate::base::planted::plant(bug);");
    broken(planting, "base/planted.rs", "pub fn planted(bug: Bug) -> bool { PLANTED.get() == Some(&bug) }");
    fine(planting, "engine/order.rs", "if planted(Bug::X) { return; }");
    broken(releases, "cli/import.rs", "store.release().await?;");
    broken(releases, "cli/plan.rs", "let sharing = store.share(&clock).await;");
    broken(releases, "cli/import.rs", "store\n.lock(\n    timeout, &note)");
    broken(releases, "cli/plan.rs", "api_session.close().await;");
    broken(releases, "cli/sim.rs", "Signals::listen(Stage::Busy)");
    fine(releases, "cli/session.rs", "store.release().await?;");
    fine(releases, "cli/variables.rs", "io::stdin().lock().read_line(&mut answer)");
    broken(forms, "cli/plan.rs", "fn show(plan: &Plan, json: bool) {}");
    broken(forms, "cli/show.rs", "if args.json { one() } else { other() }");
    fine(forms, "cli/show.rs", "/// Print JSON\n#[arg(long)]\npub json: bool,");
    broken(printing, "cli/plan.rs", "io::stderr().write_all(b\"x\");");
    broken(printing, "engine/plan.rs", "println!(\"x\");");
    fine(printing, "ui/screen.rs", "io::stdout()");
    fine(printing, "engine/plan.rs", "command.stdout(Stdio::null())");
    broken(pretence, "engine/apply.rs", "// under sim there is no wait");
    broken(pretence, "api/client.rs", "if host == \"localhost\" {}");
    fine(pretence, "engine/apply.rs", "// a simple simulation");
    broken(kinds, "engine/plan.rs", "if kind == \"digitalocean_droplet\" {}");
    broken(opening, "engine/plan.rs", "use std::fs;");
    broken(beginnings, "kinds/tag.rs", "    /// What it is.\n    name: String,");
    fine(beginnings, "kinds/tag.rs", "/// Its name.\n/// What is left out is nothing.\n// What is not read is kept.\nlet x = 1;");
    broken(length, "engine/plan.rs", &"let x = 1;\n".repeat(LONGEST + 1));
    broken(length, "main.rs", &"let x = 1;\n".repeat(41));
    fine(length, "engine/plan.rs", &format!("#[cfg(test)]\nmod tests {{{}}}", "x;\n".repeat(LONGEST)));
    fine(length, "engine/plan.rs", &"// why\n".repeat(LONGEST + 1));
    let function = |lines: usize| format!("impl A {{\n    async fn long() {{\n{}    }}\n}}\n", "        x;\n".repeat(lines - 2));
    broken(functions, "engine/plan.rs", &function(LONGEST_FUNCTION + 1));
    fine(functions, "engine/plan.rs", &function(LONGEST_FUNCTION));
    broken(retired, "engine/plan.rs", "fn f(wish: &Wish) {}");
    fine(retired, "engine/plan.rs", "// A Wish of the user's.\nfn wishes_of() {}");
    broken(stilted, "kinds/vpc.rs", "format!(\"`{name}` is no \\\n         name for a VPC.\")");
    fine(stilted, "kinds/vpc.rs", "format!(\"`{name}` is not a valid VPC name.\")");
    broken(allowances, "engine/plan.rs", "#[allow(dead_code)]");
    broken(words, "README.md", &format!("DIGITALOCEAN_TOKEN=dop_v1_{}", "0a".repeat(32)));
    broken(words, "README.md", concat!("cd /ro", "ot/dofloat"));
    broken(words, "README.md", concat!("see ../sha", "red/notes.md"));
    let lost = ["mod a;", "mod b;", "//! Nobody names me."].into_iter().zip(["main.rs", "a.rs", "a/c.rs"]);
    let lost: Vec<Source> = lost.map(|(text, path)| Source { path: path.to_owned(), text: text.to_owned() }).collect();
    assert_eq!(forgotten(&lost).len(), 1);
    let left = Source { path: "state/dofloat-web.rescue-7.json".to_owned(), text: "{}".to_owned() };
    assert_eq!(debris(&[left]).len(), 1);
    circles_can_be_found();
}

fn circles_can_be_found() {
    let file = |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
    let found = |files: &[(&str, &str)]| round(&files.iter().map(file).collect::<Vec<_>>(), "engine", &[]);
    let two = [("engine/a.rs", "use super::{b::{self, X}, c};"), ("engine/b.rs", "fn f() { crate::a::g() }")];
    assert_eq!(found(&two), ["engine/a.rs, engine/b.rs import each other in a circle"]);
    assert!(found(&[two[0], ("engine/b.rs", "#[cfg(test)]\nmod tests { use super::super::a; }")]).is_empty());
    // A child that takes a value from its parent, and its parent by a group.
    let child = [("engine/a.rs", "mod b;\nuse b::{X};\npub struct Y;"), ("engine/a/b.rs", "use super::Y;")];
    assert_eq!(found(&child), ["engine/a.rs, engine/a/b.rs import each other in a circle"]);
    assert!(found(&[("engine/mod.rs", "mod a;\nmod b;"), ("engine/a.rs", "use super::b;"), ("engine/b.rs", "")]).is_empty());
    let known: &[&str] = &["engine/a.rs", "engine/b.rs"];
    let sources: Vec<Source> = two.iter().map(file).collect();
    assert!(round(&sources, "engine", &[known]).is_empty());
    assert_eq!(round(&sources[..1], "engine", &[known]).len(), 1, "a circle that is gone must leave the list");
    // A circle that is smaller by now is a new one, and the old one is gone.
    assert_eq!(round(&sources, "engine", &[&["engine/a.rs", "engine/b.rs", "engine/c.rs"]]).len(), 2);
}

fn imports(source: &Source) -> Vec<String> {
    let layer = source.layer();
    if layer.is_empty() {
        return Vec::new(); // lib.rs lists the layers, main.rs calls one.
    }
    let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("src/{}: the layer {layer} is not in the table of this test", source.path)];
    };
    let named = imported(&source.code(), layer);
    let wrong = named.into_iter().filter(|name| name != layer && !below.contains(&name.as_str()));
    wrong.map(|name| format!("src/{}: {layer} must not import {name}", source.path)).collect()
}

/// The layers that are named: each is a package, and the commands are in the one at the root.
fn imported(code: &str, layer: &str) -> BTreeSet<String> {
    let own = if layer == "cli" { "crate" } else { "dofloat" };
    let other = Regex::new(&format!(r"\b(?:dofloat_|{own}::)([a-z_]+)(?:::|;| as )")).expect("a pattern");
    other.captures_iter(code).map(|found| found[1].to_owned()).collect()
}

fn crates(source: &Source) -> Vec<String> {
    let code = source.code();
    let named = |name: &str| code.contains(name) && Regex::new(&format!(r"\b{name}(::|;| as )")).unwrap().is_match(&code);
    let wrong = CRATES.iter().filter(|(name, places)| named(name) && !source.is_in(places));
    wrong.map(|(name, places)| format!("src/{}: {name} belongs into {places:?}", source.path)).collect()
}

fn exposure(source: &Source) -> Vec<String> {
    let exposes = Regex::new(r"(\.|::)expose\b").unwrap().is_match(&source.code());
    if exposes && !source.is_in(EXPOSERS) {
        vec![format!("src/{}: map the secret instead of exposing it", source.path)]
    } else {
        Vec::new()
    }
}

fn children(source: &Source) -> Vec<String> {
    let starts = Regex::new(r"\bCommand::new\b").unwrap().is_match(&source.code());
    if starts && source.path != "base/child.rs" {
        vec![format!("src/{}: start it by base::child, which keeps our secrets from it", source.path)]
    } else {
        Vec::new()
    }
}

/// A bug is planted by tests alone, and none is in an optimised build.
fn planting(source: &Source) -> Vec<String> {
    if source.path == "base/planted.rs" {
        let holds = source.code().contains("cfg!(debug_assertions) && PLANTED");
        return (!holds).then(|| format!("src/{}: an optimised build would hold the bugs", source.path)).into_iter().collect();
    }
    let plants = Regex::new(r"\bplant\b").unwrap().is_match(&source.code());
    plants.then(|| format!("src/{}: only tests plant bugs", source.path)).into_iter().collect()
}

/// Locks are taken, shared, freed and given back, the way to the API is closed, and signals are heard by one file.
fn releases(source: &Source) -> Vec<String> {
    if source.layer() != "cli" || source.path == "cli/session.rs" {
        return Vec::new();
    }
    let own = Regex::new(
        r"\.(release|share|without_lock|unlock|close)\(|\.lock\(\s*[^)\s]|\bSignals::listen\b|\bapi_session::(open|open_quietly|open_alone)\b",
    )
    .unwrap();
    let code = source.code();
    own.find_iter(&code)
        .map(|found| {
            format!("src/{}: `{}` is cli::session's: it gives back what it takes, however the work ends", source.path, found.as_str())
        })
        .collect()
}

/// Commands say what there is to say; which of text and JSON it becomes is the view's to know.
fn forms(source: &Source) -> Vec<String> {
    let asks = Regex::new(r"[(,]\s*json: bool|\b(args|planning)\.json\b|\bplan_json::").unwrap();
    if source.layer() != "cli" || source.path == "cli/args.rs" || !asks.is_match(&source.code()) {
        return Vec::new();
    }
    vec![format!("src/{}: tell it to ui::view, which knows the form", source.path)]
}

fn printing(source: &Source) -> Vec<String> {
    let prints = Regex::new(r"\bstd(out|err)\(\)|\be?print(ln)?!|\bdbg!").unwrap().is_match(&source.code());
    if prints && !source.is_in(PRINTERS) {
        vec![format!("src/{}: print through `ui::screen`, which cuts secrets out", source.path)]
    } else {
        Vec::new()
    }
}

fn pretence(source: &Source) -> Vec<String> {
    if !["api", "kinds", "engine"].contains(&source.layer()) {
        return Vec::new();
    }
    let word = Regex::new(r"\b(sim|localhost)\b").unwrap();
    word.find_iter(source.own()).map(|found| format!("src/{}: the word `{}` has no place here", source.path, found.as_str())).collect()
}

fn kinds(source: &Source) -> Vec<String> {
    let names_one = Regex::new(r#""digitalocean_\w+""#).unwrap();
    let may = source.is_in(&["kinds/", "bootstrap/", "sim/"]);
    names_one
        .find_iter(&source.code())
        .filter(|_| !may)
        .map(|found| format!("src/{}: {} is named outside kinds", source.path, found.as_str()))
        .collect()
}

fn opening(source: &Source) -> Vec<String> {
    if source.text.starts_with("//! ") || source.is_tests() {
        return Vec::new();
    }
    vec![format!("{}: a module opens with `//!`: its duty, its invariant, what it must not know", source.path)]
}

/// Documentation names its subject first, so that a list of it can be read and searched.
fn beginnings(source: &Source) -> Vec<String> {
    if !["kinds", "sim"].contains(&source.layer()) || source.path.starts_with("kinds/data/") {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().map(str::trim_start).collect();
    let is_doc = |line: &str| line.starts_with("///") || line.starts_with("//!");
    let begins = |at: &usize| *at == 0 || !is_doc(lines[at - 1]);
    let vague = |line: &str| line.starts_with("/// What ") || line.starts_with("//! What ");
    let found = (0..lines.len()).filter(|at| vague(lines[*at]) && begins(at));
    found.map(|at| format!("src/{}:{}: begin with the thing: {}", source.path, at + 1, lines[at])).collect()
}

fn length(source: &Source) -> Vec<String> {
    let limit = if source.path == "main.rs" { 40 } else { LONGEST };
    let code = source.code();
    let lines = code.lines().filter(|line| !line.trim().is_empty()).count();
    if lines <= limit {
        return Vec::new();
    }
    vec![format!("src/{}: {lines} lines of code are more than {limit}; split it along a noun", source.path)]
}

/// A function ends with the brace at the indentation of its first line: the formatter sees to that.
fn functions(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.own().lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let Some(parts) = FUNCTION.captures(line).filter(|_| !line.ends_with(['}', ';'])) else { continue };
        let end = format!("{}}}", &parts[1]);
        let length = lines[first..].iter().position(|line| **line == *end).map_or(0, |last| last + 1);
        if length > LONGEST_FUNCTION {
            found.push(format!("src/{}: `{}` has {length} lines, more than {LONGEST_FUNCTION}", source.path, &parts[2]));
        }
    }
    found
}

/// The circles of a layer that are not known, and the known ones that are not there any more.
fn round(sources: &[Source], layer: &str, known: &[&[&str]]) -> Vec<String> {
    let circles = circles(sources, layer);
    let is_known = |circle: &[&str]| known.contains(&circle);
    let new =
        circles.iter().filter(|circle| !is_known(circle)).map(|circle| format!("{} import each other in a circle", circle.join(", ")));
    let there = |circle: &&&[&str]| !circles.iter().any(|found| found == **circle) && circle[0].starts_with(&format!("{layer}/"));
    let gone = known.iter().filter(there).map(|circle| format!("{} are no circle any more; mend the list", circle.join(", ")));
    new.chain(gone).collect()
}

/// The files of a layer that reach each other by imports, each circle in order.
fn circles<'a>(sources: &'a [Source], layer: &str) -> Vec<Vec<&'a str>> {
    let files: BTreeMap<Vec<&str>, &Source> = sources
        .iter()
        .filter(|source| source.layer() == layer && !source.is_tests())
        .map(|source| (module(&source.path), source))
        .collect();
    let edges: BTreeMap<&str, BTreeSet<&str>> = files
        .iter()
        .map(|(own, source)| {
            let code = source.code();
            let named = paths(&code).into_iter().filter_map(|path| resolved(&files, own, &path));
            (source.path.as_str(), named.filter(|to| *to != source.path).collect())
        })
        .collect();
    let reach = |from: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(at) = open.pop() {
            open.extend(edges[at].iter().filter(|to| seen.insert(**to)));
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> = edges.keys().map(|file| (*file, reach(file))).collect();
    let circles: BTreeSet<Vec<&str>> = reached
        .iter()
        .map(|(file, to)| to.iter().copied().filter(|other| reached[other].contains(file)).collect::<Vec<_>>())
        .filter(|circle| circle.len() > 1)
        .collect();
    circles.into_iter().collect()
}

/// The module that a file is: `engine/plan/walk.rs` is `engine`, `plan`, `walk`.
fn module(path: &str) -> Vec<&str> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let path = path.strip_suffix("/lib").or_else(|| path.strip_suffix("/mod")).unwrap_or(path);
    path.split('/').collect()
}

/// The file that a path leads to, named in the module `own`; none if it leads out of the layer.
fn resolved<'a>(files: &BTreeMap<Vec<&str>, &'a Source>, own: &[&str], path: &[String]) -> Option<&'a str> {
    let mut at: Vec<&str> = own.to_vec();
    let mut rest = path;
    match path.first()?.as_str() {
        // The package of a layer is the layer's own file; the commands are a folder of theirs.
        "crate" => {
            at.truncate(if own[0] == "cli" { 0 } else { 1 });
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        _ => {}
    }
    while let Some((first, others)) = rest.split_first().filter(|(first, _)| *first == "super") {
        debug_assert_eq!(first, "super");
        at.pop()?;
        rest = others;
    }
    at.extend(rest.iter().map(String::as_str));
    (1..=at.len()).rev().find_map(|length| files.get(&at[..length])).map(|source| source.path.as_str())
}

/// All paths of a source: those of its `use`, groups opened, and those written out in full.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found: Vec<String> = USES.captures_iter(code).flat_map(|part| opened(&part[1])).collect();
    found.extend(WRITTEN_OUT.find_iter(&USES.replace_all(code, "")).map(|path| path.as_str().to_owned()));
    found.iter().map(|path| path.split("::").map(|name| name.trim().to_owned()).collect()).collect()
}

/// `a::{b, c::{d, e}}` is `a::b`, `a::c::d`, `a::c::e`.
fn opened(tree: &str) -> Vec<String> {
    let Some((start, group)) = tree.split_once('{') else {
        return vec![tree.split(" as ").next().unwrap_or(tree).trim().to_owned()];
    };
    let (mut depth, mut parts) = (0_u32, vec![String::new()]);
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {
                depth = depth + u32::from(character == '{') - u32::from(character == '}');
                parts.last_mut().expect("there is one").push(character);
            }
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| opened(part)).map(|part| format!("{}{part}", start.trim())).collect()
}

fn allowances(source: &Source) -> Vec<String> {
    let allows = Regex::new(r"(?m)^\s*#!?\[allow\(").unwrap();
    allows
        .find_iter(&source.text)
        .map(|_| format!("{}: use #[expect(…, reason = …)], which tells when it is no longer needed", source.path))
        .collect()
}

fn words(source: &Source) -> Vec<String> {
    let rules = [
        (r#"(^|[\s"'`=(:])/(root|work|Users)/"#, "a path of one machine"),
        (r"\.\./shared\b", "a folder that a clone does not have"),
        (r"\bdo[opr]_v1_[0-9a-f]{64}\b", "what looks like a real token"),
        (r"BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}", "a private key"),
    ];
    let found = rules.iter().filter(|(pattern, _)| Regex::new(pattern).unwrap().is_match(&source.text));
    // The checks look for the test data beside the checkout, if it is there.
    let found = found.filter(|(pattern, _)| !(source.path == ".ci/run" && pattern.ends_with(r"shared\b")));
    found.map(|(_, what)| format!("{}: it holds {what}", source.path)).collect()
}

/// Code that has a name which was retired; this file alone may spell them.
fn retired(source: &Source) -> Vec<String> {
    static NAMES: LazyLock<Regex> = LazyLock::new(|| {
        let names: Vec<&str> = RETIRED.iter().map(|(old, _)| *old).collect();
        Regex::new(&format!(r"\b(?:{})\b", names.join("|"))).expect("a pattern")
    });
    if source.path.ends_with("it/tidy.rs") {
        return Vec::new();
    }
    let code = source.text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let found: BTreeSet<&str> = code.flat_map(|line| NAMES.find_iter(line)).map(|name| name.as_str()).collect();
    let new = |old: &str| RETIRED.iter().find(|(name, _)| *name == old).map_or("another name", |(_, new)| *new);
    found.into_iter().map(|old| format!("{}: `{old}` is called `{}` by now", source.path, new(old))).collect()
}

/// Messages in words that were retired, wherever they break their lines.
fn stilted(source: &Source) -> Vec<String> {
    let text = source.code().split_whitespace().filter(|word| *word != "\\").collect::<Vec<_>>().join(" ");
    let found = STILTED.iter().filter(|(old, _)| text.contains(old));
    found.map(|(old, new)| format!("src/{}: say \"{new}\" or the like instead of \"{old}\"", source.path)).collect()
}

/// What a run left behind in a folder of sources.
fn debris(sources: &[Source]) -> Vec<String> {
    const SORTS: [&str; 7] = [".rs", ".toml", ".sh", ".conf", ".service", ".snap", ".txt"];
    // What the simulator knows of plain families is data, made from the API's description, and so are the examples of pages.
    let is_data = |path: &str| path == "sim/plain/families.json" || path.starts_with("kinds/examples/") && path.ends_with(".tf");
    let is_source = |source: &&Source| is_data(&source.path) || SORTS.iter().any(|ending| source.path.ends_with(ending));
    sources.iter().filter(|source| !is_source(source)).map(|source| format!("src/{}: no source is of that sort", source.path)).collect()
}

/// Files that no `mod` names, so that they are never compiled.
fn forgotten(sources: &[Source]) -> Vec<String> {
    let is_named = |source: &Source| {
        let Some(path) = source.path.strip_suffix(".rs") else { return true };
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let parents = if folder.is_empty() {
            vec!["main.rs".to_owned(), "lib.rs".to_owned()]
        } else {
            vec![format!("{folder}.rs"), format!("{folder}/mod.rs"), format!("{folder}/lib.rs")]
        };
        let given = format!("#[path = \"{name}.rs\"]");
        if sources.iter().any(|other| other.path.starts_with(folder) && other.text.contains(&given)) {
            return true;
        }
        let names_it = Regex::new(&format!(r"\bmod {name};")).unwrap();
        ["main", "lib"].contains(&path)
            || path.ends_with("/lib")
            || sources.iter().any(|other| parents.contains(&other.path) && names_it.is_match(&other.text))
    };
    let waits = |source: &Source| WAITING.iter().any(|(path, _)| *path == source.path);
    let lost = sources
        .iter()
        .filter(|source| !is_named(source) && !waits(source))
        .map(|source| format!("{}: no `mod` names this file", source.path));
    let late =
        sources.iter().filter(|source| is_named(source) && waits(source)).map(|source| format!("{}: it waits no longer", source.path));
    lost.chain(late).collect()
}

fn check(folder: &str, rule: fn(&Source) -> Vec<String>) {
    let mut sources = sources(folder);
    // What was recorded is the words of another file; only the rule on words reads everything.
    sources.retain(|source| folder == "." || source.path.ends_with(".rs"));
    assert!(sources.len() > 3, "{folder} has lost its files");
    let found: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// All text files below a folder of the package, in order; what a build or a run leaves behind is passed over.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if ![".git", "target", ".dofloat"].contains(&name.as_str()) {
                    open.push(path);
                }
            } else if name != ".git"
                && let Ok(text) = fs::read_to_string(&path)
            {
                let below = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path: below, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
