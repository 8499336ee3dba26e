//! A GKE cluster. Its first pools are made with it; afterwards each is a component of its own.

use std::collections::BTreeSet;

use async_trait::async_trait;
use google_cloud_container_v1::model::cluster::Status as ClusterStatus;
use google_cloud_container_v1::model::control_plane_endpoints_config::{
    DNSEndpointConfig, IPEndpointsConfig,
};
use google_cloud_container_v1::model::database_encryption::State as EncryptionState;
use google_cloud_container_v1::model::logging_component_config::Component as LogComponent;
use google_cloud_container_v1::model::master_authorized_networks_config::CidrBlock;
use google_cloud_container_v1::model::release_channel::Channel;
use google_cloud_container_v1::model::{
    Cluster as Found, ClusterUpdate, ControlPlaneEndpointsConfig, DatabaseEncryption, DatapathProvider,
    IPAllocationPolicy, LoggingComponentConfig, LoggingConfig, MasterAuthorizedNetworksConfig, NetworkConfig,
    ReleaseChannel, ShieldedNodes, StatusCondition, WorkloadIdentityConfig,
};
use mlops_environment::component::{Component, Observation, Outputs, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::Cluster;

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, optional};
use crate::gke::{self, Of, minor, run, started};
use crate::name::{as_wanted, parent, short};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::retry::Created;
use crate::wait::{LONG, Look, SPREADING, patiently, until};
use crate::{glance, leftovers, mark};

const GET: &str = "container:GetCluster";
const UPDATE: &str = "container:UpdateCluster";

/// What GKE keeps for a cluster's whole life.
const FIXED: [&str; 5] = ["name", "network", "subnetwork", "pods_range", "services_range"];

/// Said of a cluster on which old-style permissions stand beside RBAC.
const LEGACY_ABAC: &str =
    "legacy ABAC is on: service accounts of the cluster may do what RBAC would not allow";

/// What GKE says of an account or key grant that was made moments ago.
fn unseen(failure: &Failure) -> bool {
    let words = [
        "does not exist",
        "not found",
        "cryptoKey",
        "Cloud KMS key",
        "Permission denied on key",
    ];
    let accounts = failure.message.contains("ervice account")
        || failure.message.contains("KMS")
        || failure.message.contains("cryptoKey");
    matches!(failure.reason, Reason::Invalid | Reason::Denied)
        && accounts
        && words.iter().any(|word| failure.message.contains(word))
}

/// Why a cluster or pool is not well, in GKE's words.
pub(crate) fn reasons(conditions: &[StatusCondition]) -> String {
    let reasons: Vec<String> = conditions
        .iter()
        .filter(|condition| !condition.message.is_empty())
        .map(|condition| condition.message.clone())
        .collect();
    if reasons.is_empty() {
        return "GKE gives no reason".to_owned();
    }
    reasons.join("; ")
}

/// What others may refer to. `by_name`: the API is to be reached by its DNS name, where it has one.
pub(crate) fn known(name: &str, workload_pool: &str, by_name: bool, cluster: &Found) -> Outputs {
    let dns = cluster
        .control_plane_endpoints_config
        .as_ref()
        .and_then(|endpoints| endpoints.dns_endpoint_config.as_ref())
        .map(|dns| dns.endpoint.as_str())
        .filter(|endpoint| by_name && !endpoint.is_empty());
    let host = dns.unwrap_or(&cluster.endpoint);
    let endpoint = if host.is_empty() {
        String::new()
    } else {
        format!("https://{host}")
    };
    let certificate = cluster
        .master_auth
        .as_ref()
        .map(|auth| auth.cluster_ca_certificate.clone());
    outputs([
        ("name", short(name).to_owned()),
        ("endpoint", endpoint),
        ("ca_certificate", certificate.unwrap_or_default()),
        ("version", minor(&cluster.current_master_version)),
        ("issuer", format!("https://container.googleapis.com/v1/{name}")),
        ("workload_pool", workload_pool.to_owned()),
        // Part of its nodes' tag.
        ("unique_id", cluster.id.clone()),
    ])
}

