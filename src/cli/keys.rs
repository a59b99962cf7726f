//! Who may read the encrypted file, and with which identity it is opened.

use std::path::PathBuf;

use super::environment::Environment;
use crate::base::secret::Secret;
use crate::state::secrets::Keys;

/// Who may read the encrypted file.
#[must_use]
pub fn keys(environment: &Environment) -> Keys {
    let list = PathBuf::from("state/recipients.txt");
    let identity = environment.identity();
    if let Ok(text) = std::fs::read_to_string(&identity) {
        // Comments are none: they name the public key.
        text.lines().filter(|line| !line.starts_with('#')).for_each(|line| environment.known.learn(&Secret::new(line.to_owned())));
    }
    Keys { recipients: environment.recipients.iter().cloned().collect(), list, identity }
}
