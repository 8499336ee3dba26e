//! EKS: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>

use serde_json::Value;

use super::kms;
use super::need::{Need, pass, tags_in, untagged};
use crate::aws::eks::Cluster;
use crate::aws::tags::Tags;
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Operations on nothing in particular.
const ON_NOTHING: [&str; 6] = [
    "ListClusters",
    "DescribeClusterVersions",
    "DescribeAddonVersions",
    "DescribeAddonConfiguration",
    "ListAccessPolicies",
    "DescribeAccessPolicy",
];

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    if ON_NOTHING.contains(&call.operation.as_str()) {
        return vec![Need::own(call, "*")];
    }
    let clusters = &world.aws.region(&call.account, &call.region).eks.clusters;
    if matches!(
        call.operation.as_str(),
        "TagResource" | "UntagResource" | "ListTagsForResource"
    ) {
        let resource = call.required("resourceArn");
        let standing = clusters.values().find_map(|cluster| tags_of(cluster, resource));
        return vec![
            Need::own(call, resource)
                .requested(&tags_in(call.input.get("tags")))
                .with_all("aws:TagKeys", untagged(call))
                .tagged(None, standing.unwrap_or(&Tags::new())),
        ];
    }
    let name = call.text("name").or(call.text("clusterName")).unwrap_or_default();
    let cluster = clusters.get(name);
    let (resource, tags) = subject(call, name, cluster);
    let mut first = conditions(call, Need::own(call, resource.clone())).tagged(None, &tags);
    let new = tags_in(call.input.get("tags"));
    first = first.requested(&new);
    let mut needs = vec![first];
    if call.operation.starts_with("Create") && !new.is_empty() {
        needs.push(Need::of("eks:TagResource", resource).requested(&new));
    }
    needs.extend(passed(call));
    needs.extend(keys(world, call));
    needs
}

fn tags_of<'c>(cluster: &'c Cluster, resource: &str) -> Option<&'c Tags> {
    let groups = cluster
        .node_groups
        .values()
        .map(|group| (&group.arn, &group.tags));
    let entries = cluster.access.values().map(|entry| (&entry.arn, &entry.tags));
    let addons = cluster.addons.values().map(|addon| (&addon.arn, &addon.tags));
    let pods = cluster.associations.values().map(|pod| (&pod.arn, &pod.tags));
    std::iter::once((&cluster.arn, &cluster.tags))
        .chain(groups)
        .chain(entries)
        .chain(addons)
        .chain(pods)
        .find(|(found, _)| found.as_str() == resource)
        .map(|(_, tags)| tags)
}

/// What a call is about, with its tags; of what is not there the parts of the ARN that are not known are `*`.
fn subject(call: &Call, name: &str, cluster: Option<&Cluster>) -> (String, Tags) {
    let named = |resource: String| arn::regional("eks", &call.region, &call.account, &resource);
    let of_cluster = || {
        (
            named(format!("cluster/{name}")),
            cluster.map(|cluster| cluster.tags.clone()).unwrap_or_default(),
        )
    };
    if matches!(
        call.operation.as_str(),
        "CreateNodegroup" | "CreateAccessEntry" | "CreateAddon" | "CreatePodIdentityAssociation"
    ) {
        return of_cluster();
    }
    if let Some(group) = call.text("nodegroupName") {
        let found = cluster.and_then(|cluster| cluster.node_groups.get(group));
        return match found {
            Some(found) => (found.arn.clone(), found.tags.clone()),
            None => (named(format!("nodegroup/{name}/{group}/*")), Tags::new()),
        };
    }
    if let Some(addon) = call.text("addonName") {
        let found = cluster.and_then(|cluster| cluster.addons.get(addon));
        return match found {
            Some(found) => (found.arn.clone(), found.tags.clone()),
            None => (named(format!("addon/{name}/{addon}/*")), Tags::new()),
        };
    }
    if let Some(principal) = call.text("principalArn") {
        let found = cluster.and_then(|cluster| cluster.access.get(principal));
        return match found {
            Some(found) => (found.arn.clone(), found.tags.clone()),
            None => {
                let last = principal.rsplit('/').next().unwrap_or_default();
                (
                    named(format!("access-entry/{name}/role/{}/{last}/*", call.account)),
                    Tags::new(),
                )
            }
        };
    }
    if let Some(id) = call.text("associationId") {
        let found = cluster.and_then(|cluster| cluster.associations.get(id));
        return match found {
            Some(found) => (found.arn.clone(), found.tags.clone()),
            None => (named(format!("podidentityassociation/{name}/{id}")), Tags::new()),
        };
    }
    of_cluster()
}

