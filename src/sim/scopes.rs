//! The scopes of a token.
//!
//! Invariant: a route needs one of its alternatives whole; a field that needs a scope of its own is asked for separately.

use std::collections::BTreeSet;

use super::refusal::Refusal;

/// The scopes of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scopes {
    /// Full access.
    #[default]
    All,
    /// These only, for example `droplet:read`.
    Only(BTreeSet<String>),
}

impl Scopes {
    /// Scopes from a text, separated by commas or blanks.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::Only(text.split([',', ' ', '\n']).map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect())
    }

    /// Whether the token has this scope.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.contains(scope),
        }
    }

    /// Refuses a call whose token lacks this scope.
    pub(super) fn need(&self, scope: &str) -> Result<(), Refusal> {
        if self.has(scope) { Ok(()) } else { Err(Refusal::forbidden()) }
    }

    /// Refuses a call that has none of the alternatives whole.
    pub(super) fn need_any<Way: AsRef<[Scope]>, Scope: AsRef<str>>(&self, alternatives: &[Way]) -> Result<(), Refusal> {
        // `api:read` and `api:write` stand for a token without custom scopes; nobody can tick them.
        let has_all = |way: &Way| way.as_ref().iter().map(AsRef::as_ref).all(|scope| scope.starts_with("api:") || self.has(scope));
        if alternatives.iter().any(has_all) { Ok(()) } else { Err(Refusal::forbidden()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whole_alternative_is_enough() {
        let scopes = Scopes::parse("domain:update, sizes:read");
        assert!(scopes.need_any(&[&["domain:create"], &["domain:update"]]).is_ok());
        assert!(scopes.need_any(&[&["sizes:read", "regions:read"]]).is_err());
        assert!(Scopes::All.need_any(&[&["anything"]]).is_ok());
    }
}
