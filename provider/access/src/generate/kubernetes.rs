//! What the environment needs inside the cluster, as data: namespaces, service accounts, and deploy's RBAC.

use std::collections::{BTreeMap, BTreeSet};

use super::Service;
use crate::{Purpose, kubernetes::Rule};

const CHANGE: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete"];
const LOOK: &[&str] = &["get", "list", "watch"];

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Rule {
    let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    Rule {
        api_groups: vec![group.to_owned()],
        resources: own(resources),
        resource_names: Vec::new(),
        verbs: own(verbs),
    }
}

/// Rules of the Role that deploy has in every serving namespace.
///
/// No secrets, no exec, no token minting, no writing of roles, bindings or namespaces: a deployer who could relabel the
/// namespace could switch its pod security off.
#[must_use]
pub fn deployer_rules() -> Vec<Rule> {
    vec![
        rule("apps", &["deployments", "statefulsets"], CHANGE),
        rule("batch", &["jobs", "cronjobs"], CHANGE),
        rule("", &["configmaps", "services", "serviceaccounts"], CHANGE),
        rule("autoscaling", &["horizontalpodautoscalers"], CHANGE),
        rule("policy", &["poddisruptionbudgets"], CHANGE),
        rule("networking.k8s.io", &["ingresses", "networkpolicies"], CHANGE),
        rule("argoproj.io", &["rollouts", "analysistemplates"], CHANGE),
        rule(
            "monitoring.coreos.com",
            &["prometheusrules", "servicemonitors", "podmonitors"],
            CHANGE,
        ),
        rule("", &["pods", "pods/log", "events", "endpoints"], LOOK),
        rule("apps", &["replicasets"], LOOK),
        rule("rbac.authorization.k8s.io", &["roles", "rolebindings"], &["get"]),
        rule("", &["resourcequotas"], &["get"]),
    ]
}

/// Rules of the ClusterRole that lets deploy read the namespace objects it works in, and no other.
#[must_use]
pub fn namespace_reader_rules(services: &BTreeMap<String, Service>) -> Vec<Rule> {
    let mut rule = rule("", &["namespaces"], &["get"]);
    rule.resource_names = serving_namespaces(services)
        .into_iter()
        .map(str::to_owned)
        .collect();
    vec![rule]
}

/// Namespaces in which deploy works.
#[must_use]
pub fn serving_namespaces(services: &BTreeMap<String, Service>) -> BTreeSet<&str> {
    services.values().map(|s| s.namespace.as_str()).collect()
}

/// Every namespace of the environment.
#[must_use]
pub fn namespaces(services: &BTreeMap<String, Service>) -> BTreeSet<&str> {
    services
        .values()
        .flat_map(|s| [s.namespace.as_str(), s.train_namespace.as_str()])
        .collect()
}

/// A Kubernetes service account and the identity that its pods enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Service.
    pub service: String,
    /// Purpose.
    pub purpose: Purpose,
}

/// The service accounts of all services, in order.
#[must_use]
pub fn service_accounts(services: &BTreeMap<String, Service>) -> Vec<ServiceAccount> {
    let of = |(name, service): (&String, &Service)| {
        [Purpose::Runtime, Purpose::Drift, Purpose::Retrain]
            .into_iter()
            .filter_map(|purpose| {
                let (namespace, account) = service.workload(purpose)?;
                Some(ServiceAccount {
                    namespace: namespace.to_owned(),
                    name: account.to_owned(),
                    service: name.clone(),
                    purpose,
                })
            })
            .collect::<Vec<_>>()
    };
    services.iter().flat_map(of).collect()
}
