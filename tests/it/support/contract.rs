//! The judge of both sides: HTTP exchanges against DigitalOcean's own OpenAPI document.
//!
//! Invariant: nothing is skipped in silence. An unknown path, status, field, keyword or format is a violation or a panic;
//! where the document itself errs, `errata` says so with the reason. It shares no type with the client or the simulator.

mod copy;
mod document;
mod errata;
mod examples;
mod fields;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use self::document::{Document, Operation};
use self::errata::ERRATA;
use self::schema::Part;

/// One request and its answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    /// `GET`, `POST`, …
    pub(crate) method: String,
    /// Below `/v2`, with a leading slash.
    pub(crate) path: String,
    /// Decoded pairs.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) request_body: Option<Value>,
    pub(crate) status: u16,
    pub(crate) response_body: Option<Value>,
    /// Names in lower case; `None` where they were not recorded.
    pub(crate) response_headers: Option<BTreeMap<String, String>>,
}

/// Something that the document does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// As `POST /droplets/{droplet_id}/actions`; the plain path where no operation fits.
    pub(crate) operation: String,
    /// As `request body /tags/0`, `query page`, `status`.
    pub(crate) place: String,
    /// The keyword of the schema that refused, or our word for what is wrong.
    pub(crate) rule: String,
    pub(crate) message: String,
    /// Where in the schema, if it was a schema that refused.
    pub(crate) schema: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {} ({})", self.operation, self.place, self.message, self.rule)
    }
}

/// The document, with the schemas compiled so far.
pub(crate) struct Contract {
    document: Document,
    compiled: Mutex<BTreeMap<(String, Part), Arc<Validator>>>,
    excused: Mutex<BTreeSet<&'static str>>,
}

/// The answers to an error that the document leaves to `default`, yet the live API gives them.
const COMMON_ERRORS: &[u16] = &[400, 401, 403, 404, 405, 409, 412, 413, 422, 429, 500, 502, 503, 504];

impl Contract {
    /// Reads the part of the document that is kept in the repository.
    pub(crate) fn load() -> Self {
        Self { document: Document::parse(&dofloat_openapi::text()), compiled: Mutex::default(), excused: Mutex::default() }
    }

