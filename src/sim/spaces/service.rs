//! Where requests of the S3 protocol come in once they are read: each is handed on to what does it.
//!
//! Invariant: nothing here waits, so a request is answered at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::bucket_store::BucketStore;

/// The secrets of keys.
pub(super) struct Keys(pub(super) BTreeMap<String, String>);

#[async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, id: &str) -> S3Result<SecretKey> {
        match self.0.get(id) {
            Some(secret) => Ok(SecretKey::from(secret.as_str())),
            None => Err(s3_error!(InvalidAccessKeyId)),
        }
    }
}

/// The grants of keys that do not open all: buckets, each with a permission.
pub(super) struct Access(pub(super) BTreeMap<String, Vec<(String, String)>>);

#[async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = context.credentials() else { return Err(s3_error!(AccessDenied, "Signature is required")) };
        let Some(grants) = self.0.get(&credentials.access_key) else { return Ok(()) };
        let (operation, bucket) = (context.s3_op().name(), context.s3_path().get_bucket_name().unwrap_or_default());
        let reads = ["Get", "Head", "List"].iter().any(|word| operation.starts_with(word));
        let is_own = ["CreateBucket", "DeleteBucket", "ListBuckets"].contains(&operation);
        let opens = |(named, permission): &(String, String)| match permission.as_str() {
            "fullaccess" => true,
            "readwrite" => named == bucket && !is_own,
            "read" => named == bucket && reads && !is_own,
            _ => false,
        };
        if grants.iter().any(opens) { Ok(()) } else { Err(s3_error!(AccessDenied, "The key has no grant for this.")) }
    }
}

/// Where they come in.
pub(super) struct Service(pub(super) Arc<Mutex<BucketStore>>);

impl Service {
    fn done<T>(&self, change: impl FnOnce(&mut BucketStore) -> S3Result<T>) -> S3Result<S3Response<T>> {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)).map(S3Response::new)
    }
}

/// The whole content; it is there already.
async fn whole(body: Option<StreamingBlob>) -> S3Result<Vec<u8>> {
    let (mut all, Some(mut body)) = (Vec::new(), body) else { return Ok(Vec::new()) };
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece.map_err(|_| s3_error!(IncompleteBody))?);
    }
    Ok(all)
}

type Answer<T> = S3Result<S3Response<T>>;

#[async_trait]
impl S3 for Service {
    async fn create_bucket(&self, request: S3Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        self.done(|store| store.create(&request.input))
    }

    async fn delete_bucket(&self, request: S3Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.done(|store| store.delete(&request.input.bucket))
    }

    async fn head_bucket(&self, request: S3Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.done(|store| store.space(&request.input.bucket).map(|_| HeadBucketOutput::default()))
    }

