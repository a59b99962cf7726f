//! The values of a stack's variables: where they come from, and what may be shown and kept of them.
//!
//! Invariant: the order of precedence is Terraform's; a value that may be a secret is quoted nowhere.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _};
use std::path::Path;

use anyhow::Context as _;

use super::environment::Environment;
use super::exit::Failure;
use super::options::{VariableArg, Variables};
use super::stack::Place;
use crate::base::diag::Diagnostic;
use crate::base::digest::{Digest, Salt};
use crate::base::readable;
use crate::base::secret::Secret;
use crate::lang::inputs::{Given, Inputs, Question};
use crate::lang::module::Stack;
use crate::ui::errors::Sources;
use crate::ui::view::View;

/// Everything that is given for variables, the weakest first: environment, the files that are always read, the command line.
/// Adds to the texts whatever of the files may be shown.
///
/// # Errors
/// If a file cannot be read, or a `-var` is not `NAME=VALUE`.
pub fn given(place: &Place, variables: &Variables, environment: &Environment, sources: &mut Sources) -> Result<Inputs, Failure> {
    let mut given: Vec<Given> = Vec::new();
    for (name, raw, from) in &environment.variables {
        given.push(Given::Text { name: name.clone(), raw: raw.clone(), from: from.clone(), strict: false });
    }
    for (name, path) in &place.values {
        given.push(values_file(name, path, sources)?);
    }
    for variable in &variables.given {
        match variable {
            VariableArg::Text { name, raw } => {
                given.push(Given::Text { name: name.clone(), raw: raw.clone(), from: "-var".to_owned(), strict: true });
            }
            VariableArg::Nameless => {
                let diagnostic = Diagnostic::error("A `-var` has no `=`.").hint("Write `-var NAME=VALUE`.");
                return Err(Failure::usage(diagnostic));
            }
            VariableArg::File(path) => given.push(values_file(&path.display().to_string(), path, sources)?),
        }
    }
    let (simulated, provisioners) = (place.is_simulated(), environment.provisioners);
    Ok(Inputs { given, simulated, skip_unsupported: variables.skip_unsupported, provisioners, ..Inputs::default() })
}

fn values_file(name: &str, path: &Path, sources: &mut Sources) -> Result<Given, Failure> {
    let text = read_text(path, name)?;
    sources.insert(name.to_owned(), without_values(&text));
    Ok(Given::File { name: name.to_owned(), text: Secret::new(text) })
}

/// Asks for values that lack. A sensitive one is not asked for: the answer would stand on the screen.
///
/// # Errors
/// If an answer cannot be read.
pub fn ask(questions: Vec<Question>, inputs: &mut Inputs, view: &mut View) -> Result<(), Failure> {
    for question in questions.into_iter().filter(|question| !question.sensitive) {
        let about = question.description.as_ref().map(|text| format!("  {text}\n")).unwrap_or_default();
        view.print_err(&format!("var.{}\n{about}  Enter a value: ", question.name));
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).context("Failed to read the answer")?;
        let raw = Secret::new(answer.trim_end_matches(['\n', '\r']).to_owned());
        inputs.given.push(Given::Text { name: question.name, raw, from: "the answer".to_owned(), strict: true });
    }
    Ok(())
}

/// The text of a file of values as messages may quote it: a value may be a secret, so only names are left, each letter of the
/// rest a star, so that positions stay what they are.
fn without_values(text: &str) -> String {
    let star = |c: char| if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) };
    let line = |line: &str| match line.split_once('=') {
        Some((name, value)) if !name.contains(['"', '{', '[']) => format!("{name}={}", value.chars().map(star).collect::<String>()),
        _ => line.chars().map(star).collect(),
    };
    text.split_inclusive('\n').map(line).collect()
}

/// The text of a file that a person wrote.
///
/// # Errors
/// If it cannot be read, or is no text.
pub fn read_text(path: &Path, name: &str) -> Result<String, Failure> {
    let bytes = readable::read_given(path).with_context(|| format!("Failed to read {name}"))?;
    Ok(String::from_utf8(bytes).map_err(|_| Diagnostic::error(format!("{name} is not UTF-8 text.")).hint("Save it as UTF-8."))?)
}

/// The digests of the sensitive variables, and the values of the others: what a saved plan keeps.
#[must_use]
pub fn variables_of(stack: &Stack<'_>, salt: &Salt) -> (BTreeMap<String, String>, BTreeMap<String, serde_json::Value>) {
    let (mut secrets, mut open) = (BTreeMap::new(), BTreeMap::new());
    for (name, variable) in stack.variables() {
        match variable.value.value().filter(|_| !variable.sensitive) {
            Some(value) => {
                open.insert(name, value.to_json());
            }
            None => {
                if let Some(sealed) = variable.value.sealed() {
                    secrets.insert(name, Digest::of(&sealed, salt).to_string());
                }
            }
        }
    }
    (secrets, open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_values_are_quoted() {
        let text = "token = \"häh\"\nlist = [\n  \"a=b\",\n]\n";
        let masked = without_values(text);
        assert_eq!(masked, "token = ******\nlist = *\n  ******\n*\n");
        assert_eq!(masked.len(), text.len());
    }
}
