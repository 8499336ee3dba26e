//! Operations on clusters: what runs, what it stands in the way of, and what it ends in.
//!
//! Forms from the description of `Operation`; which of them exclude one another from
//! <https://cloud.google.com/kubernetes-engine/docs/troubleshooting/concurrent-operations>, the messages from
//! hashicorp/terraform-provider-google's `container_operation.go` and issues 1643, 3650, 15205.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Cluster, cluster_name, some};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::Project;
use crate::gcp::merge::merge;
use crate::gcp::names::{piece, short};
use crate::gcp::refuse::{exhausted, not_found, precondition};
use crate::world::World;

/// Operations of one cluster that may run at a time.
const CONCURRENT: usize = 5;

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// `CREATE_CLUSTER`, …
    pub kind: String,
    /// Full name of the cluster.
    pub cluster: String,
    /// Short name of the node pool, for work on one.
    pub pool: Option<String>,
    /// When it was begun.
    pub started: Timestamp,
    /// When it is done.
    pub ends: Timestamp,
    /// What is so when it has ended.
    pub effect: Effect,
    /// Whether that has been carried out.
    pub settled: bool,
    /// Why it failed.
    pub error: Option<String>,
}

/// What an operation does when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// The cluster with these pools runs.
    Run,
    /// The cluster, or the pool, is gone.
    Remove,
    /// These members are set: JSON merge patches of the cluster and of its pools by name.
    Change {
        /// On the cluster.
        cluster: Value,
        /// On pools.
        pools: Vec<(String, Value)>,
    },
}

impl Operation {
    /// Whether it is under way.
    fn runs(&self, at: Timestamp) -> bool {
        at < self.ends
    }

    /// As the API tells it.
    fn told(&self, name: &str, number: u64, at: Timestamp) -> Value {
        let location = piece(name, "locations");
        let with_number = |name: &str| {
            let rest = name.splitn(3, '/').nth(2).unwrap_or_default();
            format!("https://container.googleapis.com/v1/projects/{number}/{rest}")
        };
        let target = match &self.pool {
            Some(pool) => format!("{}/nodePools/{pool}", self.cluster),
            None => self.cluster.clone(),
        };
        let status = if !self.runs(at) {
            "DONE"
        } else if at == self.started {
            "PENDING"
        } else {
            "RUNNING"
        };
        let mut told = json!({
            "name": short(name),
            "operationType": self.kind,
            "status": status,
            "startTime": self.started.to_string(),
            "selfLink": with_number(name),
            "targetLink": with_number(&target),
            "zone": location,
            "location": location,
        });
        if self.runs(at) {
            return told;
        }
        told["endTime"] = json!(self.ends.to_string());
        if let Some(error) = &self.error {
            told["error"] = json!({"code": 13, "message": error});
            told["statusMessage"] = json!(error);
        }
        told
    }
}

/// Refuses what cannot run beside what runs: anything beside work on the whole cluster, a second piece of work on the same
/// pool, and a sixth at all.
///
/// # Errors
/// 400 `FAILED_PRECONDITION` naming the operation in the way; 429 for one too many.
pub(super) fn check_free(
    project: &Project,
    cluster: &str,
    pool: Option<&str>,
    at: Timestamp,
) -> Result<(), Refusal> {
    let running: Vec<(&String, &Operation)> = project
        .container
        .operations
        .iter()
        .filter(|(_, operation)| operation.cluster == cluster && operation.runs(at))
        .collect();
    let blocks = running.iter().find(|(_, operation)| {
        let (Some(theirs), Some(ours)) = (operation.pool.as_deref(), pool) else {
            return true;
        };
        theirs == ours
    });
    if let Some((name, operation)) = blocks {
        let name = short(name);
        let message = if operation.kind == "CREATE_CLUSTER" {
            format!(
                "Operation {name} is currently creating cluster {}. Please wait and try again once it is done.",
                short(cluster)
            )
        } else {
            format!("Cluster is running incompatible operation {name}.")
        };
        return Err(precondition(message));
    }
    if running.len() >= CONCURRENT {
        return Err(exhausted(format!(
            "Operation hits the concurrent operations quota {CONCURRENT}. Please wait for the running operations to finish."
        )));
    }
    Ok(())
}

/// What an operation is to be.
pub(super) struct Begin<'a> {
    pub(super) kind: &'a str,
    /// Name under which its duration can be set.
    pub(super) work: &'a str,
    /// Seconds that it usually takes.
    pub(super) usual: f64,
    pub(super) cluster: &'a str,
    pub(super) pool: Option<&'a str>,
    pub(super) effect: Effect,
}

