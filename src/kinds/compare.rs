//! Normal forms: two spellings of one thing have the same.
//!
//! Invariant: a form is its own form, and an empty text, number or list is the same as none.

use std::collections::{BTreeMap, BTreeSet};

use super::attr::{Attr, Compare, Echo};
use super::form;
use dofloat_base::number::Number;
use dofloat_base::value::{Body, Value};

/// Never differs: what the API reports of its own accord.
pub(crate) const UNCOMPARED: Compare = Compare::Normal(|_| Value::Null);
/// An empty value is none.
pub(crate) const EMPTY_IS_NULL: Compare = Compare::Normal(empty_is_null);
/// A set; the empty one is none.
pub(crate) const SET: Compare = Compare::Normal(set);
/// Uniform resource names, in any order.
pub(crate) const URNS: Compare = Compare::Normal(urns);
/// Tags: a set without regard to case.
pub(crate) const TAGS: Compare = Compare::Normal(tags);
/// A range in CIDR notation.
pub(crate) const NETWORK: Compare = Compare::Normal(network);
/// A public key without its comment.
pub(crate) const PUBLIC_KEY: Compare = Compare::Normal(public_key);
/// The rules of a firewall.
pub(crate) const RULES: Compare = Compare::Normal(rules);
/// A record's name, relative to its domain.
pub(crate) const RECORD_NAME: Compare = Compare::Within(|value, body| on_text(value, |name| relative(name, domain(body))));
/// A record's value: host names are absolute.
pub(crate) const RECORD_VALUE: Compare = Compare::Within(record_value);

/// A public key as the API keeps it: with its comment, without the end of its line.
pub(crate) const KEY_LINE: Echo = Echo::Form(|value, _| Some(on_text(value, |text| text.trim().to_owned())));
/// A record's name, where a full one can be told from its domain.
pub(crate) const RECORD_NAME_SHOWN: Echo = Echo::Form(|value, body| {
    let rooted = value.as_str().is_some_and(|name| name.ends_with('.'));
    (!rooted || body.contains_key("domain")).then(|| on_text(value, |name| relative(name, domain(body))))
});
/// A record's value, where its type, and for a name within it its domain, are known.
pub(crate) const RECORD_VALUE_SHOWN: Echo = Echo::Form(|value, body| {
    let kind = body.get("type").and_then(Value::as_str)?;
    if kind == "CAA" {
        body.get("tag")?;
    }
    let tag = body.get("tag").and_then(Value::as_str).unwrap_or_default();
    let within = value.as_str().is_some_and(|text| !text.contains('.'));
    (!names_a_host(kind, tag) || !within || body.contains_key("domain")).then(|| record_value(value, body))
});

/// The row compared so that an empty value is none.
pub(crate) const fn or_empty(row: Attr) -> Attr {
    row.compare(EMPTY_IS_NULL)
}

fn empty_is_null(value: &Value) -> Value {
    match value {
        Value::Str(text) if text.is_empty() => Value::Null,
        Value::Number(number) if *number == Number::from(0_i64) => Value::Null,
        Value::List(items) if items.is_empty() => Value::Null,
        Value::Map(entries) if entries.is_empty() => Value::Null,
        other => other.clone(),
    }
}

/// The one name of an object that has two: projects tell a reserved address by the name that it had as a floating one.
pub(crate) fn own_urn(urn: &str) -> String {
    urn.strip_prefix("do:reservedip:").map_or_else(|| urn.to_owned(), |ip| format!("do:floatingip:{ip}"))
}

fn urns(value: &Value) -> Value {
    sorted(value, |urn| on_text(urn, own_urn))
}

fn set(value: &Value) -> Value {
    sorted(value, Value::clone)
}

fn tags(value: &Value) -> Value {
    sorted(value, |tag| on_text(tag, str::to_lowercase))
}

fn sorted(value: &Value, form: impl Fn(&Value) -> Value) -> Value {
    match value {
        Value::List(items) => {
            let items: BTreeSet<Value> = items.iter().map(form).collect();
            empty_is_null(&Value::List(items.into_iter().collect()))
        }
        other => other.clone(),
    }
}

fn on_text(value: &Value, form: impl FnOnce(&str) -> String) -> Value {
    match value {
        Value::Str(text) => Value::Str(form(text)),
        other => other.clone(),
    }
}

fn network(value: &Value) -> Value {
    on_text(value, |text| form::network(text).map_or_else(|| text.to_owned(), |net| net.trunc().to_string()))
}

