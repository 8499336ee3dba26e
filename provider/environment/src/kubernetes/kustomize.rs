//! `kustomize`: what an overlay of a service repeats, so that its pods enter their identities.

use std::collections::BTreeMap;

use serde_json::json;

use super::yaml;
use crate::environment::Environment;

impl Environment {
    /// A strategic-merge patch by service: its service accounts with namespace and annotation.
    pub fn kustomize(&self) -> BTreeMap<String, String> {
        let services = self.spec.services.keys().map(|service| {
            let accounts = self.service_account_objects(Some(service.as_str()));
            (service.to_string(), yaml::documents(&accounts))
        });
        services.collect()
    }

    /// The name of the overlay of this environment: `aws-dev`.
    pub fn overlay(&self) -> String {
        format!("{}-{}", self.spec.id.cloud().as_str(), self.spec.tier.as_str())
    }

    /// The files of one service alone, with a kustomization that lists them; `None` where there is no such service. What the
    /// whole environment shares (deploy's rights, admission) is not among them: it is in its manifests, applied once.
    pub fn service_files(&self, service: &str) -> Option<BTreeMap<String, String>> {
        let mut alone = self.clone();
        alone.spec.services.retain(|name, _| name.as_str() == service);
        if alone.spec.services.is_empty() {
            return None;
        }
        let shared = ["20-rbac.yaml", "50-admission.yaml"];
        let mut files = alone.manifests();
        files.retain(|name, _| !shared.contains(&name.as_str()));
        let resources: Vec<&String> = files.keys().collect();
        let kustomization = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
        });
        let kustomization = yaml::documents(&[kustomization]);
        files.insert("kustomization.yaml".to_owned(), kustomization);
        Some(files)
    }
}
