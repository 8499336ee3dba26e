//! Identity sameness: all clusters of a project share one pool of workload identities, so pods of the same namespace and
//! ServiceAccount are the same identity in each of them. Two environments must not meet there.
//!
//! <https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#identity_sameness>

use std::collections::BTreeMap;

use futures::future::try_join_all;
use google_cloud_iam_admin_v1::model::ServiceAccount;
use mlops_environment::component::{Address, Component, Kind, Owner};
use mlops_environment::driver::Rival;
use mlops_environment::gcp::Trust;

use crate::driver::Gcp;
use crate::failure::{Outcome, optional};
use crate::object::{Wanted, typed};
use crate::policy::{self, read_policy};
use crate::{glance, mark};

/// `shop/churn-sa` of `serviceAccount:acme.svc.id.goog[shop/churn-sa]`.
fn pod(member: &str) -> Option<&str> {
    let (pool, rest) = member.strip_prefix("serviceAccount:")?.split_once('[')?;
    pool.ends_with(".svc.id.goog").then_some(())?;
    rest.strip_suffix(']')
}

/// Pods that may enter accounts of these components, with who wants them so.
fn wanted(components: &[Component]) -> Outcome<(String, BTreeMap<String, Address>)> {
    let (mut environment, mut pods) = (String::new(), BTreeMap::new());
    for component in components
        .iter()
        .filter(|component| component.kind == Kind::GcpTrust)
    {
        let trust: Wanted<Trust> = typed(component)?;
        environment.clone_from(&trust.owner);
        let of_pods = trust.members.iter().filter(|member| pod(member).is_some());
        pods.extend(of_pods.map(|member| (member.clone(), component.address.clone())));
    }
    Ok((environment, pods))
}

/// The other environment that an account belongs to.
fn other(account: &ServiceAccount, environment: &str) -> Option<String> {
    match mark::owner_by(&account.description) {
        Owner::Environment { id, .. } if id != environment => Some(id),
        _ => None,
    }
}

/// Pods of these components that enter accounts of other environments too.
pub(crate) async fn rivals(gcp: &Gcp, components: &[Component]) -> Outcome<Vec<Rival>> {
    let (environment, pods) = wanted(components)?;
    if pods.is_empty() {
        return Ok(Vec::new());
    }
    let project = format!("projects/{}", gcp.clients.project);
    let accounts = glance::accounts(gcp, &project).await?;
    let others = accounts
        .values()
        .filter_map(|account| Some((account, other(account, &environment)?)));
    let found = try_join_all(others.map(|(account, id)| {
        let pods = &pods;
        async move {
            let resource = &account.name;
            let policy = optional(read_policy!(gcp, iam, "iam", resource).await)?;
            let entering = policy.iter().flat_map(policy::grants).map(|grant| grant.member);
            Ok::<_, mlops_environment::driver::Failure>(
                entering
                    .filter_map(|member| {
                        Some(Rival {
                            address: pods.get(&member)?.clone(),
                            what: pod(&member)?.to_owned(),
                            environment: id.clone(),
                        })
                    })
                    .collect::<Vec<_>>(),
            )
        }
    }))
    .await?;
    let mut found: Vec<Rival> = found.into_iter().flatten().collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_known_by_the_pool_of_workloads() {
        assert_eq!(
            pod("serviceAccount:acme.svc.id.goog[shop/churn-sa]"),
            Some("shop/churn-sa")
        );
        for other in [
            "serviceAccount:rt@acme.iam.gserviceaccount.com",
            "serviceAccount:odd[shop/churn-sa]",
            "principal://iam.googleapis.com/projects/1/x",
        ] {
            assert_eq!(pod(other), None, "{other}");
        }
    }

    #[test]
    fn an_account_without_a_mark_belongs_to_no_environment() {
        let account = |description: &str| ServiceAccount::new().set_description(description);
        let mark = r#"{"environment":"gcp/a/b/shop","uid":"u","component":"x"}"#;
        assert_eq!(other(&account(mark), "gcp/a/b/shop"), None);
        assert_eq!(
            other(&account(mark), "gcp/a/b/fraud"),
            Some("gcp/a/b/shop".into())
        );
        assert_eq!(other(&account("the data team's"), "gcp/a/b/fraud"), None);
    }
}
