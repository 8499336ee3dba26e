//! Workload identity pools and their OIDC providers. No crate of Google's covers them, so they are asked by REST.
//!
//! A deleted one keeps its id for thirty days, in which making it again is refused; it is brought back instead, enabled
//! and brought up to date. <https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers>

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use http::Method;
use mlops_environment::component::{Component, Observation, Owner, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::{WorkloadIdentityPool, WorkloadIdentityProvider};
use serde_json::{Value, json};

use crate::driver::Gcp;
use crate::failure::{Outcome, gone, optional};
use crate::mark;
use crate::name::{required, short};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::operation::awaited;
use crate::retry::Created;
use crate::wait::{LONG, SPREADING, patiently};

/// Said of a pool or provider that is switched off; an update switches it on.
const SWITCHED_OFF: &str = "is disabled";

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The calls that pools and providers share, under their own names.
struct Calls {
    get: &'static str,
    create: &'static str,
    update: &'static str,
    delete: &'static str,
    undelete: &'static str,
    /// Query parameter that names what is made.
    id: &'static str,
    /// How it is called in what we say.
    noun: &'static str,
}

const POOL: Calls = Calls {
    get: "iam:GetWorkloadIdentityPool",
    create: "iam:CreateWorkloadIdentityPool",
    update: "iam:UpdateWorkloadIdentityPool",
    delete: "iam:DeleteWorkloadIdentityPool",
    undelete: "iam:UndeleteWorkloadIdentityPool",
    id: "workloadIdentityPoolId",
    noun: "workload identity pool",
};

const PROVIDER: Calls = Calls {
    get: "iam:GetWorkloadIdentityPoolProvider",
    create: "iam:CreateWorkloadIdentityPoolProvider",
    update: "iam:UpdateWorkloadIdentityPoolProvider",
    delete: "iam:DeleteWorkloadIdentityPoolProvider",
    undelete: "iam:UndeleteWorkloadIdentityPoolProvider",
    id: "workloadIdentityPoolProviderId",
    noun: "workload identity provider",
};

/// Another operation on the same pool or provider is under way.
fn busy(failure: &Failure) -> bool {
    failure.reason == Reason::Conflict
        || (failure.reason == Reason::Invalid && failure.message.contains("operation in progress"))
}

/// One pool or provider, as the API sees it.
struct Resource<'a> {
    calls: &'static Calls,
    name: &'a str,
    body: Value,
    /// Everything in the body that can be changed.
    mask: &'static str,
    description: &'a str,
}

