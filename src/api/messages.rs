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
    /// What is asked for holds already, as far as the API knows.
    HoldsAlready,
    /// The name is taken.
    DuplicateName,
}

/// Statuses, a part of the message in small letters, and what it means.
#[rustfmt::skip]
const TABLE: &[(&[u16], &str, Said)] = &[
    (&[422], "pending event", Said::PendingEvent),
    // The document says 403, the live API has answered 409.
    (&[403, 409, 422], "vpc with members", Said::HasMembers),
    (&[422], "already in use on your account", Said::KeyInUse),
    (&[422], "invalid image", Said::InvalidImage),
    (&[409, 422], "duplicate name", Said::DuplicateName),
    // No record of the exact words was found for the rest, so several likely ones are taken.
    (&[422], "not assigned", Said::HoldsAlready),
    (&[422], "is unassigned", Said::HoldsAlready),
    (&[422], "already assigned", Said::HoldsAlready),
    (&[422], "already powered", Said::HoldsAlready),
    (&[422], "already off", Said::HoldsAlready),
    (&[422], "already on", Said::HoldsAlready),
    (&[422], "already enabled", Said::HoldsAlready),
    (&[422], "not enabled", Said::HoldsAlready),
    (&[422], "already has this size", Said::HoldsAlready),
    (&[422], "already attached", Said::HoldsAlready),
    (&[422], "not attached", Said::HoldsAlready),
    (&[409, 422], "name already", Said::DuplicateName),
    (&[409, 422], "name is already", Said::DuplicateName),
];

/// What the API said, if it is one of the texts that we know.
#[must_use]
pub fn said(error: &ApiError) -> Option<Said> {
    let answer = error.answer()?;
    let message = answer.message.to_lowercase();
    let row = TABLE.iter().find(|(statuses, part, _)| statuses.contains(&answer.status) && message.contains(part));
    row.map(|(_, _, said)| *said)
}

#[cfg(test)]
mod tests {
    use super::super::error::{Answer, Asked};
    use super::*;

    fn check(status: u16, message: &str, expected: Option<Said>) {
        let asked = Asked { method: "POST", path: "/x".into(), attempts: 1 };
        let answer = Answer { status, message: message.into(), ..Answer::default() };
        let error = match status {
            401 | 403 => ApiError::Refused { asked, answer, scopes: Vec::new(), token: "".into() },
            _ => ApiError::Rejected { asked, answer },
        };
        assert_eq!(said(&error), expected, "{status} {message}");
    }

    #[test]
    fn texts_seen_in_the_wild() {
        check(422, "Droplet already has a pending event.", Some(Said::PendingEvent));
        check(422, "droplet has a pending event", Some(Said::PendingEvent));
        check(403, "Can not delete VPC with members", Some(Said::HasMembers));
        check(409, "Can not delete VPC with members", Some(Said::HasMembers));
        check(422, "SSH Key is already in use on your account", Some(Said::KeyInUse));
        check(422, "You specified an invalid image for Droplet creation.", Some(Said::InvalidImage));
        check(409, "duplicate name", Some(Said::DuplicateName));
        check(422, "Droplet is already powered off.", Some(Said::HoldsAlready));
    }

    #[test]
    fn other_texts_and_statuses_mean_nothing() {
        check(409, "Droplet already has a pending event.", None);
        check(403, "You are not authorized to perform this operation", None);
        check(422, "Data needs to end with a dot (.)", None);
        let asked = Asked { method: "GET", path: "/x".into(), attempts: 1 };
        assert_eq!(said(&ApiError::Broken { asked, why: "pending event".into() }), None);
    }
}