fn public_key(value: &Value) -> Value {
    on_text(value, |text| form::public_key(text).map_or_else(|| text.trim().to_owned(), |(kind, blob)| format!("{kind} {blob}")))
}

type Targets = BTreeMap<String, BTreeSet<Value>>;

/// The API keeps one rule for a protocol and port range, in no order.
fn rules(value: &Value) -> Value {
    let Value::List(rules) = value else { return value.clone() };
    let merged = merged(rules, |name| match name {
        name if name.ends_with("_addresses") => network,
        name if name.ends_with("_tags") => |tag| on_text(tag, str::to_lowercase),
        _ => Value::clone,
    });
    let rule = |((protocol, ports), targets): ((String, String), Targets)| {
        let targets = targets.into_iter().map(|(name, items)| (name, Value::List(items.into_iter().collect())));
        let fixed = [("protocol".to_owned(), Value::Str(protocol)), ("port_range".to_owned(), Value::Str(ports))];
        Value::Map(targets.chain(fixed).collect())
    };
    empty_is_null(&Value::List(merged.into_iter().map(rule).collect()))
}

/// The rules of a firewall as they are read back, by the rows of one side: merged, nothing left out, ports in one spelling.
pub(crate) fn rules_shown(value: &Value, rows: &[Attr]) -> Value {
    let Value::List(rules) = value else { return value.clone() };
    let rule = |((protocol, ports), mut targets): ((String, String), Targets)| {
        let field = |row: &Attr| match row.name {
            "protocol" => Value::Str(protocol.clone()),
            "port_range" => Value::Str(form::shown_ports(&protocol, &ports)),
            name => targets.remove(name).map_or_else(|| row.unset(), |items| Value::List(items.into_iter().collect())),
        };
        Value::Map(rows.iter().map(|row| row.name.to_owned()).zip(rows.iter().map(field).collect::<Vec<_>>()).collect())
    };
    let shown: BTreeSet<Value> = merged(rules, |_| Value::clone).into_iter().map(rule).collect();
    empty_is_null(&Value::List(shown.into_iter().collect()))
}

fn merged(rules: &[Value], form_of: impl Fn(&str) -> fn(&Value) -> Value) -> BTreeMap<(String, String), Targets> {
    let mut merged: BTreeMap<(String, String), Targets> = BTreeMap::new();
    for rule in rules.iter().filter_map(Value::as_map) {
        let word = |name: &str| rule.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let protocol = word("protocol");
        let ports = word("port_range");
        let ports = match ports.as_str() {
            "" => "0".to_owned(),
            _ if protocol == "icmp" => "0".to_owned(),
            ports => form::ports(ports).unwrap_or_else(|| ports.to_owned()),
        };
        let targets = merged.entry((protocol, ports)).or_default();
        for (name, value) in rule {
            if let Value::List(items) = value
                && !items.is_empty()
            {
                targets.entry(name.clone()).or_default().extend(items.iter().map(form_of(name)));
            }
        }
    }
    merged
}

fn domain(body: &Body) -> &str {
    body.get("domain").and_then(Value::as_str).unwrap_or_default()
}

fn record_value(value: &Value, body: &Body) -> Value {
    let kind = body.get("type").and_then(Value::as_str).unwrap_or_default();
    let tag = body.get("tag").and_then(Value::as_str).unwrap_or_default();
    on_text(value, |text| match kind {
        "AAAA" => text.parse().map_or_else(|_| text.to_owned(), |ip: std::net::Ipv6Addr| ip.to_string()),
        _ if names_a_host(kind, tag) => absolute(text, domain(body)),
        _ => text.to_owned(),
    })
}

/// Whether the value of a record of this type is a host name.
pub(crate) fn names_a_host(kind: &str, tag: &str) -> bool {
    matches!(kind, "CNAME" | "MX" | "NS" | "SRV") || kind == "CAA" && tag != "iodef"
}

/// A record's name relative to its domain: `www` for `www.example.com.`, `@` for `example.com.`.
pub(crate) fn relative(name: &str, domain: &str) -> String {
    let lower = name.to_lowercase();
    let Some(rooted) = lower.strip_suffix('.') else {
        return if lower.is_empty() { "@".to_owned() } else { lower };
    };
    let domain = domain.trim_end_matches('.').to_lowercase();
    if rooted == domain {
        return "@".to_owned();
    }
    rooted.strip_suffix(&format!(".{domain}")).unwrap_or(rooted).to_owned()
}

