//! How much an expression may cost: steps, levels, and the size of a value.
//!
//! Invariant: a few lines of text fill neither the memory nor the stack, nor keep us busy for ever; what is too much is an
//! error with a place. Everything that an expression leads to (local values, `count`, templates) counts as its own.

use std::cell::Cell;
use std::rc::Rc;

use super::eval::{Fault, fault};
use super::value::{Data, Val};
use crate::base::diag::{Diagnostic, Span};

/// Expressions evaluated, elements walked, and pieces of values looked at by functions.
const MOST_STEPS: usize = 500_000;
/// Expressions within expressions.
const MOST_LEVELS: usize = 250;
/// The size of a value: bytes of its texts, and `PART` for each of its parts.
pub(super) const LARGEST: usize = 16 << 20;
const PART: usize = 64;
/// Values within values: what JSON readers take, twice over, for a plan writes each level as two.
const DEEPEST: usize = 50;

/// What one evaluation has cost so far; clones share it.
#[derive(Clone, Default)]
pub struct Effort(Rc<Spent>);

#[derive(Default)]
struct Spent {
    steps: Cell<usize>,
    levels: Cell<usize>,
}

impl Effort {
    /// Counts an expression, which lasts until what is returned is dropped.
    pub(super) fn enter(&self, span: &Span) -> Result<Level<'_>, Fault> {
        self.step(span)?;
        let levels = self.0.levels.get() + 1;
        if levels > MOST_LEVELS {
            let error = Diagnostic::error(format!("Too many expressions are within each other here: more than {MOST_LEVELS}."));
            return Err(Box::new(error.at(span.clone()).hint("Compute a part of it in a local value of its own, before what needs it.")));
        }
        self.0.levels.set(levels);
        Ok(Level(&self.0.levels))
    }

    /// Counts values that are looked at as a whole.
    pub(super) fn look(&self, values: &[Val], span: &Span) -> Result<(), Fault> {
        let mut size = Size::default();
        values.iter().try_for_each(|value| size.add(value, span))?;
        self.spend(size.0 / PART, span)
    }

    /// Counts an element that is walked.
    pub(super) fn step(&self, span: &Span) -> Result<(), Fault> {
        self.spend(1, span)
    }

    fn spend(&self, steps: usize, span: &Span) -> Result<(), Fault> {
        let steps = self.0.steps.get().saturating_add(steps);
        self.0.steps.set(steps);
        if steps > MOST_STEPS {
            return Err(Box::new(
                Diagnostic::error(format!("This takes too long: more than {MOST_STEPS} steps."))
                    .at(span.clone())
                    .hint("A loop within a loop multiplies: walk fewer elements, or filter them before."),
            ));
        }
        Ok(())
    }
}

/// An expression that is being evaluated.
pub(super) struct Level<'a>(&'a Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The size of a value while it is put together.
#[derive(Default)]
pub(super) struct Size(usize);

impl Size {
    /// Adds a part.
    pub(super) fn add(&mut self, part: &Val, span: &Span) -> Result<(), Fault> {
        self.grow(part, 1).map_err(|message| fault(span, message))
    }

    fn grow(&mut self, value: &Val, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("The value is too deep: more than {DEEPEST} values are within each other."));
        }
        self.0 += PART + if let Data::String(text) = &value.data { text.len() } else { 0 };
        if self.0 > LARGEST {
            return Err(format!("The value is too large: more than {} MiB, or {} parts.", LARGEST >> 20, LARGEST / PART));
        }
        value.parts().try_for_each(|part| self.grow(part, depth + 1))
    }
}

/// Refuses a text that has become too long.
pub(super) fn length(text: &str, span: &Span) -> Result<(), Fault> {
    if text.len() > LARGEST { Err(fault(span, format!("The text is longer than {} MiB.", LARGEST >> 20))) } else { Ok(()) }
}
