//! Certificates, given or issued by Let's Encrypt.
//!
//! Invariant: a certificate is known by its name, which is unique: its uuid is another after each renewal.

use std::time::Duration;

use super::attr::{Attr, Change, Lit, SETTLE, TIMEOUTS, Ty};
use super::compare::SET;
use super::complaints::{self, Complaints};
use super::plain::{Collection, Hooks, Plain, Ready, Taken, Unique, scopes};
use super::valid::Valid;
use dofloat_base::value::Term;

/// `digitalocean_certificate`.
pub(crate) static CERTIFICATE: Plain = Plain {
    name: "digitalocean_certificate",
    noun: "certificate",
    scopes: scopes!("certificate", fixed),
    at: Collection { path: "/certificates", one: "certificate", many: "certificates", id: "name", key: Some("id") },
    unique: &[Unique { attrs: &["name"], noun: "name", taken: Taken::Refuse }],
    // The official provider waits ten minutes.
    ready: Some(Ready { attr: "state", is: &["verified"], never: &["error"], limit: Duration::from_secs(600) }),
    attrs: &[
        Attr::computed("id", Ty::String, "The certificate's name."),
        Attr::computed("uuid", Ty::String, "Its uuid, another after each renewal.").at("/id").volatile(),
        Attr::required("name", Ty::String, Change::Replace, "Its name, unique in the account.").identity().valid(Valid::UpTo(255)),
        Attr::optional("type", Ty::String, Change::Replace, "custom or lets_encrypt.")
            .default(Lit::Str("custom"))
            .valid(Valid::OneOf(&["custom", "lets_encrypt"])),
        Attr::optional("private_key", Ty::String, Change::Replace, "The private key in PEM form, of a custom one.").hidden().write_only(),
        Attr::optional("leaf_certificate", Ty::String, Change::Replace, "The certificate in PEM form, of a custom one.")
            .hidden()
            .write_only(),
        Attr::optional("certificate_chain", Ty::String, Change::Replace, "The chain of trust in PEM form, of a custom one.")
            .hidden()
            .write_only(),
        Attr::chosen("domains", Ty::Set(&Ty::String), Change::Replace, "The names that it is issued for by Let's Encrypt.")
            .compare(SET)
            .wire("dns_names", "/dns_names"),
        TIMEOUTS,
        Attr::computed("state", Ty::String, "pending, verified or error.").follows(&[SETTLE]),
        Attr::computed("not_after", Ty::String, "When it expires.").volatile(),
        Attr::computed("sha1_fingerprint", Ty::String, "Its SHA-1 fingerprint.").volatile(),
    ],
    hooks: Hooks { check },
    ..Plain::NOTHING
};

fn check(body: &Term, complaints: &mut Complaints) {
    let (needed, other) = match complaints::text(body, "type").as_deref() {
        Some("custom") => (&["private_key", "leaf_certificate"][..], &["domains"][..]),
        Some("lets_encrypt") => (&["domains"][..], &["private_key", "leaf_certificate", "certificate_chain"][..]),
        _ => return,
    };
    let kind = complaints::text(body, "type").unwrap_or_default();
    for name in needed.iter().filter(|name| body.get(name).is_null()) {
        complaints.error(&[], format!("A certificate of the type {kind} needs `{name}`."), "Add it.");
    }
    for name in other.iter().filter(|name| !body.get(name).is_null()) {
        complaints.error(&[name], format!("A certificate of the type {kind} has no `{name}`."), "Remove it, or give another `type`.");
    }
}
