//! The attribute table: one row an attribute says its type, who sets it, how a change of it is made, how it is compared,
//! whether it may be shown, and which token scopes it needs.
//!
//! Invariant: diff, validation, plan text and the scope report all derive from these rows; nothing else says the same
//! thing again. Rows are constants.

mod blocks;

use super::valid::Valid;
use dofloat_base::types::Type;
use dofloat_base::value::{Body, Value};

/// The type of an attribute, as a constant.
#[derive(Clone, Copy, Debug)]
pub enum Ty {
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `list(T)`
    List(&'static Ty),
    /// `set(T)`
    Set(&'static Ty),
    /// `map(T)`
    Map(&'static Ty),
    /// An object, or in a list or set a nested block, with rows of its own.
    Object(&'static [Attr]),
    /// Whatever is given.
    Any,
}

impl From<Ty> for Type {
    fn from(ty: Ty) -> Self {
        match ty {
            Ty::Bool => Self::Bool,
            Ty::Number => Self::Number,
            Ty::String => Self::String,
            Ty::Any => Self::Any,
            Ty::List(item) => Self::List(Box::new((*item).into())),
            Ty::Set(item) => Self::Set(Box::new((*item).into())),
            Ty::Map(item) => Self::Map(Box::new((*item).into())),
            Ty::Object(rows) => object_type(rows),
        }
    }
}

/// The object type of some rows.
#[must_use]
pub fn object_type(rows: &[Attr]) -> Type {
    Type::Object(rows.iter().map(|row| (row.name.to_owned(), row.ty.into())).collect())
}

/// Who sets the attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The user must.
    Required,
    /// The user may; null otherwise, or the row's default.
    Optional,
    /// The user may; the API chooses otherwise.
    OptionalComputed,
    /// The API alone.
    Computed,
}

/// The name of an edit: what one call (or one sequence of calls) of `Kind::edit` brings about.
pub type EditName = &'static str;

/// How a change of the attribute is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By a call, while the object goes on working.
    InPlace(EditName),
    /// By a call that interrupts it (a droplet is powered off); the plan says so.
    Disruptive(EditName),
    /// From false to true by a call, while the object goes on working; anything else only by a new object.
    Enable(EditName),
    /// To more than there is by a call, while the object goes on working; to less only by a new object.
    Grow(EditName),
    /// Only by a new object.
    Replace,
    /// Not at all on the API's side: the new value is just recorded.
    Local,
    /// Never changed by us: computed.
    Never,
}

/// Whether it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// In state, plan and on screen.
    Open,
    /// Only its digest is kept; an expression that reads it gets the SHA-1 of the text, as with the official provider.
    Hidden,
    /// Only its digest is kept; an expression that reads it gets the value, marked as sensitive.
    Sensitive,
}

/// Whether the API gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// Yes; what it says is the truth.
    Readable,
    /// Yes, but it is nobody's business where the user does not set it (another resource sets it then): it is neither
    /// recorded nor compared there. A remark may still tell it.
    WhenSet,
    /// No (create-only, or local): what was last sent is kept in state.
    WriteOnly,
    /// No: it came about with the object and never changes, so it is kept in state as it was then.
    Once,
    /// Yes, but other resources change it (the droplet that a reserved IP points to): never remembered, never drift.
    Volatile,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug)]
pub enum Compare {
    /// As they are.
    Exact,
    /// As sets: order and doubles do not matter.
    Set,
    /// As texts without regard to case.
    NoCase,
    /// By their normal form, which the function gives (for example `1-65535`, `all` and `0` are one port range).
    Normal(fn(&Value) -> Value),
    /// By a normal form that depends on the object's other attributes (a record's name on its domain).
    Within(fn(&Value, &Body) -> Value),
    /// As blocks: each by the normal forms of its own rows, what is left out being as good as nothing.
    Block,
}

