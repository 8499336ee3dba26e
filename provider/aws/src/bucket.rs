//! An S3 bucket with its sub-resources. The bucket is one object to us; to S3 it is eight calls, made one after another
//! because S3 refuses parallel writes to one bucket.

use async_trait::async_trait;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketLoggingStatus, BucketVersioningStatus, CreateBucketConfiguration,
    DefaultRetention, LoggingEnabled, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode,
    ObjectLockRule, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use futures::try_join;
use mlops_environment::aws::{AccessLogging, Bucket, Tags};
use mlops_environment::component::{Component, Observation, OnDestroy, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, optional};
use crate::object::{Changes, Object, Wanted, as_found, outputs, ready};
use crate::wait::{SPREADING, patiently, says};
use crate::{document, lifecycle, purge, tags};

/// Default encryption without a key of ours.
const SSE_S3: &str = "AES256";
/// Said of a bucket whose objects each call KMS, which our key policies and permissions are not written for.
const NO_BUCKET_KEY: &str = "S3 bucket keys are off";

fn invalid(operation: &str) -> impl Fn(aws_sdk_s3::error::BuildError) -> Failure {
    move |error| failure(operation, Reason::Invalid, error.to_string())
}

fn s3_tags(tags: &Tags) -> Outcome<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(invalid("s3:PutBucketTagging"))
        })
        .collect()
}

/// Two writes met, or the bucket is not everywhere yet: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn passing(failure: &Failure) -> bool {
    says(
        failure,
        &["OperationAborted", "NoSuchBucket", "InvalidBucketState"],
        &[],
    )
}

impl Wanted<Bucket> {
    async fn put_tags(&self, aws: &Aws, tags: &Tags) -> Outcome<()> {
        const OPERATION: &str = "s3:PutBucketTagging";
        let tagging = Tagging::builder()
            .set_tag_set(Some(s3_tags(tags)?))
            .build()
            .map_err(invalid(OPERATION))?;
        call(
            OPERATION,
            aws.clients
                .s3
                .put_bucket_tagging()
                .bucket(&self.name)
                .tagging(tagging)
                .send(),
        )
        .await?;
        Ok(())
    }

    async fn put_public_access_block(&self, aws: &Aws) -> Outcome<()> {
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(self.block_public_access)
            .block_public_policy(self.block_public_access)
            .ignore_public_acls(self.block_public_access)
            .restrict_public_buckets(self.block_public_access)
            .build();
        let put = aws
            .clients
            .s3
            .put_public_access_block()
            .bucket(&self.name)
            .public_access_block_configuration(block);
        call("s3:PutPublicAccessBlock", put.send()).await?;
        Ok(())
    }

    async fn put_ownership(&self, aws: &Aws) -> Outcome<()> {
        const OPERATION: &str = "s3:PutBucketOwnershipControls";
        let rule = OwnershipControlsRule::builder()
            .object_ownership(ObjectOwnership::from(self.ownership.as_str()))
            .build()
            .map_err(invalid(OPERATION))?;
        let controls = OwnershipControls::builder()
            .rules(rule)
            .build()
            .map_err(invalid(OPERATION))?;
        let put = aws
            .clients
            .s3
            .put_bucket_ownership_controls()
            .bucket(&self.name)
            .ownership_controls(controls);
        call(OPERATION, put.send()).await?;
        Ok(())
    }

    async fn put_versioning(&self, aws: &Aws) -> Outcome<()> {
        let status = if self.versioning {
            BucketVersioningStatus::Enabled
        } else {
            BucketVersioningStatus::Suspended
        };
        let configuration = VersioningConfiguration::builder().status(status).build();
        let put = aws
            .clients
            .s3
            .put_bucket_versioning()
            .bucket(&self.name)
            .versioning_configuration(configuration);
        call("s3:PutBucketVersioning", put.send()).await?;
        Ok(())
    }

