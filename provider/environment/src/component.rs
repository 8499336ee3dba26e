//! Components: the managed pieces of an environment, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::names;

/// Stable address of a component, for example `cluster`, `buckets.data` or `identities.runtime.churn`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// An address from its parts, joined by dots.
    pub fn new(parts: &[&str]) -> Self {
        Self(parts.join("."))
    }

    /// The text of the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Properties by name: the serialised form of a typed property struct such as [`crate::aws::Bucket`].
pub type Properties = BTreeMap<String, Value>;

/// What a component makes known to others, for example `arn`, `id`, `issuer`.
pub type Outputs = BTreeMap<String, String>;

/// A reference to another component's output, written inside any string of the properties.
///
/// (Not `${…}`, which is an IAM policy variable.) The text form is `@{keys.storage:arn}`; a string may hold several, among other text. A component depends on every
/// component that its properties refer to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The component referred to.
    pub address: Address,
    /// The name of its output.
    pub output: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{{{}:{}}}", self.address, self.output)
    }
}

/// What kind of cloud object a component is, for example `aws_s3_bucket` or `eks_node_group`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The VPC and subnets of somebody else in use.
    AwsNetwork,
    /// A VPC.
    AwsVpc,
    /// A subnet.
    AwsSubnet,
    /// An internet gateway.
    AwsInternetGateway,
    /// A NAT gateway with its address.
    AwsNatGateway,
    /// A route table with its subnets.
    AwsRouteTable,
    /// A security group.
    AwsSecurityGroup,
    /// An endpoint of a service inside a VPC.
    AwsVpcEndpoint,
    /// A KMS key with its alias.
    AwsKey,
    /// An S3 bucket with its sub-resources.
    AwsBucket,
    /// A CloudWatch Logs group.
    AwsLogGroup,
    /// An ECR repository.
    AwsRepository,
    /// A Secrets Manager secret: its name, never its value.
    AwsSecret,
    /// A customer-managed policy (permissions boundary).
    AwsPolicy,
    /// An IAM role with inline policies.
    AwsRole,
    /// An IAM OIDC provider.
    AwsOidcProvider,
    /// An EKS cluster.
    AwsCluster,
    /// An EKS cluster of somebody else.
    AwsExistingCluster,
    /// An EKS access entry.
    AwsAccessEntry,
    /// An EKS managed node group with its launch template.
    AwsNodePool,
    /// A budget of an account.
    AwsBudget,
    /// APIs that must be enabled in a project.
    GcpServices,
    /// The VPC network, subnetwork and secondary ranges in use.
    GcpNetwork,
    /// A VPC network.
    GcpVpc,
    /// A subnetwork with its secondary ranges.
    GcpSubnetwork,
    /// A router with its Cloud NAT.
    GcpRouter,
    /// A KMS key ring.
    GcpKeyRing,
    /// A KMS key with the grants of the service agents that use it.
    GcpKey,
    /// A Cloud Storage bucket with its managed folders and their grants.
    GcpBucket,
    /// A log bucket with the sink that fills it.
    GcpLogBucket,
    /// An Artifact Registry repository with its grants.
    GcpRepository,
    /// A Secret Manager secret with its grants: its name, never its value.
    GcpSecret,
    /// A service account.
    GcpServiceAccount,
    /// Who may enter a service account.
    GcpTrust,
    /// What the environment's accounts may do project-wide.
    GcpProjectGrants,
    /// A custom role of the project.
    GcpCustomRole,
    /// A workload identity pool.
    GcpWorkloadIdentityPool,
    /// An OIDC provider of a workload identity pool.
    GcpWorkloadIdentityProvider,
    /// A GKE cluster.
    GcpCluster,
    /// A GKE cluster of somebody else.
    GcpExistingCluster,
    /// A GKE node pool.
    GcpNodePool,
    /// A budget of a billing account.
    GcpBudget,
}

impl Kind {
    /// Whether it outlives every environment, so that its being there says nothing: APIs are never disabled, key rings
    /// and keys never deleted.
    pub fn lasts(self) -> bool {
        matches!(self, Self::GcpServices | Self::GcpKeyRing | Self::GcpKey)
    }

    /// Whether the plan has to look at it before it is used for the first time: much is wired to it, and not every one of
    /// its kind will do.
    pub fn looked_at(self) -> bool {
        matches!(self, Self::AwsExistingCluster | Self::GcpExistingCluster)
    }

    /// Whether it stands already when its turn comes in a fresh environment, so that looking first spares a create that fails:
    /// pools come with their cluster, and some APIs are always enabled. Key rings and keys outlive environments too, but a first
    /// environment finds none: they are made, and looked at where that is refused.
    pub fn found_standing(self) -> bool {
        matches!(self, Self::GcpNodePool | Self::GcpServices)
    }
}

