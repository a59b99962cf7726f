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
use super::{addresses, apps, databases, images, kubernetes, registries, spaces_keys};

type Fields = Map<String, Value>;

/// A field, and what makes its value of the seed and the object's identifier.
type ToldOnce = (&'static str, fn(u64, &str) -> String);

/// How the objects of a family behave.
pub(super) struct Rules {
    /// Of the collection.
    path: &'static str,
    /// What no two of them share, together.
    pub(super) unique: &'static [&'static [&'static str]],
    /// A field, what it is at first, and what it will be by itself.
    pub(super) ripens: Option<[&'static str; 3]>,
    /// Refuses what the account or the token does not allow, at a create or a change.
    pub(super) asks: fn(&mut World, &Call<'_>, &Fields) -> Result<(), Refusal>,
    /// What the API makes of what was asked for.
    pub(super) becomes: fn(&mut World, &str, &mut Fields),
    /// Whether a PUT leaves what it does not name as it is.
    pub(super) is_partial: bool,
    /// What happens when somebody looks at one.
    pub(super) looks: fn(&mut World, &str),
    /// What of it is shown, and how.
    pub(super) shows: fn(&World, &Scopes, &mut Fields),
    /// A field that the answer to a create has and no other, and what it is: of the seed and the identifier.
    pub(super) tells_once: Option<ToldOnce>,
    /// Refuses a deletion.
    pub(super) goes: fn(&mut World, &str) -> Result<(), Refusal>,
}

const NONE: Rules = Rules {
    path: "",
    unique: &[],
    ripens: None,
    asks: |_, _, _| Ok(()),
    becomes: |_, _, _| {},
    is_partial: false,
    looks: |_, _| {},
    shows: |_, _, _| {},
    tells_once: None,
    goes: |_, _| Ok(()),
};

static PLAIN: Rules = NONE;

static RULES: &[Rules] = &[
    Rules { path: "/v2/apps", asks: apps::asks, becomes: apps::becomes, looks: apps::looks, shows: apps::shows, goes: apps::goes, ..NONE },
    Rules {
        path: "/v2/cdn/endpoints",
        unique: &[&["origin"]],
        becomes: |_, _, fields| {
            let origin = fields.get("origin").and_then(Value::as_str).unwrap_or_default();
            let endpoint = origin.replace(".digitaloceanspaces.com", ".cdn.digitaloceanspaces.com");
            fields.insert("endpoint".to_owned(), json!(endpoint));
        },
        ..NONE
    },
    Rules {
        path: "/v2/certificates",
        unique: &[&["name"]],
        ripens: Some(["state", "pending", "verified"]),
        becomes: |_, _, fields| {
            let name = fields.get("name").map(Value::to_string).unwrap_or_default();
            fields.entry("type").or_insert_with(|| json!("custom"));
            fields.insert("sha1_fingerprint".to_owned(), json!(format!("{:040x}", ids::hash(0, &[&name]))));
        },
        ..NONE
    },
    Rules {
        path: "/v2/databases",
        unique: &[&["name"]],
        ripens: Some(["status", "creating", "online"]),
        becomes: databases::cluster_becomes,
        ..NONE
    },
    Rules { path: "/v2/databases/{database_cluster_uuid}/dbs", unique: &[&["name"]], ..NONE },
    Rules { path: "/v2/databases/{database_cluster_uuid}/pools", unique: &[&["name"]], becomes: databases::pool_becomes, ..NONE },
    Rules {
        path: "/v2/databases/{database_cluster_uuid}/replicas",
        unique: &[&["name"]],
        ripens: Some(["status", "forking", "online"]),
        becomes: databases::replica_becomes,
        ..NONE
    },
    Rules { path: "/v2/databases/{database_cluster_uuid}/users", unique: &[&["name"]], becomes: databases::user_becomes, ..NONE },
    Rules {
        path: "/v2/images",
        ripens: Some(["status", "NEW", "available"]),
        asks: images::asks,
        becomes: images::becomes,
        is_partial: true,
        looks: images::looks,
        shows: images::shows,
        ..NONE
    },
    Rules {
        path: "/v2/kubernetes/clusters",
        ripens: Some(["status", "provisioning", "running"]),
        asks: kubernetes::cluster_asks,
        becomes: kubernetes::cluster_becomes,
        is_partial: true,
        looks: kubernetes::cluster_looks,
        shows: kubernetes::cluster_shows,
        ..NONE
    },
    Rules {
        path: "/v2/kubernetes/clusters/{cluster_id}/node_pools",
        unique: &[&["name"]],
        ripens: Some(["state", "provisioning", "running"]),
        asks: kubernetes::pool_asks,
        becomes: kubernetes::pool_becomes,
        is_partial: true,
        shows: kubernetes::pool_shows,
        ..NONE
    },
    Rules {
        path: "/v2/load_balancers",
        ripens: Some(["status", "new", "active"]),
        asks: load_balancers::asks,
        becomes: load_balancers::becomes,
        shows: load_balancers::shows,
        ..NONE
    },
    Rules { path: "/v2/registries", unique: &[&["name"]], becomes: registries::becomes, ..NONE },
    Rules { path: "/v2/reserved_ipv6", looks: addresses::looks, shows: addresses::shows, ..NONE },
    Rules {
        path: "/v2/spaces/keys",
        asks: spaces_keys::asks,
        is_partial: true,
        tells_once: Some(("secret_key", spaces_keys::secret)),
        ..NONE
    },
    Rules { path: "/v2/snapshots", shows: volumes::shows_snapshot, ..NONE },
    Rules {
        path: "/v2/volumes",
        unique: &[&["name", "region"]],
        asks: volumes::asks,
        looks: World::look_volume,
        shows: volumes::shows,
        goes: volumes::goes,
        ..NONE
    },
    Rules {
        path: "/v2/vpc_peerings",
        unique: &[&["name"]],
        ripens: Some(["status", "PROVISIONING", "ACTIVE"]),
        asks: vpcs::asks_of_peering,
        ..NONE
    },
];

impl Rules {
    /// The rules of a family.
    pub(super) fn of(family: &Family) -> &'static Self {
        RULES.iter().find(|rules| rules.path == family.path).unwrap_or(&PLAIN)
    }
}
