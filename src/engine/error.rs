//! From failures to what the user reads: which resource, which operation, what to do next.
//!
//! Invariant: every hint follows from the kind of failure, never from the text of a message.

use dofloat_api::error::ApiError;
use dofloat_base::diag::Diagnostic;

/// Why a command of the engine stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineError {
    /// The errors.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether a person must decide (exit 4) rather than mend (exit 1).
    pub decision: bool,
}

impl EngineError {
    /// Something to mend.
    #[must_use]
    pub fn failed(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, decision: false }
    }

    /// Something to decide.
    #[must_use]
    pub fn decision(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, decision: true }
    }
}

impl From<Diagnostic> for EngineError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::failed(vec![diagnostic])
    }
}

/// A diagnostic of a failed request: `doing` fits after "failed to", for example `read the droplets`.
#[must_use]
pub fn from_api(error: &ApiError, doing: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("Failed to {doing}: {error}{}.", request_id(error)));
    match hint(error) {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn request_id(error: &ApiError) -> String {
    match error {
        ApiError::Refused { answer, .. } | ApiError::Rejected { answer, .. } => {
            answer.request_id.as_ref().map(|id| format!(", request id {id}")).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Whose token it is, since there may be several: `; it comes from DO_TOKEN`.
fn source(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("; it comes from {token}") }
}

fn hint(error: &ApiError) -> Option<String> {
    match error {
        ApiError::Refused { answer, token, .. } if answer.status == 401 => Some(format!(
            "The token is not accepted{}. Check that it is complete, has not expired, and belongs to this API.",
            source(token)
        )),
        ApiError::Refused { scopes, token, .. } if scopes.len() == 1 => Some(format!(
            "The token lacks the scope {}{}. `dofloat scopes` lists all that the stack needs.",
            scopes.concat(),
            source(token)
        )),
        ApiError::Refused { scopes, token, .. } if !scopes.is_empty() => Some(format!(
            "The token lacks one of these scopes{}: {}. `dofloat scopes` lists all that the stack needs.",
            source(token),
            scopes.join(", ")
        )),
        ApiError::Refused { token, .. } => {
            Some(format!("The token lacks a scope{}. `dofloat scopes` lists all that the stack needs.", source(token)))
        }
        ApiError::Unseen { scope, .. } => {
            Some(format!("Give the token the scope {scope}. `dofloat scopes` lists all that the stack needs."))
        }
        ApiError::Throttled { wait, .. } => Some(format!(
            "The account's request budget is used up. Try again in {} s, or lower `requests_per_second`.",
            wait.as_secs().max(1)
        )),
        ApiError::Ambiguous { .. } => {
            Some("Run the same command again: dofloat looks for what the lost request created before it creates anything.".to_owned())
        }
        ApiError::Broken { .. } => Some("Check the network and the API's status, then run the same command again.".to_owned()),
        ApiError::Untrusted { .. } => Some(
            "Nothing was sent. Check the API's address and this machine's clock; where a proxy or a server of your own stands in between, \
             name a file with its root certificate in SSL_CERT_FILE."
                .to_owned(),
        ),
        ApiError::CreationFailed { .. } => Some("Run the same command again: dofloat creates a new one in its place.".to_owned()),
        ApiError::Unsettled { .. } => Some("Run the same command again: dofloat continues to wait for the same object.".to_owned()),
        _ => None,
    }
}