/// How an attribute stands in requests and answers, where that is not by its own name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Its field in requests.
    pub sent: Option<&'static str>,
    /// A JSON pointer to it in answers.
    pub read: Option<&'static str>,
    /// Whether it is a block of which there is one, and an object instead of a list there.
    pub single: bool,
    /// Whether it is sent even where it is empty.
    pub always: bool,
    /// Whether a PUT repeats it though it cannot be changed.
    pub resent: bool,
    /// Whether its block is sent with all its parts, those that are nothing too, and so taken back.
    pub whole: bool,
}

/// Whether what is there will do for what is wanted; each with the other attributes of its side.
pub type Suits = fn(wanted: (&Value, &Body), there: (&Value, &Body)) -> bool;

/// A reference of an attribute to an object of another kind.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// The kinds that it may be; the first one is asked for what the stack does not have.
    pub kinds: &'static [&'static str],
    /// The attributes of theirs that name it.
    pub by: &'static [&'static str],
    /// Whether both must be in one region.
    pub near: bool,
}

/// In which spelling an attribute that is written is known once it is there. Expressions see this one from the first plan on,
/// so what depends on it comes out as it was planned, whatever the API makes of it.
#[derive(Clone, Copy, Debug)]
pub enum Echo {
    /// The one by which it is compared.
    Normal,
    /// The one in which it is written.
    Written,
    /// The one that the function gives; `None` while other attributes that it depends on are not known.
    Form(fn(&Value, &Body) -> Option<Value>),
    /// Nobody can tell before it is read.
    Unforeseen,
}

/// Not an edit: what is only known of a new object once it was waited for (`Attr::follows`).
pub const AWAIT_READY: EditName = "settle";
/// The edit that powers on what is off.
pub const POWER_ON: EditName = "power_on";

/// A state that nobody writes and that is held: what has left it by other hands is brought back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The state.
    pub state: &'static str,
    /// The one from which it is brought back. Any other is no loss (a droplet that is new), or cannot be mended (an archived one).
    pub lost: &'static str,
    /// The edit that brings it back.
    pub edit: EditName,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attr {
    /// The official provider's name.
    pub name: &'static str,
    /// Its type.
    pub ty: Ty,
    /// Whether it is written as a block (`inbound_rule { … }`); its type is then a list or a set of objects.
    pub block: bool,
    /// Who sets it.
    pub presence: Presence,
    /// The default where the user wrote nothing.
    pub default: Option<Lit>,
    /// How a change is made.
    pub change: Change,
    /// Whether it may be shown.
    pub secrecy: Secrecy,
    /// Whether the API gives it back.
    pub reads: Reads,
    /// How it is compared.
    pub compare: Compare,
    /// Whether what is there will do for what is wanted, though it is another: the API has completed what is written.
    pub suits: Option<Suits>,
    /// In which spelling it is known once it is there.
    pub echo: Echo,
    /// The edits that may change it though it is computed (a resize changes `memory`): unknown until they are done.
    pub follows: &'static [EditName],
    /// The state of it that is held, though nobody writes it.
    pub held: Option<Held>,
    /// Whether the API knows the object by it. Records, journals and messages name it, so it cannot be secret.
    pub identity: bool,
    /// The attributes whose text it repeats: it is as secret as they are.
    pub repeats: &'static [&'static str],
    /// Token scopes needed where it is set, beside those of the operation.
    pub scopes: &'static [&'static str],
    /// Token scopes without which the API leaves it out of its answers.
    pub read_scopes: &'static [&'static str],
    /// Token scopes needed to delete an object in which it is true.
    pub leave_scopes: &'static [&'static str],
    /// Whether it is sealed, as a part of a block: the API takes it, and gives it back in no form that could be compared. It is as
    /// secret as a password, and what was last sent is remembered by digest.
    pub sealed: bool,
    /// The object that it names, if it names one.
    pub points: Option<Points>,
    /// How it stands in requests and answers; plain kinds alone go by it.
    pub wire: Wire,
    /// The values that are valid; plain kinds alone go by it.
    pub valid: Valid,
    /// Its documentation: one sentence.
    pub doc: &'static str,
}

