//! Custom roles: what applying needs ([`permissions`]), parted by how far each part can be confined.
//!
//! | Role | Holder | On |
//! |---|---|---|
//! | `reader` | planner, provisioner | the project: how things are set up, never what they hold |
//! | `keeper` | provisioner | buckets and keys of its own environment |
//! | `writer` | provisioner | the project: what Google Cloud does not confine |
//! | `granter` | provisioner | the project's policy, and there the roles that environments grant |
//!
//! What objects hold is read and written in the environment's claim alone, by roles of Google's under a condition.

use std::collections::BTreeSet;

use super::Draft;
use crate::component::Kind;
use crate::gcp::CustomRole;
use crate::provisioner::permissions;

/// One part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Looks.
    Reader,
    /// Changes what carries the environment's name.
    Keeper,
    /// Changes the rest.
    Writer,
    /// Grants on the project.
    Granter,
}

impl Role {
    pub(super) const ALL: [Self; 4] = [Self::Reader, Self::Keeper, Self::Writer, Self::Granter];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Keeper => "keeper",
            Self::Writer => "writer",
            Self::Granter => "granter",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Reader => "reads how ML environments are set up",
            Self::Keeper => "changes buckets and keys of one ML environment",
            Self::Writer => "makes and changes ML environments",
            Self::Granter => "grants what ML environments need on the project",
        }
    }
}

/// Whose a permission is; none where conditions on objects decide.
pub(super) fn part(permission: &str) -> Option<Role> {
    let verb = permission.rsplit('.').next().unwrap_or_default();
    match permission {
        "storage.objects.get" | "storage.objects.create" => None,
        "resourcemanager.projects.setIamPolicy" => Some(Role::Granter),
        // Asked of what holds the thing to be made.
        "storage.buckets.create" | "cloudkms.keyRings.create" => Some(Role::Writer),
        _ if ["get", "list", "getIamPolicy"].contains(&verb) => Some(Role::Reader),
        _ if permission.starts_with("storage.") || permission.starts_with("cloudkms.") => Some(Role::Keeper),
        _ => Some(Role::Writer),
    }
}

/// Where a custom role stands.
pub(super) fn address(role: Role) -> [&'static str; 2] {
    ["roles", role.as_str()]
}

pub(super) fn add(draft: &mut Draft<'_>) {
    for role in Role::ALL {
        let address = address(role);
        let wanted = CustomRole {
            name: draft.names.role(role),
            title: format!("{}: {}", draft.spec.name, role.title()),
            description: draft.mark(&address),
            permissions: permissions()
                .into_iter()
                .filter(|permission| part(permission) == Some(role))
                .map(str::to_owned)
                .collect::<BTreeSet<_>>(),
        };
        draft
            .want(&address, Kind::GcpCustomRole, &wanted)
            .id(wanted.name.clone())
            .output("name", wanted.name);
    }
}
