//! Everything that the user reads: plans, progress, diagnostics, values.
//!
//! Invariant: the only printers. A renderer turns plain data into text without asking the terminal, the clock or the
//! environment; a `View` knows the form, and what the time is; `Screen` is the only thing that writes.

pub mod change_text;
pub mod cost_text;
pub mod diff_text;
pub mod doctor_text;
pub mod drill_report;
pub mod drill_text;
pub mod errors;
pub mod events;
mod graph_layout;
mod graph_svg;
pub mod graph_text;
pub mod handover_text;
pub mod import_text;
pub mod kind_page;
pub mod literals;
pub mod modules_json;
pub mod outputs;
pub mod paint;
mod plan_details;
pub mod plan_document;
#[cfg(test)]
mod plan_fixture;
pub mod plan_json;
mod plan_layout;
pub mod plan_markdown;
pub mod plan_page;
mod plan_parts;
mod plan_summary;
pub mod plan_text;
mod plan_title;
pub mod progress;
pub mod reports;
pub mod rows;
pub mod schema_json;
pub mod screen;
pub mod state_text;
pub mod status_text;
pub mod value_text;
pub mod values_json;
pub mod view;
pub mod wait_notices;
pub mod wrap;
