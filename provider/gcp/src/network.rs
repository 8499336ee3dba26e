//! The VPC network and subnetwork in use. They are somebody else's: looked at, never changed.

use async_trait::async_trait;
use futures::try_join;
use http::Method;
use mlops_environment::component::{Component, Observation, Owner, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::Network;
use serde_json::Value;

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, optional};
use crate::object::{Changes, Object, Wanted, outputs, ready};

fn not_ours(component: &Component) -> Failure {
    failure(
        "manage a network",
        Reason::Invalid,
        format!(
            "{}: networks are used, never made, changed or deleted",
            component.address
        ),
    )
}

impl Wanted<Network> {
    async fn get(&self, gcp: &Gcp, operation: &'static str, name: &str) -> Outcome<Value> {
        let url = gcp.clients.url("compute", &format!("compute/v1/{name}"));
        gcp.clients.rest(operation, Method::GET, &url, &[], None).await
    }
}

#[async_trait]
impl Object for Wanted<Network> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        const OPERATION: &str = "compute:GetSubnetwork";
        let found = try_join!(
            self.get(gcp, "compute:GetNetwork", &self.network),
            self.get(gcp, OPERATION, &self.subnetwork),
        );
        let Some((_, subnetwork)) = optional(found)? else {
            return Ok(Observation::Absent);
        };
        let of = subnetwork
            .get("network")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !of.ends_with(&self.network) {
            return Err(failure(
                OPERATION,
                Reason::Invalid,
                format!("{} is not in {} but in {of}", self.subnetwork, self.network),
            ));
        }
        let ranges: Vec<&str> = subnetwork
            .get("secondaryIpRanges")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|range| range.get("rangeName").and_then(Value::as_str))
            .collect();
        for (whose, range) in [("pods", &self.pods_range), ("services", &self.services_range)] {
            if !ranges.contains(&range.as_str()) {
                let has = if ranges.is_empty() {
                    "none".to_owned()
                } else {
                    ranges.join(", ")
                };
                return Err(failure(
                    OPERATION,
                    Reason::Invalid,
                    format!(
                        "{} has no secondary range {range:?} for {whose}; it has {has}",
                        self.subnetwork
                    ),
                ));
            }
        }
        let known = outputs([
            ("network", self.network.clone()),
            ("subnetwork", self.subnetwork.clone()),
        ]);
        Ok(Observation::Present(ready(
            &self.subnetwork,
            Owner::Unmarked,
            self,
            known,
        )))
    }

    async fn create(&self, _: &Gcp, component: &Component, _: &dyn Monitor) -> Outcome<Present> {
        Err(not_ours(component))
    }

    async fn update(&self, _: &Gcp, component: &Component, _: &Changes<'_>) -> Outcome<()> {
        Err(not_ours(component))
    }

    async fn delete(&self, _: &Gcp, component: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Err(not_ours(component))
    }
}
