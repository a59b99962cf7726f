//! The families of the API that are collections and nothing more: what the official description says of each.
//!
//! Invariant: `families.json` is made from the description by a test and never by hand; here is how it is read, how a request's body
//! is held against it, and how an object is shown. It must not know the world.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::refusal::Refusal;
use super::super::scopes::Scopes;
use super::super::time::Due;
use super::super::wire::Reply;
use dofloat_base::clock::Moment;

/// Every plain family.
pub(in super::super) static FAMILIES: LazyLock<Vec<Family>> =
    LazyLock::new(|| serde_json::from_str(include_str!("families.json")).unwrap_or_else(|error| unreachable!("families.json: {error}")));

/// Alternatives of scopes, each of which is needed whole.
pub(super) type Ways = Vec<Vec<String>>;

/// A collection and the objects in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Family {
    /// Of the collection: `/v2/uptime/checks`.
    pub(in super::super) path: String,
    /// Of an object: `/v2/uptime/checks/{check_id}`.
    pub(super) item: String,
    /// The field that holds one object.
    pub(super) one: String,
    /// The field that holds a list.
    pub(super) many: String,
    /// Whether a list comes in pages.
    #[serde(default = "always")]
    pub(super) paged: bool,
    /// Whether a read gives an object without its envelope.
    #[serde(default)]
    pub(super) bare: bool,
    /// The field that identifies an object.
    pub(super) id: String,
    list: Ways,
    read: Ways,
    create: Option<Write>,
    update: Option<Write>,
    delete: Ways,
    /// How a deletion is answered, if not by nothing.
    #[serde(default)]
    gone: Option<Gone>,
    /// The fields of an object that an answer shows.
    pub(super) shown: Fields,
}

/// How a deletion is answered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gone {
    status: u16,
    /// The fields of the answer: the object, or its identity.
    shows: Vec<String>,
}

/// Exceptions, which most families do not have.
const fn always() -> bool {
    true
}

/// An operation with a body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Write {
    pub(super) method: String,
    pub(super) status: u16,
    /// Whether the answer is empty.
    #[serde(default)]
    pub(super) silent: bool,
    scopes: Ways,
    pub(super) takes: Fields,
}

/// The fields of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub(super) fields: BTreeMap<String, Field>,
    #[serde(default)]
    required: Vec<String>,
}

/// The type of a field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    nullable: bool,
    #[serde(default, rename = "enum")]
    one_of: Vec<Value>,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default, rename = "maxLength")]
    longest: Option<usize>,
    #[serde(default)]
    minimum: Option<i64>,
    #[serde(default)]
    maximum: Option<i64>,
    #[serde(default)]
    pub(super) default: Option<Value>,
    /// Those that are needed where it is set; in an answer, those without which it is left out.
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    items: Option<Box<Field>>,
    #[serde(default)]
    object: Option<Fields>,
}

/// An object of a plain family.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Object {
    /// The identifiers of what it lies in, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) parents: Vec<String>,
    /// Its fields.
    pub(in super::super) fields: Map<String, Value>,
    /// Its next transition, which comes by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) pending: Option<Pending>,
}

/// A field that will be another by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Pending {
    pub(super) field: String,
    pub(super) then: String,
    pub(super) due: Due,
}

impl Object {
    /// Looks at it: what is due happens.
    pub(super) fn poll(&mut self, now: Moment) {
        if self.pending.as_mut().is_some_and(|pending| pending.due.poll(now)) {
            self.finish();
        }
    }

    /// The tags that it carries.
    pub(in super::super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.fields.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Puts a tag on it, or takes it off.
    pub(in super::super) fn tag(&mut self, tag: &str, on: bool) {
        let others: Vec<&str> = self.tags().filter(|other| !other.eq_ignore_ascii_case(tag)).chain(on.then_some(tag)).collect();
        let tags = others.into();
        self.fields.insert("tags".to_owned(), tags);
    }

    /// Lets what will happen by itself happen now.
    pub(in super::super) fn finish(&mut self) {
        if let Some(Pending { field, then, .. }) = self.pending.take() {
            self.fields.insert(field, Value::String(then));
        }
    }
}

/// An operation on a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Verb {
    List,
    Create,
    Read,
    Update,
    Delete,
}

