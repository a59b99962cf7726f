//! Who may open the secrets: the identity of whoever works here, and the recipients that a file is encrypted to.
//!
//! Invariant: a key that is refused is never repeated in a message, since it may be a secret that was put there by mistake.
//! Recipients are compared by their canonical text. It must not know what is encrypted, nor the environment.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use age::{ssh, x25519};
use zeroize::Zeroizing;

use dofloat_base::diag::Diagnostic;
use dofloat_base::durable::{make_folder, make_private_folder, mode_of, write_atomic, write_new};

/// Who may read, and how we do.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The texts of `DOFLOAT_AGE_RECIPIENTS`, one key a line or parted by commas; if there are any, they alone count.
    pub recipients: Vec<String>,
    /// The team's list, `state/recipients.txt`, in the form that `age -R` takes; where neither is there, the secrets are for
    /// the own identity alone.
    pub list: PathBuf,
    /// The identity file, for example `~/.config/dofloat/identity.txt`, or an ssh private key. Made on first use.
    pub identity: PathBuf,
}

/// A public key that a file is encrypted to.
#[derive(Clone)]
pub struct Recipient {
    key: Key,
    /// The comment beside it in a list: a name.
    pub comment: String,
}

#[derive(Clone)]
enum Key {
    X25519(x25519::Recipient),
    Ssh(ssh::Recipient),
}

/// The own secret keys.
pub(super) enum Identities {
    X25519(Vec<x25519::Identity>),
    Ssh(Box<ssh::Identity>),
}

const HINT: &str =
    "A recipient is the public key that `age-keygen -y` prints, `age1…`, or an ssh public key, `ssh-ed25519 AAAA…` or `ssh-rsa AAAA…`.";

impl Recipient {
    pub(super) fn age(&self) -> &dyn age::Recipient {
        match &self.key {
            Key::X25519(key) => key,
            Key::Ssh(key) => key,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Key::X25519(key) => key.fmt(f),
            Key::Ssh(key) => key.fmt(f),
        }
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Reads public keys: one a line or parted by commas. What follows an ssh key is its name, and the line of comment above a key
/// of age. Keys of age may be parted by spaces too.
///
/// # Errors
/// If one of them is none.
pub fn recipients(text: &str) -> Result<Vec<Recipient>, Box<Diagnostic>> {
    let mut found: Vec<Recipient> = Vec::new();
    let mut above = String::new();
    for entry in text.split(['\n', ',']).map(str::trim) {
        if let Some(comment) = entry.strip_prefix('#') {
            comment.trim().clone_into(&mut above);
            continue;
        }
        let comment = std::mem::take(&mut above);
        if entry.starts_with("ssh-") {
            let mut words = entry.splitn(3, char::is_whitespace);
            let key = format!("{} {}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let comment = words.next().unwrap_or(&comment).trim().to_owned();
            let key = key.parse().map_err(|error| refused(found.len(), &from_ssh(&error)))?;
            found.push(Recipient { key: Key::Ssh(key), comment });
            continue;
        }
        let (keys, comment) = entry.split_once('#').unwrap_or((entry, &comment));
        for word in keys.split_whitespace() {
            let key = word.parse().map_err(|_| {
                let secret = word.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-");
                refused(found.len(), if secret { "a secret key" } else { "not a public key of age or ssh" })
            })?;
            found.push(Recipient { key: Key::X25519(key), comment: comment.trim().to_owned() });
        }
    }
    let mut distinct: Vec<Recipient> = Vec::new();
    for recipient in found {
        if !distinct.contains(&recipient) {
            distinct.push(recipient);
        }
    }
    Ok(distinct)
}

fn from_ssh(error: &ssh::ParseRecipientKeyError) -> String {
    match error {
        ssh::ParseRecipientKeyError::RsaModulusTooSmall => "an ssh key of less than 2048 bits".to_owned(),
        ssh::ParseRecipientKeyError::RsaModulusTooLarge => "an ssh key with more bits than age takes".to_owned(),
        ssh::ParseRecipientKeyError::Unsupported(_) => "an ssh key of a type that age cannot encrypt to".to_owned(),
        _ => "not a complete ssh public key".to_owned(),
    }
}

fn refused(place: usize, what: &str) -> Box<Diagnostic> {
    failed(format!("Recipient number {} is {what}.", place + 1), HINT)
}

impl Keys {
    /// Everybody whom the next write is encrypted to. Where that is the own identity alone, it is made if there is none.
    ///
    /// # Errors
    /// If a recipient is none, or the identity cannot be made.
    pub fn all(&self) -> Result<Vec<Recipient>, Box<Diagnostic>> {
        Ok(match self.named()? {
            Some(named) => named,
            None => vec![self.own_recipient()?],
        })
    }

    /// The recipients that are named; none where the secrets are for the own identity alone.
    pub(super) fn named(&self) -> Result<Option<Vec<Recipient>>, Box<Diagnostic>> {
        if !self.recipients.is_empty() {
            return recipients(&self.recipients.join("\n")).map(Some);
        }
        self.listed()
    }

    /// The team's list.
    ///
    /// # Errors
    /// If it cannot be read, or holds something else.
    pub fn listed(&self) -> Result<Option<Vec<Recipient>>, Box<Diagnostic>> {
        let name = self.list.display();
        let text = match std::fs::read_to_string(&self.list) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("Failed to read {name}: {error}."), "Check the file's permissions.")),
        };
        let found = recipients(&text).map_err(|mut diagnostic| {
            diagnostic.message = format!("{name}: {}", diagnostic.message);
            diagnostic
        })?;
        if found.is_empty() {
            return Err(failed(
                format!("{name} lists nobody."),
                "Restore its last good version, or delete the file: the secrets are then encrypted to you alone.",
            ));
        }
        Ok(Some(found))
    }