impl Resource<'_> {
    fn subject(&self) -> String {
        format!("{} {}", self.calls.noun, short(self.name))
    }

    fn url(&self, gcp: &Gcp) -> String {
        gcp.clients.url("iam", &format!("v1/{}", self.name))
    }

    async fn get(&self, gcp: &Gcp) -> Outcome<Option<Value>> {
        optional(
            gcp.clients
                .rest(self.calls.get, Method::GET, &self.url(gcp), &[], None)
                .await,
        )
    }

    async fn awaited(
        &self,
        gcp: &Gcp,
        operation: &'static str,
        answer: Value,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let base = gcp.clients.url("iam", "v1");
        awaited(gcp, operation, &self.subject(), &base, answer, monitor)
            .await
            .map(drop)
    }

    /// A call on what stands, waited for. `suffix` follows its URL: a verb or a query.
    async fn change(
        &self,
        gcp: &Gcp,
        (operation, method): (&'static str, Method),
        suffix: &str,
        body: Option<&Value>,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let url = format!("{}{suffix}", self.url(gcp));
        let answer = patiently(&self.subject(), LONG, monitor, busy, || {
            gcp.clients.rest(operation, method.clone(), &url, &[], body)
        })
        .await?;
        self.awaited(gcp, operation, answer, monitor).await
    }

    async fn patch(&self, gcp: &Gcp, mask: &str, monitor: &dyn Monitor) -> Outcome<()> {
        let call = (self.calls.update, Method::PATCH);
        let suffix = format!("?updateMask={mask}");
        self.change(gcp, call, &suffix, Some(&self.body), monitor).await
    }

    async fn create(&self, gcp: &Gcp, monitor: &dyn Monitor) -> Outcome<()> {
        let collection = self
            .name
            .rsplit_once('/')
            .map_or(self.name, |(collection, _)| collection);
        let url = gcp.clients.url("iam", &format!("v1/{collection}"));
        let query = [(self.calls.id, short(self.name))];
        let made = gcp
            .clients
            .rest_make(self.calls.create, &url, &query, &self.body)
            .await;
        let refused = match made {
            Ok(Created::Answered(answer)) => {
                return self.awaited(gcp, self.calls.create, answer, monitor).await;
            }
            // Being made by the request whose answer was lost: as wanted once it can be read.
            Ok(Created::Unanswered) => {
                let unseen = |failure: &Failure| failure.reason == Reason::NotFound;
                return patiently(&self.subject(), SPREADING, monitor, unseen, || {
                    self.patch(gcp, self.mask, monitor)
                })
                .await;
            }
            Err(refused) if refused.reason == Reason::AlreadyExists => refused,
            Err(refused) => return Err(refused),
        };
        let Some(found) = self.get(gcp).await? else {
            return Err(refused);
        };
        if text(&found, "/state") != "DELETED" {
            return Err(refused);
        }
        if !self.ours(&found) {
            return Err(Failure {
                message: format!(
                    "{} The {} was deleted and its id is taken until {}; it did not belong to this environment. Choose \
                     another name for the environment, or undelete it and adopt it.",
                    refused.message,
                    self.subject(),
                    found
                        .get("expireTime")
                        .and_then(Value::as_str)
                        .unwrap_or("it is purged"),
                ),
                ..refused
            });
        }
        monitor.progress(&format!(
            "{}: was deleted not long ago, brings it back",
            self.subject()
        ));
        let call = (self.calls.undelete, Method::POST);
        self.change(gcp, call, ":undelete", Some(&json!({})), monitor)
            .await?;
        self.patch(gcp, self.mask, monitor).await
    }

    /// Whether what was found carries this environment's mark, from whichever of its lives.
    fn ours(&self, found: &Value) -> bool {
        matches!(
            (mark::owner_by(text(found, "/description")), mark::owner_by(self.description)),
            (Owner::Environment { id: found, .. }, Owner::Environment { id: wanted, .. }) if found == wanted
        )
    }

    async fn delete(&self, gcp: &Gcp, monitor: &dyn Monitor) -> Outcome<()> {
        let call = (self.calls.delete, Method::DELETE);
        match gone(self.change(gcp, call, "", None, monitor).await) {
            // Deleted by a call whose answer was lost.
            Err(refused) if refused.reason == Reason::Invalid && alive(self.get(gcp).await?).is_none() => {
                Ok(())
            }
            other => other,
        }
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        let description = found
            .properties
            .get("description")
            .and_then(|description| mark::retained(description.as_str()?, now));
        let Some(description) = description else {
            return Ok(());
        };
        gcp.clients
            .rest(
                self.calls.update,
                Method::PATCH,
                &self.url(gcp),
                &[("updateMask", "description")],
                Some(&json!({ "description": description })),
            )
            .await
            .map(drop)
    }
}

/// The name with the project's number, as principals are written.
async fn numbered(gcp: &Gcp, name: &str) -> Outcome<String> {
    let id = required(name, "projects")?;
    let number = &gcp.project().await?.number;
    Ok(name.replacen(&format!("projects/{id}/"), &format!("projects/{number}/"), 1))
}

fn alive(found: Option<Value>) -> Option<Value> {
    found.filter(|found| text(found, "/state") != "DELETED")
}

fn switched_off(found: &Value) -> Vec<String> {
    (found.get("disabled") == Some(&Value::Bool(true)))
        .then(|| SWITCHED_OFF.to_owned())
        .into_iter()
        .collect()
}

/// The paths of an update mask whose properties change; `disabled` where it is to be switched on.
fn changed_mask(change: &Changes<'_>, paths: &[(&str, &str)]) -> String {
    let mut mask: Vec<&str> = paths
        .iter()
        .filter(|(property, _)| change.any(&[property]))
        .map(|(_, path)| *path)
        .collect();
    if change.foreign() {
        mask.push("disabled");
    }
    mask.join(",")
}

