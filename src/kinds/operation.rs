//! Operations on objects, and their requests.
//!
//! Invariant: plain values.

/// An operation on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// It is read (refresh).
    Read,
    /// It is made, the checks before it and the wait included.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted.
    Delete,
}

/// A request by its method and path, in which names in braces stand for what varies.
pub type Request = (&'static str, String);
