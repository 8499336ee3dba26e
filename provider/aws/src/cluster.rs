//! An EKS cluster. EKS makes one change at a time and takes minutes for each: every change is waited for.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_sdk_eks::operation::update_cluster_config::builders::UpdateClusterConfigFluentBuilder;
use aws_sdk_eks::types::{
    AuthenticationMode, Cluster as Found, ClusterStatus, CreateAccessConfigRequest, EncryptionConfig,
    LogSetup, LogType, Logging, Provider, SupportType, UpdateAccessConfigRequest, UpdateStatus,
    UpgradePolicyRequest, VpcConfigRequest,
};
use mlops_environment::aws::{Cluster, Tags};
use mlops_environment::component::{Component, Observation, Outputs, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, missing, optional};
use crate::leftovers;
use crate::node_pool::Groups;
use crate::object::{Changes, Object, Wanted, as_found, outputs, ready};
use crate::tags::{self, ENVIRONMENT, UID};
use crate::wait::{LONG, Look, SPREADING, patiently, says, until};

const DESCRIBE: &str = "eks:DescribeCluster";

/// Codes with which EKS refuses a change; the words say why.
const REFUSED: [&str; 2] = ["InvalidParameterException", "InvalidRequestException"];

/// Every type that can be switched off; the API wants to be told.
const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// What EKS says of a role, policy or key that was made seconds ago. The list is that of the hashicorp/aws provider
/// (`internal/service/eks/cluster.go`), which found it by experience; AWS documents none of it.
const UNSEEN: [&str; 6] = [
    "does not exist",
    "Error in role params",
    "Role could not be assumed because the trusted entity is not correct",
    "The provided role doesn't have the Amazon EKS Managed Policies associated",
    "IAM role's policy must include",
    "The specified principalArn is invalid: invalid principal",
];

/// Whether EKS refuses only because it does not see a new role yet; used by node pools and access entries too.
pub(crate) fn unseen(failure: &Failure) -> bool {
    says(failure, &["InvalidParameterException"], &UNSEEN)
}

/// Whether EKS refuses because something else is under way on the same cluster.
pub(crate) fn busy(failure: &Failure) -> bool {
    says(
        failure,
        &["ResourceInUseException", "InvalidRequestException"],
        &["in progress", "not in ACTIVE", "is not ACTIVE"],
    )
}

/// A token by which EKS knows that a repeated create is the same one: 64 characters at most.
pub(crate) fn token(tags: &Tags, name: &str) -> Option<String> {
    let uid = tags.get(UID)?;
    Some(
        format!("{uid}-{name}")
            .chars()
            .filter(char::is_ascii)
            .take(64)
            .collect(),
    )
}

/// Waits until an update of the cluster, or of one of its node groups, is over.
///
/// # Errors
///
/// [`Reason::Failed`] with EKS's reasons.
pub(crate) async fn updated(
    aws: &Aws,
    cluster: &str,
    group: Option<&str>,
    update: Option<aws_sdk_eks::types::Update>,
    monitor: &dyn Monitor,
) -> Outcome<()> {
    const OPERATION: &str = "eks:DescribeUpdate";
    let Some(id) = update.and_then(|update| update.id) else {
        return Err(missing(OPERATION, "update id"));
    };
    let subject = match group {
        Some(group) => format!("node group {group}"),
        None => format!("cluster {cluster}"),
    };
    until(OPERATION, &subject, LONG, monitor, || async {
        let describe = aws
            .clients
            .eks
            .describe_update()
            .name(cluster)
            .update_id(&id)
            .set_nodegroup_name(group.map(str::to_owned));
        let answer = call(OPERATION, describe.send()).await?;
        let update = answer.update.ok_or_else(|| missing(OPERATION, "update"))?;
        let what = update.r#type().map_or("update", |kind| kind.as_str());
        match update.status() {
            Some(UpdateStatus::Successful) => Ok(Look::Done(())),
            Some(status @ (UpdateStatus::Failed | UpdateStatus::Cancelled)) => {
                let reasons: Vec<String> = update
                    .errors()
                    .iter()
                    .map(|error| {
                        let code = error.error_code().map_or("error", |code| code.as_str());
                        format!("{code}: {}", error.error_message().unwrap_or_default())
                    })
                    .collect();
                let reasons = if reasons.is_empty() {
                    "EKS gives no reason".to_owned()
                } else {
                    reasons.join("; ")
                };
                Err(failure(
                    OPERATION,
                    Reason::Failed,
                    format!("{what} of {subject} ended {status}: {reasons}"),
                ))
            }
            _ => Ok(Look::Busy(format!("{what} in progress"))),
        }
    })
    .await
}

