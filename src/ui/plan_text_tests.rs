//! Golden texts of plans.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::errors::{Sources, Warnings};
use crate::plan_fixture::{attr, change, plan, shown, wide};
use dofloat_base::diag::Diagnostic;
use dofloat_engine::change::Reason;
use dofloat_kinds::attr::{Attr, Change as How, Ty};

const RULE: &[Attr] = &[
    Attr::required("protocol", Ty::String, How::InPlace("rules"), "The protocol."),
    Attr::optional("port_range", Ty::String, How::InPlace("rules"), "The ports."),
    Attr::optional("source_addresses", Ty::Set(&Ty::String), How::InPlace("rules"), "From where."),
];

const ROWS: &[Attr] = &[
    Attr::required("name", Ty::String, How::InPlace("rename"), "The name."),
    Attr::optional("tags", Ty::Set(&Ty::String), How::InPlace("tags"), "Tags."),
    Attr::optional("order", Ty::List(&Ty::String), How::InPlace("order"), "An order."),
    Attr::optional("inbound_rule", Ty::Set(&Ty::Object(RULE)), How::InPlace("rules"), "Rules.").block(),
];

fn text(plan: &Plan) -> String {
    render(
        plan,
        Layout {
            paint: Paint::PLAIN,
            rows: &|_| Some(ROWS),
            sources: &Sources::new(),
            warnings: Warnings::Whole,
            detail: Detail::Whole,
            width: WIDTH,
            wraps: false,
        },
    )
}

#[test]
fn a_create_shows_all_that_is_set() {
    insta::assert_snapshot!(text(&plan(vec![wide()])));
}

#[test]
fn an_edit_shows_what_differs_and_counts_the_rest() {
    let rule = |port: &str| json!({"protocol": "tcp", "port_range": port, "source_addresses": ["0.0.0.0/0", "::/0"]});
    let mut edit = change("digitalocean_firewall.web", Action::Edit { edits: vec!["rules".into()], disruptive: true });
    edit.before = Some(BTreeMap::from([
        ("id".into(), "77".into()),
        ("name".into(), "web".into()),
        ("status".into(), "ok".into()),
        ("created_at".into(), "x".into()),
    ]));
    edit.attrs = vec![
        attr("tags", json!(["a", "b"]), json!(["b", "c"])),
        attr("order", json!(["a", "b", "c"]), json!(["a", "x", "c", "d"])),
        attr("inbound_rule", json!([rule("22"), rule("80")]), json!([rule("22"), rule("443")])),
        AttrChange { disrupts: true, ..attr("size", json!("s-1vcpu-1gb"), json!("s-2vcpu-2gb")) },
        attr("labels", json!({"a": 1, "b": {"c": "d"}}), json!({"a": 1, "b": {"c": "e"}, "n": null})),
        attr("script", json!("1\n2\n3\n4\n5\n6\n7\n8\n9\n"), json!("1\n2\n3\n4\n5\n6\n7\n8b\n9\n")),
    ];
    insta::assert_snapshot!(text(&plan(vec![edit])));
}

#[test]
fn a_replacement_says_what_forces_it() {
    let mut first = change("digitalocean_droplet.web[0]", Action::Replace { because: vec!["image".into()], order: Order::DeleteFirst });
    first.id = Some(dofloat_base::identity::Id("4".into()));
    first.before = Some(BTreeMap::from([("name".into(), "web".into())]));
    first.attrs = vec![
        AttrChange { replaces: true, ..attr("image", json!("debian-11"), json!("debian-12")) },
        AttrChange { after: Shown::Unknown, ..attr("ipv4_address", json!("192.0.2.1"), json!(null)) },
        AttrChange { before: Shown::Sensitive, after: Shown::Sensitive, replaces: true, ..attr("user_data", json!(null), json!(null)) },
        AttrChange { replaces: true, ..attr("ssh_keys", json!(["1"]), json!(["2"])) },
    ];
    let mut second = change("digitalocean_droplet.asked", Action::Replace { because: vec![], order: Order::CreateFirst });
    second.reason = Some(Reason::Asked);
    let mut third = change("digitalocean_droplet.pulled", Action::Replace { because: vec![], order: Order::DeleteFirst });
    third.reason = Some(Reason::Triggered { by: "digitalocean_vpc.main".parse().expect("an address") });
    insta::assert_snapshot!(text(&plan(vec![first, second, third])));
}

