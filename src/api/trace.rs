//! What the log says of requests.
//!
//! Invariant: never a header. Of a body only what the API itself chooses (ids, states, times) is shown in clear; all other
//! values are masked, since any of them may come from a sensitive variable.

use serde_json::{Map, Value};

/// The fields whose values are the API's own words.
const CLEAR: &[&str] = &[
    "completed_at",
    "created_at",
    "droplet_id",
    "id",
    "locked",
    "rel",
    "request_id",
    "resource_id",
    "resource_type",
    "started_at",
    "status",
    "total",
    "type",
    "uuid",
];

/// A body as it may be logged: its form, with most values masked.
pub(crate) fn masked(body: &Value) -> Value {
    match body {
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| field(name, value)).collect::<Map<_, _>>()),
        Value::Array(items) => Value::Array(items.iter().map(masked).collect()),
        Value::Null => Value::Null,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::String("(masked)".into()),
    }
}

fn field(name: &str, value: &Value) -> (String, Value) {
    let shown = CLEAR.contains(&name) && !value.is_object() && !value.is_array();
    (name.to_owned(), if shown { value.clone() } else { masked(value) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_api_s_own_words_are_shown() {
        let body = json!({
            "droplet": {"id": 12, "status": "new", "name": "hunter2", "user_data": "hunter2", "tags": ["hunter2"], "vpc": null},
            "token": "hunter2", "authorization": "hunter2", "client_secret": {"id": "a", "value": "hunter2"},
            "ssh_keys": [1234567], "ttl": 7654321, "type": ["hunter2"],
        });
        let text = masked(&body).to_string();
        for hidden in ["hunter2", "1234567", "7654321"] {
            assert!(!text.contains(hidden), "{text}");
        }
        for shown in [r#""id":12"#, r#""status":"new""#, r#""name":"(masked)""#, r#""vpc":null"#, r#""tags":["(masked)"]"#] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
    }
}
