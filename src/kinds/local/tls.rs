//! `tls_private_key`: a key pair that is drawn once and stays until something of it changes.
//!
//! Invariant: as `hashicorp/tls` 4 has it, but for the curve P224, which OpenSSH has not either. What is private of it is kept in the
//! encrypted file.

use super::Local;
use super::key::{Curve, Key};
use crate::attr::{Attr, Change, Lit, Ty};
use crate::complaints::{Complaints, text};
use crate::valid::Valid;
use dofloat_base::value::{Body, Term, Value};

const fn made(name: &'static str, doc: &'static str) -> Attr {
    Attr::computed(name, Ty::String, doc)
}

pub(super) static PRIVATE_KEY: Local = Local {
    name: "tls_private_key",
    attrs: &[
        made("id", "The SHA-1 of the public key.").once(),
        Attr::required("algorithm", Ty::String, Change::Replace, "RSA, ECDSA or ED25519.")
            .write_only()
            .valid(Valid::OneOf(&["RSA", "ECDSA", "ED25519"])),
        Attr::optional("rsa_bits", Ty::Number, Change::Replace, "How long an RSA key is.")
            .write_only()
            .default(Lit::Int(2048))
            .valid(Valid::OneOfNumbers(&[2048, 3072, 4096, 8192])),
        Attr::optional("ecdsa_curve", Ty::String, Change::Replace, "The curve of an ECDSA key: P256, P384 or P521.").write_only(),
        made("private_key_pem", "The private key: PKCS #1 for RSA, SEC 1 for ECDSA, else PKCS #8.").sensitive(),
        made("private_key_pem_pkcs8", "The private key in PKCS #8.").sensitive(),
        made("private_key_openssh", "The private key as OpenSSH writes it.").sensitive(),
        made("public_key_pem", "The public key in PEM.").once(),
        made("public_key_openssh", "The public key as a line of authorized_keys.").once(),
        made("public_key_fingerprint_md5", "The MD5 of the public key, as old SSH clients show it.").once(),
        made("public_key_fingerprint_sha256", "The SHA-256 of the public key, as SSH clients show it.").once(),
    ],
    check,
    make: |_, wanted| {
        let text = |name: &str| wanted.get(name).and_then(Value::as_str);
        let bits = wanted.get("rsa_bits").and_then(|bits| if let Value::Number(bits) = bits { bits.as_i64() } else { None });
        let key = match text("algorithm") {
            Some("RSA") => Key::rsa(bits.unwrap_or(2048))?,
            Some("ED25519") => Key::ed25519()?,
            _ => Key::ec(text("ecdsa_curve").and_then(Curve::of).ok_or("`ecdsa_curve` is missing")?)?,
        };
        let mut body = public(&key);
        let private =
            [("private_key_pem", key.pem()), ("private_key_pem_pkcs8", key.pem_pkcs8()), ("private_key_openssh", key.private_openssh())];
        body.extend(private.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))));
        Ok((None, body))
    },
    ..Local::NOTHING
};

/// The public attributes of a key.
pub(crate) fn public(key: &Key) -> Body {
    let all = [
        ("id", key.id()),
        ("public_key_pem", key.public_pem()),
        ("public_key_openssh", key.public_openssh()),
        ("public_key_fingerprint_md5", key.fingerprint_md5()),
        ("public_key_fingerprint_sha256", key.fingerprint_sha256()),
    ];
    all.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect()
}

fn check(body: &Term, complaints: &mut Complaints) {
    if text(body, "algorithm").as_deref() != Some("ECDSA") {
        return;
    }
    let hint = "It is one of P256, P384, P521. P224, the official provider's default, is not supported, and OpenSSH does not know it.";
    match text(body, "ecdsa_curve") {
        None if body.get("ecdsa_curve").is_null() => complaints.error(&[], "An ECDSA key needs `ecdsa_curve`.", hint),
        Some(name) if Curve::of(&name).is_none() => {
            complaints.error(&["ecdsa_curve"], format!("`ecdsa_curve`: `{name}` is not valid."), hint)
        }
        _ => {}
    }
}