/// Whether the API can be reached by its DNS name from outside Google Cloud.
pub(crate) fn open_by_name(cluster: &Found) -> bool {
    cluster
        .control_plane_endpoints_config
        .as_ref()
        .and_then(|endpoints| endpoints.dns_endpoint_config.as_ref())
        .is_some_and(|dns| dns.allow_external_traffic == Some(true))
}

/// The pool by which its pods become identities; empty where that is switched off.
pub(crate) fn workload_pool(cluster: &Found) -> String {
    let config = cluster.workload_identity_config.as_ref();
    config
        .map(|config| config.workload_pool.clone())
        .unwrap_or_default()
}

/// Where it is in its life.
pub(crate) fn status(cluster: &Found) -> Status {
    match &cluster.status {
        // What a degraded cluster lacks is Kubernetes' business; it can be used and changed.
        ClusterStatus::Running | ClusterStatus::Degraded | ClusterStatus::Unspecified => Status::Ready,
        ClusterStatus::Stopping => Status::Deleting,
        ClusterStatus::Error => Status::Failed {
            reason: reasons(&cluster.conditions),
        },
        other => Status::InProgress {
            what: other.name().unwrap_or("under way").to_owned(),
            operation: None,
        },
    }
}

/// What GKE tells of a cluster.
pub(crate) async fn get(gcp: &Gcp, name: &str) -> Outcome<Found> {
    gcp.clients
        .call(GET, || gcp.clients.clusters.get_cluster().set_name(name).send())
        .await
}

/// Waits until nothing is under way.
///
/// # Errors
///
/// [`Reason::Failed`] with GKE's reasons when it gave up.
pub(crate) async fn steady(gcp: &Gcp, name: &str, monitor: &dyn Monitor) -> Outcome<Found> {
    let subject = format!("cluster {}", short(name));
    until(GET, &subject, LONG, monitor, || async {
        let cluster = get(gcp, name).await?;
        match &cluster.status {
            ClusterStatus::Running | ClusterStatus::Degraded => Ok(Look::Done(cluster)),
            ClusterStatus::Error => Err(failure(
                GET,
                Reason::Failed,
                format!("{subject} ended in ERROR: {}", reasons(&cluster.conditions)),
            )),
            other => Ok(Look::Busy(other.name().unwrap_or("under way").to_owned())),
        }
    })
    .await
}

impl Wanted<Cluster> {
    fn subject(&self) -> String {
        format!("cluster {}", short(&self.name))
    }

    fn endpoints(&self) -> ControlPlaneEndpointsConfig {
        let inside = self.endpoint_private || self.endpoint_public;
        let mut addresses = IPEndpointsConfig::new()
            .set_enabled(inside)
            .set_enable_public_endpoint(self.endpoint_public);
        if inside {
            // Switched on without blocks it lets nobody in from outside.
            let blocks = self
                .public_cidrs
                .iter()
                .map(|block| CidrBlock::new().set_cidr_block(block));
            addresses = addresses.set_authorized_networks_config(
                MasterAuthorizedNetworksConfig::new()
                    .set_enabled(true)
                    .set_cidr_blocks(blocks),
            );
        }
        ControlPlaneEndpointsConfig::new()
            .set_dns_endpoint_config(DNSEndpointConfig::new().set_allow_external_traffic(self.dns_endpoint))
            .set_ip_endpoints_config(addresses)
    }

    fn encryption(&self) -> DatabaseEncryption {
        match &self.database_encryption_key {
            Some(key) => DatabaseEncryption::new()
                .set_state(EncryptionState::Encrypted)
                .set_key_name(key),
            None => DatabaseEncryption::new().set_state(EncryptionState::Decrypted),
        }
    }

    fn logging(&self) -> LoggingConfig {
        let components = self
            .log_components
            .iter()
            .map(|component| LogComponent::from(component.as_str()));
        LoggingConfig::new()
            .set_component_config(LoggingComponentConfig::new().set_enable_components(components))
    }

    fn channel(&self) -> ReleaseChannel {
        ReleaseChannel::new().set_channel(Channel::from(self.release_channel.as_str()))
    }

