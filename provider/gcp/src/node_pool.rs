//! A GKE node pool.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use google_cloud_container_v1::builder::cluster_manager::UpdateNodePool;
use google_cloud_container_v1::model::node_pool::{Status as PoolStatus, UpgradeSettings};
use google_cloud_container_v1::model::node_taint::Effect;
use google_cloud_container_v1::model::workload_metadata_config::Mode;
use google_cloud_container_v1::model::{
    AcceleratorConfig, NodeConfig, NodeKubeletConfig, NodeLabels, NodeManagement, NodePool as Found,
    NodePoolAutoscaling, NodePoolUpdateStrategy, NodeTaint, NodeTaints, ResourceLabels,
    ShieldedInstanceConfig, WorkloadMetadataConfig,
};
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::{Monitor, Reason};
use mlops_environment::gcp::{Accelerator, NodePool, Taint};

use crate::cluster::{Quiet, reasons};
use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, optional};
use crate::gke::{self, Of, minor, run, started};
use crate::glance;
use crate::mark::{self, COMPONENT, ENVIRONMENT};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::retry::Created;
use crate::wait::{LONG, Look, until};

const GET: &str = "container:GetNodePool";
const UPDATE: &str = "container:UpdateNodePool";

/// How a pool that a rotation left behind is told.
const SUPERSEDED: &str = "superseded node pool ";

/// What a node's account may ask for is IAM's to say, not the scope's.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// What GKE puts on nodes with GPUs by itself: <https://cloud.google.com/kubernetes-engine/docs/how-to/gpus>
const GPU_TAINT: &str = "nvidia.com/gpu";

/// What GKE keeps for a pool's whole life.
const FIXED: [&str; 4] = ["cluster", "service_account", "spot", "accelerator"];

fn int(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn taints(taints: &BTreeSet<Taint>) -> impl Iterator<Item = NodeTaint> + '_ {
    taints.iter().map(|taint| {
        NodeTaint::new()
            .set_key(&taint.key)
            .set_value(&taint.value)
            .set_effect(Effect::from(taint.effect.as_str()))
    })
}

fn metadata(pool: &NodePool) -> WorkloadMetadataConfig {
    WorkloadMetadataConfig::new().set_mode(Mode::from(pool.metadata_mode.as_str()))
}

fn upgrades(pool: &NodePool) -> UpgradeSettings {
    UpgradeSettings::new()
        .set_strategy(NodePoolUpdateStrategy::Surge)
        .set_max_surge(int(pool.max_surge))
        .set_max_unavailable(int(pool.max_unavailable))
}

fn scaling(pool: &NodePool) -> NodePoolAutoscaling {
    NodePoolAutoscaling::new()
        .set_enabled(true)
        .set_total_min_node_count(int(pool.min))
        .set_total_max_node_count(int(pool.max))
}

/// A pool as GKE is asked for it, alone or with its cluster.
pub(crate) fn api(pool: &NodePool) -> Found {
    let mut config = NodeConfig::new()
        .set_machine_type(&pool.machine_type)
        .set_disk_size_gb(int(pool.disk_gb))
        .set_disk_type(&pool.disk_type)
        .set_image_type(&pool.image_type)
        .set_service_account(&pool.service_account)
        .set_oauth_scopes([SCOPE])
        .set_spot(pool.spot)
        .set_workload_metadata_config(metadata(pool))
        .set_shielded_instance_config(
            ShieldedInstanceConfig::new()
                .set_enable_secure_boot(true)
                .set_enable_integrity_monitoring(true),
        )
        .set_kubelet_config(NodeKubeletConfig::new().set_insecure_kubelet_readonly_port_enabled(false))
        .set_labels(pool.labels.clone())
        .set_taints(taints(&pool.taints))
        .set_resource_labels(pool.tags.clone());
    if let Some(accelerator) = &pool.accelerator {
        config = config.set_accelerators([AcceleratorConfig::new()
            .set_accelerator_type(&accelerator.kind)
            .set_accelerator_count(accelerator.count)]);
    }
    let mut found = Found::new()
        .set_name(&pool.name)
        .set_initial_node_count(int(pool.initial_count))
        .set_config(config)
        .set_autoscaling(scaling(pool))
        .set_management(NodeManagement::new().set_auto_upgrade(true).set_auto_repair(true))
        .set_upgrade_settings(upgrades(pool));
    if !pool.version.is_empty() {
        found = found.set_version(&pool.version);
    }
    found
}

