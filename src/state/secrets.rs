//! The secrets of a stack: `state/<stack>.secrets.age`, encrypted with age.
//!
//! Invariant: plain secrets are only in memory and in this file's ciphertext. A file that cannot be read is never
//! overwritten, and one whose content is the same is left alone. It must not know what a secret is for, nor the environment.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use dofloat_base::diag::Diagnostic;
use dofloat_base::durable::write_atomic;
use dofloat_base::secret::Secret;
use dofloat_base::value::Value;

mod keys;

pub use keys::{Keys, Recipient, recipients};

use keys::failed;

/// The content of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// The values of sensitive outputs.
    pub outputs: BTreeMap<String, Secret<Value>>,
    /// Generated secrets and those that nothing could give again.
    pub generated: BTreeMap<String, Secret<Vec<u8>>>,
}

/// The result of a write.
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
    let Some(plain) = open(path, keys)? else { return Ok(None) };
    parse(&plain, path).map(Some)
}

/// The value of a sensitive output, for a user who asks to see it.
#[must_use]
pub fn reveal(value: &Secret<Value>) -> Value {
    value.expose().clone()
}

/// Writes the whole content, to all recipients. An identity is made if none is there and no recipients are given.
/// Whom it is for is part of the content, so a change of recipients alone is one too. Durable when it returns.
///
/// # Errors
/// If a recipient is none, if the present content cannot be read, or what the system says.
pub fn write(path: &Path, secrets: &Secrets, keys: &Keys) -> Result<Written, Box<Diagnostic>> {
    let named = keys.named()?;
    let old = open(path, keys).map_err(|mut diagnostic| {
        diagnostic.message = format!("{} It is not overwritten, because its content would be lost.", diagnostic.message);
        diagnostic
    })?;
    if old.is_none() && *secrets == Secrets::default() {
        return Ok(Written::Same);
    }
    let recipients = match named {
        Some(named) => named,
        None => vec![keys.own_recipient()?],
    };
    let plain = plain(secrets, &recipients)?;
    if old.is_some_and(|old| *old == *plain) {
        return Ok(Written::Same);
    }
    let sealed = seal(&plain, &recipients).map_err(|why| failed(format!("Failed to encrypt {}: {why}.", path.display()), ""))?;
    write_atomic(path, sealed.as_bytes(), 0o644)
        .map_err(|error| failed(format!("Failed to write {}: {error}.", path.display()), "The old content is unchanged."))?;
    Ok(Written::Changed)
}

/// Encrypts what the file holds to those who are recipients now. A file that is not there stays so.
///
/// # Errors
/// As `read` and `write`.
pub fn rekey(path: &Path, keys: &Keys) -> Result<Written, Box<Diagnostic>> {
    match read(path, keys)? {
        Some(secrets) => write(path, &secrets, keys),
        None => Ok(Written::Same),
    }
}

const LOST: &str = "Provide an identity that can decrypt it: copy it to that place, or name it in `DOFLOAT_AGE_IDENTITY`. Somebody \
                    who can still decrypt it can add you with `dofloat state recipients add YOUR-PUBLIC-KEY`. If every identity is \
                    lost for good, so are these secrets: move the file away and run `dofloat apply`; it generates new ones, and \
                    replaces what was built with the old.";

