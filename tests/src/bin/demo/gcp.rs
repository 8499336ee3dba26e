//! The local Google Cloud.

use std::collections::BTreeMap;

use mlops_e2e::gcp::{
    DUMMY_TOKEN, PROJECT, REGION, backend, endpoints_variable, furnish, grants, left, network_variable,
    state_bucket,
};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::Place;
use crate::run::Run;

const STATE: &str = "mlops-demo-state-gcp";

pub(crate) struct Gcp<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Gcp<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox }
    }
}

impl Place for Gcp<'_> {
    fn name(&self) -> &'static str {
        "Google Cloud"
    }

    fn example(&self) -> &'static str {
        "gcp-dev"
    }

    fn prepare(&self, run: &mut Run) -> Result<(), String> {
        run.say(&format!(
            "local Google Cloud (the project's own sandbox) on {}/gcp",
            self.sandbox.url
        ));
        furnish(self.sandbox);
        run.say(&format!(
            "a project and its network, as a platform team would have: {PROJECT}, ml in {REGION}"
        ));
        state_bucket(self.sandbox, STATE)?;
        run.say(&format!(
            "a bucket for the state: {STATE}, versioned, locked while in use; no state on this disk"
        ));
        run.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
        Ok(())
    }

    fn variables(&self) -> Result<Value, String> {
        Ok(json!({
            "project": PROJECT,
            "network": network_variable(),
            "endpoints": endpoints_variable(self.sandbox),
        }))
    }

    fn backend(&self) -> Vec<String> {
        backend(self.sandbox, STATE).into()
    }

    fn identities(&self, environment: &Value) -> Result<Vec<[String; 2]>, String> {
        let buckets = short_names(environment);
        let short = |on: &str| -> String {
            let (kind, name) = on.split_once(' ').unwrap_or(("", on));
            match kind {
                "bucket" | "folder" => {
                    let (bucket, rest) = name.split_once('/').unwrap_or((name, ""));
                    let purpose = buckets.get(bucket).map_or(bucket, String::as_str);
                    format!("{purpose}/{rest}")
                }
                _ => on.to_owned(),
            }
        };
        let mut rows = BTreeMap::new();
        for (purpose, account) in accounts(environment) {
            let member = format!("serviceAccount:{account}");
            let may: Vec<String> = grants(self.sandbox)
                .iter()
                .filter(|grant| grant.member == member)
                .map(|grant| {
                    let role = grant.role.trim_start_matches("roles/");
                    format!("{role} on {}", short(&grant.on))
                })
                .collect();
            rows.insert(purpose, may.join(", "));
        }
        Ok(rows.into_iter().map(|(purpose, may)| [purpose, may]).collect())
    }

    fn marked(&self) -> Result<Vec<(String, Option<&'static str>)>, String> {
        Ok(left(self.sandbox))
    }
}

/// Purposes by the buckets' names.
fn short_names(environment: &Value) -> BTreeMap<String, String> {
    environment["bucket_info"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(purpose, info)| Some((info["name"].as_str()?.to_owned(), purpose.clone())))
        .collect()
}

/// `(runtime churn, rt-…@…)` of every identity.
fn accounts(environment: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (purpose, info) in environment["identity_info"].as_object().into_iter().flatten() {
        if let Some(account) = info["principal"].as_str() {
            found.push((purpose.clone(), account.to_owned()));
            continue;
        }
        for (service, info) in info.as_object().into_iter().flatten() {
            if let Some(account) = info["principal"].as_str() {
                found.push((format!("{purpose} {service}"), account.to_owned()));
            }
        }
    }
    found
}
