//! What must hold for everything, not only for what is probed.

use super::{AwsDocuments, Breach, Expected, aws::AwsIdentity};
use crate::{
    Purpose,
    aws::{Effect, Scope as Choice, Statement, actions},
    gcp::Resource,
    generate::aws::{Scope, permissions},
    pattern::Pattern,
};

/// Actions that take no resource, or none that would help.
const UNSCOPABLE: [&str; 4] = [
    "ecr:getauthorizationtoken",
    "cloudwatch:putmetricdata",
    "cloudwatch:getmetricdata",
    "cloudwatch:listmetrics",
];

/// What the machines may do to images of other accounts, which publish the add-ons.
const PULL: [&str; 3] = [
    "ecr:batchgetimage",
    "ecr:getdownloadurlforlayer",
    "ecr:batchchecklayeravailability",
];

/// Services in which every write is the matrix's business, on the environment's own things.
const GOVERNED: [&str; 6] = ["s3:", "ecr:", "eks:", "secretsmanager:", "kms:", "sts:"];

pub(super) fn check_aws(scope: &Scope, documents: &AwsDocuments, breaches: &mut Vec<Breach>) {
    let mut plain = scope.clone();
    plain.additional_permissions.clear();
    let own = environment_resources(scope);
    for identity in &documents.identities {
        statements(&plain, &own, identity, breaches);
    }
    writers(documents, breaches);
}

fn report(
    row: &'static str,
    what: &str,
    identity: &AwsIdentity,
    ask: String,
    statement: &Statement,
    breaches: &mut Vec<Breach>,
) {
    breaches.push(Breach {
        row,
        what: what.to_owned(),
        identity: identity.principal().to_string(),
        expected: Expected::Deny,
        ask,
        because: format!("{} allows it", statement.label()),
    });
}

fn allows(identity: &AwsIdentity) -> impl Iterator<Item = &Statement> {
    identity
        .permissions
        .iter()
        .flat_map(|p| &p.statements)
        .filter(|s| s.effect == Effect::Allow)
}

fn statements(plain: &Scope, own: &[Pattern], identity: &AwsIdentity, breaches: &mut Vec<Breach>) {
    let vocabulary = vocabulary(plain, identity);
    for statement in allows(identity) {
        let (Choice::Only(listed), Some(Choice::Only(resources))) =
            (&statement.actions, &statement.resources)
        else {
            let ask = "be granted everything but a list".to_owned();
            report(
                "I01",
                "no NotAction or NotResource grants",
                identity,
                ask,
                statement,
                breaches,
            );
            continue;
        };
        for action in listed {
            let folded = action.folded();
            let text = action.text();
            if folded.is_any() || text.ends_with(":*") {
                report(
                    "I01",
                    "no whole services",
                    identity,
                    format!("be granted {text}"),
                    statement,
                    breaches,
                );
                continue;
            }
            let unscoped = resources.iter().any(|r| r.upper().is_any());
            let foreign_pull = identity.purpose == Purpose::Node
                && folded.as_literal().is_some_and(|a| PULL.contains(&a))
                && statement
                    .conditions
                    .iter()
                    .any(|c| c.key.folded() == "aws:resourceaccount");
            // Metrics are scoped by their namespace.
            let unscopable = folded.as_literal().is_some_and(|a| {
                UNSCOPABLE.contains(&a)
                    && (a != "cloudwatch:putmetricdata"
                        || statement
                            .conditions
                            .iter()
                            .any(|c| c.key.folded() == "cloudwatch:namespace"))
            });
            if unscoped && !foreign_pull && !unscopable {
                report(
                    "I02",
                    "no unscoped grants",
                    identity,
                    format!("{text} on *"),
                    statement,
                    breaches,
                );
            }
            let governed = GOVERNED
                .iter()
                .any(|service| text.to_ascii_lowercase().starts_with(service));
            for known in actions::matching(text) {
                if known.level == actions::AccessLevel::PermissionsManagement {
                    report(
                        "I03",
                        "no management of permissions",
                        identity,
                        known.id().to_owned(),
                        statement,
                        breaches,
                    );
                } else if governed
                    && known.level.is_write()
                    && !vocabulary.iter().any(|v| v == known.folded())
                {
                    let reached = resources
                        .iter()
                        .find(|r| r.upper().is_any() || own.iter().any(|o| r.upper().overlap(o).is_some()));
                    if let Some(resource) = reached {
                        report(
                            "I05",
                            "no writing beyond the purpose",
                            identity,
                            format!("{} on {}", known.id(), resource.source()),
                            statement,
                            breaches,
                        );
                    }
                }
            }
        }
    }
}

