//! What can be looked up in an account: a row for each data source, by the official provider's names.
//!
//! Invariant: reads only. A row says where the API lists its objects and which of their fields it gives; how an object is picked,
//! how a list is filtered and sorted, which scopes it needs and what is said of a name that is not there follow from that.

mod databases;
mod filter;
mod general;
mod kubernetes;
mod least;
mod listed;
mod local;
mod machines;
mod miss;
mod networks;
mod record;
mod source;
mod spaces;
mod storage;

pub use least::{Least, image, is_name, named, public_key};
pub use miss::Miss;
pub use source::Source;

/// The data source of that name.
#[must_use]
pub fn source(name: &str) -> Option<&'static Source> {
    sources().chain(locals()).find(|source| source.name == name)
}

/// The data sources that ask no API.
pub fn locals() -> impl Iterator<Item = &'static Source> {
    local::SOURCES.iter()
}

/// Every data source of the API.
pub fn sources() -> impl Iterator<Item = &'static Source> {
    general::SOURCES
        .iter()
        .chain(&machines::SOURCES)
        .chain(&networks::SOURCES)
        .chain(&storage::SOURCES)
        .chain(&spaces::SOURCES)
        .chain(&kubernetes::SOURCES)
        .chain(&databases::SOURCES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::attr::Presence;
    use dofloat_base::value::{Term, Value};

    fn complaints(name: &str, body: serde_json::Value) -> Vec<String> {
        let source = source(name).expect("a data source");
        source.check(&Term::Value(Value::from_json(&body))).into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn every_row_is_sound() {
        let mut names = BTreeSet::new();
        for source in sources().chain(locals()) {
            assert!(names.insert(source.name), "{} stands twice", source.name);
            // A bucket is opened by a key of its own.
            let is_unscoped = source.is_local() || source.name.starts_with("digitalocean_spaces_bucket");
            assert_eq!(source.scopes().is_empty(), is_unscoped, "{}", source.name);
            let rows = source.rows();
            assert!(rows.iter().any(|row| row.name == "id"), "{}", source.name);
            for (at, row) in rows.iter().enumerate() {
                assert!(!rows[..at].iter().any(|other| other.name == row.name), "{}.{} stands twice", source.name, row.name);
                assert!(row.doc.ends_with('.'), "{}.{}: {}", source.name, row.name, row.doc);
                assert_eq!(row.block, matches!(row.name, "filter" | "sort" | "part" | "retry"), "{}.{}", source.name, row.name);
            }
            println!("{}: {} attributes", source.name, rows.len());
        }
    }

    #[test]
    fn an_argument_that_alone_names_the_object_is_required() {
        let needed = |name: &str| -> Vec<&str> {
            let rows = source(name).expect("a data source").rows();
            rows.iter().filter(|row| row.presence == Presence::Required).map(|row| row.name).collect()
        };
        assert_eq!(needed("digitalocean_ssh_key"), ["name"]);
        assert_eq!(needed("digitalocean_record"), ["domain", "name"]);
        assert_eq!(needed("digitalocean_droplet"), [""; 0]);
        assert_eq!(needed("digitalocean_account"), [""; 0]);
        assert_eq!(needed("digitalocean_firewall"), ["firewall_id"]);
    }

    #[test]
    fn one_argument_names_the_object_and_not_two() {
        assert_eq!(complaints("digitalocean_droplet", json!({})), ["One of `id`, `name` or `tag` must be given."]);
        assert_eq!(complaints("digitalocean_droplet", json!({"id": 1, "name": "a"})), ["Only one of `id`, `name` or `tag` can be given."]);
        assert_eq!(complaints("digitalocean_droplet", json!({"name": "a"})), [""; 0]);
        assert_eq!(complaints("digitalocean_project", json!({})), [""; 0]);
        assert_eq!(complaints("digitalocean_image", json!({"slug": "a", "source": "all"})), ["`source` has a meaning with `name` only."]);
    }

    #[test]
    fn filters_and_sorts_name_what_there_is() {
        let filter = |key: &str, values: &[&str], by: &str| json!({"filter": [{"key": key, "values": values, "match_by": by}]});
        assert_eq!(complaints("digitalocean_sizes", filter("slug", &["s-1"], "exact")), [""; 0]);
        assert_eq!(complaints("digitalocean_sizes", filter("regions", &["nyc3"], "exact")), [""; 0]);
        assert_eq!(complaints("digitalocean_sizes", filter("slugg", &["s-1"], "exact")), ["There is no `slugg` to filter by."]);
        assert_eq!(complaints("digitalocean_sizes", filter("gpu_info", &["x"], "exact")), ["There is no `gpu_info` to filter by."]);
        assert_eq!(complaints("digitalocean_sizes", filter("slug", &["("], "re")).len(), 1);
        assert_eq!(complaints("digitalocean_sizes", filter("slug", &["a"], "like")), ["`match_by` is exact, re or substring, not `like`."]);
        assert_eq!(complaints("digitalocean_sizes", filter("vcpus", &["two"], "exact")), ["`vcpus` is a number, and `two` is none."]);
        let sort = |key: &str, direction: &str| json!({"sort": [{"key": key, "direction": direction}]});
        assert_eq!(complaints("digitalocean_sizes", sort("vcpus", "desc")), [""; 0]);
        assert_eq!(complaints("digitalocean_sizes", sort("regions", "asc")), ["There is no `regions` to sort by."]);
        assert_eq!(complaints("digitalocean_sizes", sort("vcpus", "down")), ["`direction` is asc or desc, not `down`."]);
    }
}
