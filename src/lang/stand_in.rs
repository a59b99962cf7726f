//! What is taken for a text file that a function reads and that is not there: a person's key on another machine, say.
//!
//! Invariant: what stands in is decided by `Files`, which takes nothing for anything unless its maker wants it so. What is a part of
//! the configuration has to be there, and is never asked for here.

use std::path::{Component, Path};

use super::Host;
use super::ast::Call;
use super::functions::FnError;
use super::references;
use super::value::Val;
use dofloat_base::diag::Span;
use dofloat_base::types::Type;

/// A file that is not there.
#[derive(Clone, Copy, Debug)]
pub struct Absent<'a> {
    /// Where it would be.
    pub path: &'a Path,
    /// Whether it is where a person keeps what is theirs: below the home folder, or among SSH keys.
    pub personal: bool,
    /// What names it.
    pub span: &'a Span,
}

/// What is taken for a file that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StandIn {
    /// This text.
    Text(String),
    /// Any text.
    Unknown,
}

/// What stands in for the file that a call reads, if anything does. A path that is written out, and one that is made from `path`,
/// names a part of the configuration, unless it starts at the root or at home.
pub(super) fn stand_in(host: &Host<'_>, call: &Call, error: &FnError) -> Option<Val> {
    let (absent, arg) = (error.absent.as_ref()?, call.args.first()?);
    let path = absent.path.as_path();
    let rooted = absent.rooted && !path.starts_with(host.base);
    let named = references::of(arg, &[]);
    let given = !named.is_empty() && named.iter().all(|reference| reference.root != "path");
    if !rooted && !given {
        return None;
    }
    let among_keys = path.components().any(|part| part == Component::Normal(".ssh".as_ref()));
    let personal = rooted && (among_keys || host.home.is_some_and(|home| path.starts_with(home)));
    Some(match host.files.stand_in(&Absent { path, personal, span: &arg.span })? {
        StandIn::Text(text) => Val::string(&text),
        StandIn::Unknown => Val::unknown(Type::String),
    })
}