    /// The same document for all tests of the process; it is read once.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Contract> = OnceLock::new();
        SHARED.get_or_init(Self::load)
    }

    /// Everything that is wrong with an exchange, request and answer, the document's own errors excused.
    pub(crate) fn check(&self, exchange: &Exchange) -> Vec<Violation> {
        let mut found = match self.document.operation(&exchange.method, &exchange.path) {
            Some(operation) => self.check_request(&operation, exchange),
            None => {
                let place = format!("{} {}", exchange.method, exchange.path);
                vec![violation(&place, "path", "unknown", "no operation of the document has this method and path")]
            }
        };
        self.excuse(&mut found);
        found.extend(self.check_answer(exchange));
        found
    }

    /// What is wrong with the answer alone: for requests that are wrong on purpose.
    pub(crate) fn check_answer(&self, exchange: &Exchange) -> Vec<Violation> {
        let mut found = match self.document.operation(&exchange.method, &exchange.path) {
            Some(operation) => self.check_response(&operation, exchange),
            None => {
                let place = format!("{} {}", exchange.method, exchange.path);
                let error = json!({"$ref": "#/components/schemas/error"});
                self.check_body(&place, "response error", &error, exchange.response_body.as_ref(), Part::Response)
            }
        };
        self.excuse(&mut found);
        found
    }

    /// What the document calls this operation, as `POST /droplets/{droplet_id}/actions`.
    pub(crate) fn operation_name(&self, method: &str, path: &str) -> Option<String> {
        self.document.operation(method, path).map(|operation| operation.name)
    }

    /// The excuses that nothing needed so far: a name and its reason each.
    pub(crate) fn unused_errata(&self) -> Vec<String> {
        let excused = self.excused.lock().expect("no test panics here");
        ERRATA.iter().filter(|erratum| !excused.contains(erratum.name)).map(|of| format!("{}: {}", of.name, of.why)).collect()
    }

    fn excuse(&self, found: &mut Vec<Violation>) {
        found.retain(|violation| match ERRATA.iter().find(|erratum| (erratum.excuses)(violation)) {
            Some(erratum) => {
                self.excused.lock().expect("no test panics here").insert(erratum.name);
                false
            }
            None => true,
        });
    }

    fn check_request(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Violation> {
        let name = &operation.name;
        let mut found = Vec::new();
        for parameter in &operation.parameters {
            let key = parameter["name"].as_str().expect("a parameter has a name");
            let place = parameter["in"].as_str().expect("a parameter has a place");
            let values: Vec<&String> = match place {
                "path" => operation.arguments.get(key).into_iter().collect(),
                "query" => exchange.query.iter().filter(|(name, _)| name == key).map(|(_, value)| value).collect(),
                _ => continue,
            };
            if values.is_empty() && parameter["required"] == true {
                found.push(violation(name, &format!("{place} {key}"), "required", "the parameter is missing"));
            }
            for value in values {
                let schema = &parameter["schema"];
                let value = as_typed(self.document.resolve(schema), value);
                let validator = self.validator(&format!("{name} {place} {key}"), schema, Part::Request);
                found.extend(validator.iter_errors(&value).map(|error| refusal(name, &format!("{place} {key}"), &error)));
            }
        }
        for (key, _) in &exchange.query {
            if !operation.parameters.iter().any(|parameter| parameter["in"] == "query" && parameter["name"] == key.as_str()) {
                found.push(violation(name, &format!("query {key}"), "unknown", "the document has no such query parameter"));
            }
        }
        let described = operation.object.get("requestBody").map(|of| self.document.resolve(of));
        match (described, &exchange.request_body) {
            (None, Some(_)) => found.push(violation(name, "request body", "unknown", "the document has no body here")),
            (Some(described), None) if described["required"] == true || is_needed(&exchange.method) => {
                found.push(violation(name, "request body", "required", "the body is missing"));
            }
            (Some(described), Some(_)) => {
                let schema = &described["content"]["application/json"]["schema"];
                found.extend(self.check_body(name, "request body", schema, exchange.request_body.as_ref(), Part::Request));
            }
            _ => {}
        }
        found
    }

    fn check_response(&self, operation: &Operation<'_>, exchange: &Exchange) -> Vec<Violation> {
        let name = &operation.name;
        let responses = &operation.object["responses"];
        let status = exchange.status.to_string();
        let response = match responses.get(&status) {
            Some(response) => response,
            None if COMMON_ERRORS.contains(&exchange.status) && responses.get("default").is_some() => &responses["default"],
            None => return vec![violation(name, "status", "unknown", &format!("the document has no answer {status} here"))],
        };
        let response = self.document.resolve(response);
        let mut found = Vec::new();
        match response["content"].get("application/json").and_then(|content| content.get("schema")) {
            Some(schema) => {
                let place = format!("response {status}");
                found.extend(self.check_body(name, &place, schema, exchange.response_body.as_ref(), Part::Response));
            }
            None => {
                assert!(
                    response.get("content").is_none_or(|of| of.as_object().is_some_and(serde_json::Map::is_empty)),
                    "{name} {status} answers something else than JSON"
                );
                if exchange.response_body.is_some() {
                    found.push(violation(name, &format!("response {status}"), "unknown", "the document has no body here"));
                }
            }
        }
        if let Some(headers) = &exchange.response_headers {
            found.extend(self.check_headers(name, response, headers, exchange.response_body.is_some()));
        }
        found
    }

    fn check_headers(&self, name: &str, response: &Value, headers: &BTreeMap<String, String>, has_body: bool) -> Vec<Violation> {
        let mut found = Vec::new();
        if has_body && !headers.get("content-type").is_some_and(|kind| kind.starts_with("application/json")) {
            found.push(violation(name, "header content-type", "type", "a body is application/json"));
        }
        for (header, described) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let described = self.document.resolve(described);
            let place = format!("header {header}");
            match headers.get(&header.to_lowercase()) {
                None if header.starts_with("ratelimit") => found.push(violation(name, &place, "required", "the header is missing")),
                None => {}
                Some(value) => {
                    let value = as_typed(self.document.resolve(&described["schema"]), value);
                    let validator = self.validator(&place, &described["schema"], Part::Response);
                    found.extend(validator.iter_errors(&value).map(|error| refusal(name, &place, &error)));
                }
            }
        }
        found
    }

    fn check_body(&self, name: &str, place: &str, schema: &Value, body: Option<&Value>, part: Part) -> Vec<Violation> {
        let Some(body) = body else { return vec![violation(name, place, "required", "the body is missing")] };
        let validator = self.validator(&format!("{name} {place}"), schema, part);
        let mut found: Vec<Violation> =
            validator.iter_errors(body).map(|error| refusal(name, &format!("{place} {}", error.instance_path()), &error)).collect();
        let unknown = fields::unknown(&self.document, schema, body, part);
        found.extend(unknown.into_iter().map(|(at, message)| violation(name, &format!("{place} {at}"), "unknown", &message)));
        found
    }

    fn validator(&self, key: &str, schema: &Value, part: Part) -> Arc<Validator> {
        let mut compiled = self.compiled.lock().expect("no test panics here");
        if let Some(validator) = compiled.get(&(key.to_owned(), part)) {
            return Arc::clone(validator);
        }
        let standalone = schema::standalone(&self.document, schema, part);
        let options =
            jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true).should_ignore_unknown_formats(false);
        let validator = options.build(&standalone).unwrap_or_else(|error| panic!("the schema of {key} does not compile: {error}"));
        let validator = Arc::new(validator);
        compiled.insert((key.to_owned(), part), Arc::clone(&validator));
        validator
    }
}