impl Wanted<NodePool> {
    fn full(&self, name: &str) -> String {
        format!("{}/nodePools/{name}", self.cluster)
    }

    async fn get(&self, gcp: &Gcp, name: &str) -> Outcome<Found> {
        let name = &self.full(name);
        gcp.clients
            .call(GET, || gcp.clients.clusters.get_node_pool().set_name(name).send())
            .await
    }

    /// Whether a pool carries this component's mark.
    fn ours(&self, pool: &Found) -> bool {
        let Some(config) = &pool.config else { return false };
        [ENVIRONMENT, COMPONENT].iter().all(|label| {
            let wanted = self.tags.get(*label);
            wanted.is_some() && config.resource_labels.get(*label) == wanted
        })
    }

    /// Name of the pool that was found: after a rotation it is not the wanted one.
    fn found_name(&self, found: &Present) -> String {
        found
            .outputs
            .get("name")
            .cloned()
            .unwrap_or_else(|| self.name.clone())
    }

    fn present(&self, pool: &Found) -> Present {
        let none = NodeConfig::new();
        let config = pool.config.as_ref().unwrap_or(&none);
        let accelerator = config.accelerators.first().map(|accelerator| Accelerator {
            kind: accelerator.accelerator_type.clone(),
            count: accelerator.accelerator_count,
        });
        let own =
            |taint: &Taint| taint.key != GPU_TAINT || accelerator.is_none() || self.taints.contains(taint);
        let scaling = pool.autoscaling.as_ref().filter(|scaling| scaling.enabled);
        let upgrades = pool.upgrade_settings.as_ref();
        let found = NodePool {
            cluster: self.cluster.clone(),
            name: pool.name.clone(),
            service_account: config.service_account.clone(),
            machine_type: config.machine_type.clone(),
            spot: config.spot,
            image_type: config.image_type.to_uppercase(),
            disk_gb: config.disk_size_gb.into(),
            disk_type: config.disk_type.clone(),
            min: scaling.map_or(0, |scaling| scaling.total_min_node_count.into()),
            max: scaling.map_or(0, |scaling| scaling.total_max_node_count.into()),
            initial_count: pool.initial_node_count.into(),
            version: minor(&pool.version),
            labels: mark::found(&config.labels),
            taints: config
                .taints
                .iter()
                .map(|taint| Taint {
                    key: taint.key.clone(),
                    value: taint.value.clone(),
                    effect: taint.effect.name().unwrap_or_default().to_owned(),
                })
                .filter(own)
                .collect(),
            max_surge: upgrades.map_or(0, |settings| settings.max_surge.into()),
            max_unavailable: upgrades.map_or(0, |settings| settings.max_unavailable.into()),
            metadata_mode: config
                .workload_metadata_config
                .as_ref()
                .and_then(|metadata| metadata.mode.name())
                .unwrap_or_default()
                .to_owned(),
            tags: mark::found(&config.resource_labels),
            accelerator,
        };
        let known = outputs([("name", pool.name.clone())]);
        let mut present = ready(self.full(&pool.name), mark::owner(&found.tags), &found, known);
        // Only says how the pool was begun.
        present.properties.remove("initial_count");
        present.status = match &pool.status {
            // Nodes that are not well are Kubernetes' business: the pool itself can be used and changed.
            PoolStatus::Running | PoolStatus::RunningWithError | PoolStatus::Unspecified => Status::Ready,
            PoolStatus::Stopping => Status::Deleting,
            PoolStatus::Error => Status::Failed {
                reason: reasons(&pool.conditions),
            },
            other => Status::InProgress {
                what: other.name().unwrap_or("under way").to_owned(),
                operation: None,
            },
        };
        present
    }