/// Begins an operation and answers it.
///
/// # Errors
/// That of an unknown project.
pub(super) fn begin(world: &mut World, call: &Call, begin: Begin<'_>) -> Result<Answer, Refusal> {
    let takes = world.behaviour.duration(begin.work, begin.usual);
    let name = format!(
        "{}/operations/operation-{}-{}",
        begin.cluster.split("/clusters/").next().unwrap_or_default(),
        call.at.as_millisecond(),
        world.random.uuid()
    );
    let project = world.gcp.project_mut(begin.cluster)?;
    let target = begin.pool.unwrap_or_else(|| short(begin.cluster));
    let operation = Operation {
        kind: begin.kind.to_owned(),
        cluster: begin.cluster.to_owned(),
        pool: begin.pool.map(str::to_owned),
        started: call.at,
        ends: call.at + takes,
        effect: begin.effect,
        settled: false,
        error: project.container.doomed.remove(target),
    };
    // The answer is told as it begins, even where it ends at once.
    let mut told = operation.told(&name, project.number, call.at);
    if takes == SignedDuration::ZERO {
        told["status"] = json!("RUNNING");
        if let Some(members) = told.as_object_mut() {
            members.remove("endTime");
            members.remove("error");
            members.remove("statusMessage");
        }
    }
    project.container.operations.insert(name, operation);
    Ok(told.into())
}

/// Carries out what has ended, in the order in which it ended.
pub(super) fn settle(id: &str, project: &mut Project, at: Timestamp) {
    let mut ended: Vec<(Timestamp, String)> = project
        .container
        .operations
        .iter()
        .filter(|(_, operation)| !operation.settled && !operation.runs(at))
        .map(|(name, operation)| (operation.ends, name.clone()))
        .collect();
    ended.sort();
    for (_, name) in ended {
        let Some(operation) = project.container.operations.get_mut(&name) else {
            continue;
        };
        operation.settled = true;
        let operation = operation.clone();
        let pool = format!("{id}.svc.id.goog");
        let Some(cluster) = project.container.clusters.get_mut(&operation.cluster) else {
            continue;
        };
        let gone = carry_out(&operation, cluster);
        let identity = cluster
            .body
            .pointer("/workloadIdentityConfig/workloadPool")
            .and_then(Value::as_str)
            == Some(&pool);
        project.workload_pool |= identity && operation.error.is_none();
        if gone {
            project.container.clusters.remove(&operation.cluster);
        }
    }
}

/// Changes a cluster as an operation says; whether the cluster is gone.
fn carry_out(operation: &Operation, cluster: &mut Cluster) -> bool {
    let failed = operation.error.as_deref();
    let ends_in = |body: &mut Value, usual: &str| match failed {
        Some(message) => {
            body["status"] = json!("ERROR");
            body["statusMessage"] = json!(message);
        }
        None => body["status"] = json!(usual),
    };
    match (&operation.effect, &operation.pool) {
        (Effect::Run, None) => {
            for pool in cluster.pools.values_mut() {
                ends_in(pool, "RUNNING");
            }
            ends_in(&mut cluster.body, "RUNNING");
        }
        (Effect::Run, Some(pool)) => {
            if let Some(pool) = cluster.pools.get_mut(pool) {
                ends_in(pool, "RUNNING");
            }
        }
        (Effect::Remove, None) if failed.is_none() => return true,
        (Effect::Remove, Some(pool)) if failed.is_none() => {
            cluster.pools.remove(pool);
        }
        (Effect::Remove, None) => ends_in(&mut cluster.body, "RUNNING"),
        (Effect::Remove, Some(pool)) => {
            if let Some(pool) = cluster.pools.get_mut(pool) {
                ends_in(pool, "RUNNING");
            }
        }
        (Effect::Change { cluster: body, pools }, _) => {
            // A change that fails leaves the object running as it was (a guess).
            cluster.body["status"] = json!("RUNNING");
            if failed.is_none() {
                merge(&mut cluster.body, body);
            }
            for (name, change) in pools {
                if let Some(pool) = cluster.pools.get_mut(name) {
                    pool["status"] = json!("RUNNING");
                    if failed.is_none() {
                        merge(pool, change);
                    }
                }
            }
        }
    }
    false
}

/// `operations.get`.
pub(super) fn get(world: &World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let project = world.gcp.project(name)?;
    let operation = project
        .container
        .operations
        .get(name)
        .ok_or_else(|| not_found(format!("Not found: {name}.")))?;
    Ok(operation.told(name, project.number, call.at).into())
}

/// `operations.list`.
pub(super) fn list(world: &World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let project = world.gcp.project(parent)?;
    let location = piece(parent, "locations");
    let operations = project
        .container
        .operations
        .iter()
        .filter(|(name, _)| location == "-" || piece(name, "locations") == location)
        .map(|(name, operation)| operation.told(name, project.number, call.at))
        .collect();
    Ok(some("operations", operations))
}

/// `operations.cancel`: only upgrades of node pools can be (<https://cloud.google.com/kubernetes-engine/docs/how-to/upgrading-a-cluster#cancel>).
pub(super) fn cancel(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let project = world.gcp.project_mut(name)?;
    let operation = project
        .container
        .operations
        .get_mut(name)
        .ok_or_else(|| not_found(format!("Not found: {name}.")))?;
    if operation.kind != "UPGRADE_NODES" || !operation.runs(call.at) {
        // The words are a guess.
        return Err(precondition(format!(
            "Operation {} cannot be cancelled.",
            short(name)
        )));
    }
    operation.ends = call.at;
    operation.error = Some("Operation was cancelled.".to_owned());
    let cluster = cluster_name(&operation.cluster).to_owned();
    let id = piece(&cluster, "projects").to_owned();
    settle(&id, project, call.at);
    Ok(Answer::empty())
}
