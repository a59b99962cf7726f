//! Keyed digests: what state and plan keep in place of a secret.
//!
//! Invariant: a digest shows whether a secret changed and nothing else. Its salt is random per stack, which is good
//! against tables, not against guessing a weak secret.

use std::fmt;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::secret::Secret;
use super::value::Value;

/// The random key of a stack's digests: 64 hex digits, kept in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Salt(String);

impl Salt {
    /// A salt from 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(hex(&bytes))
    }
}

/// `hmac-sha256:HEX`, or `sha1:HEX` where it was taken over from another tool's state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of a secret value under the stack's salt.
    #[must_use]
    pub fn of(value: &Secret<Value>, salt: &Salt) -> Self {
        let bytes = value.map(|value| hmac(salt, value.to_json().to_string().as_bytes()));
        Self(format!("hmac-sha256:{}", opened(&bytes)))
    }

    /// A SHA-1 of a text as another tool keeps it (40 hex digits).
    #[must_use]
    pub fn foreign_sha1(hex: &str) -> Self {
        Self(format!("sha1:{}", hex.to_ascii_lowercase()))
    }

    /// Reads the text of a digest.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let fits = matches!(algorithm, "hmac-sha256" | "sha1") && hex.chars().all(|c| c.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
    }

    /// Whether this is the digest of `value`.
    #[must_use]
    pub fn matches(&self, value: &Secret<Value>, salt: &Salt) -> bool {
        if self.0.starts_with("sha1:") {
            let found = value.map(|value| match value {
                Value::Str(text) => sha1_hex(text.as_bytes()),
                other => sha1_hex(other.to_json().to_string().as_bytes()),
            });
            return self.0 == format!("sha1:{}", opened(&found));
        }
        *self == Self::of(value, salt)
    }

    /// The text, `ALGORITHM:HEX`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a text that may hold secrets, in hex: to be mixed with that of others, as a short one could be guessed from it.
#[must_use]
pub fn sha256_of(text: &Secret<String>) -> String {
    sha256_hex(text.expose().as_bytes())
}

/// The SHA-256 of public bytes, in hex: for files and snapshots, never for secrets.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The SHA-1 of bytes, in hex, as the official provider shows `user_data`.
#[must_use]
pub fn sha1_hex(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hmac(salt: &Salt, bytes: &[u8]) -> String {
    // A key of any length is fine for HMAC; the error type exists for other MACs.
    match Hmac::<Sha256>::new_from_slice(salt.0.as_bytes()) {
        Ok(mut mac) => {
            mac.update(bytes);
            hex(&mac.finalize().into_bytes())
        }
        Err(_) => sha256_hex(bytes),
    }
}

/// A digest of a secret may be shown: this is the one place where the mark is taken off it.
fn opened(digest: &Secret<String>) -> String {
    digest.expose().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<Value> {
        Secret::new(Value::Str(text.to_owned()))
    }

    #[test]
    fn the_salt_matters_and_the_value_does() {
        let (one, two) = (Salt::new([1; 32]), Salt::new([2; 32]));
        assert_ne!(Digest::of(&secret("a"), &one), Digest::of(&secret("a"), &two));
        assert_ne!(Digest::of(&secret("a"), &one), Digest::of(&secret("b"), &one));
        assert!(Digest::of(&secret("a"), &one).matches(&secret("a"), &one));
    }

    #[test]
    fn a_foreign_sha1_matches_the_plain_text() {
        let digest = Digest::foreign_sha1("AAF4C61DDCC5E8A2DABEDE0F3B482CD9AEA9434D");
        assert!(digest.matches(&secret("hello"), &Salt::new([0; 32])));
        assert!(!digest.matches(&secret("hallo"), &Salt::new([0; 32])));
    }
}
