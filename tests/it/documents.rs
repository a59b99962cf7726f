//! What the documents name is there: paths, links, modules, variables, messages, crash points, exit codes.
//!
//! Invariant: a document that a change made untrue fails here, as far as a machine can tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A document of the package.
struct Document {
    /// Below the package.
    path: String,
    text: String,
}

impl Document {
    fn folder(&self) -> PathBuf {
        root().join(&self.path).parent().expect("it is a file").to_owned()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document that a reader meets.
fn documents() -> Vec<Document> {
    let mut paths: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned).to_vec();
    paths.extend(files("docs", "md"));
    paths.extend(["tests/lab/README.md", "fixtures/openapi/README.md", "fixtures/earlier/README.md"].map(str::to_owned));
    paths.into_iter().map(|path| Document { text: read(&path), path }).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end so, in order.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap_or_else(|error| panic!("{folder}: {error}")) {
            let entry = entry.expect("the package's folder is ours");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                open.push(path);
            } else if path.ends_with(&format!(".{ending}")) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The first group of each match.
fn matches(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).expect("a pattern").captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_path_that_is_named_exists() {
    let mut wrong = Vec::new();
    for document in documents() {
        let named = matches(r"`((?:src|tests|docs|fixtures|benches|fuzz|\.ci|state/example)/[\w./-]*)`", &document.text);
        // The kind that is added as an example.
        let missing = named.iter().filter(|path| !path.contains("thing") && !root().join(path).exists());
        wrong.extend(missing.map(|path| format!("{}: there is no {path}", document.path)));
    }
    none(&wrong);
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    for document in documents() {
        for link in matches(r"\]\(([^)\s]+)\)", &document.text) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { root().join(&document.path) } else { document.folder().join(file) };
            if !target.exists() {
                wrong.push(format!("{}: {link} leads nowhere", document.path));
            } else if !anchor.is_empty() && !anchors(&fs::read_to_string(&target).unwrap_or_default()).contains(anchor) {
                wrong.push(format!("{}: {link} leads to no heading", document.path));
            }
        }
    }
    none(&wrong);
}

/// By what headings are linked to.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let kept = |c: char| (c.is_alphanumeric() || "-_ ".contains(c)).then_some(if c == ' ' { '-' } else { c });
    headings.map(|heading| heading.chars().filter_map(kept).collect()).collect()
}

#[test]
fn every_module_that_is_named_exists() {
    let mut wrong = Vec::new();
    for document in documents() {
        let layers = "base|lang|bootstrap|api|state|sim|kinds|engine|ui|cli";
        for module in matches(&format!(r"`((?:{layers})(?:::[a-z_]+)+)`"), &document.text) {
            let path = format!("src/{}", module.replace("::", "/"));
            if !root().join(format!("{path}.rs")).exists()
                && !root().join(format!("{path}/mod.rs")).exists()
                && !root().join(format!("{path}/lib.rs")).exists()
            {
                wrong.push(format!("{}: there is no module {module}", document.path));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_variable_that_is_named_is_read() {
    let mut sources = vec![".ci/run".to_owned(), "tests/lab/rig".to_owned(), "tests/lab/tree".to_owned()];
    sources.extend(files("src", "rs"));
    sources.extend(files("tests", "rs"));
    let sources: String = sources.iter().map(|path| read(path)).collect();
    let mut wrong = Vec::new();
    for document in documents() {
        let named = matches(r"\b((?:DOFLOAT|DIGITALOCEAN|UPDATE|SPACES|AWS)_[A-Z_]*[A-Z])\b", &document.text);
        let unread = named.iter().filter(|name| !sources.contains(&format!("{name}\"")) && !sources.contains(&format!("${{{name}")));
        wrong.extend(unread.map(|name| format!("{}: nobody reads {name}", document.path)));
    }
    none(&wrong);
}

#[test]
fn every_message_that_is_quoted_is_given() {
    let golden: String = files("fixtures/golden", "snap").iter().map(|path| read(path)).collect();
    let given: BTreeSet<&str> = golden.lines().collect();
    let quoted = matches(r"(?m)^(error: .+)$", &read("docs/errors.md"));
    assert!(quoted.len() >= 4, "docs/errors.md quotes no errors any more");
    none(&quoted.iter().filter(|line| !given.contains(line.as_str())).map(|line| format!("no golden has {line:?}")).collect::<Vec<_>>());
}

#[test]
fn the_crash_points_are_listed() {
    let sources: String = files("src", "rs").iter().map(|path| read(path)).collect();
    let calls = matches(r#"crash_points?\(([^)]*")"#, &sources).into_iter().collect::<String>();
    let there = matches(r#""([a-z.-]+)""#, &calls);
    let text = read("ARCHITECTURE.md");
    let section = text.split("**Crash points**").nth(1).and_then(|rest| rest.split("The tests walk").next()).expect("the section is there");
    let listed = matches(r"`([a-z]+\.[a-z-]+)`", section);
    assert!(there.len() > 10, "{there:?}");
    assert_eq!(listed, there);
}

#[test]
fn the_exit_codes_are_listed() {
    let there = matches(r"(?m)^    [A-Z]\w+ = (\d+),$", &read("src/cli/exit.rs"));
    let listed = matches(r"(?m)^\| (\d+) \|", &read("docs/errors.md"));
    assert!(there.len() >= 7, "{there:?}");
    assert_eq!(listed, there);
}
