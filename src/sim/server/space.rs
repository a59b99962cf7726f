//! Requests that come to the host of a region's Spaces.
//!
//! Invariant: what is signed is kept as it stood on the line. What it means is decided in `spaces`.

use axum::http::header;
use axum::http::request::Parts;
use serde_json::Value;

use super::super::spaces::REGIONS;
use super::super::wire::{Raw, Signed};

fn region(parts: &Parts) -> Option<&str> {
    let host = parts.headers.get(header::HOST)?.to_str().ok()?;
    let region = host.split(':').next()?.strip_suffix(".localhost")?;
    REGIONS.contains(&region).then_some(region)
}

/// The request as it stood on the line.
pub(super) fn signed(parts: &Parts) -> Option<Signed> {
    region(parts)?;
    let uri = parts.uri.path_and_query().map_or("/", |whole| whole.as_str()).to_owned();
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Some(Signed { uri, headers })
}

/// By which path the world knows it.
pub(super) fn path(parts: &Parts, decoded: &str) -> String {
    region(parts).map_or_else(|| decoded.to_owned(), |region| format!("/spaces/{region}{decoded}"))
}

/// An answer as the log shows it.
pub(super) fn shown(raw: &Raw) -> Value {
    Value::String(String::from_utf8_lossy(&raw.body).into_owned())
}
