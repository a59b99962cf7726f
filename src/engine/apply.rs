//! From a plan to the world: one loop owns state, journal and the ready set; workers get a step and send messages.
//!
//! Invariant: no call before its `begin` is on disk, no wait before the identity is, no dependent before the `done` is. What is
//! resolved with real values must be what was planned, only unknowns may change. It decides nothing but "go, stop, failed".
//!
//! ```text
//!  schedule ──take──► begin (flushed) ──spawn──► worker ──Made──► id (flushed) ──ack──► worker waits
//!      ▲                                            │
//!      └────── finish ◄── done (flushed) ◄──Done────┘          Lost ──► locate ──► go on, make again, or ask
//! ```

mod gates;
mod lost;
mod messages;
mod outputs;
mod owner;
mod phase;
mod prepare;
mod provisions;
mod reads;
mod run;

use self::owner::Owner;
pub use self::run::{ApplyOptions, ApplyResult, Run};

/// Walks the plan's steps.
pub async fn run(run: Run<'_>) -> ApplyResult {
    run.resolve.begin();
    let (mut owner, inbox) = Owner::new(run);
    owner.work(inbox).await;
    owner.read_for_checks().await;
    owner.finish()
}
