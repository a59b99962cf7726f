//! The README's commands, run as they stand there.
//!
//! Every `console` block is run, in order, in a folder that holds what a clone holds: lines with `$` are commands, the others
//! are lines that the command must print, in this order, with anything between. A command that cannot be run here is an error.

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
            let arguments =
                command.strip_prefix("cargo run --release -- ").unwrap_or_else(|| panic!("`{command}` cannot be run by this test"));
            let outcome = stack.run(&arguments.split_whitespace().collect::<Vec<_>>());
            assert_eq!(outcome.code, 0, "`{command}`: {outcome}");
            assert_in_order(&expected, &outcome.stdout, &command);
        }
    }
}

#[test]
fn the_first_commands_are_the_promised_ones() {
    let blocks = console_blocks(include_str!("../../README.md"));
    let all: Vec<String> = blocks.iter().flat_map(|block| commands(block)).map(|(command, _)| command).collect();
    assert_eq!(all[..2], ["cargo run --release -- apply ha --sim -auto-approve", "cargo test"]);
}

fn console_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.trim()) {
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
            (None, Some((_, expected))) if line != "..." => expected.push(line.to_owned()),
            (None, Some(_)) => {}
            (None, None) => panic!("output without a command in the README: {line}"),
        }
    }
    found
}

fn assert_in_order(expected: &[String], output: &str, command: &str) {
    let mut lines = output.lines();
    for wanted in expected {
        assert!(lines.any(|line| line.starts_with(wanted.as_str())), "`{command}` does not print {wanted:?}:\n{output}");
    }
}
