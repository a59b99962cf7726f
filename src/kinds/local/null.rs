//! `null_resource`: nothing, to hang triggers and provisioners on.
//!
//! Invariant: as `hashicorp/null` 3 has it: a change of `triggers` makes another one, and the id is a number without a meaning.

use super::Local;
use crate::attr::{Attr, Change, Ty};
use dofloat_base::identity::Id;
use dofloat_base::rng::entropy;

pub(super) static RESOURCE: Local = Local {
    name: "null_resource",
    attrs: &[
        Attr::computed("id", Ty::String, "A number without a meaning.").once(),
        Attr::optional("triggers", Ty::Map(&Ty::String), Change::Replace, "Values whose change recreates the resource.").write_only(),
    ],
    make: |_, _| Ok((Some(Id((u64::from_le_bytes(entropy()) >> 1).to_string())), dofloat_base::value::Body::new())),
    ..Local::NOTHING
};
