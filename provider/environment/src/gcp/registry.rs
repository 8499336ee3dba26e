//! The repository of images: one for the environment, an image for each repository of a service.

use mlops_access::gcp::Resource;
use mlops_access::generate::RegistryMode;

use super::Repository;
use super::blueprint::Draft;
use crate::component::{Kind, OnDestroy};
use crate::spec::Tier;

pub(super) fn add(draft: &mut Draft<'_>) {
    if draft.spec.registry.mode == RegistryMode::Reference {
        return;
    }
    // Images can be built again, but what runs in staging and prod was pulled from here.
    let keep = draft.spec.protect_data && draft.spec.tier != Tier::Dev;
    let on_destroy = if keep { OnDestroy::Refuse } else { OnDestroy::Purge };
    let spec = &draft.spec.registry;
    let name = draft.names.repository();
    let grants = draft.granted.on(&Resource::Repository(name.clone()));
    let accounts = draft.accounts_of(&grants);
    let scanning = if spec.scan_on_push {
        "INHERITED"
    } else {
        "DISABLED"
    };
    let wanted = Repository {
        name: name.clone(),
        immutable_tags: spec.immutable_tags,
        scanning: scanning.to_owned(),
        kms_key: draft.key("storage"),
        untagged_days: Some(spec.untagged_days.into()),
        keep_tagged: spec.keep_tagged.map(Into::into),
        grants,
        family: draft.names.family(),
        tags: draft.tags(&["registry"]),
    };
    let url = draft.names.repository_url();
    draft
        .want(&["registry"], Kind::GcpRepository, &wanted)
        .id(name.clone())
        .output("name", name)
        .output("url", url)
        .after_all(&accounts)
        .on_destroy(on_destroy);
}
