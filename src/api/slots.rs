//! How many requests are in flight at a time: as many as there are slots, and waiting holds none.
//!
//! Invariant: whoever begins something takes a slot first and gives it back with the first answer, or when it first waits, so
//! that no more is begun than can be sent; each later request takes one for as long as it is under way.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of a run.
#[derive(Clone, Debug)]
pub struct Slots(Arc<Semaphore>);

/// The place of one that works: with a slot in hand at first, and later with one for each request.
#[derive(Clone, Debug)]
pub struct Slot {
    all: Arc<Semaphore>,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Slots {
    /// So many, at least one.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// A slot, if one is free.
    #[must_use]
    pub fn try_take(&self) -> Option<Slot> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(|permit| self.with(Some(permit)))
    }

    /// A slot, as soon as one is free.
    pub async fn take(&self) -> Slot {
        // It fails only for a semaphore that was closed, which nobody does.
        self.with(Arc::clone(&self.0).acquire_owned().await.ok())
    }

    /// The place of one that has begun already.
    #[must_use]
    pub fn later(&self) -> Slot {
        self.with(None)
    }

    fn with(&self, permit: Option<OwnedSemaphorePermit>) -> Slot {
        Slot { all: Arc::clone(&self.0), held: Arc::new(Mutex::new(permit)) }
    }
}

impl Slot {
    /// The place of another one that has begun already.
    pub(crate) fn later(&self) -> Self {
        Self { all: Arc::clone(&self.all), held: Arc::default() }
    }

    /// For one request: what was held from the start, else the next that is free.
    pub(crate) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let held = self.held();
        if held.is_some() {
            return held;
        }
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives back what was held from the start: it waits now.
    pub(crate) fn let_go(&self) {
        drop(self.held());
    }

    fn held(&self) -> Option<OwnedSemaphorePermit> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_is_held_until_the_first_answer_or_wait() {
        let slots = Slots::new(1);
        let first = slots.try_take().expect("it is free");
        assert!(slots.try_take().is_none());
        let request = first.enter().await;
        assert!(slots.try_take().is_none());
        drop(request);
        let second = slots.try_take().expect("the first is answered");
        second.let_go();
        // Nobody holds it while both wait; each request takes it anew.
        let later = first.enter().await;
        assert!(later.is_some() && slots.try_take().is_none());
        drop(later);
        assert!(slots.try_take().is_some());
    }
}
