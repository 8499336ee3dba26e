//! Roles: of the five purposes, of nodes and of the control plane, and the boundaries of what they can ever do.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::aws::{Principal, boundary, node_permissions, permissions, service_trust, trust};
use mlops_access::generate::{Document, Statement};

use super::blueprint::{Draft, canonical};
use super::{ManagedPolicy, Role};
use crate::component::{Address, Kind, OnDestroy};
use crate::reference;
use crate::spec::ServiceName;

pub(super) fn add(draft: &mut Draft<'_>) {
    for purpose in Purpose::ALL
        .into_iter()
        .filter(|purpose| draft.spec.has_identity(*purpose))
    {
        add_boundary(draft, purpose);
        if purpose == Purpose::Node {
            add_node_role(draft);
        } else if purpose.per_service() {
            for service in draft.spec.services.keys() {
                add_role(draft, purpose, Some(service));
            }
        } else {
            add_role(draft, purpose, None);
        }
    }
    if draft.spec.cluster.existing.is_none() {
        add_cluster_role(draft);
    }
}

fn add_boundary(draft: &mut Draft<'_>, purpose: Purpose) {
    if !draft.spec.boundaries || draft.aws.permissions_boundary.is_some() {
        return;
    }
    let address = ["boundaries", purpose.as_str()];
    let mut document = boundary(&draft.scope, purpose);
    if purpose == Purpose::Node {
        document.statements.extend(pod_network());
    }
    let name = draft.names.boundary(purpose);
    let policy = ManagedPolicy {
        name: name.clone(),
        path: draft.aws.role_path.to_string(),
        description: format!(
            "The most that {purpose} of ML environment {} can ever do",
            draft.spec.id.name
        ),
        document: canonical(&document),
        tags: draft.tags(&address),
    };
    let arn = draft.names.policy_arn(&name);
    let stays = bounds_what_stays(draft, purpose);
    let wanted = draft
        .want(&address, Kind::AwsPolicy, &policy)
        .id(arn.clone())
        .output("arn", arn);
    if stays {
        wanted.on_destroy(OnDestroy::Retain);
    }
}

/// A role that was taken over outlives the environment, and stays bounded.
fn bounds_what_stays(draft: &Draft<'_>, purpose: Purpose) -> bool {
    let role = format!("identities.{purpose}");
    draft.spec.adopt.keys().any(|address| {
        let rest = address.as_str().strip_prefix(&role);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn boundary_of(draft: &Draft<'_>, purpose: Option<Purpose>) -> Option<String> {
    if let Some(given) = &draft.aws.permissions_boundary {
        return Some(given.to_string());
    }
    let purpose = purpose.filter(|_| draft.spec.boundaries)?;
    Some(reference::to(
        &Address::new(&["boundaries", purpose.as_str()]),
        "arn",
    ))
}

fn add_role(draft: &mut Draft<'_>, purpose: Purpose, service: Option<&ServiceName>) {
    let mut address = vec!["identities", purpose.as_str()];
    address.extend(service.map(ServiceName::as_str));
    let principal = Principal {
        purpose,
        service: service.map(ServiceName::as_str),
    };
    let name = draft.names.role(purpose, service);
    let of = service
        .map(|service| format!(" for {service}"))
        .unwrap_or_default();
    let session = draft
        .spec
        .identities
        .get(&purpose)
        .map_or(3600, |identity| identity.max_session.seconds());
    let role = Role {
        name: name.clone(),
        path: draft.aws.role_path.to_string(),
        description: format!("{purpose}{of} of ML environment {}", draft.spec.id.name),
        trust: canonical(&trust(&draft.scope, principal)),
        inline_policies: BTreeMap::from([(
            purpose.as_str().to_owned(),
            canonical(&permissions(&draft.scope, principal)),
        )]),
        managed_policies: BTreeSet::new(),
        permissions_boundary: boundary_of(draft, Some(purpose)),
        max_session_seconds: i32::try_from(session).unwrap_or(3600),
        tags: draft.tags(&address),
    };
    want_role(draft, &address, &role);
}

fn want_role(draft: &mut Draft<'_>, address: &[&str], role: &Role) {
    let arn = draft.names.role_arn(&role.name);
    draft
        .want(address, Kind::AwsRole, role)
        .id(role.name.clone())
        .output("arn", arn)
        .output("name", role.name.clone());
}

fn add_node_role(draft: &mut Draft<'_>) {
    let address = ["identities", "node"];
    let managed = ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"];
    let role = Role {
        name: draft.names.role(Purpose::Node, None),
        path: draft.aws.role_path.to_string(),
        description: format!("Nodes of ML environment {}", draft.spec.id.name),
        trust: canonical(&trust(&draft.scope, Principal::of_environment(Purpose::Node))),
        inline_policies: BTreeMap::from([("pull".to_owned(), canonical(&node_permissions(&draft.scope)))]),
        managed_policies: managed
            .iter()
            .map(|name| draft.names.aws_policy_arn(name))
            .collect(),
        permissions_boundary: boundary_of(draft, Some(Purpose::Node)),
        max_session_seconds: 3600,
        tags: draft.tags(&address),
    };
    want_role(draft, &address, &role);
}

/// The network add-on that EKS itself installs runs as the node; it becomes an identity of its own once add-ons are
/// managed here. It gives pods their addresses, and can open no security group and no route. Contents of
/// `AmazonEKS_CNI_Policy`:
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEKS_CNI_Policy.html>
fn pod_network() -> [Statement; 2] {
    [
        Statement::allow(
            "PodNetwork",
            &[
                "ec2:AssignPrivateIpAddresses",
                "ec2:AttachNetworkInterface",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeTags",
                "ec2:DetachNetworkInterface",
                "ec2:ModifyNetworkInterfaceAttribute",
                "ec2:UnassignPrivateIpAddresses",
            ],
        )
        .on(["*"]),
        Statement::allow("TagPodNetwork", &["ec2:CreateTags"]).on(["arn:*:ec2:*:*:network-interface/*"]),
    ]
}

fn add_cluster_role(draft: &mut Draft<'_>) {
    let address = ["identities", "cluster"];
    let mut inline_policies = BTreeMap::new();
    if let Some(key) = draft.key("cluster") {
        let document = Document {
            statements: vec![
                Statement::allow(
                    "EncryptSecrets",
                    &["kms:Encrypt", "kms:Decrypt", "kms:ListGrants", "kms:DescribeKey"],
                )
                .on([key]),
            ],
        };
        inline_policies.insert("secrets".to_owned(), canonical(&document));
    }
    let role = Role {
        name: draft.names.cluster_role(),
        path: draft.aws.role_path.to_string(),
        description: format!("Control plane of ML environment {}", draft.spec.id.name),
        trust: canonical(&service_trust("eks.amazonaws.com")),
        inline_policies,
        managed_policies: BTreeSet::from([draft.names.aws_policy_arn("AmazonEKSClusterPolicy")]),
        permissions_boundary: boundary_of(draft, None),
        max_session_seconds: 3600,
        tags: draft.tags(&address),
    };
    want_role(draft, &address, &role);
}
