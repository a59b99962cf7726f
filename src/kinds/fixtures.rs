//! Requests and answers after the public specification, for tests: what is sent must equal one, what comes must be read.

use serde_json::Value as Json;

use super::erased::AnyKind;
use dofloat_base::typed::value_of;
use dofloat_base::value::Value;

/// The bodies of a fixture's request and response.
pub(crate) fn pair(text: &str) -> (Json, Json) {
    let fixture: Json = serde_json::from_str(text).expect("a fixture is JSON");
    (fixture["request"]["body"].clone(), fixture["response"]["body"].clone())
}

/// Asserts that a body has these attributes, compared as the kind's table says.
pub(crate) fn assert_has(kind: &dyn AnyKind, live: &impl serde::Serialize, expected: &Json) {
    let live = value_of(live).expect("it can be kept");
    let live = live.as_map().expect("an object");
    let expected = Value::from_json(expected);
    for (name, wanted) in expected.as_map().expect("an object") {
        let row = kind.attrs().iter().find(|row| row.name == name).expect("a row");
        let there = live.get(name).unwrap_or(&Value::Null);
        assert_eq!(row.normal(there, live), row.normal(wanted, live), "{}.{name}", kind.name());
    }
}
