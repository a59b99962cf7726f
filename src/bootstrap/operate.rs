//! What is sent to a node by ssh when an operator acts on a running pair.
//!
//! Invariant: it needs nothing of what the node was made with, so the nodes of every version understand it; no secret is in it.

/// Moves the floating IP, and puts nodes in standby and back: `move NODE`, `standby NODE`, `online NODE`.
pub const PAIR: &str = include_str!("shell/pair.sh");

/// A fault on the node itself, which ends by itself: `KIND SECONDS [NODE|ADDRESS]`.
pub const DRILL: &str = include_str!("shell/drill.sh");
