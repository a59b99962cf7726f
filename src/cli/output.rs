//! `output`: the outputs of the last apply. Sensitive ones come from the encrypted file, and only where they are asked for.

use std::collections::BTreeMap;

use super::exit::{Ended, Exit, Failure};
use super::keys::keys;
use super::session::Session;
use super::stack::Place;
use crate::base::diag::{Diagnostic, did_you_mean};
use crate::base::secret::Secret;
use crate::base::value::Value;
use crate::state::secrets;
use crate::ui::outputs::{self, OutputView};
use crate::ui::view::View;

/// The arguments.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "dofloat output [OPTIONS] [STACK] [NAME]")]
pub struct OutputArgs {
    /// The stack, the name of an output, or both in this order
    #[arg(value_name = "STACK|NAME", num_args = 0..=2)]
    pub words: Vec<String>,
    /// Print JSON, including sensitive values
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// Print one value without quotes
    #[arg(long)]
    pub raw: bool,
}

/// Runs the command.
///
/// # Errors
/// If there is no such output, or the encrypted file cannot be opened.
pub async fn run(args: &OutputArgs, session: &Session<'_>, view: &mut View) -> Ended {
    let (place, name) = match args.words.as_slice() {
        [stack, name] => (session.find_remembered(Some(stack))?, Some(name.as_str())),
        [word] => match session.find_remembered(Some(word)) {
            Ok(place) => (place, None),
            Err(_) => (session.find_remembered(None)?, Some(word.as_str())),
        },
        _ => (session.find_remembered(None)?, None),
    };
    let state = session.remembered(&place).await?;
    let mut all = state.as_ref().map(|state| outputs::views(&state.outputs)).unwrap_or_default();
    if let Some(name) = name {
        let Some(output) = all.remove(name) else { return Err(no_output(name, &all).into()) };
        return one(args, name, output, &place, session, view);
    }
    if args.raw {
        return Err(Failure::usage(Diagnostic::error("`-raw` prints one value: name an output.")));
    }
    if view.is_text() && all.is_empty() {
        return Err(Diagnostic::error(format!("Stack {} has no outputs.", place.name)).hint("Outputs are known after an apply.").into());
    }
    if !view.is_text() {
        for (name, output) in all.iter_mut().filter(|(_, output)| output.sensitive) {
            output.value = Some(open(name, &place, session)?);
        }
    }
    view.outputs(&all);
    Ok(Exit::Done)
}

fn one(args: &OutputArgs, name: &str, mut output: OutputView, place: &Place, session: &Session<'_>, view: &mut View) -> Ended {
    if output.sensitive {
        output.value = Some(open(name, place, session)?);
    }
    let value = output.value.clone().unwrap_or(Value::Null);
    if args.raw {
        let text = match &value {
            Value::Str(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(bool) => bool.to_string(),
            Value::Null | Value::List(_) | Value::Map(_) => {
                return Err(Diagnostic::error(format!(
                    "The output \"{name}\" is not a string, number or bool, so `-raw` cannot print it."
                ))
                .hint("Use `-json`.")
                .into());
            }
        };
        view.reveal(&text);
    } else {
        view.output(&output);
    }
    Ok(Exit::Done)
}

fn no_output(name: &str, views: &BTreeMap<String, OutputView>) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("There is no output \"{name}\"."));
    let names: Vec<&str> = views.keys().map(String::as_str).collect();
    match did_you_mean(name, names.iter().copied()) {
        Some(meant) => diagnostic.hint(format!("Did you mean \"{meant}\"?")),
        None if names.is_empty() => diagnostic.hint("Outputs are known after an apply."),
        None => diagnostic.hint(format!("There are: {}.", names.join(", "))),
    }
}

/// The value of a sensitive output, which the user asks to see.
fn open(name: &str, place: &Place, session: &Session<'_>) -> Result<Value, Failure> {
    let path = place.store().secrets;
    let found = secrets::read(&path, &keys(session.environment))?.and_then(|mut kept| kept.outputs.remove(name));
    let value: Secret<Value> = found.ok_or_else(|| {
        Diagnostic::error(format!("The value of the sensitive output \"{name}\" is not in {}.", path.display()))
            .hint("Run an apply to write it again.")
    })?;
    Ok(secrets::reveal(&value))
}
