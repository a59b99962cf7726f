//! Container registries.
//!
//! Invariant: what is paid for is the account's subscription, which all its registries share.

mod credentials;

use serde_json::{Map, Value as Json, json};

use super::attr::{Attr, CREATED_AT, Change, EditName, Ty};
use super::erased::Fut;
use super::plain::{Collection, Hooks, Plain, Taken, Unique, scopes};
use super::valid::Valid;
use super::{no_edit, vpc};
use dofloat_api::client::Client;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Value};

pub(crate) use credentials::CREDENTIALS;

/// Where images are pushed to.
const SERVER: &str = "registry.digitalocean.com";
const SUBSCRIPTION: &str = "/registries/subscription";

/// `digitalocean_container_registry`.
pub(crate) static REGISTRY: Plain = Plain {
    name: "digitalocean_container_registry",
    noun: "container registry",
    scopes: scopes!("registry"),
    at: Collection { path: "/registries", one: "registry", many: "registries", id: "name", key: None },
    unique: &[Unique { attrs: &["name"], noun: "name", taken: Taken::Refuse }],
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The registry's name."),
        Attr::required("name", Ty::String, Change::Replace, "Its name, unique among all of DigitalOcean's.").identity().valid(
            Valid::Asked(
                |name| (1..=63).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')),
                "It has up to 63 lowercase letters, digits and dashes.",
            ),
        ),
        Attr::required(
            "subscription_tier_slug",
            Ty::String,
            Change::InPlace("subscribe"),
            "What is paid for: starter, basic or professional.",
        )
        .valid(Valid::OneOf(&["starter", "basic", "professional"])),
        Attr::chosen("region", Ty::String, Change::Replace, "The slug of the region that it is in.").valid(Valid::Asked(
            |region| ["nyc3", "sfo3", "sfo2", "ams3", "sgp1", "fra1", "blr1", "syd1"].contains(&region),
            "It is one of nyc3, sfo3, sfo2, ams3, sgp1, fra1, blr1, syd1.",
        )),
        Attr::computed("endpoint", Ty::String, "Where images are pushed to, its name included."),
        Attr::computed("server_url", Ty::String, "Where images are pushed to."),
        Attr::computed("storage_usage_bytes", Ty::Number, "How much it holds.").volatile(),
        CREATED_AT,
    ],
    hooks: Hooks { seen: Some(seen), edit: Some(edit), ..Hooks::NONE },
    ..Plain::NOTHING
};

fn seen<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        if bodies.is_empty() {
            return Ok(());
        }
        let answer: Map<String, Json> = api.get(SUBSCRIPTION, &[]).await?;
        let tier = answer.get("subscription").and_then(|of| of["tier"]["slug"].as_str()).unwrap_or_default();
        for body in bodies {
            let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            for (name, value) in [
                ("endpoint", format!("{SERVER}/{}", text("name"))),
                ("server_url", SERVER.to_owned()),
                ("created_at", vpc::moment(&text("created_at"))),
                ("subscription_tier_slug", tier.to_owned()),
            ] {
                body.insert(name.to_owned(), value.into());
            }
        }
        Ok(())
    })
}

fn edit<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        match wanted.get("subscription_tier_slug") {
            Some(tier) if edit == "subscribe" => api.repeatable_post(SUBSCRIPTION, &json!({ "tier_slug": tier.to_json() })).await,
            _ => Err(no_edit(REGISTRY.name, id, edit)),
        }
    })
}
