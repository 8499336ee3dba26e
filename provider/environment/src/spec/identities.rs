//! The five purposes.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::gcp::Resource;
use mlops_access::generate::Conditions;
use mlops_access::generate::aws::AdditionalPermission;

use super::collector::Collector;
use super::{AttributePath, Cloud, Context, Duration, GithubEnvironment, StatementId};
use crate::{config, reference};

/// A purpose as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySpec {
    /// Made at all.
    pub enabled: bool,
    /// Longest session.
    pub max_session: Duration,
    /// More rights, on AWS.
    pub additional_permissions: Vec<AdditionalPermission>,
    /// More rights, on Google Cloud.
    pub additional_roles: Vec<AdditionalRoles>,
    /// A GitHub environment that may enter too (drift, retrain).
    pub ci_environment: Option<GithubEnvironment>,
    /// May read metrics of the account (drift).
    pub metrics_read: bool,
}

/// Roles that the user adds to a purpose, each on each of the resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalRoles {
    /// Names them in messages.
    pub id: String,
    /// For example `roles/storage.objectViewer`.
    pub roles: BTreeSet<String>,
    /// By their full names as written.
    pub resources: BTreeMap<String, Resource>,
}

const HOUR: Duration = Duration::from_seconds(3600);
const LONGEST: Duration = Duration::from_seconds(12 * 3600);