impl Wanted<WorkloadIdentityPool> {
    fn resource(&self) -> Resource<'_> {
        Resource {
            calls: &POOL,
            name: &self.name,
            body: json!({
                "displayName": self.display_name,
                "description": self.description,
                "disabled": false,
            }),
            mask: "displayName,description,disabled",
            description: &self.description,
        }
    }
}

#[async_trait]
impl Object for Wanted<WorkloadIdentityPool> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let Some(pool) = alive(self.resource().get(gcp).await?) else {
            return Ok(Observation::Absent);
        };
        let found = WorkloadIdentityPool {
            name: self.name.clone(),
            display_name: text(&pool, "/displayName").to_owned(),
            description: text(&pool, "/description").to_owned(),
        };
        let known = outputs([("name", numbered(gcp, &self.name).await?)]);
        let mut present = ready(&self.name, mark::owner_by(&found.description), &found, known);
        present.foreign = switched_off(&pool);
        Ok(Observation::Present(present))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        self.resource().create(gcp, monitor).await?;
        let known = outputs([("name", numbered(gcp, &self.name).await?)]);
        Ok(ready(&self.name, mark::owner_by(&self.description), self, known))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(POOL.update, &["name"])?;
        let mask = changed_mask(
            change,
            &[("display_name", "displayName"), ("description", "description")],
        );
        if mask.is_empty() {
            return Ok(());
        }
        self.resource().patch(gcp, &mask, change.monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.resource().delete(gcp, monitor).await
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        self.resource().retain(gcp, found, now).await
    }
}

impl Wanted<WorkloadIdentityProvider> {
    fn resource(&self) -> Resource<'_> {
        Resource {
            calls: &PROVIDER,
            name: &self.name,
            body: json!({
                "displayName": self.display_name,
                "description": self.description,
                "disabled": false,
                "attributeMapping": self.attribute_mapping,
                "attributeCondition": self.attribute_condition,
                "oidc": { "issuerUri": self.issuer, "allowedAudiences": self.audiences },
            }),
            mask: "displayName,description,disabled,attributeMapping,attributeCondition,oidc",
            description: &self.description,
        }
    }
}

#[async_trait]
impl Object for Wanted<WorkloadIdentityProvider> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let Some(provider) = alive(self.resource().get(gcp).await?) else {
            return Ok(Observation::Absent);
        };
        let audiences: BTreeSet<String> = provider
            .pointer("/oidc/allowedAudiences")
            .and_then(|audiences| serde_json::from_value(audiences.clone()).ok())
            .unwrap_or_default();
        let attribute_mapping: BTreeMap<String, String> = provider
            .get("attributeMapping")
            .and_then(|mapping| serde_json::from_value(mapping.clone()).ok())
            .unwrap_or_default();
        let found = WorkloadIdentityProvider {
            name: self.name.clone(),
            issuer: text(&provider, "/oidc/issuerUri").to_owned(),
            audiences,
            attribute_mapping,
            attribute_condition: text(&provider, "/attributeCondition").to_owned(),
            display_name: text(&provider, "/displayName").to_owned(),
            description: text(&provider, "/description").to_owned(),
        };
        let known = outputs([("name", numbered(gcp, &self.name).await?)]);
        let mut present = ready(&self.name, mark::owner_by(&found.description), &found, known);
        present.foreign = switched_off(&provider);
        Ok(Observation::Present(present))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        self.resource().create(gcp, monitor).await?;
        let known = outputs([("name", numbered(gcp, &self.name).await?)]);
        Ok(ready(&self.name, mark::owner_by(&self.description), self, known))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(PROVIDER.update, &["name", "issuer"])?;
        let mask = changed_mask(
            change,
            &[
                ("display_name", "displayName"),
                ("description", "description"),
                ("audiences", "oidc"),
                ("attribute_mapping", "attributeMapping"),
                ("attribute_condition", "attributeCondition"),
            ],
        );
        if mask.is_empty() {
            return Ok(());
        }
        self.resource().patch(gcp, &mask, change.monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.resource().delete(gcp, monitor).await
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        self.resource().retain(gcp, found, now).await
    }
}
