//! The walk over what is wanted, in dependency order: each instance is resolved, compared, and published to those that come later.
//!
//! Invariant: pure. What is published of an instance is what a later one may build upon: observed where it is kept, unknown
//! where it is made anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Action, Change, Reason};
use crate::data::Query;
use crate::desired::{Checked, terms};
use crate::diff;
use crate::held;
use crate::known::{effective, secret_identities};
use crate::observed::{Present, Seen};
use crate::planned::Input;
use crate::publish::{Instance, followed, publish};
use dofloat_base::address::Address;
use dofloat_base::desired::{Desired, Wanted};
use dofloat_base::diag::Diagnostic;
use dofloat_base::value::{Origin, Term, Terms, Value};
use dofloat_kinds::erased::{AnyKind, Job};
use dofloat_kinds::kind;

pub(super) struct Walk<'a> {
    pub(super) input: Input<'a>,
    pub(super) wanted: &'a Desired,
    pub(super) chosen: Option<BTreeSet<Address>>,
    /// Whether the account is a simulated one.
    pub(super) simulated: bool,
    pub(super) known: BTreeMap<Address, Term>,
    pub(super) changes: BTreeMap<Address, Change>,
    pub(super) jobs: BTreeMap<&'static str, Vec<Job>>,
    pub(super) terms: BTreeMap<Address, Terms>,
    pub(super) queries: Vec<Query>,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) notes: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    pub(super) fn is_chosen(&self, address: &Address) -> bool {
        !self.input.options.refresh_only && self.chosen.as_ref().is_none_or(|chosen| chosen.contains(address))
    }

    pub(super) fn present(&self, address: &Address) -> Option<Present<'a>> {
        let record = self.input.state.records.get(address)?;
        match self.input.observed.seen.get(address)? {
            Seen::Present { body, digests, secrets } => Some(Present { record, body, digests, secrets }),
            Seen::Gone => None,
        }
    }

    /// Resolves, compares and publishes one wanted instance.
    pub(super) fn visit(&mut self, address: &Address) {
        let Some(wanted) = self.wanted.resources.get(address) else { return };
        let Some(kind) = kind(&address.kind) else {
            self.errors.push(Diagnostic::error(format!("There is no resource type `{}`.", address.kind)).at(wanted.span.clone()));
            return;
        };
        let body = {
            let known = &self.known;
            self.input
                .resolve
                .body(address, &|other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default())))
        };
        let Checked { terms, remarks } =
            match body.and_then(|body| terms(self.input.resolve, address, &body, &self.input.options.placeholders)) {
                Ok(checked) => checked,
                Err(errors) => {
                    self.errors.extend(errors);
                    return;
                }
            };
        for (name, error) in secret_identities(kind.attrs(), &terms, kind.name()) {
            self.errors.push(error.at(self.input.resolve.span(address, &[name])).about(address));
        }
        let present = self.present(address);
        let mut change = match &present {
            _ if !self.is_chosen(address) => self.keep(address, present.as_ref()),
            Some(present) => self.compare(address, wanted, kind, &terms, present),
            None => self.create(address, kind, &terms),
        };
        let of = Instance { address, wanted, kind, terms: &terms };
        let known = publish(of, &change, present.as_ref(), &self.input.state.salt);
        if let (Action::Edit { .. }, Some(present)) = (&change.action, &present) {
            followed(kind.attrs(), &known, present, &mut change.attrs);
        }
        change.after = Some(known.clone());
        change.provenance = self.input.moves.provenance(address);
        self.known.insert(address.clone(), known);
        if let Some(present) = &present {
            self.notes.extend(self.note(address, wanted, kind, present, &change));
        }
        if matches!(change.action, Action::Create | Action::Edit { .. } | Action::Replace { .. }) {
            let creates = !matches!(change.action, Action::Edit { .. });
            let seen = present.as_ref().filter(|_| !creates).map(|present| present.body.clone());
            // A simulated account is there to try a file: that an account would refuse it is told.
            let told = |remark: Diagnostic| if self.simulated { remark.into_warning() } else { remark };
            self.errors.extend(remarks.into_iter().map(told));
            let job = Job { address: address.clone(), id: change.id.clone(), body: Term::map(terms.clone()), seen, creates };
            self.jobs.entry(kind.name()).or_default().push(job);
        }
        self.check(address);
        let kept = present.filter(|_| !matches!(change.action, Action::Create | Action::Replace { .. }));
        self.changes.insert(address.clone(), change);
        self.terms.insert(address.clone(), effective(kind.attrs(), &terms, wanted, kept.map(|present| present.body)));
    }

    /// Checks the postconditions of an instance with what is known of it.
    pub(super) fn check(&mut self, address: &Address) {
        let known = &self.known;
        let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
        if let Err(errors) = self.input.resolve.check(address, &of) {
            self.errors.extend(errors);
        }
    }

    pub(super) fn keep(&self, address: &Address, present: Option<&Present<'_>>) -> Change {
        let before = present.map(|present| present.body.clone());
        Change {
            address: address.clone(),
            action: Action::Keep,
            reason: None,
            after: before.clone().map(|body| Term::Value(Value::Map(body))),
            before,
            attrs: Vec::new(),
            arguments: Vec::new(),
            id: present.map(|present| present.record.id.clone()),
            provenance: None,
        }
    }

    fn create(&self, address: &Address, kind: &dyn AnyKind, terms: &Terms) -> Change {
        let gone = self.input.state.records.contains_key(address);
        Change {
            address: address.clone(),
            action: Action::Create,
            reason: gone.then_some(Reason::Gone),
            before: None,
            after: None,
            attrs: diff::made(kind.attrs(), terms, None),
            arguments: Vec::new(),
            id: None,
            provenance: None,
        }
    }

    /// The notes about an existing object, and its action.
    fn note(&self, address: &Address, wanted: &Wanted, kind: &dyn AnyKind, present: &Present<'_>, change: &Change) -> Option<Diagnostic> {
        let note = Diagnostic::warning(format!("{address} {}.", kind.note(present.body)?)).at(wanted.span.clone()).about(address);
        let busy = self.input.observed.busy.contains(address);
        let left = held::deviation(kind.attrs(), present, &wanted.rules, change.brings_back(), busy);
        // Who only looks, takes it as it is; what is made anew is on.
        let moot = self.input.options.refresh_only || matches!(change.action, Action::Replace { .. });
        Some(match left.filter(|_| !moot) {
            Some(left) => note.hint(left.hint(wanted.rules.hold)),
            None => note,
        })
    }
}