/// Says of a refused choice why each branch refused, which the message alone does not.
fn explain(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind::{AnyOf, OneOfNotValid};
    let branches = match error.kind() {
        AnyOf { context } | OneOfNotValid { context } => {
            context.iter().map(|branch| branch.iter().map(explain).collect::<Vec<_>>().join(", "))
        }
        _ => return shorten(&error.to_string()),
    };
    format!("no branch fits: {}", branches.collect::<Vec<_>>().join(" | "))
}

fn shorten(message: &str) -> String {
    const LONGEST: usize = 300;
    let count = message.chars().count();
    if count <= LONGEST {
        return message.to_owned();
    }
    let head: String = message.chars().take(LONGEST / 3).collect();
    let tail: String = message.chars().skip(count - 2 * LONGEST / 3).collect();
    format!("{head} … {tail}")
}

/// A parameter is a text on the wire; its schema speaks of numbers and booleans.
fn as_typed(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        _ => match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            Some(members) if members.iter().any(|of| of["type"] == "integer") => {
                text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
            }
            _ => Value::String(text.to_owned()),
        },
    }
}

fn is_needed(method: &str) -> bool {
    ["POST", "PUT", "PATCH"].contains(&method)
}

fn refusal(operation: &str, place: &str, error: &jsonschema::ValidationError<'_>) -> Violation {
    Violation { schema: error.schema_path().to_string(), ..violation(operation, place, error.kind().keyword(), &explain(error)) }
}

fn violation(operation: &str, place: &str, rule: &str, message: &str) -> Violation {
    Violation {
        operation: operation.to_owned(),
        place: place.trim_end().to_owned(),
        rule: rule.to_owned(),
        message: message.to_owned(),
        schema: String::new(),
    }
}