    /// Replaces the team's list.
    ///
    /// # Errors
    /// The system's error.
    pub fn write_list(&self, recipients: &[Recipient]) -> Result<(), Box<Diagnostic>> {
        let line = |recipient: &Recipient| match (&recipient.key, recipient.comment.as_str()) {
            (_, "") => format!("{recipient}\n"),
            (Key::Ssh(_), comment) => format!("{recipient} {comment}\n"),
            (Key::X25519(_), comment) => format!("# {comment}\n{recipient}\n"),
        };
        let text: String = std::iter::once("# Who may open state/*.secrets.age. `dofloat state recipients` writes it.\n\n".to_owned())
            .chain(recipients.iter().map(line))
            .collect();
        let fail =
            |error: std::io::Error| failed(format!("Failed to write {}: {error}.", self.list.display()), "The old list is unchanged.");
        if let Some(folder) = self.list.parent() {
            make_folder(folder).map_err(fail)?;
        }
        write_atomic(&self.list, text.as_bytes(), 0o644).map_err(fail)
    }

    /// The recipient that the own identity stands for; it is made if there is none.
    ///
    /// # Errors
    /// If the identity cannot be read or made.
    pub fn own_recipient(&self) -> Result<Recipient, Box<Diagnostic>> {
        if self.identities()?.is_none() {
            // Somebody else may make one meanwhile: theirs counts, then.
            write_new(self.in_folder()?, identity_file(&x25519::Identity::generate(), "").as_bytes(), 0o600)
                .map_err(|e| self.creation_failed(&e))?;
        }
        let first = self.identities()?.and_then(|identities| identities.recipients().into_iter().next());
        first.ok_or_else(|| {
            let message = format!("The identity {} is an ssh key that age cannot encrypt to.", self.identity.display());
            failed(message, "Use a key of type `ssh-ed25519` or `ssh-rsa`, or an age identity.")
        })
    }

    /// The recipients that the own identities stand for; none is made.
    ///
    /// # Errors
    /// If the identity cannot be read.
    pub fn own_recipients(&self) -> Result<Vec<Recipient>, Box<Diagnostic>> {
        Ok(self.identities()?.map(|identities| identities.recipients()).unwrap_or_default())
    }

    /// Puts a new key first into the identity file. The old ones stay behind it: they open what was written before.
    ///
    /// # Errors
    /// If the identity is an ssh key, or what the system says.
    pub fn renew(&self) -> Result<Recipient, Box<Diagnostic>> {
        let old = match self.identities()? {
            Some(Identities::Ssh(_)) => {
                let message = format!("The identity {} is an ssh key, which dofloat does not make.", self.identity.display());
                return Err(failed(message, "Make a new key with `ssh-keygen`, and put it in with `dofloat state recipients add`."));
            }
            Some(Identities::X25519(_)) => {
                Zeroizing::new(std::fs::read_to_string(&self.identity).map_err(|error| self.creation_failed(&error))?)
            }
            None => Zeroizing::new(String::new()),
        };
        let text = identity_file(&x25519::Identity::generate(), &old);
        write_atomic(self.in_folder()?, text.as_bytes(), 0o600).map_err(|error| self.creation_failed(&error))?;
        self.own_recipient()
    }

