//! Random numbers for jitter and identifiers.
//!
//! Invariant: a seeded generator gives the same numbers on every machine. Not for keys: those come from `entropy`.

use std::sync::atomic::{AtomicU64, Ordering};

/// A small seeded generator (SplitMix64), shared between tasks.
#[derive(Debug)]
pub struct Rng(AtomicU64);

impl Rng {
    /// A generator that always gives the same numbers.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A generator from the system's.
    #[must_use]
    pub fn from_entropy() -> Self {
        Self::seeded(u64::from_le_bytes(entropy()))
    }

    /// The next number.
    #[must_use]
    pub fn next_u64(&self) -> u64 {
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0.0 .. 1.0`.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let number = (self.next_u64() >> 11) as f64;
        number / (1_u64 << 53) as f64
    }

    /// A number in `0 .. below` (0 if `below` is 0).
    #[must_use]
    pub fn below(&self, below: u64) -> u64 {
        if below == 0 { 0 } else { self.next_u64() % below }
    }
}

/// Bytes from the system's generator, fit for keys.
///
/// # Panics
/// If the system has no random generator; nothing safe can be done then.
#[must_use]
pub fn entropy<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        panic!("the system's random generator does not answer: {error}");
    }
    bytes
}
