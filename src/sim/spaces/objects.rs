//! Operations on objects in buckets.
//!
//! Invariant: where versions are kept, nothing that was put is lost by putting or deleting; else the last one counts.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::super::ids;
use super::super::objects::space::{Space, Version};
use super::bucket_store::{BucketStore, canned, grants, moment};
use dofloat_base::digest::hex;

/// The version's name where none are kept.
const NULL: &str = "null";
/// The most that a list shows at once.
const PAGE: usize = 1000;

fn current<'a>(space: &'a Space, key: &str, id: Option<&str>) -> S3Result<&'a Version> {
    let versions = space.objects.get(key).ok_or_else(|| s3_error!(NoSuchKey))?;
    let found = match id {
        Some(id) => versions.iter().find(|version| version.id == id),
        None => versions.last(),
    };
    found.filter(|version| !version.is_deleted).ok_or_else(|| s3_error!(NoSuchKey))
}

fn content(version: &Version) -> Vec<u8> {
    STANDARD.decode(&version.content).unwrap_or_default()
}

fn length(version: &Version) -> i64 {
    i64::try_from(content(version).len()).unwrap_or(i64::MAX)
}

fn shown_id(version: &Version) -> Option<String> {
    Some(version.id.clone()).filter(|id| id != NULL)
}

fn tag(version: &Version) -> Option<ETag> {
    Some(ETag::Strong(version.etag.clone()))
}

impl BucketStore {
    fn next_id(&self, space: &Space, bucket: &str, key: &str) -> String {
        if space.versioned != Some(true) {
            return NULL.to_owned();
        }
        let count = space.objects.get(key).map_or(0, |all| all.iter().filter(|version| version.id != NULL).count());
        let last = space.objects.get(key).and_then(|all| all.last()).map(|version| version.id.clone()).unwrap_or_default();
        format!("{:016x}", ids::hash(self.seed, &["version", bucket, key, &count.to_string(), &last]))
    }

    /// Puts a version where it belongs.
    fn add(&mut self, bucket: &str, key: &str, mut version: Version) -> S3Result<Version> {
        let space = self.space(bucket)?.clone();
        version.id = self.next_id(&space, bucket, key);
        version.made = self.now;
        let all = self.space(bucket)?.objects.entry(key.to_owned()).or_default();
        all.retain(|other| other.id != version.id);
        all.push(version.clone());
        Ok(version)
    }

    pub(super) fn put(&mut self, input: &PutObjectInput, bytes: &[u8]) -> S3Result<PutObjectOutput> {
        let headers = [
            ("cache-control", input.cache_control.as_ref().map(ToString::to_string)),
            ("content-disposition", input.content_disposition.as_ref().map(ToString::to_string)),
            ("content-encoding", input.content_encoding.as_ref().map(ToString::to_string)),
            ("content-language", input.content_language.as_ref().map(ToString::to_string)),
            ("content-type", input.content_type.as_ref().map(ToString::to_string)),
            ("x-amz-website-redirect-location", input.website_redirect_location.as_ref().map(ToString::to_string)),
        ];
        let version = Version {
            acl: canned(input.acl.as_ref().map(ObjectCannedACL::as_str))?,
            content: STANDARD.encode(bytes),
            etag: hex(&Md5::digest(bytes)),
            headers: headers.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
            metadata: input.metadata.iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
            ..Version::default()
        };
        let version = self.add(&input.bucket, &input.key, version)?;
        Ok(PutObjectOutput { e_tag: tag(&version), version_id: shown_id(&version), ..PutObjectOutput::default() })
    }

    /// The head of the answer to `get`.
    pub(super) fn head(&mut self, input: HeadObjectInput) -> S3Result<HeadObjectOutput> {
        let whole = GetObjectInput { bucket: input.bucket, key: input.key, version_id: input.version_id, ..GetObjectInput::default() };
        let GetObjectOutput {
            cache_control,
            content_disposition,
            content_encoding,
            content_language,
            content_type,
            content_length,
            e_tag,
            last_modified,
            metadata,
            version_id,
            website_redirect_location,
            ..
        } = self.get(&whole)?;
        Ok(HeadObjectOutput {
            cache_control,
            content_disposition,
            content_encoding,
            content_language,
            content_type,
            content_length,
            e_tag,
            last_modified,
            metadata,
            version_id,
            website_redirect_location,
            ..HeadObjectOutput::default()
        })
    }

    pub(super) fn get(&mut self, input: &GetObjectInput) -> S3Result<GetObjectOutput> {
        let version = current(self.space(&input.bucket)?, &input.key, input.version_id.as_deref())?;
        let of = |name: &str| version.headers.get(name).cloned();
        Ok(GetObjectOutput {
            body: Some(s3s::Body::from(content(version)).into()),
            cache_control: of("cache-control"),
            content_disposition: of("content-disposition"),
            content_encoding: of("content-encoding"),
            content_language: of("content-language"),
            content_type: Some(of("content-type").unwrap_or_else(|| "binary/octet-stream".to_owned())),
            content_length: Some(length(version)),
            e_tag: tag(version),
            last_modified: Some(moment(version.made)),
            metadata: Some(version.metadata.clone().into_iter().collect()),
            version_id: shown_id(version),
            website_redirect_location: of("x-amz-website-redirect-location"),
            ..GetObjectOutput::default()
        })
    }

