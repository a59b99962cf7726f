//! The attributes of a droplet, and the scopes of its operations.
//!
//! Invariant: a table; nothing is decided here.

use crate::Kind as _;
use crate::attr::{AWAIT_READY, Attr, CREATED_AT, Change, Compare, Echo, Held, Lit, POWER_ON, Reads, TIMEOUTS, Ty, URN};
use crate::compare::{SET, TAGS, UNCOMPARED};
use crate::erased::Scopes;
use crate::ssh_key::SshKey;
use crate::vpc::Vpc;

const POLICY: &[Attr] = &[
    Attr::optional("plan", Ty::String, Change::InPlace("backups"), "daily or weekly."),
    Attr::optional("weekday", Ty::String, Change::InPlace("backups"), "SUN to SAT, for a weekly plan."),
    Attr::optional("hour", Ty::Number, Change::InPlace("backups"), "The hour at which the window opens: 0, 4, 8, 12, 16 or 20."),
];

/// The resource type.
pub(super) const NAME: &str = "digitalocean_droplet";
/// The attribute table.
pub(super) const ROWS: &[Attr] = &[
    Attr::computed("id", Ty::String, "The droplet's number."),
    Attr::required("name", Ty::String, Change::InPlace("rename"), "Its name, which becomes its host name."),
    // The slug of a withdrawn image vanishes from the answers: what was asked for is what counts.
    Attr::required("image", Ty::String, Change::Replace, "The image's slug or number.").write_only().scopes(&["image:read"]),
    Attr::chosen("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
    Attr::required("size", Ty::String, Change::Disruptive("resize"), "The size's slug.").compare(Compare::NoCase),
    Attr::optional("resize_disk", Ty::Bool, Change::Local, "Whether a resize grows the disk too, for good.")
        .default(Lit::Bool(true))
        .write_only(),
    Attr::optional("graceful_shutdown", Ty::Bool, Change::Local, "Whether it is asked to shut down before its power is cut.")
        .default(Lit::Bool(false))
        .write_only()
        .leave_scopes(&["droplet:update"]),
    Attr::optional("backups", Ty::Bool, Change::InPlace("backups"), "Whether it is backed up.").default(Lit::Bool(false)),
    Attr::optional("backup_policy", Ty::List(&Ty::Object(POLICY)), Change::InPlace("backups"), "When it is backed up.")
        .block()
        .write_only(),
    Attr::optional("ipv6", Ty::Bool, Change::Enable("ipv6"), "Whether it has an IPv6 address.").default(Lit::Bool(false)),
    Attr::chosen("ipv6_address", Ty::String, Change::Local, "Its public IPv6 address; DigitalOcean chooses it, whatever is written.")
        .compare(UNCOMPARED)
        .echo(Echo::Unforeseen)
        .follows(&["ipv6", AWAIT_READY]),
    Attr::optional("monitoring", Ty::Bool, Change::Replace, "Whether the metrics agent is installed.").default(Lit::Bool(false)),
    Attr::optional("droplet_agent", Ty::Bool, Change::Replace, "Whether the console's agent is installed; by default if it can be.")
        .write_only(),
    Attr::chosen("private_networking", Ty::Bool, Change::Local, "Without effect: every droplet is in a VPC.")
        .compare(UNCOMPARED)
        .echo(Echo::Unforeseen),
    Attr::chosen("public_networking", Ty::Bool, Change::Replace, "Whether it has a public address.").follows(&[AWAIT_READY]),
    Attr::optional("ssh_keys", Ty::Set(&Ty::String), Change::Replace, "Numbers or fingerprints of the keys that may log in.")
        .write_only()
        .compare(SET)
        .names(&[SshKey::NAME], &["id", "fingerprint"])
        .scopes(&["ssh_key:read"]),
    Attr::optional("user_data", Ty::String, Change::Replace, "What it does at its first boot, up to 64 KiB.").hidden().write_only(),
    Attr::chosen("volume_ids", Ty::Set(&Ty::String), Change::InPlace("volumes"), "The volumes that are attached.")
        .compare(SET)
        .echo(Echo::Written)
        .reads(Reads::WhenSet)
        .names_near(&["digitalocean_volume"], &["id"])
        .scopes(&["block_storage:read", "block_storage_action:create", "block_storage_action:read"]),
    Attr::chosen("vpc_uuid", Ty::String, Change::Replace, "The VPC; by default the region's own.")
        .compare(Compare::NoCase)
        .names_near(&[Vpc::NAME], &["id"])
        .scopes(&["vpc:read"])
        .read_scopes(&["vpc:read"]),
    Attr::optional("gpu_partition_mode", Ty::String, Change::Replace, "How a GPU is shared.").write_only(),
    Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), "Its tags.")
        .compare(TAGS)
        .echo(Echo::Written)
        .scopes(&["tag:create"])
        .read_scopes(&["tag:read"]),
    TIMEOUTS,
    Attr::computed("ipv4_address", Ty::String, "Its public address.").follows(&[AWAIT_READY]),
    Attr::computed("ipv4_address_private", Ty::String, "Its address in the VPC.").follows(&[AWAIT_READY]),
    Attr::computed("status", Ty::String, "new, active, off or archive; one that was active and is off is powered on.")
        .follows(&["resize", POWER_ON, AWAIT_READY])
        .held(Held { state: "active", lost: "off", edit: POWER_ON }),
    Attr::computed("locked", Ty::Bool, "Whether DigitalOcean has locked it.").follows(&[AWAIT_READY]),
    Attr::computed("disk", Ty::Number, "Its disk in GB.").follows(&["resize"]),
    Attr::computed("memory", Ty::Number, "Its memory in MB.").follows(&["resize"]),
    Attr::computed("vcpus", Ty::Number, "Its processors.").follows(&["resize"]),
    Attr::computed("price_hourly", Ty::Number, "Dollars an hour.").compare(UNCOMPARED).follows(&["resize"]),
    Attr::computed("price_monthly", Ty::Number, "Dollars a month.").compare(UNCOMPARED).follows(&["resize"]),
    URN,
    CREATED_AT,
];
/// The scopes.
pub(super) const SCOPES: Scopes = Scopes {
    read: &["droplet:read", "tag:read"],
    create: &["droplet:create", "droplet:read", "image:read", "regions:read", "account:read", "tag:create", "tag:read"],
    // A resize needs `droplet:create` too.
    update: &["droplet:update", "droplet:read", "droplet:create", "regions:read", "sizes:read", "tag:create", "tag:delete"],
    // The stack's tag goes last.
    delete: &["droplet:delete", "droplet:read", "tag:delete"],
};
