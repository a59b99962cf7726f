//! How a shell script lays the files that it holds: a function for all of them, and each file's text behind a call of it.
//!
//! Invariant: what is written is never readable for others in between.

/// The end of a text in the script; no file has such a line.
pub(super) const END: &str = "END-OF-DOFLOAT-FILE";

/// `write MODE PATH`: writes what it is given.
pub(super) const WRITE: &str = "\
umask 077
write() {
    set -- \"$1\" \"${DOFLOAT_ROOT:-}$2\"
    (umask 022 && mkdir -p \"$(dirname \"$2\")\")
    cat > \"$2\"
    chmod \"$1\" \"$2\"
}
";
