//! What `dofloat help TOPIC` says of things that are no command.
//!
//! Invariant: texts only; each fits on a screen or two.

/// `dofloat help provisioners`
pub const PROVISIONERS: &str = include_str!("provisioners.txt");
