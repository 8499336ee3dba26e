//! Customer keys by use. They outlive the environment: a deleted key's name would be lost for ever.

use std::collections::BTreeSet;

use mlops_access::gcp::Resource;

use super::blueprint::Draft;
use super::{Key, KeyRing, ServiceAgent};
use crate::component::{Kind, Management, OnDestroy};

pub(super) const RING: [&str; 1] = ["key_ring"];

pub(super) fn add(draft: &mut Draft<'_>) {
    let encryption = &draft.spec.encryption;
    if !encryption.customer {
        return;
    }
    if draft
        .spec
        .key_uses()
        .any(|(usage, _)| !encryption.given.contains_key(usage))
    {
        let name = draft.names.key_ring();
        let ring = KeyRing {
            name: name.clone(),
            owner: draft.owner(),
        };
        draft
            .want(&RING, Kind::GcpKeyRing, &ring)
            .id(name.clone())
            .output("name", name)
            .on_destroy(OnDestroy::Retain);
    }
    for (usage, _) in draft.spec.key_uses() {
        add_key(draft, usage);
    }
}

fn add_key(draft: &mut Draft<'_>, usage: &'static str) {
    let address = ["keys", usage];
    let given = draft.spec.encryption.given.get(usage).map(ToString::to_string);
    let name = given.clone().unwrap_or_else(|| draft.names.key(usage));
    let key = Key {
        name: name.clone(),
        rotation_days: draft.spec.encryption.rotation_days.into(),
        agents: agents(usage),
        grants: draft.granted.on(&Resource::Key(name.clone())),
        family: draft.names.family(),
        tags: draft.tags(&address),
    };
    let accounts = draft.accounts_of(&key.grants);
    let wanted = draft
        .want(&address, Kind::GcpKey, &key)
        .id(name.clone())
        .output("name", name)
        .after_all(&accounts)
        .on_destroy(OnDestroy::Retain);
    match given {
        Some(_) => wanted.managed(Management::Existing),
        None => wanted.after(&RING),
    };
}

/// Who encrypts with it in the place of everybody else: none of the environment's identities has a role on a key.
fn agents(usage: &str) -> BTreeSet<ServiceAgent> {
    match usage {
        "cluster" => BTreeSet::from([ServiceAgent::Container]),
        "logs" => BTreeSet::from([ServiceAgent::Logging]),
        "secrets" => BTreeSet::from([ServiceAgent::SecretManager]),
        _ => BTreeSet::from([ServiceAgent::ArtifactRegistry, ServiceAgent::Storage]),
    }
}
