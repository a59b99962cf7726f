//! Pieces that several answers of the API share, and ways to read them forgivingly.
//!
//! Invariant: unknown fields and nulls are fine; a field whose absence means "no scope" is told from one that is null.

use serde::{Deserialize, Deserializer};

use dofloat_api::error::ApiError;

/// Whatever is named by a slug: a region, a size.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Slug {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) slug: String,
}

/// Reads null as the default.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a field so that `None` is "absent" and `Some(None)` is "null". With `#[serde(default)]`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A field read by `present`: its absence is an error that names the scope, null is the default.
pub(crate) fn seen<T: Default>(field: Option<Option<T>>, what: impl FnOnce() -> String, scope: &'static str) -> Result<T, ApiError> {
    match field {
        Some(value) => Ok(value.unwrap_or_default()),
        None => Err(ApiError::Unseen { what: what(), scope }),
    }
}

/// Reads a number, or a text that is one.
pub(crate) fn id_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    whole(&value).ok_or_else(|| serde::de::Error::custom("not a whole number"))
}

/// Reads a number, a text that is one, or null.
pub(crate) fn maybe_id_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    match Option::<serde_json::Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(value) => whole(&value).map(Some).ok_or_else(|| serde::de::Error::custom("not a whole number")),
    }
}

/// Reads a list of such numbers; null is empty.
pub(crate) fn id_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let values = Option::<Vec<serde_json::Value>>::deserialize(deserializer)?.unwrap_or_default();
    values.iter().map(|value| whole(value).ok_or_else(|| serde::de::Error::custom("not a whole number"))).collect()
}

fn whole(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Probe {
        #[serde(default, deserialize_with = "present")]
        tags: Option<Option<Vec<String>>>,
        #[serde(default, deserialize_with = "or_default")]
        region: Slug,
    }

    #[test]
    fn absent_is_not_null() {
        let read = |text: &str| serde_json::from_str::<Probe>(text).unwrap();
        assert_eq!(read(r#"{"region": null}"#).tags, None);
        assert_eq!(read(r#"{"tags": null, "region": {"slug": "nyc3", "new": 1}}"#).tags, Some(None));
        let error = seen::<Vec<String>>(None, || "`tags` of droplet 1".into(), "tag:read").unwrap_err();
        assert_eq!(error.to_string(), "the answer leaves out `tags` of droplet 1: the token lacks the scope `tag:read`");
        assert_eq!(read("{}").region.slug, "");
    }
}
