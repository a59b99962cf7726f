//! Lines that move while steps run, for somebody who watches.
//!
//! Invariant: drawn on standard error of a terminal only, never in JSON, automation or a pipe; what is printed for good goes
//! through `around`, so that the two do not mix.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::value_text::visible;
use dofloat_base::address::Address;
use dofloat_engine::change::Event;

/// No more lines than fit on a small screen, however many steps wait at a time.
const MOST: usize = 20;

/// One moving line for each step that runs.
#[derive(Debug)]
pub struct Progress {
    all: MultiProgress,
    running: BTreeMap<Address, ProgressBar>,
    lively: bool,
}

impl Progress {
    /// Moving lines if `lively`, else nothing at all.
    #[must_use]
    pub fn new(lively: bool) -> Self {
        let target = if lively { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self { all: MultiProgress::with_draw_target(target), running: BTreeMap::new(), lively }
    }

    /// Follows an event.
    pub fn follow(&mut self, event: &Event) {
        if !self.lively {
            return;
        }
        match event {
            Event::Started { address, .. } if self.running.len() < MOST => {
                let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
                let bar = self.all.add(ProgressBar::new_spinner().with_style(style).with_message(address.to_string()));
                bar.enable_steady_tick(Duration::from_millis(120));
                self.running.insert(address.clone(), bar);
            }
            Event::Done { address, .. } | Event::Failed { address, .. } | Event::Skipped { address, .. } => {
                if let Some(bar) = self.running.remove(address) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
            Event::Waiting { address, seen, .. } => {
                if let Some(bar) = self.running.get(address).filter(|_| !seen.is_empty()) {
                    bar.set_message(format!("{address}: {}", visible(seen)));
                }
            }
            Event::Started { .. } | Event::Provisioning { .. } | Event::Slowed { .. } | Event::Stopping => {}
        }
    }

    /// Does something to the screen while the moving lines are away.
    pub fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        if self.lively { self.all.suspend(print) } else { print() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dofloat_state::journal::Op;

    #[test]
    fn without_somebody_who_watches_there_is_nothing() {
        let mut progress = Progress::new(false);
        progress.follow(&Event::Started { address: Address::new("k", "n"), op: Op::Create.into() });
        assert!(progress.running.is_empty());
        assert_eq!(progress.around(|| 1), 1);
    }
}
