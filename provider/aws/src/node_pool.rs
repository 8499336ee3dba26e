//! An EKS managed node group with a launch template of its own.
//!
//! What EKS cannot change in place is part of the group's name: a rotation makes a new group beside the old one. An
//! observation therefore looks for any group that carries the pool's mark.

use async_trait::async_trait;
use aws_sdk_eks::types::{
    AmiTypes, CapacityTypes, LaunchTemplateSpecification, Nodegroup, NodegroupScalingConfig, NodegroupStatus,
    NodegroupUpdateConfig, Taint as EksTaint, TaintEffect, UpdateLabelsPayload, UpdateTaintsPayload,
};
use futures::future::try_join_all;
use futures::try_join;
use mlops_environment::aws::{NodePool, Taint};
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::cluster::{busy, change_tags, set_tags, token, unseen, updated};
use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, missing, optional};
use crate::launch_template::{self, Template, Version};
use crate::object::{Changes, Object, Wanted, as_found, outputs, properties};
use crate::tags::{self, COMPONENT, ENVIRONMENT};
use crate::wait::{LONG, Look, SPREADING, patiently, until};

const DESCRIBE: &str = "eks:DescribeNodegroup";
/// How a group that a newer one replaced is told.
const SUPERSEDED: &str = "superseded node group ";

/// Properties that only a new group can have.
const FIXED: [&str; 7] = [
    "cluster",
    "name",
    "role_arn",
    "subnet_ids",
    "instance_types",
    "spot",
    "ami_type",
];
/// Properties that live in the launch template.
const IN_TEMPLATE: [&str; 5] = [
    "disk_gb",
    "disk_type",
    "metadata_tokens",
    "metadata_hop_limit",
    "tags",
];

fn health(group: &Nodegroup) -> String {
    let issues: Vec<String> = group
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

fn eks_taint(taint: &Taint) -> EksTaint {
    EksTaint::builder()
        .key(&taint.key)
        .value(&taint.value)
        .effect(TaintEffect::from(taint.effect.as_str()))
        .build()
}

/// A launch template's name lives in the account's region: the cluster's name keeps pools apart.
fn template_name(cluster: &str, group: &str) -> String {
    format!("{cluster}-{group}")
}

fn template_version(group: &Nodegroup) -> Option<Version> {
    let template = group.launch_template()?;
    Some(Version {
        id: template.id()?.to_owned(),
        number: template.version()?.to_owned(),
    })
}

/// The node groups of the cluster of this name.
pub(crate) struct Groups<'a>(pub(crate) &'a str);

