//! What the configuration wants: its shape, and the bodies on demand.
//!
//! Invariant: the shape (how many resources, what follows what) is known before any request; only attribute values may be
//! unknown until apply. It must not know kinds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::address::Address;
use super::diag::{Diagnostic, Span};
use super::provision::{Provisioner, Provisions, When};
use super::types::Type;
use super::value::Term;

/// The shape of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Every resource instance that shall exist.
    pub resources: BTreeMap<Address, Wanted>,
    /// Every data source instance: what is only read.
    pub data: BTreeMap<Address, Reading>,
    /// The resource blocks of the configuration, those included that make no instance.
    pub blocks: BTreeMap<Address, Repeats>,
    /// Resources that are wanted no more, and stay until the user says by their own names that they may go.
    pub kept: BTreeSet<Address>,
    /// Resources that stand in for each other, by the name of their whole.
    pub pairs: BTreeMap<Address, Pair>,
    /// `moved` blocks, in the order in which they are to be done.
    pub moves: Vec<Move>,
    /// `removed` blocks, by the resource block, or module, that is gone.
    pub removals: BTreeMap<Address, Removal>,
    /// `import` blocks, by the instance that takes the object over.
    pub imports: BTreeMap<Address, Import>,
}

impl Desired {
    /// The `removed` block that is about an address: about its resource, or about a module that it stands in.
    #[must_use]
    pub fn removal(&self, of: &Address) -> Option<&Removal> {
        if self.removals.is_empty() {
            return None;
        }
        let place = of.unkeyed();
        std::iter::successors(Some(&place), |place| place.parent.as_deref()).find_map(|place| self.removals.get(place))
    }

    /// Whether an object that stands at an address in the state may stay: it is wanted there, or where it is moved to.
    #[must_use]
    pub fn may_keep(&self, address: &Address) -> bool {
        self.resources.contains_key(address) || !self.moves.is_empty()
    }

    /// Adds to what follows a data source the resources that must exist before that is read: a data source leaves no record, so
    /// nothing else would tell.
    pub fn follow_data(&mut self) {
        let direct: BTreeMap<Address, BTreeSet<Address>> =
            self.data.iter().map(|(address, reading)| (address.clone(), reading.after.clone())).collect();
        let all = self.resources.values_mut().map(|wanted| &mut wanted.after);
        for after in all.chain(self.data.values_mut().map(|reading| &mut reading.after)) {
            let mut open: Vec<&Address> = after.iter().filter_map(|address| direct.get_key_value(address)).map(|(data, _)| data).collect();
            let mut seen: BTreeSet<&Address> = open.iter().copied().collect();
            while let Some(data) = open.pop() {
                for before in direct.get(data).into_iter().flatten() {
                    match direct.get_key_value(before) {
                        Some((data, _)) if seen.insert(data) => open.push(data),
                        Some(_) => {}
                        None => {
                            after.insert(before.clone());
                        }
                    }
                }
            }
        }
    }
}

/// What makes the instances of a resource block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Nothing: it is one.
    Once,
    /// `count`.
    Count,
    /// `for_each`.
    ForEach,
}

/// Servers of which one serves and the others stand by: never more than one of them is taken down at a time, and the one that
/// serves is the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The servers.
    pub nodes: Vec<Address>,
    /// Which of them serves, as the resource and its attribute say. They change it by themselves, so it is neither compared
    /// nor drift.
    pub holder: (Address, String),
    /// Whether their health is looked at before one is taken down, and at the end.
    pub gated: bool,
}

/// Where it can be read how a pair is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Which pair.
    pub pair: Address,
    /// The servers' names, and their public addresses as far as they have one.
    pub nodes: Vec<(String, Option<String>)>,
    /// Where each tells about itself: `:5480/health`.
    pub place: String,
    /// The address that is to answer, if it is there already.
    pub address: Option<String>,
    /// Whether a web server answers at it.
    pub serves: bool,
    /// How long it is waited for.
    pub limit: Duration,
}

