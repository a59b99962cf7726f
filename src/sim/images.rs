//! Images: the public ones of the catalogue, and the account's own, which are snapshots of droplets, or were fetched from a URL.
//!
//! Invariant: read only; what was fetched is of a plain family, listed here among the others. An image that the options take away is as if it had never been.

use serde_json::{Value, json};

use super::catalog::{self, Image};
use super::placeholders::show_snapshot;
use super::plain::images as custom;
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::World;

/// `GET /v2/images`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let private = call.asked_for("private") == Some("true");
    let tagged = call.asked_for("tag_name").is_some();
    if tagged {
        call.scopes.need("tag:read")?;
    }
    if private || tagged {
        let mut own = custom::listed(world, call);
        own.extend(world.own_images().filter(|_| !tagged).map(show_snapshot));
        return call.page("images", &own, Value::clone);
    }
    let kind_fits = call.asked_for("type").is_none_or(|kind| kind == "distribution");
    let offered = |image: &&Image| kind_fits && !world.settings.absent_images.contains(image.slug);
    let shown: Vec<&Image> = catalog::IMAGES.iter().filter(offered).collect();
    call.page("images", &shown, |image| image.show())
}

/// `GET /v2/images/{image_id}`, by number or slug
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    if let Some(read) = custom::read(world, call) {
        return read;
    }
    Ok(Reply::ok(json!({ "image": world.show_image(call.part(0))? })))
}