    fn wanted(&self) -> Found {
        let mut cluster = Found::new()
            .set_name(short(&self.name))
            .set_network(&self.network)
            .set_subnetwork(&self.subnetwork)
            .set_ip_allocation_policy(
                IPAllocationPolicy::new()
                    .set_use_ip_aliases(true)
                    .set_cluster_secondary_range_name(&self.pods_range)
                    .set_services_secondary_range_name(&self.services_range),
            )
            .set_network_config(
                NetworkConfig::new()
                    .set_datapath_provider(DatapathProvider::AdvancedDatapath)
                    .set_default_enable_private_nodes(self.private_nodes),
            )
            .set_control_plane_endpoints_config(self.endpoints())
            .set_release_channel(self.channel())
            .set_workload_identity_config(
                WorkloadIdentityConfig::new().set_workload_pool(&self.workload_pool),
            )
            .set_shielded_nodes(ShieldedNodes::new().set_enabled(self.shielded_nodes))
            .set_logging_config(self.logging())
            .set_resource_labels(self.tags.clone())
            .set_node_pools(self.initial_pools.values().map(crate::node_pool::api));
        if self.database_encryption_key.is_some() {
            cluster = cluster.set_database_encryption(self.encryption());
        }
        if !self.version.is_empty() {
            cluster = cluster.set_initial_cluster_version(&self.version);
        }
        cluster
    }

    fn present(&self, cluster: &Found) -> Present {
        let network = cluster.network_config.as_ref();
        let ranges = cluster.ip_allocation_policy.as_ref();
        let addresses = cluster
            .control_plane_endpoints_config
            .as_ref()
            .and_then(|endpoints| endpoints.ip_endpoints_config.as_ref());
        let inside = addresses.is_some_and(|addresses| addresses.enabled == Some(true));
        let public =
            inside && addresses.is_some_and(|addresses| addresses.enable_public_endpoint == Some(true));
        let authorized = addresses.and_then(|addresses| addresses.authorized_networks_config.as_ref());
        let public_cidrs: BTreeSet<String> = match authorized {
            Some(authorized) if public && authorized.enabled => authorized
                .cidr_blocks
                .iter()
                .map(|block| block.cidr_block.clone())
                .collect(),
            // Not restricted at all is everybody.
            _ if public => ["0.0.0.0/0".to_owned()].into(),
            _ => BTreeSet::new(),
        };
        let wanted_key = self.database_encryption_key.as_deref().unwrap_or_default();
        let found = Cluster {
            name: self.name.clone(),
            version: minor(&cluster.current_master_version),
            release_channel: cluster
                .release_channel
                .as_ref()
                .and_then(|channel| channel.channel.name())
                .unwrap_or_default()
                .to_owned(),
            network: network.map_or_else(String::new, |network| as_wanted(&network.network, &self.network)),
            subnetwork: network.map_or_else(String::new, |network| {
                as_wanted(&network.subnetwork, &self.subnetwork)
            }),
            pods_range: ranges.map_or_else(String::new, |ranges| ranges.cluster_secondary_range_name.clone()),
            services_range: ranges
                .map_or_else(String::new, |ranges| ranges.services_secondary_range_name.clone()),
            private_nodes: network.is_some_and(|network| network.default_enable_private_nodes == Some(true)),
            dns_endpoint: open_by_name(cluster),
            endpoint_private: inside,
            endpoint_public: public,
            public_cidrs,
            workload_pool: workload_pool(cluster),
            database_encryption_key: cluster
                .database_encryption
                .as_ref()
                .filter(|encryption| {
                    matches!(
                        encryption.state,
                        EncryptionState::Encrypted | EncryptionState::AllObjectsEncryptionEnabled
                    )
                })
                .map(|encryption| as_wanted(&encryption.key_name, wanted_key)),
            shielded_nodes: cluster.shielded_nodes.as_ref().is_some_and(|nodes| nodes.enabled),
            log_components: cluster
                .logging_config
                .as_ref()
                .and_then(|logging| logging.component_config.as_ref())
                .map(|config| config.enable_components.as_slice())
                .unwrap_or_default()
                .iter()
                .filter_map(|component| component.name().map(str::to_owned))
                .collect(),
            tags: mark::found(&cluster.resource_labels),
            initial_pools: self.initial_pools.clone(),
        };
        let mut present = ready(
            &self.name,
            mark::owner(&found.tags),
            &found,
            known(&self.name, &self.workload_pool, self.dns_endpoint, cluster),
        );
        // Only says how the cluster was begun.
        present.properties.remove("initial_pools");
        if cluster.legacy_abac.as_ref().is_some_and(|abac| abac.enabled) {
            present.foreign.push(LEGACY_ABAC.to_owned());
        }
        present.status = status(cluster);
        present
    }

