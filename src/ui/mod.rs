//! Everything that the user reads: plans, progress, diagnostics, values.
//!
//! Invariant: the only printers. A renderer turns plain data into text without asking the terminal, the clock or the
//! environment; `Screen` is the only thing that writes.

pub mod errors;
pub mod paint;
pub mod screen;
pub mod value_text;
