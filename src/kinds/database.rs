//! Databases: clusters, and what lies in them.
//!
//! Invariant: what a connection needs comes from the API with the object; its passwords and addresses with passwords are sensitive.
//! A cluster is changed by requests of its own for each part, and waited for.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::attr::{AWAIT_READY, Attr, CREATED_AT, Change, Compare, EditName, TIMEOUTS, Ty, URN};
use super::compare::TAGS;
use super::complaints::{self, Complaints};
use super::erased::{Fut, Scopes};
use super::plain::{Collection, Form, Hooks, Plain, Ready, Taken, UPDATE, Unique, Update, scopes};
use super::tagging;
use super::valid::Valid;
use super::{if_there, no_edit};
use dofloat_api::client::{Client, segment};
use dofloat_api::error::ApiError;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// The official provider waits as long.
const LIMIT: Duration = Duration::from_secs(30 * 60);
const IN_PLACE: Change = Change::InPlace(UPDATE);
const SCOPES: Scopes = scopes!("database");
const FIXED: Scopes = scopes!("database", fixed);
const ONLINE: Option<Ready> = Some(Ready { attr: "status", is: &["online"], never: &[], limit: LIMIT });

const fn cluster_id(doc: &'static str) -> Attr {
    Attr::required("cluster_id", Ty::String, Change::Replace, doc).names(&["digitalocean_database_cluster"], &["id"])
}

const fn text(name: &'static str, pointer: &'static str, doc: &'static str) -> Attr {
    Attr::computed(name, Ty::String, doc).at(pointer).follows(&[AWAIT_READY])
}

/// `digitalocean_database_cluster`.
pub(crate) static CLUSTER: Plain = Plain {
    name: "digitalocean_database_cluster",
    noun: "database cluster",
    scopes: SCOPES,
    at: Collection { path: "/databases", one: "database", many: "databases", id: "id", key: None },
    unique: &[Unique { attrs: &["name"], noun: "name", taken: Taken::Refuse }],
    ready: ONLINE,
    urn: "dbaas",
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The cluster's uuid."),
        Attr::required("name", Ty::String, Change::Replace, "Its name.").valid(Valid::UpTo(63)),
        Attr::required("engine", Ty::String, Change::Replace, "pg, mysql, redis, valkey, mongodb, kafka or opensearch.")
            .valid(Valid::OneOf(&["pg", "mysql", "redis", "valkey", "mongodb", "kafka", "opensearch", "advanced_pg", "advanced_mysql"])),
        Attr::required("version", Ty::String, Change::InPlace("upgrade"), "The engine's version."),
        Attr::required("size", Ty::String, Change::InPlace("resize"), "The slug of its nodes' size."),
        Attr::required("region", Ty::String, Change::InPlace("migrate"), "The region's slug.").compare(Compare::NoCase),
        Attr::required("node_count", Ty::Number, Change::InPlace("resize"), "How many nodes it has.").wire("num_nodes", "/num_nodes"),
        Attr::chosen("storage_size_mib", Ty::Number, Change::InPlace("resize"), "The size of its storage in MiB.").follows(&["resize"]),
        Attr::chosen("maintenance_window", Ty::List(&Ty::Object(WINDOW)), Change::InPlace("maintenance"), "When it may be updated.")
            .single(),
        Attr::chosen("eviction_policy", Ty::String, Change::InPlace("eviction_policy"), "What Redis or Valkey forgets when it is full.")
            .valid(Valid::OneOf(&["noeviction", "allkeys_lru", "allkeys_random", "volatile_lru", "volatile_random", "volatile_ttl"])),
        Attr::chosen("sql_mode", Ty::String, Change::InPlace("sql_mode"), "The SQL modes of MySQL, by commas."),
        Attr::chosen("private_network_uuid", Ty::String, Change::Replace, "The VPC that it is in.").names(&["digitalocean_vpc"], &["id"]),
        Attr::chosen("project_id", Ty::String, Change::Replace, "The project that it is in."),
        Attr::optional("tags", Ty::Set(&Ty::String), Change::InPlace("tags"), "Its tags.")
            .compare(TAGS)
            .scopes(&["tag:create", "tag:delete"]),
        Attr::optional("backup_restore", Ty::List(&Ty::Object(RESTORE)), Change::Replace, "The backup that it begins with.")
            .single()
            .write_only(),
        TIMEOUTS,
        Attr::computed("status", Ty::String, "creating, online, resizing, migrating or forking.").follows(&[AWAIT_READY]).volatile(),
        text("host", "/connection/host", "The host that it listens on."),
        Attr::computed("port", Ty::Number, "The port that it listens on.").at("/connection/port").follows(&[AWAIT_READY]),
        text("uri", "/connection/uri", "All that a connection needs.").sensitive(),
        text("database", "/connection/database", "The name of its first database."),
        text("user", "/connection/user", "The name of its first user."),
        text("password", "/connection/password", "The first user's password.").sensitive(),
        text("private_host", "/private_connection/host", "The host within the VPC."),
        text("private_uri", "/private_connection/uri", "All that a connection within the VPC needs.").sensitive(),
        text("ui_host", "/ui_connection/host", "The host of OpenSearch's dashboard."),
        Attr::computed("ui_port", Ty::Number, "The port of OpenSearch's dashboard.").at("/ui_connection/port").follows(&[AWAIT_READY]),
        text("ui_uri", "/ui_connection/uri", "All that OpenSearch's dashboard needs.").sensitive(),
        text("ui_database", "/ui_connection/database", "The database of OpenSearch's dashboard."),
        text("ui_user", "/ui_connection/user", "The user of OpenSearch's dashboard."),
        text("ui_password", "/ui_connection/password", "The password of OpenSearch's dashboard.").sensitive(),
        URN,
    ],
    hooks: Hooks {
        check: check_cluster,
        sent: Some(without_later),
        seen: Some(with_policies),
        after_create: Some(after_create),
        edit: Some(edit_cluster),
        ..Hooks::NONE
    },
    ..Plain::NOTHING
};

