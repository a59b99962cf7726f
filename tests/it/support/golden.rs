//! Golden files: what the program says, word for word.
//!
//! Invariant: what differs from run to run is filtered out, so that a difference is one that a user sees. A file that no test
//! compares with fails the tests.

use std::fs;
use std::path::{Path, PathBuf};

use super::harness::{Outcome, Stack};

/// Compares with the file of that name in a folder of `fixtures/golden`.
#[track_caller]
pub(crate) fn golden(stack: &Stack, folder: &str, name: &str, outcome: &Outcome) {
    assert!(!outcome.stderr.contains("panicked"), "{outcome}");
    let mut settings = settings(folder);
    for (pattern, placeholder) in stack.filters() {
        settings.add_filter(&pattern, placeholder);
    }
    settings.bind(|| insta::assert_snapshot!(name, outcome.to_string()));
}

/// The same for a text that is the same on every machine.
#[track_caller]
pub(crate) fn golden_text(folder: &str, name: &str, text: &str) {
    settings(folder).bind(|| insta::assert_snapshot!(name, text));
}

fn settings(folder: &str) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("../../../fixtures/golden/{folder}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

/// A snapshot that no source names is left over: a test was renamed or is gone, and nothing holds the text any more.
#[test]
fn every_snapshot_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: Vec<(PathBuf, String)> = [root.join("src"), root.join("tests")]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
        .map(|path| (path.clone(), fs::read_to_string(&path).expect("a source is text")))
        .collect();
    let snapshots: Vec<PathBuf> = ["src", "tests", "fixtures"].iter().flat_map(|folder| files(&root.join(folder), "snap")).collect();
    assert!(snapshots.len() > 50, "the snapshots are elsewhere");
    let is_left_over = |path: &&PathBuf| {
        let (folder, name) = (path.parent().expect("a file has a folder"), path.file_stem().expect("a file has a name").to_string_lossy());
        let name = name.rsplit("__").next().unwrap_or_default().to_owned();
        // Beside the sources a snapshot is named after its test; a golden file has its name and its folder in one source.
        let beside = folder.ends_with("snapshots").then(|| folder.parent().expect("it is below the sources").to_owned());
        let group = format!("\"{}\"", folder.file_name().expect("a folder has a name").to_string_lossy());
        let names_it = |text: &str| text.contains(&format!("\"{name}\"")) || text.contains(&format!("fn {name}("));
        !sources.iter().any(|(source, text)| {
            names_it(text) && beside.as_ref().map_or_else(|| text.contains(&group), |beside| source.starts_with(beside))
        })
    };
    let left: Vec<&PathBuf> = snapshots.iter().filter(is_left_over).collect();
    assert!(left.is_empty(), "no test compares with these any more: {left:#?}");
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("the package's folder is ours").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|of| of == ending) {
                found.push(path);
            }
        }
    }
    found
}
