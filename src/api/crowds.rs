//! Those who ask at the same moment for what differs by name alone, so that one request can ask for all of them.
//!
//! Invariant: a name is in a crowd once, and a crowd that is full takes nobody else. Nothing is asked here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, Shared};
use serde_json::Value;
use tokio::sync::Notify;

use super::error::ApiError;

/// What came of a request for several; nothing means that each is to ask by itself.
pub(crate) type Outcome = Option<Result<Arc<Vec<Value>>, ApiError>>;

/// Those who ask for the same under different names.
pub(crate) struct Crowd {
    pub(crate) names: Arc<Mutex<Vec<String>>>,
    pub(crate) is_full: Arc<Notify>,
    pub(crate) outcome: Shared<BoxFuture<'static, Outcome>>,
}

/// The crowds that gather now, by what they ask for.
#[derive(Default)]
pub(crate) struct Crowds(Mutex<BTreeMap<String, Crowd>>);

impl Crowds {
    pub(crate) fn all(&self) -> MutexGuard<'_, BTreeMap<String, Crowd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins those who gather, if there is room for one of this name.
    pub(crate) fn join(&self, key: &str, name: &str, most: usize) -> Option<Shared<BoxFuture<'static, Outcome>>> {
        let mut all = self.all();
        let crowd = all.get(key)?;
        let count = {
            let mut names = crowd.names();
            if names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                return None;
            }
            names.push(name.to_owned());
            names.len()
        };
        let outcome = crowd.outcome.clone();
        if count >= most {
            crowd.is_full.notify_one();
            all.remove(key);
        }
        Some(outcome)
    }
}

impl Crowd {
    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
