//! Every call of a create is refused once: the failure names that call, and is never taken for something else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use mlops_aws::{Aws, Settings};
use mlops_environment::aws::{AccessEntry, Bucket, Key, LogGroup, Repository, Role, Secret};
use mlops_environment::component::{Component, Kind};
use mlops_environment::driver::{Driver, Reason};

use crate::documents::{allow, key_policy, trust};
use crate::harness::{Hurry, Refusing, component, driver, settings, tags};
use crate::server::{Emulator, emulator};
use crate::{eks, storage, who};

async fn refuses_each_call(emulator: &Emulator, make: impl Fn(usize) -> Component) {
    let inner = driver(emulator).await.connector();
    for number in 0..20 {
        let countdown = Arc::new(AtomicUsize::new(usize::MAX));
        let connector = Refusing {
            inner: inner.clone(),
            countdown: Arc::clone(&countdown),
        };
        let settings = Settings {
            connector: Some(SharedHttpConnector::new(connector)),
            ..settings(emulator)
        };
        let aws = Aws::connect(settings).await.unwrap();
        aws.caller().await.unwrap();
        aws.calls().clear();
        countdown.store(number, Ordering::SeqCst);
        let wanted = make(number);
        match aws.create(&wanted, &Hurry::default()).await {
            Ok(_) => {
                assert!(
                    number >= 1,
                    "{}: only {number} calls were refused",
                    wanted.address
                );
                return;
            }
            Err(failure) => {
                assert_eq!(failure.reason, Reason::Denied, "{failure:?}");
                let calls = aws.calls().log();
                assert!(
                    calls.contains(&failure.operation),
                    "{} is none of {calls:?}",
                    failure.operation
                );
            }
        }
    }
    panic!("a create of more than 20 calls");
}

#[tokio::test]
async fn a_refused_call_of_a_create_is_named() {
    let Some(emulator) = emulator() else { return };
    refuses_each_call(emulator, |number| {
        let role = Role {
            name: format!("refused-{number}"),
            path: "/".into(),
            description: "refused".into(),
            trust: trust(),
            inline_policies: BTreeMap::from([("a".to_owned(), allow("s3:GetObject"))]),
            managed_policies: BTreeSet::from(["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()]),
            permissions_boundary: None,
            max_session_seconds: 3600,
            tags: tags("identities.ci"),
        };
        component("identities.ci", Kind::AwsRole, &role)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let key = Key {
            alias: format!("alias/refused-{number}"),
            description: "refused".into(),
            policy: key_policy("Root"),
            rotation_days: 180,
            deletion_window_days: 7,
            tags: tags("keys.storage"),
        };
        component("keys.storage", Kind::AwsKey, &key)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let group = LogGroup {
            name: format!("/refused/{number}"),
            retention_days: 90,
            kms_key: None,
            tags: tags("logs"),
        };
        component("logs", Kind::AwsLogGroup, &group)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let repository = Repository {
            name: format!("refused/{number}"),
            immutable_tags: true,
            scan_on_push: true,
            kms_key: None,
            lifecycle: r#"{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}]}"#.into(),
            tags: tags("registry.churn"),
        };
        component("registry.churn", Kind::AwsRepository, &repository)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let bucket = storage::bucket(&format!("refused-bucket-{number}"));
        component("buckets.data", Kind::AwsBucket, &bucket)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let bucket = Bucket {
            retention_lock: Some(1),
            ..storage::bucket(&format!("refused-lock-{number}"))
        };
        component("buckets.data", Kind::AwsBucket, &bucket)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let secret = Secret {
            name: format!("refused/{number}"),
            description: "refused".into(),
            kms_key: None,
            recovery_window_days: 7,
            tags: tags("secrets.churn.api"),
        };
        component("secrets.churn.api", Kind::AwsSecret, &secret)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let provider = who::provider(
            &format!("https://issuer.example/refused/{number}"),
            &["sts.amazonaws.com"],
        );
        component("federation.pods", Kind::AwsOidcProvider, &provider)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let policy = who::policy(&format!("refused-policy-{number}"));
        component("boundaries.ci", Kind::AwsPolicy, &policy)
    })
    .await;
}

/// The same where other things must stand first.
#[tokio::test]
async fn a_refused_call_of_a_create_in_a_cluster_is_named() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let (_, role_arn) = eks::standing(&aws, emulator, "refused-parts").await;
    let nodes = eks::node_role(&aws, "refused-nodes").await;
    refuses_each_call(emulator, |number| {
        let pool = eks::pool(emulator, "refused-parts", &nodes, &format!("pool-{number}"));
        component("node_pools.serving", Kind::AwsNodePool, &pool)
    })
    .await;
    let mut principals = Vec::new();
    for number in 0..4 {
        principals.push(eks::role(&aws, &format!("refused-entry-{number}")).await);
    }
    refuses_each_call(emulator, |number| {
        let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned();
        let entry = AccessEntry {
            cluster: "refused-parts".into(),
            principal_arn: principals[number].clone(),
            groups: BTreeSet::new(),
            policies: [(view, BTreeSet::new())].into(),
            tags: tags("access.deploy"),
        };
        component("access.deploy", Kind::AwsAccessEntry, &entry)
    })
    .await;
    refuses_each_call(emulator, |number| {
        let cluster = eks::cluster(emulator, &format!("refused-{number}"), &role_arn);
        component("cluster", Kind::AwsCluster, &cluster)
    })
    .await;
}