const WINDOW: &[Attr] = &[
    Attr::required("day", Ty::String, Change::InPlace("maintenance"), "The day of the week.").compare(Compare::NoCase),
    Attr::required("hour", Ty::String, Change::InPlace("maintenance"), "The hour in UTC, as 04:00.").compare(Compare::Normal(hour)),
];

const RESTORE: &[Attr] = &[
    Attr::required("database_name", Ty::String, Change::Replace, "The cluster whose backup it is."),
    Attr::optional("backup_created_at", Ty::String, Change::Replace, "When the backup was made; the latest otherwise."),
];

/// The settings that a create does not take: each is set by a request of its own.
const LATER: [&str; 3] = ["maintenance_window", "eviction_policy", "sql_mode"];

/// An hour without its seconds, which the API adds.
fn hour(value: &Value) -> Value {
    match value.as_str().map(|text| text.splitn(3, ':').collect::<Vec<_>>()) {
        Some(parts) if parts.len() == 3 => format!("{}:{}", parts[0], parts[1]).into(),
        _ => value.clone(),
    }
}

/// Which engine has a policy of its own, and its name.
fn policy(engine: &str) -> Option<&'static str> {
    match engine {
        "redis" | "valkey" => Some("eviction_policy"),
        "mysql" => Some("sql_mode"),
        _ => None,
    }
}

fn check_cluster(body: &Term, complaints: &mut Complaints) {
    let Some(engine) = complaints::text(body, "engine") else { return };
    for name in ["eviction_policy", "sql_mode"] {
        if complaints::is_given(body, name) && policy(&engine) != Some(name) {
            complaints.error(&[name], format!("A database cluster of the engine {engine} has no `{name}`."), "Remove it.");
        }
    }
}

fn without_later<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    LATER.iter().for_each(|name| drop(fields.remove(*name)));
    Box::pin(async { Ok(()) })
}

/// Adds what the API tells in a place of its own.
fn with_policies<'a>(api: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    Box::pin(async move {
        for body in bodies {
            let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
            let Some(name) = policy(word("engine")).filter(|_| word("status") == "online") else { continue };
            let path = format!("/databases/{}/{name}", segment(word("id")));
            let found = if_there(api.get::<Map<String, Json>>(&path, &[]).await)?;
            if let Some(text) = found.as_ref().and_then(|found| found.get(name)?.as_str()) {
                body.insert(name.to_owned(), text.into());
            }
        }
        Ok(())
    })
}

