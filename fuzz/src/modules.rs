//! What says where modules are: sources, `modules.lock`, what a registry answers, archives.
//!
//! Invariant: nothing that is taken leads out of a folder, or could be an option of git's.

use dofloat::modules::archive::files;
use dofloat::modules::lock::Lock;
use dofloat::modules::registry::{location, service, versions};
use dofloat::modules::source::{self, Source};
use dofloat::modules::version::Constraints;

/// Reads bytes as each of these.
pub fn modules(bytes: &[u8]) {
    let host = "https://registry.example.org/v1/".parse().expect("an address");
    let found = versions(bytes).unwrap_or_default();
    if let Ok(service) = service(bytes, &host) {
        assert!(["https", "http"].contains(&service.scheme()) && service.path().ends_with('/'), "{service}");
    }
    for name in ["a.zip", "a.tar", "a.tar.gz"] {
        if let Some(Ok(files)) = files(name, bytes) {
            assert!(files.keys().all(|path| is_within(path)), "{files:?}");
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(lock) = Lock::parse(text) {
        assert_eq!(Lock::parse(&lock.text()).expect("what was written"), lock);
    }
    for line in text.lines() {
        if let Ok(constraints) = Constraints::parse(line) {
            assert!(constraints.newest(&found).is_none_or(|newest| constraints.allow(newest)));
        }
        if let Ok(source) = location(line, &host) {
            assert!(!matches!(source, Source::Registry(_)), "{line}");
        }
        if let Ok(source) = source::parse(line) {
            assert!(is_within(source.folder()), "{line}");
            let package = source.package(None);
            assert!(!package.chars().any(char::is_control), "{line}");
            if let Source::Git(git) = source {
                let reference = git.reference.unwrap_or_default();
                assert!(!git.url.starts_with('-') && !git.url.contains("::") && !reference.starts_with('-'), "{line}");
            }
        }
    }
}

/// Whether a path stays where it begins.
fn is_within(path: &str) -> bool {
    !path.starts_with('/') && path.split('/').all(|part| part != "..")
}