/// The attribute `urn`, by which projects name an object.
pub const URN: Attr = Attr::computed("urn", Ty::String, "The uniform resource name.");

/// The attribute `created_at`.
pub const CREATED_AT: Attr = Attr::computed("created_at", Ty::String, "When it was made.");

/// `timeouts { create = "60m" }`: taken so that an existing file runs as it is. Waiting has limits of its own here.
pub const TIMEOUTS: Attr = Attr::optional(
    "timeouts",
    Ty::List(&Ty::Object(&[
        Attr::optional("create", Ty::String, Change::Local, "The limit of a create.").write_only(),
        Attr::optional("read", Ty::String, Change::Local, "The limit of a read.").write_only(),
        Attr::optional("update", Ty::String, Change::Local, "The limit of a change.").write_only(),
        Attr::optional("delete", Ty::String, Change::Local, "The limit of a delete.").write_only(),
    ])),
    Change::Local,
    "Time limits; they are accepted and have no effect.",
)
.block()
.write_only();

/// A constant default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lit {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Str(&'static str),
}

impl From<Lit> for Value {
    fn from(lit: Lit) -> Self {
        match lit {
            Lit::Bool(bool) => Self::Bool(bool),
            Lit::Int(number) => number.into(),
            Lit::Str(text) => text.into(),
        }
    }
}

impl Attr {
    const fn row(name: &'static str, ty: Ty, presence: Presence, change: Change, doc: &'static str) -> Self {
        Self {
            name,
            ty,
            block: false,
            presence,
            default: None,
            change,
            secrecy: Secrecy::Open,
            reads: Reads::Readable,
            compare: Compare::Exact,
            suits: None,
            echo: Echo::Normal,
            follows: &[],
            held: None,
            identity: false,
            repeats: &[],
            scopes: &[],
            read_scopes: &[],
            leave_scopes: &[],
            sealed: false,
            points: None,
            wire: Wire { sent: None, read: None, single: false, always: false, resent: false, whole: false },
            valid: Valid::Any,
            doc,
        }
    }

    /// A row that the user must set.
    #[must_use]
    pub const fn required(name: &'static str, ty: Ty, change: Change, doc: &'static str) -> Self {
        Self::row(name, ty, Presence::Required, change, doc)
    }

    /// A row that the user may set.
    #[must_use]
    pub const fn optional(name: &'static str, ty: Ty, change: Change, doc: &'static str) -> Self {
        Self::row(name, ty, Presence::Optional, change, doc)
    }

    /// A row that the user may set and the API chooses otherwise.
    #[must_use]
    pub const fn chosen(name: &'static str, ty: Ty, change: Change, doc: &'static str) -> Self {
        Self::row(name, ty, Presence::OptionalComputed, change, doc)
    }

    /// A row that the API alone sets.
    #[must_use]
    pub const fn computed(name: &'static str, ty: Ty, doc: &'static str) -> Self {
        Self::row(name, ty, Presence::Computed, Change::Never, doc)
    }

    /// The same, written as a block.
    #[must_use]
    pub const fn block(mut self) -> Self {
        self.block = true;
        self
    }

    /// The same with a default.
    #[must_use]
    pub const fn default(mut self, lit: Lit) -> Self {
        self.default = Some(lit);
        self
    }

