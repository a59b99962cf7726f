//! What the token was seen to be allowed, so that a refusal names the scope that is really missing.
//!
//! Invariant: only an answer proves anything. What is asked for nothing but that changes nothing: a list, or a request about an
//! object that is not there, once a request was refused.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::request::{Method, Repeat, Request};
use super::scopes;

/// Scopes of which it is known whether the token has them.
#[derive(Default)]
pub(crate) struct Permissions(Mutex<BTreeMap<&'static str, bool>>);

impl Permissions {
    /// A request was granted.
    pub(crate) fn granted(&self, request: &Request) {
        let proven = scopes::proven(request.method.name(), &request.path, &request.query, request.body.as_ref());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(proven.into_iter().map(|scope| (scope, true)));
    }

    fn note(&self, scope: &'static str, is_there: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(scope, is_there);
    }

    fn known(&self, scope: &str) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(scope).copied()
    }
}

/// The scopes that a refused request lacks, as far as that can be found out: those that were not granted before, and of several
/// those that are refused where they are asked for alone. `ask` gives the status of an answer.
pub(crate) async fn lacking<Answered: Future<Output = Option<u16>>>(
    permissions: &Permissions,
    refused: &Request,
    needed: &[&'static str],
    ask: impl Fn(Request) -> Answered,
) -> Vec<&'static str> {
    let mut doubted: Vec<&'static str> = needed.iter().copied().filter(|scope| permissions.known(scope) != Some(true)).collect();
    for scope in &doubted {
        if alone(scope).is_some_and(|request| request.method != refused.method || request.path != refused.path) {
            has(permissions, scope, &ask).await;
        }
    }
    doubted.retain(|scope| permissions.known(scope) != Some(true));
    let denied: Vec<&'static str> = doubted.iter().copied().filter(|scope| permissions.known(scope) == Some(false)).collect();
    match (denied.is_empty(), doubted.is_empty()) {
        (false, _) => denied,
        (_, false) => doubted,
        // It is not for a scope that is known of.
        _ => needed.to_vec(),
    }
}

/// Whether the token has a scope; nothing where that cannot be found out.
pub(crate) async fn has<Answered: Future<Output = Option<u16>>>(
    permissions: &Permissions,
    scope: &'static str,
    ask: &impl Fn(Request) -> Answered,
) -> Option<bool> {
    if let (None, Some(request)) = (permissions.known(scope), alone(scope)) {
        match ask(request).await {
            Some(403) => permissions.note(scope, false),
            Some(200..300 | 400 | 404 | 409 | 422) => permissions.note(scope, true),
            _ => {}
        }
    }
    permissions.known(scope)
}

/// A request for which a scope alone is needed, and that changes nothing.
fn alone(scope: &str) -> Option<Request> {
    let (method, path) = scopes::probe(scope)?;
    let verb = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete].into_iter().find(|verb| verb.name() == method)?;
    let request = Request::new(verb, Repeat::Safe, &path, &[]).ok()?;
    if matches!(verb, Method::Get | Method::Delete) { Some(request) } else { request.with(&serde_json::json!({})).ok() }
}
