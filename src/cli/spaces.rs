//! The way to Spaces: where they are, and the key that opens them.
//!
//! Invariant: the order of precedence is the official provider's: its arguments, then the environment. Nothing is missed here; who
//! needs a key says so.

use std::net::{Ipv4Addr, SocketAddr};

use url::Url;

use super::environment::Environment;
use super::provider::ProviderSettings;
use super::workspace::Workspace;
use crate::api::spaces::{ENDPOINT, Spaces, SpacesKey};
use crate::base::diag::Span;
use crate::base::secret::Secret;
use crate::sim;

const ID: &str = "SPACES_ACCESS_KEY_ID";
const SECRET: &str = "SPACES_SECRET_ACCESS_KEY";

/// Those that the configuration and the environment name.
pub(super) fn of(configured: &ProviderSettings, workspace: &Workspace<'_>) -> Spaces {
    let environment = workspace.environment;
    let endpoint = configured.spaces_endpoint.as_ref().map(|(text, _)| text).or_else(|| environment.provider.get("SPACES_ENDPOINT_URL"));
    let endpoint = endpoint.map_or(ENDPOINT, |text| text.trim_end_matches('/')).to_owned();
    let [id, secret] =
        [(&configured.spaces_id, ID), (&configured.spaces_secret, SECRET)].map(|(written, name)| part(written, name, environment));
    let source = |at: &Option<Span>| match at {
        Some(span) => format!("{}, provider \"digitalocean\"", workspace.position(span)),
        None => ID.to_owned(),
    };
    let key = match (id, secret) {
        (Some((id, at)), Some((secret, _))) => Ok(SpacesKey { id, secret, source: source(&at) }),
        (None, None) => Err("Set SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY."),
        (Some(_), None) => Err("Only the key's ID is set; set SPACES_SECRET_ACCESS_KEY too."),
        (None, Some(_)) => Err("Only the key's secret is set; set SPACES_ACCESS_KEY_ID too."),
    };
    Spaces { at: near(&endpoint), endpoint, key }
}

fn part(written: &Option<(Secret<String>, Span)>, name: &str, environment: &Environment) -> Option<(Secret<String>, Option<Span>)> {
    let written = written.as_ref().map(|(secret, span)| (secret.clone(), Some(span.clone())));
    written.or_else(|| environment.bucket_keys.get(name).map(|secret| (secret.clone(), None)))
}

/// RFC 6761, 6.3: such a name is this machine, and not every name server knows it.
fn near(endpoint: &str) -> Option<SocketAddr> {
    let url: Url = endpoint.replace("{{.Region}}", "region").parse().ok()?;
    let is_near = url.host_str()?.ends_with(".localhost");
    is_near.then(|| (Ipv4Addr::LOCALHOST, url.port_or_known_default().unwrap_or(80)).into())
}

/// Those of a simulated account.
pub(super) fn simulated(address: &str) -> Spaces {
    let [id, secret] = sim::SPACES_KEY.map(|part| Secret::new(part.to_owned()));
    let endpoint = sim::spaces_at(address);
    Spaces { at: near(&endpoint), endpoint, key: Ok(SpacesKey { id, secret, source: "the simulator".to_owned() }) }
}