/// Condition keys of EKS's own; the page above.
fn conditions(call: &Call, mut need: Need) -> Need {
    for (key, pointer) in [
        ("eks:authenticationMode", "/accessConfig/authenticationMode"),
        (
            "eks:bootstrapClusterCreatorAdminPermissions",
            "/accessConfig/bootstrapClusterCreatorAdminPermissions",
        ),
        (
            "eks:endpointPublicAccess",
            "/resourcesVpcConfig/endpointPublicAccess",
        ),
        (
            "eks:endpointPrivateAccess",
            "/resourcesVpcConfig/endpointPrivateAccess",
        ),
        ("eks:supportType", "/upgradePolicy/supportType"),
        ("eks:deletionProtection", "/deletionProtection"),
        ("eks:policyArn", "/policyArn"),
        ("eks:accessScope", "/accessScope/type"),
        ("eks:principalArn", "/principalArn"),
        ("eks:accessEntryType", "/type"),
        ("eks:username", "/username"),
    ] {
        need = need.with_member(key, call.input.pointer(pointer));
    }
    let scope = call.input.get("accessScope").unwrap_or(&Value::Null);
    need.with_all("eks:namespaces", input::strings(scope, "namespaces"))
        .with_all(
            "eks:kubernetesGroups",
            input::strings(&call.input, "kubernetesGroups"),
        )
}

/// Roles that are handed over. To whom the role of nodes is passed is documented nowhere: EKS and EC2 both are named (a
/// guess).
fn passed(call: &Call) -> Vec<Need> {
    let role = |member: &str| call.text(member).filter(|role| !role.is_empty());
    match call.operation.as_str() {
        "CreateCluster" => role("roleArn")
            .map(|role| pass(role, "eks.amazonaws.com"))
            .into_iter()
            .collect(),
        "CreateNodegroup" => role("nodeRole")
            .map(|role| {
                Need::of("iam:PassRole", role).with_all(
                    "iam:PassedToService",
                    vec!["eks.amazonaws.com".to_owned(), "ec2.amazonaws.com".to_owned()],
                )
            })
            .into_iter()
            .collect(),
        "CreatePodIdentityAssociation" | "UpdatePodIdentityAssociation" => role("roleArn")
            .map(|role| pass(role, "pods.eks.amazonaws.com"))
            .into_iter()
            .collect(),
        "CreateAddon" | "UpdateAddon" => {
            let own = role("serviceAccountRoleArn").map(|role| pass(role, "eks.amazonaws.com"));
            let pods = input::items(&call.input, "podIdentityAssociations")
                .iter()
                .filter_map(|entry| input::text(entry, "roleArn"))
                .map(|role| pass(role, "pods.eks.amazonaws.com"));
            own.into_iter().chain(pods).collect()
        }
        _ => Vec::new(),
    }
}

/// EKS uses the key of a cluster by a grant, which the caller makes.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html>
fn keys(world: &World, call: &Call) -> Vec<Need> {
    let Some(key) = call
        .input
        .pointer("/encryptionConfig/0/provider/keyArn")
        .and_then(Value::as_str)
    else {
        return Vec::new();
    };
    ["kms:DescribeKey", "kms:CreateGrant"]
        .iter()
        .map(|action| kms::through(world, call, action, key, "eks"))
        .collect()
}
