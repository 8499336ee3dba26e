//! Updates: every change to what stands gets an id, takes time, and shows when it is over. One at a time on each cluster,
//! node group or add-on.
//!
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_Update.html>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::addon::AddonChange;
use super::encryption::Encryption;
use super::network::Endpoint;
use super::node_group::NodeChange;
use super::{Cluster, done, known, known_mut, paged, refusal};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// An update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// `VersionUpdate`, `LoggingUpdate`, …
    pub kind: String,
    /// What it is told to be about: names and values.
    pub params: Vec<(String, String)>,
    /// When it began.
    pub created: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// What is changed.
    pub subject: Subject,
    /// What becomes of it.
    pub change: Change,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
    /// Whether it is over.
    pub over: bool,
    /// Why it failed: code, message, resources.
    pub errors: Vec<(String, String, Vec<String>)>,
}

/// What an update changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// The cluster itself.
    Cluster,
    /// A node group by name.
    NodeGroup(String),
    /// An add-on by name.
    Addon(String),
}

/// What is so when an update is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Kubernetes version of the control plane.
    Version(String),
    /// Kinds of logs that are sent.
    Logging(BTreeSet<String>),
    /// Who may reach the endpoint.
    Endpoint(Endpoint),
    /// Subnets and security groups, with the interfaces in them.
    Network {
        /// Subnets.
        subnets: Vec<String>,
        /// Security groups.
        groups: Vec<String>,
    },
    /// How callers are let in.
    Authentication(String),
    /// What happens when standard support ends.
    Support(String),
    /// Whether traffic may be shifted away from a zone.
    ZonalShift(bool),
    /// Whether deletion is refused.
    Protection(bool),
    /// The key for secrets.
    Encryption(Encryption),
    /// Anything of a node group.
    Nodes(Box<NodeChange>),
    /// Anything of an add-on.
    Addon(Box<AddonChange>),
}