/// How a component came to be part of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Management {
    /// Made and deleted with the environment.
    Create,
    /// Belongs to somebody else: used, never changed, never deleted.
    Existing,
    /// Taken over by the user's word; kept on destroy.
    Adopted,
    /// One per account, shared by environments; deleted only by the last one that uses it and only if we made it.
    Shared,
}

/// What happens to a component's cloud object when the environment is destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDestroy {
    /// Deleted.
    Delete,
    /// Deleted, and refused in preflight while it holds data.
    Refuse,
    /// Emptied of everything and deleted.
    Purge,
    /// Kept, marked as retained.
    Retain,
}

/// One component as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// Where it stands in the environment.
    pub address: Address,
    /// What it is.
    pub kind: Kind,
    /// How it came to be ours.
    pub management: Management,
    /// What destroy does with it.
    pub on_destroy: OnDestroy,
    /// The cloud's identifier, where it can be computed beforehand.
    pub id: Option<String>,
    /// What is wanted; strings may hold [`Reference`]s until resolved.
    pub properties: Properties,
    /// Outputs that can be computed beforehand.
    pub outputs: Outputs,
    /// Components it must come after beside those it refers to.
    pub after: BTreeSet<Address>,
}

impl Component {
    /// Address of the component whose deletion takes this one with it, so that it needs none of its own: GKE deletes
    /// pools with their cluster, and nobody can enter an account that is gone.
    pub fn goes_with(&self) -> Option<Address> {
        match self.kind {
            Kind::GcpNodePool => Some(Address::new(&["cluster"])),
            Kind::GcpTrust => {
                let rest = self.address.as_str().strip_prefix("trust.")?;
                Some(Address::new(&["identities", rest]))
            }
            _ => None,
        }
    }

    /// Address of the component that it is a part of to the cloud: made anew, that takes this one along.
    pub fn stands_in(&self) -> Option<Address> {
        match self.kind {
            Kind::AwsNodePool | Kind::AwsAccessEntry | Kind::GcpNodePool => Some(Address::new(&["cluster"])),
            _ => None,
        }
    }

    /// By what the cloud's object is found and can be adopted: its id, or the name it has where ids are random.
    pub fn handle(&self) -> String {
        let text = |name: &str| {
            self.properties
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let name = || text("name").or_else(|| text("alias")).or_else(|| text("url"));
        self.id
            .clone()
            .or_else(name)
            .unwrap_or_else(|| self.address.to_string())
    }
}

/// What was found in the cloud.
#[derive(Debug, Clone, PartialEq)]
pub enum Observation {
    /// Nothing of that name or id.
    Absent,
    /// Something.
    Present(Present),
}

/// A component as found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Present {
    /// The cloud's identifier.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// Where it is in its life.
    pub status: Status,
    /// As found, in the same shape as the wanted properties; what the cloud does not tell is left out.
    pub properties: Properties,
    /// What others may refer to.
    pub outputs: Outputs,
    /// Deviations that no property can express, for example `foreign policy AdministratorAccess attached`.
    pub foreign: Vec<String>,
}

/// Whose an object is, by its ownership mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Marked by an environment: its id and uid.
    Environment {
        /// `aws/<account>/<region>/<name>`.
        id: String,
        /// Distinguishes re-creations.
        uid: String,
    },
    /// Carries no mark of ours.
    Unmarked,
}

impl Owner {
    /// Whether it is this environment's.
    ///
    /// A mark in a label of Google Cloud may be cut: what is read back of it is compared with what would be read back of
    /// the whole id.
    pub fn is(&self, environment: &str) -> bool {
        match self {
            Self::Environment { id, .. } => {
                id == environment || *id == names::gcp::label(environment).replace('_', "/")
            }
            Self::Unmarked => false,
        }
    }
}

/// Where an object is in its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Usable.
    Ready,
    /// The cloud is at work on it: creating or updating.
    InProgress {
        /// In the cloud's words, for example `CREATING`.
        what: String,
        /// The operation to wait for, where the cloud names it.
        operation: Option<String>,
    },
    /// On its way out.
    Deleting,
    /// It stands, somebody put it out of use, and it can be brought back.
    Suspended {
        /// How, for example `scheduled for deletion`.
        what: String,
    },
    /// The cloud gave up; why, in its words.
    Failed {
        /// The reasons.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest of ids: 30 characters of project, 23 of region, 20 of name.
    #[test]
    fn an_owner_is_recognised_by_a_label_that_had_to_be_cut() {
        let id = "gcp/acme-machine-learning-platform/northamerica-northeast1/abcdefghijklmnopqrst";
        let label = names::gcp::label(id);
        assert!(label.len() <= 63 && id.len() > 63);
        let owner = Owner::Environment {
            id: label.replace('_', "/"),
            uid: "u".to_owned(),
        };
        assert!(owner.is(id));
        assert!(
            !owner.is(&id.replace("rst", "rsu")),
            "another environment of nearly the same name"
        );
        assert!(!Owner::Unmarked.is(id));
    }
}
