//! How long a plan will take at least, as far as the API's request limits tell, where they slow it down.
//!
//! Invariant: pure, and silent where the limits do not matter. It is an estimate, and says so.

use crate::api::wait::Left;
use crate::base::clock::Moment;
use crate::engine::change::{Plan, StepOp};
use crate::engine::needs::changes;

/// One read answers for so many objects that are waited for, more or less.
const SHARED: u64 = 20;

/// The line about a plan, if it is worth one.
pub(super) fn forecast(plan: &Plan, left: Option<Left>, now: Moment, command: &str) -> Option<String> {
    told(requests(plan), left?, now, command)
}

/// How many requests the steps of a plan need, more or less.
fn requests(plan: &Plan) -> u64 {
    let reads = plan.steps.iter().filter(|step| step.op == StepOp::Read).count();
    let changes = changes(plan);
    changes + changes / SHARED + u64::try_from(reads).unwrap_or(u64::MAX)
}

fn told(needed: u64, left: Left, now: Moment, command: &str) -> Option<String> {
    if needed <= left.now {
        return None;
    }
    let needs = format!("This {command} needs about {needed} requests");
    // After those that can be sent at once, so many a minute.
    let paced = (needed - left.now).div_ceil(left.a_minute.max(1));
    if needed <= left.of_hour {
        return Some(format!("{needs}, and DigitalOcean allows {} a minute: about {paced} min.", left.a_minute));
    }
    // What is used of the hour comes back no sooner than an hour after it was used.
    let wait = left.until.since(now).as_secs().div_ceil(60) + (needed - left.of_hour - 1) / left.an_hour.max(1) * 60;
    let until = left.until.to_rfc3339();
    let until = until.split_once('T').map_or(until.as_str(), |(_, time)| &time[..time.len().min(5)]);
    let rest = (needed - left.of_hour).min(left.an_hour).div_ceil(left.a_minute.max(1));
    Some(format!(
        "{needs}; {} are left of the hour's {} until {until} UTC: about {} min.",
        left.of_hour,
        left.an_hour,
        paced.max(wait + rest)
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_the_limits_slow_down_is_told_beforehand() {
        let now = Moment(1_800_000_000_000);
        let check = |needed: u64, at_once: u64, of_hour: u64, expected: Option<&str>| {
            let until = now.plus(Duration::from_secs(1200));
            let left = Left { now: at_once, a_minute: 240, of_hour, until, an_hour: 5000 };
            assert_eq!(told(needed, left, now, "apply").as_deref(), expected, "{needed} of {at_once}, {of_hour}");
        };
        check(200, 230, 4700, None);
        check(311, 230, 4700, Some("This apply needs about 311 requests, and DigitalOcean allows 240 a minute: about 1 min."));
        check(4500, 240, 4700, Some("This apply needs about 4500 requests, and DigitalOcean allows 240 a minute: about 18 min."));
        let expected = "This apply needs about 4500 requests; 1200 are left of the hour's 5000 until 08:20 UTC: about 34 min.";
        check(4500, 240, 1200, Some(expected));
    }
}
