//! How the objects of plain families behave beyond their fields.
//!
//! Invariant: by hand, from what is known of the API; what the description says of fields stands in it. A family without a row
//! here is a collection and nothing more.

use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::wire::Call;
use super::super::world::World;
use super::super::{ids, load_balancers, volumes, vpcs};
use super::family::Family;
use super::{addresses, apps, databases, images, kubernetes, networks, registries, spaces_keys};

type Fields = Map<String, Value>;

/// A field, and what makes its value of the seed and the object's identifier.
type Once = (&'static str, fn(u64, &str) -> String);

/// How the objects of a family behave.
pub(super) struct Rules {
    /// Of the collection.
    path: &'static str,
    /// The fields that no two of them share, together.
    pub(super) unique: &'static [&'static [&'static str]],
    /// A field, what it is at first, and what it will be by itself.
    pub(super) transition: Option<[&'static str; 3]>,
    /// Refuses what the account or the token does not allow, at a create or a change.
    pub(super) validate: fn(&mut World, &Call<'_>, &Fields) -> Result<(), Refusal>,
    /// Adds the fields that the API itself fills in.
    pub(super) complete: fn(&mut World, &str, &mut Fields),
    /// Whether a PUT leaves what it does not name as it is.
    pub(super) is_partial: bool,
    /// Called at each read of an object.
    pub(super) on_poll: fn(&mut World, &str),
    /// Turns stored fields into those that an answer shows.
    pub(super) render: fn(&World, &Scopes, &mut Fields),
    /// A field that the answer to a create has and no other, and what it is: of the seed and the identifier.
    pub(super) once: Option<Once>,
    /// Refuses a deletion.
    pub(super) before_delete: fn(&mut World, &str) -> Result<(), Refusal>,
}

const NONE: Rules = Rules {
    path: "",
    unique: &[],
    transition: None,
    validate: |_, _, _| Ok(()),
    complete: |_, _, _| {},
    is_partial: false,
    on_poll: |_, _| {},
    render: |_, _, _| {},
    once: None,
    before_delete: |_, _| Ok(()),
};

static PLAIN: Rules = NONE;

static RULES: &[Rules] = &[
    Rules {
        path: "/v2/apps",
        validate: apps::validate,
        complete: apps::complete,
        on_poll: apps::on_poll,
        render: apps::render,
        before_delete: apps::before_delete,
        ..NONE
    },
    Rules {
        path: "/v2/cdn/endpoints",
        unique: &[&["origin"]],
        complete: |_, _, fields| {
            let origin = fields.get("origin").and_then(Value::as_str).unwrap_or_default();
            let endpoint = origin.replace(".digitaloceanspaces.com", ".cdn.digitaloceanspaces.com");
            fields.insert("endpoint".to_owned(), json!(endpoint));
        },
        ..NONE
    },
    Rules {
        path: "/v2/certificates",
        unique: &[&["name"]],
        transition: Some(["state", "pending", "verified"]),
        complete: |_, _, fields| {
            let name = fields.get("name").map(Value::to_string).unwrap_or_default();
            fields.entry("type").or_insert_with(|| json!("custom"));
            fields.insert("sha1_fingerprint".to_owned(), json!(format!("{:040x}", ids::hash(0, &[&name]))));
        },
        ..NONE
    },
    Rules {
        path: "/v2/databases",
        unique: &[&["name"]],
        transition: Some(["status", "creating", "online"]),
        complete: databases::complete_cluster,
        ..NONE
    },
    Rules { path: "/v2/databases/{database_cluster_uuid}/dbs", unique: &[&["name"]], ..NONE },
    // The sort of a sink stays.
    Rules { path: "/v2/databases/{database_cluster_uuid}/logsink", complete: databases::complete_sink, ..NONE },
    Rules { path: "/v2/databases/{database_cluster_uuid}/pools", unique: &[&["name"]], complete: databases::complete_pool, ..NONE },
    Rules {
        path: "/v2/databases/{database_cluster_uuid}/replicas",
        unique: &[&["name"]],
        transition: Some(["status", "forking", "online"]),
        complete: databases::complete_replica,
        ..NONE
    },
    Rules { path: "/v2/databases/{database_cluster_uuid}/users", unique: &[&["name"]], complete: databases::complete_user, ..NONE },
    Rules {
        path: "/v2/images",
        transition: Some(["status", "NEW", "available"]),
        validate: images::validate,
        complete: images::complete,
        is_partial: true,
        on_poll: images::on_poll,
        render: images::render,
        ..NONE
    },
    Rules {
        path: "/v2/kubernetes/clusters",
        transition: Some(["status", "provisioning", "running"]),
        validate: kubernetes::validate_cluster,
        complete: kubernetes::complete_cluster,
        is_partial: true,
        on_poll: kubernetes::poll_pools_of,
        render: kubernetes::render_cluster,
        ..NONE
    },
    Rules {
        path: "/v2/kubernetes/clusters/{cluster_id}/node_pools",
        unique: &[&["name"]],
        transition: Some(["state", "provisioning", "running"]),
        validate: kubernetes::validate_pool,
        complete: kubernetes::complete_pool,
        is_partial: true,
        render: kubernetes::render_pool,
        ..NONE
    },
    Rules {
        path: "/v2/load_balancers",
        transition: Some(["status", "new", "active"]),
        validate: load_balancers::validate,
        complete: load_balancers::complete,
        render: load_balancers::render,
        ..NONE
    },
    Rules {
        path: "/v2/partner_network_connect/attachments",
        transition: Some(["state", "CREATING", "CREATED"]),
        validate: networks::validate_attachment,
        complete: networks::complete_attachment,
        render: networks::render_attachment,
        is_partial: true,
        ..NONE
    },
    Rules { path: "/v2/registries", unique: &[&["name"]], complete: registries::complete, ..NONE },
    Rules { path: "/v2/reserved_ipv6", on_poll: addresses::on_poll, render: addresses::render, ..NONE },
    Rules {
        path: "/v2/spaces/keys",
        validate: spaces_keys::validate,
        is_partial: true,
        once: Some(("secret_key", spaces_keys::secret)),
        ..NONE
    },
    Rules { path: "/v2/snapshots", render: volumes::render_snapshot, ..NONE },
    Rules {
        path: "/v2/volumes",
        unique: &[&["name", "region"]],
        validate: volumes::validate,
        on_poll: World::poll_volume,
        render: volumes::render,
        before_delete: volumes::before_delete,
        ..NONE
    },
    Rules {
        path: "/v2/vpc_nat_gateways",
        transition: Some(["state", "NEW", "ACTIVE"]),
        validate: networks::validate_gateway,
        complete: networks::complete_gateway,
        is_partial: true,
        ..NONE
    },
    Rules {
        path: "/v2/vpc_peerings",
        unique: &[&["name"]],
        transition: Some(["status", "PROVISIONING", "ACTIVE"]),
        validate: vpcs::validate_peering,
        ..NONE
    },
];

impl Rules {
    /// The rules of a family.
    pub(super) fn of(family: &Family) -> &'static Self {
        RULES.iter().find(|rules| rules.path == family.path).unwrap_or(&PLAIN)
    }
}