/// The actions that the purpose's own table has, in lower case.
fn vocabulary(plain: &Scope, identity: &AwsIdentity) -> Vec<String> {
    permissions(plain, identity.principal())
        .statements
        .into_iter()
        .flat_map(|s| s.actions)
        .map(|a| a.to_ascii_lowercase())
        .collect()
}

fn environment_resources(scope: &Scope) -> Vec<Pattern> {
    let mut all: Vec<String> = Vec::new();
    for name in scope.buckets.values() {
        all.push(format!("arn:{}:s3:::{name}", scope.partition));
        all.push(format!("arn:{}:s3:::{name}/*", scope.partition));
    }
    all.push(format!("{}*", scope.registry.prefix));
    all.extend(scope.cluster.iter().map(|c| c.arn.clone()));
    all.extend(
        [&scope.storage_key_arn, &scope.secrets_key_arn]
            .into_iter()
            .flatten()
            .cloned(),
    );
    all.extend(
        scope
            .services
            .values()
            .flat_map(|s| s.secrets.values())
            .map(|s| s.id.clone()),
    );
    all.push(format!("arn:{}:iam::{}:*", scope.partition, scope.account));
    all.iter().map(|text| Pattern::parse(text)).collect()
}

struct Write<'a> {
    purpose: Purpose,
    identity: &'a AwsIdentity,
    statement: &'a Statement,
    prefix: String,
    pattern: &'a Pattern,
}

/// Each object is written by exactly one purpose. Keys are left out: who may use them follows the objects.
fn writers(documents: &AwsDocuments, breaches: &mut Vec<Breach>) {
    let mut writes: Vec<Write<'_>> = Vec::new();
    for identity in &documents.identities {
        for statement in allows(identity) {
            let creates = |action: &str| match &statement.actions {
                Choice::Only(list) => list.iter().any(|a| a.matches(action)),
                Choice::AllBut(_) => true,
            };
            if !["s3:putobject", "s3:deleteobject", "ecr:putimage"]
                .into_iter()
                .any(creates)
            {
                continue;
            }
            for resource in statement.resources.iter().flat_map(Choice::items) {
                let pattern = resource.upper();
                writes.push(Write {
                    purpose: identity.purpose,
                    identity,
                    statement,
                    prefix: pattern.literal_prefix(),
                    pattern,
                });
            }
        }
    }
    for (index, one) in writes.iter().enumerate() {
        for two in &writes[index + 1..] {
            let apart = !one.prefix.starts_with(&two.prefix) && !two.prefix.starts_with(&one.prefix);
            if one.purpose == two.purpose || apart {
                continue;
            }
            if let Some(shared) = one.pattern.overlap(two.pattern) {
                let what = format!(
                    "each object is written by one purpose, not also by {}",
                    two.identity.principal()
                );
                report(
                    "I04",
                    &what,
                    one.identity,
                    format!("write {shared}"),
                    one.statement,
                    breaches,
                );
            }
        }
    }
}

/// Roles that are never one of the five's.
pub(super) fn forbidden_role(role: &str) -> bool {
    [
        "roles/owner",
        "roles/editor",
        "roles/viewer",
        "roles/iam.serviceAccountUser",
        "roles/iam.serviceAccountTokenCreator",
    ]
    .contains(&role)
        || role.ends_with(".admin")
        || role.ends_with("Admin")
}

/// What may be bound on the project.
pub(super) fn project_role(role: &str, conditioned: bool) -> bool {
    match role {
        "roles/container.clusterViewer" => conditioned,
        "roles/monitoring.metricWriter"
        | "roles/cloudtrace.agent"
        | "roles/containeranalysis.occurrences.viewer"
        | "roles/container.defaultNodeServiceAccount" => true,
        custom => custom.ends_with(&format!("/roles/{}", crate::generate::gcp::METRICS_READER)),
    }
}

pub(super) fn on_project(resource: &Resource) -> bool {
    matches!(resource, Resource::Project(_))
}
