//! What each purpose may do and who enters it, as the documents that the cloud takes: to be reviewed, or for whoever makes
//! identities themselves. They are read off the components, so they are what an apply writes.

use std::collections::BTreeMap;

use mlops_access::Purpose;
use mlops_access::generate::gcp::Grant;
use serde_json::{Value, json};

use crate::component::{Component, Kind};
use crate::environment::Environment;
use crate::guard;
use crate::spec::CloudSpec;

/// One identity's documents. What is known only once the environment stands is a reference in them: `@{keys.storage:arn}`.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionSet {
    /// What it is for.
    pub purpose: Purpose,
    /// The service it is for; none: the whole environment.
    pub service: Option<String>,
    /// ARN of the role, or e-mail of the account.
    pub principal: String,
    /// Who enters: the role's trust policy, or the policy on the account. JSON.
    pub trust: String,
    /// What it may do, JSON by name: the role's inline policies, or the bindings on each thing.
    pub permissions: BTreeMap<String, String>,
    /// What it may never do, whatever else is attached: the permissions boundary. JSON; none on Google Cloud.
    pub boundary: Option<String>,
}

impl Environment {
    /// The documents of every identity, by address without `identities.`: `ci`, `runtime.churn`.
    pub fn permission_sets(&self) -> BTreeMap<String, PermissionSet> {
        match &self.spec.cloud {
            CloudSpec::Aws(_) => self.on_aws(),
            CloudSpec::Gcp(gcp) => {
                let scope = crate::gcp::scope(&self.spec, gcp);
                let documents = guard::gcp_documents(&scope, &self.components);
                let identities = documents.identities.into_iter().filter_map(|identity| {
                    let principal = identity.member.trim_start_matches("serviceAccount:").to_owned();
                    let (purpose, service) = (identity.purpose, identity.service);
                    let name = key(purpose, service.as_deref());
                    self.component(&format!("identities.{name}"))?;
                    let set = PermissionSet {
                        purpose,
                        service,
                        principal,
                        trust: policy(&identity.entrances),
                        permissions: by_place(identity.grants),
                        boundary: None,
                    };
                    asked(purpose).then_some((name, set))
                });
                identities.collect()
            }
        }
    }

    fn on_aws(&self) -> BTreeMap<String, PermissionSet> {
        let roles = self
            .components
            .iter()
            .filter(|component| component.kind == Kind::AwsRole);
        roles.filter_map(|role| self.role_of(role)).collect()
    }

    fn role_of(&self, role: &Component) -> Option<(String, PermissionSet)> {
        let name = role.address.as_str().strip_prefix("identities.")?;
        let (purpose, service) = match name.split_once('.') {
            Some((purpose, service)) => (purpose, Some(service.to_owned())),
            None => (name, None),
        };
        let purpose: Purpose = purpose.parse().ok().filter(|purpose| asked(*purpose))?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let permissions = role.properties.get("inline_policies").and_then(Value::as_object);
        let boundary = self.component(&format!("boundaries.{purpose}"));
        let set = PermissionSet {
            purpose,
            service,
            principal: role.outputs.get("arn").cloned().unwrap_or_default(),
            trust: text(role.properties.get("trust")).unwrap_or_default(),
            permissions: permissions
                .into_iter()
                .flatten()
                .filter_map(|(name, document)| Some((name.clone(), document.as_str()?.to_owned())))
                .collect(),
            boundary: boundary.and_then(|boundary| text(boundary.properties.get("document"))),
        };
        Some((name.to_owned(), set))
    }
}

/// Whether a purpose is one of the five.
fn asked(purpose: Purpose) -> bool {
    Purpose::FIVE.contains(&purpose)
}

fn key(purpose: Purpose, service: Option<&str>) -> String {
    service.map_or_else(|| purpose.to_string(), |service| format!("{purpose}.{service}"))
}

/// Grants as a policy, in the form of `gcloud … set-iam-policy`. Conditions need version 3.
fn policy(grants: &[Grant]) -> String {
    let bindings: Vec<Value> = grants
        .iter()
        .map(|grant| {
            let mut binding = json!({ "role": grant.role, "members": [grant.member] });
            if let Some(condition) = &grant.condition {
                binding["condition"] =
                    json!({ "title": condition.title, "expression": condition.expression });
            }
            binding
        })
        .collect();
    json!({ "version": 3, "bindings": bindings }).to_string()
}

fn by_place(grants: Vec<Grant>) -> BTreeMap<String, String> {
    let mut places: BTreeMap<String, Vec<Grant>> = BTreeMap::new();
    for grant in grants {
        places.entry(grant.resource.to_string()).or_default().push(grant);
    }
    places
        .into_iter()
        .map(|(place, grants)| (place, policy(&grants)))
        .collect()
}
