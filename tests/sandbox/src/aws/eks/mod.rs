//! Elastic Kubernetes Service: clusters with their node groups, access entries, add-ons and Pod Identity associations, as
//! the control plane's API shows them. No Kubernetes runs behind it.
//!
//! <https://docs.aws.amazon.com/eks/latest/APIReference/Welcome.html>. What takes time is decided by the call's time:
//! [`settle`] first ends what is due, then the call sees what is left.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::aws::page;
use crate::call::Call;
use crate::world::World;

pub mod access_entry;
mod access_policy;
pub mod addon;
mod addon_catalogue;
pub mod cluster;
mod config;
mod encryption;
mod logging;
mod network;
pub mod node_group;
mod node_group_update;
mod node_template;
pub mod pod_identity;
mod refusal;
mod role;
mod settle;
mod tagging;
pub mod update;
mod version;

pub use cluster::Cluster;
pub(crate) use settle::settle;

/// Clusters of a region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// By name.
    pub clusters: BTreeMap<String, Cluster>,
    /// When the last lines of clusters that are gone arrive, by cluster.
    pub last_lines: BTreeMap<String, Timestamp>,
}

impl State {
    /// ARNs of what needs a service's linked role.
    pub(crate) fn uses_of_service_role(&self, service: &str) -> Vec<String> {
        let clusters = self.clusters.values();
        match service {
            "eks.amazonaws.com" => clusters.map(|cluster| cluster.arn.clone()).collect(),
            "eks-nodegroup.amazonaws.com" | "autoscaling.amazonaws.com" => clusters
                .flat_map(|cluster| cluster.node_groups.values())
                .map(|group| group.arn.clone())
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// Answers a call to EKS.
///
/// # Errors
/// EKS's refusals.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    match call.operation.as_str() {
        "CreateCluster" => cluster::create(world, call),
        "DescribeCluster" => cluster::describe(world, call),
        "ListClusters" => cluster::list(world, call),
        "DeleteCluster" => cluster::delete(world, call),
        "DescribeClusterVersions" => version::describe(world, call),
        "UpdateClusterVersion" => version::update(world, call),
        "UpdateClusterConfig" => config::update(world, call),
        "AssociateEncryptionConfig" => encryption::associate(world, call),
        "DescribeUpdate" => update::describe(world, call),
        "ListUpdates" => update::list(world, call),
        "CreateNodegroup" => node_group::create(world, call),
        "DescribeNodegroup" => node_group::describe(world, call),
        "ListNodegroups" => node_group::list(world, call),
        "DeleteNodegroup" => node_group::delete(world, call),
        "UpdateNodegroupConfig" => node_group_update::config(world, call),
        "UpdateNodegroupVersion" => node_group_update::version(world, call),
        "CreateAccessEntry" => access_entry::create(world, call),
        "DescribeAccessEntry" => access_entry::describe(world, call),
        "ListAccessEntries" => access_entry::list(world, call),
        "UpdateAccessEntry" => access_entry::update(world, call),
        "DeleteAccessEntry" => access_entry::delete(world, call),
        "ListAccessPolicies" => access_policy::list_known(world, call),
        "AssociateAccessPolicy" => access_policy::associate(world, call),
        "ListAssociatedAccessPolicies" => access_policy::list(world, call),
        "DisassociateAccessPolicy" => access_policy::disassociate(world, call),
        "DescribeAddonVersions" => addon_catalogue::versions(world, call),
        "DescribeAddonConfiguration" => addon_catalogue::configuration(call),
        "CreateAddon" => addon::create(world, call),
        "DescribeAddon" => addon::describe(world, call),
        "ListAddons" => addon::list(world, call),
        "UpdateAddon" => addon::update(world, call),
        "DeleteAddon" => addon::delete(world, call),
        "CreatePodIdentityAssociation" => pod_identity::create(world, call),
        "DescribePodIdentityAssociation" => pod_identity::describe(world, call),
        "ListPodIdentityAssociations" => pod_identity::list(world, call),
        "UpdatePodIdentityAssociation" => pod_identity::update(world, call),
        "DeletePodIdentityAssociation" => pod_identity::delete(world, call),
        "TagResource" => tagging::tag(world, call),
        "UntagResource" => tagging::untag(world, call),
        "ListTagsForResource" => tagging::list(world, call),
        _ => Err(crate::aws::not_carried(call)),
    }
}

/// The clusters that a call can see.
fn clusters<'w>(world: &'w World, call: &Call) -> &'w BTreeMap<String, Cluster> {
    &world.aws.region(&call.account, &call.region).eks.clusters
}

/// A cluster by name.
fn known<'w>(world: &'w World, call: &Call, name: &str) -> Result<&'w Cluster, Refusal> {
    clusters(world, call)
        .get(name)
        .ok_or_else(|| refusal::no_cluster(name))
}

/// The same, to change.
fn known_mut<'w>(world: &'w mut World, call: &Call, name: &str) -> Result<&'w mut Cluster, Refusal> {
    known(world, call, name)?;
    world
        .aws
        .region_mut(&call.account, &call.region)
        .eks
        .clusters
        .get_mut(name)
        .ok_or_else(|| refusal::no_cluster(name))
}

/// A page of a list: 100 entries where the caller does not say, as each list's page says.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListClusters.html>
fn paged(
    world: &World,
    call: &Call,
    list: &str,
    entries: impl IntoIterator<Item = (String, Value)>,
) -> Result<Answer, Refusal> {
    let page = page::page(
        entries,
        call.text("nextToken"),
        call.count("maxResults"),
        100,
        world.behaviour.page,
    )
    // The wording is a guess.
    .map_err(|_| refusal::invalid("The nextToken is not valid"))?;
    Ok(crate::aws::output::said(
        serde_json::json!({list: page.entries, "nextToken": page.next}),
    ))
}

/// The end of work that begins with a call.
fn done(world: &World, call: &Call, name: &str, usual: f64) -> Timestamp {
    call.at + world.behaviour.duration(name, usual)
}