impl Groups<'_> {
    async fn describe(&self, aws: &Aws, name: &str) -> Outcome<Nodegroup> {
        let describe = aws
            .clients
            .eks
            .describe_nodegroup()
            .cluster_name(self.0)
            .nodegroup_name(name);
        call(DESCRIBE, describe.send())
            .await?
            .nodegroup
            .ok_or_else(|| missing(DESCRIBE, "nodegroup"))
    }

    /// The same as [`Self::list`], asked for once in one look.
    async fn names(&self, aws: &Aws) -> Outcome<Vec<String>> {
        match &aws.glance {
            Some(glance) => glance.groups(self.0, || self.list(aws)).await,
            None => self.list(aws).await,
        }
    }

    /// Names of all; none where there is no cluster.
    async fn list(&self, aws: &Aws) -> Outcome<Vec<String>> {
        let (mut found, mut token) = (Vec::new(), None);
        loop {
            let list = aws
                .clients
                .eks
                .list_nodegroups()
                .cluster_name(self.0)
                .set_next_token(token);
            let Some(answer) = optional(call("eks:ListNodegroups", list.send()).await)? else {
                return Ok(found);
            };
            found.extend(answer.nodegroups.unwrap_or_default());
            token = answer.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// Deletes those that carry the mark of an environment. Groups of others stay, and the cluster with them.
    ///
    /// * `environment`: its id, as the tag says it.
    pub(crate) async fn remove_of(&self, aws: &Aws, environment: &str, monitor: &dyn Monitor) -> Outcome<()> {
        for name in self.list(aws).await? {
            let Some(group) = optional(self.describe(aws, &name).await)? else {
                continue;
            };
            let mark = group.tags().and_then(|tags| tags.get(ENVIRONMENT));
            if mark.is_some_and(|mark| mark == environment) {
                monitor.progress(&format!("node group {name} goes with its cluster"));
                self.remove(aws, &name, monitor).await?;
            }
        }
        Ok(())
    }

    /// Deletes a group and its launch template, and waits until both are gone.
    async fn remove(&self, aws: &Aws, name: &str, monitor: &dyn Monitor) -> Outcome<()> {
        // The template first: killed in between, the group is still there to say that something is left. EKS runs its
        // groups from a copy of its own, so the group can still be deleted.
        // https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
        launch_template::delete(&aws.clients, &template_name(self.0, name)).await?;
        let subject = format!("node group {name}");
        let in_use = |failure: &Failure| failure.code == "ResourceInUseException" || busy(failure);
        patiently(&subject, SPREADING, monitor, in_use, || async {
            let delete = aws
                .clients
                .eks
                .delete_nodegroup()
                .cluster_name(self.0)
                .nodegroup_name(name);
            gone(call("eks:DeleteNodegroup", delete.send()).await)
        })
        .await?;
        self.vanished(aws, name, monitor).await
    }

    async fn vanished(&self, aws: &Aws, name: &str, monitor: &dyn Monitor) -> Outcome<()> {
        until(DESCRIBE, &format!("node group {name}"), LONG, monitor, || async {
            match optional(self.describe(aws, name).await)? {
                None => Ok(Look::Done(())),
                Some(group) if group.status() == Some(&NodegroupStatus::DeleteFailed) => Err(failure(
                    DESCRIBE,
                    Reason::Failed,
                    format!(
                        "deletion of node group {name} ended DELETE_FAILED: {}",
                        health(&group)
                    ),
                )),
                Some(group) => Ok(Look::Busy(
                    group
                        .status()
                        .map_or("DELETING", |status| status.as_str())
                        .to_owned(),
                )),
            }
        })
        .await
    }
}

impl Wanted<NodePool> {
    fn all(&self) -> Groups<'_> {
        Groups(&self.cluster)
    }

    /// Whether a group carries this pool's mark.
    fn ours(&self, group: &Nodegroup) -> bool {
        let mark = |key: &str| group.tags().and_then(|tags| tags.get(key));
        self.tags.contains_key(COMPONENT)
            && [ENVIRONMENT, COMPONENT]
                .iter()
                .all(|key| mark(key) == self.tags.get(*key))
    }

    /// Other groups that could be of this pool: those that share its stem. `serving-1a2b3c` and `serving-4d5e6f` do.
    fn related(&self, name: &str) -> bool {
        fn stem(name: &str) -> &str {
            name.rsplit_once('-').map_or(name, |(stem, _)| stem)
        }
        name != self.name
            && (stem(name) == stem(&self.name) || name == stem(&self.name) || stem(name) == self.name)
    }

    fn template(&self) -> Template {
        Template {
            disk_gb: self.disk_gb,
            disk_type: self.disk_type.clone(),
            metadata_tokens: self.metadata_tokens.clone(),
            metadata_hop_limit: self.metadata_hop_limit,
            tags: self.tags.clone(),
        }
    }

    fn present(&self, group: &Nodegroup, template: Option<Template>) -> Present {
        let name = group.nodegroup_name().unwrap_or(&self.name).to_owned();
        let told = template.is_some();
        let template = template.unwrap_or_else(|| self.template());
        let mut group_tags = tags::found(group.tags().into_iter().flatten());
        // The mark of the group decides; tags that are missing on its instances count as missing.
        if told {
            let on_instances = launch_template::own(template.tags);
            group_tags.retain(|key, value| {
                self.tags.get(key) != Some(value) || on_instances.get(key) == Some(value)
            });
        }
        let owner = tags::owner(&tags::found(group.tags().into_iter().flatten()));
        let scaling = group.scaling_config();
        let found = NodePool {
            cluster: self.cluster.clone(),
            name: name.clone(),
            role_arn: group.node_role().unwrap_or_default().to_owned(),
            subnet_ids: group.subnets().iter().cloned().collect(),
            instance_types: group.instance_types().to_vec(),
            spot: group.capacity_type() == Some(&CapacityTypes::Spot),
            ami_type: group
                .ami_type()
                .map(|kind| kind.as_str().to_owned())
                .unwrap_or_default(),
            disk_gb: template.disk_gb,
            disk_type: template.disk_type,
            min: scaling.and_then(|scaling| scaling.min_size()).unwrap_or(0),
            max: scaling.and_then(|scaling| scaling.max_size()).unwrap_or(0),
            version: group.version().unwrap_or_default().to_owned(),
            labels: group
                .labels()
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            taints: group
                .taints()
                .iter()
                .map(|taint| Taint {
                    key: taint.key().unwrap_or_default().to_owned(),
                    value: taint.value().unwrap_or_default().to_owned(),
                    effect: taint
                        .effect()
                        .map(|effect| effect.as_str().to_owned())
                        .unwrap_or_default(),
                })
                .collect(),
            max_unavailable: group
                .update_config()
                .and_then(|config| config.max_unavailable())
                .unwrap_or(1),
            metadata_tokens: template.metadata_tokens,
            metadata_hop_limit: template.metadata_hop_limit,
            tags: group_tags,
        };
        let mut found_properties = properties(&found);
        if !told {
            for property in ["disk_gb", "disk_type", "metadata_tokens", "metadata_hop_limit"] {
                found_properties.remove(property);
            }
        }
        let arn = group.nodegroup_arn().unwrap_or_default().to_owned();
        Present {
            id: arn.clone(),
            owner,
            status: match group.status() {
                // Degraded nodes are Kubernetes' business: the group itself can be used and changed.
                None | Some(NodegroupStatus::Active | NodegroupStatus::Degraded) => Status::Ready,
                Some(NodegroupStatus::Deleting) => Status::Deleting,
                Some(NodegroupStatus::CreateFailed | NodegroupStatus::DeleteFailed) => Status::Failed {
                    reason: health(group),
                },
                Some(other) => Status::InProgress {
                    what: other.as_str().to_owned(),
                    operation: None,
                },
            },
            properties: found_properties,
            outputs: outputs([("arn", arn), ("name", name)]),
            foreign: Vec::new(),
        }
    }

    /// Waits until nothing is under way on the group.
    ///
    /// # Errors
    ///
    /// [`Reason::Failed`] with EKS's reasons when it gave up.
    async fn steady(&self, aws: &Aws, name: &str, monitor: &dyn Monitor) -> Outcome<Nodegroup> {
        until(DESCRIBE, &format!("node group {name}"), LONG, monitor, || async {
            let group = self.all().describe(aws, name).await?;
            match group.status() {
                Some(NodegroupStatus::Active | NodegroupStatus::Degraded) => Ok(Look::Done(group)),
                Some(status @ (NodegroupStatus::CreateFailed | NodegroupStatus::DeleteFailed)) => {
                    Err(failure(
                        DESCRIBE,
                        Reason::Failed,
                        format!("node group {name} ended {status}: {}", health(&group)),
                    ))
                }
                Some(status) => Ok(Look::Busy(status.as_str().to_owned())),
                None => Ok(Look::Busy("without a status".to_owned())),
            }
        })
        .await
    }

    /// Name of the group that was found: after a rotation it is not the wanted one.
    fn found_name(&self, found: &Present) -> String {
        found
            .outputs
            .get("name")
            .cloned()
            .unwrap_or_else(|| self.name.clone())
    }

    /// Everything that one configuration call can change.
    async fn reconfigure(&self, aws: &Aws, change: &Changes<'_>, name: &str, desired: i32) -> Outcome<()> {
        let before = as_found(self, change.found)?;
        let mut update = aws
            .clients
            .eks
            .update_nodegroup_config()
            .cluster_name(&self.cluster)
            .nodegroup_name(name);
        if change.any(&["min", "max"]) {
            update = update.scaling_config(
                NodegroupScalingConfig::builder()
                    .min_size(self.min)
                    .max_size(self.max)
                    // The autoscaler's number stays, as far as the new bounds allow.
                    .desired_size(desired.clamp(self.min, self.max.max(self.min)))
                    .build(),
            );
        }
        if change.any(&["labels"]) {
            let removed = before
                .labels
                .keys()
                .filter(|key| !self.labels.contains_key(*key))
                .cloned()
                .collect();
            let set = self
                .labels
                .iter()
                .filter(|(key, value)| before.labels.get(*key) != Some(value));
            update = update.labels(
                UpdateLabelsPayload::builder()
                    .set_add_or_update_labels(Some(
                        set.map(|(key, value)| (key.clone(), value.clone())).collect(),
                    ))
                    .set_remove_labels(Some(removed))
                    .build(),
            );
        }
        if change.any(&["taints"]) {
            let added = self.taints.difference(&before.taints).map(eks_taint).collect();
            // A taint is known by key and effect: one whose value changes is set, not removed.
            let stays = |taint: &&Taint| {
                self.taints
                    .iter()
                    .any(|wanted| wanted.key == taint.key && wanted.effect == taint.effect)
            };
            let removed = before
                .taints
                .iter()
                .filter(|taint| !stays(taint))
                .map(eks_taint)
                .collect();
            update = update.taints(
                UpdateTaintsPayload::builder()
                    .set_add_or_update_taints(Some(added))
                    .set_remove_taints(Some(removed))
                    .build(),
            );
        }
        if change.any(&["max_unavailable"]) {
            update = update.update_config(
                NodegroupUpdateConfig::builder()
                    .max_unavailable(self.max_unavailable)
                    .build(),
            );
        }
        let answer = patiently(
            &format!("node group {name}"),
            LONG,
            change.monitor,
            busy,
            || async { call("eks:UpdateNodegroupConfig", update.clone().send()).await },
        )
        .await?;
        updated(aws, &self.cluster, Some(name), answer.update, change.monitor).await
    }

    /// New Kubernetes version or launch template: EKS replaces the nodes one after another.
    async fn roll(&self, aws: &Aws, change: &Changes<'_>, name: &str, version: Option<&str>) -> Outcome<()> {
        let template = self
            .template()
            .put(&aws.clients, &template_name(&self.cluster, name))
            .await?;
        let specification = LaunchTemplateSpecification::builder()
            .id(&template.id)
            .version(&template.number)
            .build();
        let answer = patiently(
            &format!("node group {name}"),
            LONG,
            change.monitor,
            busy,
            || async {
                let update = aws
                    .clients
                    .eks
                    .update_nodegroup_version()
                    .cluster_name(&self.cluster)
                    .nodegroup_name(name)
                    // Without a version EKS would take the cluster's.
                    .set_version(version.map(str::to_owned))
                    .launch_template(specification.clone());
                call("eks:UpdateNodegroupVersion", update.send()).await
            },
        )
        .await?;
        updated(aws, &self.cluster, Some(name), answer.update, change.monitor).await
    }
}

