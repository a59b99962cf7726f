//! Volumes, snapshots, load balancers, certificates, container registries and keys of Spaces.
//!
//! Invariant: attributes and arguments are the official provider's; what is given of an object is what its resource type reads.

use super::listed::{Listed, MOST_RECENT, NAME_REGEX};
use super::source::{Source, argument};
use crate::attr::{Attr, Ty};

pub(super) static SOURCES: [Source; 7] = [
    Source::listed("digitalocean_certificate", &CERTIFICATE),
    Source::listed("digitalocean_container_registry", &REGISTRY),
    Source::listed("digitalocean_droplet_snapshot", &OF_DROPLET).with(AMONG_SNAPSHOTS),
    Source::listed("digitalocean_loadbalancer", &LOADBALANCER),
    Source::listed("digitalocean_spaces_key", &KEY),
    Source::listed("digitalocean_volume", &VOLUME),
    Source::listed("digitalocean_volume_snapshot", &OF_VOLUME).with(AMONG_SNAPSHOTS),
];

const AMONG_SNAPSHOTS: &[Attr] = &[
    argument(NAME_REGEX, Ty::String, "A pattern of its name."),
    argument("region", Ty::String, "A region that it is in."),
    argument(MOST_RECENT, Ty::Bool, "Whether the newest is taken where several fit."),
];

static REGISTRY: Listed = Listed {
    kind: "digitalocean_container_registry",
    noun: "container registry",
    by: &["name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl registry get` shows what there is.",
};

static OF_DROPLET: Listed = Listed {
    kind: "digitalocean_droplet_snapshot",
    noun: "snapshot of a droplet",
    by: &["name", NAME_REGEX],
    within: &["region"],
    also: &[],
    scopes: &["snapshot:read"],
    see: "`doctl compute snapshot list --resource droplet` shows what there is.",
};

static OF_VOLUME: Listed = Listed {
    kind: "digitalocean_volume_snapshot",
    noun: "snapshot of a volume",
    by: &["name", NAME_REGEX],
    within: &["region"],
    also: &[],
    scopes: &["snapshot:read", "tag:read"],
    see: "`doctl compute snapshot list --resource volume` shows what there is.",
};

static CERTIFICATE: Listed = Listed {
    kind: "digitalocean_certificate",
    noun: "certificate",
    by: &["name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl compute certificate list` shows what there is.",
};

static LOADBALANCER: Listed = Listed {
    kind: "digitalocean_loadbalancer",
    noun: "load balancer",
    by: &["id", "name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl compute load-balancer list` shows what there is.",
};

static VOLUME: Listed = Listed {
    kind: "digitalocean_volume",
    noun: "volume",
    by: &["name"],
    within: &["region"],
    also: &[],
    scopes: &[],
    see: "`doctl compute volume list` shows what there is.",
};

static KEY: Listed = Listed {
    kind: "digitalocean_spaces_key",
    noun: "Spaces key",
    by: &["name"],
    within: &[],
    also: &[],
    scopes: &[],
    see: "`doctl spaces keys list` shows what there is.",
};