    /// A warning, if others than its owner may read the identity. It is used all the same: where a secret is mounted into a
    /// container its mode cannot be chosen.
    #[must_use]
    pub fn exposure(&self) -> Option<Diagnostic> {
        let mode = mode_of(&self.identity)?;
        let name = self.identity.display();
        (mode & 0o077 != 0).then(|| {
            Diagnostic::warning(format!("Other users can read the identity {name} (its mode is {mode:04o}); it decrypts every secret."))
                .hint(format!("`chmod 600 {name}`. If somebody may have read it, `dofloat state recipients rotate` makes a new one."))
        })
    }

    fn in_folder(&self) -> Result<&Path, Box<Diagnostic>> {
        if let Some(folder) = self.identity.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make_private_folder(folder).map_err(|error| self.creation_failed(&error))?;
        }
        Ok(&self.identity)
    }

    fn creation_failed(&self, error: &std::io::Error) -> Box<Diagnostic> {
        let message = format!("Failed to create the identity {}: {error}.", self.identity.display());
        failed(message, "Set recipients in `DOFLOAT_AGE_RECIPIENTS`, or make that folder writable.")
    }

    /// The own identities; `None` if there is no file.
    pub(super) fn identities(&self) -> Result<Option<Identities>, Box<Diagnostic>> {
        let name = self.identity.display();
        let text = match std::fs::read_to_string(&self.identity) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("Failed to read the identity {name}: {error}."), "Check its permissions.")),
        };
        if text.trim_start().starts_with("-----BEGIN") {
            return self.ssh_identity(text.trim_start()).map(Some);
        }
        let lines = text.lines().enumerate().map(|(place, line)| (place + 1, line.trim()));
        let found: Vec<_> = lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(place, line)| {
                line.parse().map_err(|_| {
                    let hint = "The file must be as `age-keygen` writes it, or an ssh private key. It was not changed.";
                    failed(format!("Line {place} of the identity {name} is not an age secret key."), hint)
                })
            })
            .collect::<Result<_, _>>()?;
        if found.is_empty() {
            let message = format!("The identity {name} has no age secret key in it.");
            return Err(failed(message, "Restore the key, or delete the file if no secrets were ever encrypted to it."));
        }
        Ok(Some(Identities::X25519(found)))
    }

    fn ssh_identity(&self, text: &str) -> Result<Identities, Box<Diagnostic>> {
        let name = self.identity.display();
        let hint =
            "age opens files with `ssh-ed25519` and `ssh-rsa` keys. Use such a key, or an identity of age, by `DOFLOAT_AGE_IDENTITY`.";
        let bad = |what: &str| failed(format!("The identity {name} is {what}."), hint);
        match ssh::Identity::from_buffer(text.as_bytes(), None).map_err(|_| bad("not a complete ssh private key"))? {
            identity @ ssh::Identity::Unencrypted(_) => Ok(Identities::Ssh(Box::new(identity))),
            ssh::Identity::Encrypted(_) => Err(bad("an ssh key with a passphrase, which cannot be asked for during a run")),
            ssh::Identity::Unsupported(_) => Err(bad("an ssh key of a type that age cannot use")),
        }
    }
}

impl Identities {
    pub(super) fn each(&self) -> Vec<&dyn age::Identity> {
        match self {
            Self::X25519(all) => all.iter().map(|identity| identity as &dyn age::Identity).collect(),
            Self::Ssh(one) => vec![&**one],
        }
    }

    fn recipients(&self) -> Vec<Recipient> {
        let plain = |key: Key| Recipient { key, comment: String::new() };
        match self {
            Self::X25519(all) => all.iter().map(|identity| plain(Key::X25519(identity.to_public()))).collect(),
            Self::Ssh(one) => ssh::Recipient::try_from(ssh::Identity::clone(one)).map(|key| plain(Key::Ssh(key))).into_iter().collect(),
        }
    }
}

fn identity_file(identity: &x25519::Identity, older: &str) -> Zeroizing<String> {
    let secret = identity.to_string();
    let head = "# Opens the secrets that dofloat keeps beside its states. Keep a copy in a safe place.\n";
    let older = older.strip_prefix(head).unwrap_or(older);
    let older =
        Zeroizing::new(if older.is_empty() { String::new() } else { format!("# older keys open what was written before\n{older}") });
    Zeroizing::new(format!("{head}# public key: {}\n{}\n{}", identity.to_public(), secret.expose_secret(), older.as_str()))
}

/// An error, and what to do about it, if there is a way.
pub(super) fn failed(message: String, hint: &str) -> Box<Diagnostic> {
    let diagnostic = Diagnostic::error(message);
    Box::new(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) })
}