/// What an operation wants to be done.
pub(super) struct Plan {
    pub(super) kind: &'static str,
    pub(super) params: Vec<(&'static str, String)>,
    /// How the work's duration is named, and its usual seconds.
    pub(super) takes: (&'static str, f64),
    pub(super) change: Change,
}

impl Update {
    /// `InProgress`, `Successful`, `Failed`.
    pub fn status(&self) -> &'static str {
        match (self.over, self.errors.is_empty()) {
            (false, _) => "InProgress",
            (true, true) => "Successful",
            (true, false) => "Failed",
        }
    }

    fn shown(&self, id: &str) -> Value {
        let params: Vec<Value> = self
            .params
            .iter()
            .map(|(name, value)| json!({"type": name, "value": value}))
            .collect();
        let errors: Vec<Value> = self
            .errors
            .iter()
            .map(|(code, message, resources)| {
                json!({"errorCode": code, "errorMessage": message, "resourceIds": resources})
            })
            .collect();
        json!({
            "id": id,
            "status": self.status(),
            "type": self.kind,
            "params": params,
            "createdAt": self.created.to_string(),
            "errors": errors,
        })
    }
}

impl Cluster {
    /// The update under way on a subject.
    pub(super) fn under_way(&self, subject: &Subject) -> Option<&str> {
        self.updates
            .iter()
            .find(|(_, update)| !update.over && update.subject == *subject)
            .map(|(id, _)| id.as_str())
    }
}

/// The answer to a call that was made before with the same token.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html>, `clientRequestToken`
pub(super) fn repeated(cluster: &Cluster, call: &Call) -> Option<Answer> {
    let token = call.text("clientRequestToken")?;
    cluster
        .updates
        .iter()
        .find(|(_, update)| update.token.as_deref() == Some(token))
        .map(|(id, update)| Answer::of(json!({"update": update.shown(id)})))
}

/// Begins an update, if nothing is in its way.
///
/// # Errors
/// `ResourceInUseException`.
pub(super) fn start(
    world: &mut World,
    call: &Call,
    cluster: &str,
    subject: Subject,
    plan: Plan,
) -> Result<Answer, Refusal> {
    free(known(world, call, cluster)?, call, &subject, plan.kind)?;
    let until = done(world, call, plan.takes.0, plan.takes.1);
    let id = world.random.uuid();
    let update = Update {
        kind: plan.kind.to_owned(),
        params: plan
            .params
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        created: call.at,
        until,
        subject,
        change: plan.change,
        token: call.text("clientRequestToken").map(str::to_owned),
        over: false,
        errors: Vec::new(),
    };
    let answer = Answer::of(json!({"update": update.shown(&id)}));
    known_mut(world, call, cluster)?.updates.insert(id, update);
    Ok(answer)
}

/// Whether nothing else is under way.
fn free(cluster: &Cluster, call: &Call, subject: &Subject, kind: &str) -> Result<(), Refusal> {
    let name = &cluster.name;
    match subject {
        Subject::Cluster => {
            if let Some(id) = cluster.under_way(subject) {
                // https://github.com/aws-controllers-k8s/community/issues/1192
                return Err(refusal::in_use(format!(
                    "Cannot {kind} because cluster {name} currently has update {id} in progress"
                ))
                .with("clusterName", name.as_str()));
            }
            let status = cluster.status(call.at);
            if status != "ACTIVE" {
                // The wording is a guess after that of CreateNodegroup.
                return Err(refusal::in_use(format!(
                    "Cannot {kind}: cluster '{name}' is not in ACTIVE status but {status}"
                ))
                .with("clusterName", name.as_str()));
            }
        }
        Subject::NodeGroup(group) => {
            let status = cluster
                .node_groups
                .get(group)
                .map_or("gone", |found| found.status(cluster, call.at));
            if !matches!(status, "ACTIVE" | "DEGRADED") {
                return Err(refusal::in_use(format!(
                    "Nodegroup cannot be updated as it is currently not in ACTIVE state: {group} is {status}"
                ))
                .with("clusterName", name.as_str())
                .with("nodegroupName", group.as_str()));
            }
        }
        Subject::Addon(addon) => {
            if cluster.under_way(subject).is_some() {
                // The wording is a guess.
                return Err(
                    refusal::in_use(format!("Addon {addon} has an update in progress"))
                        .with("clusterName", name.as_str())
                        .with("addonName", addon.as_str()),
                );
            }
        }
    }
    Ok(())
}

/// What a call asks about: the cluster, or one of its node groups or add-ons, which must exist.
fn subject(cluster: &Cluster, call: &Call) -> Result<Subject, Refusal> {
    if call.text("capabilityName").is_some() {
        return Err(refusal::not_carried("capabilityName"));
    }
    match (call.text("nodegroupName"), call.text("addonName")) {
        (Some(_), Some(_)) => Err(refusal::invalid(
            // The wording is a guess.
            "nodegroupName and addonName cannot be given together",
        )),
        (Some(group), None) => {
            cluster.known_group(group)?;
            Ok(Subject::NodeGroup(group.to_owned()))
        }
        (None, Some(addon)) => {
            cluster.known_addon(addon)?;
            Ok(Subject::Addon(addon.to_owned()))
        }
        (None, None) => Ok(Subject::Cluster),
    }
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("name"))?;
    let (subject, id) = (subject(cluster, call)?, call.required("updateId"));
    cluster
        .updates
        .get(id)
        .filter(|update| update.subject == subject)
        .map(|update| Answer::of(json!({"update": update.shown(id)})))
        .ok_or_else(|| refusal::missing(format!("No update found for ID: {id}")))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListUpdates.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("name"))?;
    let subject = subject(cluster, call)?;
    let entries = cluster
        .updates
        .iter()
        .filter(|(_, update)| update.subject == subject)
        .map(|(id, _)| (id.clone(), Value::from(id.as_str())));
    paged(world, call, "updateIds", entries)
}
