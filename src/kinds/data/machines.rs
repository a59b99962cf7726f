//! Droplets, and what they are made of: images, keys, sizes, regions.
//!
//! Invariant: attributes and arguments are the official provider's.

use serde_json::{Value as Json, json};

use super::miss::{is_true, text};
use super::record::From;
use super::source::{Family, Source, Way, argument};
use crate::attr::{Attr, Lit, Ty};

pub(super) static SOURCES: [Source; 9] = [
    Source::one("digitalocean_droplet", &DROPLET, &[Way::Own("id"), Way::Holds("tag", "tags"), Way::Equal("name")])
        .with(&[argument("tag", Ty::String, "A tag that no other droplet carries."), argument("gpu", Ty::Bool, "Whether it has a GPU.")]),
    Source::many("digitalocean_droplets", &DROPLET, "droplets", Ty::List(&Ty::Object(DROPLET_ROWS))).with(&[argument(
        "gpus",
        Ty::Bool,
        "Whether those with GPUs are meant.",
    )]),
    Source::one("digitalocean_image", &IMAGE, &[Way::Own("id"), Way::Own("slug"), Way::Equal("name")]).with(&[argument(
        "source",
        Ty::String,
        "Where a name is looked for: user, distributions, applications or all.",
    )
    .default(Lit::Str("user"))]),
    Source::many("digitalocean_images", &EVERY_IMAGE, "images", Ty::List(&Ty::Object(IMAGE_ROWS))),
    Source::one("digitalocean_region", &REGION, &[Way::Equal("slug")]),
    Source::many("digitalocean_regions", &REGION, "regions", Ty::List(&Ty::Object(REGION_ROWS))),
    Source::many("digitalocean_sizes", &SIZE, "sizes", Ty::List(&Ty::Object(SIZE_ROWS))),
    Source::one("digitalocean_ssh_key", &SSH_KEY, &[Way::Equal("name")]),
    Source::many("digitalocean_ssh_keys", &SSH_KEY, "ssh_keys", Ty::List(&Ty::Object(SSH_KEY_ROWS))),
];

