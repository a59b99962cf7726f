//! Prices of objects, a month: DigitalOcean's price list, as far as the API does not tell it.
//!
//! Invariant: a price is never guessed: what has none here is `Unknown`, and is named as such. Dollars, without taxes and traffic.
//! The fixed ones are those that DigitalOcean publishes (docs.digitalocean.com/products/NAME/details/pricing) and may change there; what
//! depends on a size comes from the API's own list of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::kind;
use dofloat_api::client::Client;
use dofloat_base::value::{Term, Value};

/// A GiB of a volume.
const VOLUME: f64 = 0.10;
/// A GiB of a snapshot or an image of one's own.
const SNAPSHOT: f64 = 0.06;
/// A node of a regional load balancer.
const BALANCER: f64 = 12.0;
/// A reserved address while it is assigned to nothing.
const UNASSIGNED: f64 = 5.0;
/// A control plane that is highly available.
const CONTROL_PLANE: f64 = 40.0;
/// Backups, as a part of the droplet's price: weekly and daily ones.
const BACKUPS: (f64, f64) = (0.2, 0.3);

/// The cost of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Price {
    /// So many dollars a month.
    Dollars(f64),
    /// So many while it is assigned to no droplet.
    Unassigned(f64),
    /// By its sizes.
    BySize(BySize),
    /// It costs, and how much is not known.
    Unknown,
}

/// The prices of servers.
#[derive(Clone, Debug, PartialEq)]
pub struct BySize {
    /// How many there are of each size, by its slug.
    pub servers: Vec<(String, u64)>,
    /// Extras, as a part of their price.
    pub besides: f64,
    /// Other extras, in dollars.
    pub fixed: f64,
}

/// The price rules of the resource types that cost; the others cost nothing.
type Rule = fn(&Term) -> Option<Price>;
const RULES: &[(&str, Rule)] = &[
    ("digitalocean_container_registry", registry),
    ("digitalocean_custom_image", gigabytes_of_image),
    ("digitalocean_droplet", droplet),
    ("digitalocean_droplet_snapshot", gigabytes_of_image),
    ("digitalocean_floating_ip", address),
    ("digitalocean_kubernetes_cluster", kubernetes),
    ("digitalocean_kubernetes_node_pool", pool),
    ("digitalocean_loadbalancer", balancer),
    ("digitalocean_reserved_ip", address),
    ("digitalocean_volume", volume),
    ("digitalocean_volume_snapshot", gigabytes_of_image),
];

/// The monthly price of an object of this type with this body.
#[must_use]
pub fn price(name: &str, body: &Term) -> Price {
    if !kind(name).is_some_and(|kind| kind.billed()) {
        return Price::Dollars(0.0);
    }
    let rule = RULES.iter().find(|(of, _)| *of == name);
    rule.and_then(|(_, rule)| rule(body)).unwrap_or(Price::Unknown)
}

/// The prices of all sizes by their slugs, in dollars a month; nothing where the token may not ask.
pub async fn sizes(api: &Client) -> BTreeMap<String, f64> {
    #[derive(Deserialize)]
    struct Size {
        slug: String,
        price_monthly: Option<f64>,
    }
    let sizes: Vec<Size> = api.list("/sizes", &[], "sizes").await.unwrap_or_default();
    sizes.into_iter().filter_map(|size| Some((size.slug, size.price_monthly?))).collect()
}

fn text(body: &Term, name: &str) -> Option<String> {
    body.get(name).value()?.as_str().map(str::to_owned)
}

/// A number that is known; `if_null` where it is null.
fn number(body: &Term, name: &str, if_null: Option<f64>) -> Option<f64> {
    match body.get(name).value()? {
        Value::Null => if_null,
        Value::Number(number) => number.as_f64(),
        Value::Str(text) => text.parse().ok(),
        _ => None,
    }
}

/// The first block of that name.
fn first(body: &Term, name: &str) -> Option<Term> {
    body.get(name).items()?.into_iter().next()
}

fn is_on(body: &Term, name: &str) -> Option<bool> {
    match body.get(name).value()? {
        Value::Null => Some(false),
        Value::Bool(on) => Some(*on),
        _ => None,
    }
}

fn droplet(body: &Term) -> Option<Price> {
    let besides = match is_on(body, "backups")? {
        true if first(body, "backup_policy").is_some_and(|policy| text(&policy, "plan").as_deref() == Some("daily")) => BACKUPS.1,
        true => BACKUPS.0,
        false => 0.0,
    };
    Some(Price::BySize(BySize { servers: vec![(text(body, "size")?.to_lowercase(), 1)], besides, fixed: 0.0 }))
}

fn address(body: &Term) -> Option<Price> {
    match body.get("droplet_id") {
        Term::Value(Value::Null) => Some(Price::Unassigned(UNASSIGNED)),
        _ => Some(Price::Dollars(0.0)),
    }
}

fn volume(body: &Term) -> Option<Price> {
    Some(Price::Dollars(number(body, "size", None)? * VOLUME))
}

