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
    /// Whether it is where a person keeps what is theirs, or is called as what nobody publishes.
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

/// Whether a file is where a person keeps what is theirs, or is called as what nobody publishes: a key, a token.
#[must_use]
pub fn is_personal(path: &Path) -> bool {
    const WORDS: [&str; 5] = ["credentials", "password", "secret", "token", "tokens"];
    const FOLDERS: [&str; 7] = [".ssh", "certs", "credentials", "keys", "secrets", "ssh", "tokens"];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let is_key = ["id_rsa", "id_ed25519", "id_ecdsa", "id_dsa"].iter().any(|key| name.starts_with(key));
    let ends = path.extension().and_then(|end| end.to_str()).is_some_and(|end| ["key", "pem", "pub"].contains(&end));
    let among_keys = path
        .parent()
        .is_some_and(|folder| folder.components().any(|part| FOLDERS.iter().any(|name| part == Component::Normal(name.as_ref()))));
    is_key || ends || among_keys || name.split(['_', '-', '.']).any(|word| WORDS.contains(&word))
}

/// What stands in for the file that a call reads, if anything does. A path that is written out, and one that is made from `path`,
/// names a part of the configuration, unless it starts at the root or at home, or nobody would publish it.
pub(super) fn stand_in(host: &Host<'_>, call: &Call, error: &FnError) -> Option<Val> {
    let (absent, arg) = (error.absent.as_ref()?, call.args.first()?);
    let path = absent.path.as_path();
    let rooted = absent.rooted && !path.starts_with(host.base);
    let named = references::of(arg, &[]);
    let given = !named.is_empty() && named.iter().all(|reference| reference.root != "path");
    let personal = is_personal(path) || rooted && host.home.is_some_and(|home| path.starts_with(home));
    if !rooted && !given && !personal {
        return None;
    }
    Some(match host.files.stand_in(&Absent { path, personal, span: &arg.span })? {
        StandIn::Text(text) => Val::string(&text),
        StandIn::Unknown => Val::unknown(Type::String),
    })
}
