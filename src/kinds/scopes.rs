//! Which token scopes an operation on an object needs, from its kind and the attributes that are set.
//!
//! Invariant: only the tables are asked: a kind's own, and that of the API's requests. It must not know tokens.

use std::collections::BTreeSet;

use super::attr::{Attr, Change, Points, Reads, Ty};
use super::erased::AnyKind;
use super::kind;
pub use super::operation::{Operation, Request};
use dofloat_api::scopes as requests;
use dofloat_base::value::{Term, Value};

/// The scopes that the operation needs on an object with this body; a part of the body that is unknown counts as set.
#[must_use]
pub fn needed(kind: &dyn AnyKind, operation: Operation, body: &Term) -> BTreeSet<&'static str> {
    let scopes = kind.scopes();
    let own = match operation {
        Operation::Read => scopes.read,
        Operation::Create => scopes.create,
        Operation::Update => scopes.update,
        Operation::Delete => scopes.delete,
    };
    let mut all: BTreeSet<&'static str> = own.iter().copied().collect();
    let asked = kind.requests(operation);
    all.extend(asked.iter().flat_map(|(method, path)| requests::needed(method, path)));
    // Each but a delete ends with a read of the whole object.
    if operation != Operation::Delete {
        all.extend(scopes.read);
        let reads = kind.requests(Operation::Read);
        all.extend(reads.iter().flat_map(|(method, path)| requests::needed(method, path)));
        let shown = kind.attrs().iter().filter(|row| row.reads != Reads::WriteOnly);
        all.extend(shown.clone().flat_map(|row| row.read_scopes));
        all.extend(shown.flat_map(|row| reads.iter().filter_map(|(_, path)| requests::to_see(path, &row.shown_at()))));
    }
    if matches!(operation, Operation::Create | Operation::Update) {
        set(kind.attrs(), body, &mut Set { asked: &asked, at: "", operation, all: &mut all });
    }
    if operation == Operation::Delete {
        let is_on = |row: &&Attr| matches!(body.get(row.name), Term::Value(Value::Bool(true)) | Term::Unknown(_));
        all.extend(kind.attrs().iter().filter(is_on).flat_map(|row| row.leave_scopes));
    }
    all
}

/// Scopes, gathered from the attributes that are set.
struct Set<'a> {
    asked: &'a [Request],
    /// The fields that blocks lie in, each followed by a dot.
    at: &'a str,
    operation: Operation,
    all: &'a mut BTreeSet<&'static str>,
}

fn set(rows: &[Attr], body: &Term, found: &mut Set<'_>) {
    for row in rows {
        let term = body.get(row.name);
        if matches!(&term, Term::Value(Value::Null)) || matches!(&term, Term::Value(Value::List(items)) if items.is_empty()) {
            continue;
        }
        // What is changed in another way than by its own row is not sent again.
        if found.operation == Operation::Update
            && matches!(row.change, Change::Replace | Change::Local)
            && row.scopes.is_empty()
            && row.points.is_none()
        {
            continue;
        }
        found.all.extend(row.scopes);
        if let Some(points) = &row.points {
            found.all.extend(named(points));
        }
        let field = format!("{}{}", found.at, row.wire.sent.unwrap_or(row.name));
        found.all.extend(found.asked.iter().flat_map(|(method, path)| requests::of_field(method, path, &field)));
        let at = format!("{field}.");
        let mut within = Set { asked: found.asked, at: &at, operation: found.operation, all: &mut *found.all };
        match row.ty {
            Ty::Object(inner) => set(inner, &term, &mut within),
            Ty::List(Ty::Object(inner)) | Ty::Set(Ty::Object(inner)) => {
                for item in term.items().unwrap_or_default() {
                    set(inner, &item, &mut within);
                }
            }
            _ => {}
        }
    }
}

/// The scopes by which it is looked up whether what an attribute names is there.
fn named(points: &Points) -> BTreeSet<&'static str> {
    let own = |kind: &dyn AnyKind| {
        let reads = kind.requests(Operation::Read);
        reads.iter().flat_map(|(method, path)| requests::needed(method, path)).chain(kind.scopes().read.iter().copied()).collect::<Vec<_>>()
    };
    points.kinds.first().and_then(|name| kind(name)).map(own).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, operation: Operation, body: serde_json::Value, expected: &[&str]) {
        let body = Term::Value(Value::from_json(&body));
        let found = needed(kind(name).unwrap(), operation, &body);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected, "{name} {operation:?}");
    }

    #[test]
    fn scopes_follow_what_is_set() {
        use serde_json::json;
        check("digitalocean_vpc", Operation::Read, json!({}), &["vpc:read"]);
        check("digitalocean_vpc", Operation::Delete, json!({}), &["vpc:delete", "vpc:read"]);
        check("terraform_data", Operation::Create, json!({"input": 1}), &[]);
        check(
            "digitalocean_firewall",
            Operation::Create,
            json!({"name": "a"}),
            &["droplet:read", "firewall:create", "firewall:read", "tag:read"],
        );
        check(
            "digitalocean_firewall",
            Operation::Create,
            json!({"name": "a", "tags": ["web"]}),
            &["droplet:read", "firewall:create", "firewall:read", "tag:create", "tag:read"],
        );
        check("digitalocean_droplet", Operation::Read, json!({}), &["droplet:read", "tag:read", "vpc:read"]);
    }
}
