//! The account's offer, asked before the first write: regions, sizes, images, the droplet limit.
//!
//! Invariant: reads only, each list once; a size is looked for in the region's own list first, which is asked anyway.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{try_join, try_join_all, try_join3};

use serde::Deserialize;

use super::super::complaints::{self, Complaints};
use super::super::erased::{Complaint, Job};
use super::super::if_there;
use super::super::wire::or_default;
use super::answer::all;
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::diag::did_you_mean;
use dofloat_base::value::Value;

#[derive(Deserialize)]
struct Region {
    slug: String,
    #[serde(default)]
    available: bool,
    #[serde(default, deserialize_with = "or_default")]
    sizes: Vec<String>,
}

#[derive(Deserialize)]
struct Size {
    slug: String,
    #[serde(default)]
    available: bool,
    #[serde(default, deserialize_with = "or_default")]
    regions: Vec<String>,
    #[serde(default)]
    disk: Option<i64>,
}

#[derive(Deserialize)]
struct Image {
    #[serde(default)]
    slug: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    regions: Vec<String>,
}

#[derive(Deserialize)]
struct OneImage {
    image: Image,
}

#[derive(Deserialize)]
struct Account {
    account: Limits,
}

#[derive(Deserialize)]
struct Limits {
    #[serde(default)]
    droplet_limit: Option<u64>,
}

#[derive(Deserialize)]
struct Counted {
    #[serde(default, deserialize_with = "or_default")]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    total: Option<u64>,
}

pub(super) async fn preflight(api: &Client, jobs: &[Job]) -> Result<Vec<Complaint>, ApiError> {
    let mut complaints = Complaints::default();
    let sized: Vec<&Job> = jobs.iter().filter(|job| job.creates || complaints::text(&job.body, "region").is_some()).collect();
    if sized.is_empty() {
        return Ok(Vec::new());
    }
    // Side by side: each round trip before the first write is waited for by everything.
    let slugs: BTreeSet<String> = sized.iter().filter(|job| job.creates).filter_map(|job| complaints::text(&job.body, "image")).collect();
    let images = try_join_all(slugs.into_iter().map(|slug| async move {
        let found = if_there(api.get::<OneImage>(&format!("/images/{}", segment(&slug)), &[]).await)?;
        Ok::<_, ApiError>((slug, found.map(|one| one.image)))
    }));
    let (regions, images, over_limit) = try_join3(catalogue::<Region>(api, "regions", &[]), images, over_limit(api, jobs)).await?;
    let images: BTreeMap<String, Option<Image>> = images.into_iter().collect();
    for job in &sized {
        complaints.about(job);
        let slug = complaints::text(&job.body, "region").map(|slug| slug.to_lowercase());
        let region = match &slug {
            // A server that does not say what there is proves nothing.
            Some(_) if regions.is_empty() => None,
            Some(slug) => match place(slug, &regions, &mut complaints) {
                Some(region) => Some(region),
                None => continue,
            },
            None => None,
        };
        if let Some(size) = complaints::text(&job.body, "size") {
            check_size(api, &size.to_lowercase(), region, &mut complaints).await?;
            check_disk(api, job, &size.to_lowercase(), &mut complaints).await?;
        }
        if let Some(image) = complaints::text(&job.body, "image").filter(|_| job.creates) {
            match images.get(&image).and_then(Option::as_ref) {
                None => no_image(api, &image, region, &mut complaints).await?,
                Some(found) => {
                    if let Some(region) = region.filter(|region| !found.regions.is_empty() && !found.regions.contains(&region.slug)) {
                        complaints.error(
                            &["image"],
                            format!("The image `{image}` is not offered in {}.", region.slug),
                            format!("It is in {}.", found.regions.join(", ")),
                        );
                    }
                }
            }
        }
    }
    if let Some((job, message)) = over_limit {
        complaints.about(job);
        complaints.error(&[], message, "Delete some that are not needed, or ask DigitalOcean's support for a higher limit.");
    }
    Ok(complaints.into_vec())
}

/// A list of what there is; empty where the server keeps none.
async fn catalogue<T: serde::de::DeserializeOwned>(api: &Client, key: &str, query: &[(&str, &str)]) -> Result<Vec<T>, ApiError> {
    Ok(if_there(api.list(&format!("/{key}"), query, key).await)?.unwrap_or_default())
}

/// The region of that slug, if droplets can be made there.
fn place<'a>(slug: &str, regions: &'a [Region], complaints: &mut Complaints) -> Option<&'a Region> {
    let open = || regions.iter().filter(|region| region.available).map(|region| region.slug.as_str());
    let Some(region) = regions.iter().find(|region| region.slug == slug) else {
        let hint = match did_you_mean(slug, open()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("It is one of {}.", open().collect::<Vec<_>>().join(", ")),
        };
        complaints.error(&["region"], format!("There is no region `{slug}`."), hint);
        return None;
    };
    if !region.available {
        let others = open().collect::<Vec<_>>().join(", ");
        complaints.error(&["region"], format!("No droplets can be made in {slug} now."), format!("Take one of {others}."));
        return None;
    }
    Some(region)
}

