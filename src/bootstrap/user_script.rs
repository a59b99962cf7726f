//! What a user's own script may begin with.
//!
//! Invariant: pure; what it says never quotes the script, which may be secret. It must not know how the script is run.

/// Why a script cannot be run as it is, and what to do.
pub type Flaw = (&'static str, &'static str);

/// The prefixes by which cloud-init recognises other documents than scripts.
const FORMATS: [&str; 12] = [
    "#cloud-config-archive",
    "#cloud-config-jsonp",
    "#cloud-config",
    "#cloud-boothook",
    "#include-once",
    "#include",
    "#part-handler",
    "#upstart-job",
    "## template:",
    "Content-Type:",
    "MIME-Version:",
    "From ",
];

/// Looks at the beginning of a script. An empty one is none.
///
/// # Errors
/// The errors in it.
pub fn check(script: &str) -> Result<(), Flaw> {
    let begins = script.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_format = |prefix: &&str| begins.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if FORMATS.iter().any(is_format) {
        return Err((
            "is a cloud-init document, not a script: a cluster node would not read it.",
            "The node's user-data belongs to the cluster. Write a script that begins with `#!/bin/sh` and does what the document says.",
        ));
    }
    if script.contains("\r\n") {
        return Err((
            "has Windows line endings: the node would look for a program with a carriage return in its name.",
            "Save the file with Unix line endings, or write `replace(file(\"…\"), \"\\r\\n\", \"\\n\")`.",
        ));
    }
    if begins.starts_with("#!") && !script.starts_with("#!") {
        return Err((
            "has something before its `#!`, so that the node would not see which program runs it.",
            "`#!` must be the first two characters: remove the empty lines, spaces or the byte-order mark before it.",
        ));
    }
    Ok(())
}

/// Whether a script leaves open which program runs it.
#[must_use]
pub fn is_anonymous(script: &str) -> bool {
    !script.is_empty() && !script.starts_with("#!")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_no_scripts() {
        let flawed = |script: &str, part: &str| {
            let (what, _) = check(script).expect_err(script);
            assert!(what.contains(part), "{script:?}: {what}");
        };
        for document in
            ["#cloud-config\npackages: [nginx]\n", "\n#cloud-config\n", "#include\nhttps://example.com/x\n", "#cloud-boothook\n#!/bin/sh\n"]
        {
            flawed(document, "a cloud-init document");
        }
        flawed("Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\n", "a cloud-init document");
        flawed("mime-version: 1.0\n", "a cloud-init document");
        flawed("## template: jinja\n#cloud-config\n", "a cloud-init document");
        flawed("#!/bin/sh\r\necho\r\n", "carriage return");
        flawed("\n#!/bin/sh\n", "before its `#!`");
        flawed("\u{feff}#!/bin/sh\n", "before its `#!`");
    }

    #[test]
    fn scripts_are_taken_and_one_may_leave_its_program_open() {
        for script in ["", "#!/bin/sh\necho hello\n", "#!/usr/bin/env python3\n", "echo '#cloud-config'\n", "#!/bin/sh\nprintf '\r'\n"] {
            assert_eq!(check(script), Ok(()), "{script:?}");
        }
        assert_eq!(["", "#!/bin/sh\n", "apt-get update\n"].map(is_anonymous), [false, false, true]);
    }
}
