//! The one account that a stack is of, whatever number of `provider` blocks its files have.
//!
//! Invariant: blocks that would lead to different accounts, or may, are an error before anything is asked or done. No value of
//! theirs is in a message.

use super::declaration::{Module, Provider};
use super::scope::Names;
use super::tree::Tree;
use super::types;
use dofloat_base::diag::Diagnostic;

/// The arguments that tell the account.
const TELLING: [&str; 2] = ["token", "api_endpoint"];

/// The `provider` blocks of a module: the main one last, which is that without alias, or else the first.
pub(super) fn providers(module: &Module) -> impl Iterator<Item = &Provider> {
    let main = module.providers.iter().position(|provider| provider.alias.is_none()).unwrap_or(0);
    let others = module.providers.iter().enumerate().filter(move |(at, _)| *at != main).map(|(_, provider)| provider);
    others.chain(module.providers.get(main))
}

/// What modules say of the provider: the account is the stack's.
pub(super) fn idle(tree: &Tree) -> Vec<Diagnostic> {
    let written = |provider: &&Provider| !provider.body.attrs.is_empty() || !provider.body.blocks.is_empty();
    let all = tree.entries.iter().skip(1).flat_map(|entry| entry.module.providers.iter().filter(written));
    let warning = |provider: &Provider| {
        Diagnostic::warning("A provider block in a module has no effect: the one of the stack's own files counts.")
            .at(provider.span.clone())
            .hint("Configure the provider there.")
    };
    all.map(warning).collect()
}

/// The `provider` blocks that are not of the main one's account. What is not known is not judged.
pub(super) fn others(names: &Names<'_>) -> Vec<Diagnostic> {
    let mut all: Vec<&Provider> = providers(&names.base().module).collect();
    let Some(main) = all.pop() else { return Vec::new() };
    TELLING.iter().flat_map(|name| all.iter().filter_map(|other| differs(names, name, main, other))).collect()
}

fn differs(names: &Names<'_>, name: &str, main: &Provider, other: &Provider) -> Option<Diagnostic> {
    let (here, there) = (text(names, other, name)?, text(names, main, name)?);
    if here == there {
        return None;
    }
    let message = match (&here, &there) {
        (Some(_), Some(_)) => format!("This provider has another `{name}` than the main one: a stack is of one account."),
        _ => format!("`{name}` is set in only one of these providers: they may be of different accounts, and a stack is of one."),
    };
    // The blocks' headers are the places: an excerpt of the argument's line would show a token that is written there.
    let error = Diagnostic::error(message).at(other.span.clone()).related(main.span.clone(), "the main provider");
    Some(error.hint(format!("Write the same `{name}` in both, or make a stack of its own for each account.")))
}

/// What an argument says, or that it says nothing; nothing at all if that is not known.
fn text(names: &Names<'_>, provider: &Provider, name: &str) -> Option<Option<String>> {
    let Some(attr) = provider.body.attr(name) else { return Some(None) };
    // What is wrong in it is told where the provider's arguments are read.
    let value = names.eval().eval(&attr.value).ok()?;
    if value.is_null() { Some(None) } else { types::text_of(&value.data).map(Some) }
}