fn logging(wanted: &BTreeSet<String>) -> Logging {
    let setup = |types: Vec<&str>, on: bool| {
        (!types.is_empty()).then(|| {
            LogSetup::builder()
                .set_types(Some(types.into_iter().map(LogType::from).collect()))
                .enabled(on)
                .build()
        })
    };
    let (on, off): (Vec<&str>, Vec<&str>) = LOG_TYPES.iter().partition(|kind| wanted.contains(**kind));
    Logging::builder()
        .set_cluster_logging(Some(
            [setup(on, true), setup(off, false)]
                .into_iter()
                .flatten()
                .collect(),
        ))
        .build()
}

pub(crate) fn health(cluster: &Found) -> String {
    let issues: Vec<String> = cluster
        .health()
        .map(|health| health.issues())
        .unwrap_or_default()
        .iter()
        .map(|issue| {
            let code = issue.code().map_or("issue", |code| code.as_str());
            format!("{code}: {}", issue.message().unwrap_or_default())
        })
        .collect();
    if issues.is_empty() {
        "EKS gives no reason".to_owned()
    } else {
        issues.join("; ")
    }
}

/// Tag anything of EKS by its ARN.
pub(crate) async fn set_tags(aws: &Aws, arn: &str, set: Tags) -> Outcome<()> {
    let tag = aws
        .clients
        .eks
        .tag_resource()
        .resource_arn(arn)
        .set_tags(Some(set.into_iter().collect()));
    call("eks:TagResource", tag.send()).await.map(drop)
}

/// Sets and removes tags of anything of EKS.
pub(crate) async fn change_tags(aws: &Aws, arn: &str, change: &Changes<'_>) -> Outcome<()> {
    let Some((set, removed)) = change.tags() else {
        return Ok(());
    };
    if !set.is_empty() {
        set_tags(aws, arn, set).await?;
    }
    if !removed.is_empty() {
        let untag = aws
            .clients
            .eks
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(removed));
        call("eks:UntagResource", untag.send()).await?;
    }
    Ok(())
}

/// What EKS tells of a cluster.
pub(crate) async fn describe(aws: &Aws, name: &str) -> Outcome<Found> {
    let answer = call(DESCRIBE, aws.clients.eks.describe_cluster().name(name).send()).await?;
    answer.cluster.ok_or_else(|| missing(DESCRIBE, "cluster"))
}

/// What others may refer to.
pub(crate) fn known(cluster: &Found) -> Outputs {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let authority = cluster.certificate_authority();
    let oidc = cluster.identity().and_then(|identity| identity.oidc());
    let vpc = cluster.resources_vpc_config();
    outputs([
        ("arn", text(cluster.arn())),
        ("endpoint", text(cluster.endpoint())),
        (
            "ca_certificate",
            text(authority.and_then(|authority| authority.data())),
        ),
        ("issuer", text(oidc.and_then(|oidc| oidc.issuer()))),
        ("version", text(cluster.version())),
        (
            "security_group",
            text(vpc.and_then(|vpc| vpc.cluster_security_group_id())),
        ),
    ])
}

/// Waits until nothing is under way.
///
/// # Errors
///
/// [`Reason::Failed`] with EKS's reasons when it gave up.
pub(crate) async fn steady(aws: &Aws, name: &str, monitor: &dyn Monitor) -> Outcome<Found> {
    until(DESCRIBE, &format!("cluster {name}"), LONG, monitor, || async {
        let cluster = describe(aws, name).await?;
        match cluster.status() {
            Some(ClusterStatus::Active) => Ok(Look::Done(cluster)),
            Some(ClusterStatus::Failed) => Err(failure(
                DESCRIBE,
                Reason::Failed,
                format!("cluster {name} ended FAILED: {}", health(&cluster)),
            )),
            Some(status) => Ok(Look::Busy(status.as_str().to_owned())),
            None => Ok(Look::Busy("without a status".to_owned())),
        }
    })
    .await
}

