//! Rows to requests, and answers to rows.
//!
//! Invariant: what is sent has the spelling in which the object is known afterwards; what is read is of its row's type or an
//! error that names the place. Nothing here asks the API.

use serde_json::{Map, Value as Json};

use crate::attr::{Attr, Change, EditName, Presence, Reads, Ty};
use dofloat_base::number::Number;
use dofloat_base::value::{Body, Value};

/// Fields of a request.
pub(super) type Fields = Map<String, Json>;

/// The body of a create by these rows: what is set.
pub(super) fn created<'a>(rows: impl Iterator<Item = &'a Attr>, wanted: &Body) -> Fields {
    let mut fields = Fields::new();
    for row in rows.filter(|row| row.settable() && row.change != Change::Local) {
        let value = spelt(row, wanted);
        if row.wire.always || value != Value::Null && value != row.unset() {
            put(row, &value, &mut fields);
        }
    }
    fields
}

/// The body of a PUT by these rows: all that the edit changes, and what was there and is not wanted any more as nothing of its type.
pub(super) fn replaced<'a>(rows: impl Iterator<Item = &'a Attr>, edit: EditName, wanted: &Body, seen: &Body) -> Fields {
    let mut fields = Fields::new();
    for row in rows.filter(|row| row.change == Change::InPlace(edit) || row.wire.resent) {
        let there = seen.get(row.name).unwrap_or(&Value::Null);
        let value = row.filled(&spelt(row, wanted), there);
        let is_nothing = |value: &Value| *value == Value::Null || *value == row.unset();
        // What the API chooses where nothing is written is not taken back; and what has no form for nothing is left out.
        let stays = value == Value::Null && row.unset() == Value::Null;
        let formless = is_nothing(&value) && row.valid.wrong(&row.unset()).is_some();
        if (row.wire.always || !is_nothing(&value) || !is_nothing(there)) && !stays && !formless {
            put(row, &value, &mut fields);
        }
    }
    fields
}

/// The body of a PATCH by these rows: what the edit changes and differs.
pub(super) fn changed<'a>(rows: impl Iterator<Item = &'a Attr>, edit: EditName, wanted: &Body, seen: &Body) -> Fields {
    let differs = |row: &&'a Attr| {
        let (unset, there) = (row.unset(), seen.get(row.name));
        let there = there.unwrap_or(&unset);
        let value = wanted.get(row.name).map_or_else(|| unset.clone(), |value| row.normal(&row.filled(value, there), wanted));
        value != row.normal(there, seen)
    };
    let rows = rows.filter(|row| !row.wire.resent);
    replaced(rows.filter(differs), edit, wanted, seen)
}

/// A value in the spelling in which it is known once it is there.
fn spelt(row: &Attr, wanted: &Body) -> Value {
    let value = wanted.get(row.name).filter(|value| **value != Value::Null);
    value.map_or(Value::Null, |value| row.echoed(value, wanted).unwrap_or_else(|| value.clone()))
}

fn put(row: &Attr, value: &Value, fields: &mut Fields) {
    let value = if *value == Value::Null { row.unset() } else { value.clone() };
    let nothing = Value::List(vec![Value::Map(Body::new())]);
    if let Some(json) = sent(row, &value).or_else(|| sent(row, &nothing).filter(|_| row.wire.whole)) {
        fields.insert(row.wire.sent.unwrap_or(row.name).to_owned(), json);
    }
}

/// A value as a request has it; nothing for what is null, and for a block that is left out.
fn sent(row: &Attr, value: &Value) -> Option<Json> {
    match (row.inner(), value) {
        (_, Value::Null) => None,
        (Some(rows), Value::List(items)) => {
            let is_whole = row.wire.whole;
            let mut items = items.iter().filter_map(Value::as_map).map(|item| {
                let field = |row: &'static Attr| {
                    let value = item.get(row.name).filter(|value| **value != Value::Null).cloned().unwrap_or_else(|| row.unset());
                    // What the API was to choose, and has chosen to be nothing, is not sent back.
                    let is_left =
                        row.presence == Presence::OptionalComputed && (*value.as_str().unwrap_or("x") == *"" || value == 0.into());
                    // The API wants lists of blocks even where they are empty.
                    let value = Some(value).filter(|value| is_whole || *value != row.unset() || matches!(value, Value::List(_)));
                    let value = value.filter(|_| is_whole || !is_left);
                    Some((row.wire.sent.unwrap_or(row.name).to_owned(), sent(row, &value?)?))
                };
                Json::Object(rows.iter().filter_map(field).collect())
            });
            if row.wire.single { items.next() } else { Some(Json::Array(items.collect())) }
        }
        _ => Some(value.to_json()),
    }
}