#[async_trait]
impl Object for Wanted<NodePool> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let (exact, names) = try_join!(
            async { optional(self.all().describe(aws, &self.name).await) },
            async { self.all().names(aws).await }
        )?;
        let others = names.iter().filter(|name| match exact {
            Some(_) => self.related(name),
            None => **name != self.name,
        });
        let marked: Vec<Nodegroup> =
            try_join_all(others.map(|name| async move { optional(self.all().describe(aws, name).await) }))
                .await?
                .into_iter()
                .flatten()
                .filter(|group| self.ours(group))
                .collect();
        let (group, superseded) = match exact {
            Some(group) => (group, marked),
            None => {
                let mut marked = marked.into_iter();
                let Some(group) = marked.next() else {
                    return Ok(Observation::Absent);
                };
                (group, marked.collect())
            }
        };
        let template = match template_version(&group) {
            Some(version) => launch_template::describe(&aws.clients, &version).await?,
            None => None,
        };
        let mut present = self.present(&group, template);
        present.foreign = superseded
            .iter()
            .filter_map(|group| Some(format!("{SUPERSEDED}{}", group.nodegroup_name()?)))
            .collect();
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "eks:CreateNodegroup";
        let wanted = self.template();
        let template = wanted
            .put(&aws.clients, &template_name(&self.cluster, &self.name))
            .await?;
        let passing = |failure: &Failure| unseen(failure) || busy(failure);
        patiently(
            &format!("node group {}", self.name),
            SPREADING,
            monitor,
            passing,
            || async {
                let create = aws
                    .clients
                    .eks
                    .create_nodegroup()
                    .cluster_name(&self.cluster)
                    .nodegroup_name(&self.name)
                    .node_role(&self.role_arn)
                    .set_subnets(Some(self.subnet_ids.iter().cloned().collect()))
                    .set_instance_types(Some(self.instance_types.clone()))
                    .capacity_type(if self.spot {
                        CapacityTypes::Spot
                    } else {
                        CapacityTypes::OnDemand
                    })
                    .ami_type(AmiTypes::from(self.ami_type.as_str()))
                    .scaling_config(
                        NodegroupScalingConfig::builder()
                            .min_size(self.min)
                            .max_size(self.max)
                            .desired_size(self.min)
                            .build(),
                    )
                    .set_version((!self.version.is_empty()).then(|| self.version.clone()))
                    .set_labels(Some(self.labels.clone().into_iter().collect()))
                    .set_taints(Some(self.taints.iter().map(eks_taint).collect()))
                    .update_config(
                        NodegroupUpdateConfig::builder()
                            .max_unavailable(self.max_unavailable)
                            .build(),
                    )
                    .launch_template(
                        LaunchTemplateSpecification::builder()
                            .id(&template.id)
                            .version(&template.number)
                            .build(),
                    )
                    .set_client_request_token(token(&self.tags, &self.name))
                    .set_tags(Some(self.tags.clone().into_iter().collect()));
                call(OPERATION, create.send()).await
            },
        )
        .await?;
        Ok(self.present(&self.steady(aws, &self.name, monitor).await?, Some(wanted)))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("eks:UpdateNodegroupConfig", &FIXED)?;
        let name = self.found_name(change.found);
        if change.any(&["min", "max", "labels", "taints", "max_unavailable"]) {
            let desired = if change.any(&["min", "max"]) {
                let group = self.all().describe(aws, &name).await?;
                group
                    .scaling_config()
                    .and_then(|scaling| scaling.desired_size())
                    .unwrap_or(self.min)
            } else {
                self.min
            };
            self.reconfigure(aws, change, &name, desired).await?;
        }
        if change.any(&["version"]) || change.any(&IN_TEMPLATE) {
            let before = as_found(self, change.found)?;
            let version = if self.version.is_empty() {
                &before.version
            } else {
                &self.version
            };
            self.roll(
                aws,
                change,
                &name,
                (!version.is_empty()).then_some(version.as_str()),
            )
            .await?;
        }
        change_tags(aws, &change.found.id, change).await?;
        for other in change
            .found
            .foreign
            .iter()
            .filter_map(|words| words.strip_prefix(SUPERSEDED))
        {
            self.all().remove(aws, other, change.monitor).await?;
        }
        Ok(())
    }

    async fn settle(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let name = self.found_name(found);
        if found.status == Status::Deleting {
            return self.all().vanished(aws, &name, monitor).await;
        }
        // Gone or failed meanwhile: the observation that follows tells.
        match self.steady(aws, &name, monitor).await {
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Failed) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        for other in found
            .foreign
            .iter()
            .filter_map(|words| words.strip_prefix(SUPERSEDED))
        {
            self.all().remove(aws, other, monitor).await?;
        }
        self.all().remove(aws, &self.found_name(found), monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        let group = self.all().describe(aws, &self.found_name(found)).await?;
        if let Some(version) = template_version(&group) {
            launch_template::tag(&aws.clients, &version.id, key, value).await?;
        }
        set_tags(aws, &found.id, [(key.to_owned(), value.to_owned())].into()).await
    }
}