/// A `moved` block: what was known by one address is known by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The old address: an instance, or a whole block with all its instances.
    pub from: Address,
    /// The new one.
    pub to: Address,
    /// The header of the block.
    pub span: Span,
}

/// A `removed` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Whether the objects are destroyed; otherwise they are only forgotten.
    pub destroy: bool,
    /// The header of the block.
    pub span: Span,
}

/// An `import` block, or one element of its `for_each`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The object, as the official provider names it.
    pub id: String,
    /// Where the id is written.
    pub span: Span,
}

/// One data source instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What its expressions refer to, and `depends_on`: data sources, and the resources that must exist before it is read, those
    /// that such data sources follow included.
    pub after: BTreeSet<Address>,
    /// What `depends_on` alone names: while something is to be done with it, nothing is read.
    pub depends_on: BTreeSet<Address>,
    /// Whether it belongs to a check: that it cannot be read is told, and stops nothing.
    pub checks: bool,
    /// The header of its block.
    pub span: Span,
}

/// One resource instance that shall exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The instances that must exist before it: what its expressions refer to, and `depends_on`. Of data sources among them
    /// also what those follow.
    pub after: BTreeSet<Address>,
    /// Its `lifecycle` block.
    pub rules: Lifecycle,
    /// The header of its block.
    pub span: Span,
}

/// The `lifecycle` block of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// `create_before_destroy`.
    pub create_before_destroy: bool,
    /// `prevent_destroy`, with the position where it is written; a default has none.
    pub prevent_destroy: Option<Prevent>,
    /// `ignore_changes`: the attribute names, or all.
    pub ignore_changes: Ignore,
    /// `replace_triggered_by`: resources, or attributes of resources, whose change replaces this one.
    pub replace_triggered_by: Vec<Trigger>,
    /// When a state that nobody writes is brought back, unless it is ignored (a droplet is switched on).
    pub hold: Hold,
}

/// When a state that nobody writes is brought back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// If the object was in it when it was last seen.
    #[default]
    Remembered,
    /// Whatever was remembered.
    Always,
}

/// `prevent_destroy = true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prevent {
    /// Written by the user: nothing but an edit of the file lifts it.
    Written(Span),
    /// A cluster's default for its address: the destruction of the whole stack lifts it.
    Default,
}

/// `ignore_changes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ignore {
    /// Nothing is ignored.
    #[default]
    Nothing,
    /// These attributes keep what they are.
    Names(BTreeSet<String>),
    /// `all`.
    All,
}

/// One entry of `replace_triggered_by`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The instance that is watched.
    pub address: Address,
    /// The attribute that is watched, or any change of the instance.
    pub attribute: Option<String>,
}

/// The value of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The value, which may still be unknown.
    pub value: Term,
    /// Its type, for `output -json`.
    pub ty: Type,
    /// `sensitive = true`.
    pub sensitive: bool,
    /// Its block.
    pub span: Option<Span>,
}

/// What is known of an instance's attributes at this point of the walk: a map, with unknown parts where they are not known
/// yet. Attributes that are absent from the map are null.
pub type Known<'a> = dyn Fn(&Address) -> Term + 'a;

/// Gives bodies as far as they are known. The language implements it, and the expansion of clusters.
pub trait Resolve {
    /// The shape.
    fn desired(&self) -> &Desired;

    /// From here on things are done: what is new at each call (`timestamp`) and was unknown in the plan has a value.
    fn begin(&self) {}

