//! The difference of two texts in the form that `patch` reads.

use similar::TextDiff;

/// What changes from one text to another.
#[must_use]
pub fn unified(name: &str, old: &str, new: &str) -> String {
    TextDiff::from_lines(old, new).unified_diff().context_radius(3).header(&format!("old/{name}"), &format!("new/{name}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_shown_with_what_stands_around_it() {
        assert_eq!(
            unified("a.tf", "a=1\nb = 2\n", "a = 1\nb = 2\n"),
            "--- old/a.tf\n+++ new/a.tf\n@@ -1,2 +1,2 @@\n-a=1\n+a = 1\n b = 2\n"
        );
        assert_eq!(unified("a.tf", "a\n", "a\n"), "");
    }
}
