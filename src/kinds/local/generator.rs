//! Random numbers for the `random` kinds: from the system's generator, or the same ones for the same seed.
//!
//! Invariant: every outcome is equally likely. The numbers of a seed are not those of the official provider, which are Go's own.

use dofloat_base::digest::sha256_hex;
use dofloat_base::rng::{Rng, entropy};

/// A source of random numbers.
pub(super) enum Generator {
    /// The system's, fit for secrets.
    System,
    /// Of a seed; not fit for secrets.
    Seeded(Box<Rng>),
}

impl Generator {
    /// Of a seed, or the system's where there is none.
    pub(super) fn of_seed(seed: Option<&str>) -> Self {
        let number = |seed: &str| u64::from_str_radix(&sha256_hex(seed.as_bytes())[..16], 16).unwrap_or_default();
        seed.filter(|seed| !seed.is_empty()).map_or(Self::System, |seed| Self::Seeded(Box::new(Rng::seeded(number(seed)))))
    }

    fn next(&self) -> u64 {
        match self {
            Self::System => u64::from_le_bytes(entropy()),
            Self::Seeded(rng) => rng.next_u64(),
        }
    }

    /// A number in `0 .. below`, each as likely as any other; 0 if `below` is 0.
    pub(super) fn below(&self, below: u64) -> u64 {
        if below < 2 {
            return 0;
        }
        // Numbers of the last, incomplete round would favour the small ones.
        let rounds = u64::MAX - (u64::MAX % below);
        loop {
            let number = self.next();
            if number < rounds {
                return number % below;
            }
        }
    }

    /// One of these.
    pub(super) fn one<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or_default())
    }

    /// Brings them into an order by chance.
    pub(super) fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, usize::try_from(self.below(last as u64 + 1)).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_every_number_comes() {
        let draw = |seed| {
            let generator = Generator::of_seed(seed);
            (0..200).map(|_| generator.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(draw(Some("a")), draw(Some("a")));
        assert_ne!(draw(Some("a")), draw(Some("b")));
        for seed in [Some("a"), None] {
            assert!((0..7).all(|number| draw(seed).contains(&number)));
        }
        let mut items: Vec<u32> = (0..50).collect();
        Generator::of_seed(Some("x")).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
