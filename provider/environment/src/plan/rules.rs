//! What each property of each kind can bear: how it is compared, and what a change of it means.

use serde_json::Value;

use super::step::{Change, Disruption};
use crate::component::Kind;

/// How two values of a property are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// As values; lists are sets.
    Value,
    /// As a list whose order counts.
    Ordered,
    /// As a policy document: order and one-or-many spelling do not count.
    Document,
    /// As documents by name.
    Documents,
    /// Only the wanted keys; those of others are left alone.
    Tags,
    /// Only the wanted grants, and those wanted last time; what is found beside them is foreign or somebody else's.
    Grants,
    /// Grants by folder.
    GrantsByFolder,
    /// The wanted items must be there; others may be.
    AtLeast,
    /// Minor versions; nothing wanted is whatever is there.
    Version,
    /// Not at all: counts only while making it, or while deleting it.
    Never,
}

/// What a change of a property means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// The cloud changes it.
    InPlace(Disruption),
    /// The object is built anew beside the old one.
    Rotate,
    /// The object would have to be deleted and made anew: only with consent.
    Fixed,
    /// The cloud raises it; lower or off is as if it were [`Treatment::Fixed`].
    OneWay,
    /// Everything else stands in it: it cannot be made anew while the environment stands.
    Lasting,
}

/// The rule of a property.
pub(super) fn of(kind: Kind, property: &str) -> (Comparison, Treatment) {
    use Comparison::{
        AtLeast, Document, Documents, Grants, GrantsByFolder, Never, Ordered, Tags, Value, Version,
    };
    use Treatment::{Fixed, Lasting, OneWay, Rotate};
    const QUIET: Treatment = Treatment::InPlace(Disruption::None);
    match (kind, property) {
        (Kind::AwsOidcProvider, "audiences") => (AtLeast, QUIET),
        // Instances carry the pool's tags through the launch template: EKS exchanges the nodes.
        (Kind::AwsNodePool, "tags") => (Tags, Treatment::InPlace(Disruption::Rotate)),
        (_, "tags") => (Tags, QUIET),

        (Kind::AwsNetwork, _) => (Value, Fixed),
        (Kind::AwsVpc, "cidr" | "zones") => (Value, Lasting),
        (Kind::AwsSubnet, _) => (Value, Lasting),
        (Kind::AwsNatGateway, "subnet_id") => (Value, Fixed),
        (Kind::AwsRouteTable | Kind::AwsSecurityGroup | Kind::AwsVpcEndpoint, "vpc_id") => (Value, Fixed),
        (Kind::AwsSecurityGroup, "description") => (Never, QUIET),
        (Kind::AwsVpcEndpoint, "service" | "interface") => (Value, Fixed),

        (Kind::AwsKey, "policy") => (Document, QUIET),
        (Kind::AwsKey, "deletion_window_days") => (Never, QUIET),

        (Kind::AwsBucket, "region") => (Value, Fixed),
        (Kind::AwsBucket | Kind::GcpBucket, "retention_lock") => (Value, OneWay),
        (Kind::AwsBucket, "policy") => (Document, QUIET),

        (Kind::AwsRepository, "kms_key") => (Value, Fixed),
        (Kind::AwsRepository, "lifecycle") => (Document, QUIET),

        (Kind::AwsSecret, "recovery_window_days") => (Never, QUIET),

        // The wording is ours and may change with a release; IAM cannot change it.
        (Kind::AwsPolicy, "description") => (Never, QUIET),
        (Kind::AwsPolicy, "document") => (Document, QUIET),
        (Kind::AwsPolicy | Kind::AwsRole, "path") => (Value, Fixed),

        (Kind::AwsRole, "trust") => (Document, QUIET),
        (Kind::AwsRole, "inline_policies") => (Documents, QUIET),

        (Kind::AwsOidcProvider, "url") => (Value, Fixed),

        (Kind::AwsCluster, "role_arn" | "encryption_key") => (Value, Fixed),
        (Kind::AwsCluster, "version") => (Version, Treatment::InPlace(Disruption::Restart)),

        (Kind::AwsExistingCluster | Kind::GcpExistingCluster, "name") => (Value, Lasting),
        (Kind::AwsExistingCluster | Kind::GcpExistingCluster, _) => (Never, QUIET),

        (Kind::AwsAccessEntry, "cluster" | "principal_arn") => (Value, Fixed),

        (Kind::AwsNodePool, "cluster") => (Value, Fixed),
        (Kind::AwsNodePool, "instance_types") => (Ordered, Rotate),
        (Kind::AwsNodePool, "name" | "spot" | "ami_type" | "subnet_ids" | "role_arn") => (Value, Rotate),
        // A new version of the launch template: EKS exchanges the nodes of the same group.
        (Kind::AwsNodePool, "disk_gb" | "disk_type" | "metadata_tokens" | "metadata_hop_limit") => {
            (Value, Treatment::InPlace(Disruption::Rotate))
        }
        (Kind::AwsNodePool, "version") => (Version, Treatment::InPlace(Disruption::Rotate)),

        (Kind::GcpNetwork, _) => (Value, Fixed),
        // The mark; Google Cloud cannot change it.
        (Kind::GcpVpc | Kind::GcpSubnetwork, "description") => (Never, QUIET),
        (Kind::GcpSubnetwork, "private_google_access") => (Value, QUIET),
        (Kind::GcpVpc | Kind::GcpSubnetwork, _) => (Value, Lasting),
        (Kind::GcpRouter, "network") => (Value, Fixed),
        // Says who asks, for objects that carry no mark.
        (_, "owner" | "family") => (Never, QUIET),
        (_, "grants") => (Grants, QUIET),
        (Kind::GcpBucket, "folders") => (GrantsByFolder, QUIET),
        (Kind::GcpBucket, "location" | "project") => (Value, Fixed),
        (Kind::GcpRepository, "kms_key") => (Value, Fixed),
        (Kind::GcpSecret, "location") => (Value, Fixed),
        (Kind::GcpServiceAccount, "email" | "account_id") => (Value, Fixed),
        (Kind::GcpTrust, "account") => (Value, Fixed),
        (Kind::GcpWorkloadIdentityProvider, "issuer") => (Value, Fixed),
        (Kind::GcpCluster, "network" | "subnetwork" | "pods_range" | "services_range" | "workload_pool") => {
            (Value, Fixed)
        }
        (Kind::GcpBudget, "billing_account" | "currency") => (Value, Fixed),
        (Kind::GcpCluster, "initial_pools") => (Never, QUIET),
        (Kind::GcpCluster, "version") => (Version, Treatment::InPlace(Disruption::Restart)),
        (Kind::GcpNodePool, "cluster") => (Value, Fixed),
        (Kind::GcpNodePool, "initial_count") => (Never, QUIET),
        (Kind::GcpNodePool, "name" | "spot" | "accelerator" | "service_account") => (Value, Rotate),
        (Kind::GcpNodePool, "machine_type" | "image_type" | "disk_gb" | "disk_type" | "metadata_mode") => {
            (Value, Treatment::InPlace(Disruption::Rotate))
        }
        (Kind::GcpNodePool, "version") => (Version, Treatment::InPlace(Disruption::Rotate)),

        // The id stands for a whole object of somebody else.
        (_, "name" | "alias" | "id") => (Value, Fixed),
        _ => (Value, QUIET),
    }
}

