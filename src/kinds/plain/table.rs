//! The table of a plain kind: a constant, from which all its operations follow.
//!
//! Invariant: values only; nothing here asks the API.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::attr::{Attr, EditName};
use crate::complaints::Complaints;
use crate::erased::{Fut, Scopes};
use crate::job::Job;
use dofloat_api::client::Client;
use dofloat_base::identity::Id;
use dofloat_base::value::{Body, Term, Value};

/// A kind whose objects lie in a collection of the API, and are made, read, changed and deleted there as REST has it.
pub(crate) struct Plain {
    /// The resource type.
    pub(crate) name: &'static str,
    /// Its noun in messages: "uptime check".
    pub(crate) noun: &'static str,
    /// The attribute table.
    pub(crate) attrs: &'static [Attr],
    /// Where its objects lie.
    pub(crate) at: Collection,
    /// How its objects lie there.
    pub(crate) form: Form,
    /// Where an object is made, if not in its collection. It may name attributes too: `/volumes/{volume_id}/snapshots`.
    pub(crate) made_at: Option<&'static str>,
    /// The query that narrows the collection to objects of this kind.
    pub(crate) among: &'static [(&'static str, &'static str)],
    /// How an object is changed in place, by the edit [`UPDATE`].
    pub(crate) update: Update,
    /// The scopes of what hooks ask for, beside those that its paths need.
    pub(crate) scopes: Scopes,
    /// The attributes that no two objects of an account share. The first one finds the object of a lost answer; where there is none, an object
    /// that is alike in all that was written may be it, or not.
    pub(crate) unique: &'static [Unique],
    /// The attributes that no two objects share though nobody is refused for it: a create gives the one that is there.
    pub(crate) unique_key: &'static [&'static str],
    /// When an object is usable, where it is not at once.
    pub(crate) ready: Option<Ready>,
    /// How long a deletion may take that is answered before the object is gone.
    pub(crate) gone_within: Option<Duration>,
    /// The product in the uniform resource name, for kinds with a row `urn`.
    pub(crate) urn: &'static str,
    /// Whether an object costs money.
    pub(crate) billed: bool,
    /// Whether a create can just be made again, so that nothing needs to be found after a lost answer.
    pub(crate) repeatable: bool,
    /// Whether several may be made of one object: what follows a comma in the identity tells them apart.
    pub(crate) shared: bool,
    /// The code that is truly its own.
    pub(crate) hooks: Hooks,
}

impl Plain {
    /// A kind of nothing, for what the others leave out.
    pub(crate) const NOTHING: Self = Self {
        name: "",
        noun: "",
        attrs: &[],
        at: Collection { path: "", one: "", many: "", id: "id", key: None },
        form: Form::Many,
        made_at: None,
        among: &[],
        update: Update::Never,
        scopes: Scopes { read: &[], create: &[], update: &[], delete: &[] },
        unique: &[],
        unique_key: &[],
        ready: None,
        gone_within: None,
        urn: "",
        billed: false,
        repeatable: false,
        shared: false,
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
        named(self.path)
    }
}

/// How objects lie at the path of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Each below it, and all in a list.
    Many,
    /// The one is there while this list of it is not empty: it is made, changed and deleted by PUT. It is known by what it lies in.
    Part(&'static str),
}

/// The attributes that a path names.
pub(super) fn named(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// The attribute that tells hooks as which one an object is read, where several are made of it.
pub(crate) const IDENTITY: &str = "#identity";

/// The edit that the update form brings about. Edits of other names are brought about by a hook.
pub(crate) const UPDATE: EditName = "update";

/// How an object is changed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// Not at all.
    Never,
    /// By all that can be changed, with PUT.
    Put,
    /// By what differs, with PATCH.
    Patch,
}

/// Attributes that are together unique in an account.
pub(crate) struct Unique {
    /// Their names; `spec.name` is one of the first block `spec`.
    pub(crate) attrs: &'static [&'static str],
    /// Their noun in messages: "certificate name".
    pub(crate) noun: &'static str,
    /// The fate of a create where the account has them.
    pub(crate) taken: Taken,
}

/// The fate of a create of something that the account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The API refuses it.
    Refuse,
    /// Nothing: they are only most likely unique.
    Allow,
}

