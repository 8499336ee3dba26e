//! Log groups.

use super::LogGroup;
use super::blueprint::Draft;
use crate::component::Kind;

/// EKS writes its logs under this name and would make the group itself, without key and retention.
pub(super) fn add(draft: &mut Draft<'_>) {
    let address = ["log_groups", "cluster"];
    let name = draft.names.cluster_log_group();
    let group = LogGroup {
        name: name.clone(),
        retention_days: i32::try_from(draft.spec.log_retention_days).unwrap_or(365),
        kms_key: draft.key("logs"),
        tags: draft.tags(&address),
    };
    let arn = draft.names.log_group_arn(&name);
    draft
        .want(&address, Kind::AwsLogGroup, &group)
        .id(name.clone())
        .output("arn", arn)
        .output("name", name);
}
