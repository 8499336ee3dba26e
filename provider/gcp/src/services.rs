//! APIs that must be enabled in the project. They are never disabled: others may use them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures::future::try_join_all;
use http::Method;
use mlops_environment::component::{Component, Observation, Outputs, Present};
use mlops_environment::driver::Monitor;
use mlops_environment::gcp::Services;
use serde_json::{Value, json};

use crate::driver::Gcp;
use crate::failure::{Outcome, missing};
use crate::mark::asking;
use crate::name::short;
use crate::object::{Changes, Object, Wanted, ready};
use crate::operation::awaited;

/// Most names in one `batchGet`: <https://cloud.google.com/service-usage/docs/reference/rest/v1/services/batchGet>
const ASKED: usize = 30;
/// Most names in one `batchEnable`.
const ENABLED: usize = 20;

impl Wanted<Services> {
    async fn enabled(&self, gcp: &Gcp) -> Outcome<BTreeSet<String>> {
        const OPERATION: &str = "serviceusage:BatchGetServices";
        let parent = format!("projects/{}", self.project);
        let url = gcp
            .clients
            .url("serviceusage", &format!("v1/{parent}/services:batchGet"));
        let names: Vec<String> = self
            .services
            .iter()
            .map(|service| format!("{parent}/services/{service}"))
            .collect();
        let pages = try_join_all(names.chunks(ASKED).map(|names| {
            let url = &url;
            async move {
                let query: Vec<(&str, &str)> = names.iter().map(|name| ("names", name.as_str())).collect();
                gcp.clients.rest(OPERATION, Method::GET, url, &query, None).await
            }
        }))
        .await?;
        let mut found = BTreeSet::new();
        for page in pages {
            let services = page
                .get("services")
                .and_then(Value::as_array)
                .ok_or_else(|| missing(OPERATION, "services"))?;
            found.extend(
                services
                    .iter()
                    .filter(|service| service.get("state").and_then(Value::as_str) == Some("ENABLED"))
                    .filter_map(|service| service.get("name").and_then(Value::as_str))
                    .map(|name| short(name).to_owned()),
            );
        }
        Ok(found)
    }

    async fn enable(&self, gcp: &Gcp, services: &[&String], monitor: &dyn Monitor) -> Outcome<()> {
        const OPERATION: &str = "serviceusage:BatchEnableServices";
        let base = gcp.clients.url("serviceusage", "v1");
        let url = format!("{base}/projects/{}/services:batchEnable", self.project);
        for services in services.chunks(ENABLED) {
            let body = json!({ "serviceIds": services });
            let answer = gcp
                .clients
                .rest(OPERATION, Method::POST, &url, &[], Some(&body))
                .await?;
            awaited(gcp, OPERATION, "APIs", &base, answer, monitor).await?;
            gcp.clients
                .enabled(services.iter().map(|service| service.as_str()));
        }
        Ok(())
    }

    fn present(&self, services: BTreeSet<String>) -> Present {
        let found = Services {
            services,
            ..self.0.clone()
        };
        let id = format!("projects/{}/services", self.project);
        ready(id, asking(&self.owner), &found, Outputs::new())
    }
}

#[async_trait]
impl Object for Wanted<Services> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let enabled = self.enabled(gcp).await?;
        Ok(if enabled.is_empty() {
            Observation::Absent
        } else {
            Observation::Present(self.present(enabled))
        })
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let all: Vec<&String> = self.services.iter().collect();
        self.enable(gcp, &all, monitor).await?;
        Ok(self.present(self.services.clone()))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        let enabled: BTreeSet<String> = change
            .found
            .properties
            .get("services")
            .and_then(|found| serde_json::from_value(found.clone()).ok())
            .unwrap_or_default();
        let lacking: Vec<&String> = self.services.difference(&enabled).collect();
        self.enable(gcp, &lacking, change.monitor).await
    }

    async fn delete(&self, _: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Ok(())
    }
}