/// The plain content of the file.
fn open(path: &Path, keys: &Keys) -> Result<Option<Zeroizing<Vec<u8>>>, Box<Diagnostic>> {
    let name = path.display();
    let sealed = match std::fs::read(path) {
        Ok(sealed) => sealed,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(format!("Failed to read {name}: {error}."), "Check the file's permissions.")),
    };
    let damaged = |why: &dyn std::fmt::Display| {
        failed(format!("{name} is damaged: {why}."), "Restore its last good version, for example with `git checkout`. Nothing was changed.")
    };
    let decryptor = age::Decryptor::new_buffered(age::armor::ArmoredReader::new(sealed.as_slice())).map_err(|error| damaged(&error))?;
    let Some(identities) = keys.identities()? else {
        return Err(failed(format!("{name} cannot be decrypted: there is no identity at {}.", keys.identity.display()), LOST));
    };
    let mut plain = Zeroizing::new(Vec::new());
    let mut reader = match decryptor.decrypt(identities.each().into_iter()) {
        Ok(reader) => reader,
        Err(age::DecryptError::NoMatchingKeys) => {
            return Err(failed(
                format!("{name} cannot be decrypted: it was not encrypted to the identity at {}.", keys.identity.display()),
                LOST,
            ));
        }
        Err(error) => return Err(damaged(&error)),
    };
    reader.read_to_end(&mut plain).map_err(|error| damaged(&error))?;
    Ok(Some(plain))
}

fn seal(plain: &[u8], recipients: &[Recipient]) -> Result<String, String> {
    use std::io::Write as _;
    let encryptor = age::Encryptor::with_recipients(recipients.iter().map(Recipient::age)).map_err(|e| e.to_string())?;
    let armor = age::armor::ArmoredWriter::wrap_output(Vec::new(), age::armor::Format::AsciiArmor).map_err(|e| e.to_string())?;
    let mut writer = encryptor.wrap_output(armor).map_err(|e| e.to_string())?;
    writer.write_all(plain).map_err(|e| e.to_string())?;
    let sealed = writer.finish().and_then(age::armor::ArmoredWriter::finish).map_err(|e| e.to_string())?;
    String::from_utf8(sealed).map_err(|e| e.to_string())
}

#[derive(Serialize)]
#[serde(deny_unknown_fields)]
struct PlainFile<'a> {
    format: u32,
    recipients: Vec<String>,
    outputs: BTreeMap<&'a str, &'a Value>,
    generated: BTreeMap<&'a str, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadFile {
    format: u32,
    #[serde(default, rename = "recipients")]
    _recipients: Vec<String>,
    outputs: BTreeMap<String, Value>,
    generated: BTreeMap<String, String>,
}

const FORMAT: u32 = 1;

fn plain(secrets: &Secrets, recipients: &[Recipient]) -> Result<Zeroizing<Vec<u8>>, Box<Diagnostic>> {
    let mut recipients: Vec<String> = recipients.iter().map(ToString::to_string).collect();
    recipients.sort();
    let file = PlainFile {
        format: FORMAT,
        recipients,
        outputs: secrets.outputs.iter().map(|(name, value)| (name.as_str(), value.expose())).collect(),
        generated: secrets.generated.iter().map(|(name, bytes)| (name.as_str(), STANDARD.encode(bytes.expose()))).collect(),
    };
    let mut bytes =
        Zeroizing::new(serde_json::to_vec_pretty(&file).map_err(|error| failed(format!("Failed to write the secrets: {error}."), ""))?);
    bytes.push(b'\n');
    Ok(bytes)
}