    pub(super) fn remove(&mut self, bucket: &str, key: &str, id: Option<&str>) -> S3Result<DeleteObjectOutput> {
        let versioned = self.space(bucket)?.versioned;
        match id {
            None if versioned == Some(true) => {
                let version = self.add(bucket, key, Version { is_deleted: true, ..Version::default() })?;
                return Ok(DeleteObjectOutput {
                    delete_marker: Some(true),
                    version_id: shown_id(&version),
                    ..DeleteObjectOutput::default()
                });
            }
            _ => {
                let id = id.unwrap_or(NULL);
                let objects = &mut self.space(bucket)?.objects;
                if let Some(all) = objects.get_mut(key) {
                    all.retain(|version| version.id != id);
                }
                objects.retain(|_, all| !all.is_empty());
            }
        }
        Ok(DeleteObjectOutput::default())
    }

    pub(super) fn remove_all(&mut self, input: &DeleteObjectsInput) -> S3Result<DeleteObjectsOutput> {
        let mut deleted = Vec::new();
        for object in &input.delete.objects {
            self.remove(&input.bucket, &object.key, object.version_id.as_deref())?;
            deleted.push(DeletedObject {
                key: Some(object.key.clone()),
                version_id: object.version_id.clone(),
                ..DeletedObject::default()
            });
        }
        Ok(DeleteObjectsOutput { deleted: Some(deleted), ..DeleteObjectsOutput::default() })
    }

    pub(super) fn files(&mut self, input: &ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
        let space = self.space(&input.bucket)?;
        let (prefix, delimiter) = (input.prefix.clone().unwrap_or_default(), input.delimiter.clone().unwrap_or_default());
        let start = input.continuation_token.clone().or(input.start_after.clone()).unwrap_or_default();
        let most = input.max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
        let (mut contents, mut common, mut last, mut is_truncated) = (Vec::new(), BTreeMap::new(), None, false);
        for (key, versions) in space.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > start) {
            let Some(version) = versions.last().filter(|version| !version.is_deleted) else { continue };
            if contents.len() + common.len() >= most {
                is_truncated = true;
                break;
            }
            let rest = &key[prefix.len()..];
            last = Some(key.clone());
            match rest.find(&delimiter).filter(|_| !delimiter.is_empty()) {
                Some(at) => drop(common.insert(format!("{prefix}{}", &rest[..at + delimiter.len()]), ())),
                None => contents.push(Object {
                    key: Some(key.clone()),
                    e_tag: tag(version),
                    size: Some(length(version)),
                    last_modified: Some(moment(version.made)),
                    ..Object::default()
                }),
            }
        }
        Ok(ListObjectsV2Output {
            name: Some(input.bucket.clone()),
            prefix: input.prefix.clone(),
            delimiter: input.delimiter.clone(),
            max_keys: i32::try_from(most).ok(),
            key_count: i32::try_from(contents.len() + common.len()).ok(),
            next_continuation_token: last.filter(|_| is_truncated),
            is_truncated: Some(is_truncated),
            contents: Some(contents),
            common_prefixes: Some(common.into_keys().map(|prefix| CommonPrefix { prefix: Some(prefix) }).collect()),
            ..ListObjectsV2Output::default()
        })
    }

    pub(super) fn versions(&mut self, input: &ListObjectVersionsInput) -> S3Result<ListObjectVersionsOutput> {
        let space = self.space(&input.bucket)?;
        let most = input.max_keys.and_then(|most| usize::try_from(most).ok()).unwrap_or(PAGE).min(PAGE);
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        let all = space.objects.iter().flat_map(|(key, all)| all.iter().rev().map(move |version| (key, version)));
        let is_truncated = all.clone().count() > most;
        for (key, version) in all.take(most) {
            let (key, id, made) = (Some(key.clone()), Some(version.id.clone()), Some(moment(version.made)));
            if version.is_deleted {
                markers.push(DeleteMarkerEntry { key, version_id: id, last_modified: made, ..DeleteMarkerEntry::default() });
            } else {
                let size = Some(length(version));
                versions.push(ObjectVersion {
                    key,
                    version_id: id,
                    last_modified: made,
                    size,
                    e_tag: tag(version),
                    ..ObjectVersion::default()
                });
            }
        }
        Ok(ListObjectVersionsOutput {
            name: Some(input.bucket.clone()),
            is_truncated: Some(is_truncated),
            versions: Some(versions),
            delete_markers: Some(markers),
            ..ListObjectVersionsOutput::default()
        })
    }

    pub(super) fn file_acl(&mut self, bucket: &str, key: &str) -> S3Result<GetObjectAclOutput> {
        let grants = grants(&current(self.space(bucket)?, key, None)?.acl);
        Ok(GetObjectAclOutput { grants: Some(grants), ..GetObjectAclOutput::default() })
    }

    pub(super) fn set_file_acl(&mut self, input: &PutObjectAclInput) -> S3Result<PutObjectAclOutput> {
        let acl = canned(input.acl.as_ref().map(ObjectCannedACL::as_str))?;
        let version = self.space(&input.bucket)?.objects.get_mut(&input.key).and_then(|all| all.last_mut());
        version.ok_or_else(|| s3_error!(NoSuchKey))?.acl = acl;
        Ok(PutObjectAclOutput::default())
    }
}
