//! Versions of modules, and which of them a `version` allows.
//!
//! Invariant: what is allowed is what Terraform's library for versions (hashicorp/go-version) allows. A version before a release is
//! taken only where it is named.

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease, Version};

/// Longer than any version.
const LONGEST: usize = 200;

/// What a `version` says: all of it has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints(Vec<Constraint>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Constraint {
    op: Op,
    version: Version,
    /// How many numbers are written.
    written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    Unequal,
    Greater,
    AtLeast,
    Less,
    AtMost,
    /// `~>`: the last number that is written may grow.
    Near,
}

/// Longer ones come first.
const OPS: [(&str, Op); 7] =
    [("~>", Op::Near), (">=", Op::AtLeast), ("<=", Op::AtMost), ("!=", Op::Unequal), ("=", Op::Equal), (">", Op::Greater), ("<", Op::Less)];

/// Reads a version: one to three numbers, and what may stand behind them.
#[must_use]
pub fn version(text: &str) -> Option<Version> {
    read(text).map(|(version, _)| version)
}

fn read(text: &str) -> Option<(Version, usize)> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, before) = text.split_once('-').unwrap_or((text, ""));
    let numbers: Vec<u64> = numbers.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (major, minor, patch) = match *numbers.as_slice() {
        [major] => (major, 0, 0),
        [major, minor] => (major, minor, 0),
        [major, minor, patch] => (major, minor, patch),
        _ => return None,
    };
    let version = Version { major, minor, patch, pre: Prerelease::new(before).ok()?, build: BuildMetadata::new(build).ok()? };
    Some((version, numbers.len()))
}

impl Constraints {
    /// Reads what a `version` says: `~> 1.2, != 1.3.0`.
    ///
    /// # Errors
    /// What cannot be read, as a sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(constraint).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a version is allowed.
    #[must_use]
    pub fn allow(&self, version: &Version) -> bool {
        let named = |constraint: &Constraint| constraint.op == Op::Equal && constraint.version.cmp_precedence(version).is_eq();
        (version.pre.is_empty() || self.0.iter().any(named)) && self.0.iter().all(|constraint| constraint.allows(version))
    }

    /// The newest of these that is allowed.
    #[must_use]
    pub fn newest<'v>(&self, versions: &'v [Version]) -> Option<&'v Version> {
        versions.iter().filter(|version| self.allow(version)).max_by(|a, b| a.cmp_precedence(b))
    }
}

fn constraint(text: &str) -> Result<Constraint, String> {
    let text = text.trim();
    let (op, rest) = OPS.iter().find_map(|(sign, op)| Some((*op, text.strip_prefix(sign)?))).unwrap_or((Op::Equal, text));
    match read(rest) {
        Some((version, written)) => Ok(Constraint { op, version, written }),
        None => Err(format!("`{}` is not a valid version constraint.", text.chars().take(40).collect::<String>())),
    }
}

impl Constraint {
    fn allows(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.op {
            Op::Equal => order == Ordering::Equal,
            Op::Unequal => order != Ordering::Equal,
            Op::Greater => order == Ordering::Greater,
            Op::AtLeast => order != Ordering::Less,
            Op::Less => order == Ordering::Less,
            Op::AtMost => order != Ordering::Greater,
            Op::Near => {
                let same = [version.major == self.version.major, version.minor == self.version.minor];
                order != Ordering::Less && same.iter().take(self.written - 1).all(|same| *same)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_what_terraform_allows() {
        let all = ["0.9.0", "1.0.0", "1.2.0", "1.2.3", "1.3.0", "2.0.0", "2.1.0-beta1", "10.0.0"];
        let versions: Vec<Version> = all.iter().filter_map(|text| version(text)).collect();
        for (text, expected) in [
            ("1.2.3", Some("1.2.3")),
            ("= v1.2", Some("1.2.0")),
            ("~> 1.2", Some("1.3.0")),
            ("~> 1.2.0", Some("1.2.3")),
            ("~>1.0,!=1.3.0", Some("1.2.3")),
            (">= 1.0, < 2.0.0", Some("1.3.0")),
            ("< 1.0", Some("0.9.0")),
            ("<= 2", Some("2.0.0")),
            ("> 2.0.0", Some("10.0.0")),
            // As in Terraform: only one number is written, and it may grow.
            ("~> 1", Some("10.0.0")),
            ("2.1.0-beta1", Some("2.1.0-beta1")),
            ("~> 2.1.0-beta1", None),
            ("> 10", None),
        ] {
            let newest = Constraints::parse(text).expect(text).newest(&versions).map(ToString::to_string);
            assert_eq!(newest.as_deref(), expected, "{text}");
        }
        assert_eq!(Constraints::default().newest(&versions).map(ToString::to_string).as_deref(), Some("10.0.0"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "latest", "1.2.3.4", ">=", "~> x", "1.2,", "=> 1", "1.-2", "99999999999999999999", "1.0.0-ä"] {
            assert!(Constraints::parse(text).is_err(), "{text}");
        }
    }
}