impl Wanted<Cluster> {
    fn present(&self, cluster: &Found) -> Present {
        let vpc = cluster.resources_vpc_config();
        let public = vpc.is_some_and(|vpc| vpc.endpoint_public_access());
        let found = Cluster {
            name: self.name.clone(),
            role_arn: cluster.role_arn().unwrap_or_default().to_owned(),
            version: cluster.version().unwrap_or_default().to_owned(),
            subnet_ids: vpc
                .map(|vpc| vpc.subnet_ids().iter().cloned().collect())
                .unwrap_or_default(),
            endpoint_private: vpc.is_some_and(|vpc| vpc.endpoint_private_access()),
            endpoint_public: public,
            public_cidrs: vpc
                .filter(|_| public)
                .map(|vpc| vpc.public_access_cidrs().iter().cloned().collect())
                .unwrap_or_default(),
            encryption_key: cluster
                .encryption_config()
                .first()
                .and_then(|config| config.provider())
                .and_then(|provider| provider.key_arn().map(str::to_owned)),
            log_types: cluster
                .logging()
                .map(|logging| logging.cluster_logging())
                .unwrap_or_default()
                .iter()
                .filter(|setup| setup.enabled() == Some(true))
                .flat_map(|setup| setup.types())
                .map(|kind| kind.as_str().to_owned())
                .collect(),
            deletion_protection: cluster.deletion_protection() == Some(true),
            extended_support: cluster.upgrade_policy().and_then(|policy| policy.support_type())
                != Some(&SupportType::Standard),
            tags: tags::found(cluster.tags().into_iter().flatten()),
        };
        let mut present = ready(
            cluster.arn().unwrap_or(&self.name),
            &found.tags,
            &found,
            known(cluster),
        );
        let mode = cluster
            .access_config()
            .and_then(|access| access.authentication_mode());
        if mode != Some(&AuthenticationMode::Api) {
            let mode = mode.map_or("unknown", |mode| mode.as_str());
            present.foreign.push(format!(
                "authentication mode {mode}: the aws-auth config map grants access too"
            ));
        }
        present.status = match cluster.status() {
            Some(ClusterStatus::Active) | None => Status::Ready,
            Some(ClusterStatus::Deleting) => Status::Deleting,
            Some(ClusterStatus::Failed) => Status::Failed {
                reason: health(cluster),
            },
            Some(other) => Status::InProgress {
                what: other.as_str().to_owned(),
                operation: None,
            },
        };
        present
    }