/// Sets what a create does not take, once the cluster can be asked for it.
fn after_create<'a>(api: &'a Client, id: &'a Id, wanted: &'a Term) -> Fut<'a, ()> {
    Box::pin(async move {
        let written: Body = LATER.iter().filter_map(|name| Some(((*name).to_owned(), wanted.get(name).value()?.clone()))).collect();
        let written: Body = written.into_iter().filter(|(_, value)| *value != Value::Null).collect();
        if written.is_empty() {
            return Ok(());
        }
        CLUSTER.until_ready(api, id, "create").await?;
        for name in written.keys() {
            let edit = if name == "maintenance_window" { "maintenance" } else { name };
            put_part(api, id, edit, &written).await?;
        }
        Ok(())
    })
}

/// A part of a cluster as it is wanted, by a request of its own.
async fn put_part(api: &Client, id: &Id, edit: &str, wanted: &Body) -> Result<(), ApiError> {
    let of = |name: &str| wanted.get(name).map_or(Json::Null, Value::to_json);
    let sent = match edit {
        "resize" => {
            let mut sent = json!({ "size": of("size"), "num_nodes": of("node_count") });
            if !of("storage_size_mib").is_null() {
                sent["storage_size_mib"] = of("storage_size_mib");
            }
            sent
        }
        "migrate" => json!({ "region": of("region").as_str().unwrap_or_default().to_lowercase() }),
        "upgrade" => json!({ "version": of("version") }),
        "maintenance" => {
            let window = of("maintenance_window")[0].take();
            json!({ "day": window["day"].as_str().unwrap_or_default().to_lowercase(), "hour": window["hour"] })
        }
        name => json!({ name: of(name) }),
    };
    api.replace(&format!("/databases/{}/{edit}", segment(&id.0)), &sent).await
}

fn edit_cluster<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, seen: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        if edit == "tags" {
            return tagging::change(api, "database", id, &tagging::texts(wanted, "tags"), &tagging::texts(seen, "tags")).await;
        }
        put_part(api, id, edit, wanted).await?;
        CLUSTER.until_ready(api, id, "update").await.map(drop)
    })
}

/// `digitalocean_database_db`.
pub(crate) static DB: Plain = Plain {
    name: "digitalocean_database_db",
    noun: "database",
    scopes: FIXED,
    at: Collection { path: "/databases/{cluster_id}/dbs", one: "db", many: "dbs", id: "name", key: None },
    unique: &[Unique { attrs: &["cluster_id", "name"], noun: "cluster and name", taken: Taken::Refuse }],
    attrs: &[
        Attr::computed("id", Ty::String, "The database's name."),
        cluster_id("The cluster that it is in."),
        Attr::required("name", Ty::String, Change::Replace, "Its name.").identity(),
    ],
    ..Plain::NOTHING
};

/// `digitalocean_database_user`.
pub(crate) static USER: Plain = Plain {
    name: "digitalocean_database_user",
    noun: "database user",
    scopes: SCOPES,
    at: Collection { path: "/databases/{cluster_id}/users", one: "user", many: "users", id: "name", key: None },
    unique: &[Unique { attrs: &["cluster_id", "name"], noun: "cluster and name", taken: Taken::Refuse }],
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The user's name."),
        cluster_id("The cluster that it may use."),
        Attr::required("name", Ty::String, Change::Replace, "Its name.").identity(),
        Attr::chosen("mysql_auth_plugin", Ty::String, Change::InPlace("reset_auth"), "How a user of MySQL proves who it is.")
            .at("/mysql_settings/auth_plugin")
            .valid(Valid::OneOf(&["mysql_native_password", "caching_sha2_password"])),
        Attr::optional("settings", Ty::List(&Ty::Object(SETTINGS)), IN_PLACE, "What it may do in Kafka or OpenSearch.").single(),
        Attr::computed("role", Ty::String, "primary or normal."),
        Attr::computed("password", Ty::String, "Its password.").sensitive().follows(&["reset_auth"]),
        Attr::computed("access_cert", Ty::String, "Its certificate, for Kafka.").sensitive(),
        Attr::computed("access_key", Ty::String, "Its key, for Kafka.").sensitive(),
    ],
    hooks: Hooks { sent: Some(nested_plugin), edit: Some(reset_auth), ..Hooks::NONE },
    ..Plain::NOTHING
};

