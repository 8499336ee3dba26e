//! Signs of life: who works on an environment renews a lease in its claim; who finds one looks whether it is renewed.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use mlops_environment::claim::{Claim, Conflict, Lease, Process};
use mlops_environment::driver::{ClaimVersion, Driver, Failure};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often a lease is renewed, and how long one is watched before its holder counts as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Between two renewals.
    pub renew: Duration,
    /// Watched for this long without a renewal: several times `renew`, or a slow write looks like a death.
    pub patience: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            renew: Duration::from_secs(15),
            patience: Duration::from_secs(50),
        }
    }
}

/// Holders of this process that are at work.
static AT_WORK: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// A lease of ours; it counts as dead once this is dropped.
#[derive(Debug)]
pub(super) struct Own(String);

impl Own {
    /// A fresh lease.
    pub(super) fn take() -> (Self, Lease) {
        let holder = uuid::Uuid::new_v4().to_string();
        AT_WORK
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(holder.clone());
        let lease = Lease {
            holder: holder.clone(),
            process: this(),
            renewals: 0,
        };
        (Self(holder), lease)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        AT_WORK
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.0);
    }
}

/// A process of this machine by its number, where the system tells (Linux's proc(5)).
///
/// Containers share a boot but not their process numbers, so the place is made of both.
fn process(number: u32) -> Option<Process> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name in parentheses may hold anything; after it come the state and, as the 20th, the start.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        // Killed, and only not yet taken note of by its parent.
        return None;
    }
    let started = fields.nth(18)?.parse().ok()?;
    Some(Process {
        place: format!("{} {}", boot.trim(), space.display()),
        number,
        started,
    })
}

/// This process, where the system tells processes apart.
pub(super) fn this() -> Option<Process> {
    process(std::process::id())
}

/// Whether a process runs on this machine now. Elsewhere nobody can be asked.
pub(super) fn runs(theirs: &Process) -> bool {
    process(theirs.number).as_ref() == Some(theirs)
}

/// Whether the holder of a lease is known to be gone. False: it lives, or cannot be asked for from here.
fn is_gone(lease: &Lease) -> bool {
    let Some(theirs) = &lease.process else {
        return false;
    };
    let ours = this();
    let same_place = ours.as_ref().is_some_and(|ours| ours.place == theirs.place);
    if !same_place {
        return false;
    }
    if ours.as_ref() == Some(theirs) {
        let at_work = AT_WORK.lock().unwrap_or_else(PoisonError::into_inner);
        return !at_work.contains(&lease.holder);
    }
    !runs(theirs)
}

/// Why a claim could not be taken.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Its holder is alive.
    Busy(Conflict),
    /// It cannot be read.
    Cloud(Failure),
    /// The user does not want to wait.
    Interrupted,
}

/// Gives the claim back once nobody holds it: at once where nobody does or where the holder is known to be gone, else
/// after watching its lease.
///
/// # Errors
/// The lease was renewed, the claim cannot be read, or the user stops.
pub(super) async fn free(
    driver: &Arc<dyn Driver>,
    (bucket, key): (&str, &str),
    mut stored: Option<(Claim, ClaimVersion)>,
    rhythm: Rhythm,
    cancelled: &CancellationToken,
) -> Result<Option<(Claim, ClaimVersion)>, Stopped> {
    let Some((found, lease)) = stored
        .as_ref()
        .and_then(|(claim, _)| Some((claim.clone(), claim.lease.clone()?)))
    else {
        return Ok(stored);
    };
    if is_gone(&lease) {
        tracing::info!("{}: whoever was at work on it is gone; going on", found.id);
        return Ok(stored);
    }
    tracing::info!(
        "{}: {} was at work on it at {}; looking for {} s whether they still are",
        found.id,
        found.owner,
        found.updated_at,
        rhythm.patience.as_secs()
    );
    let until = Instant::now() + rhythm.patience;
    while Instant::now() < until {
        tokio::select! {
            () = tokio::time::sleep(rhythm.renew / 3) => {}
            () = cancelled.cancelled() => return Err(Stopped::Interrupted),
        }
        stored = driver.read_claim(bucket, key).await.map_err(Stopped::Cloud)?;
        match &stored {
            Some((claim, _)) if claim.lease.as_ref() == Some(&lease) => {}
            Some((claim, _)) if claim.lease.is_some() => {
                return Err(Stopped::Busy(Conflict::Busy {
                    id: claim.id.clone(),
                    owner: claim.owner.clone(),
                    updated_at: claim.updated_at.clone(),
                }));
            }
            // They are done: what they left is judged like any claim.
            _ => return Ok(stored),
        }
    }
    tracing::info!("{}: no sign of life; going on with what they left", found.id);
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_lease_is_alive_until_it_is_dropped() {
        let (own, lease) = Own::take();
        assert!(!is_gone(&lease));
        drop(own);
        // Where the system does not tell processes apart, nobody is ever known to be gone.
        assert_eq!(is_gone(&lease), lease.process.is_some());
    }

    #[test]
    fn a_process_that_is_no_more_is_gone() {
        let Some(mut process) = process(std::process::id()) else {
            eprintln!("skipped: this system does not tell when processes started");
            return;
        };
        process.started += 1;
        let lease = Lease {
            holder: "other".to_owned(),
            process: Some(process),
            renewals: 0,
        };
        assert!(is_gone(&lease), "its number was given to another process");
    }

    #[test]
    fn nobody_elsewhere_is_known_to_be_gone() {
        let elsewhere = Process {
            place: "another machine".to_owned(),
            number: u32::MAX,
            started: 1,
        };
        for process in [None, Some(elsewhere)] {
            let lease = Lease {
                holder: "other".to_owned(),
                process,
                renewals: 0,
            };
            assert!(!is_gone(&lease));
        }
    }
}