    /// One change, waited for: GKE takes one wish a call.
    async fn change(&self, gcp: &Gcp, monitor: &dyn Monitor, update: ClusterUpdate) -> Outcome<()> {
        run(gcp, &self.name, Of::Cluster, &self.subject(), monitor, || {
            started(gcp, UPDATE, || {
                gcp.clients
                    .clusters
                    .update_cluster()
                    .set_name(&self.name)
                    .set_update(update.clone())
                    .send()
            })
        })
        .await
    }

    async fn set_labels(
        &self,
        gcp: &Gcp,
        monitor: &dyn Monitor,
        labels: impl Fn(&std::collections::HashMap<String, String>) -> std::collections::HashMap<String, String>,
    ) -> Outcome<()> {
        // Somebody else set labels in between, or we did and the answer was lost.
        let raced = |failure: &Failure| failure.message.contains("fingerprint");
        let subject = self.subject();
        run(gcp, &self.name, Of::Cluster, &subject, monitor, || {
            patiently(&subject, SPREADING, monitor, raced, || async {
                // The fingerprint says which labels we know; changed since, the write is refused.
                let cluster = get(gcp, &self.name).await?;
                let wanted = labels(&cluster.resource_labels);
                if wanted == cluster.resource_labels {
                    return Ok(None);
                }
                started(gcp, "container:SetLabels", || {
                    gcp.clients
                        .clusters
                        .set_labels()
                        .set_name(&self.name)
                        .set_resource_labels(wanted.clone())
                        .set_label_fingerprint(&cluster.label_fingerprint)
                        .send()
                })
                .await
            })
        })
        .await
    }
}

