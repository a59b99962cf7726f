//! The official API document as tests read it: the copy in `fixtures/openapi`.
//!
//! Invariant: for tests alone; no package of the program depends on it but for its own tests.

/// The document's text.
///
/// # Panics
/// If the copy is not what it should be: compressed JSON.
#[must_use]
pub fn text() -> String {
    let packed = include_bytes!("../../fixtures/openapi/openapi.json.gz");
    std::io::read_to_string(flate2::read::GzDecoder::new(&packed[..])).expect("the copy is compressed text")
}

/// The document.
///
/// # Panics
/// As [`text`].
#[must_use]
pub fn document() -> serde_json::Value {
    serde_json::from_str(&text()).expect("the copy is JSON")
}
