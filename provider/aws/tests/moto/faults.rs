//! Every call of a create is refused once: the failure names that call, and is never taken for something else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use mlops_aws::{Aws, Settings};
use mlops_environment::aws::{Key, LogGroup, Repository, Role};
use mlops_environment::component::{Component, Kind};
use mlops_environment::driver::{Driver, Reason};

use crate::documents::{allow, key_policy, trust};
use crate::harness::{Hurry, component, driver, settings, tags};
use crate::server::{Moto, moto};

/// Passes calls on, apart from the one whose turn it is.
#[derive(Debug)]
struct Refusing {
    inner: SharedHttpConnector,
    countdown: Arc<AtomicUsize>,
}

impl HttpConnector for Refusing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.countdown.fetch_sub(1, Ordering::SeqCst) == 0 {
            let status = 403.try_into().expect("403 is a status");
            return HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::empty())));
        }
        self.inner.call(request)
    }
}

async fn refuses_each_call(moto: &Moto, make: impl Fn(usize) -> Component) {
    let inner = driver(moto).await.connector();
    for number in 0..20 {
        let countdown = Arc::new(AtomicUsize::new(usize::MAX));
        let connector = Refusing {
            inner: inner.clone(),
            countdown: Arc::clone(&countdown),
        };
        let settings = Settings {
            connector: Some(SharedHttpConnector::new(connector)),
            ..settings(moto)
        };
        let aws = Aws::connect(settings).await.unwrap();
        aws.caller().await.unwrap();
        aws.calls().clear();
        countdown.store(number, Ordering::SeqCst);
        let wanted = make(number);
        match aws.create(&wanted, &Hurry::default()).await {
            Ok(_) => {
                assert!(
                    number >= 2,
                    "{}: only {number} calls were refused",
                    wanted.address
                );
                return;
            }
            Err(failure) => {
                let refused = &aws.calls().log()[number];
                assert_eq!(
                    (&failure.operation, failure.reason),
                    (refused, Reason::Denied),
                    "{failure:?}"
                );
            }
        }
    }
    panic!("a create of more than 20 calls");
}

#[tokio::test]
async fn a_refused_call_of_a_create_is_named() {
    let Some(moto) = moto() else { return };
    refuses_each_call(moto, |number| {
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
    refuses_each_call(moto, |number| {
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
    refuses_each_call(moto, |number| {
        let group = LogGroup {
            name: format!("/refused/{number}"),
            retention_days: 90,
            kms_key: None,
            tags: tags("logs"),
        };
        component("logs", Kind::AwsLogGroup, &group)
    })
    .await;
    refuses_each_call(moto, |number| {
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
}
