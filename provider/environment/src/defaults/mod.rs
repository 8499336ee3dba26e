//! Defaults by tier. A table, once released, never changes: an environment keeps the version it was created with.

#[cfg(test)]
mod frozen;
mod v1;

use std::collections::BTreeMap;

use crate::spec::{BucketOnDestroy, Cloud, Egress, KubernetesAccess, PoolPurpose, PsaLevel, Size, Tier};
use mlops_access::generate::aws::Bucket;

/// The version that new environments get. Unit tests have one more, as a later provider will.
pub const LATEST: u32 = if cfg!(test) { 2 } else { 1 };

/// What holds where the user says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Node pools.
    pub node_pools: Vec<DefaultPool>,
    /// Whether the registry is made without being asked for.
    pub registry_create: bool,
    /// Untagged images are kept so many days.
    pub untagged_days: u32,
    /// So many tagged images are kept.
    pub keep_tagged: u32,
    /// Old versions of objects are kept so many days.
    pub noncurrent_days: u32,
    /// Objects are kept so many days; a bucket that is missing keeps them for ever.
    pub retention_days: BTreeMap<Bucket, u32>,
    /// What happens to the logs bucket; the others refuse.
    pub logs_on_destroy: BucketOnDestroy,
    /// Control plane logs are kept so many days.
    pub log_retention_days: u32,
    /// Destroy is refused.
    pub protect_deletion: bool,
    /// Days a deleted key can be brought back.
    pub key_deletion_window_days: u32,
    /// Days between rotations of a key.
    pub key_rotation_days: u32,
    /// Deploy's access in the cluster.
    pub access: KubernetesAccess,
    /// Pod security.
    pub psa_level: PsaLevel,
    /// Refs that may build.
    pub ci_refs: &'static [&'static str],
    /// Only retrain writes models.
    pub exclusive_writers: bool,
    /// Release channel, where the cloud has them.
    pub release_channel: &'static str,
    /// Root volume of nodes.
    pub disk_gb: u32,
    /// Root volume of nodes with accelerators: their images are large.
    pub gpu_disk_gb: u32,
    /// Availability zones that a network of the environment's own reaches into.
    pub zones: u32,
    /// The way out of it.
    pub egress: Egress,
    /// Services that are reached without leaving it, where the cloud has such endpoints.
    pub vpc_endpoints: &'static [&'static str],
}

/// A node pool that is there without being asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultPool {
    /// Name.
    pub name: &'static str,
    /// Purpose.
    pub purpose: PoolPurpose,
    /// Size.
    pub size: Size,
    /// Fewest nodes.
    pub min: u32,
    /// Most nodes.
    pub max: u32,
    /// Spare capacity.
    pub spot: bool,
}

/// The table of a version, or nothing if there is no such version.
pub fn of(version: u32, cloud: Cloud, tier: Tier) -> Option<Defaults> {
    let v1 = || match cloud {
        Cloud::Aws => v1::of(tier),
        Cloud::Gcp => v1::gcp(tier),
    };
    match version {
        1 => Some(v1()),
        #[cfg(test)]
        2 => Some(frozen::other_than(v1())),
        _ => None,
    }
}

/// Machine types of a size, in order of preference.
pub fn machine_types(_version: u32, cloud: Cloud, size: Size) -> &'static [&'static str] {
    match cloud {
        Cloud::Aws => v1::machine_types(size),
        Cloud::Gcp => v1::gcp_machine_types(size),
    }
}
