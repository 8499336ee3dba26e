//! Version 1.

use std::collections::BTreeMap;

use mlops_access::generate::aws::Bucket;

use super::{DefaultPool, Defaults};
use crate::spec::{BucketOnDestroy, Egress, KubernetesAccess, PoolPurpose, PsaLevel, Size, Tier};

pub(super) fn of(tier: Tier) -> Defaults {
    match tier {
        Tier::Dev => Defaults {
            node_pools: pools((1, 3), (0, 3, true)),
            registry_create: true,
            untagged_days: 7,
            keep_tagged: 30,
            noncurrent_days: 14,
            retention_days: retention(30, 90, 30),
            logs_on_destroy: BucketOnDestroy::Purge,
            log_retention_days: 30,
            protect_deletion: false,
            key_deletion_window_days: 7,
            key_rotation_days: 365,
            access: KubernetesAccess::Managed,
            psa_level: PsaLevel::Baseline,
            ci_refs: &["refs/heads/main", "refs/tags/v*"],
            exclusive_writers: false,
            release_channel: "REGULAR",
            disk_gb: 50,
            gpu_disk_gb: 100,
            zones: 2,
            egress: Egress::NatSingle,
            vpc_endpoints: &["s3"],
        },
        Tier::Staging => Defaults {
            node_pools: pools((2, 4), (1, 6, false)),
            registry_create: false,
            untagged_days: 14,
            keep_tagged: 50,
            noncurrent_days: 30,
            retention_days: retention(90, 180, 90),
            logs_on_destroy: BucketOnDestroy::Retain,
            log_retention_days: 90,
            protect_deletion: true,
            key_deletion_window_days: 30,
            key_rotation_days: 365,
            access: KubernetesAccess::Group,
            psa_level: PsaLevel::Baseline,
            ci_refs: &["refs/heads/main", "refs/tags/v*"],
            exclusive_writers: true,
            release_channel: "REGULAR",
            disk_gb: 50,
            gpu_disk_gb: 100,
            zones: 3,
            egress: Egress::NatSingle,
            vpc_endpoints: &["s3", "registry", "sts"],
        },
        Tier::Prod => Defaults {
            node_pools: pools((3, 6), (2, 20, false)),
            registry_create: false,
            untagged_days: 30,
            keep_tagged: 200,
            noncurrent_days: 90,
            retention_days: retention(365, 730, 365),
            logs_on_destroy: BucketOnDestroy::Retain,
            log_retention_days: 365,
            protect_deletion: true,
            key_deletion_window_days: 30,
            key_rotation_days: 365,
            access: KubernetesAccess::Group,
            psa_level: PsaLevel::Restricted,
            ci_refs: &["refs/tags/v*"],
            exclusive_writers: true,
            release_channel: "STABLE",
            disk_gb: 50,
            gpu_disk_gb: 100,
            zones: 3,
            egress: Egress::NatPerZone,
            vpc_endpoints: &["s3", "registry", "sts", "logs", "kms", "secrets"],
        },
    }
}

/// The same on Google Cloud, but for what the cloud does otherwise: keys can rotate four times a year, no access policy
/// speaks of single namespaces, and buckets have no policy that denies.
pub(super) fn gcp(tier: Tier) -> Defaults {
    Defaults {
        key_rotation_days: 90,
        access: KubernetesAccess::Group,
        exclusive_writers: false,
        ..of(tier)
    }
}

fn pools(system: (u32, u32), serving: (u32, u32, bool)) -> Vec<DefaultPool> {
    vec![
        DefaultPool {
            name: "system",
            purpose: PoolPurpose::System,
            size: Size::Small,
            min: system.0,
            max: system.1,
            spot: false,
        },
        DefaultPool {
            name: "serving",
            purpose: PoolPurpose::Serving,
            size: Size::Medium,
            min: serving.0,
            max: serving.1,
            spot: serving.2,
        },
    ]
}

fn retention(predictions: u32, reports: u32, logs: u32) -> BTreeMap<Bucket, u32> {
    BTreeMap::from([
        (Bucket::Predictions, predictions),
        (Bucket::Reports, reports),
        (Bucket::Logs, logs),
    ])
}

/// Several families of one shape: spare capacity is found more often, and prices stay close.
pub(super) fn machine_types(size: Size) -> &'static [&'static str] {
    match size {
        Size::Small => &["m6i.large", "m5.large", "m6a.large"],
        Size::Medium => &["m6i.xlarge", "m5.xlarge", "m6a.xlarge"],
        Size::Large => &["m6i.2xlarge", "m5.2xlarge", "m6a.2xlarge"],
        Size::Xlarge => &["m6i.4xlarge", "m5.4xlarge", "m6a.4xlarge"],
        Size::GpuSmall => &["g5.xlarge"],
        Size::GpuMedium => &["g5.2xlarge"],
        Size::GpuLarge => &["g5.12xlarge"],
    }
}

/// One type of each shape: a GKE node pool has no second choice.
pub(super) fn gcp_machine_types(size: Size) -> &'static [&'static str] {
    match size {
        Size::Small => &["e2-standard-2"],
        Size::Medium => &["e2-standard-4"],
        Size::Large => &["e2-standard-8"],
        Size::Xlarge => &["e2-standard-16"],
        Size::GpuSmall => &["g2-standard-4"],
        Size::GpuMedium => &["g2-standard-8"],
        Size::GpuLarge => &["g2-standard-48"],
    }
}
