//! Crash points: the places where a test may end the program as if the power had gone.
//!
//! Invariant: in a release build there is none. A name is hit in the order of execution; the environment is read by `cli`,
//! which sets the point once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static POINT: OnceLock<(String, u64)> = OnceLock::new();
static SEEN: AtomicU64 = AtomicU64::new(0);

/// Sets the crash point: `NAME` or `NAME@COUNT` (the COUNTth time that the name is reached, from 1).
pub fn set_crash_point(text: &str) {
    let (name, count) = text.split_once('@').unwrap_or((text, "1"));
    let _ = POINT.set((name.to_owned(), count.parse().unwrap_or(1)));
}

/// Ends the process at once, without any clean-up, if this is the point that was set.
pub fn crash_point(name: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    if let Some((wanted, count)) = POINT.get()
        && (wanted == name || wanted == "any")
        && SEEN.fetch_add(1, Ordering::SeqCst) + 1 == *count
    {
        std::process::abort();
    }
}