/// When an object is usable.
pub(crate) struct Ready {
    /// The attribute that tells; where none does, only [`Hooks::yet`].
    pub(crate) attr: &'static str,
    /// The values by which it is ready.
    pub(crate) is: &'static [&'static str],
    /// The values by which it never will be.
    pub(crate) never: &'static [&'static str],
    /// How long that may take.
    pub(crate) limit: Duration,
}

impl Ready {
    /// Whether an object is there already.
    pub(super) fn is_reached(&self, seen: &Body) -> bool {
        self.attr.is_empty() || seen.get(self.attr).and_then(Value::as_str).is_some_and(|word| self.is.contains(&word))
    }
}

/// Operations for which a plain kind has code of its own.
pub(crate) struct Hooks {
    /// Checks a body beyond its rows.
    pub(crate) check: fn(&Term, &mut Complaints),
    /// Checks what is wanted against what is there, of an object that is changed in place.
    pub(crate) against: fn(&Job, &Body, &mut Complaints),
    /// Makes the object where that is no POST to a collection; gives its identity.
    pub(crate) make: Option<Make>,
    /// The work that is left once a new object has its identity. It may be done again.
    pub(crate) after_create: Option<AfterCreate>,
    /// Makes the fields of a request what the API takes.
    pub(crate) sent: Option<Sent>,
    /// Makes what was read what the official provider shows.
    pub(crate) seen: Option<Seen>,
    /// Adds to an object what only one that is meant is asked for: its secrets.
    pub(crate) read_details: Option<Seen>,
    /// Whether what was read is an object of this kind.
    pub(crate) is_there: fn(&Body) -> bool,
    /// Why an object is not ready yet, beyond the word of [`Ready`].
    pub(crate) yet: fn(&Body) -> Option<String>,
    /// Why an object will never be usable, whatever is waited for.
    pub(crate) lost: fn(&Client, &Body) -> Option<String>,
    /// Whether one that was never usable never will be, beyond the word of [`Ready`].
    pub(crate) creation_failed: Option<CreationFailed>,
    /// Brings about an edit that is not [`UPDATE`].
    pub(crate) edit: Option<Edit>,
    /// Waits until what a lost create of this body has begun can be found.
    pub(crate) before_find: Option<BeforeFind>,
    /// The work that comes before a deletion.
    pub(crate) leave: Option<Leave>,
    /// Lets it end where that is no DELETE.
    pub(crate) end: Option<Leave>,
}

/// Makes an object of what is wanted.
pub(crate) type Make = for<'a> fn(&'a Client, &'a Body) -> Fut<'a, Id>;

/// Waits before an object is looked for.
pub(crate) type BeforeFind = for<'a> fn(&'a Client, &'a Body) -> Fut<'a, ()>;

/// Goes on with a new object; what is wanted is known as far as it was written.
pub(crate) type AfterCreate = for<'a> fn(&'a Client, &'a Id, &'a Term) -> Fut<'a, ()>;

/// Alters a request, by reads.
pub(crate) type Sent = for<'a> fn(&'a Client, &'a mut Map<String, Json>) -> Fut<'a, ()>;

/// Alters what was read, by further reads.
pub(crate) type Seen = for<'a> fn(&'a Client, &'a mut [Body]) -> Fut<'a, ()>;

/// Says of what was seen of an object whether it is lost.
pub(crate) type CreationFailed = for<'a> fn(&'a Client, &'a Id, &'a Body) -> Fut<'a, bool>;

/// Brings about an edit: what is wanted, and what there is.
pub(crate) type Edit = for<'a> fn(&'a Client, &'a Id, EditName, &'a Body, &'a Body) -> Fut<'a, ()>;

/// Prepares the end of an object.
pub(crate) type Leave = for<'a> fn(&'a Client, &'a Id, &'a Body) -> Fut<'a, ()>;

impl Hooks {
    /// Nothing.
    pub(crate) const NONE: Self = Self {
        check: |_, _| {},
        against: |_, _, _| {},
        make: None,
        after_create: None,
        sent: None,
        seen: None,
        read_details: None,
        is_there: |_| true,
        yet: |_| None,
        lost: |_, _| None,
        creation_failed: None,
        edit: None,
        before_find: None,
        leave: None,
        end: None,
    };
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