#[test]
fn what_goes_says_why() {
    let mut delete = change("digitalocean_vpc.old", Action::Delete);
    delete.reason = Some(Reason::NotInConfiguration);
    delete.attrs = vec![
        attr("name", json!("old"), json!(null)),
        attr("inbound_rule", json!([{"protocol": "tcp"}]), json!(null)),
        attr("note", json!("a\nb\n"), json!(null)),
    ];
    let mut forget = change("digitalocean_vpc.lost", Action::Forget);
    forget.reason = Some(Reason::Gone);
    let adopt = change("digitalocean_droplet.found", Action::Adopt { found: dofloat_base::identity::Id("9".into()) });
    let keep = change("digitalocean_tag.t", Action::Keep);
    insta::assert_snapshot!(text(&plan(vec![adopt, delete, forget, keep])));
}

#[test]
fn drift_outputs_and_notes_stand_before_the_last_line() {
    let mut plan = plan(vec![wide()]);
    plan.drift = vec![
        Drift {
            address: "digitalocean_droplet.a".parse().expect("an address"),
            id: dofloat_base::identity::Id("1".into()),
            attrs: vec![attr("name", json!("a"), json!("b"))],
            gone: false,
        },
        Drift {
            address: "digitalocean_droplet.b".parse().expect("an address"),
            id: dofloat_base::identity::Id("2".into()),
            attrs: vec![],
            gone: true,
        },
    ];
    let output = |before: Shown, after: Shown| dofloat_engine::change::OutputChange { before, after, ty: None, changed: true };
    plan.outputs = BTreeMap::from([
        ("url".into(), output(Shown::Absent, Shown::Unknown)),
        ("token".into(), output(Shown::Sensitive, Shown::Sensitive)),
        ("addresses".into(), output(shown(json!(["a"])), shown(json!(["a", "b"])))),
        ("old".into(), output(shown(json!(1)), Shown::Absent)),
    ]);
    plan.notes = vec![Diagnostic::warning("It is powered off.").about("digitalocean_droplet.a")];
    insta::assert_snapshot!(text(&plan));
}

#[test]
fn compact_warnings_are_a_line_each_and_errors_stay_whole() {
    let sources = Sources::from([("web.tf".to_owned(), "a = 1\nb = 2\n".to_owned())]);
    let span = dofloat_base::diag::Span { file: "web.tf".into(), start: 6, end: 11 };
    let told = [
        Diagnostic::error("It is wrong.").hint("Mend it."),
        Diagnostic::warning("It is odd.").at(Some(span)).about("digitalocean_droplet.a").hint("Look at it."),
        Diagnostic::warning("It is old."),
    ];
    insta::assert_snapshot!(errors::render_with(
        &told,
        &sources,
        errors::Style { warnings: Warnings::Compact, ..errors::Style::default() }
    ));
}

#[test]
fn nothing_to_do_is_said_in_the_last_line() {
    let empty = plan(vec![change("digitalocean_tag.t", Action::Keep)]);
    assert_eq!(text(&empty), "No changes. Your infrastructure matches the configuration.\n");
    assert_eq!(text(&Plan { destroy: true, ..empty }), "No changes. There is nothing to destroy.\n");
}

fn brief(plan: &Plan) -> String {
    let sources = Sources::new();
    let layout = Layout {
        paint: Paint::PLAIN,
        rows: &|_| Some(ROWS),
        sources: &sources,
        warnings: Warnings::Whole,
        detail: Detail::Brief,
        width: WIDTH,
        wraps: false,
    };
    render(plan, layout)
}