const SSH_KEY_ROWS: &[Attr] = &[
    Attr::computed("id", Ty::Number, "The key's number."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("public_key", Ty::String, "The public key."),
    Attr::computed("fingerprint", Ty::String, "Its MD5 fingerprint."),
];
static SSH_KEY: Family = Family {
    noun: "SSH key",
    path: "/account/keys",
    many: "ssh_keys",
    one: "ssh_key",
    query: |_| Vec::new(),
    rows: SSH_KEY_ROWS,
    from: &[],
    also: None,
    see: "`doctl compute ssh-key list` shows what there is; a `digitalocean_ssh_key` resource adds one.",
    scopes: &["ssh_key:read"],
};

const DROPLET_ROWS: &[Attr] = &[
    Attr::computed("id", Ty::Number, "The droplet's number."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("created_at", Ty::String, "When it was made."),
    Attr::computed("urn", Ty::String, "The uniform resource name."),
    Attr::computed("region", Ty::String, "The region's slug."),
    Attr::computed("image", Ty::String, "The image's slug, or its number where it has none."),
    Attr::computed("size", Ty::String, "The size's slug."),
    Attr::computed("disk", Ty::Number, "Its disk in GB."),
    Attr::computed("vcpus", Ty::Number, "Its processors."),
    Attr::computed("memory", Ty::Number, "Its memory in MB."),
    Attr::computed("price_hourly", Ty::Number, "Dollars an hour."),
    Attr::computed("price_monthly", Ty::Number, "Dollars a month."),
    Attr::computed("status", Ty::String, "new, active, off or archive."),
    Attr::computed("locked", Ty::Bool, "Whether DigitalOcean has locked it."),
    Attr::computed("ipv4_address", Ty::String, "Its public address."),
    Attr::computed("ipv4_address_private", Ty::String, "Its address in the VPC."),
    Attr::computed("ipv6_address", Ty::String, "Its public IPv6 address."),
    Attr::computed("ipv6_address_private", Ty::String, "Its IPv6 address in the VPC."),
    Attr::computed("backups", Ty::Bool, "Whether it is backed up."),
    Attr::computed("ipv6", Ty::Bool, "Whether it has an IPv6 address."),
    Attr::computed("private_networking", Ty::Bool, "Whether it is in a VPC."),
    Attr::computed("monitoring", Ty::Bool, "Whether the metrics agent is installed."),
    Attr::computed("volume_ids", Ty::Set(&Ty::String), "The volumes that are attached."),
    Attr::computed("tags", Ty::Set(&Ty::String), "Its tags.").read_scopes(&["tag:read"]),
    Attr::computed("vpc_uuid", Ty::String, "The VPC.").read_scopes(&["vpc:read"]),
    Attr::computed("gpu_partition_mode", Ty::String, "How a GPU is shared."),
];
static DROPLET: Family = Family {
    noun: "droplet",
    path: "/droplets",
    many: "droplets",
    one: "droplet",
    query: |given| if is_true(given, "gpu") || is_true(given, "gpus") { vec![("type", "gpus")] } else { Vec::new() },
    rows: DROPLET_ROWS,
    from: &[
        ("urn", From::Of(|droplet| json!(format!("do:droplet:{}", droplet["id"])))),
        ("region", From::At("/region/slug")),
        ("size", From::At("/size_slug")),
        (
            "image",
            From::Of(|droplet| {
                droplet.pointer("/image/slug").filter(|slug| **slug != "" && !slug.is_null()).unwrap_or(&droplet["image"]["id"]).clone()
            }),
        ),
        ("price_hourly", From::At("/size/price_hourly")),
        ("price_monthly", From::At("/size/price_monthly")),
        ("ipv4_address", From::Of(|droplet| address(droplet, "v4", "public"))),
        ("ipv4_address_private", From::Of(|droplet| address(droplet, "v4", "private"))),
        ("ipv6_address", From::Of(|droplet| address(droplet, "v6", "public"))),
        ("ipv6_address_private", From::Of(|droplet| address(droplet, "v6", "private"))),
        ("backups", From::Of(|droplet| feature(droplet, "backups"))),
        ("ipv6", From::Of(|droplet| feature(droplet, "ipv6"))),
        ("private_networking", From::Of(|droplet| feature(droplet, "private_networking"))),
        ("monitoring", From::Of(|droplet| feature(droplet, "monitoring"))),
    ],
    also: None,
    see: "`doctl compute droplet list` shows what there is.",
    scopes: &["droplet:read", "tag:read", "vpc:read"],
};

fn address(droplet: &Json, version: &str, kind: &str) -> Json {
    let networks = droplet["networks"][version].as_array();
    let found = networks.into_iter().flatten().find(|network| network["type"] == kind);
    found.and_then(|network| network["ip_address"].as_str()).map_or(Json::Null, |address| json!(address.to_lowercase()))
}

fn feature(droplet: &Json, name: &str) -> Json {
    json!(droplet["features"].as_array().is_some_and(|features| features.iter().any(|feature| feature == name)))
}

const IMAGE_ROWS: &[Attr] = &[
    Attr::computed("id", Ty::Number, "The image's number."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("type", Ty::String, "snapshot, backup, custom and so on."),
    Attr::computed("distribution", Ty::String, "Whose system it is."),
    Attr::computed("slug", Ty::String, "Its slug, if it has one."),
    Attr::computed("image", Ty::String, "Its number as a text."),
    Attr::computed("private", Ty::Bool, "Whether it is this account's own."),
    Attr::computed("min_disk_size", Ty::Number, "The smallest disk that it fits on, in GB."),
    Attr::computed("size_gigabytes", Ty::Number, "Its size."),
    Attr::computed("regions", Ty::Set(&Ty::String), "Where it can be used."),
    Attr::computed("created", Ty::String, "When it was made."),
    Attr::computed("tags", Ty::Set(&Ty::String), "Its tags."),
    Attr::computed("status", Ty::String, "NEW, available, pending, deleted or retired."),
    Attr::computed("error_message", Ty::String, "Why it could not be made."),
    Attr::computed("description", Ty::String, "What it is."),
];
static IMAGE: Family = Family {
    noun: "image",
    path: "/images",
    many: "images",
    one: "image",
    query: |given| match text(given, "source").unwrap_or("user").to_lowercase().as_str() {
        "all" => Vec::new(),
        "distributions" => vec![("type", "distribution")],
        "applications" => vec![("type", "application")],
        _ => vec![("private", "true")],
    },
    rows: IMAGE_ROWS,
    from: &[
        ("image", From::At("/id")),
        ("created", From::At("/created_at")),
        ("private", From::Of(|image| json!(image["public"] != true))),
    ],
    also: None,
    see: "`doctl compute image list --public` shows what there is; without `--public`, your own.",
    scopes: &["image:read"],
};
static EVERY_IMAGE: Family = Family {
    noun: IMAGE.noun,
    path: IMAGE.path,
    many: IMAGE.many,
    one: IMAGE.one,
    query: |_| Vec::new(),
    rows: IMAGE_ROWS,
    from: IMAGE.from,
    also: None,
    see: IMAGE.see,
    scopes: IMAGE.scopes,
};

const REGION_ROWS: &[Attr] = &[
    Attr::computed("slug", Ty::String, "Its slug."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("sizes", Ty::Set(&Ty::String), "The sizes that it offers."),
    Attr::computed("features", Ty::Set(&Ty::String), "What it can do."),
    Attr::computed("available", Ty::Bool, "Whether something can be made there."),
];
static REGION: Family = Family {
    noun: "region",
    path: "/regions",
    many: "regions",
    one: "region",
    query: |_| Vec::new(),
    rows: REGION_ROWS,
    from: &[],
    also: None,
    see: "`doctl compute region list` shows what there is.",
    scopes: &["regions:read"],
};

const VRAM_ROWS: &[Attr] = &[Attr::computed("amount", Ty::Number, "How much."), Attr::computed("unit", Ty::String, "Of what: gib or mib.")];
const GPU_ROWS: &[Attr] = &[
    Attr::computed("count", Ty::Number, "How many there are."),
    Attr::computed("model", Ty::String, "Which."),
    Attr::computed("vram", Ty::List(&Ty::Object(VRAM_ROWS)), "Their memory."),
    Attr::computed("supported_partition_modes", Ty::List(&Ty::String), "How one can be shared."),
];
const SIZE_ROWS: &[Attr] = &[
    Attr::computed("slug", Ty::String, "Its slug."),
    Attr::computed("available", Ty::Bool, "Whether something can be made of it."),
    Attr::computed("transfer", Ty::Number, "How much traffic is included, in TB."),
    Attr::computed("price_monthly", Ty::Number, "Dollars a month."),
    Attr::computed("price_hourly", Ty::Number, "Dollars an hour."),
    Attr::computed("memory", Ty::Number, "Its memory in MB."),
    Attr::computed("vcpus", Ty::Number, "Its processors."),
    Attr::computed("disk", Ty::Number, "Its disk in GB."),
    Attr::computed("regions", Ty::Set(&Ty::String), "Where it is offered."),
    Attr::computed("gpu_info", Ty::List(&Ty::Object(GPU_ROWS)), "Its GPUs."),
];
static SIZE: Family = Family {
    noun: "size",
    path: "/sizes",
    many: "sizes",
    one: "size",
    query: |_| Vec::new(),
    rows: SIZE_ROWS,
    from: &[],
    also: None,
    see: "`doctl compute size list` shows what there is.",
    scopes: &["sizes:read", "regions:read"],
};
