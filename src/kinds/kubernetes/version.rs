//! Versions of Kubernetes, as DigitalOcean calls them: `1.31.1-do.3`.
//!
//! Invariant: pure. What is written may be the beginning of a version, or `latest`; the cluster has a whole one.

use crate::attr::Echo;
use dofloat_base::value::{Body, Value};

/// A whole version is known as it is written; what the beginning of one leads to, only the API can say.
pub(super) const SHOWN: Echo = Echo::Form(|value, _| value.as_str().filter(|text| is_whole(text)).map(Value::from));

/// Whether it names one version.
pub(super) fn is_whole(text: &str) -> bool {
    text.contains("-do.")
}

/// Its numbers, from the first on.
fn numbers(text: &str) -> Vec<u64> {
    text.split(['.', '-']).filter_map(|part| part.parse().ok()).collect()
}

/// Whether a version is the one that is written, or begins so.
pub(super) fn fits(wanted: &str, there: &str) -> bool {
    wanted == "latest"
        || wanted == there
        || !is_whole(wanted) && !numbers(wanted).is_empty() && numbers(there).starts_with(&numbers(wanted))
}

/// Whether a version is older than another one, as far as it is written.
pub(super) fn is_before(wanted: &str, there: &str) -> bool {
    let (wanted, there) = (numbers(wanted), numbers(there));
    wanted.iter().zip(&there).find(|(one, other)| one != other).is_some_and(|(one, other)| one < other)
}

/// Whether a version is the one that is written, or a later release of the same minor version.
pub(super) fn is_later_patch(wanted: &str, there: &str) -> bool {
    let (minor, of) = (numbers(wanted), numbers(there));
    minor.len() >= 2 && of.starts_with(&minor[..2]) && !is_before(there, wanted)
}

/// Whether a cluster's version will do: it begins as it is written, or the cluster has upgraded itself from there, as it may.
pub(super) fn suits((wanted, body): (&Value, &Body), (there, _): (&Value, &Body)) -> bool {
    let (Some(wanted), Some(there)) = (wanted.as_str(), there.as_str()) else { return false };
    fits(wanted, there) || body.get("auto_upgrade") == Some(&true.into()) && is_later_patch(wanted, there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_fits_its_beginning_and_what_it_has_upgraded_itself_to() {
        for (wanted, there, is_it, by_itself, is_older) in [
            ("1.31.1-do.3", "1.31.1-do.3", true, true, false),
            ("1.31", "1.31.1-do.3", true, true, false),
            ("1.31.1", "1.31.1-do.3", true, true, false),
            ("latest", "1.31.1-do.3", true, true, false),
            ("1.3", "1.31.1-do.3", false, false, true),
            ("1.31.1-do.2", "1.31.1-do.3", false, true, true),
            ("1.31.0-do.9", "1.31.10-do.0", false, true, true),
            ("1.31.2-do.0", "1.31.1-do.3", false, false, false),
            ("1.30.9-do.0", "1.31.1-do.3", false, false, true),
            ("1.32", "1.31.1-do.3", false, false, false),
            ("", "1.31.1-do.3", false, false, false),
        ] {
            let body = |on: bool| Body::from([("auto_upgrade".to_owned(), on.into())]);
            let suits = |on: bool| suits((&wanted.into(), &body(on)), (&there.into(), &Body::new()));
            assert_eq!((suits(false), suits(true), is_before(wanted, there)), (is_it, by_itself, is_older), "{wanted} {there}");
        }
    }
}