#[test]
fn in_brief_what_is_alike_is_shown_once() {
    let create = |name: &str, port: &str| {
        let mut create = change(&format!("digitalocean_firewall.web[\"{name}\"]"), Action::Create);
        create.attrs = vec![
            AttrChange { after: Shown::Unknown, ..attr("id", json!(null), json!(null)) },
            attr("name", json!(null), json!(name)),
            attr("order", json!(null), json!(["x"])),
            attr("inbound_rule", json!(null), json!([{"protocol": "tcp", "port_range": port}])),
        ];
        create
    };
    let mut other = create("other", "1");
    other.address = "digitalocean_firewall.other".parse().expect("an address");
    let gone = |name: &str| {
        let mut gone = change(name, Action::Delete);
        gone.attrs = vec![attr("name", json!("old"), json!(null)), attr("order", json!(["x", "y"]), json!(null))];
        gone
    };
    let all = vec![create("a", "22"), create("b", "22"), create("c", "80"), other, gone("digitalocean_vpc.a"), gone("digitalocean_vpc.b")];
    insta::assert_snapshot!(brief(&plan(all)));
}

#[test]
fn in_brief_a_replacement_shows_what_changes() {
    let node = |name: &str| {
        let address = format!("dofloat_cluster.web.digitalocean_droplet.{name}");
        let mut node = change(&address, Action::Replace { because: vec!["user_data".into()], order: Order::DeleteFirst });
        node.before = Some(BTreeMap::from([("name".into(), name.into()), ("locked".into(), false.into())]));
        node.attrs = vec![
            attr("name", json!(name), json!(name)),
            attr("tags", json!(["a"]), json!(["a"])),
            AttrChange { after: Shown::Unknown, ..attr("ipv4_address", json!("192.0.2.1"), json!(null)) },
            AttrChange { before: Shown::Sensitive, after: Shown::Sensitive, replaces: true, ..attr("user_data", json!(null), json!(null)) },
        ];
        node.arguments = vec![
            attr("timezone", json!("UTC"), json!("America/New_York")),
            attr("listen", json!(null), json!("anchor")),
            AttrChange { before: Shown::Sensitive, after: Shown::Sensitive, ..attr("failover_token", json!(null), json!(null)) },
        ];
        node
    };
    let mut unrecorded = node("third");
    unrecorded.address = "dofloat_cluster.old.digitalocean_droplet.third".parse().expect("an address");
    unrecorded.arguments.clear();
    insta::assert_snapshot!(brief(&plan(vec![unrecorded, node("primary"), node("secondary")])));
}

#[test]
fn in_brief_long_outputs_are_shortened() {
    let mut plan = plan(vec![]);
    let output = |before: Shown, after: Shown| dofloat_engine::change::OutputChange { before, after, ty: None, changed: true };
    let many: Vec<serde_json::Value> = (0..30).map(|number| json!(number)).collect();
    let unknown = Shown::Map(BTreeMap::from([("a".into(), Shown::Unknown), ("b".into(), Shown::List(vec![Shown::Unknown]))]));
    plan.outputs = BTreeMap::from([
        ("many".into(), output(Shown::Absent, shown(json!(many)))),
        ("nodes".into(), output(shown(json!({"a": "x", "b": ["y"]})), unknown)),
    ]);
    insta::assert_snapshot!(brief(&plan));
}

#[test]
fn colour_adds_codes_and_nothing_else() {
    let coloured = render(
        &plan(vec![wide()]),
        Layout {
            paint: Paint::new(true),
            rows: &|_| Some(ROWS),
            sources: &Sources::new(),
            warnings: Warnings::Whole,
            detail: Detail::Whole,
            width: WIDTH,
            wraps: false,
        },
    );
    assert_ne!(coloured, text(&plan(vec![wide()])));
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), text(&plan(vec![wide()])));
}
