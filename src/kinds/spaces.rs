//! Spaces, the object storage: buckets, what lies in them and what is set of them, and the keys that open them.
//!
//! Invariant: no secret of it is in an object's body but under a row that is marked as one.

mod attached;
mod bucket;
mod key;
mod object;
mod settings;
mod wire;

pub(crate) use attached::{AccessLog, Attached, CorsConfiguration, Policy};
pub(crate) use bucket::{Bucket, LISTED, ZONE};
pub(crate) use key::KEY;
pub(crate) use object::Object;
