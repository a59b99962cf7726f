//! The digests of a file's content, as attributes.
//!
//! Invariant: pure; the names and forms are those of `hashicorp/local`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Digest as _;
use md5::Md5;
use sha2::{Sha256, Sha512};

use crate::attr::{Attr, Ty};
use dofloat_base::digest::{hex, sha1_hex};
use dofloat_base::value::{Body, Value};

const fn row(name: &'static str, doc: &'static str) -> Attr {
    Attr::computed(name, Ty::String, doc).once()
}

/// Their rows, and the identity, which is one of them.
pub(crate) const DIGESTS: [Attr; 7] = [
    row("id", "The SHA-1 of the content, in hex."),
    row("content_md5", "The MD5 of the content, in hex."),
    row("content_sha1", "The SHA-1 of the content, in hex."),
    row("content_sha256", "The SHA-256 of the content, in hex."),
    row("content_base64sha256", "The SHA-256 of the content, in base64."),
    row("content_sha512", "The SHA-512 of the content, in hex."),
    row("content_base64sha512", "The SHA-512 of the content, in base64."),
];

/// The digests of a content.
pub(crate) fn digests(content: &[u8]) -> Body {
    let (sha256, sha512) = (Sha256::digest(content), Sha512::digest(content));
    let all = [
        ("id", sha1_hex(content)),
        ("content_md5", hex(&Md5::digest(content))),
        ("content_sha1", sha1_hex(content)),
        ("content_sha256", hex(&sha256)),
        ("content_base64sha256", STANDARD.encode(sha256)),
        ("content_sha512", hex(&sha512)),
        ("content_base64sha512", STANDARD.encode(sha512)),
    ];
    all.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()
}
