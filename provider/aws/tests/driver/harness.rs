//! What the tests share: a driver at the emulator, a monitor that hurries, and an environment's components.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use mlops_aws::{AssumeRoleWithWebIdentity, Aws, SERVICES, Settings};
use mlops_environment::aws::Tags;
use mlops_environment::component::{
    Address, Component, Kind, Management, Observation, OnDestroy, Owner, Present, Properties, Status,
};
use mlops_environment::driver::{Driver, Failure, Monitor, Reason};
use mlops_environment::plan::Change;
use serde::Serialize;
use serde_json::Value;

use crate::server::{Emulator, emulator};

pub(crate) use crate::server::ACCOUNT;
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ENVIRONMENT: &str = "aws/some-account/eu-central-1/test";
pub(crate) const UID: &str = "0b9c2f7e-8a51-4a57-9d1e-1f6f1c9f5a10";

/// Waits much shorter than asked for, and keeps what was said.
#[derive(Default)]
pub(crate) struct Hurry(pub(crate) Mutex<Vec<String>>);

impl Monitor for Hurry {
    fn progress(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn cancelled(&self) -> bool {
        false
    }
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration.min(Duration::from_millis(40))))
    }
}

pub(crate) fn settings(emulator: &Emulator) -> Settings {
    Settings {
        region: Some(REGION.into()),
        // The way of CI: a token for a session, and no key anywhere.
        assume_role_with_web_identity: Some(AssumeRoleWithWebIdentity {
            role_arn: format!("arn:aws:iam::{ACCOUNT}:role/provisioner"),
            token_file: emulator.token.clone(),
            session_name: None,
        }),
        endpoints: SERVICES
            .iter()
            .map(|service| ((*service).to_owned(), emulator.url.clone()))
            .collect(),
        ..Settings::default()
    }
}

/// A driver at the emulator.
pub(crate) async fn driver(emulator: &Emulator) -> Aws {
    Aws::connect(settings(emulator)).await.unwrap()
}

pub(crate) fn tags(component: &str) -> Tags {
    BTreeMap::from([
        ("mlops:environment".to_owned(), ENVIRONMENT.to_owned()),
        ("mlops:uid".to_owned(), UID.to_owned()),
        ("mlops:component".to_owned(), component.to_owned()),
        (
            "mlops:managed-by".to_owned(),
            "terraform-provider-mlops".to_owned(),
        ),
    ])
}

pub(crate) fn properties(typed: &impl Serialize) -> Properties {
    match serde_json::to_value(typed).unwrap() {
        Value::Object(map) => map.into_iter().collect(),
        other => panic!("{other}"),
    }
}

pub(crate) fn component(address: &str, kind: Kind, typed: &impl Serialize) -> Component {
    Component {
        address: Address::new(&[address]),
        kind,
        management: Management::Create,
        on_destroy: OnDestroy::Delete,
        id: None,
        properties: properties(typed),
        outputs: BTreeMap::new(),
        after: Default::default(),
    }
}

/// Where the cloud tells something else than is wanted.
pub(crate) fn diff(wanted: &Component, found: &Present) -> Vec<Change> {
    wanted
        .properties
        .iter()
        .filter_map(|(property, to)| {
            let from = found.properties.get(property)?;
            (from != to).then(|| Change {
                property: property.clone(),
                from: from.clone(),
                to: to.clone(),
            })
        })
        .collect()
}

/// Passes calls on, and loses the answer to the first of one operation (its `X-Amz-Target`).
#[derive(Debug, Clone)]
pub(crate) struct Losing {
    pub(crate) inner: SharedHttpConnector,
    pub(crate) target: &'static str,
    pub(crate) lost: Arc<AtomicUsize>,
}

impl HttpConnector for Losing {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let chosen = request.headers().get("x-amz-target") == Some(self.target);
        let answer = self.inner.call(request);
        if !chosen || self.lost.load(Ordering::SeqCst) > 0 {
            return answer;
        }
        self.lost.fetch_add(1, Ordering::SeqCst);
        HttpConnectorFuture::new(async move {
            answer.await?;
            Err(ConnectorError::io("connection reset by peer".into()))
        })
    }
}

