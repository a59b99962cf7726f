//! Where Spaces are, the object storage, and what opens them.
//!
//! Invariant: plain data, and the connections that are made by it. The key is opened where requests are signed alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;

use dofloat_base::secret::Secret;

/// Where DigitalOcean has its Spaces; the region stands where its name is.
pub const ENDPOINT: &str = "https://{{.Region}}.digitaloceanspaces.com";

/// Where Spaces are, and what opens them.
#[derive(Clone, Debug)]
pub struct Spaces {
    /// The address, with `{{.Region}}` for the region.
    pub endpoint: String,
    /// Where every host of it is, if no name server is to be asked.
    pub at: Option<SocketAddr>,
    /// The key; or what has to be set for there to be one.
    pub key: Result<SpacesKey, &'static str>,
}

/// A key of Spaces.
#[derive(Clone, Debug)]
pub struct SpacesKey {
    /// Its id.
    pub id: Secret<String>,
    /// Its secret.
    pub secret: Secret<String>,
    /// Where it comes from, as messages name it.
    pub source: String,
}

impl Default for Spaces {
    fn default() -> Self {
        Self { endpoint: ENDPOINT.to_owned(), at: None, key: Err("Set SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY.") }
    }
}

/// Settings, and the connections that were made by them.
#[derive(Default)]
pub(crate) struct Way {
    pub(crate) settings: Spaces,
    pub(crate) connections: Mutex<BTreeMap<String, reqwest::Client>>,
}

impl Way {
    pub(crate) fn new(settings: Spaces) -> Self {
        Self { settings, connections: Mutex::default() }
    }
}
