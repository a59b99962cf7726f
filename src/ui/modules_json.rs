//! Resources as documents for machines have them: each in the module instance that it belongs to.
//!
//! Invariant: pure; each resource stands once, and a module instance is there if a resource is in it or below it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use dofloat_base::address::{Address, Key};
use dofloat_base::provider::source_address;

/// The resources of each module instance, and the modules in it.
#[derive(Debug, Default)]
pub struct Modules<'a> {
    resources: BTreeMap<Option<&'a Address>, Vec<Json>>,
    children: BTreeMap<Option<&'a Address>, BTreeSet<&'a Address>>,
}

impl<'a> FromIterator<(&'a Address, Json)> for Modules<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a Address, Json)>>(resources: T) -> Self {
        let mut all = Self::default();
        for (address, resource) in resources {
            let module = address.module_instance();
            all.resources.entry(module).or_default().push(resource);
            for inner in std::iter::successors(module, |inner| inner.module_instance()) {
                all.children.entry(inner.module_instance()).or_default().insert(inner);
            }
        }
        all
    }
}

impl<'a> Modules<'a> {
    /// The stack's own module, with all that it calls.
    #[must_use]
    pub fn root(mut self) -> Json {
        self.json(None)
    }

    fn json(&mut self, module: Option<&'a Address>) -> Json {
        let mut json = Map::new();
        if let Some(resources) = self.resources.remove(&module) {
            json.insert("resources".to_owned(), resources.into());
        }
        if let Some(module) = module {
            json.insert("address".to_owned(), json!(module));
        }
        if let Some(children) = self.children.remove(&module) {
            json.insert("child_modules".to_owned(), children.into_iter().map(|child| self.json(Some(child))).collect());
        }
        json.into()
    }
}

/// What every entry says of its resource.
#[must_use]
pub fn entry(address: &Address) -> Map<String, Json> {
    let kind = address.source().unwrap_or(&address.kind);
    let mut json = Map::new();
    let mut put = |name: &str, value: Json| json.insert(name.to_owned(), value);
    put("address", json!(address.to_string()));
    put("mode", json!(if address.is_data() { "data" } else { "managed" }));
    put("type", json!(kind));
    put("name", json!(address.name));
    if let Some(index) = &address.key {
        put("index", key(index));
    }
    put("provider_name", json!(source_address(kind)));
    json
}

/// An instance's key.
#[must_use]
pub fn key(key: &Key) -> Json {
    match key {
        Key::Index(index) => json!(index),
        Key::Name(name) => json!(name),
    }
}
