//! Why a module cannot be had.
//!
//! Invariant: no password and no query of an address is in it.

use std::fmt;

/// Why a module cannot be had, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    /// A sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl FetchError {
    /// An error without advice.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// An address without the password that somebody may have written into it, and without its query.
pub(crate) fn without_secrets(address: &str) -> String {
    let address = match address.find("://") {
        Some(scheme) => {
            let (start, rest) = address.split_at(scheme + "://".len());
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
            format!("{start}{host}{}", &rest[end..])
        }
        None => address.to_owned(),
    };
    match address.split_once('?') {
        Some((path, _)) if path.contains("://") => path.to_owned(),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_left_of_an_address() {
        for (address, expected) in [
            ("https://u:hush@example.org/a.git", "https://example.org/a.git"),
            ("'https://hush@example.org/a/'", "'https://example.org/a/'"),
            ("https://example.org/a.zip?X-Amz-Signature=hush", "https://example.org/a.zip"),
            ("https://example.org", "https://example.org"),
            ("git@github.com:a/b.git", "git@github.com:a/b.git"),
            ("what?", "what?"),
        ] {
            assert_eq!(without_secrets(address), expected);
        }
    }
}