    /// One change, waited for.
    async fn change(
        &self,
        aws: &Aws,
        monitor: &dyn Monitor,
        set: impl Fn(UpdateClusterConfigFluentBuilder) -> UpdateClusterConfigFluentBuilder,
    ) -> Outcome<()> {
        const OPERATION: &str = "eks:UpdateClusterConfig";
        let subject = format!("cluster {}", self.name);
        let answer = patiently(&subject, LONG, monitor, busy, || async {
            call(
                OPERATION,
                set(aws.clients.eks.update_cluster_config().name(&self.name)).send(),
            )
            .await
        })
        .await;
        match answer {
            Ok(answer) => updated(aws, &self.name, None, answer.update, monitor).await,
            // It is so already: what we saw was old.
            Err(failure)
                if says(
                    &failure,
                    &REFUSED,
                    &["No changes needed", "already at the desired configuration"],
                ) =>
            {
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    fn endpoint(&self) -> VpcConfigRequest {
        VpcConfigRequest::builder()
            .endpoint_private_access(self.endpoint_private)
            .endpoint_public_access(self.endpoint_public)
            .set_public_access_cidrs(
                self.endpoint_public
                    .then(|| self.public_cidrs.iter().cloned().collect()),
            )
            .build()
    }

    fn support(&self) -> UpgradePolicyRequest {
        let kind = if self.extended_support {
            SupportType::Extended
        } else {
            SupportType::Standard
        };
        UpgradePolicyRequest::builder().support_type(kind).build()
    }
}

#[async_trait]
impl Object for Wanted<Cluster> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        Ok(match optional(describe(aws, &self.name).await)? {
            Some(cluster) => Observation::Present(self.present(&cluster)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "eks:CreateCluster";
        let subject = format!("cluster {}", self.name);
        #[allow(deprecated)] // Said to be ignored in new regions, still required by others.
        let encryption = self.encryption_key.as_ref().map(|key| {
            vec![
                EncryptionConfig::builder()
                    .resources("secrets")
                    .provider(Provider::builder().key_arn(key).build())
                    .build(),
            ]
        });
        let mut vpc = self.endpoint();
        vpc.subnet_ids = Some(self.subnet_ids.iter().cloned().collect());
        patiently(&subject, SPREADING, monitor, unseen, || async {
            let create = aws
                .clients
                .eks
                .create_cluster()
                .name(&self.name)
                .role_arn(&self.role_arn)
                .set_version((!self.version.is_empty()).then(|| self.version.clone()))
                .resources_vpc_config(vpc.clone())
                .logging(logging(&self.log_types))
                .set_encryption_config(encryption.clone())
                .access_config(
                    CreateAccessConfigRequest::builder()
                        .authentication_mode(AuthenticationMode::Api)
                        // Nobody is admin for having run terraform.
                        .bootstrap_cluster_creator_admin_permissions(false)
                        .build(),
                )
                .upgrade_policy(self.support())
                .deletion_protection(self.deletion_protection)
                .set_client_request_token(token(&self.tags, &self.name))
                .set_tags(Some(self.tags.clone().into_iter().collect()));
            call(OPERATION, create.send()).await
        })
        .await?;
        Ok(self.present(&steady(aws, &self.name, monitor).await?))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("eks:UpdateClusterConfig", &["name", "role_arn", "encryption_key"])?;
        let monitor = change.monitor;
        if change.any(&["deletion_protection"]) {
            self.change(aws, monitor, |update| {
                update.deletion_protection(self.deletion_protection)
            })
            .await?;
        }
        if change.foreign() {
            let api = UpdateAccessConfigRequest::builder()
                .authentication_mode(AuthenticationMode::Api)
                .build();
            let mode = &change.found.foreign;
            // From CONFIG_MAP the way to API leads over both.
            if mode.iter().any(|words| words.contains("mode CONFIG_MAP")) {
                let both = UpdateAccessConfigRequest::builder()
                    .authentication_mode(AuthenticationMode::ApiAndConfigMap)
                    .build();
                self.change(aws, monitor, |update| update.access_config(both.clone()))
                    .await?;
            }
            self.change(aws, monitor, |update| update.access_config(api.clone()))
                .await?;
        }
        if change.any(&["log_types"]) {
            self.change(aws, monitor, |update| update.logging(logging(&self.log_types)))
                .await?;
        }
        if change.any(&["endpoint_private", "endpoint_public", "public_cidrs"]) {
            self.change(aws, monitor, |update| {
                update.resources_vpc_config(self.endpoint())
            })
            .await?;
        }
        if change.any(&["subnet_ids"]) {
            let subnets = VpcConfigRequest::builder()
                .set_subnet_ids(Some(self.subnet_ids.iter().cloned().collect()))
                .build();
            self.change(aws, monitor, |update| {
                update.resources_vpc_config(subnets.clone())
            })
            .await?;
        }
        if change.any(&["extended_support"]) {
            self.change(aws, monitor, |update| update.upgrade_policy(self.support()))
                .await?;
        }
        if change.any(&["version"]) && !self.version.is_empty() {
            let answer = patiently(&format!("cluster {}", self.name), LONG, monitor, busy, || async {
                let update = aws
                    .clients
                    .eks
                    .update_cluster_version()
                    .name(&self.name)
                    .version(&self.version);
                call("eks:UpdateClusterVersion", update.send()).await
            })
            .await;
            let nowhere = format!("from {0} to {0}", self.version);
            match answer {
                Ok(answer) => updated(aws, &self.name, None, answer.update, monitor).await?,
                // An earlier attempt's answer was lost, or somebody else was faster.
                Err(failure) if says(&failure, &REFUSED, &["already at version", &nowhere]) => {}
                Err(failure) => return Err(failure),
            }
        }
        change_tags(aws, &change.found.id, change).await?;
        if change.any(&["tags"]) && change.changes.len() == 1 && !change.foreign() {
            return Ok(());
        }
        steady(aws, &self.name, monitor).await.map(drop)
    }

    async fn settle(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        if found.status == Status::Deleting {
            return self.vanished(aws, monitor).await;
        }
        // Gone or failed meanwhile: the observation that follows tells.
        match steady(aws, &self.name, monitor).await {
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Failed) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn delete(&self, aws: &Aws, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        const OPERATION: &str = "eks:DeleteCluster";
        let delete = || async {
            gone(
                call(
                    OPERATION,
                    aws.clients.eks.delete_cluster().name(&self.name).send(),
                )
                .await,
            )
        };
        let attached =
            |failure: &Failure| says(failure, &["ResourceInUseException"], &["nodegroups attached"]);
        // Made anew, the cluster takes its pools along, as GKE does. Destroyed, they have gone before.
        match delete().await {
            Err(failure) if attached(&failure) => {
                let environment = self.tags.get(ENVIRONMENT).map_or("", String::as_str);
                let groups = Groups(&self.name);
                groups.remove_of(aws, environment, monitor).await?;
            }
            Err(failure) if !busy(&failure) => return Err(failure),
            _ => {}
        }
        // Updates and the deletion of node groups must be over first.
        let passing = |failure: &Failure| busy(failure) || attached(failure);
        patiently(
            &format!("cluster {}", self.name),
            SPREADING,
            monitor,
            passing,
            delete,
        )
        .await?;
        self.vanished(aws, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tags(aws, &found.id, [(key.to_owned(), value.to_owned())].into()).await
    }

    async fn obstacles(&self, aws: &Aws, _: &Component, found: &Present) -> Outcome<Vec<String>> {
        let mut obstacles = leftovers::load_balancers(aws, &self.name).await?;
        if as_found(self, found)?.deletion_protection {
            obstacles.push("deletion protection is on: apply protection = { deletion = false }".to_owned());
        }
        Ok(obstacles)
    }
}

impl Wanted<Cluster> {
    /// Waits until EKS knows the cluster no more.
    async fn vanished(&self, aws: &Aws, monitor: &dyn Monitor) -> Outcome<()> {
        until(
            DESCRIBE,
            &format!("cluster {}", self.name),
            LONG,
            monitor,
            || async {
                match optional(describe(aws, &self.name).await)? {
                    None => Ok(Look::Done(())),
                    Some(cluster) if cluster.status() == Some(&ClusterStatus::Failed) => Err(failure(
                        DESCRIBE,
                        Reason::Failed,
                        format!(
                            "deletion of cluster {} ended FAILED: {}",
                            self.name,
                            health(&cluster)
                        ),
                    )),
                    Some(cluster) => Ok(Look::Busy(
                        cluster
                            .status()
                            .map_or("DELETING", |status| status.as_str())
                            .to_owned(),
                    )),
                }
            },
        )
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> Failure {
        Failure {
            code: code.into(),
            ..failure("eks:CreateCluster", Reason::Invalid, message)
        }
    }

    #[test]
    fn waits_for_a_role_that_is_not_seen_yet_and_for_nothing_else() {
        for message in UNSEEN {
            assert!(
                unseen(&refused("InvalidParameterException", message)),
                "{message}"
            );
        }
        assert!(!unseen(&refused(
            "InvalidParameterException",
            "Subnets specified must be in at least two AZs"
        )));
        assert!(!unseen(&refused("AccessDeniedException", "does not exist")));
    }

    #[test]
    fn waits_for_another_update_but_not_for_an_existing_name() {
        assert!(busy(&refused(
            "ResourceInUseException",
            "currently has update u in progress"
        )));
        assert!(!busy(&refused(
            "ResourceInUseException",
            "Cluster already exists with name: a"
        )));
    }

    #[test]
    fn switches_the_types_off_that_are_not_wanted() {
        let setups = logging(&["api".to_owned()].into());
        let on: Vec<_> = setups
            .cluster_logging()
            .iter()
            .map(|setup| (setup.enabled(), setup.types().len()))
            .collect();
        assert_eq!(on, [(Some(true), 1), (Some(false), 4)]);
        assert_eq!(logging(&BTreeSet::new()).cluster_logging().len(), 1);
    }

    #[test]
    fn a_token_fits_and_stays_the_same() {
        let tags = tags::found([(UID, "8d3f6c1e-0000-4000-8000-000000000000")]);
        let long = "n".repeat(100);
        let made = token(&tags, &long).unwrap();
        assert_eq!((made.len(), token(&tags, &long)), (64, Some(made)));
        assert_eq!(token(&Tags::new(), "n"), None);
    }
}