    /// Object Lock with a default retention that nobody can shorten for a version once it is written. On a bucket that was
    /// made without, versioning must stand first.
    async fn put_retention_lock(&self, aws: &Aws) -> Outcome<()> {
        let Some(days) = self.retention_lock else {
            return Ok(());
        };
        let retention = DefaultRetention::builder()
            .mode(ObjectLockRetentionMode::Compliance)
            .days(days)
            .build();
        let configuration = ObjectLockConfiguration::builder()
            .object_lock_enabled(ObjectLockEnabled::Enabled)
            .rule(ObjectLockRule::builder().default_retention(retention).build())
            .build();
        let put = aws
            .clients
            .s3
            .put_object_lock_configuration()
            .bucket(&self.name)
            .object_lock_configuration(configuration);
        call("s3:PutObjectLockConfiguration", put.send()).await?;
        Ok(())
    }

    async fn put_encryption(&self, aws: &Aws) -> Outcome<()> {
        const OPERATION: &str = "s3:PutBucketEncryption";
        let by_default = if self.encryption == SSE_S3 {
            ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256)
        } else {
            ServerSideEncryptionByDefault::builder()
                .sse_algorithm(ServerSideEncryption::AwsKms)
                .kms_master_key_id(&self.encryption)
        };
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default.build().map_err(invalid(OPERATION))?)
            .bucket_key_enabled(self.encryption != SSE_S3)
            .build();
        let configuration = ServerSideEncryptionConfiguration::builder()
            .rules(rule)
            .build()
            .map_err(invalid(OPERATION))?;
        let put = aws
            .clients
            .s3
            .put_bucket_encryption()
            .bucket(&self.name)
            .server_side_encryption_configuration(configuration);
        call(OPERATION, put.send()).await?;
        Ok(())
    }

    async fn put_policy(&self, aws: &Aws) -> Outcome<()> {
        let s3 = &aws.clients.s3;
        if self.policy.is_empty() {
            return gone(
                call(
                    "s3:DeleteBucketPolicy",
                    s3.delete_bucket_policy().bucket(&self.name).send(),
                )
                .await,
            );
        }
        let put = s3.put_bucket_policy().bucket(&self.name).policy(&self.policy);
        call("s3:PutBucketPolicy", put.send()).await?;
        Ok(())
    }

    async fn put_lifecycle(&self, aws: &Aws) -> Outcome<()> {
        const OPERATION: &str = "s3:PutBucketLifecycleConfiguration";
        let s3 = &aws.clients.s3;
        if self.lifecycle.is_empty() {
            let delete = s3.delete_bucket_lifecycle().bucket(&self.name);
            return gone(call("s3:DeleteBucketLifecycle", delete.send()).await);
        }
        let configuration = lifecycle::configuration(&self.lifecycle).map_err(invalid(OPERATION))?;
        let put = s3
            .put_bucket_lifecycle_configuration()
            .bucket(&self.name)
            .lifecycle_configuration(configuration);
        call(OPERATION, put.send()).await?;
        Ok(())
    }

    async fn put_logging(&self, aws: &Aws) -> Outcome<()> {
        const OPERATION: &str = "s3:PutBucketLogging";
        let enabled = self
            .logging
            .as_ref()
            .map(|to| {
                LoggingEnabled::builder()
                    .target_bucket(&to.bucket)
                    .target_prefix(&to.prefix)
                    .build()
            })
            .transpose()
            .map_err(invalid(OPERATION))?;
        let status = BucketLoggingStatus::builder()
            .set_logging_enabled(enabled)
            .build();
        call(
            OPERATION,
            aws.clients
                .s3
                .put_bucket_logging()
                .bucket(&self.name)
                .bucket_logging_status(status)
                .send(),
        )
        .await?;
        Ok(())
    }

    /// Writes one sub-resource, again while S3 says that another write is under way.
    async fn write<F>(&self, monitor: &dyn Monitor, attempt: impl FnMut() -> F) -> Outcome<()>
    where
        F: Future<Output = Outcome<()>>,
    {
        patiently(
            &format!("bucket {}", self.name),
            SPREADING,
            monitor,
            passing,
            attempt,
        )
        .await
    }

    /// How much stands in it, in words, and when the last of it becomes free.
    async fn contents(&self, aws: &Aws) -> Outcome<Option<String>> {
        purge::contents(aws, &self.name, self.retention_lock).await
    }

    fn present(&self, partition: &str) -> Present {
        let arn = format!("arn:{partition}:s3:::{}", self.name);
        ready(
            &self.name,
            &self.tags,
            self,
            outputs([("arn", arn), ("name", self.name.clone())]),
        )
    }
}