    /// The attributes of a resource instance, as a map term: blocks are lists of maps under their name; attributes that
    /// are null or not written are absent. Preconditions are checked.
    ///
    /// # Errors
    /// What is wrong in its expressions, with positions.
    fn body(&self, of: &Address, known: &Known<'_>) -> Result<Term, Vec<Diagnostic>>;

    /// What is sent for an instance that is made, from its whole body: where an attribute is compared by something that stands
    /// for it (what a cluster node's user-data is made from), the attribute itself.
    ///
    /// # Errors
    /// If it cannot be made.
    fn sent(&self, _of: &Address, body: BTreeMap<String, Term>, _known: &Known<'_>) -> Result<BTreeMap<String, Term>, Vec<Diagnostic>> {
        Ok(body)
    }

    /// The arguments that the hidden attributes of an instance are made from (a cluster node's user-data, from those of its block), by
    /// their names in the file: to tell which of them changed, never to decide.
    fn made_from(&self, _of: &Address, _known: &Known<'_>) -> BTreeMap<String, Term> {
        BTreeMap::new()
    }

    /// Whether an attribute of an instance may be that, as far as the configuration knows (a cluster is built on few images): for what
    /// is offered in its place, never to decide.
    fn accepts(&self, _of: &Address, _path: &[&str], _value: &str) -> bool {
        true
    }

    /// Where it can be read how a pair is, as far as its parts are known.
    fn watch(&self, _pair: &Address, _known: &Known<'_>) -> Option<Watch> {
        None
    }

    /// Checks the postconditions of an instance once its attributes are known as far as they will be.
    ///
    /// # Errors
    /// The postconditions that do not hold.
    fn check(&self, of: &Address, known: &Known<'_>) -> Result<(), Vec<Diagnostic>>;

    /// How many provisioners an instance has, be it wanted or one that its block no longer makes.
    fn provisions(&self, _of: &Address) -> Provisions {
        Provisions::default()
    }

    /// The provisioners of an instance that are run at that time, in the order of the file, with their values. `this` is what
    /// is known of the instance.
    ///
    /// # Errors
    /// What is wrong in their expressions, with positions.
    fn provisioners(&self, _of: &Address, _when: When, _this: &Term, _known: &Known<'_>) -> Result<Vec<Provisioner>, Vec<Diagnostic>> {
        Ok(Vec::new())
    }

    /// The outputs.
    ///
    /// # Errors
    /// What is wrong in their expressions, with positions.
    fn outputs(&self, known: &Known<'_>) -> Result<BTreeMap<String, Output>, Vec<Diagnostic>>;

    /// What the configuration checks beyond its resources and does not hold, as warnings; nothing of what is still unknown.
    fn checks(&self, _known: &Known<'_>) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Where an attribute of an instance is written: the path is `["inbound_rule", "0", "port_range"]`; the longest known
    /// prefix counts, the block's header for an empty one.
    fn span(&self, of: &Address, path: &[&str]) -> Option<Span>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_data_source_follows_what_that_one_follows() {
        let at = |text: &str| text.parse::<Address>().expect("an address");
        let span = Span { file: "a.tf".into(), start: 0, end: 0 };
        let all = |texts: &[&str]| texts.iter().map(|text| at(text)).collect::<BTreeSet<_>>();
        let reading = |after: &[&str]| Reading { after: all(after), depends_on: BTreeSet::new(), checks: false, span: span.clone() };
        let wanted = |after: &[&str]| Wanted { after: all(after), rules: Lifecycle::default(), span: span.clone() };
        let mut desired = Desired::default();
        desired.data.insert(at("data.k.a"), reading(&["k.one"]));
        desired.data.insert(at("data.k.b"), reading(&["data.k.a"]));
        desired.resources.insert(at("k.one"), wanted(&[]));
        desired.resources.insert(at("k.two"), wanted(&["data.k.b"]));
        desired.follow_data();
        assert_eq!(desired.data[&at("data.k.b")].after, all(&["data.k.a", "k.one"]));
        assert_eq!(desired.resources[&at("k.two")].after, all(&["data.k.b", "k.one"]));
        assert_eq!(desired.resources[&at("k.one")].after, BTreeSet::new());
    }
}
