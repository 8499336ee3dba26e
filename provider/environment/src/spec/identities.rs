//! The five purposes.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::Conditions;
use mlops_access::generate::aws::AdditionalPermission;

use super::collector::Collector;
use super::{AttributePath, Duration, GithubEnvironment, StatementId};
use crate::{config, reference};

/// A purpose as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySpec {
    /// Made at all.
    pub enabled: bool,
    /// Longest session.
    pub max_session: Duration,
    /// More rights.
    pub additional_permissions: Vec<AdditionalPermission>,
    /// A GitHub environment that may enter too (drift, retrain).
    pub ci_environment: Option<GithubEnvironment>,
    /// May read metrics of the account (drift).
    pub metrics_read: bool,
}

const HOUR: Duration = Duration::from_seconds(3600);
const LONGEST: Duration = Duration::from_seconds(12 * 3600);

pub(super) fn build(
    config: Option<&config::Identities>,
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
                build_identity(purpose, &block.clone().unwrap_or_default(), &at, collector),
            )
        })
        .collect()
}

fn build_identity(
    purpose: Purpose,
    config: &config::Identity,
    path: &AttributePath,
    collector: &mut Collector,
) -> IdentitySpec {
    let at = path.attribute("max_session");
    let max_session = match config.max_session.as_deref() {
        Some(text) => collector.known(&at, text).unwrap_or(HOUR),
        None => HOUR,
    };
    if max_session < HOUR || max_session > LONGEST {
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
        additional_permissions: additional(config, path, collector),
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
        resources: Some(permission.resources.iter().cloned().collect()),
        conditions: (!conditions.is_empty()).then_some(conditions),
    }
}