#[async_trait]
impl Object for Wanted<Cluster> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        Ok(match glance::cluster(gcp, &self.name).await? {
            Some(cluster) => Observation::Present(self.present(&cluster)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "container:CreateCluster";
        let (subject, wanted) = (self.subject(), self.wanted());
        run(gcp, &self.name, Of::Cluster, &subject, monitor, || {
            patiently(&subject, SPREADING, monitor, unseen, || async {
                let made = gcp
                    .clients
                    .make(OPERATION, || {
                        gcp.clients
                            .clusters
                            .create_cluster()
                            .set_parent(parent(&self.name))
                            .set_cluster(wanted.clone())
                            .send()
                    })
                    .await?;
                Ok(match made {
                    Created::Answered(operation) => Some(operation),
                    Created::Unanswered => None,
                })
            })
        })
        .await?;
        Ok(self.present(&steady(gcp, &self.name, monitor).await?))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(UPDATE, &FIXED)?;
        let monitor = change.monitor;
        // Who may reach the API comes first: everything after it can fail.
        if change.any(&[
            "dns_endpoint",
            "endpoint_private",
            "endpoint_public",
            "public_cidrs",
        ]) {
            let update = ClusterUpdate::new().set_desired_control_plane_endpoints_config(self.endpoints());
            self.change(gcp, monitor, update).await?;
        }
        if change.found.foreign.iter().any(|line| line == LEGACY_ABAC) {
            run(gcp, &self.name, Of::Cluster, &self.subject(), monitor, || {
                started(gcp, "container:SetLegacyAbac", || {
                    gcp.clients
                        .clusters
                        .set_legacy_abac()
                        .set_name(&self.name)
                        .set_enabled(false)
                        .send()
                })
            })
            .await?;
        }
        if change.any(&["private_nodes"]) {
            let update = ClusterUpdate::new().set_desired_default_enable_private_nodes(self.private_nodes);
            self.change(gcp, monitor, update).await?;
        }
        if change.any(&["workload_pool"]) {
            let update = ClusterUpdate::new().set_desired_workload_identity_config(
                WorkloadIdentityConfig::new().set_workload_pool(&self.workload_pool),
            );
            self.change(gcp, monitor, update).await?;
        }
        if change.any(&["shielded_nodes"]) {
            let update = ClusterUpdate::new()
                .set_desired_shielded_nodes(ShieldedNodes::new().set_enabled(self.shielded_nodes));
            self.change(gcp, monitor, update).await?;
        }
        if change.any(&["log_components"]) {
            let update = ClusterUpdate::new().set_desired_logging_config(self.logging());
            self.change(gcp, monitor, update).await?;
        }
        if change.any(&["database_encryption_key"]) {
            let update = ClusterUpdate::new().set_desired_database_encryption(self.encryption());
            self.change(gcp, monitor, update).await?;
        }
        if change.any(&["release_channel"]) {
            let update = ClusterUpdate::new().set_desired_release_channel(self.channel());
            self.change(gcp, monitor, update).await?;
        }
        if change.any(&["version"]) && !self.version.is_empty() {
            let update = ClusterUpdate::new().set_desired_master_version(&self.version);
            self.change(gcp, monitor, update).await?;
        }
        if let Some(tags) = change.of("tags") {
            self.set_labels(gcp, monitor, |now| mark::changed(now, tags))
                .await?;
        }
        Ok(())
    }

    async fn settle(&self, gcp: &Gcp, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        for operation in gke::under_way(gcp, &self.name, &self.name).await? {
            match gke::awaited(gcp, &self.subject(), &operation, monitor).await {
                // How it ended shows in what is found afterwards.
                Err(failure) if !matches!(failure.reason, Reason::Failed | Reason::NotFound) => {
                    return Err(failure);
                }
                _ => {}
            }
        }
        if found.status == Status::Deleting {
            return self.vanished(gcp, monitor).await;
        }
        match steady(gcp, &self.name, monitor).await {
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Failed) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        const OPERATION: &str = "container:DeleteCluster";
        let deleted = run(gcp, &self.name, Of::Cluster, &self.subject(), monitor, || {
            started(gcp, OPERATION, || {
                gcp.clients.clusters.delete_cluster().set_name(&self.name).send()
            })
        })
        .await;
        gone(deleted)
    }

    async fn retain(&self, gcp: &Gcp, _: &Present, now: &str) -> Outcome<()> {
        let quiet = Quiet;
        self.set_labels(gcp, &quiet, |labels| {
            let mut labels = labels.clone();
            labels.insert(mark::RETAINED_AT.to_owned(), mark::label_time(now));
            labels
        })
        .await
    }

    async fn obstacles(&self, gcp: &Gcp, _: &Component, found: &Present) -> Outcome<Vec<String>> {
        // A cluster seen by an older release did not tell its id.
        let id = match found.outputs.get("unique_id") {
            Some(id) => id.clone(),
            None => match optional(get(gcp, &self.name).await)? {
                Some(cluster) => cluster.id,
                None => return Ok(Vec::new()),
            },
        };
        leftovers::load_balancers(gcp, &self.network, &id).await
    }
}

impl Wanted<Cluster> {
    async fn vanished(&self, gcp: &Gcp, monitor: &dyn Monitor) -> Outcome<()> {
        until(GET, &self.subject(), LONG, monitor, || async {
            Ok(match optional(get(gcp, &self.name).await)? {
                None => Look::Done(()),
                Some(cluster) => Look::Busy(cluster.status.name().unwrap_or("STOPPING").to_owned()),
            })
        })
        .await
    }
}

/// Waits without telling anybody: for the marks of what is retained, of which nobody asks for progress.
pub(crate) struct Quiet;

impl Monitor for Quiet {
    fn progress(&self, _: &str) {}

    fn cancelled(&self) -> bool {
        false
    }

    fn sleep(&self, pause: std::time::Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(pause))
    }
}
