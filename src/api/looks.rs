//! Who looks at which list, and what it showed: what is known for looking at objects together.
//!
//! Invariant: what a list lacks is gone only if the same list has shown it before: lists lag behind, and an object may never have
//! stood in one. Nothing is asked here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, Shared, WeakShared};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::broadcast;

use super::error::{ApiError, Asked};
use dofloat_base::clock::Tick;

/// How many objects a page holds.
const PAGE: usize = 200;

/// Where an object is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its own address: `/droplets/1`.
    pub one: String,
    /// The field of that answer: `droplet`.
    pub field: &'static str,
    /// The list that it stands in, if there is one.
    pub list: Option<List>,
}

/// A list, and how an object is known in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// Its address: `/droplets`.
    pub path: Cow<'static, str>,
    /// What narrows it.
    pub query: Vec<(&'static str, String)>,
    /// The field of the answer: `droplets`.
    pub key: &'static str,
    /// The field that tells objects apart: `id`.
    pub by: &'static str,
    /// The object's value of it.
    pub id: String,
}

/// What was seen of an object.
#[derive(Clone, Debug)]
pub struct Seen(pub(crate) Arc<Value>);

impl Place {
    /// An object that stands in no list that is worth asking.
    #[must_use]
    pub fn alone(one: String, field: &'static str) -> Self {
        Self { one, field, list: None }
    }

    /// The error where it is not there.
    #[must_use]
    pub fn missing(&self) -> ApiError {
        ApiError::NotFound { asked: self.asked() }
    }

    fn asked(&self) -> Asked {
        Asked { method: "GET", path: self.one.clone(), attempts: 1 }
    }
}

impl Seen {
    /// In the form that is expected.
    ///
    /// # Errors
    /// `Broken` if it has another one.
    pub fn decode<T: DeserializeOwned>(&self, place: &Place) -> Result<T, ApiError> {
        serde_path_to_error::deserialize(&*self.0).map_err(|error| {
            let why = format!("the answer does not have the expected form at `{}`: {}", error.path(), error.inner());
            ApiError::Broken { asked: place.asked(), why }
        })
    }
}

/// One look at a list.
#[derive(Debug)]
pub(crate) struct Listing {
    /// When it began.
    pub(crate) began: Tick,
    /// The objects.
    pub(crate) bodies: BTreeMap<String, Arc<Value>>,
}

/// A look that several wait for; nothing means that each is to be asked for by itself.
pub(crate) type Round = Shared<Answering>;

/// The answer of a list, which may fail.
type Answering = BoxFuture<'static, Option<Arc<Listing>>>;

/// Those who look at one list.
#[derive(Debug)]
pub(crate) struct Group {
    inner: Mutex<Inner>,
    /// The latest look. Those who wait are woken in the order in which they began; a `watch` wakes them in a random one, and with
    /// it no two runs would be the same.
    pub(crate) news: broadcast::Sender<Arc<Listing>>,
}

impl Default for Group {
    fn default() -> Self {
        Self { inner: Mutex::default(), news: broadcast::Sender::new(1) }
    }
}

#[derive(Default)]
pub(crate) struct Inner {
    /// How many want to be told at the next look.
    pub(crate) asked: usize,
    /// How many wait.
    pub(crate) waiting: usize,
    /// The look that is about to begin.
    pub(crate) round: Option<Round>,
    /// The look whose answer is on its way, and when it began. Only those who wait for it keep it alive.
    pub(crate) under_way: Option<(Tick, WeakShared<Answering>)>,
    /// When one was last under way.
    pub(crate) last: Option<Tick>,
    /// How many objects the list had.
    pub(crate) length: usize,
    /// What stood in it at any time.
    pub(crate) known: BTreeSet<String>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner")
    }
}

/// All groups, by their lists.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<BTreeMap<String, Arc<Group>>>);

impl Looks {
    /// Those who look at a list.
    pub(crate) fn group(&self, list: &List) -> Arc<Group> {
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(groups.entry(name(&list.path, &list.query)).or_default())
    }

    /// Takes note of a list that was read for another purpose.
    pub(crate) fn note(&self, path: &str, query: &[(String, String)], items: &[Value]) {
        let query: Vec<(&str, String)> = query
            .iter()
            .filter(|(name, _)| name != "per_page" && name != "page")
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        let name = name(path, &query);
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let group = groups.entry(name).or_default();
        let mut inner = group.inner();
        inner.length = items.len();
        inner.known.extend(items.iter().flat_map(|item| ["id", "ip"].into_iter().filter_map(|by| text(item.get(by)?))));
    }
}

fn name(path: &str, query: &[(&str, String)]) -> String {
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{path}?{}", query.join("&"))
}

/// What tells objects apart, as a text.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Group {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The look whose answer is on its way, if it began at this moment or later. A list of several pages is under way for long: what it
    /// will show is old by then.
    pub(crate) fn under_way(&self, since: Tick) -> Option<Round> {
        let inner = self.inner();
        inner.under_way.as_ref().filter(|(began, _)| *began >= since && inner.pages() == 1)?.1.upgrade()
    }

    /// What a list tells of an object; the outer nothing if it tells nothing.
    pub(crate) fn told(&self, listing: &Listing, id: &str) -> Option<Option<Seen>> {
        match listing.bodies.get(id) {
            Some(body) => Some(Some(Seen(Arc::clone(body)))),
            None => self.inner().known.contains(id).then_some(None),
        }
    }
}

impl Inner {
    /// How many pages the list has, more or less.
    pub(crate) fn pages(&self) -> u32 {
        u32::try_from(self.length.max(self.waiting).div_ceil(PAGE).max(1)).unwrap_or(u32::MAX)
    }

    /// For how many that wait one request answers, more or less.
    pub(crate) fn sharing(&self) -> u32 {
        (u32::try_from(self.waiting).unwrap_or(u32::MAX) / self.pages()).max(1)
    }
}

/// One that waits.
pub(crate) struct Ticket(pub(crate) Arc<Group>);

impl Ticket {
    /// It waits until this goes.
    pub(crate) fn of(group: Arc<Group>) -> Self {
        group.inner().waiting += 1;
        Self(group)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.inner().waiting -= 1;
    }
}
