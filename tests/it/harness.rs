//! What the end-to-end tests stand on.

use std::path::PathBuf;

/// A file of the test data, which `DOFLOAT_TEST_DATA` names; where that is not set, says so and gives none. Under `CI`
/// nothing may be skipped.
#[expect(clippy::disallowed_methods, reason = "the environment of the test run, not of the program")]
pub(crate) fn test_data(below: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("DOFLOAT_TEST_DATA") {
        return Some(PathBuf::from(folder).join(below));
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "CI is set, so nothing is skipped: DOFLOAT_TEST_DATA must name the folder that holds {below}"
    );
    say(&format!("skipped: DOFLOAT_TEST_DATA is not set, so there is no {below} to check against"));
    None
}

/// A line for whoever watches the test run.
pub(crate) fn say(line: &str) {
    println!("{line}");
}