const SETTINGS: &[Attr] = &[
    Attr::optional("acl", Ty::List(&Ty::Object(ACL)), IN_PLACE, "What it may do with topics of Kafka.").blocks(),
    Attr::optional("opensearch_acl", Ty::List(&Ty::Object(INDICES)), IN_PLACE, "What it may do with indices of OpenSearch.").blocks(),
];
const ACL: &[Attr] = &[
    Attr::computed("id", Ty::String, "The rule's id."),
    Attr::required("topic", Ty::String, IN_PLACE, "The topics that it is about."),
    Attr::required("permission", Ty::String, IN_PLACE, "admin, consume, produce or produceconsume.").valid(Valid::OneOf(&[
        "admin",
        "consume",
        "produce",
        "produceconsume",
    ])),
];
const INDICES: &[Attr] = &[
    Attr::required("index", Ty::String, IN_PLACE, "The indices that it is about."),
    Attr::required("permission", Ty::String, IN_PLACE, "deny, admin, read, write or readwrite.").valid(Valid::OneOf(&[
        "deny",
        "admin",
        "read",
        "write",
        "readwrite",
    ])),
];

/// The plugin lies in an object of its own. And a PUT has to have `settings`: without a block the user may do nothing.
fn nested_plugin<'a>(_: &'a Client, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    let is_put = !fields.contains_key("name");
    if is_put && !fields.contains_key("settings") {
        fields.insert("settings".to_owned(), json!({ "acl": [], "opensearch_acl": [] }));
    }
    if let Some(plugin) = fields.remove("mysql_auth_plugin") {
        fields.insert("mysql_settings".to_owned(), json!({ "auth_plugin": plugin }));
    }
    Box::pin(async { Ok(()) })
}

fn reset_auth<'a>(api: &'a Client, id: &'a Id, edit: EditName, wanted: &'a Body, _: &'a Body) -> Fut<'a, ()> {
    Box::pin(async move {
        let (Some((cluster, name)), Some(plugin)) = (id.0.split_once(','), wanted.get("mysql_auth_plugin")) else {
            return Err(no_edit(USER.name, id, edit));
        };
        let sent = json!({ "mysql_settings": { "auth_plugin": plugin.to_json() } });
        api.repeatable_post(&format!("/databases/{}/users/{}/reset_auth", segment(cluster), segment(name)), &sent).await
    })
}

/// `digitalocean_database_firewall`.
pub(crate) static FIREWALL: Plain = Plain {
    name: "digitalocean_database_firewall",
    noun: "database firewall",
    scopes: Scopes {
        read: &["database:read"],
        create: &["database:update", "database:read"],
        update: &["database:update", "database:read"],
        delete: &["database:update"],
    },
    at: Collection { path: "/databases/{cluster_id}/firewall", one: "", many: "", id: "", key: None },
    form: Form::Part("rule"),
    unique: &[Unique { attrs: &["cluster_id"], noun: "cluster", taken: Taken::Refuse }],
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The cluster's uuid."),
        cluster_id("The cluster that it is of."),
        Attr::required("rule", Ty::Set(&Ty::Object(RULE)), IN_PLACE, "Who may connect.").blocks().wire("rules", "/rules"),
    ],
    ..Plain::NOTHING
};

const RULE: &[Attr] = &[
    Attr::computed("uuid", Ty::String, "The rule's uuid."),
    Attr::required("type", Ty::String, IN_PLACE, "ip_addr, droplet, k8s, tag or app.")
        .valid(Valid::OneOf(&["ip_addr", "droplet", "k8s", "tag", "app"])),
    Attr::required("value", Ty::String, IN_PLACE, "The address, the id or the name."),
    CREATED_AT,
];