#[async_trait]
impl Object for Wanted<Bucket> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let (s3, name) = (&aws.clients.s3, &self.name);
        // Which of them says NoSuchBucket first does not matter: one round trip tells all.
        let found = try_join!(
            async {
                absent_or(call("s3:GetBucketTagging", s3.get_bucket_tagging().bucket(name).send()).await)
            },
            async {
                absent_or(
                    call(
                        "s3:GetPublicAccessBlock",
                        s3.get_public_access_block().bucket(name).send(),
                    )
                    .await,
                )
            },
            async {
                let get = s3.get_bucket_ownership_controls().bucket(name);
                absent_or(call("s3:GetBucketOwnershipControls", get.send()).await)
            },
            async {
                call(
                    "s3:GetBucketVersioning",
                    s3.get_bucket_versioning().bucket(name).send(),
                )
                .await
            },
            async {
                absent_or(
                    call(
                        "s3:GetBucketEncryption",
                        s3.get_bucket_encryption().bucket(name).send(),
                    )
                    .await,
                )
            },
            async { absent_or(call("s3:GetBucketPolicy", s3.get_bucket_policy().bucket(name).send()).await) },
            async {
                let get = s3.get_bucket_lifecycle_configuration().bucket(name);
                absent_or(call("s3:GetBucketLifecycleConfiguration", get.send()).await)
            },
            async { call("s3:GetBucketLogging", s3.get_bucket_logging().bucket(name).send()).await },
            async {
                if self.retention_lock.is_none() {
                    return Ok(None);
                }
                let get = s3.get_object_lock_configuration().bucket(name);
                absent_or(call("s3:GetObjectLockConfiguration", get.send()).await)
            },
        );
        let (tagging, block, ownership, versioning, encryption, policy, rules, logging, lock) = match found {
            Err(failure) if failure.code == "NoSuchBucket" => return Ok(Observation::Absent),
            Err(failure) => return Err(explained(failure, name)),
            Ok(found) => found,
        };
        let block = block.and_then(|block| block.public_access_block_configuration);
        let mut foreign = Vec::new();
        let by_default = encryption
            .and_then(|answer| answer.server_side_encryption_configuration)
            .and_then(|configuration| configuration.rules.into_iter().next());
        let with_bucket_key = by_default.as_ref().and_then(|rule| rule.bucket_key_enabled) == Some(true);
        let by_default = by_default.and_then(|rule| rule.apply_server_side_encryption_by_default);
        let encryption = match by_default {
            None => String::new(),
            Some(by) => by
                .kms_master_key_id
                .unwrap_or_else(|| by.sse_algorithm.as_str().to_owned()),
        };
        if encryption == self.encryption && encryption != SSE_S3 && !with_bucket_key {
            foreign.push(NO_BUCKET_KEY.to_owned());
        }
        let (lifecycle, others) = rules
            .map(|rules| lifecycle::found(rules.rules()))
            .unwrap_or_default();
        foreign.extend(others.into_iter().map(|id| format!("lifecycle rule {id:?}")));
        let found = Bucket {
            name: name.clone(),
            region: aws.region().to_owned(),
            block_public_access: block.is_some_and(|block| {
                [
                    block.block_public_acls,
                    block.block_public_policy,
                    block.ignore_public_acls,
                    block.restrict_public_buckets,
                ]
                .iter()
                .all(|switch| *switch == Some(true))
            }),
            ownership: ownership
                .and_then(|answer| answer.ownership_controls)
                .and_then(|controls| controls.rules.into_iter().next())
                .map(|rule| rule.object_ownership.as_str().to_owned())
                .unwrap_or_default(),
            versioning: versioning.status == Some(BucketVersioningStatus::Enabled),
            encryption,
            policy: policy
                .and_then(|answer| answer.policy)
                .map(|text| document::reported(&text, &self.policy))
                .unwrap_or_default(),
            lifecycle,
            logging: logging.logging_enabled.map(|to| AccessLogging {
                bucket: to.target_bucket,
                prefix: to.target_prefix,
            }),
            retention_lock: lock
                .and_then(|answer| answer.object_lock_configuration)
                .and_then(|configuration| default_retention(&configuration)),
            tags: tags::found(
                tagging
                    .map(|answer| answer.tag_set)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value)),
            ),
        };
        let partition = &aws.whoami().await?.partition;
        let mut present = Wanted(found).present(partition);
        present.foreign = foreign;
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "s3:CreateBucket";
        let caller = aws.whoami().await?;
        let region = aws.region();
        // us-east-1 is the one region that must not be named.
        let constraint = (region != "us-east-1").then(|| BucketLocationConstraint::from(region));
        let configuration = CreateBucketConfiguration::builder()
            .set_location_constraint(constraint)
            .set_tags(Some(s3_tags(&self.tags)?))
            .build();
        let subject = format!("bucket {}", self.name);
        // After a deletion the name is blocked for minutes: OperationAborted.
        let aborted = |failure: &Failure| says(failure, &["OperationAborted"], &[]);
        patiently(&subject, SPREADING, monitor, aborted, || async {
            let mut create = aws
                .clients
                .s3
                .create_bucket()
                .bucket(&self.name)
                .object_ownership(ObjectOwnership::from(self.ownership.as_str()))
                .create_bucket_configuration(configuration.clone());
            if self.retention_lock.is_some() {
                create = create.object_lock_enabled_for_bucket(true);
            }
            if self.name.ends_with(&format!("-{}-{region}-an", caller.account)) {
                // Names in the account's own namespace, which nobody else can take:
                // https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
                create = create.bucket_namespace("account-regional".into());
            }
            call(OPERATION, create.send()).await
        })
        .await
        .map_err(|failure| explained(failure, &self.name))?;
        self.write(monitor, || self.put_public_access_block(aws)).await?;
        // With Object Lock comes versioning.
        if self.versioning && self.retention_lock.is_none() {
            self.write(monitor, || self.put_versioning(aws)).await?;
        }
        if self.retention_lock.is_some() {
            self.write(monitor, || self.put_retention_lock(aws)).await?;
        }
        if self.encryption != SSE_S3 {
            self.write(monitor, || self.put_encryption(aws)).await?;
        }
        if !self.policy.is_empty() {
            self.write(monitor, || self.put_policy(aws)).await?;
        }
        if !self.lifecycle.is_empty() {
            self.write(monitor, || self.put_lifecycle(aws)).await?;
        }
        if self.logging.is_some() {
            self.write(monitor, || self.put_logging(aws)).await?;
        }
        Ok(self.present(&caller.partition))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("s3:UpdateBucket", &["name", "region"])?;
        let foreign = |words: &str| change.found.foreign.iter().any(|found| found.contains(words));
        let monitor = change.monitor;
        // Protections first: if the rest fails, the bucket is at least closed.
        if change.any(&["block_public_access"]) {
            self.write(monitor, || self.put_public_access_block(aws)).await?;
        }
        if change.any(&["ownership"]) {
            self.write(monitor, || self.put_ownership(aws)).await?;
        }
        if change.any(&["policy"]) {
            self.write(monitor, || self.put_policy(aws)).await?;
        }
        if change.any(&["encryption"]) || foreign(NO_BUCKET_KEY) {
            self.write(monitor, || self.put_encryption(aws)).await?;
        }
        if change.any(&["versioning"]) {
            self.write(monitor, || self.put_versioning(aws)).await?;
        }
        if change.any(&["retention_lock"]) {
            self.write(monitor, || self.put_retention_lock(aws)).await?;
        }
        if change.any(&["lifecycle"]) || foreign("lifecycle rule") {
            self.write(monitor, || self.put_lifecycle(aws)).await?;
        }
        if change.any(&["logging"]) {
            self.write(monitor, || self.put_logging(aws)).await?;
        }
        if let Some((set, removed)) = change.tags() {
            // S3 knows only the whole set: tags of others, found before, stay.
            let mut all = as_found(self, change.found)?.0.tags;
            all.retain(|key, _| !removed.contains(key));
            all.extend(set);
            self.write(monitor, || self.put_tags(aws, &all)).await?;
        }
        Ok(())
    }

    async fn delete(
        &self,
        aws: &Aws,
        component: &Component,
        _: &Present,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let delete = || async {
            gone(
                call(
                    "s3:DeleteBucket",
                    aws.clients.s3.delete_bucket().bucket(&self.name).send(),
                )
                .await,
            )
        };
        let not_empty = |failure: &Failure| failure.code == "BucketNotEmpty";
        if component.on_destroy == OnDestroy::Purge {
            // Access logs arrive for hours after their source is gone: purge again until none came in between.
            let subject = format!("bucket {}", self.name);
            return patiently(&subject, SPREADING, monitor, not_empty, || async {
                purge::purge(aws, &self.name, monitor).await?;
                delete().await
            })
            .await;
        }
        match delete().await {
            Err(mut failure) if not_empty(&failure) => {
                let contents = self.contents(aws).await.ok().flatten();
                let contents = contents.as_deref().unwrap_or("is not empty");
                let name = &self.name;
                failure.message = match self.retention_lock {
                    Some(_) => format!(
                        "bucket {name} {contents}: delete it then, or set on_destroy to \"retain\" and apply first"
                    ),
                    None => format!(
                        "bucket {name} {contents} and is not to be purged: empty it, or set on_destroy to \"purge\" and \
                         apply first"
                    ),
                };
                Err(failure)
            }
            other => other,
        }
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        let mut all = as_found(self, found)?.0.tags;
        all.insert(key.to_owned(), value.to_owned());
        self.put_tags(aws, &all).await
    }

    async fn obstacles(&self, aws: &Aws, _: &Component, _: &Present) -> Outcome<Vec<String>> {
        Ok(self.contents(aws).await?.into_iter().collect())
    }
}

