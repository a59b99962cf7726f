//! The account itself, its projects, its tags, and its apps.
//!
//! Invariant: attributes and arguments are the official provider's.

use super::record::From;
use super::source::{Also, Family, Source, Way};
use crate::attr::{Attr, Ty};

pub(super) static SOURCES: [Source; 6] = [
    Source::one("digitalocean_account", &ACCOUNT, &[Way::Else("/account")]),
    Source::of_kind("digitalocean_app", "app", "app_id"),
    Source::one("digitalocean_project", &PROJECT, &[Way::Own("id"), Way::Equal("name"), Way::Else("/projects/default")]),
    Source::many("digitalocean_projects", &PROJECT, "projects", Ty::List(&Ty::Object(PROJECT_ROWS))),
    Source::one("digitalocean_tag", &TAG, &[Way::Own("name")]),
    Source::many("digitalocean_tags", &TAG, "tags", Ty::List(&Ty::Object(TAG_ROWS))),
];

static ACCOUNT: Family = Family {
    noun: "account",
    path: "/account",
    many: "accounts",
    one: "account",
    query: |_| Vec::new(),
    rows: &[
        Attr::computed("droplet_limit", Ty::Number, "How many droplets it may have."),
        Attr::computed("floating_ip_limit", Ty::Number, "How many reserved addresses it may have."),
        Attr::computed("email", Ty::String, "The user's address."),
        Attr::computed("uuid", Ty::String, "Its id."),
        Attr::computed("email_verified", Ty::Bool, "Whether the address was verified."),
        Attr::computed("status", Ty::String, "active, warning or locked."),
        Attr::computed("status_message", Ty::String, "More on that."),
    ],
    from: &[],
    also: None,
    see: "`doctl account get` shows it.",
    scopes: &["account:read"],
};

const PROJECT_ROWS: &[Attr] = &[
    Attr::computed("id", Ty::String, "Its id."),
    Attr::computed("name", Ty::String, "Its name."),
    Attr::computed("description", Ty::String, "What it is."),
    Attr::computed("purpose", Ty::String, "What it is for."),
    Attr::computed("environment", Ty::String, "Development, Staging or Production."),
    Attr::computed("owner_uuid", Ty::String, "Whose it is."),
    Attr::computed("owner_id", Ty::Number, "Whose it is, as a number."),
    Attr::computed("is_default", Ty::Bool, "Whether what names no project goes there."),
    Attr::computed("created_at", Ty::String, "When it was made."),
    Attr::computed("updated_at", Ty::String, "When it was changed."),
    Attr::computed("resources", Ty::Set(&Ty::String), "The urns of what lies in it."),
];
static PROJECT: Family = Family {
    noun: "project",
    path: "/projects",
    many: "projects",
    one: "project",
    query: |_| Vec::new(),
    rows: PROJECT_ROWS,
    from: &[("purpose", From::Of(|project| project["purpose"].as_str().map_or("", |text| text.trim_start_matches("Other: ")).into()))],
    also: Some(Also { name: "resources", part: "resources", many: "resources", text: "urn" }),
    see: "`doctl projects list` shows what there is.",
    scopes: &["project:read"],
};

const TAG_ROWS: &[Attr] = &[
    Attr::computed("name", Ty::String, "The tag."),
    Attr::computed("total_resource_count", Ty::Number, "How many objects carry it."),
    Attr::computed("droplets_count", Ty::Number, "How many droplets do."),
    Attr::computed("images_count", Ty::Number, "How many images do."),
    Attr::computed("volumes_count", Ty::Number, "How many volumes do."),
    Attr::computed("volume_snapshots_count", Ty::Number, "How many snapshots of volumes do."),
    Attr::computed("databases_count", Ty::Number, "How many databases do."),
];
static TAG: Family = Family {
    noun: "tag",
    path: "/tags",
    many: "tags",
    one: "tag",
    query: |_| Vec::new(),
    rows: TAG_ROWS,
    from: &[
        ("total_resource_count", From::At("/resources/count")),
        ("droplets_count", From::At("/resources/droplets/count")),
        ("images_count", From::At("/resources/images/count")),
        ("volumes_count", From::At("/resources/volumes/count")),
        ("volume_snapshots_count", From::At("/resources/volume_snapshots/count")),
        ("databases_count", From::At("/resources/databases/count")),
    ],
    also: None,
    see: "`doctl compute tag list` shows what there is.",
    scopes: &["tag:read"],
};
