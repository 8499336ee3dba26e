//! Secrets: their names, never their values.

use mlops_access::gcp::Resource;

use super::Secret;
use super::blueprint::Draft;
use crate::component::Kind;

pub(super) fn add(draft: &mut Draft<'_>) {
    for (service, spec) in &draft.spec.services {
        for secret in spec.secrets.keys() {
            let address = ["secrets", service.as_str(), secret.as_str()];
            let id = draft.names.secret_id(service, secret.as_str());
            let name = draft.names.secret(&id);
            let grants = draft.granted.on(&Resource::Secret(id));
            let accounts = draft.accounts_of(&grants);
            let wanted = Secret {
                name: name.clone(),
                location: draft.spec.id.region().to_owned(),
                kms_key: draft.key("secrets"),
                grants,
                family: draft.names.family(),
                tags: draft.tags(&address),
            };
            draft
                .want(&address, Kind::GcpSecret, &wanted)
                .id(name.clone())
                .output("name", name)
                .after_all(&accounts);
        }
    }
}
