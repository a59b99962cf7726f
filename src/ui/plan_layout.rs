//! How a plan is laid out, and what each of its parts begins with.
//!
//! Invariant: pure; the symbols are Terraform's.

use std::fmt::Write as _;

use super::change_text::Mark;
use super::errors::{Sources, Style, Warnings};
use super::paint::Paint;
use dofloat_base::address::Address;
use dofloat_engine::change::{Action, Order};
use dofloat_kinds::attr::Attr;

/// How a plan is laid out: what it is drawn with beside itself.
#[derive(Clone, Copy)]
pub struct Layout<'a> {
    /// Colour.
    pub paint: Paint,
    /// The attribute table of a resource type.
    pub rows: &'a dyn Fn(&str) -> Option<&'static [Attr]>,
    /// The texts that notes may point into.
    pub sources: &'a Sources,
    /// How much is told of warnings.
    pub warnings: Warnings,
    /// How much is shown of changes.
    pub detail: Detail,
    /// How long a line is.
    pub width: usize,
    /// Whether sentences are wrapped too.
    pub wraps: bool,
}

impl Layout<'_> {
    /// How diagnostics are written in it.
    #[must_use]
    pub fn style(&self) -> Style {
        Style { paint: self.paint, warnings: self.warnings, width: self.wraps.then_some(self.width) }
    }
}

/// How much is shown of changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// What a person reads before saying yes.
    #[default]
    Brief,
    /// Every attribute of every resource that changes (`-verbose`).
    Whole,
}

/// How long a line is where nobody says.
pub const WIDTH: usize = 80;

impl std::fmt::Debug for Layout<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layout").field("paint", &self.paint).finish_non_exhaustive()
    }
}

/// The symbol of an action, three columns wide.
pub(super) fn symbol(action: &Action, paint: Paint) -> String {
    let (add, remove) = (Mark::Add.symbol(paint), Mark::Remove.symbol(paint));
    match action {
        Action::Create => format!("  {add}"),
        Action::Edit { .. } => format!("  {}", Mark::Change.symbol(paint)),
        Action::Delete => format!("  {remove}"),
        Action::Replace { order: Order::DeleteFirst, .. } => format!("{remove}/{add}"),
        Action::Replace { order: Order::CreateFirst, .. } => format!("{add}/{remove}"),
        Action::Read => format!(" {}", paint.faint("<=")),
        Action::Keep | Action::Adopt { .. } | Action::Forget => "   ".to_owned(),
    }
}

/// The attribute table of a resource.
pub(super) fn rows(layout: Layout<'_>, address: &Address) -> &'static [Attr] {
    (layout.rows)(&address.kind).unwrap_or_default()
}

/// The first line of a resource.
pub(super) fn head(text: &mut String, symbol: &str, indent: usize, address: &Address) {
    let (block, kind) = address.source().map_or(("resource", address.kind.as_str()), |source| ("data", source));
    let _ = writeln!(text, "{:indent$}{symbol} {block} \"{kind}\" \"{}\" {{", "", address.name);
}
