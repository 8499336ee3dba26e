//! Data sources.

mod described;
mod environment;
mod kubernetes_manifests;
mod permission_set;

pub(crate) use environment::EnvironmentSource;
pub(crate) use kubernetes_manifests::KubernetesManifests;
pub(crate) use permission_set::PermissionSets;
