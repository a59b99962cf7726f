//! What a stack costs a month, before a plan and after it, as a value.
//!
//! Invariant: for display only. What has no price is counted and named.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a stack costs, in dollars a month.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// What is there.
    pub before: Sum,
    /// What will be there.
    pub after: Sum,
    /// What there is at once at most, where a new object is created before the old one goes: at the rate of so many dollars a month.
    pub peak: f64,
}

/// The sum of prices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// What is known of it.
    pub dollars: f64,
    /// How many objects of each type cost what is not known.
    pub unpriced: BTreeMap<String, usize>,
}

impl Cost {
    /// Whether there is anything to tell.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let free = |sum: &Sum| sum.dollars == 0.0 && sum.unpriced.is_empty();
        free(&self.before) && free(&self.after)
    }
}
