//! Which add-ons there are, in which versions, for which versions of Kubernetes: a snapshot of early 2026, not the whole
//! catalogue.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html>

use serde_json::{Value, json};

use super::{paged, refusal, version};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// An add-on of the catalogue.
pub(super) struct Entry {
    pub(super) name: &'static str,
    kind: &'static str,
    /// Versions with the oldest and the newest minor version of Kubernetes that each runs on, newest first.
    versions: &'static [(&'static str, u32, u32)],
    /// Whether it runs as a deployment, which has no place without nodes.
    pub(super) needs_nodes: bool,
    /// Service account that may be given a role, and the policy recommended for it.
    account: Option<(&'static str, &'static str)>,
    namespace: &'static str,
}

const CATALOGUE: [Entry; 9] = [
    Entry {
        name: "vpc-cni",
        kind: "networking",
        versions: &[("v1.20.4-eksbuild.1", 29, 35), ("v1.19.6-eksbuild.7", 29, 34)],
        needs_nodes: false,
        account: Some(("aws-node", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy")),
        namespace: "kube-system",
    },
    Entry {
        name: "coredns",
        kind: "networking",
        versions: &[
            ("v1.12.4-eksbuild.1", 32, 35),
            ("v1.12.2-eksbuild.4", 31, 34),
            ("v1.11.4-eksbuild.24", 29, 33),
        ],
        needs_nodes: true,
        account: None,
        namespace: "kube-system",
    },
    Entry {
        name: "kube-proxy",
        kind: "networking",
        versions: &[
            ("v1.35.0-eksbuild.2", 35, 35),
            ("v1.34.1-eksbuild.2", 34, 34),
            ("v1.34.0-eksbuild.2", 34, 34),
            ("v1.33.5-eksbuild.2", 33, 33),
            ("v1.33.3-eksbuild.4", 33, 33),
            ("v1.32.9-eksbuild.2", 32, 32),
            ("v1.31.13-eksbuild.2", 31, 31),
            ("v1.30.14-eksbuild.8", 30, 30),
            ("v1.29.15-eksbuild.16", 29, 29),
        ],
        needs_nodes: false,
        account: None,
        namespace: "kube-system",
    },
    Entry {
        name: "eks-pod-identity-agent",
        kind: "security",
        versions: &[("v1.3.9-eksbuild.3", 29, 35), ("v1.3.8-eksbuild.2", 29, 34)],
        needs_nodes: false,
        account: None,
        namespace: "kube-system",
    },
    Entry {
        name: "aws-ebs-csi-driver",
        kind: "storage",
        versions: &[("v1.51.0-eksbuild.1", 29, 35), ("v1.48.0-eksbuild.1", 29, 34)],
        needs_nodes: true,
        account: Some((
            "ebs-csi-controller-sa",
            "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy",
        )),
        namespace: "kube-system",
    },
    Entry {
        name: "aws-efs-csi-driver",
        kind: "storage",
        versions: &[("v2.1.13-eksbuild.1", 29, 35), ("v2.1.9-eksbuild.1", 29, 34)],
        needs_nodes: true,
        account: Some((
            "efs-csi-controller-sa",
            "arn:aws:iam::aws:policy/service-role/AmazonEFSCSIDriverPolicy",
        )),
        namespace: "kube-system",
    },
    Entry {
        name: "metrics-server",
        kind: "observability",
        versions: &[("v0.8.0-eksbuild.2", 29, 35)],
        needs_nodes: true,
        account: None,
        namespace: "kube-system",
    },
    Entry {
        name: "snapshot-controller",
        kind: "storage",
        versions: &[("v8.3.0-eksbuild.1", 29, 35)],
        needs_nodes: true,
        account: None,
        namespace: "kube-system",
    },
    Entry {
        name: "amazon-cloudwatch-observability",
        kind: "observability",
        versions: &[("v4.4.0-eksbuild.1", 29, 35), ("v4.3.1-eksbuild.1", 29, 34)],
        needs_nodes: true,
        account: Some((
            "cloudwatch-agent",
            "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy",
        )),
        namespace: "amazon-cloudwatch",
    },
];

/// An add-on by name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.name == name)
}

impl Entry {
    /// Versions for a minor version of Kubernetes, newest first.
    fn on(&self, minor: u32) -> impl Iterator<Item = &'static str> {
        self.versions
            .iter()
            .filter(move |(_, from, to)| (*from..=*to).contains(&minor))
            .map(|(name, _, _)| *name)
    }

    /// What a cluster gets that asks for none.
    pub(super) fn usual(&self, kubernetes: &str) -> Option<&'static str> {
        self.on(version::minor(kubernetes)).next()
    }

    /// Whether a version is for a version of Kubernetes.
    pub(super) fn suits(&self, name: &str, kubernetes: &str) -> bool {
        self.on(version::minor(kubernetes)).any(|known| known == name)
    }

    fn shown(&self, kubernetes: Option<&str>) -> Option<Value> {
        let only = kubernetes.map(version::minor);
        let versions: Vec<Value> = self
            .versions
            .iter()
            .filter(|(_, from, to)| only.is_none_or(|minor| (*from..=*to).contains(&minor)))
            .map(|(name, from, to)| {
                let compatibilities: Vec<Value> = (*from..=*to)
                    .filter(|minor| only.is_none_or(|only| only == *minor))
                    .map(|minor| {
                        json!({
                            "clusterVersion": format!("1.{minor}"),
                            "platformVersions": ["*"],
                            "defaultVersion": self.on(minor).next() == Some(name),
                        })
                    })
                    .collect();
                json!({
                    "addonVersion": name,
                    "architecture": ["amd64", "arm64"],
                    "computeTypes": ["ec2", "auto", "hybrid"],
                    "compatibilities": compatibilities,
                    "requiresConfiguration": false,
                    "requiresIamPermissions": self.account.is_some(),
                })
            })
            .collect();
        (!versions.is_empty()).then(|| {
            json!({
                "addonName": self.name,
                "type": self.kind,
                "addonVersions": versions,
                "publisher": "eks",
                "owner": "aws",
                "defaultNamespace": self.namespace,
            })
        })
    }
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonVersions.html>
pub(super) fn versions(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let kubernetes = call.text("kubernetesVersion");
    if let Some(odd) = kubernetes.filter(|name| version::find(name).is_none()) {
        // The wording is a guess.
        return Err(refusal::invalid(format!("Kubernetes version {odd} is not known")));
    }
    let asked = call.text("addonName");
    if let Some(name) = asked.filter(|name| find(name).is_none()) {
        return Err(unknown(name));
    }
    let picked = |member: &str, value: &str| {
        let wanted = input::texts(&call.input, member);
        wanted.is_empty() || wanted.contains(&value)
    };
    let mut entries: Vec<(String, Value)> = CATALOGUE
        .iter()
        .filter(|entry| asked.is_none_or(|name| name == entry.name))
        .filter(|entry| picked("types", entry.kind) && picked("publishers", "eks") && picked("owners", "aws"))
        .filter_map(|entry| Some((entry.name.to_owned(), entry.shown(kubernetes)?)))
        .collect();
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    paged(world, call, "addons", entries)
}

/// The wording is that of public reports.
pub(super) fn unknown(name: &str) -> Refusal {
    refusal::missing(format!("Addon {name} specified is not supported")).with("addonName", name)
}

/// Only whether a version is known, and which role its service account would want: schemas are not carried.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonConfiguration.html>
pub(super) fn configuration(call: &Call) -> Result<Answer, Refusal> {
    let (name, version) = (call.required("addonName"), call.required("addonVersion"));
    let entry = find(name)
        .filter(|entry| entry.versions.iter().any(|(known, _, _)| *known == version))
        .ok_or_else(|| unknown(name))?;
    let roles: Vec<Value> = entry
        .account
        .iter()
        .map(|(account, policy)| json!({"serviceAccount": account, "recommendedManagedPolicies": [policy]}))
        .collect();
    Ok(said(json!({
        "addonName": name,
        "addonVersion": version,
        "configurationSchema": "{\"type\":\"object\"}",
        "podIdentityConfiguration": roles,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_add_on_has_a_version_for_every_kubernetes() {
        for entry in &CATALOGUE {
            for minor in 29..=35 {
                assert!(
                    entry.usual(&format!("1.{minor}")).is_some(),
                    "{} on 1.{minor}",
                    entry.name
                );
            }
        }
    }
}
