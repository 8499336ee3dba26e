//! An Artifact Registry repository of container images, with its grants.

use std::collections::HashMap;

use async_trait::async_trait;
use futures::try_join;
use google_cloud_artifactregistry_v1::model::cleanup_policy::{Action, ConditionType};
use google_cloud_artifactregistry_v1::model::cleanup_policy_condition::TagState;
use google_cloud_artifactregistry_v1::model::repository::vulnerability_scanning_config::EnablementConfig;
use google_cloud_artifactregistry_v1::model::repository::{
    DockerRepositoryConfig, Format, FormatConfig, VulnerabilityScanningConfig,
};
use google_cloud_artifactregistry_v1::model::{
    CleanupPolicy, CleanupPolicyCondition, CleanupPolicyMostRecentVersions, Repository as Found,
};
use google_cloud_iam_v1::model::Policy;
use google_cloud_longrunning::model::Operation;
use google_cloud_wkt::{Duration, FieldMask};
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Monitor, Reason};
use mlops_environment::gcp::Repository;

use crate::driver::Gcp;
use crate::failure::{Outcome, gone, optional};
use crate::mark;
use crate::name::{as_wanted, parent, required, short};
use crate::object::{Changes, Object, Wanted, outputs, ready, standing};
use crate::operation::result;
use crate::policy::{self, Delta, modify_policy, read_policy};
use crate::retry::Created;
use crate::wait::{LONG, Look, SPREADING, patiently, until};

const GET: &str = "artifactregistry:GetRepository";
const DAY: i64 = 86_400;

/// Names of our cleanup policies; another's is a deviation.
const UNTAGGED: &str = "mlops-untagged";
const KEEP_TAGGED: &str = "mlops-keep-tagged";
const OLD_TAGGED: &str = "mlops-old-tagged";
const FOREIGN_CLEANUP: &str = "cleanup policy ";
/// Said of a repository that only pretends to clean up.
const DRY_RUN: &str = "cleanup policies are on dry run";

fn deleting(id: &str, condition: CleanupPolicyCondition) -> CleanupPolicy {
    CleanupPolicy::new()
        .set_id(id)
        .set_action(Action::Delete)
        .set_condition(condition)
}

impl Wanted<Repository> {
    fn cleanup(&self) -> HashMap<String, CleanupPolicy> {
        let untagged = self.untagged_days.map(|days| {
            deleting(
                UNTAGGED,
                CleanupPolicyCondition::new()
                    .set_tag_state(TagState::Untagged)
                    .set_older_than(Duration::clamp(days * DAY, 0)),
            )
        });
        // What a policy keeps, none deletes: together they leave the newest.
        let tagged = self.keep_tagged.map(|count| {
            [
                CleanupPolicy::new()
                    .set_id(KEEP_TAGGED)
                    .set_action(Action::Keep)
                    .set_most_recent_versions(
                        CleanupPolicyMostRecentVersions::new()
                            .set_keep_count(i32::try_from(count).unwrap_or(i32::MAX)),
                    ),
                deleting(
                    OLD_TAGGED,
                    CleanupPolicyCondition::new().set_tag_state(TagState::Tagged),
                ),
            ]
        });
        untagged
            .into_iter()
            .chain(tagged.into_iter().flatten())
            .map(|policy| (policy.id.clone(), policy))
            .collect()
    }

    fn scanning(&self) -> VulnerabilityScanningConfig {
        VulnerabilityScanningConfig::new()
            .set_enablement_config(EnablementConfig::from(self.scanning.as_str()))
    }

    fn docker(&self) -> DockerRepositoryConfig {
        DockerRepositoryConfig::new().set_immutable_tags(self.immutable_tags)
    }

    fn wanted(&self) -> Found {
        Found::new()
            .set_format(Format::Docker)
            .set_docker_config(self.docker())
            .set_kms_key_name(self.kms_key.clone().unwrap_or_default())
            .set_labels(self.tags.clone())
            .set_cleanup_policies(self.cleanup())
            .set_vulnerability_scanning_config(self.scanning())
    }

    fn url(&self) -> Outcome<String> {
        Ok(format!(
            "{}-docker.pkg.dev/{}/{}",
            required(&self.name, "locations")?,
            required(&self.name, "projects")?,
            short(&self.name)
        ))
    }

    async fn get(&self, gcp: &Gcp) -> Outcome<Found> {
        gcp.clients
            .call(GET, || {
                gcp.clients.registry.get_repository().set_name(&self.name).send()
            })
            .await
    }

