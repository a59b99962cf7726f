//! The buckets that a request is about, and what both buckets and objects have.
//!
//! Invariant: one region at a time; what is another account's is there, and not ours.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::super::objects::space::Space;

/// The buckets of one region, as requests see and change them.
pub(super) struct BucketStore {
    pub(super) spaces: BTreeMap<String, Space>,
    pub(super) region: String,
    pub(super) seed: u64,
    /// Milliseconds since 1970.
    pub(super) now: u64,
    /// The buckets that were made.
    pub(super) made: Vec<String>,
}

/// The group of all users.
const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const ACLS: [&str; 4] = ["private", "public-read", "public-read-write", "authenticated-read"];

pub(super) fn moment(millis: u64) -> Timestamp {
    (SystemTime::UNIX_EPOCH + Duration::from_millis(millis)).into()
}

pub(super) fn owner() -> Owner {
    Owner { display_name: Some("simulated".to_owned()), id: Some("simulated".to_owned()) }
}

/// The grants that an ACL stands for.
pub(super) fn grants(acl: &str) -> Vec<Grant> {
    let person = Grantee {
        display_name: Some("simulated".to_owned()),
        email_address: None,
        id: Some("simulated".to_owned()),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let everybody = Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: Type::from_static(Type::GROUP),
        uri: Some(EVERYBODY.to_owned()),
    };
    let of = |grantee: Grantee, permission: &'static str| Grant {
        grantee: Some(grantee),
        permission: Some(Permission::from_static(permission)),
    };
    let mut grants = vec![of(person, Permission::FULL_CONTROL)];
    if acl.starts_with("public-read") {
        grants.push(of(everybody.clone(), Permission::READ));
    }
    if acl == "public-read-write" {
        grants.push(of(everybody, Permission::WRITE));
    }
    grants
}

/// An ACL that is asked for by its name.
pub(super) fn canned(acl: Option<&str>) -> S3Result<String> {
    let acl = acl.unwrap_or("private");
    if ACLS.contains(&acl) { Ok(acl.to_owned()) } else { Err(s3_error!(InvalidArgument, "There is no such ACL.")) }
}

impl BucketStore {
    /// A bucket that we have here.
    pub(super) fn space(&mut self, name: &str) -> S3Result<&mut Space> {
        let region = self.region.clone();
        match self.spaces.get_mut(name).filter(|space| space.region == region) {
            Some(space) if space.is_foreign => Err(s3_error!(AccessDenied)),
            Some(space) => Ok(space),
            None => Err(s3_error!(NoSuchBucket)),
        }
    }
}