    /// The same, never shown.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.secrecy = Secrecy::Hidden;
        self
    }

    /// The same, sensitive to whoever reads it.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.secrecy = Secrecy::Sensitive;
        self
    }

    /// The same, known from when the object was made.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.reads = Reads::Once;
        self
    }

    /// The same, never given back by the API.
    #[must_use]
    pub const fn write_only(mut self) -> Self {
        self.reads = Reads::WriteOnly;
        self
    }

    /// The same, changed by other resources.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.reads = Reads::Volatile;
        self
    }

    /// The same, changed by these edits.
    #[must_use]
    pub const fn follows(mut self, edits: &'static [EditName]) -> Self {
        self.follows = edits;
        self
    }

    /// The same, held in a state.
    #[must_use]
    pub const fn held(mut self, held: Held) -> Self {
        self.held = Some(held);
        self
    }

    /// The same, by which the API knows the object.
    #[must_use]
    pub const fn identity(mut self) -> Self {
        self.identity = true;
        self
    }

    /// The same, made up of the texts of these.
    #[must_use]
    pub const fn repeats(mut self, names: &'static [&'static str]) -> Self {
        self.repeats = names;
        self
    }

    /// The same, read in another way.
    #[must_use]
    pub const fn reads(mut self, reads: Reads) -> Self {
        self.reads = reads;
        self
    }

    /// The same with another comparison.
    #[must_use]
    pub const fn compare(mut self, compare: Compare) -> Self {
        self.compare = compare;
        self
    }

    /// The same, where another value may do too.
    #[must_use]
    pub const fn suits(mut self, suits: Suits) -> Self {
        self.suits = Some(suits);
        self
    }

    /// The same, known in another spelling once it is there.
    #[must_use]
    pub const fn echo(mut self, echo: Echo) -> Self {
        self.echo = echo;
        self
    }

    /// The same with scopes that it needs where it is set.
    #[must_use]
    pub const fn scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.scopes = scopes;
        self
    }

    /// The same with scopes that are needed to see it.
    #[must_use]
    pub const fn read_scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.read_scopes = scopes;
        self
    }

    /// The same with scopes that are needed to delete an object in which it is true.
    #[must_use]
    pub const fn leave_scopes(mut self, scopes: &'static [&'static str]) -> Self {
        self.leave_scopes = scopes;
        self
    }

    /// Where an answer has it, with dots between the fields that it lies in.
    pub(crate) fn shown_at(&self) -> String {
        self.wire.read.map_or_else(|| self.name.to_owned(), |pointer| pointer.trim_start_matches('/').replace('/', "."))
    }

    /// The same, sealed as a part of its block.
    #[must_use]
    pub const fn sealed(mut self) -> Self {
        self.sealed = true;
        self
    }

    /// The same, naming an object by one of these attributes.
    #[must_use]
    pub const fn names(mut self, kinds: &'static [&'static str], by: &'static [&'static str]) -> Self {
        self.points = Some(Points { kinds, by, near: false });
        self
    }

    /// The same, where both must be in one region.
    #[must_use]
    pub const fn names_near(self, kinds: &'static [&'static str], by: &'static [&'static str]) -> Self {
        let mut named = self.names(kinds, by);
        named.points = Some(Points { kinds, by, near: true });
        named
    }

    /// The same, of another name in requests and answers.
    #[must_use]
    pub const fn wire(mut self, sent: &'static str, read: &'static str) -> Self {
        self.wire.sent = Some(sent);
        self.wire.read = Some(read);
        self
    }

    /// The same, read at this place of an answer.
    #[must_use]
    pub const fn at(mut self, pointer: &'static str) -> Self {
        self.wire.read = Some(pointer);
        self
    }

    /// The same, blocks by whose rows it is compared.
    #[must_use]
    pub const fn blocks(mut self) -> Self {
        self.block = true;
        self.compare = Compare::Block;
        self
    }

    /// The same, a block of which there is one: an object in requests and answers.
    #[must_use]
    pub const fn single(mut self) -> Self {
        self.block = true;
        self.compare = Compare::Block;
        self.wire.single = true;
        self
    }

    /// The same, sent even where it is empty.
    #[must_use]
    pub const fn always(mut self) -> Self {
        self.wire.always = true;
        self
    }

    /// The same, repeated by every PUT though it cannot be changed.
    #[must_use]
    pub const fn resent(mut self) -> Self {
        self.wire.resent = true;
        self
    }

    /// The same, sent with all its parts, and taken back by what is nothing in each.
    #[must_use]
    pub const fn whole(mut self) -> Self {
        self.wire.whole = true;
        self
    }

    /// The same, which may be no other than this.
    #[must_use]
    pub const fn valid(mut self, valid: Valid) -> Self {
        self.valid = valid;
        self
    }

    /// The rows of its blocks, if it is one.
    #[must_use]
    pub const fn inner(&self) -> Option<&'static [Attr]> {
        match self.ty {
            Ty::List(Ty::Object(inner)) | Ty::Set(Ty::Object(inner)) => Some(inner),
            _ => None,
        }
    }

    /// The form of a value (null for none) by which it is compared; `body` holds the other attributes of its side.
    #[must_use]
    pub fn normal(&self, value: &Value, body: &Body) -> Value {
        match self.compare {
            Compare::Exact => value.clone(),
            Compare::Set => match value {
                Value::List(items) => {
                    let mut items = items.clone();
                    items.sort();
                    items.dedup();
                    Value::List(items)
                }
                other => other.clone(),
            },
            Compare::NoCase => match value {
                Value::Str(text) => Value::Str(text.to_lowercase()),
                other => other.clone(),
            },
            Compare::Normal(form) => form(value),
            Compare::Within(form) => form(value, body),
            // What the API alone sets is nobody's wish.
            Compare::Block => self.compared_blocks(value),
        }
    }

    /// A written value in the spelling in which it is known once it is there; `None` if that cannot be told yet. `body` holds the
    /// other attributes, as far as they are known.
    #[must_use]
    pub fn echoed(&self, value: &Value, body: &Body) -> Option<Value> {
        let echoed = match self.echo {
            _ if self.reads == Reads::WriteOnly => value.clone(),
            Echo::Written => value.clone(),
            Echo::Normal if matches!(self.compare, Compare::Block) => self.written_blocks(value),
            Echo::Normal => self.normal(value, body),
            Echo::Form(form) => form(value, body)?,
            Echo::Unforeseen => return None,
        };
        Some(match (echoed, self.unset()) {
            (Value::Null, Value::Null) => value.clone(),
            (Value::Null, unset) => unset,
            (echoed, _) => echoed,
        })
    }

    /// The API's value where the user wrote nothing and the API does not choose.
    #[must_use]
    pub fn unset(&self) -> Value {
        if self.presence != Presence::Optional || self.reads != Reads::Readable {
            return Value::Null;
        }
        match self.ty {
            Ty::Number => 0.into(),
            Ty::String => "".into(),
            Ty::List(_) | Ty::Set(_) => Value::List(Vec::new()),
            Ty::Map(_) => Value::Map(Body::new()),
            Ty::Bool | Ty::Object(_) | Ty::Any => Value::Null,
        }
    }

    /// How the change of what is there to `wanted` is made: never `Change::Enable` or `Change::Grow`.
    #[must_use]
    pub fn change_to(&self, wanted: &Value, there: &Value) -> Change {
        let items = |value: &Value| self.normal(value, &Body::new()).as_list().unwrap_or_default().to_vec();
        match self.change {
            Change::Enable(edit) if *wanted == Value::Bool(true) => Change::InPlace(edit),
            Change::Grow(edit) if items(there).iter().all(|item| items(wanted).contains(item)) => Change::InPlace(edit),
            Change::Enable(_) | Change::Grow(_) => Change::Replace,
            change => change,
        }
    }

    /// Whether it repeats the text of a secret; `secret` tells whether an attribute is one.
    #[must_use]
    pub fn repeats_secret(&self, secret: impl Fn(&str) -> bool) -> bool {
        self.repeats.iter().any(|name| secret(name))
    }

    /// Whether the user may set it.
    #[must_use]
    pub const fn settable(&self) -> bool {
        !matches!(self.presence, Presence::Computed)
    }
}
