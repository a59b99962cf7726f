//! Several objects made by one request, where the API takes many names for one body.
//!
//! Invariant: each asker gets its own object, its own refusal, or its own lost answer, and what it makes of that is the same as if
//! it had asked alone. A few are made one by one: it saves little there, and an answer that is lost is looked into for each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Notify;

use super::client::Client;
use super::crowds::{Crowd, Outcome};
use super::error::{ApiError, Asked};

/// How many one request makes at most: DigitalOcean's limit for droplets.
pub const MOST: usize = 10;
/// From so many on one request makes them.
const ENOUGH: usize = 4;
/// How long the first waits for others: steps that can begin at the same time follow each other closely.
const GATHER: Duration = Duration::from_millis(5);

/// Where objects of one sort are made.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// The address: `/droplets`.
    pub path: &'static str,
    /// The field of an answer that holds one: `droplet`.
    pub one: &'static str,
    /// The field of an answer that holds several: `droplets`.
    pub many: &'static str,
}

/// How many requests make so many that differ by name alone.
#[must_use]
pub const fn requests(count: usize) -> usize {
    if count < ENOUGH { count } else { count.div_ceil(MOST) }
}

impl Client {
    /// POST that makes one object of this body and name: by one request together with others that differ from it in nothing but
    /// the name and are asked for at the same moment, if there are some.
    ///
    /// # Errors
    /// As `create`: `Ambiguous` if it may have been made.
    pub async fn create_among<T: DeserializeOwned>(&self, maker: Maker, body: &Value, name: &str) -> Result<T, ApiError> {
        let key = format!("{} {body}", maker.path);
        let outcome = match self.crowds().join(&key, name, MOST) {
            Some(outcome) => {
                // Its request is that of another, who has a slot.
                self.let_go();
                outcome
            }
            // Who came first asks for all, in its own slot.
            None => self.gather(maker, body.clone(), key, name),
        };
        if let Some(made) = outcome.await {
            let made = made?;
            let own = made.iter().find(|object| object["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name)));
            return read(maker, maker.many, own.unwrap_or(&Value::Null));
        }
        let mut alone = body.clone();
        alone["name"] = name.into();
        let answer: Value = self.create(maker.path, &alone).await?;
        read(maker, maker.one, &answer[maker.one])
    }

    /// Begins to gather those who ask for the same.
    fn gather(&self, maker: Maker, body: Value, key: String, name: &str) -> Shared<BoxFuture<'static, Outcome>> {
        let (names, is_full) = (Arc::new(Mutex::new(vec![name.to_owned()])), Arc::new(Notify::new()));
        let (api, all, full, within) = (self.clone(), Arc::clone(&names), Arc::clone(&is_full), key.clone());
        let outcome: BoxFuture<'static, Outcome> = Box::pin(async move {
            tokio::select! {
                biased;
                () = full.notified() => {}
                () = api.clock().sleep(GATHER) => {}
            }
            api.crowds().all().retain(|other, crowd| *other != within || !Arc::ptr_eq(&crowd.names, &all));
            let names = std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner));
            api.make_all(maker, body, names).await
        });
        let outcome = outcome.shared();
        self.crowds().all().insert(key, Crowd { names, is_full, outcome: outcome.clone() });
        outcome
    }

    async fn make_all(&self, maker: Maker, mut body: Value, names: Vec<String>) -> Outcome {
        if names.len() < ENOUGH {
            return None;
        }
        body["names"] = names.into();
        let answer = self.create::<Value>(maker.path, &body).await;
        Some(answer.map(|mut answer| match answer[maker.many].take() {
            Value::Array(made) => Arc::new(made),
            _ => Arc::default(),
        }))
    }
}

/// An object of an answer. One that is not there, or cannot be read, may have been made all the same.
fn read<T: DeserializeOwned>(maker: Maker, field: &str, object: &Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(object).map_err(|error| {
        let why = format!("the answer does not have the expected form at `{field}`, `{}`: {}", error.path(), error.inner());
        ApiError::Ambiguous { asked: Asked { method: "POST", path: maker.path.to_owned(), attempts: 1 }, why }
    })
}
