//! Sizes: those of the catalogue, read only.

use super::catalog::{self, Size};
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::World;

/// `GET /v2/sizes`
pub(super) fn list(_: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    call.page("sizes", catalog::SIZES, Size::show)
}