/// How users notice a change.
pub(super) fn disruption(kind: Kind, change: &Change) -> Disruption {
    match of(kind, &change.property).1 {
        Treatment::Rotate => Disruption::Rotate,
        Treatment::Fixed => match kind {
            Kind::AwsBucket | Kind::AwsRepository | Kind::AwsKey | Kind::AwsSecret | Kind::AwsLogGroup => {
                Disruption::DataLoss
            }
            Kind::GcpBucket
            | Kind::GcpRepository
            | Kind::GcpKeyRing
            | Kind::GcpKey
            | Kind::GcpSecret
            | Kind::GcpLogBucket => Disruption::DataLoss,
            Kind::AwsCluster | Kind::GcpCluster => Disruption::Rotate,
            _ => Disruption::Restart,
        },
        Treatment::OneWay if lowered(change) => Disruption::DataLoss,
        Treatment::OneWay => Disruption::None,
        Treatment::Lasting => Disruption::Restart,
        Treatment::InPlace(_) if loses_data(kind, change) => Disruption::DataLoss,
        Treatment::InPlace(disruption) => disruption,
    }
}

/// Whether the object would have to be deleted and made anew for a change.
pub(super) fn needs_another(kind: Kind, change: &Change) -> bool {
    match of(kind, &change.property).1 {
        Treatment::Fixed => true,
        Treatment::OneWay => lowered(change),
        _ => false,
    }
}

/// Whether a number that may only grow shall be less, or none.
fn lowered(change: &Change) -> bool {
    match (change.from.as_i64(), change.to.as_i64()) {
        (Some(from), Some(to)) => to < from,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// What a change means, where its name does not say it and nobody can take it back.
pub(super) fn warning(kind: Kind, change: &Change) -> Option<String> {
    let days = change.to.as_i64()?;
    (of(kind, &change.property).1 == Treatment::OneWay).then(|| irrevocable(days))
}

/// What a locked retention means.
pub(crate) fn irrevocable(days: i64) -> String {
    format!(
        "for good: nobody can delete an object before it is {days} days old, and this can never be lowered nor taken off"
    )
}

/// Whether data goes earlier than before.
fn loses_data(kind: Kind, change: &Change) -> bool {
    match (kind, change.property.as_str()) {
        (Kind::AwsLogGroup | Kind::GcpLogBucket, "retention_days") => {
            match (change.from.as_i64(), change.to.as_i64()) {
                (Some(from), Some(to)) => to < from,
                // Kept for ever until now.
                (None, Some(_)) => true,
                _ => false,
            }
        }
        (Kind::AwsBucket, "lifecycle") => {
            let (from, to) = (&change.from, &change.to);
            ["expire_days", "noncurrent_days"]
                .iter()
                .any(|days| earliest(to, days) < earliest(from, days))
        }
        (Kind::GcpBucket, "lifecycle") => ["expire", "expire_replaced"]
            .iter()
            .any(|action| earliest_of(&change.to, action) < earliest_of(&change.from, action)),
        (Kind::GcpBucket, "soft_delete_days") => change.to.as_i64() < change.from.as_i64(),
        _ => false,
    }
}

/// The fewest days of the rules with an action; never is very late.
fn earliest_of(rules: &Value, action: &str) -> i64 {
    let rules = rules.as_array().into_iter().flatten();
    rules
        .filter(|rule| rule.get("action").is_some_and(|value| value == action))
        .filter_map(|rule| rule.get("days")?.as_i64())
        .min()
        .unwrap_or(i64::MAX)
}

/// The earliest expiry in a set of lifecycle rules; never is very late.
fn earliest(rules: &Value, days: &str) -> i64 {
    let rules = rules.as_object().into_iter().flatten();
    rules
        .filter_map(|(_, rule)| rule.get(days)?.as_i64())
        .min()
        .unwrap_or(i64::MAX)
}
