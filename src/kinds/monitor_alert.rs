//! Alert policies of monitoring.
//!
//! Invariant: rows only.

use super::attr::{Attr, Change, Lit, Ty};
use super::compare::{SET, TAGS};
use super::plain::{Collection, Plain, Update};
use super::uptime::NOTIFICATIONS;
use super::valid::Valid;

const UPDATE: Change = Change::InPlace("update");

/// `digitalocean_monitor_alert`.
pub(crate) static ALERT: Plain = Plain {
    name: "digitalocean_monitor_alert",
    noun: "alert policy",
    at: Collection { path: "/monitoring/alerts", one: "policy", many: "policies", id: "uuid", key: None },
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The policy's uuid."),
        Attr::computed("uuid", Ty::String, "The policy's uuid."),
        Attr::required("type", Ty::String, UPDATE, "What is measured, for example `v1/insights/droplet/cpu`.")
            .valid(Valid::Form(|text| text.starts_with("v1/") && text.split('/').count() == 4, "It looks like `v1/insights/droplet/cpu`.")),
        Attr::required("compare", Ty::String, UPDATE, "GreaterThan or LessThan.").valid(Valid::OneOf(&["GreaterThan", "LessThan"])),
        Attr::required("value", Ty::Number, UPDATE, "From which value on it is told."),
        Attr::required("window", Ty::String, UPDATE, "For how long: 5m, 10m, 30m or 1h.").valid(Valid::OneOf(&["5m", "10m", "30m", "1h"])),
        Attr::required("description", Ty::String, UPDATE, "What it is for."),
        Attr::optional("enabled", Ty::Bool, UPDATE, "Whether it is at work.").default(Lit::Bool(true)),
        Attr::optional("entities", Ty::Set(&Ty::String), UPDATE, "The droplets, load balancers or databases that are watched.")
            .compare(SET)
            .always(),
        Attr::optional("tags", Ty::Set(&Ty::String), UPDATE, "Watches what carries one of these tags.").compare(TAGS).always(),
        Attr::required("alerts", Ty::List(&Ty::Object(NOTIFICATIONS)), UPDATE, "Who is told.").single(),
    ],
    ..Plain::NOTHING
};
