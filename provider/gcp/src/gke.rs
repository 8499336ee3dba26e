//! Kubernetes Engine's own operations: one at a time on a cluster, waited for by name.
//!
//! They are not Google's common form: they live beside their cluster, have a status of their own, and say what went
//! wrong in `error`. While one runs, GKE refuses others with the name of the one in the way.
//! <https://cloud.google.com/kubernetes-engine/docs/troubleshooting/concurrent-operations>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use google_cloud_container_v1::model::Operation;
use google_cloud_container_v1::model::operation::Status;
use google_cloud_gax::error::Error;
use mlops_environment::driver::{Failure, Monitor, Reason};
use tokio::sync::RwLock;

use crate::driver::Gcp;
use crate::failure::{Outcome, missing};
use crate::name::parent;
use crate::operation::ended;
use crate::wait::{LONG, Look, until};

const GET: &str = "container:GetOperation";

/// Whose turn it is on each cluster: changes of the cluster alone, changes of its pools among themselves.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<BTreeMap<String, Arc<RwLock<()>>>>);

impl Turns {
    fn of(&self, cluster: &str) -> Arc<RwLock<()>> {
        Arc::clone(
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(cluster.to_owned())
                .or_default(),
        )
    }
}

/// What a change is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The whole cluster: nothing beside it.
    Cluster,
    /// One of its pools: other pools may change beside it.
    Pool,
}

/// Whether GKE refuses because something else is under way on the same cluster.
pub(crate) fn busy(failure: &Failure) -> bool {
    let precondition = matches!(
        failure.code.as_str(),
        "FAILED_PRECONDITION" | "failedPrecondition"
    ) && (failure.message.contains("operation") || failure.message.contains("try again"));
    precondition || (failure.reason == Reason::Conflict && failure.message.contains("operation"))
}

/// The name of the operation that is in the way, if GKE tells it.
fn blocking(failure: &Failure) -> Option<&str> {
    failure
        .message
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'))
        .find(|word| word.starts_with("operation-"))
}

/// Starts an operation on `cluster` when it is our turn and nothing is in the way, and waits until it is over.
///
/// `cluster` is the full name. The answer to `start` may be nothing, where the change was made already.
///
/// # Errors
///
/// What the operation ended in; [`Reason::Cancelled`], [`Reason::Timeout`].
pub(crate) async fn run<F>(
    gcp: &Gcp,
    cluster: &str,
    of: Of,
    subject: &str,
    monitor: &dyn Monitor,
    start: impl Fn() -> F,
) -> Outcome<()>
where
    F: Future<Output = Outcome<Option<Operation>>>,
{
    let turn = gcp.turns.of(cluster);
    let (_alone, _beside) = match of {
        Of::Cluster => (Some(turn.write().await), None),
        Of::Pool => (None, Some(turn.read().await)),
    };
    let location = parent(cluster);
    let started = until("container:start", subject, LONG, monitor, || async {
        match Box::pin(start()).await {
            Ok(operation) => Ok(Look::Done(operation)),
            Err(refused) if busy(&refused) => {
                match blocking(&refused) {
                    Some(other) => {
                        monitor.progress(&format!("{subject}: waits for {other}"));
                        let name = format!("{location}/operations/{other}");
                        // How it ended is its own affair; one that is gone is not in the way.
                        match awaited(gcp, subject, &name, monitor).await {
                            Err(failure) if failure.reason == Reason::Cancelled => return Err(failure),
                            _ => {}
                        }
                        Ok(Look::Busy("begins after another operation".to_owned()))
                    }
                    None => Ok(Look::Busy(refused.message)),
                }
            }
            Err(refused) => Err(refused),
        }
    })
    .await?;
    let Some(started) = started else {
        return Ok(());
    };
    if started.name.is_empty() {
        return Err(missing(GET, "operation name"));
    }
    awaited(
        gcp,
        subject,
        &format!("{location}/operations/{}", started.name),
        monitor,
    )
    .await
}

/// Waits until an operation is over, by its full name.
///
/// # Errors
///
/// What it ended in; [`Reason::Cancelled`], [`Reason::Timeout`].
pub(crate) async fn awaited(gcp: &Gcp, subject: &str, name: &str, monitor: &dyn Monitor) -> Outcome<()> {
    until(GET, subject, LONG, monitor, || async {
        let found = gcp
            .clients
            .call(GET, || gcp.clients.clusters.get_operation().set_name(name).send())
            .await?;
        look(subject, &found)
    })
    .await
}

