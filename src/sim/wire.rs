//! Requests, answers and refusals as the handlers see them, and how a body's fields are read.
//!
//! Invariant: plain data; nothing here knows a socket. What a handler refuses is a `Refusal` with the API's own words.

use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::refusal::Refusal;
use super::scopes::Scopes;
use dofloat_base::clock::Moment;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, ….
    pub method: String,
    /// The path with its percent signs resolved, `/v2/tags/a:b`.
    pub path: String,
    /// The query's pairs, in order.
    pub query: Vec<(String, String)>,
    /// The bearer token, if one came.
    pub token: Option<String>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// Scheme and host of the links in answers, `http://127.0.0.1:8080`.
    pub base: String,
    /// When it came, by the system's clock; ignored where time stands still.
    pub at: Moment,
    /// The signed part of the request, where it came signed.
    pub signed: Option<Signed>,
}

/// A request as it stood on the line.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Path and query, with their percent signs.
    pub uri: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A request with a token of full access, as tests make it.
    #[must_use]
    pub fn new(method: &str, target: &str, body: Option<&Value>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            token: Some("test".to_owned()),
            body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            base: "http://127.0.0.1".to_owned(),
            at: Moment(0),
            signed: None,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside `content-type`.
    pub headers: Vec<(&'static str, String)>,
    /// The body; none for 204.
    pub body: Option<Value>,
    /// Headers and body of what is no JSON.
    pub raw: Option<Raw>,
    /// How it is delivered.
    pub wire: Delivery,
}

/// An answer that is no JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raw {
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// How an answer is delivered: whole, or cut, spoiled or delayed by a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It arrives.
    #[default]
    Whole,
    /// The connection is reset instead of the answer.
    Reset,
    /// The connection is closed in good order instead of the answer.
    Close,
    /// The head and half of the body arrive, then the line is cut.
    Truncated,
    /// The body arrives with its JSON spoiled.
    Garbled,
    /// A page of HTML in its place, with status 200.
    Page,
    /// It never comes.
    Never,
    /// It comes byte by byte with this pause between.
    Trickle(Duration),
    /// It arrives, and then nothing listens for this long.
    Refuse(Duration),
}

/// A handler's answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
}

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body: Some(body) }
    }

    pub(super) fn created(body: Value) -> Self {
        Self { status: 201, body: Some(body) }
    }

    pub(super) fn accepted(body: Value) -> Self {
        Self { status: 202, body: Some(body) }
    }

    pub(super) fn nothing() -> Self {
        Self { status: 204, body: None }
    }

    /// A list as if it were empty.
    pub(super) fn emptied(mut self) -> Self {
        for value in self.body.iter_mut().filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
            match value {
                Value::Array(items) => items.clear(),
                Value::Object(fields) if fields.contains_key("total") => *value = json!({ "total": 0 }),
                Value::Object(fields) if fields.contains_key("pages") => fields.clear(),
                _ => {}
            }
        }
        self
    }
}

/// A handler's input.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// The values of the pattern's braces, in order.
    pub(super) path: Vec<String>,
    pub(super) query: &'a [(String, String)],
    pub(super) body: Fields,
    pub(super) scopes: &'a Scopes,
    pub(super) base: &'a str,
    /// The path as asked for, for links.
    pub(super) asked: &'a str,
}

