//! `filter { key values match_by all }` and `sort { key direction }` of the data sources that give lists.
//!
//! Invariant: pure. Texts are equal without regard to case, as the official provider has it; a list matches where one of its items
//! does.

use std::cmp::Ordering;

use regex::Regex;

use crate::attr::{Attr, Change, Lit, Ty};
use crate::erased::Complaint;
use dofloat_base::diag::did_you_mean;
use dofloat_base::number::Number;
use dofloat_base::value::{Body, Term, Value};

const FILTER_ROWS: &[Attr] = &[
    Attr::required("key", Ty::String, Change::Local, "What is filtered by."),
    Attr::required("values", Ty::List(&Ty::String), Change::Local, "What it may be."),
    Attr::optional("all", Ty::Bool, Change::Local, "Whether it must match every value and not just one.").default(Lit::Bool(false)),
    Attr::optional("match_by", Ty::String, Change::Local, "exact, re or substring.").default(Lit::Str("exact")),
];
const SORT_ROWS: &[Attr] = &[
    Attr::required("key", Ty::String, Change::Local, "What is sorted by."),
    Attr::optional("direction", Ty::String, Change::Local, "asc or desc."),
];

/// The blocks of a list.
pub(super) const BLOCKS: [Attr; 2] = [
    Attr::optional("filter", Ty::List(&Ty::Object(FILTER_ROWS)), Change::Local, "Which of them.").block(),
    Attr::optional("sort", Ty::List(&Ty::Object(SORT_ROWS)), Change::Local, "In which order.").block(),
];

/// What is wrong with the blocks of a list of such records, as far as they are known.
pub(super) fn check(rows: &[Attr], body: &Term) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (at, block) in body.get("filter").items().unwrap_or_default().iter().enumerate() {
        complaints.extend(wrong_filter(rows, block).map(|(name, message, hint)| complaint("filter", at, name, message, hint)));
    }
    for (at, block) in body.get("sort").items().unwrap_or_default().iter().enumerate() {
        complaints.extend(wrong_sort(rows, block).map(|(name, message, hint)| complaint("sort", at, name, message, hint)));
    }
    complaints
}

/// The records that the blocks let through, in their order.
pub(super) fn chosen(rows: &[Attr], mut records: Vec<Body>, body: &Body) -> Vec<Body> {
    for filter in blocks(body, "filter") {
        let Some(row) = text(filter, "key").and_then(|key| rows.iter().find(|row| row.name == key)) else { continue };
        let by = text(filter, "match_by").unwrap_or("exact");
        let wanted: Vec<Wanted> = texts(filter.get("values")).filter_map(|value| Wanted::new(row.ty, value, by).ok()).collect();
        let matches = |record: &Body, wanted: &Wanted| record.get(row.name).is_some_and(|value| wanted.matches(value));
        let all = filter.get("all") == Some(&Value::Bool(true));
        records.retain(|record| match all {
            true => wanted.iter().all(|wanted| matches(record, wanted)),
            false => wanted.iter().any(|wanted| matches(record, wanted)),
        });
    }
    let sorts: Vec<(&str, bool)> =
        blocks(body, "sort").filter_map(|sort| Some((text(sort, "key")?, text(sort, "direction") == Some("desc")))).collect();
    records.sort_by(|one, other| {
        let by = |&(key, down): &(&str, bool)| {
            let order = compared(one.get(key), other.get(key));
            if down { order.reverse() } else { order }
        };
        sorts.iter().map(by).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    });
    records
}

/// A value that is looked for.
enum Wanted {
    Exact(String),
    Part(String),
    Pattern(Regex),
    Bool(bool),
    Number(Number),
}

impl Wanted {
    /// A value of `filter`, as the type of what is filtered by has it.
    ///
    /// # Errors
    /// Why it is none.
    fn new(ty: Ty, value: &str, by: &str) -> Result<Self, &'static str> {
        match item(ty) {
            Ty::Bool => match value {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Self::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Self::Bool(false)),
                _ => Err("true or false"),
            },
            Ty::Number => value.parse().map(Self::Number).map_err(|_| "a number"),
            _ => match by {
                "re" => Regex::new(value).map(Self::Pattern).map_err(|_| "a regular expression"),
                "substring" => Ok(Self::Part(value.to_owned())),
                _ => Ok(Self::Exact(value.to_lowercase())),
            },
        }
    }

    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::List(items)) => items.iter().any(|item| self.matches(item)),
            (Self::Exact(wanted), Value::Str(text)) => text.to_lowercase() == *wanted,
            (Self::Part(wanted), Value::Str(text)) => text.contains(wanted.as_str()),
            (Self::Pattern(wanted), Value::Str(text)) => wanted.is_match(text),
            (Self::Bool(wanted), Value::Bool(value)) => wanted == value,
            (Self::Number(wanted), Value::Number(value)) => wanted == value,
            _ => false,
        }
    }
}

