//! Requests and answers of droplets, and their check.

use serde_json::json;

use super::*;
use crate::fixtures::{assert_has, pair};
use crate::kind;
use dofloat_base::secret::Secret;

const CREATE: &str = include_str!("../../../fixtures/api/droplet/create.json");
const READ: &str = include_str!("../../../fixtures/api/droplet/read.json");
const NARROW: &str = include_str!("../../../fixtures/api/droplet/read_without_tag_scope.json");

fn read(text: &str) -> Wire {
    serde_json::from_value::<One>(pair(text).1).unwrap().droplet
}

#[test]
fn a_create_sends_what_is_set_and_the_mark() {
    let spec: Spec = serde_json::from_value(json!({
        "name": "primary", "region": "NYC3", "size": "s-1vcpu-1gb", "image": "ubuntu-14-04-x64",
        "ssh_keys": ["289794", "3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45"],
        "backups": true, "backup_policy": [{"plan": "weekly", "weekday": "SUN", "hour": 20}], "ipv6": true, "monitoring": false,
        "tags": ["web"], "user_data": "#!/bin/sh\n", "vpc_uuid": "6ec9d286-63ca-428d-95f4-b3b2e4b06ce6", "droplet_agent": false,
        "resize_disk": true, "public_networking": true,
    }))
    .unwrap();
    assert_eq!(wire(&spec, &Mark("dofloat:web-5a1f".into())), pair(CREATE).0);
    assert_eq!(read(CREATE).status, "new");
}

#[test]
fn an_answer_is_read_by_type_and_feature() {
    assert_has(
        kind(Droplet::NAME).unwrap(),
        &read(READ).live().unwrap(),
        &json!({
            "id": "500000139", "urn": "do:droplet:500000139", "region": "nyc3", "size": "s-1vcpu-1gb", "status": "active",
            "ipv4_address": "192.0.2.2", "ipv4_address_private": "10.10.10.2", "ipv6_address": "2001:db8::2",
            "public_networking": true, "backups": true, "ipv6": true, "monitoring": false, "disk": 25, "memory": 1024, "vcpus": 1,
            "price_hourly": 0.00893, "price_monthly": 6, "vpc_uuid": "6ec9d286-63ca-428d-95f4-b3b2e4b06ce6", "volume_ids": [],
            "tags": ["dofloat:web-5a1f", "web"],
        }),
    );
}

#[test]
fn an_absent_field_is_not_an_empty_one() {
    let Err(error) = read(NARROW).live() else { panic!("tags were not seen") };
    assert_eq!(error.to_string(), "the answer leaves out `tags` of droplet 500000139: the token lacks the scope `tag:read`");
}

#[test]
fn the_check_names_what_the_api_would_refuse() {
    let body = |name: &str, value: serde_json::Value| {
        let mut body = json!({"name": "web", "image": "x", "size": "y"});
        body[name] = value;
        Term::Value(Value::from_json(&body))
    };
    for (name, value, expected) in [
        ("name", json!("web_1"), Some("`web_1` is not a valid droplet name")),
        ("user_data", json!("x".repeat(65_537)), Some("The user data has 65537 bytes; DigitalOcean takes 65536")),
        ("user_data", json!("x".repeat(65_536)), None),
        ("tags", json!(["ok", "not ok"]), Some("`not ok` is not a valid tag.")),
        ("tags", json!(["dofloat:web-5a1f"]), Some("has the form of dofloat's own marks")),
        ("tags", json!(["dofloat:web-5a1f:web"]), None),
        // Whether the account has it is seen at plan.
        ("ssh_keys", json!(["ops"]), None),
        ("ssh_keys", json!(["12", "3b:16:e4:bf:8b:00:8b:b8:59:8c:a9:d3:f0:19:fa:45"]), None),
        ("backup_policy", json!([{"plan": "daily"}]), Some("needs `backups = true`")),
    ] {
        let complaints = kind(Droplet::NAME).unwrap().check(&body(name, value));
        let found = complaints.first().map(|complaint| complaint.message.clone());
        assert_eq!(found.is_some(), expected.is_some(), "{name}: {found:?}");
        assert!(expected.is_none_or(|expected| found.is_some_and(|found| found.contains(expected))), "{name}");
    }
    let secret = Term::Secret(Secret::new(Value::Str("x".repeat(70_000))));
    let body = Term::map([("name".to_owned(), Term::Value("web".into())), ("user_data".to_owned(), secret)].into());
    assert_eq!(kind(Droplet::NAME).unwrap().check(&body).len(), 1, "the length of a secret is no secret");
}
