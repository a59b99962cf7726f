//! Modules that lie elsewhere: fetched once, pinned in `modules.lock`, and kept below `.dofloat/modules`.
//!
//! Invariant: what `modules.lock` names is what is used, byte for byte; what differs is refused. Nothing of a package is run, and
//! nothing is written outside of its folder; once it is there, no host is asked. It must not know the language.

pub mod archive;
mod error;
mod git;
mod installer;
pub mod lock;
pub mod registry;
pub mod source;
mod tree;
pub mod version;

pub use error::FetchError;
pub use installer::{Fetching, Installer, Place};
pub use registry::Hosts;
