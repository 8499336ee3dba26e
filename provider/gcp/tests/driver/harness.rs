//! What the tests share: a driver at the scripted server, a monitor that hurries, and components.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use mlops_environment::component::{
    Address, Component, Kind, Management, Observation, OnDestroy, Present, Properties,
};
use mlops_environment::driver::{Driver, Monitor};
use mlops_gcp::{CredentialsSource, Gcp, Retry, SERVICES, Settings};
use serde::Serialize;
use serde_json::Value;

use crate::server::Server;

pub(crate) const PROJECT: &str = "acme";
pub(crate) const ENVIRONMENT: &str = "gcp/acme/europe-west4/shop";
pub(crate) const FAMILY: &str = "-1a2b3c@acme.iam.gserviceaccount.com";
pub(crate) const MARK: &str = r#"{"environment":"gcp/acme/europe-west4/shop","uid":"u1","component":"x"}"#;

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
        Box::pin(tokio::time::sleep(duration.min(Duration::from_millis(5))))
    }
}

/// A driver whose every service is the scripted server, each under its own path.
pub(crate) async fn driver(server: &Server) -> Gcp {
    Gcp::connect(Settings {
        project: Some(PROJECT.into()),
        credentials: Some(CredentialsSource::Token("dummy".into())),
        endpoints: SERVICES
            .iter()
            .map(|service| ((*service).to_owned(), format!("{}/{service}", server.url)))
            .collect(),
        retry: Retry {
            first_pause: Duration::from_millis(2),
            longest_pause: Duration::from_millis(10),
            ..Retry::default()
        },
        ..Settings::default()
    })
    .await
    .unwrap()
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
        outputs: Default::default(),
        after: Default::default(),
    }
}

pub(crate) async fn found(gcp: &Gcp, wanted: &Component) -> Present {
    match gcp.observe(wanted).await.unwrap() {
        Observation::Present(present) => present,
        Observation::Absent => panic!("{} is absent", wanted.address),
    }
}
