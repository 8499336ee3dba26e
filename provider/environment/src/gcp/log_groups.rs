//! Where the cluster's logs are kept.

use super::LogBucket;
use super::blueprint::Draft;
use crate::component::Kind;

/// The project's own `_Default` bucket keeps them too, as long as it always did: it is everybody's, so it is not touched.
pub(super) fn add(draft: &mut Draft<'_>) {
    let address = ["log_groups", "cluster"];
    let name = draft.names.log_bucket();
    let location = &draft.gcp.location;
    let bucket = LogBucket {
        name: name.clone(),
        retention_days: draft.spec.log_retention_days.into(),
        kms_key: draft.key("logs"),
        sink: format!("mlops-{}", draft.names.cluster()),
        filter: format!(
            "resource.labels.cluster_name=\"{}\" AND resource.labels.location=\"{location}\"",
            draft.names.cluster()
        ),
        description: draft.mark(&address),
    };
    draft
        .want(&address, Kind::GcpLogBucket, &bucket)
        .id(name.clone())
        .output("name", name);
}
