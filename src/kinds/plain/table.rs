//! What a plain kind says of itself: a constant, from which all its operations follow.
//!
//! Invariant: values only; nothing here asks the API.

use std::time::Duration;

use crate::attr::Attr;
use crate::complaints::Complaints;
use crate::erased::Scopes;
use dofloat_base::value::Term;

/// A kind whose objects lie in a collection of the API, and are made, read, changed and deleted there as REST has it.
pub(crate) struct Plain {
    /// The resource type.
    pub(crate) name: &'static str,
    /// What messages call one of it: "uptime check".
    pub(crate) noun: &'static str,
    /// The attribute table.
    pub(crate) attrs: &'static [Attr],
    /// Where its objects lie.
    pub(crate) at: Collection,
    /// How an object is changed in place, by the edit `update`.
    pub(crate) update: Update,
    /// The scopes.
    pub(crate) scopes: Scopes,
    /// What no two objects of an account share. The first one finds the object of a lost answer; where there is none, an object
    /// that is alike in all that was written may be it, or not.
    pub(crate) unique: &'static [Unique],
    /// When an object is usable, where it is not at once.
    pub(crate) ready: Option<Ready>,
    /// The product in the uniform resource name, for kinds with a row `urn`.
    pub(crate) urn: &'static str,
    /// Whether an object costs money.
    pub(crate) costs: bool,
    /// What is truly its own.
    pub(crate) hooks: Hooks,
}

impl Plain {
    /// A kind of nothing, for what the others leave out.
    pub(crate) const NOTHING: Self = Self {
        name: "",
        noun: "",
        attrs: &[],
        at: Collection { path: "", one: "", many: "", id: "id", key: None },
        update: Update::Never,
        scopes: Scopes { read: &[], create: &[], update: &[], delete: &[] },
        unique: &[],
        ready: None,
        urn: "",
        costs: false,
        hooks: Hooks::NONE,
    };

    /// The row of that name.
    pub(crate) fn row(&self, name: &str) -> Option<&'static Attr> {
        self.attrs.iter().find(|row| row.name == name)
    }
}

/// A collection of the API.
pub(crate) struct Collection {
    /// Its path. It may name attributes of what it lies in, `/uptime/checks/{check_id}/alerts`: they come first in the identity.
    pub(crate) path: &'static str,
    /// The field that holds one object.
    pub(crate) one: &'static str,
    /// The field that holds a list.
    pub(crate) many: &'static str,
    /// The field that is an object's identity.
    pub(crate) id: &'static str,
    /// The field by which an object's own path knows it, where that is not its identity: it is found in the list by that.
    pub(crate) key: Option<&'static str>,
}

impl Collection {
    /// The attributes that the path names.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// How an object is changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// Not at all.
    Never,
    /// By all that can be changed, with PUT.
    Put,
}

/// Attributes that are together unique in an account.
pub(crate) struct Unique {
    /// Their names.
    pub(crate) attrs: &'static [&'static str],
    /// What messages call them: "certificate name".
    pub(crate) noun: &'static str,
    /// What becomes of a create where the account has them.
    pub(crate) taken: Taken,
}

/// What becomes of a create of something that the account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The API refuses it.
    Refuse,
}

/// When an object is usable.
pub(crate) struct Ready {
    /// The attribute that tells.
    pub(crate) attr: &'static str,
    /// What it is then.
    pub(crate) is: &'static [&'static str],
    /// What it is where it never will be.
    pub(crate) never: &'static [&'static str],
    /// How long that may take.
    pub(crate) limit: Duration,
}

/// What a plain kind does by code of its own.
pub(crate) struct Hooks {
    /// Checks a body beyond its rows.
    pub(crate) check: fn(&Term, &mut Complaints),
}

impl Hooks {
    /// Nothing.
    pub(crate) const NONE: Self = Self { check: |_, _| {} };
}

/// The scopes of a kind with one word for all its operations; of one that is never changed in place, `fixed`.
macro_rules! scopes {
    ($word:literal) => {
        $crate::erased::Scopes { update: &[concat!($word, ":update"), concat!($word, ":read")], ..scopes!($word, fixed) }
    };
    ($word:literal, fixed) => {
        $crate::erased::Scopes {
            read: &[concat!($word, ":read")],
            create: &[concat!($word, ":create"), concat!($word, ":read")],
            update: &[],
            delete: &[concat!($word, ":delete")],
        }
    };
}
pub(crate) use scopes;
