//! OIDC providers: GitHub's and GitLab's, one of each URL per account, and the cluster's, whose pods become identities.

use std::collections::BTreeSet;

use mlops_access::generate::Github;

use super::OidcProvider;
use super::blueprint::{Draft, mark};
use crate::component::{Address, Kind, Management, OnDestroy};
use crate::reference;
use crate::spec::OidcProviderMode;

const AUDIENCE: &str = "sts.amazonaws.com";

pub(super) fn add(draft: &mut Draft<'_>) {
    let spec = draft.spec;
    if let Some(github) = &spec.github {
        add_forge(draft, "github", Github::ISSUER, AUDIENCE, github.oidc_provider);
    }
    if let Some(gitlab) = &spec.gitlab {
        let audience = gitlab.audience.as_str();
        add_forge(draft, "gitlab", gitlab.issuer(), audience, gitlab.oidc_provider);
    }
    add_pods(draft);
}

/// The provider of the cluster's issuer. Whoever else uses a cluster of somebody else needs it too: it is shared then.
fn add_pods(draft: &mut Draft<'_>) {
    let address = ["federation", "pods"];
    let shared = draft.spec.cluster.existing.is_some();
    let provider = OidcProvider {
        url: reference::to(&Address::new(&["cluster"]), "issuer"),
        audiences: BTreeSet::from([AUDIENCE.to_owned()]),
        tags: if shared {
            mark(&draft.spec.id.to_string(), &Address::new(&address))
        } else {
            draft.tags(&address)
        },
    };
    let wanted = draft.want(&address, Kind::AwsOidcProvider, &provider);
    if shared {
        wanted.managed(Management::Shared);
    }
}

fn add_forge(draft: &mut Draft<'_>, forge: &str, issuer: &str, audience: &str, mode: OidcProviderMode) {
    let address = ["federation", forge];
    let (management, on_destroy) = match mode {
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
        url: format!("https://{issuer}"),
        audiences: BTreeSet::from([audience.to_owned()]),
        tags,
    };
    let arn = draft.names.oidc_provider_arn(issuer);
    draft
        .want(&address, Kind::AwsOidcProvider, &provider)
        .id(arn.clone())
        .output("arn", arn)
        .output("issuer", issuer)
        .managed(management)
        .on_destroy(on_destroy);
}
