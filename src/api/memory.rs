//! What a snapshot remembers: each distinct read is asked once, and concurrent askers share the one answer.
//!
//! Invariant: an error is shared by those who wait for it and then forgotten; a write forgets everything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use serde_json::Value;

use super::error::ApiError;

/// An answer that several can hold.
pub(crate) type Recalled = Result<Arc<Value>, ApiError>;

type Asking = Shared<BoxFuture<'static, Recalled>>;

/// The answers so far, and those under way.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<String, Asking>>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// The answer to `key`; `ask` is called if nobody has asked yet.
    pub(crate) async fn recall(&self, key: &str, ask: impl FnOnce() -> BoxFuture<'static, Recalled>) -> Recalled {
        let asking = self.rows().entry(key.to_owned()).or_insert_with(|| ask().shared()).clone();
        let answer = asking.clone().await;
        if answer.is_err() {
            let mut rows = self.rows();
            if rows.get(key).is_some_and(|row| row.ptr_eq(&asking)) {
                rows.remove(key);
            }
        }
        answer
    }

    /// Whether somebody has asked already.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.rows().contains_key(key)
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        self.rows().clear();
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<String, Asking>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::error::Asked;
    use super::*;

    fn failure() -> ApiError {
        ApiError::NotFound { asked: Asked { method: "GET", path: "/x".into(), attempts: 1 } }
    }

    #[tokio::test]
    async fn concurrent_askers_share_one_answer_and_errors_are_forgotten() {
        let (memory, asked) = (Memory::default(), Arc::new(AtomicU32::new(0)));
        let ask = |fail: bool| {
            let asked = Arc::clone(&asked);
            move || -> BoxFuture<'static, Recalled> {
                Box::pin(async move {
                    let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    tokio::task::yield_now().await;
                    if fail { Err(failure()) } else { Ok(Arc::new(number.into())) }
                })
            }
        };
        let (one, two) = tokio::join!(memory.recall("a", ask(true)), memory.recall("a", ask(false)));
        assert_eq!((one, two), (Err(failure()), Err(failure())));
        let (one, two) = tokio::join!(memory.recall("a", ask(false)), memory.recall("a", ask(true)));
        assert_eq!((one, two), (Ok(Arc::new(2.into())), Ok(Arc::new(2.into()))));
        assert_eq!(memory.recall("a", ask(true)).await, Ok(Arc::new(2.into())));
        assert_eq!(memory.recall("b", ask(false)).await, Ok(Arc::new(3.into())));
        assert!(memory.has("b") && !memory.has("c"));
        memory.forget();
        assert!(!memory.has("b"));
        assert_eq!(memory.recall("a", ask(false)).await, Ok(Arc::new(4.into())));
    }
}