/// The body of an answer's object by its rows; else the attribute that is of another type.
pub(super) fn live(rows: &[Attr], object: &Json) -> Result<Body, String> {
    let mut body = Body::new();
    for row in rows.iter().filter(|row| row.reads != Reads::WriteOnly) {
        let field = match row.wire.read {
            Some(pointer) => object.pointer(pointer),
            None => object.get(row.name),
        };
        let value = read(row, field.unwrap_or(&Json::Null)).ok_or_else(|| row.name.to_owned())?;
        body.insert(row.name.to_owned(), value);
    }
    Ok(body)
}

/// A field as its row has it; what is left out is nothing of its type.
fn read(row: &Attr, field: &Json) -> Option<Value> {
    match (row.inner(), field) {
        (Some(_), Json::Null) => Some(Value::List(Vec::new())),
        (Some(rows), field) => {
            let single = row.wire.single && field.is_object();
            let items = if single { std::slice::from_ref(field) } else { field.as_array()?.as_slice() };
            let block = |item: &Json| {
                item.as_object()?;
                let field = |row: &Attr| match row.wire.read {
                    Some(pointer) => item.pointer(pointer),
                    None => item.get(row.wire.sent.unwrap_or(row.name)),
                };
                let fields = rows.iter().map(|row| Some((row.name.to_owned(), read(row, field(row).unwrap_or(&Json::Null))?)));
                Some(Value::Map(fields.collect::<Option<_>>()?))
            };
            Some(row.read_back(&Value::List(items.iter().map(block).collect::<Option<_>>()?)))
        }
        (None, field) => typed(row.ty, field),
    }
}

