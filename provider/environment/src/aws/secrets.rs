//! Secrets: their names, never their values.

use super::Secret;
use super::blueprint::Draft;
use crate::component::Kind;

pub(super) fn add(draft: &mut Draft<'_>) {
    for (service, spec) in &draft.spec.services {
        for secret in spec.secrets.keys() {
            let address = ["secrets", service.as_str(), secret.as_str()];
            let name = draft.names.secret(service, secret.as_str());
            let wanted = Secret {
                name: name.clone(),
                description: format!("{secret} of {service}; set its value outside Terraform"),
                kms_key: draft.key("secrets"),
                // The same patience as with keys: a secret outlives the key it needs by no day.
                recovery_window_days: draft.spec.encryption.deletion_window_days.unwrap_or(30).into(),
                tags: draft.tags(&address),
            };
            draft
                .want(&address, Kind::AwsSecret, &wanted)
                .output("name", name);
        }
    }
}
