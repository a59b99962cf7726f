//! Images: the public ones of the catalogue.
//!
//! Invariant: read only; an image that the options take away is as if it had never been.

use serde_json::json;

use super::catalog::{self, Image};
use super::wire::{Call, Refusal, Reply};
use super::world::World;

/// `GET /v2/images`
pub(super) fn list(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let private = call.asked_for("private") == Some("true");
    let tagged = call.asked_for("tag_name").is_some();
    if tagged {
        call.scopes.need("tag:read")?;
    }
    let kind_fits = call.asked_for("type").is_none_or(|kind| kind == "distribution");
    let offered = |image: &&Image| !private && !tagged && kind_fits && !world.settings.absent_images.contains(image.slug);
    let shown: Vec<&Image> = catalog::IMAGES.iter().filter(offered).collect();
    call.page("images", &shown, |image| image.show())
}

/// `GET /v2/images/{image_id}`, by number or slug
pub(super) fn read(world: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    let image = catalog::find_image(call.part(0)).filter(|image| !world.settings.absent_images.contains(image.slug));
    Ok(Reply::ok(json!({ "image": image.ok_or_else(Refusal::not_found)?.show() })))
}