fn typed(ty: Ty, field: &Json) -> Option<Value> {
    Some(match (ty, field) {
        (Ty::Any, field) => Value::from_json(field),
        (Ty::String, Json::Null) => "".into(),
        (Ty::String, Json::String(text)) => text.as_str().into(),
        (Ty::String, Json::Number(number)) => number.to_string().into(),
        (Ty::Number, Json::Null) => 0.into(),
        (Ty::Number, Json::Number(_)) => Value::from_json(field),
        (Ty::Number, Json::String(text)) => Value::Number(text.parse::<Number>().ok()?),
        (Ty::Bool, Json::Null) => false.into(),
        (Ty::Bool, Json::Bool(on)) => (*on).into(),
        (Ty::List(_) | Ty::Set(_), Json::Null) => Value::List(Vec::new()),
        (Ty::List(item), Json::Array(items)) => Value::List(items.iter().map(|field| typed(*item, field)).collect::<Option<_>>()?),
        (Ty::Set(item), Json::Array(items)) => {
            let mut items: Vec<Value> = items.iter().map(|field| typed(*item, field)).collect::<Option<_>>()?;
            items.sort();
            items.dedup();
            Value::List(items)
        }
        (Ty::Map(_), Json::Null) => Value::Map(Body::new()),
        (Ty::Map(item), Json::Object(fields)) => {
            let entries = fields.iter().map(|(name, field)| Some((name.clone(), typed(*item, field)?)));
            Value::Map(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::attr::Presence;
    use crate::compare::SET;
    use crate::valid::Valid;

    const SLACK: &[Attr] = &[
        Attr::required("channel", Ty::String, Change::InPlace("update"), "The channel."),
        Attr::required("url", Ty::String, Change::InPlace("update"), "The hook."),
    ];
    const HOW: &[Attr] = &[
        Attr::optional("email", Ty::List(&Ty::String), Change::InPlace("update"), "To whom."),
        Attr::optional("slack", Ty::List(&Ty::Object(SLACK)), Change::InPlace("update"), "Where.").blocks(),
    ];
    const ROWS: &[Attr] = &[
        Attr::computed("id", Ty::String, "The id."),
        Attr::required("name", Ty::String, Change::InPlace("update"), "The name."),
        Attr::required("size", Ty::Number, Change::Replace, "The size.").wire("size_gigabytes", "/size_gigabytes"),
        Attr::optional("regions", Ty::Set(&Ty::String), Change::InPlace("update"), "The regions.").compare(SET),
        Attr::required("how", Ty::List(&Ty::Object(HOW)), Change::InPlace("update"), "How.").single(),
        Attr::optional("description", Ty::String, Change::InPlace("update"), "Text."),
        Attr::chosen("ttl", Ty::Number, Change::InPlace("update"), "Seconds."),
        Attr::computed("region", Ty::String, "The region.").at("/region/slug"),
        Attr::optional("period", Ty::String, Change::InPlace("update"), "How long.").valid(Valid::OneOf(&["2m"])),
    ];

    fn body(json: Json) -> Body {
        Value::from_json(&json).as_map().unwrap().clone()
    }

    fn answer() -> Json {
        json!({
            "id": 7, "name": "a", "size_gigabytes": "10", "regions": ["b", "a"], "how": {"email": ["x"], "slack": null, "new": 1},
            "description": null, "ttl": 60, "region": {"slug": "nyc3"},
            "period": "2m",
        })
    }

    #[test]
    fn what_is_set_is_sent_in_the_spelling_in_which_it_is_known() {
        let wanted =
            body(json!({"name": "a", "size": 10, "regions": ["b", "a", "b"], "how": [{"email": ["x"]}], "description": "", "ttl": null}));
        let sent = Json::Object(created(ROWS.iter(), &wanted));
        assert_eq!(sent, json!({"name": "a", "size_gigabytes": 10, "regions": ["a", "b"], "how": {"email": ["x"], "slack": []}}));
    }

    #[test]
    fn a_put_sends_all_that_can_change_and_takes_back_what_is_not_wanted() {
        let seen = live(ROWS, &answer()).unwrap();
        let wanted = body(json!({"name": "b", "size": 10, "how": [{"email": ["x"]}]}));
        let put = Json::Object(replaced(ROWS.iter(), "update", &wanted, &seen));
        assert_eq!(put, json!({"name": "b", "regions": [], "how": {"email": ["x"], "slack": []}}));
    }

    #[test]
    fn a_patch_sends_what_differs() {
        let seen = live(ROWS, &answer()).unwrap();
        let wanted = body(json!({"name": "b", "size": 10, "regions": ["b", "a"], "how": [{"email": ["x"]}], "period": "2m"}));
        assert_eq!(Json::Object(changed(ROWS.iter(), "update", &wanted, &seen)), json!({"name": "b"}));
        let wanted = body(json!({"name": "a", "size": 10, "how": [{"email": ["y"]}], "description": "d", "ttl": 30}));
        let sent = json!({"regions": [], "how": {"email": ["y"], "slack": []}, "description": "d", "ttl": 30});
        assert_eq!(Json::Object(changed(ROWS.iter(), "update", &wanted, &seen)), sent);
    }

    #[test]
    fn an_answer_is_read_by_the_types_of_the_rows() {
        let expected = json!({
            "id": "7", "name": "a", "size": 10, "regions": ["a", "b"], "how": [{"email": ["x"], "slack": []}], "description": "",
            "ttl": 60, "region": "nyc3", "period": "2m",
        });
        assert_eq!(live(ROWS, &answer()).unwrap(), body(expected));
        for (field, wrong) in [("name", json!([])), ("size_gigabytes", json!("x")), ("regions", json!([{}])), ("how", json!([7]))] {
            let mut answer = answer();
            answer[field] = wrong;
            assert!(live(ROWS, &answer).is_err(), "{field}");
        }
        assert!(ROWS.iter().all(|row| row.presence != Presence::Computed || !row.settable()));
    }
}