fn parse(plain: &[u8], path: &Path) -> Result<Secrets, Box<Diagnostic>> {
    // What serde says may quote the content, so only the place is told.
    let bad = |line: usize| {
        let hint = "It was changed by another tool, or by a newer dofloat. Restore its last good version, for example with `git checkout`.";
        failed(format!("{} does not contain dofloat's secrets (line {line}).", path.display()), hint)
    };
    let file: ReadFile = serde_json::from_slice(plain).map_err(|error| bad(error.line()))?;
    if file.format != FORMAT {
        let message = format!("{} has the format {}; this dofloat reads format {FORMAT}.", path.display(), file.format);
        return Err(failed(message, "A newer dofloat wrote it: use that version."));
    }
    let generated = file.generated.into_iter().map(|(name, text)| {
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| bad(1))?;
        Ok((name, Secret::new(bytes)))
    });
    Ok(Secrets {
        outputs: file.outputs.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
        generated: generated.collect::<Result<_, Box<Diagnostic>>>()?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use age::secrecy::ExposeSecret as _;
    use age::x25519;

    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        path: PathBuf,
        keys: Keys,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.secrets.age");
        let (list, identity) = (folder.path().join("recipients.txt"), folder.path().join("config/dofloat/identity.txt"));
        let keys = Keys { recipients: Vec::new(), list, identity };
        Bench { folder, path, keys }
    }

    fn secrets(password: &str) -> Secrets {
        Secrets {
            outputs: BTreeMap::from([("password".to_owned(), Secret::new(Value::from(password)))]),
            generated: BTreeMap::from([("authkey".to_owned(), Secret::new(vec![0, 159, 146, 150]))]),
        }
    }

    fn told(bench: &Bench, error: &Diagnostic) -> String {
        format!("{} {}", error.message, error.hint.clone().unwrap_or_default()).replace(&format!("{}/", bench.folder.path().display()), "")
    }

    #[expect(clippy::disallowed_methods, reason = "a test plays the user who damages files")]
    fn put(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn what_is_written_is_read_and_is_not_in_the_file() {
        let bench = bench();
        assert_eq!(read(&bench.path, &bench.keys).unwrap(), None);
        assert_eq!(write(&bench.path, &secrets("hunter2"), &bench.keys).unwrap(), Written::Changed);
        assert_eq!(read(&bench.path, &bench.keys).unwrap(), Some(secrets("hunter2")));
        let text = std::fs::read_to_string(&bench.path).unwrap();
        assert!(text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !text.contains("hunter2") && !text.contains("password"));
    }

    #[test]
    fn the_same_content_is_not_written_again() {
        let bench = bench();
        assert_eq!(write(&bench.path, &Secrets::default(), &bench.keys).unwrap(), Written::Same);
        assert!(!bench.path.exists() && !bench.keys.identity.exists());
        write(&bench.path, &secrets("a"), &bench.keys).unwrap();
        let before = std::fs::read(&bench.path).unwrap();
        assert_eq!(write(&bench.path, &secrets("a"), &bench.keys).unwrap(), Written::Same);
        assert_eq!(std::fs::read(&bench.path).unwrap(), before);
        assert_eq!(write(&bench.path, &secrets("b"), &bench.keys).unwrap(), Written::Changed);
        assert_eq!(read(&bench.path, &bench.keys).unwrap(), Some(secrets("b")));
    }

    #[test]
    fn the_identity_is_private_and_one_that_age_reads() {
        let bench = bench();
        write(&bench.path, &secrets("a"), &bench.keys).unwrap();
        let file = age::IdentityFile::from_file(bench.keys.identity.display().to_string()).unwrap();
        let identities = file.into_identities().unwrap();
        assert_eq!(identities.len(), 1);
        let sealed = std::fs::read(&bench.path).unwrap();
        let decryptor = age::Decryptor::new_buffered(age::armor::ArmoredReader::new(sealed.as_slice())).unwrap();
        let mut plain = String::new();
        decryptor.decrypt(identities.iter().map(|identity| &**identity as _)).unwrap().read_to_string(&mut plain).unwrap();
        assert!(plain.contains("\"authkey\": \"AJ+Slg==\""));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&bench.keys.identity), mode(bench.keys.identity.parent().unwrap())), (0o600, 0o700));
        }
    }

    #[test]
    fn every_recipient_can_read_and_nobody_else() {
        let bench = bench();
        let people: Vec<_> = (0..3).map(|_| x25519::Identity::generate()).collect();
        let texts = format!("{},\n {}", people[0].to_public(), people[1].to_public());
        let identity = |n: usize| {
            let path = bench.folder.path().join(format!("{n}.txt"));
            put(&path, people[n].to_string().expose_secret());
            Keys { recipients: vec![texts.clone()], identity: path, ..bench.keys.clone() }
        };
        let without = Keys { recipients: vec![texts.clone()], identity: bench.folder.path().join("none.txt"), ..bench.keys.clone() };
        write(&bench.path, &secrets("a"), &without).unwrap();
        assert!(!without.identity.exists());
        for n in [0, 1] {
            assert_eq!(read(&bench.path, &identity(n)).unwrap(), Some(secrets("a")));
        }
        let error = read(&bench.path, &identity(2)).unwrap_err();
        assert!(
            told(&bench, &error).starts_with("web.secrets.age cannot be decrypted: it was not encrypted to the identity at 2.txt. Provide")
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_overwritten_and_no_second_identity_is_made() {
        let bench = bench();
        write(&bench.path, &secrets("a"), &bench.keys).unwrap();
        let before = std::fs::read(&bench.path).unwrap();
        dofloat_base::durable::remove(&bench.keys.identity).unwrap();
        let error = write(&bench.path, &secrets("b"), &bench.keys).unwrap_err();
        let expected = "web.secrets.age cannot be decrypted: there is no identity at config/dofloat/identity.txt. It is not \
                        overwritten, because its content would be lost. Provide an identity that can decrypt it:";
        assert!(told(&bench, &error).starts_with(expected), "{}", told(&bench, &error));
        assert!(!bench.keys.identity.exists());
        assert_eq!(std::fs::read(&bench.path).unwrap(), before);
    }

    #[test]
    fn damage_is_told_without_its_content() {
        let bench = bench();
        write(&bench.path, &secrets("a"), &bench.keys).unwrap();
        let good = std::fs::read_to_string(&bench.path).unwrap();
        for text in [String::new(), "hunter2".to_owned(), good[..good.len() / 2].to_owned(), good.replacen('\n', "\nAAAA", 1)] {
            put(&bench.path, &text);
            let told = told(&bench, &read(&bench.path, &bench.keys).unwrap_err());
            assert!(told.starts_with("web.secrets.age is damaged: ") && !told.contains("hunter2"), "{told}");
        }
        let own = vec![bench.keys.own_recipient().unwrap()];
        for (plain, expected) in [
            ("{\"hunter2\": 1}", "web.secrets.age does not contain dofloat's secrets (line 1)."),
            ("{\"format\": 2, \"outputs\": {}, \"generated\": {}}", "web.secrets.age has the format 2; this dofloat reads format 1."),
            ("{\"format\": 1, \"outputs\": {}, \"generated\": {\"a\": \"hunter2?\"}}", "web.secrets.age does not contain dofloat"),
        ] {
            put(&bench.path, &seal(plain.as_bytes(), &own).unwrap());
            let told = told(&bench, &read(&bench.path, &bench.keys).unwrap_err());
            assert!(told.starts_with(expected) && !told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_told_without_its_text() {
        let bench = bench();
        let secret = x25519::Identity::generate().to_string();
        for (text, expected) in [
            (secret.expose_secret(), "Recipient number 1 is a secret key."),
            ("hunter2", "Recipient number 1 is not a public key of age or ssh."),
            ("ssh-ed25519 AAAA hunter2", "Recipient number 1 is not a complete ssh public key."),
        ] {
            let keys = Keys { recipients: vec![text.to_owned()], ..bench.keys.clone() };
            let told = told(&bench, &write(&bench.path, &secrets("a"), &keys).unwrap_err());
            assert!(told.starts_with(expected) && !told.contains(text) && !told.contains("hunter2"), "{told}");
        }
        std::fs::create_dir_all(bench.keys.identity.parent().unwrap()).unwrap();
        for (text, expected) in [
            ("# a comment\nhunter2\n", "Line 2 of the identity config/dofloat/identity.txt is not an age secret key."),
            ("# a comment\n", "The identity config/dofloat/identity.txt has no age secret key in it."),
        ] {
            put(&bench.keys.identity, text);
            let told = told(&bench, &write(&bench.path, &secrets("a"), &bench.keys).unwrap_err());
            assert!(told.starts_with(expected) && !told.contains("hunter2"), "{told}");
        }
    }
}
