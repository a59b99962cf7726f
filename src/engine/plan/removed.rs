//! What is remembered and not wanted any more, and what must not be destroyed.
//!
//! Invariant: pure; nothing that is kept by a rule or by default goes without the user's word.

use super::walk::Walk;
use crate::change::{Action, Reason};
use crate::diff::{There, unmade};
use dofloat_base::address::{Address, Key};
use dofloat_base::desired::{Prevent, Repeats};
use dofloat_base::diag::Diagnostic;
use dofloat_kinds::kind;
use dofloat_state::Record;

impl Walk<'_> {
    /// Records that are no longer wanted, and replaced objects that have yet to be deleted.
    pub(super) fn removed(&mut self) {
        for (address, record) in &self.input.state.records {
            if self.wanted.resources.contains_key(address) {
                continue;
            }
            let present = self.present(address);
            let mut change = self.keep(address, present.as_ref());
            change.id = Some(record.id.clone());
            change.provenance = self.input.moves.provenance(address);
            let let_go =
                self.input.resolve.desired().removal(address).is_some_and(|removal| !removal.destroy) || self.is_shared(address, record);
            if self.is_chosen(address) {
                change.reason = Some(if present.is_some() { self.why_removed(address) } else { Reason::Gone });
                change.after = None;
                change.action = if present.is_some() && !let_go { Action::Delete } else { Action::Forget };
                if let (Some(kind), Some(present)) = (kind(&address.kind), present.as_ref().filter(|_| !let_go)) {
                    let there = There { body: present.body, digests: present.digests };
                    change.attrs = unmade(kind.attrs(), there);
                }
                if self.input.resolve.desired().kept.contains(address) && present.is_some() {
                    self.may_destroy(address, Some(&Prevent::Default), &[]);
                } else if self.input.options.destroy && present.is_some() && !let_go {
                    let prevent =
                        self.input.resolve.desired().resources.get(address).and_then(|wanted| wanted.rules.prevent_destroy.clone());
                    self.may_destroy(address, prevent.as_ref(), &[]);
                }
            }
            self.changes.insert(address.clone(), change);
        }
    }

    /// Whether the object stands at another address too that stays, or that goes after this one.
    fn is_shared(&self, address: &Address, record: &Record) -> bool {
        let is_it = |(other, of): (&Address, &Record)| {
            let stays = self.wanted.resources.contains_key(other) || !self.is_chosen(other);
            other.kind == address.kind && other != address && of.id == record.id && (stays || other > address)
        };
        kind(&address.kind).is_some_and(|kind| kind.shared()) && self.input.state.records.iter().any(is_it)
    }

    pub(super) fn may_destroy(&mut self, address: &Address, prevent: Option<&Prevent>, because: &[String]) {
        let why = if because.is_empty() { String::new() } else { format!(" (a change of {} needs a new one)", because.join(", ")) };
        match prevent {
            Some(Prevent::Written(span)) => self.errors.push(
                Diagnostic::error(format!("{address} must not be destroyed{why}: `prevent_destroy` is set."))
                    .at(span.clone())
                    .about(address)
                    .hint("Set `prevent_destroy = false` to allow it, or undo the change that would destroy it."),
            ),
            Some(Prevent::Default) if !self.is_given_up(address) => {
                self.errors.push(
                    Diagnostic::error(format!("{address} would be released{why}, but a cluster uses it."))
                        .at(self.input.resolve.span(address, &[]))
                        .about(address)
                        .hint(format!(
                            "It is public, and cannot be had back. `-replace={address}`, `destroy` of the whole stack or \
                             `destroy -target={address}` releases it on purpose."
                        )),
                );
            }
            _ => {}
        }
    }

    fn why_removed(&self, address: &Address) -> Reason {
        let block = self.input.resolve.desired().blocks.get(&address.block());
        match (block, &address.key) {
            _ if self.input.options.destroy => Reason::Destroy,
            (None, _) if self.input.moves.moved.contains_key(address) => Reason::NoMoveTarget,
            (None, _) => Reason::NotInConfiguration,
            (Some(Repeats::Count), Some(Key::Index(_))) => Reason::CountIndex,
            (Some(Repeats::ForEach), Some(Key::Name(_))) => Reason::EachKey,
            (Some(_), _) => Reason::WrongRepetition,
        }
    }

    /// Whether the user says that what is kept by default may go: with everything, or by its own name.
    fn is_given_up(&self, address: &Address) -> bool {
        let options = self.input.options;
        options.replace.contains(address) || options.destroy && (!options.is_partial() || options.targets.contains(address))
    }
}
