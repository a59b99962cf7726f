//! Everything that the user reads: plans, progress, diagnostics, values.
//!
//! Invariant: the only printers. A renderer turns plain data into text without asking the terminal, the clock or the
//! environment; a `View` knows the form, and what the time is; `Screen` is the only thing that writes.

pub mod change_text;
pub mod diff_text;
pub mod errors;
pub mod events;
pub mod import_text;
pub mod outputs;
pub mod paint;
#[cfg(test)]
mod plan_fixture;
pub mod plan_json;
pub mod plan_text;
pub mod progress;
pub mod reports;
pub mod screen;
pub mod state_text;
pub mod status_text;
pub mod value_text;
pub mod view;
pub mod wait_notices;
