//! Uptime checks and their alerts.
//!
//! Invariant: rows only. An alert lies in its check, goes with it, and is known by both.

use super::attr::{Attr, Change, Lit, Ty};
use super::compare::{SET, or_empty};
use super::plain::{Collection, Plain, Update};
use super::valid::Valid;

const UPDATE: Change = Change::InPlace("update");

/// `digitalocean_uptime_check`.
pub(crate) static CHECK: Plain = Plain {
    name: "digitalocean_uptime_check",
    noun: "uptime check",
    at: Collection { path: "/uptime/checks", one: "check", many: "checks", id: "id", key: None },
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The check's uuid."),
        Attr::required("name", Ty::String, UPDATE, "Its name."),
        Attr::required("target", Ty::String, UPDATE, "The URL or address that is checked."),
        Attr::optional("type", Ty::String, UPDATE, "ping, http or https.")
            .default(Lit::Str("https"))
            .valid(Valid::OneOf(&["ping", "http", "https"])),
        Attr::optional("regions", Ty::Set(&Ty::String), UPDATE, "From where it is checked: us_east, us_west, eu_west, se_asia.")
            .compare(SET)
            .always()
            .valid(Valid::OneOf(&["us_east", "us_west", "eu_west", "se_asia"])),
        Attr::optional("enabled", Ty::Bool, UPDATE, "Whether it is at work.").default(Lit::Bool(true)),
    ],
    ..Plain::NOTHING
};

/// `digitalocean_uptime_alert`.
pub(crate) static ALERT: Plain = Plain {
    name: "digitalocean_uptime_alert",
    noun: "uptime alert",
    at: Collection { path: "/uptime/checks/{check_id}/alerts", one: "alert", many: "alerts", id: "id", key: None },
    update: Update::Put,
    attrs: &[
        Attr::computed("id", Ty::String, "The alert's uuid."),
        Attr::required("check_id", Ty::String, Change::Replace, "The check that it watches.")
            .names(&["digitalocean_uptime_check"], &["id"]),
        Attr::required("name", Ty::String, UPDATE, "Its name."),
        Attr::required("type", Ty::String, UPDATE, "latency, down, down_global or ssl_expiry.").valid(Valid::OneOf(&[
            "latency",
            "down",
            "down_global",
            "ssl_expiry",
        ])),
        or_empty(Attr::optional("threshold", Ty::Number, UPDATE, "Milliseconds of latency, or days to the end of a certificate.")),
        or_empty(Attr::optional("comparison", Ty::String, UPDATE, "greater_than or less_than."))
            .valid(Valid::OneOf(&["greater_than", "less_than"])),
        or_empty(Attr::optional("period", Ty::String, UPDATE, "How long before it is told: 2m, 3m, 5m, 10m, 15m, 30m or 1h."))
            .valid(Valid::OneOf(&["2m", "3m", "5m", "10m", "15m", "30m", "1h"])),
        Attr::required("notifications", Ty::List(&Ty::Object(NOTIFICATIONS)), UPDATE, "Who is told.").single(),
    ],
    ..Plain::NOTHING
};

/// Who is told of an alert.
pub(super) const NOTIFICATIONS: &[Attr] = &[
    Attr::optional("email", Ty::List(&Ty::String), UPDATE, "Addresses of e-mail."),
    Attr::optional("slack", Ty::List(&Ty::Object(SLACK)), UPDATE, "Channels of Slack.").blocks(),
];

const SLACK: &[Attr] =
    &[Attr::required("channel", Ty::String, UPDATE, "The channel."), Attr::required("url", Ty::String, UPDATE, "The webhook's URL.")];
