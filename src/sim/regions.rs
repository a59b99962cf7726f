//! Regions: those of the catalogue, read only.

use super::catalog::{self, Region};
use super::refusal::Refusal;
use super::wire::{Call, Reply};
use super::world::World;

/// `GET /v2/regions`
pub(super) fn list(_: &mut World, call: &Call<'_>) -> Result<Reply, Refusal> {
    call.page("regions", catalog::REGIONS, Region::show)
}
