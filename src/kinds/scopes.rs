//! Which token scopes an operation on an object needs, from its kind and the attributes that are set.
//!
//! Invariant: only the tables are asked. It must not know tokens.

use std::collections::BTreeSet;

use super::attr::{Attr, Reads, Ty};
use super::erased::AnyKind;
use dofloat_base::value::{Term, Value};

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// It is read (refresh).
    Read,
    /// It is made, the checks before it and the wait included.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted.
    Delete,
}

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
    // Each but a delete ends with a read of the whole object.
    if operation != Operation::Delete {
        all.extend(scopes.read);
        all.extend(kind.attrs().iter().filter(|row| row.reads != Reads::WriteOnly).flat_map(|row| row.read_scopes));
    }
    if matches!(operation, Operation::Create | Operation::Update) {
        set(kind.attrs(), body, &mut all);
    }
    all
}

fn set(rows: &[Attr], body: &Term, all: &mut BTreeSet<&'static str>) {
    for row in rows {
        let term = body.get(row.name);
        if matches!(&term, Term::Value(Value::Null)) || matches!(&term, Term::Value(Value::List(items)) if items.is_empty()) {
            continue;
        }
        all.extend(row.scopes);
        match row.ty {
            Ty::Object(inner) => set(inner, &term, all),
            Ty::List(Ty::Object(inner)) | Ty::Set(Ty::Object(inner)) => {
                for item in term.items().unwrap_or_default() {
                    set(inner, &item, all);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

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
