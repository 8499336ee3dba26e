//! Waiting: for long work, and for what was just made to be seen by everybody.

use std::future::Future;
use std::time::Duration;

use mlops_environment::driver::{Failure, Monitor, Reason};
pub(crate) use mlops_environment::pace::{LONG, Pace, SPREADING};

use crate::failure::{Outcome, failure};

/// What a look at long work showed.
pub(crate) enum Look<T> {
    /// It is over.
    Done(T),
    /// Still at work, in the cloud's word.
    Busy(String),
}

/// Looks until the work is over.
///
/// # Errors
///
/// Those of `look`; [`Reason::Cancelled`] when told to stop; [`Reason::Timeout`] after the pace's total.
pub(crate) async fn until<T, F>(
    operation: &str,
    subject: &str,
    pace: Pace,
    monitor: &dyn Monitor,
    mut look: impl FnMut() -> F,
) -> Outcome<T>
where
    F: Future<Output = Outcome<Look<T>>>,
{
    let mut said = String::new();
    for pause in pace.pauses() {
        match look().await? {
            Look::Done(value) => return Ok(value),
            Look::Busy(what) => {
                if said != what {
                    monitor.progress(&format!("{subject}: {what}"));
                    said = what;
                }
            }
        }
        rest(operation, subject, pause, monitor).await?;
    }
    Err(failure(
        operation,
        Reason::Timeout,
        format!(
            "{subject} is still {said} after {} minutes",
            pace.total.as_secs() / 60
        ),
    ))
}

/// Repeats a call while it fails in a way that only says "not everybody knows yet".
///
/// # Errors
///
/// The last failure, once it is of another kind or the pace's total is over; [`Reason::Cancelled`].
pub(crate) async fn patiently<T, F>(
    subject: &str,
    pace: Pace,
    monitor: &dyn Monitor,
    passing: impl Fn(&Failure) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Outcome<T>
where
    F: Future<Output = Outcome<T>>,
{
    let mut said = false;
    for pause in pace.spread(fastrand::f64) {
        match attempt().await {
            Err(failure) if passing(&failure) => {
                if !said {
                    monitor.progress(&format!("{subject}: tries again, {}", failure.message));
                    said = true;
                }
                rest(&failure.operation, subject, pause, monitor).await?;
            }
            other => return other,
        }
    }
    attempt().await
}

/// Pauses, or says that it was told to stop.
pub(crate) async fn rest(
    operation: &str,
    subject: &str,
    pause: Duration,
    monitor: &dyn Monitor,
) -> Outcome<()> {
    if !monitor.cancelled() {
        monitor.sleep(pause).await;
    }
    if monitor.cancelled() {
        return Err(failure(
            operation,
            Reason::Cancelled,
            format!("stopped while waiting for {subject}"),
        ));
    }
    Ok(())
}

/// Whether a failure has one of these codes and its message one of these fragments (none: any message).
pub(crate) fn says(failure: &Failure, codes: &[&str], fragments: &[&str]) -> bool {
    codes.contains(&failure.code.as_str())
        && (fragments.is_empty()
            || fragments
                .iter()
                .any(|fragment| failure.message.contains(fragment)))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Clock {
        spent: Mutex<Duration>,
        lines: Mutex<Vec<String>>,
        stop: AtomicBool,
    }

    impl Monitor for Clock {
        fn progress(&self, text: &str) {
            self.lines.lock().unwrap().push(text.to_owned());
        }
        fn cancelled(&self) -> bool {
            self.stop.load(Ordering::Relaxed)
        }
        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            *self.spent.lock().unwrap() += duration;
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn says_each_state_once_and_returns_the_end() {
        let clock = Clock::default();
        let looks = AtomicUsize::new(0);
        let end = until("eks:DescribeCluster", "cluster a", LONG, &clock, || async {
            Ok(match looks.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => Look::Busy("CREATING".into()),
                _ => Look::Done(7),
            })
        })
        .await;
        assert_eq!(end, Ok(7));
        assert_eq!(*clock.lines.lock().unwrap(), ["cluster a: CREATING"]);
    }

    #[tokio::test]
    async fn gives_up_at_the_deadline_and_says_what_it_waited_for() {
        let clock = Clock::default();
        let end: Outcome<()> = until("eks:DescribeCluster", "cluster a", LONG, &clock, || async {
            Ok(Look::Busy("CREATING".into()))
        })
        .await;
        let failure = end.unwrap_err();
        assert_eq!(failure.reason, Reason::Timeout);
        assert_eq!(failure.message, "cluster a is still CREATING after 60 minutes");
    }

    #[tokio::test]
    async fn stops_when_told_to() {
        let clock = Clock::default();
        clock.stop.store(true, Ordering::Relaxed);
        let end: Outcome<()> = until("eks:DescribeCluster", "cluster a", LONG, &clock, || async {
            Ok(Look::Busy("x".into()))
        })
        .await;
        assert_eq!(end.unwrap_err().reason, Reason::Cancelled);
    }

    #[tokio::test]
    async fn repeats_only_the_failure_that_passes() {
        let clock = Clock::default();
        let tries = AtomicUsize::new(0);
        let end: Outcome<()> = patiently(
            "role a",
            SPREADING,
            &clock,
            |failure| says(failure, &["A"], &["does not exist"]),
            || async {
                let code = if tries.fetch_add(1, Ordering::Relaxed) < 2 {
                    "A"
                } else {
                    "B"
                };
                Err(Failure {
                    code: code.into(),
                    ..failure("eks:X", Reason::Invalid, "it does not exist")
                })
            },
        )
        .await;
        assert_eq!(end.unwrap_err().code, "B");
        assert_eq!(tries.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn patience_ends_with_the_last_failure() {
        let clock = Clock::default();
        let end: Outcome<()> = patiently(
            "role a",
            SPREADING,
            &clock,
            |_| true,
            || async { Err(failure("eks:X", Reason::Invalid, "no")) },
        )
        .await;
        assert_eq!(end.unwrap_err().message, "no");
        let spent = *clock.spent.lock().unwrap();
        assert!(
            spent > Duration::from_secs(115) && spent <= Duration::from_secs(240),
            "{spent:?}"
        );
    }

    #[test]
    fn those_who_wait_for_one_thing_do_not_come_back_together() {
        let ways: Vec<Vec<_>> = (0..5)
            .map(|_| SPREADING.spread(fastrand::f64).collect())
            .collect();
        for way in &ways {
            let longest = SPREADING.pauses();
            assert!(
                way.iter()
                    .zip(longest)
                    .all(|(pause, longest)| *pause <= longest && *pause >= longest / 2)
            );
            assert_eq!(ways.iter().filter(|other| *other == way).count(), 1);
        }
    }
}
