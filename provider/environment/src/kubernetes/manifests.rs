//! `manifests`: the files that an administrator applies once.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::aws::{KubernetesAccess, access_group};
use mlops_access::generate::kubernetes::deployer_rules;
use mlops_access::kubernetes::Rule;
use serde_json::{Map, Value, json};

use super::yaml;
use crate::environment::Environment;
use crate::spec::{Cloud, PsaLevel};

const WORKLOADS: [Purpose; 3] = [Purpose::Runtime, Purpose::Drift, Purpose::Retrain];

/// Where nodes answer for the identity of pods: AWS's instance metadata, which no pod needs (IRSA goes to STS).
const AWS_METADATA: &str = "169.254.169.254/32";

impl Environment {
    /// The files by name. Apply them in the order of their names.
    pub fn manifests(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::from([
            ("00-namespaces.yaml", self.namespace_objects()),
            ("10-service-accounts.yaml", self.service_account_objects(None)),
            ("30-quotas.yaml", self.quota_objects()),
            ("40-network-policies.yaml", self.network_policy_objects()),
        ]);
        if self.spec.access == KubernetesAccess::Group && self.deployer().is_some() {
            files.insert("20-rbac.yaml", self.rbac_objects());
            files.insert("50-admission.yaml", self.admission_objects());
        }
        files
            .into_iter()
            .filter(|(_, objects)| !objects.is_empty())
            .map(|(name, objects)| (name.to_owned(), yaml::documents(&objects)))
            .collect()
    }

    /// Every namespace of the environment.
    pub(super) fn namespaces(&self) -> BTreeSet<&str> {
        let services = self.spec.services.values();
        services
            .flat_map(|service| [service.namespace.as_str(), service.train_namespace.as_str()])
            .collect()
    }

    /// Namespaces in which deploy works.
    pub(super) fn serving_namespaces(&self) -> BTreeSet<&str> {
        let services = self.spec.services.values();
        services.map(|service| service.namespace.as_str()).collect()
    }

    fn namespace_objects(&self) -> Vec<Value> {
        let level = match self.spec.psa_level {
            PsaLevel::Baseline => "baseline",
            PsaLevel::Restricted => "restricted",
        };
        let namespaces = self.namespaces().into_iter().map(|name| {
            let mut namespace = self.object("v1", "Namespace", name, None);
            let mut labels = self.labels();
            // https://kubernetes.io/docs/concepts/security/pod-security-admission/
            labels.insert("pod-security.kubernetes.io/enforce".to_owned(), json!(level));
            labels.insert("pod-security.kubernetes.io/warn".to_owned(), json!("restricted"));
            labels.insert("pod-security.kubernetes.io/audit".to_owned(), json!("restricted"));
            namespace["metadata"]["labels"] = labels.into();
            namespace.into()
        });
        namespaces.collect()
    }

    /// The service accounts with the annotations by which their pods enter their identities.
    pub(super) fn service_account_objects(&self, only: Option<&str>) -> Vec<Value> {
        let identities = self.identity_info();
        let mut objects = Vec::new();
        for service in self.spec.services.keys() {
            if only.is_some_and(|only| only != service.as_str()) {
                continue;
            }
            for purpose in WORKLOADS {
                let identity = &identities[purpose.as_str()][service.as_str()];
                let (Some(name), Some(namespace)) = (
                    identity["service_account"].as_str(),
                    identity["namespace"].as_str(),
                ) else {
                    continue;
                };
                let mut account = self.object("v1", "ServiceAccount", name, Some(namespace));
                account["metadata"]["annotations"] = identity["annotation"].clone();
                account["metadata"]["labels"]["mlops/purpose"] = json!(purpose.as_str());
                account["metadata"]["labels"]["mlops/service"] = json!(service.as_str());
                objects.push(account.into());
            }
        }
        objects
    }

    /// Whom the cluster's API server takes for deploy: a group on AWS (of the access entry), the account's e-mail on
    /// Google Cloud. None where there is no such identity.
    pub(super) fn deployer(&self) -> Option<Value> {
        let principal = self.identity_info()["deploy"]["principal"].as_str()?.to_owned();
        let (kind, name) = if self.spec.id.cloud() == Cloud::Aws {
            ("Group", access_group(self.spec.id.name.as_str()))
        } else {
            ("User", principal)
        };
        Some(json!({ "kind": kind, "name": name, "apiGroup": "rbac.authorization.k8s.io" }))
    }

