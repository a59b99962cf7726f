//! What each fuzz target does with its bytes, for the fuzzers and for the test that replays the corpus.
//!
//! Invariant: whatever the bytes are, a target returns soon and with little memory; a panic is a finding. Beyond that each
//! holds what was computed against something that must be so: what is read and written again is equal, places lie in
//! the text, the same is computed twice. Nothing here knows who calls it.

pub mod answers;
pub mod language;
pub mod memory;
pub mod modules;

pub use answers::api_answer;
pub use language::{config, expression, format, tfvars};
pub use memory::{journal, saved_plan, state};
pub use modules::modules;

/// A target.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 9] = [
    ("api_answer", api_answer),
    ("config", config),
    ("expression", expression),
    ("format", format),
    ("journal", journal),
    ("modules", modules),
    ("saved_plan", saved_plan),
    ("state", state),
    ("tfvars", tfvars),
];
