//! What can go wrong with a request, sorted by what follows from it.
//!
//! Invariant: an error keeps method, path, status, the API's words and its request id, and never a header or a body.

use std::time::Duration;

/// Which request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// `GET`, `POST`, ….
    pub method: &'static str,
    /// The path below the base, with its query: `/droplets?per_page=200`.
    pub path: String,
    /// How many times it was sent.
    pub attempts: u32,
}

/// What the API answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `id` of the error body, for example `unprocessable_entity`.
    pub id: String,
    /// Its message.
    pub message: String,
    /// The request id to quote to support.
    pub request_id: Option<String>,
}

/// A request that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// 401 or 403: the token is not accepted, or lacks a scope.
    #[error("{} {}: {} ({})", asked.method, asked.path, answer.message, answer.status)]
    Refused {
        /// Which request.
        asked: Asked,
        /// What was answered.
        answer: Answer,
        /// The scopes that the request needs, where they are known.
        scopes: Vec<&'static str>,
    },
    /// 400, 409, 412, 422: the API understood and will not do it.
    #[error("{} {}: {} ({})", asked.method, asked.path, answer.message, answer.status)]
    Rejected {
        /// Which request.
        asked: Asked,
        /// What was answered.
        answer: Answer,
    },
    /// 404: not there, or not visible.
    #[error("{} {}: not found", asked.method, asked.path)]
    NotFound {
        /// Which request.
        asked: Asked,
    },
    /// 429, more often than we want to wait.
    #[error("{} {}: the request limit is used up", asked.method, asked.path)]
    Throttled {
        /// Which request.
        asked: Asked,
        /// How long the API asks us to wait.
        wait: Duration,
    },
    /// It may have taken effect or not: the answer was lost, cut, garbled, or a 5xx to a request that must not be repeated.
    #[error("{} {}: {why}; it is not known whether it took effect", asked.method, asked.path)]
    Ambiguous {
        /// Which request.
        asked: Asked,
        /// What happened.
        why: String,
    },
    /// It surely did not take effect, or it was a read: no connection, 5xx, an answer that cannot be understood.
    #[error("{} {}: {why}", asked.method, asked.path)]
    Broken {
        /// Which request.
        asked: Asked,
        /// What happened.
        why: String,
    },
    /// The answer leaves out a field that the token has no scope for: it was not seen, which is not the same as empty.
    #[error("the answer leaves out {what}: the token lacks the scope `{scope}`")]
    Unseen {
        /// Which field of what: "`tags` of droplet 123".
        what: String,
        /// The scope.
        scope: &'static str,
    },
    /// What was waited for did not come about in time, or ended badly.
    #[error("{what}")]
    Unsettled {
        /// What was waited for and what was seen last.
        what: String,
    },
}

impl ApiError {
    /// Which request failed, if it was one.
    #[must_use]
    pub fn asked(&self) -> Option<&Asked> {
        match self {
            Self::Refused { asked, .. }
            | Self::Rejected { asked, .. }
            | Self::NotFound { asked }
            | Self::Throttled { asked, .. }
            | Self::Ambiguous { asked, .. }
            | Self::Broken { asked, .. } => Some(asked),
            Self::Unseen { .. } | Self::Unsettled { .. } => None,
        }
    }

    /// What the API answered, where it refused or rejected.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Refused { answer, .. } | Self::Rejected { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether the object is not there (or not visible).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether it may have taken effect all the same.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Ambiguous { .. })
    }
}
