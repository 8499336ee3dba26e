//! Keys, buckets, log groups, repositories, secrets, and the claim.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use mlops_aws::{Aws, Settings};
use mlops_environment::aws::{AccessLogging, Bucket, Key, LifecycleRule, LogGroup, Repository, Secret};
use mlops_environment::claim::{Claim, Phase};
use mlops_environment::component::{Component, Kind, Observation, OnDestroy};
use mlops_environment::driver::{Driver, Monitor, Reason};
use serde_json::json;

use crate::documents::{bucket_policy, key_policy, log_delivery, log_key_policy};
use crate::harness::{
    ACCOUNT, Hurry, Losing, REGION, changed, component, deleted, diff, driver, gone, life, made, present,
    settings, tags,
};
use crate::server::emulator;

fn key(name: &str) -> Key {
    Key {
        alias: format!("alias/{name}"),
        description: "storage".into(),
        policy: key_policy("Root"),
        rotation_days: 180,
        deletion_window_days: 7,
        tags: tags("keys.storage"),
    }
}

pub(crate) fn bucket(name: &str) -> Bucket {
    Bucket {
        name: name.into(),
        region: REGION.into(),
        block_public_access: true,
        ownership: "BucketOwnerEnforced".into(),
        versioning: true,
        encryption: "AES256".into(),
        policy: bucket_policy(name),
        lifecycle: BTreeMap::from([(
            "expire".to_owned(),
            LifecycleRule {
                prefix: "logs/".into(),
                expire_days: Some(90),
                noncurrent_days: Some(30),
                abort_upload_days: Some(7),
                transition_days: Some(45),
            },
        )]),
        logging: None,
        retention_lock: None,
        tags: tags("buckets.data"),
    }
}

#[tokio::test]
async fn a_key_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let first = key("life");
    let mut second = Key {
        description: "other".into(),
        policy: key_policy("Other"),
        rotation_days: 365,
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    second.tags.remove("mlops:component");
    let first = component("keys.storage", Kind::AwsKey, &first);
    life(&aws, &first, &component("keys.storage", Kind::AwsKey, &second)).await;
}

#[tokio::test]
async fn a_key_whose_alias_is_taken_is_not_left_behind() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = component(
        "keys.storage",
        Kind::AwsKey,
        &Key {
            description: "taken".into(),
            ..key("taken")
        },
    );
    made(&aws, &wanted).await;
    let failure = aws.create(&wanted, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.operation.as_str(), failure.reason),
        ("kms:CreateAlias", Reason::AlreadyExists)
    );
    let enabled = emulator.boto3(
        "kms = client('kms')\n\
         keys = [kms.describe_key(KeyId=k['KeyId'])['KeyMetadata'] for k in kms.list_keys()['Keys']]\n\
         orphans = [k for k in keys if k['KeyState'] == 'Enabled' and k['Description'] == 'taken' and \
         not kms.list_aliases(KeyId=k['KeyId'])['Aliases']]\n\
         show(len(orphans))",
    );
    assert_eq!(enabled, json!(0));
}

#[tokio::test]
async fn a_bucket_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let storage_key = made(&aws, &component("keys.storage", Kind::AwsKey, &key("bucket"))).await;
    let target = component(
        "buckets.logs",
        Kind::AwsBucket,
        &Bucket {
            policy: log_delivery("life-logs"),
            ..bucket("life-logs")
        },
    );
    made(&aws, &target).await;
    let first = Bucket {
        encryption: storage_key.outputs["arn"].clone(),
        ..bucket("life-data")
    };
    let second = Bucket {
        versioning: false,
        encryption: "AES256".into(),
        policy: String::new(),
        lifecycle: BTreeMap::new(),
        logging: Some(AccessLogging {
            bucket: "life-logs".into(),
            prefix: "data/".into(),
        }),
        tags: [("team".to_owned(), "a".to_owned())]
            .into_iter()
            .chain(tags("buckets.data"))
            .collect(),
        ..first.clone()
    };
    let first = component("buckets.data", Kind::AwsBucket, &first);
    made(&aws, &first).await;
    let seen = emulator.boto3(
        "s3 = client('s3')\nb = dict(Bucket='life-data')\n\
         show([s3.get_bucket_encryption(**b)['ServerSideEncryptionConfiguration']['Rules'][0], \
         s3.get_public_access_block(**b)['PublicAccessBlockConfiguration'], s3.get_bucket_versioning(**b)['Status'], \
         {t['Key']: t['Value'] for t in s3.get_bucket_tagging(**b)['TagSet']}, \
         s3.get_bucket_lifecycle_configuration(**b)['Rules'][0]['NoncurrentVersionExpiration']])",
    );
    assert_eq!(
        seen[0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"],
        json!(storage_key.outputs["arn"])
    );
    assert_eq!(seen[0]["BucketKeyEnabled"], json!(true));
    assert_eq!(
        seen[1],
        json!({"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true,
        "RestrictPublicBuckets": true})
    );
    assert_eq!(seen[2], json!("Enabled"));
    assert_eq!(seen[3], json!(tags("buckets.data")));
    assert_eq!(seen[4], json!({"NoncurrentDays": 30}));
    let second = component("buckets.data", Kind::AwsBucket, &second);
    changed(&aws, &second).await;
    deleted(&aws, &second).await;
}

