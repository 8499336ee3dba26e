//! A symmetric KMS key with the grants of the service agents that use it.
//!
//! The name of a key is taken for ever. So deleting one means: its grants go and its versions are scheduled for
//! destruction, from which they can be brought back for some weeks. A key of ours without a living version counts as
//! absent; making it brings the versions back, or gives it a new one.

use std::collections::BTreeSet;
use std::time::SystemTime;

use async_trait::async_trait;
use futures::future::try_join_all;
use futures::try_join;
use google_cloud_iam_v1::model::Policy;
use google_cloud_kms_v1::model::crypto_key::{CryptoKeyPurpose, RotationSchedule};
use google_cloud_kms_v1::model::crypto_key_version::CryptoKeyVersionState as State;
use google_cloud_kms_v1::model::{CryptoKey, CryptoKeyVersion};
use google_cloud_wkt::{Duration, FieldMask, Timestamp};
use mlops_environment::component::{Component, Management, Observation, Owner, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::{Grant, Key, ServiceAgent};

use crate::cluster::Quiet;
use crate::driver::Gcp;
use crate::failure::{Outcome, gone, optional};
use crate::name::{parent, short};
use crate::object::{Changes, Object, Wanted, outputs, ready, standing};
use crate::policy::{self, Delta, modify_policy, read_policy};
use crate::retry::Created;
use crate::{agents, glance, mark};

/// What an agent may do with the key.
const USER: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";
/// Said of a key that cannot be used because somebody switched its primary version off.
const SWITCHED_OFF: &str = "the primary version is disabled";
const DAY: i64 = 86_400;

/// All agents that can be wanted: one that is not must be known to be told.
const AGENTS: [ServiceAgent; 5] = [
    ServiceAgent::ArtifactRegistry,
    ServiceAgent::Container,
    ServiceAgent::Logging,
    ServiceAgent::SecretManager,
    ServiceAgent::Storage,
];

fn use_by(email: &str) -> Grant {
    Grant {
        role: USER.to_owned(),
        member: format!("serviceAccount:{email}"),
        condition: None,
    }
}

impl Wanted<Key> {
    async fn get(&self, gcp: &Gcp) -> Outcome<CryptoKey> {
        gcp.clients
            .call("cloudkms:GetCryptoKey", || {
                gcp.clients.keys.get_crypto_key().set_name(&self.name).send()
            })
            .await
    }

    /// The key as its ring's list tells it, where many are looked at and the ring is ours; else asked for alone.
    async fn look(&self, gcp: &Gcp, component: &Component) -> Outcome<CryptoKey> {
        let ring = self.name.split("/cryptoKeys/").next().unwrap_or_default();
        let listed = match component.management {
            Management::Create => glance::key(gcp, ring, &self.name).await?,
            _ => None,
        };
        match listed {
            Some(key) => Ok(key),
            None => self.get(gcp).await,
        }
    }

    async fn versions(&self, gcp: &Gcp) -> Outcome<Vec<CryptoKeyVersion>> {
        let (mut found, mut page) = (Vec::new(), String::new());
        loop {
            let answer = gcp
                .clients
                .call("cloudkms:ListCryptoKeyVersions", || {
                    gcp.clients
                        .keys
                        .list_crypto_key_versions()
                        .set_parent(&self.name)
                        .set_page_token(&page)
                        .send()
                })
                .await?;
            found.extend(answer.crypto_key_versions);
            if answer.next_page_token.is_empty() {
                return Ok(found);
            }
            page = answer.next_page_token;
        }
    }

    /// The rotation, the next one being so many days from now.
    fn rotating(&self, key: CryptoKey) -> CryptoKey {
        let period = self.rotation_days * DAY;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or_default());
        key.set_rotation_period(Duration::clamp(period, 0))
            .set_next_rotation_time(Timestamp::clamp(now + period, 0))
    }

    async fn patch(&self, gcp: &Gcp, key: CryptoKey, paths: &[&str]) -> Outcome<()> {
        let key = key.set_name(&self.name);
        gcp.clients
            .call("cloudkms:UpdateCryptoKey", || {
                gcp.clients
                    .keys
                    .update_crypto_key()
                    .set_crypto_key(key.clone())
                    .set_update_mask(FieldMask::default().set_paths(paths.iter().copied()))
                    .send()
            })
            .await
            .map(drop)
    }

    /// The grants of the wanted agents, each made to exist.
    async fn uses(&self, gcp: &Gcp, monitor: &dyn Monitor) -> Outcome<BTreeSet<Grant>> {
        let mut uses = BTreeSet::new();
        for agent in &self.agents {
            uses.insert(use_by(&agents::existing(gcp, *agent, monitor).await?));
        }
        Ok(uses)
    }

    async fn grant(
        &self,
        gcp: &Gcp,
        delta: &Delta,
        known: Option<Policy>,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let resource = &self.name;
        let subject = format!("key {}", short(&self.name));
        modify_policy!(
            gcp, keys, "cloudkms", resource, &subject, "", delta, known, monitor
        )
        .await
    }

    async fn enable(&self, gcp: &Gcp, version: &str) -> Outcome<()> {
        let wanted = CryptoKeyVersion::new()
            .set_name(version)
            .set_state(State::Enabled);
        gcp.clients
            .call("cloudkms:UpdateCryptoKeyVersion", || {
                gcp.clients
                    .keys
                    .update_crypto_key_version()
                    .set_crypto_key_version(wanted.clone())
                    .set_update_mask(FieldMask::default().set_paths(["state"]))
                    .send()
            })
            .await
            .map(drop)
    }

    async fn make_primary(&self, gcp: &Gcp, version: &str) -> Outcome<()> {
        gcp.clients
            .call("cloudkms:UpdateCryptoKeyPrimaryVersion", || {
                gcp.clients
                    .keys
                    .update_crypto_key_primary_version()
                    .set_name(&self.name)
                    .set_crypto_key_version_id(short(version))
                    .send()
            })
            .await
            .map(drop)
    }

    /// Gives life back to a key that an earlier environment of this name left behind.
    async fn revive(&self, gcp: &Gcp) -> Outcome<()> {
        let mut newest = None;
        for version in self.versions(gcp).await? {
            if version.state == State::DestroyScheduled {
                let name = &version.name;
                gcp.clients
                    .call("cloudkms:RestoreCryptoKeyVersion", || {
                        gcp.clients
                            .keys
                            .restore_crypto_key_version()
                            .set_name(name)
                            .send()
                    })
                    .await?;
            }
            if matches!(version.state, State::DestroyScheduled | State::Disabled) {
                self.enable(gcp, &version.name).await?;
            }
            if matches!(
                version.state,
                State::DestroyScheduled | State::Disabled | State::Enabled
            ) {
                let number: u64 = short(&version.name).parse().unwrap_or_default();
                newest = newest.max(Some((number, version.name)));
            }
        }
        let primary = match newest {
            Some((_, name)) => name,
            None => {
                gcp.clients
                    .once("cloudkms:CreateCryptoKeyVersion", || {
                        gcp.clients
                            .keys
                            .create_crypto_key_version()
                            .set_parent(&self.name)
                            .set_crypto_key_version(CryptoKeyVersion::new())
                            .send()
                    })
                    .await?
                    .name
            }
        };
        self.make_primary(gcp, &primary).await
    }

    /// Whether the key is one that we left behind: ours by its mark, and nothing encrypts with it.
    fn left_behind(&self, key: &CryptoKey) -> bool {
        let ours = matches!(
            (mark::owner(&mark::found(&key.labels)), mark::owner(&self.tags)),
            (Owner::Environment { id: found, .. }, Owner::Environment { id: wanted, .. }) if found == wanted
        );
        let alive = key
            .primary
            .as_ref()
            .is_some_and(|version| !matches!(version.state, State::Destroyed | State::DestroyScheduled));
        ours && !alive
    }

    fn present(&self, key: &CryptoKey, policy: &Policy, emails: &[(ServiceAgent, String)]) -> Present {
        let rotation_days = match &key.rotation_schedule {
            Some(RotationSchedule::RotationPeriod(period)) => period.seconds() / DAY,
            _ => 0,
        };
        let standing: BTreeSet<Grant> = policy::grants(policy).collect();
        let agents: BTreeSet<ServiceAgent> = emails
            .iter()
            .filter(|(_, email)| standing.contains(&use_by(email)))
            .map(|(agent, _)| *agent)
            .collect();
        let found = Key {
            name: self.name.clone(),
            rotation_days,
            agents,
            grants: policy::of_environment(policy, &self.grants, &self.family),
            family: self.family.clone(),
            tags: mark::found(&key.labels),
        };
        let known = outputs([("name", self.name.clone())]);
        let mut present = ready(&self.name, mark::owner(&found.tags), &found, known);
        present.foreign = policy::foreign(policy, &self.grants, &self.family, "");
        if key
            .primary
            .as_ref()
            .is_some_and(|version| version.state == State::Disabled)
        {
            present.foreign.push(SWITCHED_OFF.to_owned());
        }
        present
    }

    /// E-mails of the agents that are wanted, and of those that were.
    async fn emails(&self, gcp: &Gcp) -> Outcome<Vec<(ServiceAgent, String)>> {
        // Those that need a call of their own are only asked for where they count.
        let asked = AGENTS.into_iter().filter(|agent| {
            self.agents.contains(agent) || !matches!(agent, ServiceAgent::Logging | ServiceAgent::Storage)
        });
        try_join_all(asked.map(|agent| async move { Ok((agent, agents::email(gcp, agent).await?)) })).await
    }
}

