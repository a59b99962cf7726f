//! How container registries behave beyond their fields: what is paid for is the account's, which all its registries share.
//!
//! Invariant: a plain family; only its behaviour is here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::refusal::Refusal;
use super::super::time::timestamp;
use super::super::wire::{Call, Reply};
use super::super::world::World;

/// The tiers: slug, name, repositories, storage in GiB, cents a month.
const TIERS: [(&str, &str, u64, u64, u64); 3] =
    [("starter", "Starter", 1, 1, 0), ("basic", "Basic", 5, 5, 500), ("professional", "Professional", 0, 100, 2000)];

/// Completes a registry as the API does; it takes the account's subscription.
pub(super) fn complete(world: &mut World, _: &str, fields: &mut Map<String, Value>) {
    if let Some(tier) = fields.get("subscription_tier_slug").and_then(Value::as_str) {
        world.registry_tier = Some(tier.to_owned());
    }
    fields.entry("region").or_insert_with(|| json!("nyc3"));
    fields.entry("storage_usage_bytes").or_insert_with(|| json!(0));
}

/// `GET /v2/registries/{registry_name}/docker-credentials`: others each time that somebody asks.
pub(in super::super) fn credentials(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let name = call.part(0).to_owned();
    world.object("/v2/registries", &name).ok_or_else(Refusal::not_found)?;
    if call.asked_for("expiry_seconds").is_some_and(|text| text.parse::<u64>().is_err()) {
        return Err(Refusal::unprocessable("expiry_seconds must be a number"));
    }
    let may = if call.asked_for("read_write") == Some("true") { "rw" } else { "r" };
    let nth = world.nth("docker credentials", &name);
    let token = format!("dop_v1_{may}{:016x}", ids::hash(world.seed, &["docker", &name, &nth.to_string()]));
    let auth = STANDARD.encode(format!("{token}:{token}"));
    Ok(Reply::ok(json!({ "auths": { "registry.digitalocean.com": { "auth": auth } } })))
}

/// `GET /v2/registries/subscription`
pub(in super::super) fn subscription(world: &mut World, _: &Call<'_>) -> Result<Reply, Refusal> {
    let tier = world.registry_tier.as_deref().unwrap_or("starter");
    let (slug, name, repositories, storage, cents) = TIERS.into_iter().find(|(slug, ..)| *slug == tier).ok_or_else(Refusal::not_found)?;
    let bytes = storage << 30;
    let moment = timestamp(world.now.0);
    Ok(Reply::ok(json!({ "subscription": {
        "tier": {
            "name": name, "slug": slug, "included_repositories": repositories, "included_storage_bytes": bytes,
            "allow_storage_overage": slug != "starter", "included_bandwidth_bytes": bytes, "monthly_price_in_cents": cents,
            "storage_overage_price_in_cents": 2,
        },
        "created_at": moment, "updated_at": moment,
    } })))
}

/// `POST /v2/registries/subscription`
pub(in super::super) fn subscribe(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted = call.body.required("tier_slug")?;
    if !TIERS.iter().any(|(slug, ..)| *slug == wanted) {
        return Err(Refusal::unprocessable("tier_slug is not one that is offered"));
    }
    world.registry_tier = Some(wanted);
    world.touch();
    subscription(world, call)
}