#[tokio::test]
async fn a_bucket_with_objects_is_refused_unless_it_is_to_be_purged() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let mut wanted = component("buckets.data", Kind::AwsBucket, &bucket("full"));
    let found = made(&aws, &wanted).await;
    assert_eq!(
        aws.obstacles(&wanted, &found).await.unwrap(),
        Vec::<String>::new()
    );
    emulator.boto3(
        "s3 = client('s3')\nfor n in range(1100): s3.put_object(Bucket='full', Key=f'k{n}', Body=b'')\n\
         s3.delete_object(Bucket='full', Key='k0')\n\
         s3.create_multipart_upload(Bucket='full', Key='unfinished')",
    );
    assert_eq!(
        aws.obstacles(&wanted, &found).await.unwrap(),
        ["holds 1,101 object versions"]
    );
    let failure = aws.delete(&wanted, &found, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.operation.as_str(), failure.code.as_str()),
        ("s3:DeleteBucket", "BucketNotEmpty")
    );
    assert!(
        failure
            .message
            .contains("holds 1,101 object versions and is not to be purged"),
        "{failure}"
    );
    wanted.on_destroy = OnDestroy::Purge;
    aws.calls().clear();
    gone(&aws, &wanted, &found).await;
    assert_eq!(aws.calls().counts().get("s3:DeleteObjects"), Some(&2));
}

#[tokio::test]
async fn a_locked_bucket_is_made_longer_and_keeps_what_it_holds() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let locked = |days: i32| {
        let bucket = Bucket {
            retention_lock: Some(days),
            ..bucket("locked")
        };
        component("buckets.data", Kind::AwsBucket, &bucket)
    };
    made(&aws, &locked(30)).await;
    let found = changed(&aws, &locked(60)).await;
    let refused = emulator.boto3(
        "s3 = client('s3')\nid = s3.put_object(Bucket='locked', Key='k', Body=b'')['VersionId']\n\
         def code():\n    try: s3.delete_object(Bucket='locked', Key='k', VersionId=id)\n    \
         except Exception as error: return error.response['Error']['Code']\n\
         rule = s3.get_object_lock_configuration(Bucket='locked')['ObjectLockConfiguration']['Rule']['DefaultRetention']\n\
         show([rule['Mode'], rule['Days'], code()])",
    );
    assert_eq!(refused, json!(["COMPLIANCE", 60, "AccessDenied"]));
    let obstacles = aws.obstacles(&locked(60), &found).await.unwrap();
    let said = "holds 1 object version under a locked retention of 60 days, all of it can be deleted from ";
    let named = obstacles[0]
        .strip_prefix(said)
        .and_then(|rest| rest.strip_suffix(" on"));
    let named: jiff::Timestamp = named.unwrap_or_else(|| panic!("{obstacles:?}")).parse().unwrap();
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(60 * 24);
    assert!(until.duration_since(named).as_hours().abs() < 24, "{obstacles:?}");
    let failure = aws
        .delete(&locked(60), &found, &Hurry::default())
        .await
        .unwrap_err();
    assert_eq!(failure.code, "BucketNotEmpty");
    assert!(failure.message.contains("\"retain\""), "{failure}");
}

#[tokio::test]
async fn a_foreign_lifecycle_rule_is_told_and_removed() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = component("buckets.data", Kind::AwsBucket, &bucket("foreign-rule"));
    made(&aws, &wanted).await;
    emulator.boto3(
        "client('s3').put_bucket_lifecycle_configuration(Bucket='foreign-rule', LifecycleConfiguration={'Rules': [\
         {'ID': 'theirs', 'Status': 'Enabled', 'Filter': {'Tag': {'Key': 'a', 'Value': 'b'}}, 'Expiration': {'Days': 1}}]})",
    );
    let found = present(&aws, &wanted).await;
    assert_eq!(found.foreign, ["lifecycle rule \"theirs\""]);
    assert_eq!(diff(&wanted, &found).len(), 1);
    changed(&aws, &wanted).await;
}

