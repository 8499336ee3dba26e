//! The admission policy: deploy may run pods, but only as the identities that it deploys.
//!
//! RBAC cannot say "no pod under the training account": whoever may create a workload may name any service account of the
//! namespace (<https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation>). A
//! ValidatingAdmissionPolicy can (<https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>).

use std::collections::BTreeMap;

use mlops_access::Purpose;
use serde_json::{Value, json};

use crate::environment::Environment;

impl Environment {
    /// Policy and binding.
    pub(super) fn admission_objects(&self) -> Vec<Value> {
        let Some(deployer) = self.deployer() else {
            return Vec::new();
        };
        let name = format!("mlops-{}-deployers", self.spec.id.name);
        let caller = deployer["name"].as_str().unwrap_or_default();
        let is_deployer = if deployer["kind"] == "Group" {
            format!("{} in request.userInfo.groups", literal(caller))
        } else {
            format!("request.userInfo.username == {}", literal(caller))
        };
        let pod = "has(object.spec.jobTemplate) ? object.spec.jobTemplate.spec.template.spec : \
                   (has(object.spec.template) ? object.spec.template.spec : object.spec)";
        let account = "has(variables.pod.serviceAccountName) ? variables.pod.serviceAccountName : 'default'";
        let mut policy = self.object(
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicy",
            &name,
            None,
        );
        policy.insert(
            "spec".to_owned(),
            json!({
                "failurePolicy": "Fail",
                "matchConditions": [{ "name": "by-deploy", "expression": is_deployer }],
                "matchConstraints": {
                    "namespaceSelector": {
                        "matchExpressions": [{
                            "key": "kubernetes.io/metadata.name",
                            "operator": "In",
                            "values": self.serving_namespaces(),
                        }],
                    },
                    "resourceRules": [
                        rule("", &["pods"]),
                        rule("apps", &["deployments", "statefulsets", "daemonsets", "replicasets"]),
                        rule("batch", &["jobs", "cronjobs"]),
                        rule("argoproj.io", &["rollouts"]),
                    ],
                },
                "variables": [
                    { "name": "pod", "expression": pod },
                    { "name": "account", "expression": account },
                    { "name": "allowed", "expression": self.allowed_accounts() },
                ],
                "validations": [{
                    "expression": "variables.account in variables.allowed[request.namespace]",
                    "messageExpression": "'deploy may not run pods as ' + variables.account + ' in ' + request.namespace + \
                                          ': that identity is not deployed, it is entered by its own jobs'",
                    "reason": "Forbidden",
                }],
            }),
        );
        let mut binding = self.object(
            "admissionregistration.k8s.io/v1",
            "ValidatingAdmissionPolicyBinding",
            &name,
            None,
        );
        binding.insert(
            "spec".to_owned(),
            json!({ "policyName": name, "validationActions": ["Deny", "Audit"] }),
        );
        vec![policy.into(), binding.into()]
    }

    /// A CEL map: namespace to the accounts that deploy may name there. `default` has no identity, so it does no harm.
    fn allowed_accounts(&self) -> String {
        let mut by_namespace: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for service in self.spec.services.values() {
            let accounts = by_namespace
                .entry(service.namespace.as_str())
                .or_insert_with(|| vec!["default"]);
            for purpose in [Purpose::Runtime, Purpose::Drift] {
                accounts.extend(service.service_accounts.get(&purpose).map(|name| name.as_str()));
            }
        }
        let entries: Vec<String> = by_namespace
            .iter()
            .map(|(namespace, accounts)| {
                let accounts: Vec<String> = accounts.iter().map(|name| literal(name)).collect();
                format!("{}: [{}]", literal(namespace), accounts.join(", "))
            })
            .collect();
        format!("{{{}}}", entries.join(", "))
    }
}

/// A CEL string. Names of Kubernetes objects and groups hold nothing that would have to be escaped.
fn literal(text: &str) -> String {
    format!("'{text}'")
}

fn rule(group: &str, resources: &[&str]) -> Value {
    json!({
        "apiGroups": [group],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
    })
}