/// `digitalocean_database_replica`.
pub(crate) static REPLICA: Plain = Plain {
    name: "digitalocean_database_replica",
    noun: "database replica",
    scopes: FIXED,
    at: Collection { path: "/databases/{cluster_id}/replicas", one: "replica", many: "replicas", id: "name", key: None },
    unique: &[Unique { attrs: &["cluster_id", "name"], noun: "cluster and name", taken: Taken::Refuse }],
    ready: ONLINE,
    billed: true,
    attrs: &[
        Attr::computed("id", Ty::String, "The replica's name."),
        Attr::computed("uuid", Ty::String, "Its uuid.").at("/id"),
        cluster_id("The cluster that it follows."),
        Attr::required("name", Ty::String, Change::Replace, "Its name.").identity(),
        Attr::chosen("region", Ty::String, Change::Replace, "The region's slug.").compare(Compare::NoCase),
        Attr::chosen("size", Ty::String, Change::Replace, "The slug of its size."),
        Attr::chosen("storage_size_mib", Ty::Number, Change::Replace, "The size of its storage in MiB."),
        Attr::chosen("private_network_uuid", Ty::String, Change::Replace, "The VPC that it is in.").names(&["digitalocean_vpc"], &["id"]),
        Attr::optional("tags", Ty::Set(&Ty::String), Change::Replace, "Its tags.").compare(TAGS).scopes(&["tag:create"]),
        TIMEOUTS,
        Attr::computed("status", Ty::String, "creating, online, resizing, migrating or forking.").follows(&[AWAIT_READY]).volatile(),
        text("host", "/connection/host", "The host that it listens on."),
        Attr::computed("port", Ty::Number, "The port that it listens on.").at("/connection/port").follows(&[AWAIT_READY]),
        text("uri", "/connection/uri", "All that a connection needs.").sensitive(),
        text("database", "/connection/database", "The name of the first database."),
        text("user", "/connection/user", "The name of the first user."),
        text("password", "/connection/password", "The first user's password.").sensitive(),
        text("private_host", "/private_connection/host", "The host within the VPC."),
        text("private_uri", "/private_connection/uri", "All that a connection within the VPC needs.").sensitive(),
    ],
    ..Plain::NOTHING
};

/// `digitalocean_database_connection_pool`.
pub(crate) static POOL: Plain = Plain {
    name: "digitalocean_database_connection_pool",
    noun: "connection pool",
    scopes: SCOPES,
    at: Collection { path: "/databases/{cluster_id}/pools", one: "pool", many: "pools", id: "name", key: None },
    unique: &[Unique { attrs: &["cluster_id", "name"], noun: "cluster and name", taken: Taken::Refuse }],
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The pool's name."),
        cluster_id("The cluster that it leads to."),
        Attr::required("name", Ty::String, Change::Replace, "Its name.").identity().valid(Valid::UpTo(63)),
        Attr::required("mode", Ty::String, IN_PLACE, "session, transaction or statement.").valid(Valid::OneOf(&[
            "session",
            "transaction",
            "statement",
        ])),
        Attr::required("size", Ty::Number, IN_PLACE, "How many connections it holds."),
        Attr::required("db_name", Ty::String, IN_PLACE, "The database that it leads to.").wire("db", "/db"),
        Attr::chosen("user", Ty::String, IN_PLACE, "As whom; whoever connects otherwise."),
        Attr::computed("host", Ty::String, "The host that it listens on.").at("/connection/host"),
        Attr::computed("port", Ty::Number, "The port that it listens on.").at("/connection/port"),
        Attr::computed("uri", Ty::String, "All that a connection needs.").at("/connection/uri").sensitive().follows(&[UPDATE]),
        Attr::computed("password", Ty::String, "The user's password.").at("/connection/password").sensitive().follows(&[UPDATE]),
        Attr::computed("private_host", Ty::String, "The host within the VPC.").at("/private_connection/host"),
        Attr::computed("private_uri", Ty::String, "All that a connection within the VPC needs.")
            .at("/private_connection/uri")
            .sensitive()
            .follows(&[UPDATE]),
    ],
    ..Plain::NOTHING
};
