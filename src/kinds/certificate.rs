//! Certificates, given or issued by Let's Encrypt.
//!
//! Invariant: a certificate is known by its name, which is unique: its uuid is another after each renewal.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value as Json;

use super::attr::{AWAIT_READY, Attr, Change, Lit, TIMEOUTS, Ty};
use super::compare::SET;
use super::complaints::{self, Complaints};
use super::plain::{Collection, Hooks, Plain, Ready, Taken, Unique};
use super::valid::Valid;
use dofloat_api::client::Client;
use dofloat_api::error::ApiError;
use dofloat_base::value::Term;

/// `digitalocean_certificate`.
pub(crate) static CERTIFICATE: Plain = Plain {
    name: "digitalocean_certificate",
    noun: "certificate",
    at: Collection { path: "/certificates", one: "certificate", many: "certificates", id: "name", key: Some("id") },
    unique: &[Unique { attrs: &["name"], noun: "name", taken: Taken::Refuse }],
    // The official provider waits ten minutes.
    ready: Some(Ready { attr: "state", is: &["verified"], never: &["error"], limit: Duration::from_secs(600) }),
    attrs: &[
        Attr::computed("id", Ty::String, "The certificate's name."),
        Attr::computed("uuid", Ty::String, "Its uuid, another after each renewal.").at("/id").volatile(),
        Attr::required("name", Ty::String, Change::Replace, "Its name, unique in the account.")
            .identity()
            .valid(Valid::Asked(super::form::short, "It has up to 255 characters.")),
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
        Attr::computed("state", Ty::String, "pending, verified or error.").follows(&[AWAIT_READY]),
        Attr::computed("not_after", Ty::String, "When it expires.").volatile(),
        Attr::computed("sha1_fingerprint", Ty::String, "Its SHA-1 fingerprint.").volatile(),
    ],
    hooks: Hooks { check, ..Hooks::NONE },
    ..Plain::NOTHING
};

/// The account's certificates: other kinds are told of one by its name, and tell the API its uuid.
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Asks for all of them.
    ///
    /// # Errors
    /// A read that fails.
    pub(crate) async fn of(api: &Client) -> Result<Self, ApiError> {
        let all: Vec<Json> = api.list(CERTIFICATE.at.path, &[], CERTIFICATE.at.many).await?;
        let named = |of: &Json| Some((of["id"].as_str()?.to_owned(), of["name"].as_str()?.to_owned()));
        Ok(Self(all.iter().filter_map(named).collect()))
    }

    /// The uuid of a certificate that is named by its name or its uuid.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn id(&self, name: &str) -> Result<&str, ApiError> {
        let found = self.0.iter().find(|(id, known)| *known == name || *id == name);
        found.map(|(id, _)| id.as_str()).ok_or_else(|| ApiError::Unsettled { what: format!("the account has no certificate `{name}`") })
    }

    /// The name of the certificate with this uuid; what is not known stays as it is.
    pub(crate) fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

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
    for name in other.iter().filter(|name| complaints::is_given(body, name)) {
        complaints.error(&[name], format!("A certificate of the type {kind} has no `{name}`."), "Remove it, or give another `type`.");
    }
}
