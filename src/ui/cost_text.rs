//! What a stack costs a month, in a line.
//!
//! Invariant: pure; nothing is said of what costs nothing.

use dofloat_engine::cost::{Cost, Sum};

/// The line, where there is something to tell: `Monthly cost: $12.00 -> $24.00 (+$12.00), up to $36.00 meanwhile`.
#[must_use]
pub fn cost(cost: &Cost) -> Option<String> {
    if cost.is_free() {
        return None;
    }
    let (before, after) = (cents(cost.before.dollars), cents(cost.after.dollars));
    let mut text = match after - before {
        0 => format!("Monthly cost: {} (unchanged)", money(after)),
        more => format!("Monthly cost: {} -> {} ({}{})", money(before), money(after), if more > 0 { '+' } else { '-' }, money(more.abs())),
    };
    if cents(cost.peak) > before.max(after) {
        text.push_str(&format!(", at the rate of {} while old and new ones exist", money(cents(cost.peak))));
    }
    let unpriced = unpriced(&cost.before, &cost.after);
    if !unpriced.is_empty() {
        text.push_str(&format!(", and what is not priced here: {}", unpriced.join(", ")));
    }
    Some(text)
}

/// Those without a price that will be there; where none will, those that go.
fn unpriced(before: &Sum, after: &Sum) -> Vec<String> {
    let side = if after.unpriced.is_empty() { before } else { after };
    side.unpriced.iter().map(|(kind, count)| format!("{count} {kind}")).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of money")]
fn cents(dollars: f64) -> i64 {
    (dollars * 100.0).round() as i64
}

fn money(cents: i64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_line() {
        let sum = |dollars: f64, unpriced: &[(&str, usize)]| Sum {
            dollars,
            unpriced: unpriced.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect::<BTreeMap<_, _>>(),
        };
        let line = |before: Sum, after: Sum, peak: f64| cost(&Cost { before, after, peak });
        assert_eq!(line(sum(0.0, &[]), sum(0.0, &[]), 0.0), None);
        assert_eq!(line(sum(0.0, &[]), sum(12.0, &[]), 12.0).as_deref(), Some("Monthly cost: $0.00 -> $12.00 (+$12.00)"));
        assert_eq!(line(sum(12.0, &[]), sum(12.0, &[]), 12.0).as_deref(), Some("Monthly cost: $12.00 (unchanged)"));
        let rolled = "Monthly cost: $12.00 -> $5.05 (-$6.95), at the rate of $17.05 while old and new ones exist";
        assert_eq!(line(sum(12.0, &[]), sum(5.049, &[]), 17.05).as_deref(), Some(rolled));
        let unpriced = "Monthly cost: $0.00 (unchanged), and what is not priced here: 2 digitalocean_app";
        assert_eq!(line(sum(0.0, &[]), sum(0.0, &[("digitalocean_app", 2)]), 0.0).as_deref(), Some(unpriced));
    }
}
