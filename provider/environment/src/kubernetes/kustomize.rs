//! `kustomize`: what an overlay of a service repeats, so that its pods enter their identities.

use std::collections::BTreeMap;

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
}