/// Passes calls on, apart from the one whose turn it is.
#[derive(Debug)]
pub(crate) struct Refusing {
    pub(crate) inner: SharedHttpConnector,
    pub(crate) countdown: Arc<AtomicUsize>,
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

/// Does something again and again, each time with a later one of its calls refused, until it goes through with none.
/// Every refusal is told by the call that was refused, and never taken for something else.
pub(crate) async fn refused_in_turn<T>(
    aws: &Aws,
    what: &str,
    act: impl AsyncFn(&Aws) -> Result<T, Failure>,
) -> T {
    let emulator = emulator().expect("a driver stands, so its cloud does");
    for number in 0..80 {
        let countdown = Arc::new(AtomicUsize::new(usize::MAX));
        let connector = Refusing {
            inner: aws.connector(),
            countdown: Arc::clone(&countdown),
        };
        let settings = Settings {
            connector: Some(SharedHttpConnector::new(connector)),
            ..settings(emulator)
        };
        let refusing = Aws::connect(settings).await.unwrap();
        refusing.caller().await.unwrap();
        refusing.calls().clear();
        countdown.store(number, Ordering::SeqCst);
        let result = act(&refusing).await;
        let calls = refusing.calls().log();
        match result {
            Ok(value) => {
                assert!(
                    calls.len() <= number,
                    "{what}: call {number} was refused and nobody minded: {calls:?}"
                );
                return value;
            }
            Err(failure) => {
                assert_eq!(failure.reason, Reason::Denied, "{what}: {failure:?}");
                assert!(
                    calls.contains(&failure.operation),
                    "{what}: {} is none of {calls:?}",
                    failure.operation
                );
            }
        }
    }
    panic!("{what} takes more than 80 calls");
}

pub(crate) async fn present(aws: &Aws, component: &Component) -> Present {
    match aws.observe(component).await.unwrap() {
        Observation::Present(present) => present,
        Observation::Absent => panic!("{} is absent", component.address),
    }
}

/// Makes a component, and sees that it is as wanted, ours and ready.
pub(crate) async fn made(aws: &Aws, wanted: &Component) -> Present {
    let monitor = Hurry::default();
    assert_eq!(
        aws.observe(wanted).await.unwrap(),
        Observation::Absent,
        "{}",
        wanted.address
    );
    let made = aws
        .create(wanted, &monitor)
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", wanted.address));
    assert_eq!(
        diff(wanted, &made),
        [],
        "{}: create reports what is wanted",
        wanted.address
    );
    let found = present(aws, wanted).await;
    assert_eq!(
        diff(wanted, &found),
        [],
        "{}: a second plan is empty",
        wanted.address
    );
    assert_eq!(found.foreign, Vec::<String>::new(), "{}", wanted.address);
    assert_eq!(found.status, Status::Ready, "{}", wanted.address);
    assert_eq!(
        found.owner,
        Owner::Environment {
            id: ENVIRONMENT.into(),
            uid: UID.into()
        },
        "{}",
        wanted.address
    );
    assert_eq!(
        (&made.id, &made.outputs),
        (&found.id, &found.outputs),
        "{}",
        wanted.address
    );
    found
}

/// Brings a component in line with what is now wanted, and sees that it is.
pub(crate) async fn changed(aws: &Aws, wanted: &Component) -> Present {
    let found = present(aws, wanted).await;
    let changes = diff(wanted, &found);
    assert!(
        !changes.is_empty() || !found.foreign.is_empty(),
        "{}: nothing to change",
        wanted.address
    );
    // Looked at anew each time, and waited for, as an apply that follows a refused one does.
    let after = refused_in_turn(aws, &format!("update of {}", wanted.address), async |refusing| {
        let mut found = present(aws, wanted).await;
        if matches!(found.status, Status::InProgress { .. }) {
            let settled = aws.settle(wanted, &found, &Hurry::default()).await.unwrap();
            let Observation::Present(standing) = settled else {
                panic!("{} is gone", wanted.address)
            };
            found = standing;
        }
        let changes = diff(wanted, &found);
        if changes.is_empty() && found.foreign.is_empty() {
            return Ok(found);
        }
        refusing.update(wanted, &found, &changes, &Hurry::default()).await
    })
    .await;
    assert_eq!(diff(wanted, &after), [], "{}: after the update", wanted.address);
    assert_eq!(after.foreign, Vec::<String>::new(), "{}", wanted.address);
    after
}

/// Deletes a component, each call refused once; then once more, when it is gone already.
pub(crate) async fn deleted(aws: &Aws, wanted: &Component) {
    let found = refused_in_turn(aws, &format!("look at {}", wanted.address), async |aws| {
        aws.observe(wanted).await
    })
    .await;
    let Observation::Present(found) = found else {
        panic!("{} is absent", wanted.address)
    };
    refused_in_turn(aws, &format!("deletion of {}", wanted.address), async |aws| {
        aws.delete(wanted, &found, &Hurry::default()).await
    })
    .await;
    gone(aws, wanted, &found).await;
}

/// Deletes what was found, and looks.
pub(crate) async fn gone(aws: &Aws, wanted: &Component, found: &Present) {
    aws.delete(wanted, found, &Hurry::default())
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", wanted.address));
    assert_eq!(
        aws.observe(wanted).await.unwrap(),
        Observation::Absent,
        "{}",
        wanted.address
    );
}

/// The whole life of a component: made as `first`, changed to `second`, deleted.
pub(crate) async fn life(aws: &Aws, first: &Component, second: &Component) {
    made(aws, first).await;
    changed(aws, second).await;
    deleted(aws, second).await;
}

/// Runs a few lines of boto3 at a cloud, with `client(service)` at hand; what they print as JSON comes back.
pub(crate) fn boto3(python: &std::path::Path, url: &str, script: &str) -> Value {
    let prelude = format!(
        "import boto3, json\n\
         def client(service):\n    return boto3.client(service, endpoint_url={url:?}, region_name='eu-central-1', \
         aws_access_key_id='test', aws_secret_access_key='test')\n\
         def show(value): print(json.dumps(value, default=str))\n",
    );
    let output = std::process::Command::new(python)
        .arg("-c")
        .arg(format!("{prelude}{script}"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "boto3: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
}
