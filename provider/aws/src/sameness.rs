//! Identity sameness in a cluster of somebody else: environments that share it share its issuer, so a pod of one namespace and
//! ServiceAccount that two of them let in could act as either. A cluster of one's own has an issuer of its own.

use std::collections::{BTreeMap, BTreeSet};

use mlops_environment::aws::Role;
use mlops_environment::component::{Address, Component, Kind};
use mlops_environment::driver::Rival;
use mlops_environment::reference;
use serde_json::Value;

use crate::cluster::{describe, known};
use crate::document::decoded;
use crate::driver::Aws;
use crate::failure::{Outcome, call, optional};
use crate::object::{Wanted, typed};

/// How a token names a pod's ServiceAccount: <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>
const POD: &str = "system:serviceaccount:";

/// `shop/churn-sa` for every pod that a trust names.
fn pods(trust: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(&serde_json::from_str(trust).unwrap_or_default(), &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            let pod = text.strip_prefix(POD).and_then(|pod| pod.split_once(':'));
            found.extend(pod.map(|(namespace, account)| format!("{namespace}/{account}")));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, found)),
        _ => {}
    }
}

/// Pods of the given cluster among these components that enter roles of others too.
pub(crate) async fn rivals(aws: &Aws, components: &[Component]) -> Outcome<Vec<Rival>> {
    let given = |component: &&Component| component.kind == Kind::AwsExistingCluster;
    let Some(cluster) = components.iter().find(given).map(Component::handle) else {
        return Ok(Vec::new());
    };
    let (mut wanted, mut own): (BTreeMap<String, Address>, BTreeSet<String>) = Default::default();
    for component in components
        .iter()
        .filter(|component| component.kind == Kind::AwsRole)
    {
        let role: Wanted<Role> = typed(component)?;
        own.insert(format!("{}{}", role.path, role.name));
        wanted.extend(
            pods(&role.trust)
                .into_iter()
                .map(|pod| (pod, component.address.clone())),
        );
    }
    if wanted.is_empty() || !reference::is_resolved(&cluster) {
        return Ok(Vec::new());
    }
    let Some(cluster) = optional(describe(aws, &cluster).await)? else {
        return Ok(Vec::new());
    };
    let issuer = known(&cluster).remove("issuer").unwrap_or_default();
    let issuer = issuer.trim_start_matches("https://");
    let mut found = BTreeSet::new();
    let mut marker = None;
    loop {
        let list = aws.clients.iam.list_roles().set_marker(marker);
        let answer = aws.clients.iam(call("iam:ListRoles", list.send())).await?;
        for role in answer.roles() {
            let trust = decoded(role.assume_role_policy_document().unwrap_or_default());
            if own.contains(&format!("{}{}", role.path(), role.role_name())) || !trust.contains(issuer) {
                continue;
            }
            found.extend(pods(&trust).into_iter().filter_map(|pod| {
                Some(Rival {
                    address: wanted.get(&pod)?.clone(),
                    what: pod,
                    environment: role.arn().to_owned(),
                })
            }));
        }
        marker = answer.marker;
        if marker.is_none() {
            return Ok(found.into_iter().collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_read_out_of_a_trust_whatever_its_form() {
        let trust = r#"{"Statement":[{"Condition":{"StringEquals":{"issuer:sub":"system:serviceaccount:shop:churn-sa"}}},
            {"Condition":{"StringLike":{"issuer:sub":["system:serviceaccount:a:b","repo:acme/churn:*"]}}}]}"#;
        assert_eq!(
            pods(trust),
            BTreeSet::from(["a/b".to_owned(), "shop/churn-sa".to_owned()])
        );
        assert_eq!(pods("no document"), BTreeSet::new());
    }
}