    fn present(&self, repository: &Found, policy: &Policy) -> Outcome<Present> {
        let condition = |id: &str| {
            repository
                .cleanup_policies
                .get(id)
                .and_then(|policy| policy.condition_type.clone())
        };
        let untagged_days = match condition(UNTAGGED) {
            Some(ConditionType::Condition(condition)) => {
                condition.older_than.map(|duration| duration.seconds() / DAY)
            }
            _ => None,
        };
        let keep_tagged = match (condition(KEEP_TAGGED), condition(OLD_TAGGED)) {
            (Some(ConditionType::MostRecentVersions(versions)), Some(_)) => {
                versions.keep_count.map(i64::from)
            }
            _ => None,
        };
        let docker = match &repository.format_config {
            Some(FormatConfig::DockerConfig(config)) => config.immutable_tags,
            _ => false,
        };
        let found = Repository {
            name: self.name.clone(),
            immutable_tags: docker,
            scanning: repository
                .vulnerability_scanning_config
                .as_ref()
                .and_then(|config| config.enablement_config.name())
                .unwrap_or_default()
                .to_owned(),
            kms_key: (!repository.kms_key_name.is_empty()).then(|| {
                as_wanted(
                    &repository.kms_key_name,
                    self.kms_key.as_deref().unwrap_or_default(),
                )
            }),
            untagged_days,
            keep_tagged,
            grants: policy::of_environment(policy, &self.grants, &self.family),
            family: self.family.clone(),
            tags: mark::found(&repository.labels),
        };
        let known = outputs([("name", self.name.clone()), ("url", self.url()?)]);
        let mut present = ready(&self.name, mark::owner(&found.tags), &found, known);
        present.foreign = policy::foreign(policy, &self.grants, &self.family, "");
        let ours = [UNTAGGED, KEEP_TAGGED, OLD_TAGGED];
        let mut others: Vec<&String> = repository
            .cleanup_policies
            .keys()
            .filter(|id| !ours.contains(&id.as_str()))
            .collect();
        others.sort();
        present
            .foreign
            .extend(others.into_iter().map(|id| format!("{FOREIGN_CLEANUP}{id:?}")));
        if repository.cleanup_policy_dry_run {
            present.foreign.push(DRY_RUN.to_owned());
        }
        Ok(present)
    }

    /// Waits for an operation of Artifact Registry.
    async fn awaited(
        &self,
        gcp: &Gcp,
        operation: &'static str,
        started: Operation,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let subject = format!("repository {}", short(&self.name));
        let first = std::sync::Mutex::new(Some(started.clone()));
        until(operation, &subject, LONG, monitor, || {
            let (known, name) = (
                first.lock().ok().and_then(|mut first| first.take()),
                &started.name,
            );
            let subject = &subject;
            async move {
                let found = match known {
                    Some(found) => found,
                    None => {
                        gcp.clients
                            .call("artifactregistry:GetOperation", || {
                                gcp.clients.registry.get_operation().set_name(name).send()
                            })
                            .await?
                    }
                };
                match result(operation, subject, &found) {
                    Some(ended) => ended.map(Look::Done),
                    None => Ok(Look::Busy("under way".to_owned())),
                }
            }
        })
        .await
    }

    async fn patch(&self, gcp: &Gcp, repository: Found, paths: &[&str]) -> Outcome<()> {
        let repository = repository.set_name(&self.name);
        gcp.clients
            .call("artifactregistry:UpdateRepository", || {
                gcp.clients
                    .registry
                    .update_repository()
                    .set_repository(repository.clone())
                    .set_update_mask(FieldMask::default().set_paths(paths.iter().copied()))
                    .send()
            })
            .await
            .map(drop)
    }