#[async_trait]
impl Object for Wanted<Key> {
    async fn observe(&self, gcp: &Gcp, component: &Component) -> Outcome<Observation> {
        let resource = &self.name;
        // Nearly every key that is not there is about to be made: its policy is not asked for.
        let Some(key) = optional(self.look(gcp, component).await)? else {
            return Ok(Observation::Absent);
        };
        if self.left_behind(&key) {
            return Ok(Observation::Absent);
        }
        let found = try_join!(read_policy!(gcp, keys, "cloudkms", resource), self.emails(gcp));
        Ok(match optional(found)? {
            Some((policy, emails)) => Observation::Present(self.present(&key, &policy, &emails)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, component: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "cloudkms:CreateCryptoKey";
        let wanted = self.rotating(
            CryptoKey::new()
                .set_purpose(CryptoKeyPurpose::EncryptDecrypt)
                .set_labels(self.tags.clone()),
        );
        let made = gcp
            .clients
            .make(OPERATION, || {
                gcp.clients
                    .keys
                    .create_crypto_key()
                    .set_parent(parent(&self.name))
                    .set_crypto_key_id(short(&self.name))
                    .set_crypto_key(wanted.clone())
                    .send()
            })
            .await;
        let fresh = match made {
            Ok(Created::Answered(_)) => true,
            Ok(Created::Unanswered) => false,
            Err(refused) if refused.reason == Reason::AlreadyExists => {
                let key = self.get(gcp).await?;
                if !self.left_behind(&key) {
                    return Err(refused);
                }
                self.revive(gcp).await?;
                let key = self.rotating(CryptoKey::new().set_labels(self.tags.clone()));
                self.patch(gcp, key, &["rotation_period", "next_rotation_time", "labels"])
                    .await?;
                false
            }
            Err(refused) => return Err(refused),
        };
        let uses = self.uses(gcp, monitor).await?;
        if !uses.is_empty() || !self.grants.is_empty() {
            let delta = Delta {
                add: uses.union(&self.grants).cloned().collect(),
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
        change.refuse("cloudkms:UpdateCryptoKey", &["name"])?;
        let (mut key, mut paths) = (CryptoKey::new(), Vec::new());
        if change.any(&["rotation_days"]) {
            key = self.rotating(key);
            paths.extend(["rotation_period", "next_rotation_time"]);
        }
        if let Some(tags) = change.of("tags") {
            key = key.set_labels(mark::changed(&self.get(gcp).await?.labels, tags));
            paths.push("labels");
        }
        if !paths.is_empty() {
            self.patch(gcp, key, &paths).await?;
        }
        if change.found.foreign.iter().any(|line| line == SWITCHED_OFF)
            && let Some(primary) = self.get(gcp).await?.primary
        {
            self.enable(gcp, &primary.name).await?;
        }
        if change.any(&["agents", "grants"]) || change.foreign() {
            let before: BTreeSet<ServiceAgent> = change
                .of("agents")
                .and_then(|change| serde_json::from_value(change.from.clone()).ok())
                .unwrap_or_default();
            let mut remove = change.withdrawn("grants");
            for agent in before.difference(&self.agents) {
                remove.insert(use_by(&agents::email(gcp, *agent).await?));
            }
            let uses = self.uses(gcp, change.monitor).await?;
            let delta = Delta {
                add: uses.union(&self.grants).cloned().collect(),
                remove,
                remove_lines: change.found.foreign.clone(),
            };
            self.grant(gcp, &delta, None, change.monitor).await?;
        }
        Ok(())
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let mut remove: BTreeSet<Grant> = found
            .properties
            .get("grants")
            .and_then(|grants| serde_json::from_value(grants.clone()).ok())
            .unwrap_or_default();
        let standing: BTreeSet<ServiceAgent> = found
            .properties
            .get("agents")
            .and_then(|agents| serde_json::from_value(agents.clone()).ok())
            .unwrap_or_default();
        for agent in standing {
            remove.insert(use_by(&agents::email(gcp, agent).await?));
        }
        let delta = Delta {
            remove,
            ..Delta::default()
        };
        gone(self.grant(gcp, &delta, None, monitor).await)?;
        let Some(versions) = optional(self.versions(gcp).await)? else {
            return Ok(());
        };
        for version in versions {
            if matches!(version.state, State::Destroyed | State::DestroyScheduled) {
                continue;
            }
            let name = &version.name;
            let scheduled = gcp
                .clients
                .call("cloudkms:DestroyCryptoKeyVersion", || {
                    gcp.clients
                        .keys
                        .destroy_crypto_key_version()
                        .set_name(name)
                        .send()
                })
                .await;
            gone(scheduled.or_else(|failure: Failure| {
                // Scheduled by a call whose answer was lost.
                if failure.message.contains("DESTROY_SCHEDULED") {
                    Ok(CryptoKeyVersion::new())
                } else {
                    Err(failure)
                }
            }))?;
        }
        // A rotation would wake it up.
        self.patch(gcp, CryptoKey::new(), &["rotation_period", "next_rotation_time"])
            .await
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        // The accounts of the environment go; the agents go on reading what was encrypted.
        let remove: BTreeSet<Grant> = found
            .properties
            .get("grants")
            .and_then(|grants| serde_json::from_value(grants.clone()).ok())
            .unwrap_or_default();
        if !remove.is_empty() {
            let delta = Delta {
                remove,
                ..Delta::default()
            };
            self.grant(gcp, &delta, None, &Quiet).await?;
        }
        let mut labels = self.get(gcp).await?.labels;
        labels.insert(mark::RETAINED_AT.to_owned(), mark::label_time(now));
        self.patch(gcp, CryptoKey::new().set_labels(labels), &["labels"])
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted<Key> {
        Wanted(Key {
            name: "projects/acme/locations/europe-west4/keyRings/shop/cryptoKeys/storage".into(),
            rotation_days: 90,
            agents: [ServiceAgent::Storage].into(),
            grants: BTreeSet::new(),
            family: "-x@acme.iam.gserviceaccount.com".into(),
            tags: [
                (
                    mark::ENVIRONMENT.to_owned(),
                    "gcp_acme_europe-west4_shop".to_owned(),
                ),
                (mark::UID.to_owned(), "u2".to_owned()),
            ]
            .into(),
        })
    }

    fn key(environment: &str, state: State) -> CryptoKey {
        CryptoKey::new()
            .set_labels([(mark::ENVIRONMENT, environment), (mark::UID, "u1")])
            .set_primary(CryptoKeyVersion::new().set_state(state))
    }

    #[test]
    fn only_a_dead_key_of_ours_is_left_behind() {
        let wanted = wanted();
        let ours = "gcp_acme_europe-west4_shop";
        assert!(wanted.left_behind(&key(ours, State::DestroyScheduled)));
        assert!(wanted.left_behind(&key(ours, State::Destroyed)));
        assert!(!wanted.left_behind(&key(ours, State::Enabled)));
        assert!(!wanted.left_behind(&key(ours, State::Disabled)));
        assert!(!wanted.left_behind(&key("gcp_acme_europe-west4_other", State::Destroyed)));
        assert!(!wanted.left_behind(&CryptoKey::new()));
    }

    #[test]
    fn tells_which_agents_have_the_key_and_who_else() {
        let policy = Policy::new().set_bindings([google_cloud_iam_v1::model::Binding::new()
            .set_role(USER)
            .set_members([
                "serviceAccount:gs@x",
                "serviceAccount:rt-x@acme.iam.gserviceaccount.com",
            ])]);
        let emails = [
            (ServiceAgent::Storage, "gs@x".to_owned()),
            (ServiceAgent::Container, "gke@x".to_owned()),
        ];
        let wanted = wanted();
        let found = wanted.rotating(key("gcp_acme_europe-west4_shop", State::Enabled));
        let present = wanted.present(&found, &policy, &emails);
        assert_eq!(present.properties["agents"], serde_json::json!(["storage"]));
        assert_eq!(present.properties["rotation_days"], 90);
        assert_eq!(present.foreign.len(), 1, "{:?}", present.foreign);
        assert!(present.foreign[0].contains("rt-x@acme"), "{:?}", present.foreign);
    }
}