/// A host name that stands in a record's value, with its dot: `example.com.` for `@`, `www.example.com.` for `www`.
pub(crate) fn absolute(text: &str, domain: &str) -> String {
    let text = text.to_lowercase();
    let domain = domain.trim_end_matches('.').to_lowercase();
    match text.as_str() {
        // No host at all, which the API answers as nothing: `_imap._tcp` with `.` says that there is no such service.
        "" | "." => ".".to_owned(),
        "@" => format!("{domain}."),
        rooted if rooted.ends_with('.') => text,
        dotted if dotted.contains('.') => format!("{dotted}."),
        label => format!("{label}.{domain}."),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(compare: Compare, a: serde_json::Value, b: serde_json::Value, same: bool) {
        let body: Body = [("domain", "example.com"), ("type", "CNAME")].map(|(k, v)| (k.to_owned(), Value::from(v))).into();
        let form = |json: &serde_json::Value| match compare {
            Compare::Normal(form) => form(&Value::from_json(json)),
            Compare::Within(form) => form(&Value::from_json(json), &body),
            _ => Value::from_json(json),
        };
        assert_eq!(form(&a) == form(&b), same, "{a} and {b}: {:?} and {:?}", form(&a), form(&b));
        let again = Value::to_json(&form(&a));
        assert_eq!(form(&again), form(&a), "the form of {a} is not its own form");
    }

    #[test]
    fn spellings_of_one_thing_are_equal() {
        check(EMPTY_IS_NULL, json!(""), json!(null), true);
        check(EMPTY_IS_NULL, json!(0), json!(null), true);
        check(EMPTY_IS_NULL, json!([]), json!(null), true);
        check(EMPTY_IS_NULL, json!(1), json!(null), false);
        check(SET, json!(["b", "a", "b"]), json!(["a", "b"]), true);
        check(TAGS, json!(["Web", "a"]), json!(["a", "web"]), true);
        check(TAGS, json!(["web"]), json!([]), false);
        check(NETWORK, json!("10.0.0.0/24"), json!("10.0.0.9/24"), true);
        check(NETWORK, json!("2001:DB8::/32"), json!("2001:db8:0::/32"), true);
        check(PUBLIC_KEY, json!("ssh-ed25519 x"), json!(" ssh-ed25519 x\n"), true);
        check(UNCOMPARED, json!("waiting"), json!("succeeded"), true);
    }

    #[test]
    fn names_and_hosts_of_records() {
        check(RECORD_NAME, json!("@"), json!("example.com."), true);
        check(RECORD_NAME, json!("WWW"), json!("www.example.com."), true);
        check(RECORD_NAME, json!("www"), json!("www.example.org."), false);
        check(RECORD_VALUE, json!("@"), json!("example.com."), true);
        check(RECORD_VALUE, json!("www"), json!("www.example.com."), true);
        check(RECORD_VALUE, json!("lb.example.net"), json!("lb.example.net."), true);
        check(RECORD_VALUE, json!("lb.example.net."), json!("lb.example.org."), false);
    }

    #[test]
    fn rules_are_sets_of_sets() {
        let rule = |ports: &str, addresses: &[&str]| json!({"protocol": "tcp", "port_range": ports, "source_addresses": addresses});
        check(RULES, json!([rule("1-65535", &["::/0", "0.0.0.0/0"])]), json!([rule("all", &["0.0.0.0/0", "::/0"])]), true);
        check(RULES, json!([rule("22", &["10.0.0.1"])]), json!([rule("22", &["10.0.0.1/32"])]), true);
        check(RULES, json!([rule("22", &["10.0.0.1"]), rule("80", &[])]), json!([rule("80", &[]), rule("22", &["10.0.0.1"])]), true);
        check(RULES, json!([rule("22", &["10.0.0.1"]), rule("22", &["10.0.0.2"])]), json!([rule("22", &["10.0.0.2", "10.0.0.1"])]), true);
        check(RULES, json!([rule("22", &["10.0.0.1"])]), json!([rule("23", &["10.0.0.1"])]), false);
        let icmp = |ports: &str| json!([{"protocol": "icmp", "port_range": ports, "source_tags": ["Web"], "source_droplet_ids": []}]);
        check(RULES, icmp(""), json!([{"protocol": "icmp", "source_tags": ["web"]}]), true);
        check(RULES, icmp("0"), icmp("all"), true);
        check(RULES, json!([]), json!(null), true);
    }
}
