//! A request as plain data: what is asked, and whether asking twice does harm.
//!
//! Invariant: a path is made of whole, non-empty segments, so that an empty name can never turn the deletion of one object
//! into the deletion of a list. It must not know the host, the token, or how it is sent.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::error::{ApiError, Asked};

/// The verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether a request may be sent again after it may have been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is as good as once: reads, deletes, changes to a final value.
    Safe,
    /// It would act twice: creates and actions. DigitalOcean has no idempotency key.
    Once,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) repeat: Repeat,
}

impl Request {
    /// A request without body.
    pub(crate) fn new(method: Method, repeat: Repeat, path: &str, query: &[(&str, &str)]) -> Result<Self, ApiError> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Self { method, path: path.to_owned(), query, body: None, repeat };
        match request.fault() {
            None => Ok(request),
            Some(why) => Err(ApiError::Broken { asked: request.asked(0), why }),
        }
    }

    /// The same with a body.
    pub(crate) fn with(mut self, body: &(impl Serialize + ?Sized)) -> Result<Self, ApiError> {
        match serde_json::to_value(body) {
            Ok(body) => self.body = Some(body),
            Err(error) => {
                let why = format!("the request cannot be written as JSON: {error}");
                return Err(ApiError::Broken { asked: self.asked(0), why });
            }
        }
        Ok(self)
    }

    /// What an error says of it.
    pub(crate) fn asked(&self, attempts: u32) -> Asked {
        Asked { method: self.method.name(), path: self.shown(), attempts }
    }

    /// Path and query.
    pub(crate) fn shown(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }

    /// The whole address below a base that ends with the API's version.
    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        url.set_path(&format!("{}{}", base.path().trim_end_matches('/'), self.path));
        url.set_query(None);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    fn fault(&self) -> Option<String> {
        let Some(rest) = self.path.strip_prefix('/') else { return Some("the path does not begin with a slash".into()) };
        let bad = |segment: &str| {
            let plain = segment.replace("%2e", ".").replace("%2E", ".");
            plain.is_empty() || plain == "." || plain == ".." || plain.contains(['?', '#', '\\'])
        };
        if rest.split('/').any(bad) {
            return Some("a part of the path is empty or has a special meaning; the request was not sent".into());
        }
        // `DELETE /droplets?tag_name=` would concern every droplet.
        let empty = self.query.iter().find(|(_, value)| value.is_empty()).filter(|_| self.method == Method::Delete);
        empty.map(|(name, _)| format!("`{name}` is empty; the request was not sent"))
    }
}

/// A text as one segment of a path, percent-encoded (tags hold `:`).
#[must_use]
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str, query: &[(&str, &str)]) -> Result<Request, ApiError> {
        Request::new(Method::Get, Repeat::Safe, path, query)
    }

    #[test]
    fn segments_are_encoded() {
        for (text, expected) in
            [("dofloat:web-1", "dofloat%3Aweb-1"), ("a b/c?d#e", "a%20b%2Fc%3Fd%23e"), ("é", "%C3%A9"), ("plain-._~09AZ", "plain-._~09AZ")]
        {
            assert_eq!(segment(text), expected);
        }
    }

    #[test]
    fn the_address_is_base_path_and_query() {
        let check = |base: &str, path: &str, query: &[(&str, &str)], expected: &str| {
            let url = get(path, query).expect("a request").url(&Url::parse(base).expect("a base"));
            assert_eq!(url.as_str(), expected);
        };
        check("https://api.example.com/v2", "/droplets/1", &[], "https://api.example.com/v2/droplets/1");
        check("http://127.0.0.1:9/x/v2/", "/droplets", &[("tag_name", "a:b c")], "http://127.0.0.1:9/x/v2/droplets?tag_name=a%3Ab+c");
        check("https://h/v2", &format!("/tags/{}/resources", segment("a:/b")), &[], "https://h/v2/tags/a%3A%2Fb/resources");
    }

    #[test]
    fn errors_show_path_and_query() {
        let request = get("/droplets", &[("name", "a b"), ("page", "2")]).expect("a request");
        assert_eq!(request.asked(3), Asked { method: "GET", path: "/droplets?name=a+b&page=2".into(), attempts: 3 });
    }

    #[test]
    fn a_path_with_holes_is_not_sent() {
        for path in ["", "droplets", "/", "/droplets/", "/droplets//actions", "/domains/..", "/domains/%2e%2E/records", "/a?b"] {
            assert!(matches!(get(path, &[]), Err(ApiError::Broken { .. })), "{path}");
        }
        let delete = |tag| Request::new(Method::Delete, Repeat::Safe, "/droplets", &[("tag_name", tag)]);
        assert!(delete("").is_err());
        assert!(delete("web").is_ok());
    }
}
