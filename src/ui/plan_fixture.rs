//! Plans for the tests of the renderers.

use std::collections::BTreeMap;

use serde_json::json;

use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::{Id, Owner};
use dofloat_base::value::Value;
use dofloat_engine::change::{Action, AttrChange, Base, Change, Drift, Order, OutputChange, Plan, Shown, Step, StepId};
use dofloat_state::journal::Op;

pub(super) fn shown(json: serde_json::Value) -> Shown {
    if json.is_null() { Shown::Absent } else { Shown::Value(Value::from_json(&json)) }
}

pub(super) fn attr(name: &str, before: serde_json::Value, after: serde_json::Value) -> AttrChange {
    AttrChange { name: name.into(), before: shown(before), after: shown(after), replaces: false, disrupts: false }
}

pub(super) fn change(address: &str, action: Action) -> Change {
    let address = address.parse().expect("an address");
    Change { address, action, reason: None, before: None, after: None, attrs: vec![], arguments: vec![], id: None, provenance: None }
}

/// A create with every form of value.
pub(super) fn wide() -> Change {
    let mut change = change("digitalocean_droplet.primary", Action::Create);
    change.attrs = vec![
        AttrChange { after: Shown::Unknown, ..attr("id", json!(null), json!(null)) },
        attr("name", json!(null), json!("primary")),
        attr("backups", json!(null), json!(false)),
        attr("count", json!(null), json!(3)),
        attr("nothing", json!(null), json!(null)),
        attr("tags", json!(null), json!(["a", "b"])),
        attr("labels", json!(null), json!({"a": "x", "b c": {"d": []}})),
        attr("script", json!(null), json!("#!/bin/sh\necho \u{1b}[31mred\n")),
        AttrChange { after: Shown::Sensitive, ..attr("user_data", json!(null), json!(null)) },
        AttrChange {
            after: Shown::List(vec![shown(json!("a")), Shown::Unknown, Shown::Sensitive]),
            ..attr("keys", json!(null), json!(null))
        },
        attr("inbound_rule", json!(null), json!([{"protocol": "tcp", "port_range": "22"}, {"protocol": "icmp"}])),
    ];
    change
}

pub(super) fn plan(changes: Vec<Change>) -> Plan {
    let busy = changes.iter().find(|change| change.action != Action::Keep);
    let steps =
        busy.map(|change| Step { id: StepId(0), address: change.address.clone(), op: Op::Create.into(), needs: Default::default() });
    Plan {
        base: Base {
            stack: "web".into(),
            lineage: "l".into(),
            serial: 1,
            journal_end: 0,
            owner: Owner { account: "a".into(), team: None, simulated: true },
            endpoint: "http://127.0.0.1:1".into(),
            config: String::new(),
        },
        drift: vec![],
        steps: steps.into_iter().collect(),
        changes,
        outputs: BTreeMap::new(),
        notes: vec![],
        secrets: BTreeMap::new(),
        variables: BTreeMap::new(),
        refresh_only: false,
        destroy: false,
        is_complete: true,
        configuration: None,
        planned_at: None,
        cost: None,
    }
}

/// A plan with something of everything.
pub(super) fn rich() -> Plan {
    let mut replace = change("digitalocean_droplet.web[1]", Action::Replace { because: vec!["image".into()], order: Order::DeleteFirst });
    replace.before = Some(BTreeMap::from([("name".into(), "web".into())]));
    replace.attrs = vec![
        AttrChange { replaces: true, ..attr("image", json!("debian-11"), json!("debian-12")) },
        AttrChange { before: Shown::Sensitive, after: Shown::Sensitive, ..attr("user_data", json!(null), json!(null)) },
    ];
    let mut plan = plan(vec![wide(), replace, change("digitalocean_tag.t", Action::Keep)]);
    plan.drift = vec![Drift { address: "digitalocean_vpc.v".parse().expect("an address"), id: Id("1".into()), attrs: vec![], gone: true }];
    plan.notes = vec![Diagnostic::warning("Beware.")];
    let output = OutputChange { before: Shown::Absent, after: Shown::Sensitive, ty: None, changed: true };
    plan.outputs = BTreeMap::from([
        ("token".into(), output),
        ("url".into(), OutputChange { before: shown(json!("a")), after: shown(json!("a")), ty: None, changed: false }),
    ]);
    plan
}
