//! The one table of DigitalOcean's own texts on which the program branches.
//!
//! Invariant: no other file compares words of an answer. A row matches by status and a part of the message, as the `id` of
//! the error body is the same for all of them.

use super::error::ApiError;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something else is going on with the object; ask again.
    PendingEvent,
    /// The VPC still has members; they go some time after their droplets.
    HasMembers,
    /// The account has this public key already.
    KeyInUse,
    /// The image does not exist or is not offered.
    InvalidImage,
    /// The address is not assigned to any droplet.
    NotAssigned,
    /// The name is taken.
    DuplicateName,
}

/// What the API said, if it is one of the texts that we know.
#[must_use]
pub fn said(_error: &ApiError) -> Option<Said> {
    None
}