    async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        self.done(|store| Ok(store.list()))
    }

    async fn get_bucket_location(&self, request: S3Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        self.done(|store| store.location(&request.input.bucket))
    }

    async fn get_bucket_acl(&self, request: S3Request<GetBucketAclInput>) -> Answer<GetBucketAclOutput> {
        self.done(|store| store.acl(&request.input.bucket))
    }

    async fn put_bucket_acl(&self, request: S3Request<PutBucketAclInput>) -> Answer<PutBucketAclOutput> {
        self.done(|store| store.set_acl(&request.input))
    }

    async fn get_bucket_cors(&self, request: S3Request<GetBucketCorsInput>) -> Answer<GetBucketCorsOutput> {
        self.done(|store| store.cors(&request.input.bucket))
    }

    async fn put_bucket_cors(&self, request: S3Request<PutBucketCorsInput>) -> Answer<PutBucketCorsOutput> {
        self.done(|store| store.set_cors(&request.input.bucket, request.input.cors_configuration).map(|()| PutBucketCorsOutput::default()))
    }

    async fn delete_bucket_cors(&self, request: S3Request<DeleteBucketCorsInput>) -> Answer<DeleteBucketCorsOutput> {
        let nothing = CORSConfiguration { cors_rules: Vec::new() };
        self.done(|store| store.set_cors(&request.input.bucket, nothing).map(|()| DeleteBucketCorsOutput::default()))
    }

    async fn get_bucket_lifecycle_configuration(
        &self,
        request: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answer<GetBucketLifecycleConfigurationOutput> {
        self.done(|store| store.lifecycle(&request.input.bucket))
    }

    async fn put_bucket_lifecycle_configuration(
        &self,
        request: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> Answer<PutBucketLifecycleConfigurationOutput> {
        let rules = request.input.lifecycle_configuration.map(|of| of.rules).unwrap_or_default();
        self.done(|store| store.set_lifecycle(&request.input.bucket, rules).map(|()| PutBucketLifecycleConfigurationOutput::default()))
    }

    async fn delete_bucket_lifecycle(&self, request: S3Request<DeleteBucketLifecycleInput>) -> Answer<DeleteBucketLifecycleOutput> {
        self.done(|store| store.set_lifecycle(&request.input.bucket, Vec::new()).map(|()| DeleteBucketLifecycleOutput::default()))
    }

    async fn get_bucket_versioning(&self, request: S3Request<GetBucketVersioningInput>) -> Answer<GetBucketVersioningOutput> {
        self.done(|store| store.versioning(&request.input.bucket))
    }

    async fn put_bucket_versioning(&self, request: S3Request<PutBucketVersioningInput>) -> Answer<PutBucketVersioningOutput> {
        self.done(|store| store.set_versioning(&request.input))
    }

    async fn get_bucket_policy(&self, request: S3Request<GetBucketPolicyInput>) -> Answer<GetBucketPolicyOutput> {
        self.done(|store| store.policy(&request.input.bucket))
    }

    async fn put_bucket_policy(&self, request: S3Request<PutBucketPolicyInput>) -> Answer<PutBucketPolicyOutput> {
        let policy = Some(request.input.policy);
        self.done(|store| store.set_policy(&request.input.bucket, policy).map(|()| PutBucketPolicyOutput::default()))
    }

    async fn delete_bucket_policy(&self, request: S3Request<DeleteBucketPolicyInput>) -> Answer<DeleteBucketPolicyOutput> {
        self.done(|store| store.set_policy(&request.input.bucket, None).map(|()| DeleteBucketPolicyOutput::default()))
    }

    async fn get_bucket_logging(&self, request: S3Request<GetBucketLoggingInput>) -> Answer<GetBucketLoggingOutput> {
        self.done(|store| store.log(&request.input.bucket))
    }

    async fn put_bucket_logging(&self, request: S3Request<PutBucketLoggingInput>) -> Answer<PutBucketLoggingOutput> {
        let wanted = request.input.bucket_logging_status.logging_enabled;
        self.done(|store| store.set_log(&request.input.bucket, wanted).map(|()| PutBucketLoggingOutput::default()))
    }

    async fn put_object(&self, request: S3Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let mut input = request.input;
        let content = whole(input.body.take()).await?;
        self.done(|store| store.put(&input, &content))
    }

    async fn head_object(&self, request: S3Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        self.done(|store| store.head(request.input))
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        self.done(|store| store.get(&request.input))
    }

    async fn delete_object(&self, request: S3Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        self.done(|store| store.remove(&request.input.bucket, &request.input.key, request.input.version_id.as_deref()))
    }

    async fn delete_objects(&self, request: S3Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        self.done(|store| store.remove_all(&request.input))
    }

    async fn list_objects_v2(&self, request: S3Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        self.done(|store| store.files(&request.input))
    }

    async fn list_object_versions(&self, request: S3Request<ListObjectVersionsInput>) -> Answer<ListObjectVersionsOutput> {
        self.done(|store| store.versions(&request.input))
    }

    async fn get_object_acl(&self, request: S3Request<GetObjectAclInput>) -> Answer<GetObjectAclOutput> {
        self.done(|store| store.file_acl(&request.input.bucket, &request.input.key))
    }

    async fn put_object_acl(&self, request: S3Request<PutObjectAclInput>) -> Answer<PutObjectAclOutput> {
        self.done(|store| store.set_file_acl(&request.input))
    }
}
