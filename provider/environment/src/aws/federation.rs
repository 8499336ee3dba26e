//! OIDC providers: GitHub's, one per account, and the cluster's, whose pods become identities.

use std::collections::BTreeSet;

use mlops_access::generate::Github;

use super::OidcProvider;
use super::blueprint::{Draft, mark};
use crate::component::{Address, Kind, Management, OnDestroy};
use crate::reference;
use crate::spec::OidcProviderMode;

const AUDIENCE: &str = "sts.amazonaws.com";

pub(super) fn add(draft: &mut Draft<'_>) {
    if let Some(github) = &draft.spec.github {
        let address = ["federation", "github"];
        let (management, on_destroy) = match github.oidc_provider {
            OidcProviderMode::Auto => (Management::Shared, OnDestroy::Delete),
            OidcProviderMode::Create => (Management::Create, OnDestroy::Delete),
            OidcProviderMode::Reference => (Management::Existing, OnDestroy::Retain),
        };
        // What several environments share carries no tag of one user.
        let tags = match management {
            Management::Shared => mark(&draft.spec.id.to_string(), &Address::new(&address)),
            _ => draft.tags(&address),
        };
        let provider = OidcProvider {
            url: format!("https://{}", Github::ISSUER),
            audiences: BTreeSet::from([AUDIENCE.to_owned()]),
            tags,
        };
        let arn = draft.names.oidc_provider_arn(Github::ISSUER);
        draft
            .want(&address, Kind::AwsOidcProvider, &provider)
            .id(arn.clone())
            .output("arn", arn)
            .output("issuer", Github::ISSUER)
            .managed(management)
            .on_destroy(on_destroy);
    }
    let address = ["federation", "pods"];
    let provider = OidcProvider {
        url: reference::to(&Address::new(&["cluster"]), "issuer"),
        audiences: BTreeSet::from([AUDIENCE.to_owned()]),
        tags: draft.tags(&address),
    };
    draft.want(&address, Kind::AwsOidcProvider, &provider);
}
