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
