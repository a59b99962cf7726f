//! The families of the API that are collections and nothing more: what the official description says of each.
//!
//! Invariant: `families.json` is made from the description by a test and never by hand; here is how it is read, how a request's body
//! is held against it, and how an object is shown. It must not know the world.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::time::Due;
use super::super::wire::Refusal;
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
    /// The field that identifies an object.
    pub(super) id: String,
    list: Ways,
    read: Ways,
    pub(super) create: Write,
    update: Option<Write>,
    delete: Ways,
    /// What an answer shows of an object.
    pub(super) shown: Fields,
}

/// An operation with a body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Write {
    pub(super) method: String,
    pub(super) status: u16,
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

/// What a field may hold.
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
    pub(super) parents: Vec<String>,
    /// What it holds.
    pub(super) fields: Map<String, Value>,
    /// What becomes of it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
}

/// A field that will be another by itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pending {
    pub(super) field: String,
    pub(super) then: String,
    pub(super) due: Due,
}

impl Object {
    /// Looks at it: what is due happens.
    pub(super) fn look(&mut self, now: Moment) {
        if self.pending.as_mut().is_some_and(|pending| pending.due.look(now)) {
            self.finish();
        }
    }

    /// Lets what will happen by itself happen now.
    pub(in super::super) fn finish(&mut self) {
        if let Some(Pending { field, then, .. }) = self.pending.take() {
            self.fields.insert(field, Value::String(then));
        }
    }
}

/// What is done with a family.
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
    /// What it is called where kinds of objects are counted: `uptime/checks`.
    pub(in super::super) fn label(&self) -> &str {
        self.path.trim_start_matches("/v2/")
    }

    /// Method and pattern of an operation, if the family has it.
    pub(in super::super) fn operation(&self, verb: Verb) -> Option<(&str, &str)> {
        Some(match verb {
            Verb::List => ("GET", &self.path),
            Verb::Create => (&self.create.method, &self.path),
            Verb::Read => ("GET", &self.item),
            Verb::Update => (&self.update.as_ref()?.method, &self.item),
            Verb::Delete => ("DELETE", &self.item),
        })
    }

    /// The scopes of an operation.
    pub(in super::super) fn scopes(&self, verb: Verb) -> &[Vec<String>] {
        match verb {
            Verb::List => &self.list,
            Verb::Create => &self.create.scopes,
            Verb::Read => &self.read,
            Verb::Update => self.update.as_ref().map_or(&[], |update| &update.scopes),
            Verb::Delete => &self.delete,
        }
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
            field.fits(name, value)?;
            taken.insert(name.clone(), value.clone());
        }
        Ok(taken)
    }
}

impl Field {
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

    /// What an answer shows where there is nothing; `None` where it leaves the field out.
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
