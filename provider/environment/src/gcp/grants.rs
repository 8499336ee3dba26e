//! Who is granted what on which object: the generated grants, sorted by what they are written on.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::gcp::Resource;
use mlops_access::generate::gcp::{Principal, Scope, permissions};

use super::blueprint::Draft;
use super::{Condition, Grant, ProjectGrants};
use crate::component::Kind;

/// Grants by the object that they are written on.
pub(super) struct Granted(BTreeMap<Resource, BTreeSet<Grant>>);

impl Granted {
    /// Everything that the identities of a scope are granted.
    pub(super) fn of(scope: &Scope) -> Self {
        let node = Principal::of_environment(mlops_access::Purpose::Node);
        let mut all: BTreeMap<Resource, BTreeSet<Grant>> = BTreeMap::new();
        for principal in scope.principals().into_iter().chain([node]) {
            for grant in permissions(scope, principal) {
                let condition = grant.condition.map(|condition| Condition {
                    title: condition.title,
                    expression: condition.expression,
                });
                all.entry(grant.resource).or_default().insert(Grant {
                    role: grant.role,
                    member: grant.member,
                    condition,
                });
            }
        }
        Self(all)
    }

    /// Grants on an object.
    pub(super) fn on(&self, resource: &Resource) -> BTreeSet<Grant> {
        self.0.get(resource).cloned().unwrap_or_default()
    }

    /// Managed folders of a bucket.
    pub(super) fn folders(&self, bucket: &str) -> BTreeMap<String, BTreeSet<Grant>> {
        self.0
            .iter()
            .filter_map(|(resource, grants)| match resource {
                Resource::Folder { bucket: of, prefix } if of == bucket => {
                    Some((prefix.clone(), grants.clone()))
                }
                _ => None,
            })
            .collect()
    }
}

/// What cannot be granted on less than the project.
pub(super) fn add(draft: &mut Draft<'_>) {
    let project = draft.spec.id.account().to_owned();
    let grants = draft.granted.on(&Resource::Project(project.clone()));
    let accounts = draft.accounts_of(&grants);
    let wanted = ProjectGrants {
        project: project.clone(),
        grants,
        family: draft.names.family(),
        owner: draft.owner(),
    };
    draft
        .want(&["project_grants"], Kind::GcpProjectGrants, &wanted)
        .id(format!("projects/{project}"))
        .after_all(&accounts);
}

impl Draft<'_> {
    /// Addresses of the accounts that grants name: a policy takes no member that is not there.
    pub(super) fn accounts_of<'g>(&self, grants: impl IntoIterator<Item = &'g Grant>) -> Vec<Vec<String>> {
        let members: BTreeSet<&str> = grants.into_iter().map(|grant| grant.member.as_str()).collect();
        self.principals()
            .into_iter()
            .filter(|(principal, service)| {
                let id = self.names.account_id(principal.purpose, service.as_ref());
                let member = format!("serviceAccount:{}", self.names.email(&id));
                members.contains(member.as_str())
            })
            .map(|(principal, service)| super::identities::address(principal.purpose, service.as_ref()))
            .collect()
    }
}
