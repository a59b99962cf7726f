//! Refusals of the API, in its own words.
//!
//! Invariant: plain data.

/// The `id` by which a refusal is known to need the tags' own form of an error.
pub(super) const TAG_ERROR: &str = "tag_error";

/// A refusal in the API's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) id: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, id: &'static str, message: impl Into<String>) -> Self {
        Self { status, id, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "bad_request", message)
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "unauthorized", "Unable to authenticate you")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(403, "forbidden", "You are not authorized to perform this operation")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "not_found", "The resource you were accessing could not be found.")
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "conflict", message)
    }

    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, "unprocessable_entity", message)
    }

    pub(super) fn pending_event() -> Self {
        Self::unprocessable("Droplet already has a pending event.")
    }
}