    async fn grant(
        &self,
        gcp: &Gcp,
        delta: &Delta,
        known: Option<Policy>,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let resource = &self.name;
        let subject = format!("repository {}", short(&self.name));
        modify_policy!(
            gcp,
            registry,
            "artifactregistry",
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

/// The registry does not see a grant on the key that was made moments ago.
fn key_unseen(failure: &mlops_environment::driver::Failure) -> bool {
    matches!(failure.reason, Reason::Denied | Reason::Invalid | Reason::Failed)
        && (failure.message.contains("cryptoKey") || failure.message.contains("KMS"))
}

#[async_trait]
impl Object for Wanted<Repository> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let resource = &self.name;
        let found = try_join!(
            self.get(gcp),
            read_policy!(gcp, registry, "artifactregistry", resource)
        );
        Ok(match optional(found)? {
            Some((repository, policy)) => Observation::Present(self.present(&repository, &policy)?),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, component: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "artifactregistry:CreateRepository";
        let subject = format!("repository {}", short(&self.name));
        let wanted = self.wanted();
        let fresh = patiently(&subject, SPREADING, monitor, key_unseen, || async {
            let made = gcp
                .clients
                .make(OPERATION, || {
                    gcp.clients
                        .registry
                        .create_repository()
                        .set_parent(parent(&self.name))
                        .set_repository_id(short(&self.name))
                        .set_repository(wanted.clone())
                        .send()
                })
                .await?;
            match made {
                Created::Answered(started) => {
                    self.awaited(gcp, OPERATION, started, monitor).await?;
                    Ok(true)
                }
                Created::Unanswered => Ok(false),
            }
        })
        .await?;
        let delta = Delta {
            add: self.grants.clone(),
            ..Delta::default()
        };
        self.grant(gcp, &delta, fresh.then(Policy::new), monitor).await?;
        if !fresh {
            return standing(gcp, self, component).await;
        }
        let known = outputs([("name", self.name.clone()), ("url", self.url()?)]);
        Ok(ready(&self.name, mark::owner(&self.tags), self, known))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        const OPERATION: &str = "artifactregistry:UpdateRepository";
        change.refuse(OPERATION, &["name", "kms_key"])?;
        let cleanup_differs = change
            .found
            .foreign
            .iter()
            .any(|line| line.starts_with(FOREIGN_CLEANUP) || line == DRY_RUN);
        let mut repository = Found::new();
        let mut paths = Vec::new();
        if change.any(&["immutable_tags"]) {
            repository = repository.set_docker_config(self.docker());
            paths.push("docker_config");
        }
        if change.any(&["scanning"]) {
            repository = repository.set_vulnerability_scanning_config(self.scanning());
            paths.push("vulnerability_scanning_config");
        }
        if change.any(&["untagged_days", "keep_tagged"]) || cleanup_differs {
            repository = repository.set_cleanup_policies(self.cleanup());
            paths.extend(["cleanup_policies", "cleanup_policy_dry_run"]);
        }
        if let Some(tags) = change.of("tags") {
            repository = repository.set_labels(mark::changed(&self.get(gcp).await?.labels, tags));
            paths.push("labels");
        }
        if !paths.is_empty() {
            self.patch(gcp, repository, &paths).await?;
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

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        const OPERATION: &str = "artifactregistry:DeleteRepository";
        let started = gcp
            .clients
            .call(OPERATION, || {
                gcp.clients
                    .registry
                    .delete_repository()
                    .set_name(&self.name)
                    .send()
            })
            .await;
        match optional(started)? {
            Some(started) => gone(self.awaited(gcp, OPERATION, started, monitor).await),
            None => Ok(()),
        }
    }

    async fn retain(&self, gcp: &Gcp, _: &Present, now: &str) -> Outcome<()> {
        let mut labels = self.get(gcp).await?.labels;
        labels.insert(mark::RETAINED_AT.to_owned(), mark::label_time(now));
        self.patch(gcp, Found::new().set_labels(labels), &["labels"])
            .await
    }

    async fn obstacles(&self, gcp: &Gcp, _: &Component, _: &Present) -> Outcome<Vec<String>> {
        /// More are counted as more.
        const COUNTED: i32 = 1000;
        let answer = gcp
            .clients
            .call("artifactregistry:ListDockerImages", || {
                gcp.clients
                    .registry
                    .list_docker_images()
                    .set_parent(&self.name)
                    .set_page_size(COUNTED)
                    .send()
            })
            .await;
        let Some(answer) = optional(answer)? else {
            return Ok(Vec::new());
        };
        let more = if answer.next_page_token.is_empty() {
            ""
        } else {
            "more than "
        };
        Ok(match answer.docker_images.len() {
            0 => Vec::new(),
            1 => vec!["holds 1 image".to_owned()],
            count => vec![format!("holds {more}{count} images")],
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn wanted() -> Wanted<Repository> {
        Wanted(Repository {
            name: "projects/acme/locations/europe-west4/repositories/shop".into(),
            immutable_tags: true,
            scanning: "INHERITED".into(),
            kms_key: None,
            untagged_days: Some(14),
            keep_tagged: Some(30),
            grants: BTreeSet::new(),
            family: "-x@acme.iam.gserviceaccount.com".into(),
            tags: Default::default(),
        })
    }

    #[test]
    fn what_is_sent_reads_back_as_wanted() {
        let wanted = wanted();
        let present = wanted.present(&wanted.wanted(), &Policy::new()).unwrap();
        assert_eq!(present.properties, crate::object::properties(&wanted));
        assert_eq!(present.outputs["url"], "europe-west4-docker.pkg.dev/acme/shop");
        assert!(present.foreign.is_empty());
    }

    #[test]
    fn a_cleanup_policy_of_others_is_told() {
        let wanted = wanted();
        let mut found = wanted.wanted().set_cleanup_policy_dry_run(true);
        found.cleanup_policies.insert("all".into(), CleanupPolicy::new());
        let present = wanted.present(&found, &Policy::new()).unwrap();
        assert_eq!(
            present.foreign,
            ["cleanup policy \"all\"".to_owned(), DRY_RUN.to_owned()]
        );
    }
}
