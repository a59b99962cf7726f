//! The little of DER, PEM and SSH's own encoding that keys need.
//!
//! Invariant: pure; what is not as it should be has no form, and nothing here quotes a key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// A value with its tag and length.
pub(super) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match length.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend(long);
        }
    }
    out.extend(content);
    out
}

/// A sequence of values.
pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(SEQUENCE, &parts.concat())
}

/// A string of whole bytes.
pub(super) fn bits(content: &[u8]) -> Vec<u8> {
    der(BITS, &[&[0], content].concat())
}

/// The first value: its tag, its content, and what follows.
pub(super) fn first(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        short if *short < 0x80 => (usize::from(*short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            let (digits, rest) = rest.split_at_checked(count).filter(|_| count <= 4)?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The values in a sequence's content.
pub(super) fn values(mut content: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut all = Vec::new();
    while !content.is_empty() {
        let (tag, value, rest) = first(content)?;
        all.push((tag, value));
        content = rest;
    }
    Some(all)
}

/// The values of a sequence.
pub(super) fn members(bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    match first(bytes)? {
        (SEQUENCE, content, _) => values(content),
        _ => None,
    }
}

/// In PEM, with a line end at the end.
pub(super) fn pem(label: &str, bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    let lines: String = encoded.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// The first block of a PEM text: its label and its content.
pub(super) fn unpem(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let encoded: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    Some((label.to_owned(), STANDARD.decode(encoded).ok()?))
}

/// A string as SSH encodes it.
pub(super) fn ssh(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), content].concat()
}

/// A number that is not negative, as SSH encodes it.
pub(super) fn mpint(number: &[u8]) -> Vec<u8> {
    let mut digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_some_and(|first| *first >= 0x80) {
        digits.insert(0, 0);
    }
    ssh(&digits)
}

/// The first string of what SSH has encoded, and what follows.
pub(super) fn unssh(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = length.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_whatever_its_length() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let encoded = der(OCTETS, &content);
            assert_eq!(first(&encoded), Some((OCTETS, content.as_slice(), &[][..])), "{length}");
            for cut in 0..encoded.len().min(20) {
                assert_eq!(first(&encoded[..cut]), None, "{length} {cut}");
            }
            assert_eq!(unssh(&ssh(&content)), Some((content.as_slice(), &[][..])));
            assert_eq!(unpem(&pem("X", &content)), Some(("X".to_owned(), content)));
        }
        assert_eq!(mpint(&[0, 0, 0x80]), [0, 0, 0, 2, 0, 0x80]);
        assert_eq!(first(&[4, 0x85, 0, 0, 0, 0, 0]), None);
    }
}
