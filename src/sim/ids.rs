//! Where identifiers and addresses come from: seed, kind, name, and which of that name.
//!
//! Invariant: two fresh worlds that are asked for the same things in another order hold the same things. Addresses are
//! from ranges that are set aside for tests and documentation, so that none of them is anybody's.

use std::net::{Ipv4Addr, Ipv6Addr};

use sha2::{Digest as _, Sha256};

use super::catalog;

/// A number that belongs to these words.
pub(super) fn hash(seed: u64, words: &[&str]) -> u64 {
    let mut state = Sha256::new();
    state.update(seed.to_le_bytes());
    for word in words {
        state.update((word.len() as u64).to_le_bytes());
        state.update(word.as_bytes());
    }
    let digest = state.finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// An identifier as the API numbers droplets, keys, records and actions. `taken` says which are in use.
pub(super) fn number(seed: u64, words: &[&str], taken: impl Fn(u64) -> bool) -> u64 {
    let mut number = 100_000_000 + hash(seed, words) % 2_000_000_000;
    while taken(number) {
        number = 100_000_000 + (number - 100_000_000 + 1) % 2_000_000_000;
    }
    number
}

/// A uuid that belongs to these words.
pub(super) fn uuid(seed: u64, words: &[&str]) -> String {
    let text = words.join("\u{1f}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, format!("{seed}\u{1f}{text}").as_bytes()).to_string()
}

/// The identifier of a Spaces key.
pub(super) fn access_key(seed: u64, words: &[&str]) -> String {
    format!("DO00{:016X}", hash(seed, words))
}

/// A droplet's public address: 198.18.0.0/15. Names that differ in their numbers only get neighbouring addresses, so that
/// a fleet does not collide with itself.
pub(super) fn public(seed: u64, name: &str, nth: u64, taken: impl Fn(Ipv4Addr) -> bool) -> Ipv4Addr {
    // The last byte is never 0, 1 (a gateway) or 255.
    const LAST: u64 = 253;
    const SPACE: u64 = 512 * LAST;
    let first = u64::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)));
    let mut offset = place(seed, "public", name, nth) % SPACE;
    loop {
        let address = to_address(first + offset / LAST * 256 + 2 + offset % LAST);
        if !taken(address) {
            return address;
        }
        offset = (offset + 1) % SPACE;
    }
}

/// A droplet's address in its VPC; none if the range is full. The first three and the last are the network's own.
pub(super) fn private(seed: u64, range: ipnet::Ipv4Net, name: &str, nth: u64, taken: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
    let first = u64::from(u32::from(range.network()));
    let usable = (u64::from(u32::from(range.broadcast())) - first).checked_sub(3)?;
    let start = place(seed, &range.to_string(), name, nth);
    (0..usable).map(|step| to_address(first + 3 + (start + step) % usable)).find(|address| !taken(*address))
}

/// The nth reserved IP of a region: 203.0.113.0/24 for the first sixteen, then 198.51.100.0/24 and 100.64.0.0/10. It
/// depends on nothing else, since these addresses are interchangeable.
pub(super) fn reserved(seed: u64, region: &str, nth: u64) -> Ipv4Addr {
    let place = catalog::REGIONS.iter().position(|known| known.slug == region).unwrap_or(0) as u64 % 16;
    let turn = hash(seed, &["reserved"]);
    if nth < 15 {
        return to_address(u64::from(u32::from(Ipv4Addr::new(203, 0, 113, 0))) + place * 16 + 1 + (nth + turn) % 15);
    }
    to_address(u64::from(u32::from(Ipv4Addr::new(100, 64, 0, 0))) + place * (1 << 18) + nth % (1 << 18))
}

/// A droplet's public IPv6 address, in the documentation range.
pub(super) fn public_v6(id: u64) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, word(id >> 32), word(id >> 16), word(id))
}

/// A reserved IPv6 address, in the documentation range too.
pub(super) fn reserved_v6(seed: u64, words: &[&str]) -> String {
    let number = hash(seed, words);
    Ipv6Addr::new(0x2001, 0xdb8, 0x1, 0, 0, word(number >> 32), word(number >> 16), word(number)).to_string()
}

fn word(number: u64) -> u16 {
    u16::try_from(number & 0xffff).unwrap_or(0)
}

fn to_address(number: u64) -> Ipv4Addr {
    Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Where a name falls: by its words without digits, plus its digits as a number.
fn place(seed: u64, kind: &str, name: &str, nth: u64) -> u64 {
    let parts: Vec<&str> = name.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let stem = parts.join("#");
    let digits = name.bytes().filter(u8::is_ascii_digit).fold(0_u64, |sum, digit| (sum * 10 + u64::from(digit - b'0')) % (1 << 40));
    hash(seed, &[kind, &stem, &nth.to_string()]) % (1 << 40) + digits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_fleet_gets_distinct_addresses_in_any_order() {
        let names: Vec<String> = (0..1000).map(|n| format!("web-{n}")).collect();
        let make = |names: &[String]| -> BTreeSet<(String, Ipv4Addr)> {
            let mut taken = BTreeSet::new();
            names
                .iter()
                .map(|name| {
                    let address = public(7, name, 0, |address| taken.contains(&address));
                    taken.insert(address);
                    (name.clone(), address)
                })
                .collect()
        };
        let forwards = make(&names);
        let reversed: Vec<String> = names.iter().rev().cloned().collect();
        assert_eq!(forwards.iter().map(|(_, address)| address).collect::<BTreeSet<_>>().len(), 1000);
        assert_eq!(forwards, make(&reversed));
    }

    #[test]
    fn reserved_addresses_of_all_regions_are_distinct() {
        let all: BTreeSet<Ipv4Addr> =
            catalog::REGIONS.iter().flat_map(|region| (0..2000).map(|nth| reserved(3, region.slug, nth))).collect();
        assert_eq!(all.len(), catalog::REGIONS.len() * 2000);
    }

    #[test]
    fn a_small_range_fills_up_and_says_so() {
        let range: ipnet::Ipv4Net = "10.0.0.0/28".parse().unwrap();
        let mut taken = BTreeSet::new();
        while let Some(address) = private(1, range, "node", 0, |address| taken.contains(&address)) {
            assert!(range.contains(&address));
            taken.insert(address);
        }
        assert_eq!(taken.len(), 12);
    }
}
