//! Credentials that come otherwise each time that they are asked for: what is kept of them until they expire.
//!
//! Invariant: it is kept in the stack's encrypted file alone, and only a run that has locked the state keeps anything. What cannot be
//! opened is asked for anew.

use crate::erased::opened;
use crate::name_in_vault;
use dofloat_api::client::Client;
use dofloat_base::identity::Id;
use dofloat_base::secret::Secret;
use dofloat_base::value::{Body, Term, Value};

/// The part of an object that is kept.
pub(crate) fn of(api: &Client, kind: &str, id: &Id) -> Body {
    let found = api.machine().vault.as_ref().and_then(|vault| vault.get(&name_in_vault(kind, id)).ok().flatten());
    found.and_then(|secret| opened(kind, &Term::Secret(secret)).ok()).unwrap_or_default()
}

/// Whether what is kept is good now.
pub(crate) fn is_good(api: &Client, kept: &Body, until: &str) -> bool {
    let expires: Option<jiff::Timestamp> = kept.get(until).and_then(|text| text.as_str()?.parse().ok());
    expires.is_some_and(|expires| i128::from(expires.as_millisecond()) > i128::from(api.clock().now().0))
}

/// Keeps something of an object. A stack without an encrypted file does without: it is asked for each time then.
pub(crate) fn keep(api: &Client, kind: &str, id: &Id, body: Body) {
    if let Some(vault) = api.machine().vault.as_ref().filter(|vault| vault.is_locked()) {
        drop(vault.put(&name_in_vault(kind, id), Some(Secret::new(Value::Map(body)))));
    }
}

/// Forgets those of an object that is gone: what is left opens nothing any more.
pub(crate) fn forget(api: &Client, kind: &str, id: &Id) {
    if let Some(vault) = &api.machine().vault {
        drop(vault.put(&name_in_vault(kind, id), None));
    }
}
