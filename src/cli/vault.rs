//! Where what is secret and was made on this machine is kept: the stack's encrypted file.
//!
//! Invariant: the file is opened only where such a secret is kept, asked for or forgotten, and written before the call returns.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::keys::keys;
use super::workspace::Workspace;
use crate::api::machine::Vault;
use crate::base::diag::Diagnostic;
use crate::base::durable::remove;
use crate::base::secret::Secret;
use crate::base::value::Value;
use crate::state::secrets::{self, Keys, Secrets};

/// The encrypted file of a stack.
#[derive(Debug)]
pub struct EncryptedVault {
    path: PathBuf,
    keys: Keys,
    /// As it was read last.
    held: Mutex<Option<Secrets>>,
    locked: AtomicBool,
}

impl EncryptedVault {
    /// That of a stack. Nothing is opened yet.
    #[must_use]
    pub fn of(workspace: &Workspace<'_>) -> Self {
        Self {
            path: workspace.place.store().secrets,
            keys: keys(workspace.environment),
            held: Mutex::new(None),
            locked: AtomicBool::new(false),
        }
    }

    fn read(&self) -> Result<Secrets, String> {
        Ok(secrets::read(&self.path, &self.keys).map_err(|error| told(&error))?.unwrap_or_default())
    }
}

fn told(error: &Diagnostic) -> String {
    let hint = error.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
    format!("{}{hint}", error.message).trim_end_matches('.').to_owned()
}

impl Vault for EncryptedVault {
    fn get(&self, name: &str) -> Result<Option<Secret<Value>>, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match held.take() {
            Some(kept) => kept,
            None => self.read()?,
        };
        let found = kept.generated.get(name).cloned();
        *held = Some(kept);
        let damaged = |()| format!("the entry of {name} in {} is damaged", self.path.display());
        found.map(|bytes| bytes.map(|bytes| serde_json::from_slice(bytes).map_err(drop)).transpose().map_err(damaged)).transpose()
    }

    fn put(&self, name: &str, value: Option<Secret<Value>>) -> Result<(), String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.read()?;
        let is_there = kept.generated.contains_key(name);
        match value {
            Some(value) => drop(kept.generated.insert(name.to_owned(), value.map(|value| value.to_json().to_string().into_bytes()))),
            None if is_there => drop(kept.generated.remove(name)),
            None => return Ok(()),
        }
        if kept == Secrets::default() {
            remove(&self.path).map_err(|error| format!("cannot remove {}: {error}", self.path.display()))?;
        } else {
            secrets::write(&self.path, &kept, &self.keys).map_err(|error| told(&error))?;
        }
        *held = Some(kept);
        Ok(())
    }

    fn lock(&self) {
        self.locked.store(true, Ordering::Relaxed);
    }

    fn is_locked(&self) -> bool {
        self.locked.load(Ordering::Relaxed)
    }
}