    fn rbac_objects(&self) -> Vec<Value> {
        let Some(deployer) = self.deployer() else {
            return Vec::new();
        };
        let role_ref = |kind: &str, name: &str| json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name });
        let rbac = "rbac.authorization.k8s.io/v1";
        let mut objects = Vec::new();
        for namespace in self.serving_namespaces() {
            let mut role = self.object(rbac, "Role", "mlops-deployer", Some(namespace));
            role.insert("rules".to_owned(), rules(&deployer_rules()));
            objects.push(role.into());
            let mut binding = self.object(rbac, "RoleBinding", "mlops-deployer", Some(namespace));
            binding.insert("subjects".to_owned(), json!([deployer]));
            binding.insert("roleRef".to_owned(), role_ref("Role", "mlops-deployer"));
            objects.push(binding.into());
        }
        // Deploy tools read the namespace they work in. Each by name, so no other environment's can be read.
        let name = format!("mlops-{}-namespaces", self.spec.id.name);
        let namespaces: Vec<&str> = self.serving_namespaces().into_iter().collect();
        let reader = Rule {
            api_groups: vec![String::new()],
            resources: vec!["namespaces".to_owned()],
            resource_names: namespaces.iter().map(ToString::to_string).collect(),
            verbs: vec!["get".to_owned()],
        };
        let mut role = self.object(rbac, "ClusterRole", &name, None);
        role.insert("rules".to_owned(), rules(&[reader]));
        objects.push(role.into());
        let mut binding = self.object(rbac, "ClusterRoleBinding", &name, None);
        binding.insert("subjects".to_owned(), json!([deployer]));
        binding.insert("roleRef".to_owned(), role_ref("ClusterRole", &name));
        objects.push(binding.into());
        objects
    }

    /// Bounds against runaways, and no way to the outside that nobody planned.
    fn quota_objects(&self) -> Vec<Value> {
        let quotas = self.namespaces().into_iter().map(|namespace| {
            let mut quota = self.object("v1", "ResourceQuota", "mlops", Some(namespace));
            let hard = json!({
                "count/cronjobs.batch": "20",
                "count/jobs.batch": "100",
                "pods": "200",
                "services.loadbalancers": "2",
                "services.nodeports": "0",
            });
            quota.insert("spec".to_owned(), json!({ "hard": hard }));
            quota.into()
        });
        quotas.collect()
    }

    /// Nothing comes in but from the same namespace, nothing goes out but names, TLS, and what pod identity needs.
    fn network_policy_objects(&self) -> Vec<Value> {
        let on_aws = self.spec.id.cloud() == Cloud::Aws;
        let mut objects = Vec::new();
        for namespace in self.namespaces() {
            let mut policy = |name: &str, spec: Value| {
                let mut object = self.object("networking.k8s.io/v1", "NetworkPolicy", name, Some(namespace));
                object.insert("spec".to_owned(), spec);
                objects.push(object.into());
            };
            policy(
                "mlops-default-deny",
                json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] }),
            );
            policy(
                "mlops-same-namespace",
                json!({
                    "podSelector": {},
                    "policyTypes": ["Ingress", "Egress"],
                    "ingress": [{ "from": [{ "podSelector": {} }] }],
                    "egress": [{ "to": [{ "podSelector": {} }] }],
                }),
            );
            let dns = json!({
                "to": [{ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } } }],
                "ports": [{ "protocol": "UDP", "port": 53 }, { "protocol": "TCP", "port": 53 }],
            });
            let everywhere = if on_aws {
                json!({ "cidr": "0.0.0.0/0", "except": [AWS_METADATA] })
            } else {
                json!({ "cidr": "0.0.0.0/0" })
            };
            let tls =
                json!({ "to": [{ "ipBlock": everywhere }], "ports": [{ "protocol": "TCP", "port": 443 }] });
            let mut egress = vec![dns, tls];
            if !on_aws {
                // GKE's metadata server hands out the tokens of pod identity, under these two addresses:
                // https://cloud.google.com/kubernetes-engine/docs/how-to/network-policy#network-policy-and-workload-identity
                for (cidr, port) in [("169.254.169.254/32", 80), ("169.254.169.252/32", 988)] {
                    egress.push(json!({
                        "to": [{ "ipBlock": { "cidr": cidr } }],
                        "ports": [{ "protocol": "TCP", "port": port }],
                    }));
                }
            }
            policy(
                "mlops-egress",
                json!({ "podSelector": {}, "policyTypes": ["Egress"], "egress": egress }),
            );
        }
        objects
    }
}

fn rules(rules: &[Rule]) -> Value {
    let rules = rules.iter().map(|rule| {
        let mut fields = Map::from_iter([
            ("apiGroups".to_owned(), json!(rule.api_groups)),
            ("resources".to_owned(), json!(rule.resources)),
            ("verbs".to_owned(), json!(rule.verbs)),
        ]);
        if !rule.resource_names.is_empty() {
            fields.insert("resourceNames".to_owned(), json!(rule.resource_names));
        }
        Value::from(fields)
    });
    rules.collect()
}
