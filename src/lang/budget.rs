//! How much an expression may cost: steps, levels, and the size of a value.
//!
//! Invariant: a few lines of text fill neither the memory nor the stack, nor keep us busy for ever; what is too much is an
//! error with a place. Everything that an expression leads to (local values, `count`, templates) counts as its own.

use std::cell::Cell;
use std::rc::Rc;

use super::error::{EvalError, error_at};
use super::value::{Data, Val};
use dofloat_base::diag::{Diagnostic, Span};

/// Expressions evaluated and elements walked; other work counts by what it weighs beside them.
const MOST_STEPS: usize = 500_000;
/// What a step weighs, a piece of a value that a function takes or gives, and one that is only looked at.
const STEP: usize = 16;
const WORKED: usize = 4;
const SEEN: usize = 1;
/// Expressions within expressions.
const MOST_LEVELS: usize = 250;
/// The size of a value: bytes of its texts, and `PART` for each of its parts.
pub(super) const LARGEST: usize = 16 << 20;
const PART: usize = 64;
/// Values within values: what JSON readers take, twice over, for a plan writes each level as two.
const DEEPEST: usize = 50;

/// What one evaluation has cost so far; clones share it.
#[derive(Clone, Default)]
pub struct Budget(Rc<Spent>);

#[derive(Default)]
struct Spent {
    weight: Cell<usize>,
    levels: Cell<usize>,
}

impl Budget {
    /// Counts an expression, which lasts until what is returned is dropped.
    pub(super) fn enter(&self, span: &Span) -> Result<Level<'_>, EvalError> {
        self.step(span)?;
        let levels = self.0.levels.get() + 1;
        if levels > MOST_LEVELS {
            let error = Diagnostic::error(format!("Too many expressions are within each other here: more than {MOST_LEVELS}."));
            return Err(Box::new(error.at(span.clone()).hint("Compute a part of it in a local value of its own, before what needs it.")));
        }
        self.0.levels.set(levels);
        Ok(Level(&self.0.levels))
    }

    /// Counts values that a function takes or gives.
    pub(super) fn work<'v>(&self, values: impl IntoIterator<Item = &'v Val>, span: &Span) -> Result<(), EvalError> {
        self.weigh(values, WORKED, span)
    }

    /// Counts values that are looked at as a whole, for example compared.
    pub(super) fn look<'v>(&self, values: impl IntoIterator<Item = &'v Val>, span: &Span) -> Result<(), EvalError> {
        self.weigh(values, SEEN, span)
    }

    fn weigh<'v>(&self, values: impl IntoIterator<Item = &'v Val>, weight: usize, span: &Span) -> Result<(), EvalError> {
        values.into_iter().try_for_each(|value| {
            let mut size = Size::default();
            size.add(value, span)?;
            self.spend(size.0 / PART * weight, span)
        })
    }

    /// Counts so many parts that are looked at.
    pub(super) fn parts(&self, count: usize, span: &Span) -> Result<(), EvalError> {
        self.spend(count.saturating_mul(SEEN), span)
    }

    /// Adds a part to a value that is put together.
    pub(super) fn put(&self, size: &mut Size, part: &Val, span: &Span) -> Result<(), EvalError> {
        let before = size.0;
        size.add(part, span)?;
        self.parts((size.0 - before) / PART, span)
    }

    /// Adds a piece to a text, which may become too long.
    pub(super) fn append(&self, text: &mut String, piece: &str, span: &Span) -> Result<(), EvalError> {
        self.parts(piece.len() / PART, span)?;
        text.push_str(piece);
        length(text, span)
    }

    /// Counts an element that is walked.
    pub(super) fn step(&self, span: &Span) -> Result<(), EvalError> {
        self.spend(STEP, span)
    }

    fn spend(&self, weight: usize, span: &Span) -> Result<(), EvalError> {
        let spent = self.0.weight.get().saturating_add(weight);
        self.0.weight.set(spent);
        if spent > MOST_STEPS * STEP {
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
    fn add(&mut self, part: &Val, span: &Span) -> Result<(), EvalError> {
        self.grow(part, 1).map_err(|message| error_at(span, message))
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
pub(super) fn length(text: &str, span: &Span) -> Result<(), EvalError> {
    if text.len() > LARGEST { Err(error_at(span, format!("The text is longer than {} MiB.", LARGEST >> 20))) } else { Ok(()) }
}
