//! Terraform's spelling of a command line, brought into clap's.
//!
//! Invariant: it knows the options from the definition that it is given, and no command by name.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Arg, ArgAction};

/// How an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OptionValue {
    /// A value, in the same word or the next.
    Value,
    /// A value in the same word, or none.
    Maybe,
    /// Nothing; `=true` and `=false` are understood.
    Nothing,
}

/// Terraform's spelling to clap's: long options get two dashes, a value that follows is joined to its option (so that it may
/// begin with a dash), and a switch may be set to true or false.
#[must_use]
pub fn normalised(argv: impl IntoIterator<Item = OsString>, program: &clap::Command) -> Vec<OsString> {
    let options = options(program);
    let mut argv = argv.into_iter();
    let mut words: Vec<OsString> = argv.next().into_iter().collect();
    while let Some(word) = argv.next() {
        let Some(text) = word.to_str().filter(|text| text.len() > 2 && text.starts_with('-') && *text != "--") else {
            let end = word == "--";
            let takes_next = word == "-t";
            words.push(word);
            if takes_next {
                words.extend(argv.next());
            }
            if end {
                words.extend(argv.by_ref());
            }
            continue;
        };
        let single = !text.starts_with("--");
        let body = text.trim_start_matches('-');
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        match (options.get(name), value) {
            // A path right after `-t`. Without a sign of a path it is an option misspelt, and must not be taken for a file's name:
            // the message would repeat what stands behind it.
            (None, _) if single && (name == "t" || name.starts_with('t') && name.contains(['/', '.'])) => words.push(word),
            (None, _) => words.push(format!("--{body}").into()),
            (Some(OptionValue::Nothing), Some(value)) => match boolean(value) {
                Some(true) => words.push(format!("--{name}").into()),
                Some(false) => {}
                None => words.push(format!("--{body}").into()),
            },
            (Some(OptionValue::Maybe), Some(value)) => {
                let value = boolean(value).map_or_else(|| value.to_owned(), |value| value.to_string());
                words.push(format!("--{name}={value}").into());
            }
            (Some(OptionValue::Value), None) => {
                let mut joined = OsString::from(format!("--{name}"));
                if let Some(value) = argv.next() {
                    joined.push("=");
                    joined.push(value);
                }
                words.push(joined);
            }
            (Some(_), _) => words.push(format!("--{body}").into()),
        }
    }
    words
}

/// The word that names the command, if it is text.
#[must_use]
pub fn command_word(words: &[OsString]) -> Option<&str> {
    command_at(words).and_then(|at| words[at].to_str())
}

/// Where the command stands: options of the program itself may stand before it.
fn command_at(words: &[OsString]) -> Option<usize> {
    let mut at = 1;
    while words.get(at)?.to_str().is_none_or(|word| word.starts_with('-')) {
        at += if words[at] == "-t" { 2 } else { 1 };
    }
    Some(at)
}

/// The same with what `TF_CLI_ARGS` and `TF_CLI_ARGS_COMMAND` say, right after the command, so that what was typed wins.
#[must_use]
pub fn with_added(mut words: Vec<OsString>, added: &BTreeMap<String, String>, program: &clap::Command) -> Vec<OsString> {
    let Some(mut at) = command_at(&words).filter(|_| !added.is_empty()) else { return words };
    let (mut command, mut name) = (program, String::new());
    while let Some((word, inner)) =
        words.get(at).and_then(|word| word.to_str()).and_then(|word| Some((word, command.find_subcommand(word)?)))
    {
        name.push('_');
        name.push_str(word);
        command = inner;
        at += 1;
    }
    if !name.is_empty() {
        let texts = ["TF_CLI_ARGS".to_owned(), format!("TF_CLI_ARGS{name}")];
        let all = texts.iter().filter_map(|name| added.get(name)).flat_map(|text| shell_words(text));
        let all = normalised(std::iter::once(OsString::new()).chain(all), program);
        words.splice(at..at, all.into_iter().skip(1));
    }
    words
}

/// The words of a text as a shell reads them: parted by space; quotes and backslashes keep what they stand around.
fn shell_words(text: &str) -> Vec<OsString> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take().map(OsString::from)),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word.map(OsString::from));
    words
}

/// Every long option of every command.
fn options(command: &clap::Command) -> BTreeMap<String, OptionValue> {
    let of = |arg: &Arg| Some((arg.get_long()?.to_owned(), takes(arg)));
    let mut all: BTreeMap<String, OptionValue> = command.get_arguments().filter_map(of).collect();
    for name in ["help", "version"] {
        all.insert(name.to_owned(), OptionValue::Nothing);
    }
    all.extend(command.get_subcommands().flat_map(options));
    all
}

fn takes(arg: &Arg) -> OptionValue {
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append if arg.is_require_equals_set() => OptionValue::Maybe,
        ArgAction::Set | ArgAction::Append => OptionValue::Value,
        _ => OptionValue::Nothing,
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
