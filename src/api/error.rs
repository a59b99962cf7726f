//! What can go wrong with a request, sorted by what follows from it.
//!
//! Invariant: an error keeps method, path, status, the API's words and its request id, and never a header or a body.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

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
        /// Where the token came from.
        token: Arc<str>,
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
    /// The other side could not prove that it is the API: nothing was sent.
    #[error("{} {}: the server's certificate is not trusted: {why}", asked.method, asked.path)]
    Untrusted {
        /// Which request.
        asked: Asked,
        /// What is wrong with it.
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
    /// What was being made came to nothing: it is not there, or never will be usable.
    #[error("{what}")]
    CreationFailed {
        /// What, and why as far as it is known.
        what: String,
    },
    /// Something on this machine failed; the API was not asked.
    #[error("{what}")]
    Local {
        /// What, and why.
        what: String,
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
            | Self::Untrusted { asked, .. }
            | Self::Broken { asked, .. } => Some(asked),
            Self::Unseen { .. } | Self::CreationFailed { .. } | Self::Local { .. } | Self::Unsettled { .. } => None,
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

impl Answer {
    /// Reads what the API says of a failure, whatever form it has.
    pub(crate) fn read(status: u16, header: Option<String>, location: Option<String>, body: Option<&Value>, bytes: &[u8]) -> Self {
        let text = |name: &str| body.and_then(|body| body.get(name)).and_then(Value::as_str).map(clean).filter(|text| !text.is_empty());
        // `POST /tags` has a form of its own: an `error`, and `messages` as a list.
        let messages = body.and_then(|body| body.get("messages")).and_then(Value::as_array);
        let listed = messages.map(|list| list.iter().filter_map(Value::as_str).map(clean).collect::<Vec<_>>().join("; "));
        let redirect = location.filter(|_| (300..400).contains(&status)).map(|target| {
            let target = url::Url::parse(&target).map_or(clean(&target), |url| url.origin().ascii_serialization());
            format!("the API answered {status} and points to {target}; that is not followed, as the token would go there")
        });
        // A page of HTML from something in between tells nothing.
        let plain = || std::str::from_utf8(bytes).ok().filter(|_| body.is_none()).map(clean).filter(|text| !text.starts_with('<'));
        let message = redirect
            .or_else(|| text("message"))
            .or_else(|| listed.filter(|text| !text.is_empty()))
            .or_else(|| text("error"))
            .or_else(|| plain().filter(|text| !text.is_empty()))
            .unwrap_or_else(|| "no reason given".into());
        Self { status, id: text("id").unwrap_or_default(), message, request_id: text("request_id").or(header.map(|id| clean(&id))) }
    }
}

/// A text of the other side as it may be printed: one line, without control characters, not endless.
fn clean(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = line.trim();
    match line.char_indices().nth(400) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_refusal_is_read() {
        let check = |status, text: &str, expected: (&str, &str, Option<&str>)| {
            let body = serde_json::from_str(text).ok();
            let answer = Answer::read(status, Some("from-header".into()), None, body.as_ref(), text.as_bytes());
            let got = (answer.id.as_str(), answer.message.as_str(), answer.request_id.as_deref());
            assert_eq!(got, expected, "{text}");
        };
        let full = json!({"id": "unprocessable_entity", "message": "Name is\u{1b}[31m bad\n", "request_id": "r1"});
        check(422, &full.to_string(), ("unprocessable_entity", "Name is [31m bad", Some("r1")));
        let tags = json!({"error": "bad", "messages": ["one", "two"], "root_causes": []});
        check(400, &tags.to_string(), ("", "one; two", Some("from-header")));
        check(400, &json!({"error": "bad", "messages": []}).to_string(), ("", "bad", Some("from-header")));
        check(502, "<html>gateway</html>", ("", "no reason given", Some("from-header")));
        check(503, "try later", ("", "try later", Some("from-header")));
        check(500, "", ("", "no reason given", Some("from-header")));
        check(500, "[1]", ("", "no reason given", Some("from-header")));
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let cut = clean(&"é".repeat(500));
        assert_eq!(cut.chars().count(), 401);
    }
}