    /// Waits until nothing is under way on the pool.
    ///
    /// # Errors
    ///
    /// [`Reason::Failed`] with GKE's reasons when it gave up.
    async fn steady(&self, gcp: &Gcp, name: &str, monitor: &dyn Monitor) -> Outcome<Found> {
        until(GET, &format!("node pool {name}"), LONG, monitor, || async {
            let pool = self.get(gcp, name).await?;
            match &pool.status {
                PoolStatus::Running | PoolStatus::RunningWithError => Ok(Look::Done(pool)),
                PoolStatus::Error => Err(failure(
                    GET,
                    Reason::Failed,
                    format!("node pool {name} ended in ERROR: {}", reasons(&pool.conditions)),
                )),
                other => Ok(Look::Busy(other.name().unwrap_or("under way").to_owned())),
            }
        })
        .await
    }

    async fn remove(&self, gcp: &Gcp, name: &str, monitor: &dyn Monitor) -> Outcome<()> {
        let full = &self.full(name);
        let removed = run(
            gcp,
            &self.cluster,
            Of::Pool,
            &format!("node pool {name}"),
            monitor,
            || {
                started(gcp, "container:DeleteNodePool", || {
                    gcp.clients.clusters.delete_node_pool().set_name(full).send()
                })
            },
        )
        .await;
        gone(removed)
    }

    /// One change, waited for: GKE takes one wish a call.
    async fn change(
        &self,
        gcp: &Gcp,
        name: &str,
        monitor: &dyn Monitor,
        set: impl Fn(UpdateNodePool) -> UpdateNodePool,
    ) -> Outcome<()> {
        let full = &self.full(name);
        run(
            gcp,
            &self.cluster,
            Of::Pool,
            &format!("node pool {name}"),
            monitor,
            || {
                started(gcp, UPDATE, || {
                    set(gcp.clients.clusters.update_node_pool().set_name(full)).send()
                })
            },
        )
        .await
    }

    async fn set_tags(
        &self,
        gcp: &Gcp,
        name: &str,
        monitor: &dyn Monitor,
        change: impl Fn(&HashMap<String, String>) -> HashMap<String, String>,
    ) -> Outcome<()> {
        let now = self
            .get(gcp, name)
            .await?
            .config
            .map(|config| config.resource_labels)
            .unwrap_or_default();
        let labels = ResourceLabels::new().set_labels(change(&now));
        self.change(gcp, name, monitor, |update| {
            update.set_resource_labels(labels.clone())
        })
        .await
    }
}

