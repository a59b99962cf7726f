//! Operations on buckets.
//!
//! Invariant: a name is one for all accounts; a bucket that was made by us is made again without any complaint, as Spaces do.

use s3s::dto::*;
use s3s::{S3Result, s3_error};

use super::super::objects::space::{Cors, Lifecycle, Space};
use super::bucket_store::{BucketStore, canned, grants, moment, owner};

impl BucketStore {
    pub(super) fn create(&mut self, input: &CreateBucketInput) -> S3Result<CreateBucketOutput> {
        let acl = canned(input.acl.as_ref().map(BucketCannedACL::as_str))?;
        match self.spaces.get(&input.bucket) {
            Some(space) if space.is_foreign || space.region != self.region => return Err(s3_error!(BucketAlreadyExists)),
            Some(_) => {}
            None => {
                let space = Space { region: self.region.clone(), created: self.now, acl, ..Space::default() };
                self.spaces.insert(input.bucket.clone(), space);
                self.made.push(input.bucket.clone());
            }
        }
        Ok(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
    }

    pub(super) fn delete(&mut self, name: &str) -> S3Result<DeleteBucketOutput> {
        if !self.space(name)?.objects.is_empty() {
            return Err(s3_error!(BucketNotEmpty));
        }
        self.spaces.remove(name);
        Ok(DeleteBucketOutput::default())
    }

    pub(super) fn list(&self) -> ListBucketsOutput {
        let ours = self.spaces.iter().filter(|(_, space)| !space.is_foreign && space.region == self.region);
        let bucket = |(name, space): (&String, &Space)| Bucket {
            name: Some(name.clone()),
            creation_date: Some(moment(space.created)),
            ..Bucket::default()
        };
        ListBucketsOutput { buckets: Some(ours.map(bucket).collect()), owner: Some(owner()), ..ListBucketsOutput::default() }
    }

    pub(super) fn location(&mut self, name: &str) -> S3Result<GetBucketLocationOutput> {
        let region = self.space(name)?.region.clone();
        Ok(GetBucketLocationOutput { location_constraint: Some(BucketLocationConstraint::from(region)) })
    }

    pub(super) fn acl(&mut self, name: &str) -> S3Result<GetBucketAclOutput> {
        let grants = grants(&self.space(name)?.acl);
        Ok(GetBucketAclOutput { grants: Some(grants), owner: Some(owner()) })
    }

    pub(super) fn set_acl(&mut self, input: &PutBucketAclInput) -> S3Result<PutBucketAclOutput> {
        self.space(&input.bucket)?.acl = canned(input.acl.as_ref().map(BucketCannedACL::as_str))?;
        Ok(PutBucketAclOutput::default())
    }

    pub(super) fn cors(&mut self, name: &str) -> S3Result<GetBucketCorsOutput> {
        let space = self.space(name)?;
        if space.cors.is_empty() {
            return Err(s3_error!(NoSuchCORSConfiguration));
        }
        let some = |list: &Vec<String>| Some(list.clone()).filter(|list| !list.is_empty());
        let rule = |cors: &Cors| CORSRule {
            allowed_headers: some(&cors.headers),
            allowed_methods: cors.methods.clone(),
            allowed_origins: cors.origins.clone(),
            expose_headers: some(&cors.exposed),
            id: cors.id.clone(),
            max_age_seconds: cors.seconds,
        };
        Ok(GetBucketCorsOutput { cors_rules: Some(space.cors.iter().map(rule).collect()) })
    }

    pub(super) fn set_cors(&mut self, name: &str, wanted: CORSConfiguration) -> S3Result<()> {
        let rule = |rule: CORSRule| {
            let known = ["GET", "PUT", "POST", "DELETE", "HEAD"];
            if rule.allowed_origins.is_empty() || !rule.allowed_methods.iter().all(|method| known.contains(&method.as_str())) {
                return Err(s3_error!(InvalidRequest, "Found unsupported HTTP method in CORS config."));
            }
            Ok(Cors {
                id: rule.id,
                headers: rule.allowed_headers.unwrap_or_default(),
                methods: rule.allowed_methods,
                origins: rule.allowed_origins,
                exposed: rule.expose_headers.unwrap_or_default(),
                seconds: rule.max_age_seconds,
            })
        };
        let cors = wanted.cors_rules.into_iter().map(rule).collect::<S3Result<_>>()?;
        self.space(name)?.cors = cors;
        Ok(())
    }

    pub(super) fn lifecycle(&mut self, name: &str) -> S3Result<GetBucketLifecycleConfigurationOutput> {
        let space = self.space(name)?;
        if space.lifecycle.is_empty() {
            return Err(s3_error!(NoSuchLifecycleConfiguration));
        }
        let date = |text: &String| Timestamp::parse(TimestampFormat::DateTime, text).ok();
        let rule = |of: &Lifecycle| LifecycleRule {
            id: Some(of.id.clone()),
            filter: Some(LifecycleRuleFilter { prefix: Some(of.prefix.clone()), ..LifecycleRuleFilter::default() }),
            status: ExpirationStatus::from_static(if of.is_enabled { ExpirationStatus::ENABLED } else { ExpirationStatus::DISABLED }),
            abort_incomplete_multipart_upload: of
                .abort_days
                .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) }),
            expiration: of.expires.then(|| LifecycleExpiration {
                date: of.date.as_ref().and_then(date),
                days: of.days,
                expired_object_delete_marker: of.marker,
            }),
            noncurrent_version_expiration: of
                .noncurrent_days
                .map(|days| NoncurrentVersionExpiration { noncurrent_days: Some(days), newer_noncurrent_versions: None }),
            noncurrent_version_transitions: None,
            prefix: None,
            transitions: None,
        };
        let rules = Some(space.lifecycle.iter().map(rule).collect());
        Ok(GetBucketLifecycleConfigurationOutput { rules, ..GetBucketLifecycleConfigurationOutput::default() })
    }

    pub(super) fn set_lifecycle(&mut self, name: &str, rules: Vec<LifecycleRule>) -> S3Result<()> {
        let text = |date: Timestamp| {
            let mut text = Vec::new();
            let _ = date.format(TimestampFormat::DateTime, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        let kept = |(at, of): (usize, LifecycleRule)| {
            let expiration = of.expiration.unwrap_or_default();
            let (expires, noncurrent) = (expiration != LifecycleExpiration::default(), of.noncurrent_version_expiration);
            let abort = of.abort_incomplete_multipart_upload.and_then(|of| of.days_after_initiation);
            if !expires && noncurrent.is_none() && abort.is_none() {
                return Err(s3_error!(InvalidRequest, "A rule must do something."));
            }
            Ok(Lifecycle {
                id: of.id.unwrap_or_else(|| format!("simulated-{at}")),
                prefix: of.filter.and_then(|filter| filter.prefix).or(of.prefix).unwrap_or_default(),
                is_enabled: of.status.as_str() == ExpirationStatus::ENABLED,
                abort_days: abort,
                expires,
                date: expiration.date.map(text),
                days: expiration.days,
                marker: expiration.expired_object_delete_marker,
                noncurrent_days: noncurrent.and_then(|of| of.noncurrent_days),
            })
        };
        let rules = rules.into_iter().enumerate().map(kept).collect::<S3Result<_>>()?;
        self.space(name)?.lifecycle = rules;
        Ok(())
    }

    pub(super) fn versioning(&mut self, name: &str) -> S3Result<GetBucketVersioningOutput> {
        let word = |on| if on { BucketVersioningStatus::ENABLED } else { BucketVersioningStatus::SUSPENDED };
        let status = self.space(name)?.versioned.map(|on| BucketVersioningStatus::from_static(word(on)));
        Ok(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
    }

    pub(super) fn set_versioning(&mut self, input: &PutBucketVersioningInput) -> S3Result<PutBucketVersioningOutput> {
        let on =
            input.versioning_configuration.status.as_ref().map(BucketVersioningStatus::as_str) == Some(BucketVersioningStatus::ENABLED);
        self.space(&input.bucket)?.versioned = Some(on);
        Ok(PutBucketVersioningOutput::default())
    }

    pub(super) fn policy(&mut self, name: &str) -> S3Result<GetBucketPolicyOutput> {
        match self.space(name)?.policy.clone() {
            Some(policy) => Ok(GetBucketPolicyOutput { policy: Some(policy) }),
            None => Err(s3_error!(NoSuchBucketPolicy)),
        }
    }

    pub(super) fn set_policy(&mut self, name: &str, policy: Option<String>) -> S3Result<()> {
        let is_object = |text: &String| serde_json::from_str(text).is_ok_and(|of: serde_json::Value| of["Statement"].is_array());
        if policy.as_ref().is_some_and(|text| !is_object(text)) {
            return Err(s3_error!(MalformedPolicy, "The policy has no statements."));
        }
        self.space(name)?.policy = policy;
        Ok(())
    }

    pub(super) fn log(&mut self, name: &str) -> S3Result<GetBucketLoggingOutput> {
        let enabled = |(bucket, prefix): (String, String)| LoggingEnabled {
            target_bucket: bucket,
            target_grants: None,
            target_object_key_format: None,
            target_prefix: prefix,
        };
        Ok(GetBucketLoggingOutput { logging_enabled: self.space(name)?.log.clone().map(enabled) })
    }

    /// Logs lie in a bucket of the same account and region.
    pub(super) fn set_log(&mut self, name: &str, wanted: Option<LoggingEnabled>) -> S3Result<()> {
        let log = wanted.map(|of| (of.target_bucket, of.target_prefix));
        if log.as_ref().is_some_and(|(bucket, _)| self.space(bucket).is_err()) {
            return Err(s3_error!(InvalidTargetBucketForLogging, "The target bucket for logging does not exist"));
        }
        self.space(name)?.log = log;
        Ok(())
    }
}