#[tokio::test]
async fn what_is_left_standing_is_marked() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = component("buckets.data", Kind::AwsBucket, &bucket("retained"));
    let found = made(&aws, &wanted).await;
    aws.retain(&wanted, &found).await.unwrap();
    let after = present(&aws, &wanted).await;
    let marked = after.properties["tags"]["mlops:retained-at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(marked.parse::<jiff::Timestamp>().is_ok(), "{marked}");
    assert_eq!(after.owner, found.owner);
}

#[tokio::test]
async fn a_log_group_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let admitting = Key {
        policy: log_key_policy(),
        ..key("logs")
    };
    let log_key = made(&aws, &component("keys.logs", Kind::AwsKey, &admitting)).await;
    let first = LogGroup {
        name: "/aws/eks/logged/cluster".into(),
        retention_days: 90,
        kms_key: Some(log_key.outputs["arn"].clone()),
        tags: tags("logs"),
    };
    let neighbour = LogGroup {
        name: "/aws/eks/logged/cluster-2".into(),
        ..first.clone()
    };
    made(&aws, &component("neighbour", Kind::AwsLogGroup, &neighbour)).await;
    let mut second = LogGroup {
        retention_days: 365,
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    let first = component("logs", Kind::AwsLogGroup, &first);
    life(&aws, &first, &component("logs", Kind::AwsLogGroup, &second)).await;
}

/// Makes the log group anew while its absence is waited for, as late lines of a cluster that is gone do.
struct Returning<'a> {
    aws: &'a Aws,
    group: &'a Component,
    times: AtomicUsize,
    said: Hurry,
}

impl Monitor for Returning<'_> {
    fn progress(&self, text: &str) {
        self.said.progress(text);
    }
    fn cancelled(&self) -> bool {
        false
    }
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        assert_eq!(duration, mlops_aws::QUIET_HERE, "the emulator is on this machine");
        Box::pin(async {
            let left = |times: usize| times.checked_sub(1);
            if self
                .times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left)
                .is_ok()
            {
                self.aws.create(self.group, &self.said).await.unwrap();
            }
        })
    }
}

/// B68.
#[tokio::test]
async fn the_log_group_of_a_cluster_is_deleted_as_often_as_it_returns_within_reason() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let group = LogGroup {
        name: "/aws/eks/returning/cluster".into(),
        retention_days: 90,
        kms_key: None,
        tags: tags("logs"),
    };
    let group = component("logs", Kind::AwsLogGroup, &group);
    for (times, stands) in [(2, false), (100, true)] {
        let found = made(&aws, &group).await;
        let monitor = Returning {
            aws: &aws,
            group: &group,
            times: AtomicUsize::new(times),
            said: Hurry::default(),
        };
        aws.delete(&group, &found, &monitor).await.unwrap();
        assert_eq!(
            aws.observe(&group).await.unwrap() != Observation::Absent,
            stands,
            "{times}"
        );
        let said = monitor.said.0.into_inner().unwrap().join("\n");
        assert_eq!(said.contains("left behind"), stands, "{said}");
    }
    deleted(&aws, &group).await;
}

#[tokio::test]
async fn a_repository_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let first = Repository {
        name: "test/churn".into(),
        immutable_tags: true,
        scan_on_push: true,
        kms_key: None,
        lifecycle: json!({"rules": [{"action": {"type": "expire"}, "rulePriority": 1, "selection":
            {"countNumber": 14, "countType": "sinceImagePushed", "countUnit": "days", "tagStatus": "untagged"}}]})
        .to_string(),
        tags: tags("registry.churn"),
    };
    let mut second = Repository {
        immutable_tags: false,
        scan_on_push: false,
        lifecycle: String::new(),
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    let made_url = made(&aws, &component("registry.churn", Kind::AwsRepository, &first))
        .await
        .outputs["url"]
        .clone();
    assert_eq!(
        made_url,
        format!("{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/test/churn")
    );
    let second = component("registry.churn", Kind::AwsRepository, &second);
    changed(&aws, &second).await;
    deleted(&aws, &second).await;
}

