//! From the block `dofloat_cluster` to ordinary resources, and to what their nodes do when they boot.
//!
//! Invariant: pure: the same input gives the same bytes. It must not know the API, files or the clock.

pub mod arbiter;
pub mod children;
pub mod cluster;
mod heredoc;
pub mod operate;
pub mod schema;
pub mod scripts;
pub mod user_data;
pub mod user_script;
pub mod zones;
