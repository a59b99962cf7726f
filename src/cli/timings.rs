//! How long the API took for things in earlier runs, by which the next run knows when to look.
//!
//! Invariant: who loses the file loses nothing but this knowledge, so nothing fails because of it. Each API has its own: a
//! simulated or a local one is quicker than DigitalOcean.

use std::collections::BTreeMap;
use std::path::Path;

use crate::api::client::Client;
use crate::base::durable::{make_folder, write_atomic};

/// By API, and by sort of wait: milliseconds, the latest at the end.
type Timings = BTreeMap<String, BTreeMap<String, Vec<u64>>>;

const FILE: &str = "timings.json";

/// Lets a client know what earlier runs have measured.
pub(super) fn learn(client: &Client, folder: &Path, endpoint: &str) {
    if let Some(known) = read(&folder.join(FILE)).remove(endpoint) {
        client.learn(known);
    }
}

/// Keeps what a client has measured, if it has.
pub(super) fn keep(client: &Client, folder: &Path, endpoint: &str) {
    let (path, measured) = (folder.join(FILE), client.timings());
    let mut all = read(&path);
    if measured.is_empty() || all.get(endpoint) == Some(&measured) {
        return;
    }
    all.insert(endpoint.to_owned(), measured);
    let _ = make_folder(folder).and_then(|()| write_atomic(&path, &serde_json::to_vec(&all).unwrap_or_default(), 0o644));
}

fn read(path: &Path) -> Timings {
    std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::client::Settings;
    use crate::base::clock::{Clock, Moment};
    use crate::base::rng::Rng;
    use crate::base::secret::Secret;

    #[test]
    fn each_api_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(".dofloat");
        let client = || {
            let base = "http://127.0.0.1:1".parse().unwrap();
            Client::new(Settings::new(base, Secret::new("t".to_owned()), Clock::virtual_at(Moment(0)), Arc::new(Rng::seeded(1)))).unwrap()
        };
        let measured = || BTreeMap::from([("droplet create".to_owned(), vec![45_000])]);
        keep(&client(), &own, "a");
        assert!(!own.exists());
        let one = client();
        one.learn(measured());
        keep(&one, &own, "a");
        let (same, other) = (client(), client());
        learn(&same, &own, "a");
        learn(&other, &own, "b");
        assert_eq!((same.timings(), other.timings().len()), (measured(), 0));
        write_atomic(&own.join(FILE), b"{", 0o644).unwrap();
        learn(&other, &own, "a");
        assert!(other.timings().is_empty());
    }
}