/// The days of a default retention that nobody can shorten.
fn default_retention(configuration: &ObjectLockConfiguration) -> Option<i32> {
    let retention = configuration.rule()?.default_retention()?;
    if retention.mode() != Some(&ObjectLockRetentionMode::Compliance) {
        return None;
    }
    retention
        .days()
        .or_else(|| retention.years().map(|years| years.saturating_mul(365)))
}

/// `None` for a sub-resource that the bucket does not have; a missing bucket stays a failure.
fn absent_or<T>(outcome: Outcome<T>) -> Outcome<Option<T>> {
    match outcome {
        Err(failure) if failure.code == "NoSuchBucket" => Err(failure),
        other => optional(other),
    }
}

/// Adds what S3's words leave out.
fn explained(mut failure: Failure, name: &str) -> Failure {
    match failure.code.as_str() {
        "BucketAlreadyExists" => {
            failure.reason = Reason::Invalid;
            failure.message = format!(
                "the name {name} is taken by another account: bucket names are global, choose another one"
            );
        }
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            failure.message = format!("bucket {name} is in another region: {}", failure.message);
        }
        _ if failure.reason == Reason::Denied => {
            failure.message = format!(
                "access to bucket {name} is refused ({}): it belongs to another account, or these credentials may not \
                 {}",
                failure.message, failure.operation
            );
        }
        _ => {}
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(code: &str, reason: Reason) -> Failure {
        Failure {
            code: code.into(),
            ..failure("s3:CreateBucket", reason, "words")
        }
    }

    #[test]
    fn a_name_taken_by_others_is_refused_for_good() {
        let failure = explained(answered("BucketAlreadyExists", Reason::Conflict), "data");
        assert_eq!(failure.reason, Reason::Invalid);
        assert!(
            failure.message.contains("data") && failure.message.contains("global"),
            "{failure}"
        );
    }

    #[test]
    fn a_refusal_says_both_possible_reasons() {
        let failure = explained(answered("AccessDenied", Reason::Denied), "data");
        assert_eq!(failure.reason, Reason::Denied);
        assert!(
            failure.message.contains("another account") && failure.message.contains("s3:CreateBucket"),
            "{failure}"
        );
    }

    #[test]
    fn a_missing_bucket_is_not_a_missing_sub_resource() {
        assert!(absent_or::<()>(Err(answered("NoSuchBucket", Reason::NotFound))).is_err());
        assert_eq!(
            absent_or::<()>(Err(answered("NoSuchTagSet", Reason::NotFound))),
            Ok(None)
        );
    }
}
