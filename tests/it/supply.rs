//! What the lock file brings in: its licences, what is there twice, and where it is from, held to `deny.toml`.
//!
//! Invariant: the lists are those of `cargo deny`, which not every machine has; what it finds beyond them is its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The packages of the lock file, as cargo tells of them.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let told = cargo.output().expect("cargo starts");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut told: Value = serde_json::from_slice(&told.stdout).expect("cargo writes JSON");
    serde_json::from_value(told["packages"].take()).expect("a list")
}

/// The texts in quotes that a list of `deny.toml` holds.
fn listed(name: &str) -> BTreeSet<String> {
    let file = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).expect("it is there");
    let (_, list) = file.split_once(&format!("\n{name} = [\n")).unwrap_or_else(|| panic!("deny.toml has no list {name}"));
    let (list, _) = list.split_once("\n]").expect("a list ends");
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn text<'a>(package: &'a Value, name: &str) -> &'a str {
    package[name].as_str().unwrap_or_default()
}

/// Whether what a licence expression leaves to choose or asks for can be met with what is allowed: `A OR (B AND C)`.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let met = any_met(&mut words, allowed);
    met && words.is_empty()
}

fn any_met(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    let mut met = all_met(words, allowed);
    while words.pop_if(|word| *word == "OR").is_some() {
        met |= all_met(words, allowed);
    }
    met
}

fn all_met(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one_met(words, allowed);
    while words.pop_if(|word| *word == "AND").is_some() {
        met &= one_met(words, allowed);
    }
    met
}

fn one_met(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    match words.pop() {
        Some("(") => {
            let met = any_met(words, allowed);
            words.pop_if(|word| *word == ")").is_some() && met
        }
        Some(licence) if words.pop_if(|word| *word == "WITH").is_some() => {
            let exception = words.pop().unwrap_or_default();
            allowed.contains(&format!("{licence} WITH {exception}"))
        }
        Some(licence) => allowed.contains(licence),
        None => false,
    }
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let allowed = listed("allow");
    let foreign = packages().into_iter().filter(|package| !package["source"].is_null());
    let other: Vec<String> = foreign
        .filter(|package| !is_met(text(package, "license"), &allowed))
        .map(|package| format!("{} {}: {}", text(&package, "name"), text(&package, "version"), package["license"]))
        .collect();
    assert!(other.is_empty(), "{other:#?}");
}

#[test]
fn a_licence_that_is_not_allowed_is_seen() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for met in ["MIT", "GPL-3.0 OR MIT", "MIT/Unlicense", "ISC AND (Apache-2.0 OR GPL-2.0-only)", "Apache-2.0 WITH LLVM-exception"] {
        assert!(is_met(met, &allowed), "{met}");
    }
    for not in
        ["", "GPL-3.0-only", "MIT AND GPL-2.0-only", "ISC AND (BSD-2-Clause OR GPL-2.0-only)", "MIT WITH LLVM-exception", "(MIT", "MIT MIT"]
    {
        assert!(!is_met(not, &allowed), "{not}");
    }
}

#[test]
fn what_is_there_twice_is_named() {
    let mut versions = BTreeMap::<String, BTreeSet<String>>::new();
    for package in packages() {
        versions.entry(text(&package, "name").to_owned()).or_default().insert(text(&package, "version").to_owned());
    }
    let twice: BTreeSet<String> = versions.into_iter().filter(|(_, versions)| versions.len() > 1).map(|(name, _)| name).collect();
    assert_eq!(twice, listed("skip"), "what is there in several versions, and what deny.toml says of it");
}

#[test]
fn all_is_from_the_registry_or_from_here() {
    let packages = packages();
    let sources: BTreeSet<&str> = packages.iter().filter_map(|package| package["source"].as_str()).collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert!(sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
    let names: BTreeSet<&str> = packages.iter().map(|package| text(package, "name")).collect();
    for banned in ["openssl-sys", "native-tls", "serde_yaml"] {
        assert!(!names.contains(banned), "{banned} is a second library for what another does");
    }
}
