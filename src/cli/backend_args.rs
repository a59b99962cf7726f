//! The arguments of a `backend` block.

use crate::base::diag::{Diagnostic, did_you_mean};
use crate::lang::backend::{Backend, Setting};

/// The text of a setting, or a default.
pub(super) fn text_or(setting: Option<&Setting>, default: &str) -> String {
    setting.map_or_else(|| default.to_owned(), |setting| setting.text.clone())
}

/// The arguments in the order of their names; others are refused.
pub(super) fn arguments<'a, const N: usize>(backend: &'a Backend, names: [&str; N]) -> Result<[Option<&'a Setting>; N], Vec<Diagnostic>> {
    let strangers: Vec<Diagnostic> = backend
        .arguments
        .iter()
        .filter(|setting| !names.contains(&setting.name.as_str()))
        .map(|setting| {
            let error = Diagnostic::error(format!("The backend \"{}\" has no argument \"{}\".", backend.kind, setting.name))
                .at(setting.span.clone());
            match did_you_mean(&setting.name, names) {
                Some(meant) => error.hint(format!("Did you mean \"{meant}\"?")),
                None if names.is_empty() => error.hint("It has none."),
                None => error.hint(format!("It has: {}.", names.join(", "))),
            }
        })
        .collect();
    if !strangers.is_empty() {
        return Err(strangers);
    }
    Ok(names.map(|name| backend.arguments.iter().find(|setting| setting.name == name)))
}