impl Call<'_> {
    /// The nth part of the path.
    pub(super) fn part(&self, nth: usize) -> &str {
        self.path.get(nth).map_or("", String::as_str)
    }

    /// The nth part as a number; what is no number is not found.
    pub(super) fn number(&self, nth: usize) -> Result<u64, Refusal> {
        self.part(nth).parse().map_err(|_| Refusal::not_found())
    }

    /// The nth part as an IPv4 address.
    pub(super) fn address(&self, nth: usize) -> Result<Ipv4Addr, Refusal> {
        self.part(nth).parse().map_err(|_| Refusal::not_found())
    }

    /// A query argument that is there and not empty.
    pub(super) fn asked_for(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// One page of `items` under `key`, with links and total; `show` renders those on the page.
    pub(super) fn page<T>(&self, key: &str, items: &[T], mut show: impl FnMut(&T) -> Value) -> Result<Reply, Refusal> {
        let (page, per_page) = (self.count("page", 1)?, self.count("per_page", 20)?);
        if per_page > 200 {
            return Err(Refusal::unprocessable("per_page must be between 1 and 200"));
        }
        let shown: Vec<Value> = items.iter().skip((page - 1) * per_page).take(per_page).map(&mut show).collect();
        let last = items.len().div_ceil(per_page).max(1);
        let mut pages = Map::new();
        if page > 1 {
            pages.insert("first".to_owned(), self.link(1));
            pages.insert("prev".to_owned(), self.link((page - 1).min(last)));
        }
        if page < last {
            pages.insert("next".to_owned(), self.link(page + 1));
            pages.insert("last".to_owned(), self.link(last));
        }
        let links = if pages.is_empty() { json!({}) } else { json!({ "pages": pages }) };
        Ok(Reply::ok(json!({ key: shown, "links": links, "meta": { "total": items.len() } })))
    }

    fn count(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        match self.asked_for(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| *count >= 1)
                .ok_or_else(|| Refusal::unprocessable(format!("{name} must be a number greater than 0"))),
        }
    }

    fn link(&self, page: usize) -> Value {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.query.iter().filter(|(key, _)| key != "page") {
            query.append_pair(key, value);
        }
        query.append_pair("page", &page.to_string());
        Value::String(format!("{}{}?{}", self.base, self.asked, query.finish()))
    }
}

/// The fields of a request's body; an absent field and a null one are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    /// Reads a body; an empty one has no fields.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            _ => Err(Refusal::bad_request("Unable to parse request body")),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::unprocessable(format!("{name} must be a string"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<String, Refusal> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(Refusal::unprocessable(format!("{name} can't be blank"))),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Refusal::unprocessable(format!("{name} must be true or false"))),
        }
    }

    /// A whole number that is not negative; a text of digits is taken too, as the API takes it.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => number_of(value).map(Some).ok_or_else(|| Refusal::unprocessable(format!("{name} must be a number"))),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(items) = self.items(name)? else { return Ok(None) };
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        texts.map(Some).ok_or_else(|| Refusal::unprocessable(format!("{name} must be a list of strings")))
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<u64>>, Refusal> {
        let Some(items) = self.items(name)? else { return Ok(None) };
        let numbers: Option<Vec<u64>> = items.iter().map(number_of).collect();
        numbers.map(Some).ok_or_else(|| Refusal::unprocessable(format!("{name} must be a list of numbers")))
    }

    pub(super) fn items(&self, name: &str) -> Result<Option<Vec<Value>>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items.clone())),
            Some(_) => Err(Refusal::unprocessable(format!("{name} must be a list"))),
        }
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Self(fields.clone()))),
            Some(_) => Err(Refusal::unprocessable(format!("{name} must be an object"))),
        }
    }
}

fn number_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call<'a>(query: &'a [(String, String)], scopes: &'a Scopes) -> Call<'a> {
        Call { path: vec![], query, body: Fields::default(), scopes, base: "http://h", asked: "/v2/things" }
    }

    #[test]
    fn pages_link_to_their_neighbours() {
        let items: Vec<u32> = (0..45).collect();
        let query = [("tag_name".to_owned(), "a:b".to_owned()), ("page".to_owned(), "2".to_owned())];
        let reply = call(&query, &Scopes::All).page("things", &items, |item| json!(item)).unwrap();
        let body = reply.body.unwrap();
        assert_eq!(body["things"].as_array().unwrap().len(), 20);
        assert_eq!(body["links"]["pages"]["next"], "http://h/v2/things?tag_name=a%3Ab&page=3");
        assert_eq!(body["links"]["pages"]["first"], "http://h/v2/things?tag_name=a%3Ab&page=1");
        assert_eq!(body["meta"]["total"], 45);
    }

    #[test]
    fn a_single_page_has_no_links() {
        let body = call(&[], &Scopes::All).page("things", &[1], |item| json!(item)).unwrap().body.unwrap();
        assert_eq!(body["links"], json!({}));
    }

    #[test]
    fn per_page_has_bounds() {
        for bad in ["0", "201", "x"] {
            let query = [("per_page".to_owned(), bad.to_owned())];
            assert_eq!(call(&query, &Scopes::All).page("things", &[1], |item| json!(item)).unwrap_err().status, 422, "{bad}");
        }
    }

    #[test]
    fn a_body_that_is_no_object_is_a_bad_request() {
        assert_eq!(Fields::read(b"{").unwrap_err().status, 400);
        assert_eq!(Fields::read(b"[]").unwrap_err().status, 400);
        assert!(Fields::read(b" ").unwrap().0.is_empty());
    }
}
