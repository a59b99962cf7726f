//! Where the logs of a database cluster go.
//!
//! Invariant: what opens the other side (keys, addresses with passwords) is sensitive. All but the name lies in the object `config`.

use serde_json::{Map, Value as Json};

use super::attr::{Attr, Change, Compare, Lit, Ty};
use super::compare::or_empty;
use super::complaints::{self, Complaints};
use super::erased::Fut;
use super::plain::{Collection, Hooks, Plain, Taken, UPDATE, Unique, Update};
use super::valid::Valid;
use dofloat_api::client::Client;
use dofloat_base::value::{Body, Term, Value};

const IN_PLACE: Change = Change::InPlace(UPDATE);
const ID: Attr = Attr::computed("id", Ty::String, "The uuid of the cluster and the sink's id, with a comma between them.");
const SINK_ID: Attr = Attr::computed("logsink_id", Ty::String, "The sink's id.").at("/sink_id");
const CLUSTER_ID: Attr = Attr::required("cluster_id", Ty::String, Change::Replace, "The cluster whose logs they are.")
    .names(&["digitalocean_database_cluster"], &["id"]);
const NAME: Attr = Attr::required("name", Ty::String, Change::Replace, "Its name.").wire("sink_name", "/sink_name").valid(Valid::UpTo(255));

/// A certificate or key as it is sent. The API need not give it back.
const fn pem(name: &'static str, field: &'static str, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::String, IN_PLACE, doc).wire(field, "").compare(Compare::Normal(trimmed)).write_only()
}

fn trimmed(value: &Value) -> Value {
    value.as_str().map_or_else(|| value.clone(), |text| text.trim().into())
}

/// Rows of both sorts.
const SINK: Plain = Plain {
    at: Collection { path: "/databases/{cluster_id}/logsink", one: "sink", many: "sinks", id: "sink_id", key: None },
    unique: &[Unique { attrs: &["cluster_id", "name"], noun: "cluster and name", taken: Taken::Allow }],
    update: Update::Put,
    ..Plain::NOTHING
};

/// `digitalocean_database_logsink_rsyslog`.
pub(crate) static RSYSLOG: Plain = Plain {
    name: "digitalocean_database_logsink_rsyslog",
    noun: "rsyslog sink",
    attrs: &[
        ID,
        SINK_ID,
        CLUSTER_ID,
        NAME,
        Attr::required("server", Ty::String, IN_PLACE, "The server's name or address.").at("/config/server").valid(Valid::UpTo(255)),
        Attr::required("port", Ty::Number, IN_PLACE, "The server's port.").at("/config/port").valid(Valid::Between(1, 65535)),
        Attr::optional("tls", Ty::Bool, IN_PLACE, "Whether the connection is encrypted.").at("/config/tls").default(Lit::Bool(false)),
        Attr::optional("format", Ty::String, IN_PLACE, "rfc5424, rfc3164 or custom.")
            .at("/config/format")
            .default(Lit::Str("rfc5424"))
            .valid(Valid::OneOf(&["rfc5424", "rfc3164", "custom"])),
        or_empty(Attr::optional("logline", Ty::String, IN_PLACE, "The form of a line, where `format` is custom.").at("/config/logline")),
        or_empty(Attr::optional("structured_data", Ty::String, IN_PLACE, "Structured data of rfc5424.").wire("sd", "/config/sd")),
        pem("ca_cert", "ca", "The certificate of the authority that the server is known by.").sensitive(),
        pem("client_cert", "cert", "The certificate that the cluster shows; it needs `tls`."),
        pem("client_key", "key", "The key of that certificate.").sensitive(),
    ],
    hooks: Hooks {
        check,
        sent: Some(|_, fields| nested("rsyslog", fields)),
        seen: Some(known_by_both),
        is_there: |body| is_given(body, "server"),
        ..Hooks::NONE
    },
    ..SINK
};

/// `digitalocean_database_logsink_opensearch`.
pub(crate) static OPENSEARCH: Plain = Plain {
    name: "digitalocean_database_logsink_opensearch",
    noun: "OpenSearch sink",
    attrs: &[
        ID,
        SINK_ID,
        CLUSTER_ID,
        NAME,
        Attr::required("endpoint", Ty::String, IN_PLACE, "Its URL, which may hold a password: https://USER:PASSWORD@HOST:PORT.")
            .wire("url", "/config/url")
            .sensitive()
            .valid(Valid::Form(|url| url.starts_with("https://") && url.len() > 8, "It begins with https://.")),
        Attr::required("index_prefix", Ty::String, IN_PLACE, "What the names of the indices begin with.")
            .at("/config/index_prefix")
            .valid(Valid::UpTo(1000)),
        Attr::chosen("index_days_max", Ty::Number, IN_PLACE, "After how many days an index is deleted.")
            .at("/config/index_days_max")
            .valid(Valid::Between(1, 10000)),
        Attr::chosen("timeout_seconds", Ty::Number, IN_PLACE, "After how many seconds a request is given up.")
            .wire("timeout", "/config/timeout")
            .valid(Valid::Between(10, 120)),
        pem("ca_cert", "ca", "The certificate of the authority that the other side is known by.").sensitive(),
    ],
    hooks: Hooks {
        sent: Some(|_, fields| nested("opensearch", fields)),
        seen: Some(known_by_both),
        is_there: |body| is_given(body, "index_prefix"),
        ..Hooks::NONE
    },
    ..SINK
};

fn check(body: &Term, complaints: &mut Complaints) {
    let format = complaints::text(body, "format").unwrap_or_default();
    if format == "custom" && !complaints::is_given(body, "logline") {
        complaints.error(&["format"], "A custom format needs a `logline`.", "Write one, or take rfc5424 or rfc3164.");
    }
    let is_plain = body.get("tls").value() == Some(&Value::Bool(false));
    for name in ["client_cert", "client_key"] {
        if is_plain && complaints::is_given(body, name) {
            complaints.error(&[name], format!("`{name}` has a meaning with `tls` only."), "Write tls = true.");
        }
    }
}

fn is_given(body: &Body, name: &str) -> bool {
    body.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// All but the name is one object of a request, and a create says of which sort that is.
fn nested<'a>(sort: &'static str, fields: &'a mut Map<String, Json>) -> Fut<'a, ()> {
    let name = fields.remove("sink_name");
    let config = std::mem::take(fields);
    fields.insert("config".to_owned(), config.into());
    if let Some(name) = name {
        fields.insert("sink_name".to_owned(), name);
        fields.insert("sink_type".to_owned(), sort.into());
    }
    Box::pin(async { Ok(()) })
}

/// The official provider's id holds that of the cluster.
fn known_by_both<'a>(_: &'a Client, bodies: &'a mut [Body]) -> Fut<'a, ()> {
    for body in bodies {
        let of = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let both = format!("{},{}", of("cluster_id"), of("logsink_id"));
        body.insert("id".to_owned(), both.into());
    }
    Box::pin(async { Ok(()) })
}
