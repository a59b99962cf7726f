//! The parts of an app: the block, its domains, its ways in and out.
//!
//! Invariant: rows only, named as the official provider names them. What the API fills in where nothing is written is left to it.

use super::components::{ALERT_DISABLED, CHANGED, CORS, DEPLOY, ENV, FUNCTION, JOB, SERVICE, STATIC_SITE, WORKER, flag};
use crate::attr::{Attr, Lit, Ty};
use crate::compare::{SET, or_empty};
use crate::valid::Valid;

/// Where the names of domains stand in requests that the API is not sent.
pub(super) const NAMES: &str = "domain_names";

const fn list(name: &'static str, rows: &'static Ty, sent: &'static str, read: &'static str, doc: &'static str) -> Attr {
    Attr::optional(name, Ty::List(rows), CHANGED, doc).blocks().wire(sent, read)
}

pub(super) const ROWS: &[Attr] = &[
    Attr::required("name", Ty::String, CHANGED, "Its name, unique in the account.")
        .valid(Valid::Asked(is_name, "It has 2 to 32 lowercase letters, digits and dashes, a letter first, and no dash at the end.")),
    Attr::chosen("region", Ty::String, CHANGED, "The slug of the place that it is in: nyc, ams, fra and so on."),
    Attr::chosen("domain", Ty::List(&Ty::Object(DOMAIN)), CHANGED, "A domain by which it is known.")
        .blocks()
        .follows(&[DEPLOY])
        .wire("domains", "/domains"),
    Attr::chosen("domains", Ty::Set(&Ty::String), CHANGED, "The same by names alone; `domain` is to be preferred.")
        .compare(SET)
        .follows(&[DEPLOY])
        .wire(NAMES, "/domain_names"),
    Attr::chosen("features", Ty::Set(&Ty::String), CHANGED, "Features that are switched on: buildpack-stack=ubuntu-22.").compare(SET),
    list("service", &Ty::Object(SERVICE), "services", "/services", "A component that answers requests."),
    list("static_site", &Ty::Object(STATIC_SITE), "static_sites", "/static_sites", "A component of files."),
    list("worker", &Ty::Object(WORKER), "workers", "/workers", "A component that works in the background."),
    list("job", &Ty::Object(JOB), "jobs", "/jobs", "A component that runs with a deployment."),
    list("function", &Ty::Object(FUNCTION), "functions", "/functions", "A component of functions."),
    list("database", &Ty::Object(DATABASE), "databases", "/databases", "A database."),
    ENV,
    Attr::optional("alert", Ty::Set(&Ty::Object(ALERT)), CHANGED, "What is told of it.").blocks().wire("alerts", "/alerts"),
    Attr::chosen("ingress", Ty::List(&Ty::Object(INGRESS)), CHANGED, "Which component answers which requests.").single().follows(&[DEPLOY]),
    Attr::chosen("egress", Ty::List(&Ty::Object(EGRESS)), CHANGED, "From which addresses it asks others.").single(),
    Attr::chosen("maintenance", Ty::List(&Ty::Object(MAINTENANCE)), CHANGED, "Whether it is out of service.").single(),
    Attr::chosen("vpc", Ty::List(&Ty::Object(VPC)), CHANGED, "The VPC that it reaches.").single(),
    flag("disable_edge_cache", "Whether answers are not kept near."),
    flag("disable_email_obfuscation", "Whether addresses of e-mail in pages stay readable."),
    flag("enhanced_threat_control_enabled", "Whether suspicious visitors are asked whether they are human."),
];

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (2..=32).contains(&name.len())
        && name.bytes().all(fits)
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
}

const DOMAIN: &[Attr] = &[
    Attr::required("name", Ty::String, CHANGED, "The domain's name.").wire("domain", "/domain"),
    Attr::chosen("type", Ty::String, CHANGED, "DEFAULT, PRIMARY or ALIAS.").valid(Valid::OneOf(&["DEFAULT", "PRIMARY", "ALIAS"])),
    Attr::chosen("wildcard", Ty::Bool, CHANGED, "Whether all names below it are meant too."),
    Attr::chosen("zone", Ty::String, CHANGED, "The domain of the account in which its records are kept."),
    Attr::chosen("minimum_tls_version", Ty::String, CHANGED, "1.2 or 1.3.").valid(Valid::OneOf(&["1.2", "1.3"])),
];

