//! Why a data source gives nothing, and the words for it.
//!
//! Invariant: pure; no family and no resource type is known here.

use crate::erased::Complaint;
use dofloat_api::error::ApiError;
use dofloat_base::value::{Body, Value};

/// Why a data source gives nothing.
#[derive(Debug)]
pub enum Miss {
    /// The account has no such object, or several.
    Wrong(Box<Complaint>),
    /// The read failed.
    Api(ApiError),
}

impl std::convert::From<ApiError> for Miss {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

pub(super) fn complaint(path: &[&str], message: String, hint: String) -> Complaint {
    Complaint::error(path.iter().map(|part| (*part).to_owned()).collect(), message, hint)
}

pub(super) fn wrong(path: &str, message: String, hint: String) -> Miss {
    Miss::Wrong(Box::new(complaint(&[path], message, hint)))
}

/// A value as a path or a message has it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.clone(),
        other => other.to_json().to_string(),
    }
}

/// The text of an argument, where it is one.
pub(super) fn text<'a>(given: &'a Body, name: &str) -> Option<&'a str> {
    given.get(name).and_then(Value::as_str)
}

/// Whether an argument is true.
pub(super) fn is_true(given: &Body, name: &str) -> bool {
    given.get(name) == Some(&Value::Bool(true))
}