#[tokio::test]
async fn a_secret_lives_and_comes_back() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let first = Secret {
        name: "test/churn/api".into(),
        description: "key of the feature store".into(),
        kms_key: None,
        recovery_window_days: 7,
        tags: tags("secrets.churn.api"),
    };
    let mut second = Secret {
        description: "other".into(),
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    let first = component("secrets.churn.api", Kind::AwsSecret, &first);
    let second = component("secrets.churn.api", Kind::AwsSecret, &second);
    let arn = made(&aws, &first).await.id;
    changed(&aws, &second).await;
    deleted(&aws, &second).await;
    // The name is taken until the window is over: the same environment gets the same secret back.
    assert_eq!(aws.create(&first, &Hurry::default()).await.unwrap().id, arn);
    assert!(matches!(
        aws.observe(&first).await.unwrap(),
        Observation::Present(_)
    ));
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_not_brought_back() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    emulator.boto3(
        "s = client('secretsmanager')\ns.create_secret(Name='test/theirs')\ns.delete_secret(SecretId='test/theirs')",
    );
    let wanted = Secret {
        name: "test/theirs".into(),
        description: String::new(),
        kms_key: None,
        recovery_window_days: 7,
        tags: tags("secrets.theirs"),
    };
    let wanted = component("secrets.theirs", Kind::AwsSecret, &wanted);
    let failure = aws.create(&wanted, &Hurry::default()).await.unwrap_err();
    assert_eq!(failure.operation, "secretsmanager:CreateSecret");
    assert!(failure.message.contains("belongs to somebody else"), "{failure}");
}

/// Killed between making a key and naming it: the next apply takes that very key.
#[tokio::test]
async fn a_key_left_without_a_name_is_taken_up() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = Key {
        tags: tags("keys.left"),
        ..key("left")
    };
    let left = emulator.boto3(&format!(
        "kms = client('kms')\n\
         show(kms.create_key(Description='before', Tags=[{{'TagKey': k, 'TagValue': v}} for k, v in {}.items()])['KeyMetadata']['KeyId'])",
        serde_json::to_string(&wanted.tags).unwrap()
    ));
    let component = component("keys.left", Kind::AwsKey, &wanted);
    assert_eq!(aws.observe(&component).await.unwrap(), Observation::Absent);
    let made = aws.create(&component, &Hurry::default()).await.unwrap();
    assert!(
        made.id.ends_with(left.as_str().unwrap()),
        "{} is not {left}",
        made.id
    );
    let Observation::Present(found) = aws.observe(&component).await.unwrap() else {
        panic!("it has its name now")
    };
    assert_eq!(diff(&component, &found), []);
}

/// The answer to CreateKey is lost: there is one key all the same.
#[tokio::test]
async fn a_key_whose_answer_was_lost_is_not_made_twice() {
    let Some(emulator) = emulator() else { return };
    let inner = driver(emulator).await.connector();
    let losing = Losing {
        inner,
        target: "TrentService.CreateKey",
        lost: Arc::default(),
    };
    let aws = Aws::connect(Settings {
        connector: Some(SharedHttpConnector::new(losing.clone())),
        ..settings(emulator)
    })
    .await
    .unwrap();
    let wanted = Key {
        tags: tags("keys.lost"),
        ..key("lost")
    };
    let component = component("keys.lost", Kind::AwsKey, &wanted);
    let made = aws.create(&component, &Hurry::default()).await.unwrap();
    assert_eq!(losing.lost.load(Ordering::SeqCst), 1, "one answer was lost");
    let standing = emulator.boto3(
        "kms = client('kms')\n\
         show([k['KeyArn'] for k in kms.list_keys()['Keys'] if any(t['TagValue'] == 'keys.lost' for t in \
         kms.list_resource_tags(KeyId=k['KeyId'])['Tags'])])",
    );
    assert_eq!(standing, json!([made.id]));
}

#[tokio::test]
async fn the_claim_is_written_only_over_what_was_read() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    made(
        &aws,
        &component("buckets.logs", Kind::AwsBucket, &bucket("claimed")),
    )
    .await;
    assert_eq!(aws.read_claim("claimed", "test").await.unwrap(), None);
    assert_eq!(aws.read_claim("no-such-bucket-here", "test").await.unwrap(), None);
    let mut claim = Claim {
        id: "aws/1/r/test".into(),
        uid: "u".into(),
        owner: "infra".into(),
        phase: Phase::Creating,
        generation: 0,
        provider_version: "0.1.0".into(),
        updated_at: "2026-01-01T00:00:00Z".into(),
        intents: vec![],
        lease: None,
        settings: None,
        origin: None,
    };
    let first = aws.write_claim("claimed", "test", &claim, None).await.unwrap();
    assert_eq!(
        aws.write_claim("claimed", "test", &claim, None)
            .await
            .unwrap_err()
            .reason,
        Reason::Conflict
    );
    claim.phase = Phase::Ready;
    let second = aws
        .write_claim("claimed", "test", &claim, Some(&first))
        .await
        .unwrap();
    assert_eq!(
        aws.read_claim("claimed", "test").await.unwrap(),
        Some((claim.clone(), second))
    );
    assert_eq!(
        aws.write_claim("claimed", "test", &claim, Some(&first))
            .await
            .unwrap_err()
            .reason,
        Reason::Conflict
    );
}