pub(super) fn build(
    config: Option<&config::Identities>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> BTreeMap<Purpose, IdentitySpec> {
    let path = AttributePath::root("identities");
    let config = config.cloned().unwrap_or_default();
    let blocks = [
        (Purpose::Ci, &config.ci),
        (Purpose::Deploy, &config.deploy),
        (Purpose::Runtime, &config.runtime),
        (Purpose::Drift, &config.drift),
        (Purpose::Retrain, &config.retrain),
    ];
    blocks
        .into_iter()
        .map(|(purpose, block)| {
            let at = path.attribute(purpose.as_str());
            (
                purpose,
                build_identity(
                    purpose,
                    &block.clone().unwrap_or_default(),
                    context,
                    &at,
                    collector,
                ),
            )
        })
        .collect()
}

fn build_identity(
    purpose: Purpose,
    config: &config::Identity,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> IdentitySpec {
    let at = path.attribute("max_session");
    let max_session = match config.max_session.as_deref() {
        Some(text) => collector.known(&at, text).unwrap_or(HOUR),
        None => HOUR,
    };
    if context.cloud == Cloud::Gcp && max_session != HOUR {
        collector.refuse(
            &at,
            format!("{max_session} is not possible"),
            "Google Cloud gives federated tokens for an hour. Remove max_session; clients ask for a new token by themselves.",
        );
    } else if max_session < HOUR || max_session > LONGEST {
        collector.refuse(
            &at,
            format!("{max_session} is not possible"),
            "IAM takes sessions from 1h to 12h.",
        );
    } else if max_session > HOUR && !purpose.per_service() {
        collector.warn(
            &at,
            format!("Sessions of {max_session} for {purpose}"),
            "A token stolen from a workflow stays good for as long. 1h is enough for most builds.",
        );
    }
    let ci_environment = config.ci_environment.as_deref().and_then(|text| {
        let at = path.attribute("ci_environment");
        if !matches!(purpose, Purpose::Drift | Purpose::Retrain) {
            collector.refuse(
                &at,
                format!("Not possible for {purpose}"),
                "Only drift and retrain can be entered from CI.",
            );
        }
        collector.known(&at, text)
    });
    if config.metrics_read.is_some() && purpose != Purpose::Drift {
        collector.refuse(
            &path.attribute("metrics_read"),
            format!("Not possible for {purpose}"),
            "Only drift reads metrics.",
        );
    }
    IdentitySpec {
        enabled: config.enabled.unwrap_or(true),
        max_session,
        additional_permissions: match context.cloud {
            Cloud::Aws => additional(config, path, collector),
            Cloud::Gcp => Vec::new(),
        },
        additional_roles: match context.cloud {
            Cloud::Aws => Vec::new(),
            Cloud::Gcp => additional_roles(config, path, collector),
        },
        ci_environment,
        metrics_read: config.metrics_read.unwrap_or(false),
    }
}

fn additional(
    config: &config::Identity,
    path: &AttributePath,
    collector: &mut Collector,
) -> Vec<AdditionalPermission> {
    let mut ids = BTreeSet::new();
    let mut permissions = Vec::new();
    for (index, permission) in config.additional_permissions.iter().flatten().enumerate() {
        let at = path.attribute("additional_permissions").index(index);
        let id: Option<StatementId> =
            collector.known(&at.attribute("id"), permission.id.as_deref().unwrap_or_default());
        if let Some(id) = &id
            && !ids.insert(id.clone())
        {
            collector.refuse(
                &at.attribute("id"),
                format!("{id} is used twice"),
                "Give each permission its own id.",
            );
        }
        if permission.roles.is_some() {
            collector.refuse(
                &at.attribute("roles"),
                "Roles are of Google Cloud",
                "On AWS a permission is written with actions, for example [\"sqs:SendMessage\"].",
            );
        }
        let actions: Vec<String> = permission.actions.iter().flatten().cloned().collect();
        let resources: Vec<String> = permission.resources.iter().flatten().cloned().collect();
        for action in &actions {
            let full = action.split_once(':').is_some_and(|(service, name)| {
                !service.is_empty() && !name.is_empty() && !action.chars().any(char::is_whitespace)
            });
            if reference::is_placeholder(action) {
                collector.refuse(
                    &at.attribute("actions"),
                    "Actions must be known while planning",
                    "The permission is judged against the matrix before anything is made. Write the actions out.",
                );
            } else if !full || action.ends_with(":*") || action.starts_with('*') {
                collector.refuse(
                    &at.attribute("actions"),
                    format!("{action:?} is not a single action"),
                    "Write actions out as <service>:<action>, for example \"sqs:SendMessage\"; a whole service is never granted.",
                );
            }
        }
        if actions.is_empty() {
            collector.refuse(&at.attribute("actions"), "Missing", "Name at least one action.");
        }
        if resources.is_empty() {
            collector.refuse(
                &at.attribute("resources"),
                "Missing",
                "Name at least one resource ARN.",
            );
        }
        let conditions = conditions(permission, &at, collector);
        if let Some(id) = id {
            permissions.push(AdditionalPermission {
                id: id.to_string(),
                actions,
                resources,
                conditions,
            });
        }
    }
    permissions
}

fn additional_roles(
    config: &config::Identity,
    path: &AttributePath,
    collector: &mut Collector,
) -> Vec<AdditionalRoles> {
    let mut ids = BTreeSet::new();
    let mut all = Vec::new();
    for (index, permission) in config.additional_permissions.iter().flatten().enumerate() {
        let at = path.attribute("additional_permissions").index(index);
        let id: Option<StatementId> =
            collector.known(&at.attribute("id"), permission.id.as_deref().unwrap_or_default());
        if let Some(id) = &id
            && !ids.insert(id.clone())
        {
            collector.refuse(
                &at.attribute("id"),
                format!("{id} is used twice"),
                "Give each permission its own id.",
            );
        }
        if permission
            .actions
            .as_ref()
            .is_some_and(|actions| !actions.is_empty())
        {
            collector.refuse(
                &at.attribute("actions"),
                "Actions are of AWS",
                "On Google Cloud a permission is written with roles, for example [\"roles/storage.objectViewer\"].",
            );
        }
        if permission
            .conditions
            .as_ref()
            .is_some_and(|list| !list.is_empty())
        {
            collector.refuse(
                &at.attribute("conditions"),
                "Conditions are of AWS",
                "On Google Cloud a permission is narrowed by its resource: name a managed folder in place of the bucket.",
            );
        }
        let roles = permission.roles.clone().unwrap_or_default();
        if roles.is_empty() {
            collector.refuse(&at.attribute("roles"), "Missing", "Name at least one role.");
        }
        for role in &roles {
            let name = role.strip_prefix("roles/").unwrap_or_default();
            if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
                collector.refuse(
                    &at.attribute("roles"),
                    format!("{role:?} is not a predefined role"),
                    "Write it as roles/<service>.<role>. What a custom role holds cannot be judged here.",
                );
            }
        }
        let mut resources = BTreeMap::new();
        for text in permission.resources.iter().flatten() {
            match resource(text) {
                Some(resource) => {
                    resources.insert(text.clone(), resource);
                }
                None => collector.refuse(
                    &at.attribute("resources"),
                    format!("{text:?} is nothing that roles can be granted on here"),
                    "Use projects/_/buckets/<bucket>[/managedFolders/<folder>/], projects/<project>/secrets/<secret>, or the full \
                     name of the repository or of a key, known at plan.",
                ),
            }
        }
        if permission.resources.as_ref().is_none_or(BTreeSet::is_empty) {
            collector.refuse(
                &at.attribute("resources"),
                "Missing",
                "Name at least one resource.",
            );
        }
        if let Some(id) = id {
            all.push(AdditionalRoles {
                id: id.to_string(),
                roles,
                resources,
            });
        }
    }
    all
}

/// A resource by its full name.
fn resource(text: &str) -> Option<Resource> {
    if let Some(rest) = text.strip_prefix("projects/_/buckets/") {
        return Some(match rest.split_once("/managedFolders/") {
            Some((bucket, prefix)) if prefix.ends_with('/') && prefix.len() > 1 => Resource::Folder {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            },
            None if !rest.is_empty() && !rest.contains('/') => Resource::Bucket(rest.to_owned()),
            _ => return None,
        });
    }
    let parts: Vec<&str> = text.split('/').collect();
    if parts.iter().any(|part| part.is_empty() || part.contains("@{")) {
        return None;
    }
    match parts[..] {
        ["projects", project] => Some(Resource::Project(project.to_owned())),
        ["projects", _, "secrets", secret] => Some(Resource::Secret(secret.to_owned())),
        ["projects", _, "locations", _, "repositories", _] => Some(Resource::Repository(text.to_owned())),
        ["projects", _, "locations", _, "keyRings", _, "cryptoKeys", _] => {
            Some(Resource::Key(text.to_owned()))
        }
        ["projects", _, "serviceAccounts", email] => Some(Resource::ServiceAccount(email.to_owned())),
        _ => None,
    }
}

fn conditions(
    permission: &config::AdditionalPermission,
    path: &AttributePath,
    collector: &mut Collector,
) -> Conditions {
    let mut conditions = Conditions::new();
    for (index, condition) in permission.conditions.iter().flatten().enumerate() {
        let at = path.attribute("conditions").index(index);
        let (Some(test), Some(variable), Some(values)) =
            (&condition.test, &condition.variable, &condition.values)
        else {
            collector.refuse(
                &at,
                "Incomplete condition",
                "A condition has a test, a variable and values.",
            );
            continue;
        };
        conditions
            .entry(test.clone())
            .or_default()
            .entry(variable.clone())
            .or_default()
            .extend(values.iter().cloned());
    }
    conditions
}

pub(super) fn resolved(identities: &BTreeMap<Purpose, IdentitySpec>) -> config::Identities {
    let one = |purpose| {
        identities
            .get(&purpose)
            .map(|identity| identity.resolved(purpose))
    };
    config::Identities {
        ci: one(Purpose::Ci),
        deploy: one(Purpose::Deploy),
        runtime: one(Purpose::Runtime),
        drift: one(Purpose::Drift),
        retrain: one(Purpose::Retrain),
    }
}

impl IdentitySpec {
    fn resolved(&self, purpose: Purpose) -> config::Identity {
        let permissions: Vec<config::AdditionalPermission> = self
            .additional_permissions
            .iter()
            .map(resolved_permission)
            .chain(self.additional_roles.iter().map(resolved_roles))
            .collect();
        config::Identity {
            enabled: Some(self.enabled),
            max_session: Some(self.max_session.to_string()),
            additional_permissions: (!permissions.is_empty()).then_some(permissions),
            ci_environment: self.ci_environment.as_ref().map(ToString::to_string),
            metrics_read: (purpose == Purpose::Drift).then_some(self.metrics_read),
        }
    }
}

fn resolved_permission(permission: &AdditionalPermission) -> config::AdditionalPermission {
    let conditions: Vec<config::Condition> = permission
        .conditions
        .iter()
        .flat_map(|(test, keys)| {
            keys.iter().map(move |(variable, values)| config::Condition {
                test: Some(test.clone()),
                variable: Some(variable.clone()),
                values: Some(values.iter().cloned().collect()),
            })
        })
        .collect();
    config::AdditionalPermission {
        id: Some(permission.id.clone()),
        actions: Some(permission.actions.iter().cloned().collect()),
        roles: None,
        resources: Some(permission.resources.iter().cloned().collect()),
        conditions: (!conditions.is_empty()).then_some(conditions),
    }
}

fn resolved_roles(permission: &AdditionalRoles) -> config::AdditionalPermission {
    config::AdditionalPermission {
        id: Some(permission.id.clone()),
        actions: None,
        roles: Some(permission.roles.clone()),
        resources: Some(permission.resources.keys().cloned().collect()),
        conditions: None,
    }
}