impl Verb {
    /// All of them.
    pub(in super::super) const ALL: [Self; 5] = [Self::List, Self::Create, Self::Read, Self::Update, Self::Delete];
}

impl Family {
    /// Its name where objects are counted by family: `uptime/checks`.
    pub(in super::super) fn label(&self) -> &str {
        self.path.trim_start_matches("/v2/")
    }

    /// Method and pattern of an operation, if the family has it.
    pub(in super::super) fn operation(&self, verb: Verb) -> Option<(&str, &str)> {
        Some(match verb {
            Verb::List => ("GET", &self.path),
            Verb::Create => (&self.create.as_ref()?.method, &self.path),
            Verb::Read => ("GET", &self.item),
            Verb::Update => (&self.update.as_ref()?.method, &self.item),
            Verb::Delete => ("DELETE", &self.item),
        })
    }

    /// The scopes of an operation.
    pub(in super::super) fn scopes(&self, verb: Verb) -> &[Vec<String>] {
        match verb {
            Verb::List => &self.list,
            Verb::Create => self.create.as_ref().map_or(&[], |create| &create.scopes),
            Verb::Read => &self.read,
            Verb::Update => self.update.as_ref().map_or(&[], |update| &update.scopes),
            Verb::Delete => &self.delete,
        }
    }

    /// The answer to a deletion; `shown` is the object that is gone.
    pub(super) fn gone(&self, id: &str, shown: Option<Value>) -> Reply {
        let Some(gone) = &self.gone else { return Reply::nothing() };
        let field = |name: &String| (name.clone(), if *name == self.one { shown.clone().unwrap_or_default() } else { json!(id) });
        let body: Map<String, Value> = gone.shows.iter().map(field).collect();
        Reply { status: gone.status, body: Some(Value::Object(body)).filter(|_| !gone.shows.is_empty()) }
    }

    /// Whether its objects are known by numbers.
    pub(super) fn is_numbered(&self) -> bool {
        self.shown.fields.get(&self.id).is_some_and(|field| field.kind == "integer")
    }

    /// How an object is made.
    pub(super) fn create(&self) -> Result<&Write, Refusal> {
        self.create.as_ref().ok_or_else(Refusal::not_found)
    }

    /// How an object is changed.
    pub(super) fn update(&self) -> Result<&Write, Refusal> {
        self.update.as_ref().ok_or_else(Refusal::not_found)
    }

    /// The family of what its objects lie in.
    pub(super) fn parent(&self) -> Option<&'static Self> {
        let (item, _) = self.path.rsplit_once('/')?;
        FAMILIES.iter().find(|family| family.item == item)
    }

    /// The families whose objects lie in objects of this one, however deep.
    pub(super) fn children(&self) -> impl Iterator<Item = &'static Self> {
        let below = format!("{}/", self.item);
        FAMILIES.iter().filter(move |family| family.path.starts_with(&below))
    }

    /// An object as the API shows it.
    pub(in super::super) fn show(&self, object: &Object) -> Value {
        let shown = self.shown.fields.iter().filter_map(|(name, field)| {
            let value = object.fields.get(name).filter(|value| !value.is_null()).cloned();
            Some((name.clone(), value.or_else(|| field.default.clone()).or_else(|| field.nothing())?))
        });
        Value::Object(shown.collect())
    }
}

