//! A Secret Manager secret with its grants: its name and who may read it, never its value.

use async_trait::async_trait;
use futures::try_join;
use google_cloud_iam_v1::model::Policy;
use google_cloud_secretmanager_v1::model::replication::user_managed::Replica;
use google_cloud_secretmanager_v1::model::replication::{self, UserManaged};
use google_cloud_secretmanager_v1::model::{CustomerManagedEncryption, Replication, Secret as Found};
use google_cloud_wkt::FieldMask;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::Secret;

use crate::driver::Gcp;
use crate::failure::{Outcome, gone, optional};
use crate::mark;
use crate::name::{as_wanted, required, short};
use crate::object::{Changes, Object, Wanted, outputs, ready, standing};
use crate::policy::{self, Delta, modify_policy, read_policy};
use crate::retry::Created;
use crate::wait::{SPREADING, patiently};

/// Secret Manager does not see a grant on the key that was made moments ago.
fn key_unseen(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::Denied | Reason::Invalid)
        && (failure.message.contains("cryptoKey") || failure.message.contains("KMS"))
}

impl Wanted<Secret> {
    fn replication(&self) -> Replication {
        let replica = Replica::new()
            .set_location(&self.location)
            .set_or_clear_customer_managed_encryption(
                self.kms_key
                    .as_ref()
                    .map(|key| CustomerManagedEncryption::new().set_kms_key_name(key)),
            );
        Replication::new().set_user_managed(UserManaged::new().set_replicas([replica]))
    }

    async fn get(&self, gcp: &Gcp) -> Outcome<Found> {
        gcp.clients
            .call("secretmanager:GetSecret", || {
                gcp.clients.secrets.get_secret().set_name(&self.name).send()
            })
            .await
    }

    async fn patch(&self, gcp: &Gcp, secret: Found, paths: &[&str]) -> Outcome<()> {
        let secret = secret.set_name(&self.name);
        gcp.clients
            .call("secretmanager:UpdateSecret", || {
                gcp.clients
                    .secrets
                    .update_secret()
                    .set_secret(secret.clone())
                    .set_update_mask(FieldMask::default().set_paths(paths.iter().copied()))
                    .send()
            })
            .await
            .map(drop)
    }

    fn present(&self, secret: &Found, policy: &Policy) -> Present {
        let replica = match secret
            .replication
            .as_ref()
            .and_then(|replication| replication.replication.as_ref())
        {
            Some(replication::Replication::UserManaged(managed)) => managed.replicas.first(),
            _ => None,
        };
        let kms_key = replica
            .and_then(|replica| replica.customer_managed_encryption.as_ref())
            .map(|encryption| {
                as_wanted(
                    &encryption.kms_key_name,
                    self.kms_key.as_deref().unwrap_or_default(),
                )
            });
        let found = Secret {
            name: self.name.clone(),
            // Kept everywhere, where Google chooses.
            location: replica.map_or_else(|| "automatic".to_owned(), |replica| replica.location.clone()),
            kms_key,
            grants: policy::of_environment(policy, &self.grants, &self.family),
            family: self.family.clone(),
            tags: mark::found(&secret.labels),
        };
        let known = outputs([("name", self.name.clone())]);
        let mut present = ready(&self.name, mark::owner(&found.tags), &found, known);
        present.foreign = policy::foreign(policy, &self.grants, &self.family, "");
        present
    }

    async fn grant(
        &self,
        gcp: &Gcp,
        delta: &Delta,
        known: Option<Policy>,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let resource = &self.name;
        let subject = format!("secret {}", short(&self.name));
        modify_policy!(
            gcp,
            secrets,
            "secretmanager",
            resource,
            &subject,
            "",
            delta,
            known,
            monitor
        )
        .await
    }
}

#[async_trait]
impl Object for Wanted<Secret> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let resource = &self.name;
        let found = try_join!(
            self.get(gcp),
            read_policy!(gcp, secrets, "secretmanager", resource)
        );
        Ok(match optional(found)? {
            Some((secret, policy)) => Observation::Present(self.present(&secret, &policy)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, component: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let subject = format!("secret {}", short(&self.name));
        let parent = &format!("projects/{}", required(&self.name, "projects")?);
        let wanted = Found::new()
            .set_replication(self.replication())
            .set_labels(self.tags.clone());
        let made = patiently(&subject, SPREADING, monitor, key_unseen, || {
            gcp.clients.make("secretmanager:CreateSecret", || {
                gcp.clients
                    .secrets
                    .create_secret()
                    .set_parent(parent)
                    .set_secret_id(short(&self.name))
                    .set_secret(wanted.clone())
                    .send()
            })
        })
        .await?;
        let fresh = matches!(made, Created::Answered(_));
        if !self.grants.is_empty() {
            let delta = Delta {
                add: self.grants.clone(),
                ..Delta::default()
            };
            self.grant(gcp, &delta, fresh.then(Policy::new), monitor).await?;
        }
        if !fresh {
            return standing(gcp, self, component).await;
        }
        let known = outputs([("name", self.name.clone())]);
        Ok(ready(&self.name, mark::owner(&self.tags), self, known))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("secretmanager:UpdateSecret", &["name", "location"])?;
        let (mut secret, mut paths) = (Found::new(), Vec::new());
        if change.any(&["kms_key"]) {
            secret = secret.set_replication(self.replication());
            paths.push("replication");
        }
        if let Some(tags) = change.of("tags") {
            secret = secret.set_labels(mark::changed(&self.get(gcp).await?.labels, tags));
            paths.push("labels");
        }
        if !paths.is_empty() {
            self.patch(gcp, secret, &paths).await?;
        }
        if change.any(&["grants"]) || change.foreign() {
            let delta = Delta {
                add: self.grants.clone(),
                remove: change.withdrawn("grants"),
                remove_lines: change.found.foreign.clone(),
            };
            self.grant(gcp, &delta, None, change.monitor).await?;
        }
        Ok(())
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        gone(
            gcp.clients
                .call("secretmanager:DeleteSecret", || {
                    gcp.clients.secrets.delete_secret().set_name(&self.name).send()
                })
                .await,
        )
    }

    async fn retain(&self, gcp: &Gcp, _: &Present, now: &str) -> Outcome<()> {
        let mut labels = self.get(gcp).await?.labels;
        labels.insert(mark::RETAINED_AT.to_owned(), mark::label_time(now));
        self.patch(gcp, Found::new().set_labels(labels), &["labels"])
            .await
    }
}
