//! `modules.lock`: what of each package is used.
//!
//! Invariant: it is committed, so that everybody uses the same; it holds no secret. The order is that of the names, and the same
//! content has the same bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::FetchError;
use dofloat_base::durable;
use dofloat_base::readable;

/// The file.
pub const FILE: &str = "modules.lock";

/// The format of that file.
const FORMAT: u32 = 1;

/// `modules.lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    format: u32,
    /// By package: the source without the folder, with the version where one is asked for.
    pub modules: BTreeMap<String, Pin>,
}

/// What of a package is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The version in a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where the registry says that this version lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The commit of a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The digest of all its files.
    pub digest: String,
}

impl Default for Lock {
    fn default() -> Self {
        Self { format: FORMAT, modules: BTreeMap::new() }
    }
}

impl Lock {
    /// Reads the text of a lock.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        let lock: Self = serde_json::from_str(text).map_err(|error| strange(&error.to_string()))?;
        if lock.format != FORMAT {
            return Err(strange(&format!("its format is {}, and this dofloat knows {FORMAT}", lock.format)));
        }
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        for (package, pin) in &lock.modules {
            let digest = pin.digest.strip_prefix("sha256:").filter(|digest| digest.len() == 64);
            if !digest.is_some_and(is_hex)
                || pin.commit.as_deref().is_some_and(|commit| !is_hex(commit) || !(40..=64).contains(&commit.len()))
            {
                return Err(strange(&format!("the entry {package:?} is damaged")));
            }
        }
        Ok(lock)
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Self, FetchError> {
        match readable::read_text(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(strange(&error.to_string())),
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), FetchError> {
        let failed = |error: io::Error| FetchError::new(format!("Failed to write {FILE}: {error}."));
        durable::write_atomic(path, self.text().as_bytes(), 0o644).map_err(failed)
    }
}

fn strange(why: &str) -> FetchError {
    FetchError::new(format!("{FILE} cannot be read: {why}.")).hint("Restore it from git, or remove it and run `dofloat init`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_damaged_is_not() {
        let pin = Pin { version: None, source: None, commit: Some("a".repeat(40)), digest: format!("sha256:{}", "0".repeat(64)) };
        let lock = Lock { modules: BTreeMap::from([("git::https://example.org/a".to_owned(), pin)]), ..Lock::default() };
        assert_eq!(Lock::parse(&lock.text()), Ok(lock.clone()));
        for (old, new) in [
            ("\"format\": 1", "\"format\": 2"),
            ("sha256:", "md5:"),
            ("\"digest\"", "\"digets\""),
            ("aaaa", "../a"),
            ("000\"", "00\""),
            ("{", "["),
        ] {
            let text = lock.text().replacen(old, new, 1);
            assert!(Lock::parse(&text).is_err(), "{text}");
        }
    }
}
