//! Service accounts of the five purposes and of nodes, and who may enter them.

use std::collections::BTreeSet;

use mlops_access::Purpose;
use mlops_access::generate::aws::Principal;
use mlops_access::generate::gcp::trust;

use super::blueprint::Draft;
use super::{ServiceAccount, Trust};
use crate::component::Kind;
use crate::spec::{ServiceName, Spec};

/// The identities that have an account in an environment, nodes among them.
pub(super) fn principals(spec: &Spec) -> Vec<(Principal<'static>, Option<ServiceName>)> {
    let mut all = Vec::new();
    for purpose in Purpose::ALL
        .into_iter()
        .filter(|purpose| spec.has_identity(*purpose))
    {
        let principal = Principal::of_environment(purpose);
        if purpose.per_service() {
            all.extend(spec.services.keys().map(|name| (principal, Some(name.clone()))));
        } else {
            all.push((principal, None));
        }
    }
    all
}

/// Where an account stands.
pub(super) fn address(purpose: Purpose, service: Option<&ServiceName>) -> Vec<String> {
    ["identities", purpose.as_str()]
        .into_iter()
        .chain(service.map(ServiceName::as_str))
        .map(str::to_owned)
        .collect()
}

pub(super) fn add(draft: &mut Draft<'_>) {
    for (principal, service) in draft.principals() {
        add_account(draft, principal.purpose, service.as_ref());
        if principal.purpose != Purpose::Node {
            add_trust(draft, principal.purpose, service.as_ref());
        }
    }
}

fn add_account(draft: &mut Draft<'_>, purpose: Purpose, service: Option<&ServiceName>) {
    let address = address(purpose, service);
    let address: Vec<&str> = address.iter().map(String::as_str).collect();
    let account_id = draft.names.account_id(purpose, service);
    let email = draft.names.email(&account_id);
    let of = service
        .map(|service| format!(" of {service}"))
        .unwrap_or_default();
    let account = ServiceAccount {
        email: email.clone(),
        account_id: account_id.clone(),
        display_name: format!("{purpose}{of}, ML environment {}", draft.spec.id.name),
        description: draft.mark(&address),
    };
    draft
        .want(&address, Kind::GcpServiceAccount, &account)
        .id(email.clone())
        .output("email", email)
        .output("name", account_id);
}

fn add_trust(draft: &mut Draft<'_>, purpose: Purpose, service: Option<&ServiceName>) {
    let account = address(purpose, service);
    let account: Vec<&str> = account.iter().map(String::as_str).collect();
    let address: Vec<&str> = ["trust"]
        .into_iter()
        .chain(account.iter().copied().skip(1))
        .collect();
    let principal = Principal {
        purpose,
        service: service.map(ServiceName::as_str),
    };
    let members: BTreeSet<String> = trust(&draft.scope, principal)
        .into_iter()
        .map(|grant| grant.member)
        .collect();
    let email = draft.names.email(&draft.names.account_id(purpose, service));
    let pods = members.iter().any(|member| member.starts_with("serviceAccount:"));
    let federated = members.iter().any(|member| member.starts_with("principal"));
    let wanted = Trust {
        account: email.clone(),
        members,
        owner: draft.owner(),
    };
    let providers: Vec<Vec<String>> = [
        ("github", draft.spec.github.is_some()),
        ("gitlab", draft.spec.gitlab.is_some()),
    ]
    .into_iter()
    .filter(|(_, there)| *there)
    .map(|(forge, _)| vec!["federation".to_owned(), forge.to_owned()])
    .collect();
    let mut wanted = draft
        .want(&address, Kind::GcpTrust, &wanted)
        .id(email)
        .after(&account);
    if federated {
        wanted = wanted.after_all(&providers);
    }
    // The project's pool of pods appears with its first cluster.
    if pods {
        wanted.after(&["cluster"]);
    }
}
