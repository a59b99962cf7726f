//! Outputs: the block at the end of an apply, `output`, and their JSON.
//!
//! Invariant: a sensitive output shows `<sensitive>` in text and no value in JSON, unless its value is handed in on purpose.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::value_text;
use dofloat_base::desired::Output;
use dofloat_base::types::Type;
use dofloat_base::value::Value;
use dofloat_state::SavedOutput;

/// An output as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputView {
    /// The value, where it may be shown and is known.
    pub value: Option<Value>,
    /// Its type.
    pub ty: Type,
    /// Whether it is sensitive.
    pub sensitive: bool,
}

impl From<&SavedOutput> for OutputView {
    fn from(output: &SavedOutput) -> Self {
        Self { value: output.value.clone(), ty: output.ty.clone(), sensitive: output.sensitive.is_some() }
    }
}

impl From<&Output> for OutputView {
    fn from(output: &Output) -> Self {
        let sensitive = output.sensitive || output.value.has_secret();
        Self { value: if sensitive { None } else { output.value.value().cloned() }, ty: output.ty.clone(), sensitive }
    }
}

/// Outputs by name, without those that are null.
#[must_use]
pub fn views<'a, T: 'a>(outputs: impl IntoIterator<Item = (&'a String, &'a T)>) -> BTreeMap<String, OutputView>
where
    OutputView: From<&'a T>,
{
    let views = outputs.into_iter().map(|(name, output)| (name.clone(), OutputView::from(output)));
    views.filter(|(_, view)| view.value != Some(Value::Null)).collect()
}

/// `NAME = VALUE` for each.
#[must_use]
pub fn lines(outputs: &BTreeMap<String, OutputView>) -> String {
    outputs.iter().map(|(name, view)| format!("{name} = {}\n", text(view))).collect()
}

/// The block at the end of an apply; nothing if there are none.
#[must_use]
pub fn block(outputs: &BTreeMap<String, OutputView>) -> String {
    if outputs.is_empty() { String::new() } else { format!("\nOutputs:\n\n{}", lines(outputs)) }
}

/// One value.
#[must_use]
pub fn text(view: &OutputView) -> String {
    match &view.value {
        Some(value) => value_text::render(value, &view.ty),
        None if view.sensitive => "<sensitive>".to_owned(),
        None => "(not known)".to_owned(),
    }
}

/// `{"NAME": {"sensitive": …, "type": …, "value": …}}`; what has no value to show has none here.
#[must_use]
pub fn to_json(outputs: &BTreeMap<String, OutputView>) -> Json {
    outputs
        .iter()
        .map(|(name, view)| {
            let mut json = json!({ "sensitive": view.sensitive, "type": view.ty.to_json() });
            if let Some(value) = &view.value {
                json["value"] = value.to_json();
            }
            (name.clone(), json)
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_base::digest::Digest;

    fn some() -> BTreeMap<String, OutputView> {
        let saved = BTreeMap::from([
            ("url".to_owned(), SavedOutput { value: Some("http://x".into()), ty: Type::String, sensitive: None }),
            ("token".to_owned(), SavedOutput { value: None, ty: Type::String, sensitive: Some(Digest::foreign_sha1("00")) }),
            ("none".to_owned(), SavedOutput { value: Some(Value::Null), ty: Type::String, sensitive: None }),
        ]);
        views(&saved)
    }

    #[test]
    fn the_block_is_terraforms() {
        assert_eq!(block(&some()), "\nOutputs:\n\ntoken = <sensitive>\nurl = \"http://x\"\n");
        assert_eq!(block(&BTreeMap::new()), "");
    }

    #[test]
    fn json_has_types_and_no_secret() {
        let expected = json!({
            "token": { "sensitive": true, "type": "string" },
            "url": { "sensitive": false, "type": "string", "value": "http://x" },
        });
        assert_eq!(to_json(&some()), expected);
    }
}
