//! The ways in which the answer to an order can be lost, as the simulator plays them.
//!
//! Invariant: whether the order was carried out is in the list, and nowhere else.

/// The answer is lost, and the order too.
pub(crate) const BEFORE: [&str; 8] = [
    "error-before=500",
    "error-before=502",
    "error-before=503",
    "error-before=504",
    "error-before=408",
    "close-before",
    "reset-before",
    "page-before",
];

/// The answer is lost, and the order is not.
pub(crate) const AFTER: [&str; 10] = [
    "error-after=500",
    "error-after=502",
    "error-after=503",
    "error-after=504",
    "error-after=408",
    "close-after",
    "reset-after",
    "page-after",
    "truncate",
    "garble",
];
