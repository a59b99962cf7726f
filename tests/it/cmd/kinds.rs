//! The pages of resource types and data sources: `docs/kinds` holds what `dofloat help kind` prints, and every example is planned.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dofloat::cli::help::kinds::{index, names, pages};
use dofloat::kinds::examples::{all, example};

use crate::support::harness::{Stack, in_full, say};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/kinds")
}

/// Run with `UPDATE_DOCS=1` to write the folder anew.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the test run, and the files that it writes")]
fn the_documents_are_what_the_tables_say() {
    let mut expected: BTreeMap<String, String> = pages().into_iter().map(|(name, text)| (format!("{name}.md"), text)).collect();
    expected.insert("README.md".to_owned(), linked(&index()));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let _ = fs::remove_dir_all(folder());
        fs::create_dir_all(folder()).expect("the package's folder is ours");
        for (name, text) in &expected {
            fs::write(folder().join(name), text).expect("the package's folder is ours");
        }
    }
    let entries = fs::read_dir(folder()).expect("docs/kinds is there").map(|entry| entry.expect("the package's folder is ours"));
    let found: BTreeMap<String, String> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path()).expect("it is text")))
        .collect();
    let names = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| -> Vec<String> {
        of.iter().filter(|(name, text)| other.get(*name) != Some(text)).map(|(name, _)| name.clone()).collect()
    };
    let stale = [names(&expected, &found), names(&found, &expected)].concat();
    assert!(stale.is_empty(), "docs/kinds is not what the tables say, make it anew with UPDATE_DOCS=1: {stale:?}");
    say(&format!("{} pages of resource types and data sources", expected.len()));
}

/// The list with a link from each name to its page.
fn linked(index: &str) -> String {
    let names = names();
    let line = |line: &str| match line.strip_prefix("- ").and_then(|rest| rest.split_once(": ")) {
        Some((name, what)) if names.contains(name) => format!("- [{name}]({name}.md): {what}\n"),
        _ => format!("{line}\n"),
    };
    index.lines().map(line).collect()
}

#[test]
fn every_page_has_an_example_its_attributes_and_its_scopes() {
    let pages = pages();
    let droplet = &pages["digitalocean_droplet"];
    for part in [
        "## Resource\n\nA server.",
        "## Data source\n\n",
        "resource \"digitalocean_droplet\" \"web\" {",
        "### Required\n\n- `name` (string): ",
        "**A change forces replacement.**",
        "A change interrupts the object.",
        "### backup_policy\n",
        "dofloat import digitalocean_droplet.web ID\n",
        "- create: `account:read`, `droplet:create`, ",
    ] {
        assert!(droplet.contains(part), "{part:?} is not in\n{droplet}");
    }
    assert!(pages["dofloat_cluster"].contains("- `fencing` (string): ") && pages["dofloat_cluster"].contains("`none`, `api`."));
    for (name, text) in &pages {
        let wide =
            text.lines().find(|line| line.chars().count() > 80 && !line.contains(['`', '"']) && !line.starts_with("dofloat import "));
        assert_eq!(wide, None, "{name}");
        assert!(text.contains("```hcl\n") && text.contains("### Read-only\n"), "{name}");
    }
}

/// Together they are one stack; with `DOFLOAT_TESTS=full` each is one by itself.
#[test]
fn every_example_is_planned() {
    let mut stacks = BTreeMap::from([("all".to_owned(), all())]);
    for name in names() {
        let kinds = [name.clone(), format!("data.{name}")];
        stacks.extend(kinds.into_iter().filter_map(|kind| Some((kind.replace('.', "-"), example(&kind)?.text + "\n"))));
    }
    let folder = stacks.iter().fold(Stack::empty(), |folder, (name, text)| folder.with_file(&format!("plans/{name}.tf"), text));
    let mut planned = 0;
    for name in stacks.keys().filter(|name| in_full() || matches!(name.as_str(), "all" | "digitalocean_record" | "data-digitalocean_vpc")) {
        folder.run(&["plan", name, "--sim", "-allow-provisioners"]).ok();
        planned += 1;
    }
    say(&format!("{planned} of {} examples planned", stacks.len()));
    folder.run(&["fmt", "-check", "plans"]).ok();
}