impl Fields {
    /// The scopes that a body needs for what is set in it.
    pub(super) fn needs<'a>(&'a self, body: &Map<String, Value>, all: &mut BTreeSet<&'a str>) {
        for (name, value) in body.iter().filter(|(_, value)| is_set(value)) {
            let Some(field) = self.fields.get(name) else { continue };
            all.extend(field.scopes.iter().map(String::as_str));
            // Whoever puts a tag on something may make it.
            all.extend((name == "tags").then_some("tag:create"));
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            for (inner, object) in
                field.inner().into_iter().flat_map(|inner| items.iter().filter_map(move |item| Some((inner, item.as_object()?))))
            {
                inner.needs(object, all);
            }
        }
    }

    /// Leaves out of an answer what the token may not see.
    pub(super) fn hide(&self, scopes: &Scopes, shown: &mut Map<String, Value>) {
        for (name, field) in &self.fields {
            if field.scopes.iter().any(|scope| !scopes.has(scope)) {
                shown.remove(name);
            }
            let (Some(inner), Some(value)) = (field.inner(), shown.get_mut(name)) else { continue };
            match value {
                Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| inner.hide(scopes, item)),
                Value::Object(object) => inner.hide(scopes, object),
                _ => {}
            }
        }
    }

    /// Holds a body against the fields; gives those that the API takes.
    pub(super) fn taken(&self, body: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        for name in &self.required {
            // What is said to be needed and is described nowhere cannot be sent.
            if self.fields.contains_key(name) && body.get(name).is_none_or(Value::is_null) {
                return Err(Refusal::unprocessable(format!("{name} is required")));
            }
        }
        let mut taken = Map::new();
        for (name, value) in body {
            let Some(field) = self.fields.get(name) else { continue };
            if field.format.is_some() && value == "" {
                continue; // A form that nothing has is no value: the field is taken back.
            }
            field.fits(name, value)?;
            taken.insert(name.clone(), value.clone());
        }
        Ok(taken)
    }
}

fn is_set(value: &Value) -> bool {
    !(value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty))
}

impl Field {
    /// The fields of the objects in it.
    fn inner(&self) -> Option<&Fields> {
        self.object.as_ref().or_else(|| self.items.as_ref()?.object.as_ref())
    }

    fn fits(&self, name: &str, value: &Value) -> Result<(), Refusal> {
        let wrong = |why: &str| Err(Refusal::unprocessable(format!("{name} {why}")));
        if value.is_null() {
            return if self.nullable { Ok(()) } else { wrong("can't be null") };
        }
        let typed = match self.kind.as_str() {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        };
        if !typed {
            return wrong(&format!("must be of the type {}", self.kind));
        }
        if !self.one_of.is_empty() && !self.one_of.contains(value) {
            return wrong("is not one of the values that are allowed");
        }
        if let Some(text) = value.as_str() {
            let fits = |pattern: &String| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
            if !self.pattern.as_ref().is_none_or(fits) || self.longest.is_some_and(|longest| text.chars().count() > longest) {
                return wrong("is not valid");
            }
        }
        if let Some(number) = value.as_i64()
            && (self.minimum.is_some_and(|least| number < least) || self.maximum.is_some_and(|most| number > most))
        {
            return wrong("is out of range");
        }
        for item in value.as_array().into_iter().flatten() {
            self.items.as_ref().map_or(Ok(()), |items| items.fits(name, item))?;
        }
        match (&self.object, value.as_object()) {
            (Some(fields), Some(object)) => fields.taken(object).map(drop),
            _ => Ok(()),
        }
    }

    /// The value that an answer shows where there is none; `None` where it leaves the field out.
    fn nothing(&self) -> Option<Value> {
        match self.kind.as_str() {
            "array" => Some(Value::Array(Vec::new())),
            "string" if self.one_of.is_empty() && self.format.is_none() && self.pattern.is_none() => Some(Value::String(String::new())),
            _ => None,
        }
    }

    /// Whether it is a moment.
    pub(super) fn is_moment(&self) -> bool {
        self.format.as_deref() == Some("date-time")
    }
}