async fn check_size(api: &Client, size: &str, region: Option<&Region>, complaints: &mut Complaints) -> Result<(), ApiError> {
    if region.is_some_and(|region| region.sizes.iter().any(|known| known == size)) {
        return Ok(());
    }
    let sizes: Vec<Size> = catalogue(api, "sizes", &[]).await?;
    if sizes.is_empty() {
        return Ok(());
    }
    let there = |size: &&Size| size.available && region.is_none_or(|region| size.regions.contains(&region.slug));
    let offered = || sizes.iter().filter(there).map(|size| size.slug.as_str());
    if offered().any(|slug| slug == size) {
        return Ok(());
    }
    let place = region.map(|region| format!(" in {}", region.slug)).unwrap_or_default();
    match sizes.iter().find(|known| known.slug == size) {
        None => {
            let hint = match did_you_mean(size, offered()) {
                Some(meant) => format!("Did you mean `{meant}`?"),
                None => format!("Small ones{place}: {}.", offered().take(5).collect::<Vec<_>>().join(", ")),
            };
            complaints.error(&["size"], format!("There is no size `{size}`."), hint);
        }
        Some(known) => {
            let hint = match known.regions.as_slice() {
                [] => format!("Sizes{place}: {}.", offered().take(5).collect::<Vec<_>>().join(", ")),
                regions => format!("It is in {}.", regions.join(", ")),
            };
            complaints.error(&["size"], format!("The size `{size}` is not available{place}."), hint);
        }
    }
    Ok(())
}

/// A disk never shrinks: a smaller size can only be had by a new droplet.
async fn check_disk(api: &Client, job: &Job, size: &str, complaints: &mut Complaints) -> Result<(), ApiError> {
    let Some(seen) = &job.seen else { return Ok(()) };
    let old = seen.get("size").and_then(Value::as_str).unwrap_or_default();
    let Some(Value::Number(disk)) = seen.get("disk").filter(|_| !old.eq_ignore_ascii_case(size)) else { return Ok(()) };
    let sizes: Vec<Size> = catalogue(api, "sizes", &[]).await?;
    let (Some(has), Some(gets)) = (disk.as_i64(), sizes.iter().find(|known| known.slug == size).and_then(|size| size.disk)) else {
        return Ok(());
    };
    if gets < has {
        complaints.error(
            &["size"],
            format!("The size `{size}` has a disk of {gets} GB, and the droplet has one of {has} GB, which cannot shrink."),
            format!("Take a size with {has} GB or more, or recreate the droplet with `-replace={}`.", job.address),
        );
    }
    Ok(())
}

async fn no_image(api: &Client, image: &str, region: Option<&Region>, complaints: &mut Complaints) -> Result<(), ApiError> {
    if image.parse::<u64>().is_ok() {
        complaints.error(&["image"], format!("The account has no image {image}."), "Name a public image by its slug.");
        return Ok(());
    }
    let current: Vec<Image> = catalogue(api, "images", &[("type", "distribution")]).await?;
    if current.is_empty() {
        complaints.warning(&["image"], format!("Whether there is an image `{image}` could not be checked."), "The API lists no images.");
        return Ok(());
    }
    let here = |image: &&Image| region.is_none_or(|region| image.regions.is_empty() || image.regions.contains(&region.slug));
    let slugs: Vec<&str> = current.iter().filter(here).filter_map(|image| image.slug.as_deref()).collect();
    let family = image.split('-').next().unwrap_or(image);
    let mut kin: Vec<&str> = slugs.iter().copied().filter(|slug| slug.split('-').next() == Some(family)).collect();
    kin.sort_unstable();
    let hint = match did_you_mean(image, slugs.iter().copied()) {
        Some(meant) if kin.is_empty() => format!("Did you mean `{meant}`?"),
        _ if kin.is_empty() => "List what there is: doctl compute image list-distribution.".to_owned(),
        _ => format!("Current ones of {family}:"),
    };
    let message = format!("The image `{image}` does not exist, or not any more: DigitalOcean withdraws old releases.");
    complaints.offer(&["image"], message, hint, kin.into_iter().map(str::to_owned).collect());
    Ok(())
}

/// Where the plan makes more droplets than the account may have: the last of them, and what is wrong.
async fn over_limit<'a>(api: &Client, jobs: &'a [Job]) -> Result<Option<(&'a Job, String)>, ApiError> {
    let fresh: Vec<&Job> = jobs.iter().filter(|job| job.creates && job.id.is_none()).collect();
    let Some(last) = fresh.last() else { return Ok(None) };
    let (account, held) = try_join(api.get::<Account>("/account", &[]), held(api)).await?;
    let (Some(limit), Some(held)) = (account.account.droplet_limit, held) else { return Ok(None) };
    let too_many = held + fresh.len() as u64 > limit;
    let message = || format!("The account may have {limit} droplets, has {held}, and this plan makes {}.", fresh.len());
    Ok(too_many.then(|| (*last, message())))
}

/// How many droplets the account has: by the whole list if that was asked for anyway, else by the total of the shortest page.
async fn held(api: &Client) -> Result<Option<u64>, ApiError> {
    if api.has_asked("/droplets", "droplets") {
        return Ok(Some(all(api).await?.len() as u64));
    }
    Ok(api.get::<Counted>("/droplets", &[("per_page", "1")]).await?.meta.total)
}
