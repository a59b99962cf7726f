//! The official OpenAPI document: its operations and its references.
//!
//! Invariant: of several templates that fit a path the one with the most literal segments wins. It knows no JSON Schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The document and an index of its paths.
pub(crate) struct Document {
    root: Value,
    routes: Vec<Route>,
}

/// One templated path below `/v2`.
struct Route {
    template: String,
    segments: Vec<Segment>,
}

enum Segment {
    Literal(String),
    Parameter(String),
}

/// An operation found for a request.
pub(crate) struct Operation<'d> {
    /// As `POST /droplets/{droplet_id}/actions`.
    pub(crate) name: String,
    /// The values of the templated segments, by parameter name.
    pub(crate) arguments: BTreeMap<String, String>,
    /// The object of the operation.
    pub(crate) object: &'d Value,
    /// Its parameters with those of its path, references followed.
    pub(crate) parameters: Vec<&'d Value>,
}

const METHODS: &[&str] = &["get", "put", "post", "patch", "delete"];

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let root: Value = serde_json::from_str(text).expect("the OpenAPI document is JSON");
        let paths = root["paths"].as_object().expect("the document lists paths");
        let mut routes: Vec<Route> = paths.keys().filter_map(|path| path.strip_prefix("/v2/").map(Route::parse)).collect();
        routes.sort_by_key(|route| route.segments.iter().map(Segment::is_parameter).collect::<Vec<_>>());
        Self { root, routes }
    }

    /// The operation for a method and a path below `/v2`, the most literal template first.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let method = method.to_lowercase();
        self.routes.iter().find_map(|route| {
            let arguments = route.matches(path)?;
            let item = &self.root["paths"][format!("/v2/{}", route.template)];
            let object = item.get(&method).filter(|_| METHODS.contains(&method.as_str()))?;
            let shared = item.get("parameters").and_then(Value::as_array).into_iter().flatten();
            let own = object.get("parameters").and_then(Value::as_array).into_iter().flatten();
            let name = format!("{} /{}", method.to_uppercase(), route.template);
            Some(Operation { name, arguments, object, parameters: shared.chain(own).map(|of| self.resolve(of)).collect() })
        })
    }

    /// Every operation below `/v2`, as method and template.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.routes.iter().flat_map(|route| {
            let item = object(&self.root["paths"][format!("/v2/{}", route.template)]);
            item.keys().filter(|key| METHODS.contains(&key.as_str())).map(|method| (method.as_str(), route.template.as_str()))
        })
    }

    /// What a value refers to, or the value itself.
    pub(crate) fn resolve<'d>(&'d self, value: &'d Value) -> &'d Value {
        let mut value = value;
        while let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
            value = self.root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere"));
        }
        value
    }

    /// A component by family and name.
    pub(crate) fn component(&self, family: &str, name: &str) -> &Value {
        self.root["components"][family].get(name).unwrap_or_else(|| panic!("the document has no {family}/{name}"))
    }
}

impl Route {
    fn parse(template: &str) -> Self {
        let segments = template.split('/').map(|segment| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Segment::Parameter(name.to_owned()),
            None => Segment::Literal(segment.to_owned()),
        });
        Self { template: template.to_owned(), segments: segments.collect() }
    }

    fn matches(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if parts.len() != self.segments.len() {
            return None;
        }
        let mut arguments = BTreeMap::new();
        for (segment, part) in self.segments.iter().zip(parts) {
            match segment {
                Segment::Literal(literal) if literal == part => {}
                Segment::Parameter(name) if !part.is_empty() => drop(arguments.insert(name.clone(), decode(part))),
                _ => return None,
            }
        }
        Some(arguments)
    }
}

impl Segment {
    fn is_parameter(&self) -> bool {
        matches!(self, Self::Parameter(_))
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("expected an object, found {value}"))
}

/// A path segment without its percent escapes.
fn decode(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