type Wrong = (&'static str, String, String);

fn wrong_filter(rows: &[Attr], block: &Term) -> Option<Wrong> {
    let known = rows.iter().filter(|row| is_plain(item(row.ty)));
    let key = block.get("key");
    let key = key.value()?.as_str()?;
    let Some(row) = known.clone().find(|row| row.name == key) else { return Some(no_key(key, "filter", known)) };
    let by = match block.get("match_by") {
        Term::Value(Value::Str(by)) => by,
        _ => "exact".to_owned(),
    };
    if !matches!(by.as_str(), "exact" | "re" | "substring") {
        return Some(("match_by", format!("`match_by` is exact, re or substring, not `{by}`."), String::new()));
    }
    let values = block.get("values").items().unwrap_or_default();
    let mut values = values.iter().filter_map(Term::value).filter_map(Value::as_str);
    let (value, what) = values.find_map(|value| Some((value, Wanted::new(row.ty, value, &by).err()?)))?;
    let message = match what {
        "a regular expression" => format!("`{value}` is no regular expression."),
        what => format!("`{key}` is {what}, and `{value}` is none."),
    };
    Some(("values", message, String::new()))
}

fn wrong_sort(rows: &[Attr], block: &Term) -> Option<Wrong> {
    let known = rows.iter().filter(|row| is_plain(row.ty));
    let key = block.get("key");
    let key = key.value()?.as_str()?;
    if !known.clone().any(|row| row.name == key) {
        return Some(no_key(key, "sort", known));
    }
    match block.get("direction") {
        Term::Value(Value::Str(direction)) if !matches!(direction.as_str(), "asc" | "desc") => {
            Some(("direction", format!("`direction` is asc or desc, not `{direction}`."), String::new()))
        }
        _ => None,
    }
}

fn no_key<'a>(key: &str, what: &str, known: impl Iterator<Item = &'a Attr> + Clone) -> Wrong {
    let hint = match did_you_mean(key, known.clone().map(|row| row.name)) {
        Some(meant) => format!("Did you mean `{meant}`?"),
        None => format!("There are: {}.", known.map(|row| row.name).collect::<Vec<_>>().join(", ")),
    };
    ("key", format!("There is no `{key}` to {what} by."), hint)
}

fn complaint(block: &str, at: usize, name: &str, message: String, hint: String) -> Complaint {
    Complaint::error([block.to_owned(), at.to_string(), name.to_owned()].to_vec(), message, hint)
}

fn item(ty: Ty) -> Ty {
    match ty {
        Ty::List(item) | Ty::Set(item) => *item,
        ty => ty,
    }
}

fn is_plain(ty: Ty) -> bool {
    matches!(ty, Ty::Bool | Ty::Number | Ty::String)
}

fn blocks<'a>(body: &'a Body, name: &str) -> impl Iterator<Item = &'a Body> {
    body.get(name).and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_map)
}

fn text<'a>(body: &'a Body, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_list).unwrap_or_default().iter().filter_map(Value::as_str)
}

fn compared(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => one.decimal().cmp(other.decimal()),
        (one, other) => one.cmp(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ROWS: &[Attr] = &[
        Attr::computed("name", Ty::String, "Its name."),
        Attr::computed("size", Ty::Number, "Its size."),
        Attr::computed("on", Ty::Bool, "Whether it is on."),
        Attr::computed("tags", Ty::Set(&Ty::String), "Its tags."),
    ];

    #[track_caller]
    fn check(blocks: serde_json::Value, expected: &[&str]) {
        let records = json!([
            {"name": "Web-2", "size": 10, "on": true, "tags": ["web", "prod"]},
            {"name": "web-1", "size": 9, "on": false, "tags": ["web"]},
            {"name": "db", "size": 10, "on": true, "tags": []},
        ]);
        let body = |json: &serde_json::Value| Value::from_json(json).as_map().cloned().expect("a map");
        let records = records.as_array().expect("a list").iter().map(body).collect();
        let found = chosen(ROWS, records, &body(&blocks));
        let names: Vec<&str> = found.iter().filter_map(|record| text(record, "name")).collect();
        assert_eq!(names, expected, "{blocks}");
    }

    #[test]
    fn filters_let_through_what_matches() {
        let filter = |filter: serde_json::Value| json!({"filter": [filter]});
        check(json!({}), &["Web-2", "web-1", "db"]);
        check(filter(json!({"key": "name", "values": ["WEB-1", "db"]})), &["web-1", "db"]);
        check(filter(json!({"key": "name", "values": ["eb-"], "match_by": "substring"})), &["Web-2", "web-1"]);
        check(filter(json!({"key": "name", "values": ["^web-\\d$"], "match_by": "re"})), &["web-1"]);
        check(filter(json!({"key": "size", "values": ["10"]})), &["Web-2", "db"]);
        check(filter(json!({"key": "on", "values": ["false"]})), &["web-1"]);
        check(filter(json!({"key": "tags", "values": ["web", "prod"]})), &["Web-2", "web-1"]);
        check(filter(json!({"key": "tags", "values": ["web", "prod"], "all": true})), &["Web-2"]);
        let both = json!({"filter": [{"key": "size", "values": ["10"]}, {"key": "tags", "values": ["web"]}]});
        check(both, &["Web-2"]);
    }

    #[test]
    fn sorts_put_in_order() {
        check(json!({"sort": [{"key": "size"}]}), &["web-1", "Web-2", "db"]);
        check(json!({"sort": [{"key": "size", "direction": "desc"}, {"key": "name"}]}), &["Web-2", "db", "web-1"]);
        check(json!({"sort": [{"key": "name", "direction": "desc"}]}), &["web-1", "db", "Web-2"]);
    }
}
