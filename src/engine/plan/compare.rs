//! What becomes of an object that is there and wanted: kept, edited, replaced, or taken into the records.
//!
//! Invariant: pure; whatever is replaced is asked about first (`may_destroy`).

use super::walk::Walk;
use crate::arguments;
use crate::change::{Action, AttrChange, Change, MARK, Order, Reason, Shown};
use crate::diff::{self, Difference, There};
use crate::held;
use crate::observed::Present;
use crate::publish::is_rising;
use dofloat_base::address::Address;
use dofloat_base::desired::Wanted;
use dofloat_base::diag::Diagnostic;
use dofloat_base::identity::Mark;
use dofloat_base::value::{Body, Origin, Term, Terms, Value};
use dofloat_kinds::attr::{AWAIT_READY, Change as How, Reads, Secrecy};
use dofloat_kinds::erased::AnyKind;
use dofloat_state::Health;

impl Walk<'_> {
    pub(super) fn compare(
        &mut self,
        address: &Address,
        wanted: &Wanted,
        kind: &'static dyn AnyKind,
        terms: &Terms,
        present: &Present<'_>,
    ) -> Change {
        let there = There { body: present.body, digests: present.digests };
        // What is taken over was not set by us.
        let nothing = Body::new();
        let last = if self.input.moves.taken.contains_key(address) { &nothing } else { &present.record.body };
        let mut differences = diff::wanted(kind.attrs(), terms, there, last, &wanted.rules.ignore_changes, &self.input.state.salt);
        if is_rising(kind, present) {
            differences.retain(|difference| !difference.row.follows.contains(&AWAIT_READY));
        }
        self.believe(address, terms, &mut differences);
        // What an interrupted run left half made is waited for, and so is what somebody is at work on.
        if present.record.health == Health::Ready && !self.input.observed.busy.contains(address) {
            differences.extend(held::differences(kind.attrs(), present, last, &wanted.rules));
        }
        let because: Vec<String> = differences.iter().filter(|d| d.shown.replaces).map(|d| d.row.name.to_owned()).collect();
        let asked = self.input.options.replace.iter().any(|target| target.covers(address));
        let triggered =
            wanted.rules.replace_triggered_by.iter().find(|trigger| self.has_changed(&trigger.address, trigger.attribute.as_deref()));
        let tainted = present.record.health == Health::Tainted;
        let creation_failed = self.input.observed.failed_creations.contains(address);
        let mut change = self.keep(address, Some(present));
        change.arguments = self.arguments(address, present, &differences);
        if !because.is_empty() || asked || creation_failed || tainted || triggered.is_some() {
            change.reason = match triggered {
                _ if creation_failed => Some(Reason::CreationFailed),
                _ if asked => Some(Reason::Asked),
                _ if tainted => Some(Reason::Tainted),
                Some(trigger) if because.is_empty() => Some(Reason::Triggered { by: trigger.address.clone() }),
                _ => None,
            };
            // What never was usable has nothing to lose.
            if !creation_failed {
                self.may_destroy(address, wanted.rules.prevent_destroy.as_ref(), &because);
            }
            let order = if wanted.rules.create_before_destroy { Order::CreateFirst } else { Order::DeleteFirst };
            change.attrs = diff::made(kind.attrs(), terms, Some((there, &because)));
            change.action = Action::Replace { because, order };
            return change;
        }
        change.attrs = differences.iter().map(|d| d.shown.clone()).collect();
        let unmarked = present.record.mark.as_ref().filter(|_| self.input.observed.unmarked.contains(address));
        if differences.is_empty() && unmarked.is_none() {
            if present.record.health.is_unfinished() {
                change.action = Action::Adopt { found: present.record.id.clone() };
                change.reason = Some(Reason::Unfinished);
            }
            return change;
        }
        change.action = edit(&differences, unmarked.map(|mark| (present, mark)), &mut change.attrs);
        change
    }

    /// Attributes of an imported object that the API does not return are assumed to be as written.
    fn believe(&mut self, address: &Address, terms: &Terms, differences: &mut Vec<Difference>) {
        if self.input.moves.taken.get(address).is_none_or(|taken| taken.told) {
            return;
        }
        let mut believed = Vec::new();
        differences.retain(|difference| {
            let row = difference.row;
            let unseen = row.reads == Reads::WriteOnly && terms.get(row.name).is_some_and(|term| !term.has_unknown());
            if unseen && row.change != How::Local {
                believed.push(format!("`{}`", row.name));
            }
            !unseen
        });
        if !believed.is_empty() {
            self.notes.push(
                Diagnostic::warning(format!(
                    "{} of {address} cannot be read, and {} taken to be as written.",
                    believed.join(" and "),
                    if believed.len() == 1 { "is" } else { "are" }
                ))
                .at(self.input.resolve.span(address, &[]))
                .about(address)
                .hint(format!("If that is not so, `dofloat apply -replace={address}` recreates the object.")),
            );
        }
    }

    /// The changed arguments that hidden attributes are made from, where it was recorded what they were made from.
    fn arguments(&self, address: &Address, present: &Present<'_>, differences: &[Difference]) -> Vec<AttrChange> {
        let before = &present.record.arguments;
        if before.is_empty() || !differences.iter().any(|difference| difference.row.secrecy == Secrecy::Hidden) {
            return Vec::new();
        }
        let known = &self.known;
        let of = |other: &Address| known.get(other).cloned().unwrap_or_else(|| Term::Unknown(Origin::default()));
        arguments::changed(before, &self.input.resolve.made_from(address, &of), &self.input.state.salt)
    }

    pub(super) fn has_changed(&self, address: &Address, attribute: Option<&str>) -> bool {
        self.changes.get(address).is_some_and(|change| match (&change.action, attribute) {
            (Action::Keep | Action::Adopt { .. } | Action::Forget, _) => false,
            // Whoever put the mark on is not who triggers anything.
            (Action::Edit { edits, .. }, _) if edits.iter().all(|edit| edit == MARK) => false,
            (Action::Edit { .. }, Some(name)) => change.attrs.iter().any(|attr| attr.name == name),
            _ => true,
        })
    }
}

