//! Runs work in the order of a dependency graph, as concurrently as allowed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use futures::future::BoxFuture;
use mlops_environment::component::Address;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

/// How a piece of work ended.
#[derive(Debug)]
pub(crate) enum Ended<T> {
    /// It returned.
    Returned(T),
    /// It panicked; the message.
    Panicked(String),
    /// It did not stop in time after a cancellation: what it reached is not known.
    Aborted,
}

/// Whether those that wait for a piece of work may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// They may.
    Release,
    /// They may not.
    Block,
}

/// How long work may take to stop after a cancellation. Terraform's user presses Ctrl-C again after a few seconds, and
/// that loses the state: the answer must be out before.
const GRACE: Duration = Duration::from_millis(2500);

/// Starts every address once all that it waits for has been released, `limit` at a time.
///
/// * `waiting`: each address with those it waits for; ones that are not keys themselves count as released.
/// * `start`: makes the work of an address when its turn comes.
/// * `finish`: takes the result and says whether others may go on.
///
/// Returns the addresses that were never started.
pub(crate) async fn run<T: Send + 'static>(
    waiting: BTreeMap<Address, BTreeSet<Address>>,
    limit: usize,
    cancelled: &CancellationToken,
    mut start: impl FnMut(&Address) -> BoxFuture<'static, T>,
    mut finish: impl FnMut(&Address, Ended<T>) -> Then,
) -> Vec<Address> {
    let known: BTreeSet<Address> = waiting.keys().cloned().collect();
    let mut waiting: BTreeMap<Address, BTreeSet<Address>> = waiting
        .into_iter()
        .map(|(address, on)| {
            (
                address,
                on.into_iter().filter(|other| known.contains(other)).collect(),
            )
        })
        .collect();
    let mut running: JoinSet<T> = JoinSet::new();
    let mut names: HashMap<Id, Address> = HashMap::new();
    let mut aborting = false;

    loop {
        while running.len() < limit && !cancelled.is_cancelled() {
            let Some(next) = waiting
                .iter()
                .find(|(_, on)| on.is_empty())
                .map(|(address, _)| address.clone())
            else {
                break;
            };
            waiting.remove(&next);
            let handle = running.spawn(start(&next));
            names.insert(handle.id(), next);
        }
        if running.is_empty() {
            break;
        }
        let ended = tokio::select! {
            ended = running.join_next_with_id() => ended,
            () = stopped_for(cancelled, GRACE), if !aborting => {
                aborting = true;
                running.abort_all();
                continue;
            }
        };
        let (id, result) = match ended {
            Some(Ok((id, value))) => (id, Ended::Returned(value)),
            Some(Err(error)) if error.is_panic() => {
                let id = error.id();
                (id, Ended::Panicked(panic_message(error.into_panic())))
            }
            Some(Err(error)) => (error.id(), Ended::Aborted),
            None => break,
        };
        let Some(address) = names.remove(&id) else {
            continue;
        };
        if finish(&address, result) == Then::Release {
            for on in waiting.values_mut() {
                on.remove(&address);
            }
        }
    }
    waiting.into_keys().collect()
}

async fn stopped_for(cancelled: &CancellationToken, grace: Duration) {
    cancelled.cancelled().await;
    tokio::time::sleep(grace).await;
}

fn panic_message(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "no message".to_owned(), |text| (*text).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    fn address(name: &str) -> Address {
        Address::new(&[name])
    }

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<Address, BTreeSet<Address>> {
        edges
            .iter()
            .map(|(name, on)| (address(name), on.iter().map(|other| address(other)).collect()))
            .collect()
    }

    #[tokio::test]
    async fn starts_nothing_before_what_it_waits_for() {
        let order = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&order);
        let left = run(
            graph(&[("c", &["b"]), ("b", &["a"]), ("a", &[]), ("d", &["elsewhere"])]),
            8,
            &CancellationToken::new(),
            move |name| {
                let (log, name) = (Arc::clone(&log), name.clone());
                Box::pin(async move { log.lock().unwrap().push(name.to_string()) })
            },
            |_, _| Then::Release,
        )
        .await;
        assert!(left.is_empty());
        let order = order.lock().unwrap();
        let place = |name: &str| order.iter().position(|other| other == name).unwrap();
        assert!(place("a") < place("b") && place("b") < place("c"));
        assert_eq!(order.len(), 4);
    }

    #[tokio::test]
    async fn a_failure_blocks_only_those_behind_it() {
        let mut done = Vec::new();
        let left = run(
            graph(&[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("x", &[])]),
            1,
            &CancellationToken::new(),
            |name| {
                let fails = name.as_str() == "a";
                Box::pin(async move { !fails })
            },
            |name, ended| {
                done.push(name.to_string());
                if matches!(ended, Ended::Returned(true)) {
                    Then::Release
                } else {
                    Then::Block
                }
            },
        )
        .await;
        assert_eq!(left, [address("b"), address("c")]);
        assert_eq!(done, ["a", "x"]);
    }

    #[tokio::test]
    async fn a_panic_is_one_components_failure() {
        let mut messages = Vec::new();
        run(
            graph(&[("a", &[]), ("b", &[])]),
            8,
            &CancellationToken::new(),
            |name| {
                let bad = name.as_str() == "a";
                Box::pin(async move { assert!(!bad, "bucket went missing") })
            },
            |name, ended| {
                if let Ended::Panicked(message) = ended {
                    messages.push(format!("{name}: {message}"));
                }
                Then::Block
            },
        )
        .await;
        assert_eq!(messages, ["a: bucket went missing"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_starts_nothing_more_and_aborts_what_does_not_stop() {
        let cancelled = CancellationToken::new();
        let token = cancelled.clone();
        let mut aborted = Vec::new();
        let left = run(
            graph(&[("slow", &[]), ("next", &["slow"])]),
            8,
            &cancelled,
            move |_| {
                let token = token.clone();
                Box::pin(async move {
                    token.cancel();
                    tokio::time::sleep(Duration::from_secs(3600)).await;
                })
            },
            |name, ended| {
                if matches!(ended, Ended::Aborted) {
                    aborted.push(name.to_string());
                }
                Then::Block
            },
        )
        .await;
        assert_eq!(aborted, ["slow"]);
        assert_eq!(left, [address("next")]);
    }
}