#[async_trait]
impl Object for Wanted<NodePool> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let Some(cluster) = glance::cluster(gcp, &self.cluster).await? else {
            return Ok(Observation::Absent);
        };
        let (exact, others): (Vec<&Found>, Vec<&Found>) =
            cluster.node_pools.iter().partition(|pool| pool.name == self.name);
        let mut marked = others.into_iter().filter(|pool| self.ours(pool));
        let Some(pool) = exact.first().copied().or_else(|| marked.next()) else {
            return Ok(Observation::Absent);
        };
        let mut present = self.present(pool);
        present.foreign = marked.map(|pool| format!("{SUPERSEDED}{}", pool.name)).collect();
        Ok(Observation::Present(present))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let wanted = api(self);
        run(
            gcp,
            &self.cluster,
            Of::Pool,
            &format!("node pool {}", self.name),
            monitor,
            || async {
                let made = gcp
                    .clients
                    .make("container:CreateNodePool", || {
                        gcp.clients
                            .clusters
                            .create_node_pool()
                            .set_parent(&self.cluster)
                            .set_node_pool(wanted.clone())
                            .send()
                    })
                    .await?;
                Ok(match made {
                    Created::Answered(operation) => Some(operation),
                    Created::Unanswered => None,
                })
            },
        )
        .await?;
        Ok(self.present(&self.steady(gcp, &self.name, monitor).await?))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(UPDATE, &FIXED)?;
        let (name, monitor) = (self.found_name(change.found), change.monitor);
        if change.any(&["min", "max"]) {
            let full = &self.full(&name);
            run(
                gcp,
                &self.cluster,
                Of::Pool,
                &format!("node pool {name}"),
                monitor,
                || {
                    started(gcp, "container:SetNodePoolAutoscaling", || {
                        gcp.clients
                            .clusters
                            .set_node_pool_autoscaling()
                            .set_name(full)
                            .set_autoscaling(scaling(self))
                            .send()
                    })
                },
            )
            .await?;
        }
        if change.any(&["max_surge", "max_unavailable"]) {
            // Before what follows: it says how the nodes are exchanged.
            self.change(gcp, &name, monitor, |update| {
                update.set_upgrade_settings(upgrades(self))
            })
            .await?;
        }
        if change.any(&["labels"]) {
            self.change(gcp, &name, monitor, |update| {
                update.set_labels(NodeLabels::new().set_labels(self.labels.clone()))
            })
            .await?;
        }
        if change.any(&["taints"]) {
            self.change(gcp, &name, monitor, |update| {
                update.set_taints(NodeTaints::new().set_taints(taints(&self.taints)))
            })
            .await?;
        }
        if change.any(&["metadata_mode"]) {
            self.change(gcp, &name, monitor, |update| {
                update.set_workload_metadata_config(metadata(self))
            })
            .await?;
        }
        if change.any(&["machine_type", "disk_gb", "disk_type"]) {
            self.change(gcp, &name, monitor, |update| {
                update
                    .set_machine_type(&self.machine_type)
                    .set_disk_type(&self.disk_type)
                    .set_disk_size_gb(self.disk_gb)
            })
            .await?;
        }
        if change.any(&["image_type"]) {
            self.change(gcp, &name, monitor, |update| {
                update.set_image_type(&self.image_type)
            })
            .await?;
        }
        if change.any(&["version"]) && !self.version.is_empty() {
            self.change(gcp, &name, monitor, |update| {
                update.set_node_version(&self.version)
            })
            .await?;
        }
        if let Some(tags) = change.of("tags") {
            self.set_tags(gcp, &name, monitor, |now| mark::changed(now, tags))
                .await?;
        }
        for other in change
            .found
            .foreign
            .iter()
            .filter_map(|words| words.strip_prefix(SUPERSEDED))
        {
            self.remove(gcp, other, monitor).await?;
        }
        Ok(())
    }

    async fn settle(&self, gcp: &Gcp, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let name = self.found_name(found);
        for operation in gke::under_way(gcp, &self.cluster, &self.full(&name)).await? {
            match gke::awaited(gcp, &format!("node pool {name}"), &operation, monitor).await {
                // How it ended shows in what is found afterwards.
                Err(failure) if !matches!(failure.reason, Reason::Failed | Reason::NotFound) => {
                    return Err(failure);
                }
                _ => {}
            }
        }
        if found.status == Status::Deleting {
            return until(GET, &format!("node pool {name}"), LONG, monitor, || async {
                Ok(match optional(self.get(gcp, &name).await)? {
                    None => Look::Done(()),
                    Some(pool) => Look::Busy(pool.status.name().unwrap_or("STOPPING").to_owned()),
                })
            })
            .await;
        }
        match self.steady(gcp, &name, monitor).await {
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Failed) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        for other in found
            .foreign
            .iter()
            .filter_map(|words| words.strip_prefix(SUPERSEDED))
        {
            self.remove(gcp, other, monitor).await?;
        }
        self.remove(gcp, &self.found_name(found), monitor).await
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        let quiet = Quiet;
        self.set_tags(gcp, &self.found_name(found), &quiet, |labels| {
            let mut labels = labels.clone();
            labels.insert(mark::RETAINED_AT.to_owned(), mark::label_time(now));
            labels
        })
        .await
    }
}
