//! The official API document, as unit tests read it: the copy in `fixtures/openapi`.
//!
//! Invariant: for tests alone; the program knows no such document.

/// The document.
pub(crate) fn document() -> serde_json::Value {
    let packed = include_bytes!("../../fixtures/openapi/openapi.json.gz");
    let text = std::io::read_to_string(flate2::read::GzDecoder::new(&packed[..])).expect("the copy is compressed text");
    serde_json::from_str(&text).expect("the document is JSON")
}
