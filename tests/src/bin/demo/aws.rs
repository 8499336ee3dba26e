//! The local AWS.

use std::collections::BTreeMap;

use mlops_e2e::cloud::{Cloud, Network, REGION, SERVICES};
use serde_json::{Value, json};

use crate::Place;
use crate::run::Run;

const STATE: &str = "mlops-demo-state";

pub(crate) struct Aws<'a> {
    cloud: &'a Cloud,
    network: Network,
}

impl<'a> Aws<'a> {
    pub(crate) fn new(cloud: &'a Cloud) -> Result<Self, String> {
        Ok(Self {
            network: cloud.network()?,
            cloud,
        })
    }
}

impl Place for Aws<'_> {
    fn name(&self) -> &'static str {
        "AWS"
    }

    fn example(&self) -> &'static str {
        "aws-dev"
    }

    fn prepare(&self, run: &mut Run) -> Result<(), String> {
        let what = match self.cloud.sandbox() {
            Some(_) => "the project's own sandbox",
            None => "moto",
        };
        run.say(&format!("local AWS ({what}) on {}", self.cloud.url));
        run.say(&format!(
            "a network, as a platform team would have: {} with 3 zones",
            self.network.vpc_id
        ));
        self.cloud.state_bucket(STATE)?;
        run.say(&format!(
            "a bucket for the state: {STATE}, versioned, with lockfile; no state on this disk"
        ));
        run.set("AWS_ENDPOINT_URL_S3", &self.cloud.url);
        Ok(())
    }

    fn variables(&self) -> Result<Value, String> {
        let endpoints: BTreeMap<&str, &str> =
            SERVICES.map(|service| (service, self.cloud.url.as_str())).into();
        Ok(json!({
            "endpoints": endpoints,
            "network": {
                "vpc_id": self.network.vpc_id,
                "private_subnet_ids": self.network.private_subnet_ids,
                "public_subnet_ids": self.network.public_subnet_ids,
            },
        }))
    }

    fn backend(&self) -> Vec<String> {
        [
            ("bucket", STATE),
            ("key", "churn-dev/terraform.tfstate"),
            ("region", REGION),
            ("skip_credentials_validation", "true"),
            ("skip_requesting_account_id", "true"),
            ("use_path_style", "true"),
        ]
        .map(|(name, value)| format!("-backend-config={name}={value}"))
        .into()
    }

    fn identities(&self, _: &Value) -> Result<Vec<[String; 2]>, String> {
        let inventory = self.cloud.inventory()?;
        let mut rows = Vec::new();
        for (name, role) in inventory["roles"].as_object().into_iter().flatten() {
            let component = role["tags"]["mlops:component"].as_str().unwrap_or("");
            if role["tags"]["mlops:environment"].is_null() || !component.starts_with("identities.") {
                continue;
            }
            let may: Vec<&str> = role["inline"]
                .as_object()
                .into_iter()
                .flatten()
                .flat_map(|(_, document)| document["Statement"].as_array().into_iter().flatten())
                .filter_map(|statement| statement["Sid"].as_str())
                .collect();
            rows.push([name.clone(), may.join(", ")]);
        }
        Ok(rows)
    }

    fn marked(&self) -> Result<Vec<(String, Option<&'static str>)>, String> {
        const WAITS: &str = "keys in the window in which they can be brought back";
        let inventory = self.cloud.inventory()?;
        let mut left = Vec::new();
        for (kind, items) in inventory.as_object().into_iter().flatten() {
            for (name, item) in items.as_object().into_iter().flatten() {
                let tags = if kind == "clusters" {
                    &item["cluster"]["tags"]
                } else {
                    &item["tags"]
                };
                if !tags["mlops:environment"].is_null() {
                    let waits = item["state"] == "PendingDeletion";
                    left.push((format!("{kind} {name}"), waits.then_some(WAITS)));
                }
            }
        }
        Ok(left)
    }
}
