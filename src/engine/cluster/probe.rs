//! A client of a pair's address that asks ten times a second, and what it has met: for how long nobody answered.
//!
//! Invariant: a request that hangs holds up none that follows; what is measured is the time between two good answers, by a clock
//! that nobody sets. It must not know what is done to the pair meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use dofloat_api::client::Client;
use dofloat_base::clock::{Clock, Tick};

/// Between two requests.
pub const PAUSE: Duration = Duration::from_millis(100);

/// After so long without an answer a request hangs.
const HANGS: Duration = Duration::from_secs(1);

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// When it was sent.
    pub sent: Tick,
    /// When it was answered, or was known not to be.
    pub ended: Tick,
    /// Whether the answer was good.
    pub good: bool,
}

/// A time in which nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last good answer before.
    pub from: Tick,
    /// The first good one after.
    pub to: Tick,
}

impl Gap {
    /// Its length.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// The requests of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries(Vec<Try>);

impl Tries {
    /// They in the order of their ends.
    #[must_use]
    pub fn new(mut tries: Vec<Try>) -> Self {
        tries.sort_by_key(|one| (one.ended, one.sent));
        Self(tries)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Try] {
        &self.0
    }

    /// How many were sent.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.0.len()
    }

    /// How many had no good answer.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.0.iter().filter(|one| !one.good).count()
    }

    /// The longest time between two good answers; none where there are not two.
    #[must_use]
    pub fn longest_gap(&self) -> Option<Gap> {
        let good: Vec<Tick> = self.0.iter().filter(|one| one.good).map(|one| one.ended).collect();
        // Of two that are as long the first.
        good.windows(2).map(|pair| Gap { from: pair[0], to: pair[1] }).rev().max_by_key(Gap::length)
    }

    /// The last good answer.
    #[must_use]
    pub fn last_good(&self) -> Option<Tick> {
        self.0.iter().rev().find(|one| one.good).map(|one| one.ended)
    }

    /// Whether the newest so many answers are good.
    #[must_use]
    pub fn is_steady(&self, count: usize) -> bool {
        self.0.len() >= count && self.0.iter().rev().take(count).all(|one| one.good)
    }
}

/// A probe at work; it ends when it is dropped.
#[derive(Debug)]
pub struct Probe {
    met: Arc<Mutex<Met>>,
    asks: JoinHandle<()>,
}

/// What a probe has met.
#[derive(Debug, Default)]
struct Met {
    tries: Vec<Try>,
    /// Requests under way, by their number.
    open: BTreeMap<usize, Tick>,
    sent: usize,
}

impl Probe {
    /// Begins to ask an address: `http://203.0.113.9/`.
    #[must_use]
    pub fn begin(api: &Client, url: &str) -> Self {
        let met: Arc<Mutex<Met>> = Arc::default();
        let (client, url, kept) = (api.clone(), url.to_owned(), Arc::clone(&met));
        let asks = tokio::spawn(async move {
            loop {
                let (client, url, kept) = (client.clone(), url.clone(), Arc::clone(&kept));
                let clock = client.clock().clone();
                tokio::spawn(async move { ask(&client, &url, &kept).await });
                clock.sleep_in_earnest(PAUSE).await;
            }
        });
        Self { met, asks }
    }

    /// What it has met so far.
    #[must_use]
    pub fn tries(&self) -> Tries {
        Tries::new(self.met.lock().unwrap_or_else(PoisonError::into_inner).tries.clone())
    }

    /// Waits until so many answers in a row are good and no request hangs, or for so long; whether that came true.
    pub async fn steady(&self, count: usize, limit: Duration, clock: &Clock) -> bool {
        let start = clock.tick();
        while self.hangs(clock) || !self.tries().is_steady(count) {
            if clock.tick().since(start) >= limit {
                return false;
            }
            clock.sleep(PAUSE).await;
        }
        true
    }

    fn hangs(&self, clock: &Clock) -> bool {
        let now = clock.tick();
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        met.open.values().any(|sent| now.since(*sent) >= HANGS)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.asks.abort();
    }
}

async fn ask(api: &Client, url: &str, met: &Mutex<Met>) {
    let lock = || met.lock().unwrap_or_else(PoisonError::into_inner);
    let sent = api.clock().tick();
    let number = {
        let mut met = lock();
        met.sent += 1;
        let number = met.sent;
        met.open.insert(number, sent);
        number
    };
    let good = api.probe(url).await.is_ok();
    let mut met = lock();
    met.open.remove(&number);
    met.tries.push(Try { sent, ended: api.clock().tick(), good });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(rows: &[(u64, bool)]) -> Tries {
        Tries::new(rows.iter().map(|(ended, good)| Try { sent: Tick(ended.saturating_sub(5)), ended: Tick(*ended), good: *good }).collect())
    }

    #[test]
    fn a_gap_is_what_lies_between_two_good_answers() {
        // The answers come in another order than the requests: one that was sent in the gap is answered after it.
        let met = tries(&[(100, true), (1600, true), (200, true), (300, false), (400, false), (1500, true)]);
        assert_eq!(met.longest_gap(), Some(Gap { from: Tick(200), to: Tick(1500) }));
        assert_eq!((met.sent(), met.failed(), met.last_good()), (6, 2, Some(Tick(1600))));
        assert!(met.is_steady(2) && !met.is_steady(3) && !met.is_steady(9));
    }

    #[test]
    fn without_two_good_answers_there_is_no_gap() {
        assert_eq!(tries(&[]).longest_gap(), None);
        assert_eq!(tries(&[(100, true), (200, false)]).longest_gap(), None);
        assert_eq!(tries(&[(0, true), (100, true), (200, true)]).longest_gap(), Some(Gap { from: Tick(0), to: Tick(100) }));
    }
}
