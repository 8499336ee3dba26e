//! Who may reach into the cluster. Nobody by accident: its creator gets nothing.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::aws::{KubernetesAccess, access_group};

use super::AccessEntry;
use super::blueprint::Draft;
use crate::component::{Address, Kind};
use crate::names::hash;
use crate::reference;
use crate::spec::Late;

pub(super) fn add(draft: &mut Draft<'_>) {
    if draft.spec.has_identity(Purpose::Deploy) {
        add_deploy(draft);
    }
    for admin in &draft.spec.cluster.admins {
        match admin {
            Late::Known(arn) => add_admin(draft, arn.as_str()),
            // Its address is made from the ARN: the component shows up once that is known.
            Late::Unknown(_) => draft.incomplete = true,
        }
    }
}

fn add_deploy(draft: &mut Draft<'_>) {
    let namespaces: BTreeSet<String> = draft
        .spec
        .services
        .values()
        .map(|service| service.namespace.to_string())
        .collect();
    let (groups, policies) = match draft.spec.access {
        KubernetesAccess::Group => (
            BTreeSet::from([access_group(&draft.scope.environment)]),
            BTreeMap::new(),
        ),
        // Without namespaces the policy would hold for the whole cluster.
        KubernetesAccess::Managed if namespaces.is_empty() => (BTreeSet::new(), BTreeMap::new()),
        KubernetesAccess::Managed => (
            BTreeSet::new(),
            BTreeMap::from([(policy_arn(draft, "AmazonEKSEditPolicy"), namespaces)]),
        ),
    };
    let principal = reference::to(&Address::new(&["identities", "deploy"]), "arn");
    let id = draft.names.role_arn(&draft.names.role(Purpose::Deploy, None));
    add_entry(draft, &["access", "deploy"], principal, &id, groups, policies);
}

fn add_admin(draft: &mut Draft<'_>, arn: &str) {
    let policies = BTreeMap::from([(policy_arn(draft, "AmazonEKSClusterAdminPolicy"), BTreeSet::new())]);
    add_entry(
        draft,
        &["access", "admins", &admin_key(arn)],
        arn.to_owned(),
        arn,
        BTreeSet::new(),
        policies,
    );
}

/// `platform-3f2a9c`: the role's name for the reader, six digits of the ARN's SHA-256 so that no two are equal.
fn admin_key(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(plain).take(40).collect();
    format!("{name}-{}", hash(arn, 6))
}

fn policy_arn(draft: &Draft<'_>, name: &str) -> String {
    format!(
        "arn:{}:eks::aws:cluster-access-policy/{name}",
        draft.aws.partition
    )
}

fn add_entry(
    draft: &mut Draft<'_>,
    address: &[&str],
    principal_arn: String,
    id: &str,
    groups: BTreeSet<String>,
    policies: BTreeMap<String, BTreeSet<String>>,
) {
    let entry = AccessEntry {
        cluster: reference::to(&Address::new(&["cluster"]), "name"),
        principal_arn,
        groups,
        policies,
        tags: draft.tags(address),
    };
    let id = format!("{}/{id}", draft.names.cluster());
    draft.want(address, Kind::AwsAccessEntry, &entry).id(id);
}