fn gigabytes_of_image(body: &Term) -> Option<Price> {
    let size = number(body, "size", None).or_else(|| number(body, "size_gigabytes", None))?;
    Some(Price::Dollars(size * SNAPSHOT))
}

fn balancer(body: &Term) -> Option<Price> {
    // Those of other types have prices of their own.
    if text(body, "type").is_some_and(|name| name != "REGIONAL") {
        return None;
    }
    let nodes = match text(body, "size").as_deref() {
        Some("lb-medium") => 3.0,
        Some("lb-large") => 6.0,
        _ => number(body, "size_unit", Some(1.0)).unwrap_or(1.0),
    };
    Some(Price::Dollars(nodes * BALANCER))
}

fn registry(body: &Term) -> Option<Price> {
    match text(body, "subscription_tier_slug")?.as_str() {
        "starter" => Some(Price::Dollars(0.0)),
        "basic" => Some(Price::Dollars(5.0)),
        "professional" => Some(Price::Dollars(20.0)),
        _ => None,
    }
}

/// The servers of a pool; of one that scales by itself the fewest.
fn servers(pool: &Term) -> Option<(String, u64)> {
    let count = match is_on(pool, "auto_scale")? {
        true => number(pool, "node_count", None).filter(|count| *count > 0.0).or_else(|| number(pool, "min_nodes", None))?,
        false => number(pool, "node_count", None)?,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of servers")]
    Some((text(pool, "size")?.to_lowercase(), count.max(0.0) as u64))
}

fn pool(body: &Term) -> Option<Price> {
    Some(Price::BySize(BySize { servers: vec![servers(body)?], besides: 0.0, fixed: 0.0 }))
}

fn kubernetes(body: &Term) -> Option<Price> {
    let fixed = if is_on(body, "ha")? { CONTROL_PLANE } else { 0.0 };
    Some(Price::BySize(BySize { servers: vec![servers(&first(body, "node_pool")?)?], besides: 0.0, fixed }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::KINDS;
    use super::*;

    #[test]
    fn what_costs_has_a_rule_or_is_known_to_have_none() {
        let without = [
            "digitalocean_app",
            "digitalocean_database_cluster",
            "digitalocean_database_replica",
            "digitalocean_partner_attachment",
            "digitalocean_vpc_nat_gateway",
        ];
        let costs = KINDS.iter().filter(|kind| kind.billed()).map(|kind| kind.name());
        let (ruled, others): (Vec<&str>, Vec<&str>) = costs.partition(|name| RULES.iter().any(|(of, _)| of == name));
        assert_eq!(others, without, "no price");
        assert_eq!(ruled.len(), RULES.len(), "a rule for what costs nothing");
    }

    #[test]
    fn prices() {
        let by_size = |size: &str, count, besides, fixed| Price::BySize(BySize { servers: vec![(size.to_owned(), count)], besides, fixed });
        let table: Vec<(&str, Json, Price)> = vec![
            ("digitalocean_vpc", json!({}), Price::Dollars(0.0)),
            ("digitalocean_droplet", json!({ "size": "S-1vcpu-1gb" }), by_size("s-1vcpu-1gb", 1, 0.0, 0.0)),
            ("digitalocean_droplet", json!({ "size": "a", "backups": true }), by_size("a", 1, 0.2, 0.0)),
            (
                "digitalocean_droplet",
                json!({ "size": "a", "backups": true, "backup_policy": [{ "plan": "daily" }] }),
                by_size("a", 1, 0.3, 0.0),
            ),
            ("digitalocean_droplet", json!({}), Price::Unknown),
            ("digitalocean_reserved_ip", json!({ "droplet_id": 7 }), Price::Dollars(0.0)),
            ("digitalocean_reserved_ip", json!({}), Price::Unassigned(5.0)),
            ("digitalocean_volume", json!({ "size": 50 }), Price::Dollars(5.0)),
            ("digitalocean_volume_snapshot", json!({}), Price::Unknown),
            ("digitalocean_volume_snapshot", json!({ "size": 2.5 }), Price::Dollars(0.15)),
            ("digitalocean_loadbalancer", json!({ "size_unit": 2 }), Price::Dollars(24.0)),
            ("digitalocean_loadbalancer", json!({ "size": "lb-large" }), Price::Dollars(72.0)),
            ("digitalocean_loadbalancer", json!({ "type": "GLOBAL" }), Price::Unknown),
            ("digitalocean_container_registry", json!({ "subscription_tier_slug": "basic" }), Price::Dollars(5.0)),
            ("digitalocean_kubernetes_node_pool", json!({ "size": "a", "auto_scale": true, "min_nodes": 2 }), by_size("a", 2, 0.0, 0.0)),
            (
                "digitalocean_kubernetes_cluster",
                json!({ "ha": true, "node_pool": [{ "size": "a", "node_count": 3 }] }),
                by_size("a", 3, 0.0, 40.0),
            ),
            ("digitalocean_database_cluster", json!({ "size": "db-s-1vcpu-1gb" }), Price::Unknown),
        ];
        for (name, body, expected) in table {
            assert_eq!(price(name, &Term::Value(Value::from_json(&body))), expected, "{name} {body}");
        }
    }
}