const DATABASE: &[Attr] = &[
    Attr::required("name", Ty::String, CHANGED, "Its name in the app."),
    Attr::chosen("engine", Ty::String, CHANGED, "MYSQL, PG, REDIS, VALKEY, MONGODB, KAFKA or OPENSEARCH.").valid(Valid::OneOf(&[
        "UNSET",
        "MYSQL",
        "PG",
        "REDIS",
        "MONGODB",
        "KAFKA",
        "OPENSEARCH",
        "VALKEY",
    ])),
    Attr::chosen("version", Ty::String, CHANGED, "The engine's version."),
    flag("production", "Whether it is a database cluster of the account, and not one for development."),
    Attr::chosen("cluster_name", Ty::String, CHANGED, "The name of the database cluster."),
    Attr::chosen("db_name", Ty::String, CHANGED, "The name of the database."),
    Attr::chosen("db_user", Ty::String, CHANGED, "The name of the user."),
];

const ALERT: &[Attr] = &[
    Attr::required("rule", Ty::String, CHANGED, "DEPLOYMENT_FAILED, DEPLOYMENT_LIVE, DOMAIN_FAILED, DOMAIN_LIVE and so on.").valid(
        Valid::OneOf(&[
            "DEPLOYMENT_FAILED",
            "DEPLOYMENT_LIVE",
            "DEPLOYMENT_STARTED",
            "DEPLOYMENT_CANCELED",
            "DOMAIN_FAILED",
            "DOMAIN_LIVE",
        ]),
    ),
    ALERT_DISABLED,
];

const INGRESS: &[Attr] = &[
    Attr::chosen("rule", Ty::List(&Ty::Object(RULE)), CHANGED, "A rule; the first that fits counts.").blocks().wire("rules", "/rules"),
    Attr::chosen("custom_error_page_url", Ty::String, CHANGED, "The page that is shown for errors."),
];

const RULE: &[Attr] = &[
    Attr::chosen("match", Ty::List(&Ty::Object(MATCH)), CHANGED, "Which requests.").single(),
    Attr::optional("cors", Ty::List(&Ty::Object(CORS)), CHANGED, "Which other sites may ask.").single(),
    Attr::chosen("component", Ty::List(&Ty::Object(COMPONENT)), CHANGED, "Which component answers.").single(),
    Attr::optional("redirect", Ty::List(&Ty::Object(REDIRECT)), CHANGED, "Where the visitor is sent instead.").single(),
];
const MATCH: &[Attr] = &[
    Attr::chosen("path", Ty::List(&Ty::Object(PATH)), CHANGED, "By the path.").single(),
    Attr::chosen("authority", Ty::List(&Ty::Object(AUTHORITY)), CHANGED, "By the host.").single(),
];
const PATH: &[Attr] = &[Attr::chosen("prefix", Ty::String, CHANGED, "How it begins.")];
const AUTHORITY: &[Attr] = &[Attr::chosen("exact", Ty::String, CHANGED, "What it is.")];
const COMPONENT: &[Attr] = &[
    Attr::chosen("name", Ty::String, CHANGED, "Its name."),
    Attr::chosen("preserve_path_prefix", Ty::Bool, CHANGED, "Whether it is told the whole path."),
    Attr::chosen("rewrite", Ty::String, CHANGED, "What the beginning of the path becomes."),
];
const REDIRECT: &[Attr] = &[
    or_empty(Attr::optional("uri", Ty::String, CHANGED, "Another path.")),
    or_empty(Attr::optional("authority", Ty::String, CHANGED, "Another host.")),
    or_empty(Attr::optional("port", Ty::Number, CHANGED, "Another port.")),
    or_empty(Attr::optional("scheme", Ty::String, CHANGED, "Another scheme: http or https.")),
    or_empty(Attr::optional("redirect_code", Ty::Number, CHANGED, "With which status, 300 to 308.")).default(Lit::Int(302)),
];

const EGRESS: &[Attr] =
    &[Attr::chosen("type", Ty::String, CHANGED, "AUTOASSIGN or DEDICATED_IP.").valid(Valid::OneOf(&["AUTOASSIGN", "DEDICATED_IP"]))];

const MAINTENANCE: &[Attr] = &[
    Attr::chosen("enabled", Ty::Bool, CHANGED, "Whether visitors see a page that says so."),
    Attr::chosen("archive", Ty::Bool, CHANGED, "Whether its components are stopped."),
    Attr::chosen("offline_page_url", Ty::String, CHANGED, "Another page."),
];

const VPC: &[Attr] = &[
    Attr::chosen("id", Ty::String, CHANGED, "The VPC's uuid.").names(&["digitalocean_vpc"], &["id"]),
    Attr::computed("egress_ips", Ty::List(&Ty::Object(EGRESS_IPS)), "From which addresses it asks there."),
];
const EGRESS_IPS: &[Attr] = &[Attr::computed("ip", Ty::String, "The address.")];