/// The edit that differences ask for, and the mark that is to be put back.
fn edit(differences: &[Difference], unmarked: Option<(&Present<'_>, &Mark)>, attrs: &mut Vec<AttrChange>) -> Action {
    let mut edits = edits(differences);
    if let Some((present, mark)) = unmarked {
        edits.push(MARK.to_owned());
        show_mark(attrs, present, mark);
    }
    Action::Edit { edits, disruptive: differences.iter().any(|difference| difference.shown.disrupts) }
}

/// Shows the mark that is put back among the tags.
fn show_mark(attrs: &mut Vec<AttrChange>, present: &Present<'_>, mark: &Mark) {
    const TAGS: &str = "tags";
    if !attrs.iter().any(|attr| attr.name == TAGS) {
        let tags = Shown::Value(present.body.get(TAGS).cloned().unwrap_or_else(|| Value::List(Vec::new())));
        attrs.push(AttrChange { name: TAGS.to_owned(), before: tags.clone(), after: tags, replaces: false, disrupts: false });
    }
    for attr in attrs.iter_mut().filter(|attr| attr.name == TAGS) {
        match &mut attr.after {
            Shown::Value(Value::List(tags)) => tags.push(mark.0.as_str().into()),
            Shown::List(tags) => tags.push(Shown::Value(mark.0.as_str().into())),
            _ => {}
        }
    }
}

/// The edits that differences ask for, each once, in the order of the table.
fn edits(differences: &[Difference]) -> Vec<String> {
    let mut edits: Vec<String> = Vec::new();
    for difference in differences {
        let edit = match difference.change {
            How::InPlace(edit) | How::Disruptive(edit) => Some(edit),
            _ => difference.row.held.map(|held| held.edit),
        };
        if let Some(edit) = edit.filter(|edit| !edits.iter().any(|known| known == edit)) {
            edits.push(edit.to_owned());
        }
    }
    edits
}
