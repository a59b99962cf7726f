//! The README's commands, run as they stand there.
//!
//! Every `console` block is run, in order, in a folder that holds what a clone holds: lines with `$` are commands, the others
//! are what the command prints, word for word but for times; `...` stands for any lines. A command that cannot be run here is
//! an error.

use regex::Regex;

use crate::support::harness::Stack;

#[test]
fn the_console_blocks_of_the_readme_work() {
    let stack = Stack::clone_of_the_package();
    let blocks = console_blocks(include_str!("../../README.md"));
    assert!(blocks.len() >= 4, "the README has lost its commands");
    for block in blocks {
        for (command, expected) in commands(&block) {
            if command == "cargo test" {
                continue; // This is it.
            }
            let arguments = command.strip_prefix("cargo run -- ").unwrap_or_else(|| panic!("`{command}` cannot be run by this test"));
            let outcome = stack.run(&arguments.split_whitespace().collect::<Vec<_>>());
            assert_eq!(outcome.code, 0, "`{command}`: {outcome}");
            assert_prints(&expected, &outcome.stdout, &command);
        }
    }
}

#[test]
fn the_first_commands_are_the_promised_ones() {
    let blocks = console_blocks(include_str!("../../README.md"));
    let all: Vec<String> = blocks.iter().flat_map(|block| commands(block)).map(|(command, _)| command).collect();
    assert_eq!(all[..2], ["cargo run -- apply ha --sim -auto-approve", "cargo test"]);
}

fn console_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line) {
            (None, "```console") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => *block += &format!("{line}\n"),
            _ => {}
        }
    }
    assert!(open.is_none(), "a console block of the README is not closed");
    blocks
}

/// The commands of a block, each with the lines that it must print.
fn commands(block: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), Vec::new())),
            (None, Some((_, expected))) => expected.push(line.to_owned()),
            (None, None) => panic!("output without a command in the README: {line}"),
        }
    }
    found
}

/// Whether the output is these lines, where `...` stands for any.
fn assert_prints(expected: &[String], output: &str, command: &str) {
    let times = Regex::new(r"\b\d+s\b").expect("a pattern");
    let timeless = |line: &str| times.replace_all(line.trim_end(), "0s").into_owned();
    let output: Vec<String> = output.lines().map(timeless).collect();
    let shown: Vec<String> = expected.iter().map(|line| timeless(line)).collect();
    let parts: Vec<&[String]> = shown.split(|line| line == "...").collect();
    let mut rest = &output[..];
    for (index, part) in parts.iter().enumerate() {
        let (first, last) = (index == 0, index + 1 == parts.len());
        let at = match (first, last) {
            (true, _) => rest.starts_with(part).then_some(0),
            (false, true) => rest.ends_with(part).then(|| rest.len() - part.len()),
            (false, false) => (0..=rest.len()).find(|at| rest[*at..].starts_with(part)),
        };
        let Some(at) = at else { panic!("`{command}` does not print\n{}\nbut\n{}", part.join("\n"), rest.join("\n")) };
        rest = &rest[at + part.len()..];
        assert!(!last || rest.is_empty(), "`{command}` prints more:\n{}", rest.join("\n"));
    }
}

#[test]
fn a_block_that_shows_something_else_is_found() {
    let shows = |expected: &[&str], output: &str| {
        let expected: Vec<String> = expected.iter().map(|&line| line.to_owned()).collect();
        std::panic::catch_unwind(|| assert_prints(&expected, output, "x")).is_ok()
    };
    assert!(shows(&["...", "  b after 0s", "c", "..."], "a\n  b after 3s\nc\nd\n"));
    assert!(shows(&["a", "...", "d"], "a\nb\nd\n"));
    assert!(!shows(&["...", "b", "..."], "a\n  b\n"));
    assert!(!shows(&["...", "a", "c", "..."], "a\nb\nc\n"));
    assert!(!shows(&["a"], "a\nb\n"));
}