fn look(subject: &str, found: &Operation) -> Outcome<Look<()>> {
    let what = found.operation_type.name().unwrap_or("operation").to_owned();
    if found.status != Status::Done {
        let status = found.status.name().unwrap_or("under way");
        return Ok(Look::Busy(format!("{what} {status}")));
    }
    match &found.error {
        Some(error) if error.code != 0 => Err(ended(
            GET,
            &format!("{what} of {subject} failed"),
            error.code,
            &error.message,
        )),
        _ => Ok(Look::Done(())),
    }
}

/// Full names of the operations under way on `target`, a full name: `cluster` itself, or one of its pools.
pub(crate) async fn under_way(gcp: &Gcp, cluster: &str, target: &str) -> Outcome<Vec<String>> {
    let location = parent(cluster);
    let answer = gcp
        .clients
        .call("container:ListOperations", || {
            gcp.clients.clusters.list_operations().set_parent(location).send()
        })
        .await?;
    // Links name the project by number or by id.
    let short = target.strip_prefix(location).unwrap_or(target);
    Ok(answer
        .operations
        .iter()
        .filter(|operation| operation.status != Status::Done)
        .filter(|operation| operation.target_link.ends_with(short))
        .map(|operation| format!("{location}/operations/{}", operation.name))
        .collect())
}

/// One attempt at a call that starts an operation.
pub(crate) async fn started<F>(
    gcp: &Gcp,
    operation: &'static str,
    attempt: impl Fn() -> F,
) -> Outcome<Option<Operation>>
where
    F: Future<Output = Result<Operation, Error>>,
{
    gcp.clients.call(operation, attempt).await.map(Some)
}

/// `1.33` of `1.33.4-gke.1234`.
pub(crate) fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use google_cloud_container_v1::model::operation::Type;
    use google_cloud_rpc::model::Status as Error;

    use super::*;
    use crate::failure::failure;

    fn refusal(code: &str, message: &str) -> Failure {
        Failure {
            code: code.into(),
            ..failure("container:UpdateCluster", Reason::Invalid, message)
        }
    }

    #[test]
    fn a_busy_cluster_names_what_it_is_busy_with() {
        for message in [
            "Cluster is running incompatible operation operation-1764331-a1b2.",
            "Operation operation-1764331-a1b2 is currently creating cluster shop. Please wait and try again once it is done.",
        ] {
            let refused = refusal("FAILED_PRECONDITION", message);
            assert!(busy(&refused), "{message}");
            assert_eq!(blocking(&refused), Some("operation-1764331-a1b2"));
        }
        let quota = failure(
            "x",
            Reason::Conflict,
            "Operation hits the concurrent operations quota 5",
        );
        assert!(busy(&quota));
        assert_eq!(blocking(&quota), None);
        assert!(!busy(&refusal("INVALID_ARGUMENT", "no such operation")));
        assert!(!busy(&refusal(
            "FAILED_PRECONDITION",
            "the release channel has no 1.20"
        )));
    }

    #[test]
    fn an_operation_that_failed_says_why() {
        let done = Operation::new()
            .set_operation_type(Type::CreateCluster)
            .set_status(Status::Done);
        assert!(matches!(look("cluster shop", &done), Ok(Look::Done(()))));
        let failed = done.set_error(Error::new().set_code(9).set_message("no IPs left"));
        let failure = look("cluster shop", &failed).err().unwrap();
        assert_eq!(failure.reason, Reason::Failed);
        assert_eq!(
            failure.message,
            "CREATE_CLUSTER of cluster shop failed: no IPs left"
        );
    }

    #[test]
    fn an_operation_under_way_is_named_for_the_progress_line() {
        let running = Operation::new()
            .set_operation_type(Type::CreateNodePool)
            .set_status(Status::Running);
        let Ok(Look::Busy(what)) = look("pool a", &running) else {
            panic!("not busy")
        };
        assert_eq!(what, "CREATE_NODE_POOL RUNNING");
    }

    #[test]
    fn patches_are_never_told() {
        assert_eq!(minor("1.33.4-gke.1234"), "1.33");
        assert_eq!(minor("1.33"), "1.33");
        assert_eq!(minor(""), "");
    }
}
