//! Data sources that ask no API: files of this machine, and texts that are put together.
//!
//! Invariant: no request, and nothing is written. Arguments and results are those of the official providers (`hashicorp/local`,
//! `external`, `null`, `template`, `cloudinit`).

mod cloudinit;
mod external;
mod http;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::source::{Answer, Local, Read, Source};
use crate::attr::{Attr, Change, Presence, Ty};
use crate::complaints::is_given;
use crate::local::key::Key;
use crate::local::tls::public;
use crate::local::{DIGESTS, digests};
use dofloat_api::machine::Machine;
use dofloat_base::digest::sha256_hex;
use dofloat_base::value::{Body, Value};

/// Every one.
pub(super) static SOURCES: [Source; 9] = [
    Source::local("cloudinit_config", &cloudinit::CONFIG),
    Source::local("external", &external::EXTERNAL),
    Source::local("http", &http::HTTP),
    Source::local("local_file", &FILE),
    Source::local("local_sensitive_file", &SENSITIVE_FILE),
    Source::local("null_data_source", &NULL),
    Source::local("template_cloudinit_config", &cloudinit::CONFIG),
    Source::local("template_file", &TEMPLATE),
    Source::local("tls_public_key", &PUBLIC_KEY),
];

const fn given(name: &'static str, ty: Ty, doc: &'static str) -> Attr {
    Attr::optional(name, ty, Change::Local, doc)
}

const FILENAME: Attr =
    Attr::required("filename", Ty::String, Change::Local, "Its path; a relative one starts at the folder that holds the stack's files.");
const CONTENT: Attr = Attr::computed("content", Ty::String, "What is in it.");
const BASE64: Attr = Attr::computed("content_base64", Ty::String, "What is in it, in base64: for what is not text.");

macro_rules! rows {
    ($($row:expr),+ $(,)?) => {
        &[DIGESTS[0], DIGESTS[1], DIGESTS[2], DIGESTS[3], DIGESTS[4], DIGESTS[5], DIGESTS[6], $($row),+]
    };
}

static FILE: Local = Local { rows: rows![FILENAME, CONTENT, BASE64], check: |_, _| {}, read: Read::Now(file) };
static SENSITIVE_FILE: Local =
    Local { rows: rows![FILENAME, CONTENT.sensitive(), BASE64.sensitive()], check: |_, _| {}, read: Read::Now(file) };

fn file(machine: &Machine, given: &Body) -> Result<Body, String> {
    let path = given.get("filename").and_then(Value::as_str).unwrap_or_default();
    let place = machine.readable(path);
    let content = match machine.stood_in(path) {
        Some(text) => text.into_bytes(),
        None => std::fs::read(&place).map_err(|error| format!("cannot read {}: {error}", place.display()))?,
    };
    let mut found = digests(&content);
    found.insert("content".to_owned(), String::from_utf8_lossy(&content).into_owned().into());
    found.insert("content_base64".to_owned(), STANDARD.encode(&content).into());
    Ok(found)
}

/// The language renders it, as it knows what a template means.
static TEMPLATE: Local = Local {
    rows: &[
        Attr::required("template", Ty::String, Change::Local, "The text, with `${name}` for the values."),
        given("vars", Ty::Map(&Ty::String), "The values."),
        Attr { presence: Presence::OptionalComputed, ..given("rendered", Ty::String, "What it comes to.") },
        Attr::computed("id", Ty::String, "The SHA-256 of what it comes to.").repeats(&["template", "vars"]),
    ],
    check: |_, _| {},
    read: Read::Now(|_, given| {
        let rendered = given.get("rendered").and_then(Value::as_str).unwrap_or_default();
        Ok(Body::from([("id".to_owned(), sha256_hex(rendered.as_bytes()).into()), ("rendered".to_owned(), rendered.into())]))
    }),
};

static NULL: Local = Local {
    rows: &[
        given("inputs", Ty::Map(&Ty::String), "Values."),
        Attr {
            presence: Presence::OptionalComputed,
            ..given("has_computed_default", Ty::String, "A text; \"default\" where it is not given.")
        },
        Attr::computed("outputs", Ty::Map(&Ty::String), "The same values.").repeats(&["inputs"]),
        Attr::computed("random", Ty::String, "A number without a meaning, the same for the same values.").repeats(&["inputs"]),
        Attr::computed("id", Ty::String, "Without a meaning."),
    ],
    check: |_, _| {},
    read: Read::Now(|_, given| {
        let inputs = given.get("inputs").cloned().unwrap_or_else(|| Value::Map(Body::new()));
        let number = u64::from_str_radix(&sha256_hex(inputs.to_json().to_string().as_bytes())[..15], 16).unwrap_or_default();
        let default = given.get("has_computed_default").cloned().unwrap_or_else(|| "default".into());
        let all = [("outputs", inputs), ("random", number.to_string().into()), ("has_computed_default", default), ("id", "static".into())];
        Ok(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }),
};

static PUBLIC_KEY: Local = Local {
    rows: &[
        given("private_key_pem", Ty::String, "The private key in PEM.").sensitive(),
        given("private_key_openssh", Ty::String, "The private key as OpenSSH writes it.").sensitive(),
        Attr::computed("algorithm", Ty::String, "RSA, ECDSA or ED25519."),
        Attr::computed("public_key_pem", Ty::String, "The public key in PEM."),
        Attr::computed("public_key_openssh", Ty::String, "The public key as a line of authorized_keys."),
        Attr::computed("public_key_fingerprint_md5", Ty::String, "The MD5 of the public key."),
        Attr::computed("public_key_fingerprint_sha256", Ty::String, "The SHA-256 of the public key."),
        Attr::computed("id", Ty::String, "The SHA-1 of the public key."),
    ],
    check: |body, complaints| {
        let names = ["private_key_pem", "private_key_openssh"];
        let (none, both) = (names.iter().all(|name| body.get(name).is_null()), names.iter().all(|name| is_given(body, name)));
        if none || both {
            complaints.error(&[], "One of `private_key_pem` and `private_key_openssh` must be given.", "Write one of them.");
        }
    },
    read: Read::Now(|_, given| {
        let text = ["private_key_pem", "private_key_openssh"].into_iter().find_map(|name| given.get(name)?.as_str());
        let unread = "it is not a private key in PEM, or is encrypted, or of an algorithm that is not supported";
        let key = Key::of_pem(text.unwrap_or_default()).ok_or(unread)?;
        let mut found = public(&key);
        found.insert("algorithm".to_owned(), key.algorithm().into());
        Ok(found)
    }),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_given_as_text_and_in_base64_with_its_digests() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine { folder: folder.path().to_owned(), ..Machine::default() };
        dofloat_base::durable::write_atomic(&folder.path().join("a"), b"hi\n", 0o644).unwrap();
        let found = file(&machine, &Body::from([("filename".to_owned(), "a".into())])).unwrap();
        let texts = ["content", "content_base64", "content_md5"].map(|name| found[name].as_str().unwrap());
        assert_eq!(texts, ["hi\n", "aGkK", "764efa883dda1e11db47671c4a3bbd9e"]);
        assert_eq!(found["id"], found["content_sha1"]);
        assert!(file(&machine, &Body::from([("filename".to_owned(), "b".into())])).unwrap_err().starts_with("cannot read "));
    }
}
