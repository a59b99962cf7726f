//! The Spaces of a simulator, for clients that a test makes.

use dofloat::api::spaces::{Spaces, SpacesKey};
use dofloat::base::secret::Secret;
use dofloat::sim;

/// Those of a simulator at this address.
pub(crate) fn at(url: &str) -> Spaces {
    let [id, secret] = sim::SPACES_KEY.map(|part| Secret::new(part.to_owned()));
    let at = url.trim_start_matches("http://").parse().ok();
    Spaces { endpoint: sim::spaces_at(url), at, key: Ok(SpacesKey { id, secret, source: "the test".to_owned() }) }
}
