//! IAM policies: read, changed by our grants alone, written back under their etag.
//!
//! Everything else in a policy stays as it was read: bindings of others, their conditions, audit settings.

use std::collections::BTreeSet;
use std::time::Duration;

use google_cloud_iam_v1::model::{Binding, GetPolicyOptions, Policy};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::{Condition, Grant};

use crate::failure::{Outcome, failure};
use crate::wait::SPREADING;

/// Attempts under one's own etag before saying that others write faster than we can.
const TRIES: u32 = 12;

/// Roles that Cloud Storage gives to a project's owners, editors and viewers on every new bucket.
///
/// <https://cloud.google.com/storage/docs/access-control/iam-roles#basic-roles-intrinsic>
const LEGACY: &str = "roles/storage.legacy";

/// Reads conditions too: without this they are hidden, and lost by writing the policy back.
pub(crate) fn version_3() -> GetPolicyOptions {
    GetPolicyOptions::new().set_requested_policy_version(3)
}

/// What to change in a policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delta {
    pub(crate) add: BTreeSet<Grant>,
    pub(crate) remove: BTreeSet<Grant>,
    /// Lines of foreign deviations to take away, as [`foreign`] words them.
    pub(crate) remove_lines: Vec<String>,
}

fn condition(binding: &Binding) -> Option<Condition> {
    binding.condition.as_ref().map(|condition| Condition {
        title: condition.title.clone(),
        expression: condition.expression.clone(),
    })
}

/// Every single grant of a policy.
pub(crate) fn grants(policy: &Policy) -> impl Iterator<Item = Grant> + '_ {
    policy.bindings.iter().flat_map(|binding| {
        binding.members.iter().map(|member| Grant {
            role: binding.role.clone(),
            member: member.clone(),
            condition: condition(binding),
        })
    })
}

/// Whether a member is one of the environment's accounts: its e-mail ends with `family`, deleted or not.
fn of_family(member: &str, family: &str) -> bool {
    let alive = member.strip_prefix("deleted:").unwrap_or(member);
    let Some(email) = alive.strip_prefix("serviceAccount:") else {
        return false;
    };
    let email = email.split('?').next().unwrap_or(email);
    !family.is_empty() && email.ends_with(family)
}

/// The grants that stand to members of the environment: those wanted here, and accounts of its family.
pub(crate) fn of_environment(policy: &Policy, wanted: &BTreeSet<Grant>, family: &str) -> BTreeSet<Grant> {
    let members: BTreeSet<&str> = wanted.iter().map(|grant| grant.member.as_str()).collect();
    grants(policy)
        .filter(|grant| members.contains(grant.member.as_str()) || of_family(&grant.member, family))
        .collect()
}

/// Whether a grant opens its object to more than can be counted.
fn opens(grant: &Grant) -> bool {
    let member = grant.member.as_str();
    matches!(member, "allUsers" | "allAuthenticatedUsers")
        || (["projectOwner:", "projectEditor:", "projectViewer:"]
            .iter()
            .any(|kind| member.starts_with(kind))
            && !grant.role.starts_with(LEGACY))
        || (member.starts_with("principalSet://") && member.ends_with("/*"))
}

/// Grants that no property expresses: of the environment and not wanted, or open to everybody. One line each, ending in
/// `place` (empty for the object itself).
pub(crate) fn foreign(policy: &Policy, wanted: &BTreeSet<Grant>, family: &str, place: &str) -> Vec<String> {
    let theirs = of_environment(policy, wanted, family);
    grants(policy)
        .filter(|grant| !wanted.contains(grant) && (theirs.contains(grant) || opens(grant)))
        .map(|grant| line(&grant, place))
        .collect()
}

/// How a foreign grant is told, and known again by an update.
pub(crate) fn line(grant: &Grant, place: &str) -> String {
    format!("grant of {grant}{place}")
}

/// The policy after the change; `None` if it is so already.
pub(crate) fn changed(policy: &Policy, delta: &Delta, place: &str) -> Option<Policy> {
    let mut next = policy.clone();
    let mut touched = false;
    for binding in &mut next.bindings {
        let (role, under) = (binding.role.clone(), condition(binding));
        binding.members.retain(|member| {
            let grant = Grant {
                role: role.clone(),
                member: member.clone(),
                condition: under.clone(),
            };
            let goes = !delta.add.contains(&grant)
                && (delta.remove.contains(&grant) || delta.remove_lines.contains(&line(&grant, place)));
            touched |= goes;
            !goes
        });
    }
    next.bindings.retain(|binding| !binding.members.is_empty());
    let standing: BTreeSet<Grant> = grants(&next).collect();
    for grant in delta.add.difference(&standing) {
        touched = true;
        let same =
            |binding: &&mut Binding| binding.role == grant.role && condition(binding) == grant.condition;
        if let Some(binding) = next.bindings.iter_mut().find(same) {
            binding.members.push(grant.member.clone());
            continue;
        }
        let mut binding = Binding::new()
            .set_role(&grant.role)
            .set_members([grant.member.clone()]);
        if let Some(condition) = &grant.condition {
            binding = binding.set_condition(
                google_cloud_type::model::Expr::new()
                    .set_title(&condition.title)
                    .set_expression(&condition.expression),
            );
        }
        next.bindings.push(binding);
    }
    next.version = 3;
    touched.then_some(next)
}

/// Whether a policy was refused because a member that was made moments ago is not known everywhere.
///
/// The same words fall on a member of somebody else who is gone for good, so they only count where they name one of `ours`,
/// an account, a pool, or the project's pool of workloads.
fn unseen(failure: &Failure, ours: &BTreeSet<Grant>) -> bool {
    let named = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        word.contains(['@', '/', '.']) && ours.iter().any(|grant| grant.member.contains(word))
    };
    failure.reason == Reason::Invalid
        && failure.message.contains("does not exist")
        && failure.message.split([' ', '(', ')', '"', '\'', ',']).any(named)
}

/// Reads a policy and writes it back changed, again while others write in between or do not see a new member yet.
///
/// `known` spares the first read: an object made just now has an empty policy.
///
/// # Errors
///
/// Those of `read` and `write`; [`Reason::Conflict`] after a dozen lost races.
pub(crate) async fn modify<R, W>(
    subject: &str,
    place: &str,
    delta: &Delta,
    known: Option<Policy>,
    monitor: &dyn Monitor,
    read: impl Fn() -> R,
    write: impl Fn(Policy) -> W,
) -> Outcome<()>
where
    R: Future<Output = Outcome<Policy>>,
    W: Future<Output = Outcome<Policy>>,
{
    let (mut known, mut races, mut patience) = (known, 0, SPREADING.spread(fastrand::f64));
    loop {
        let policy = match known.take() {
            Some(policy) => policy,
            None => Box::pin(read()).await?,
        };
        let Some(next) = changed(&policy, delta, place) else {
            return Ok(());
        };
        let refused = match Box::pin(write(next)).await {
            Ok(_) => return Ok(()),
            Err(refused) => refused,
        };
        let pause = if refused.reason == Reason::Conflict {
            races += 1;
            if races == TRIES {
                return Err(Failure {
                    message: format!(
                        "{subject}: {TRIES} writes of the policy met those of others; the last answer was: {}",
                        refused.message
                    ),
                    ..refused
                });
            }
            // Full jitter: those who met should not meet again.
            Some(Duration::from_millis(100 << races.min(6)).mul_f64(fastrand::f64()))
        } else if unseen(&refused, &delta.add) {
            if races == 0 {
                monitor.progress(&format!(
                    "{subject}: waits until a new member is known everywhere"
                ));
            }
            patience.next()
        } else if refused.reason == Reason::Invalid && refused.message.contains("does not exist") {
            return Err(Failure {
                message: format!(
                    "{subject}: {} It is a member of the policy that we did not add: remove it from the policy, then \
                     apply again.",
                    refused.message
                ),
                ..refused
            });
        } else {
            None
        };
        let Some(pause) = pause else {
            return Err(refused);
        };
        if !monitor.cancelled() {
            monitor.sleep(pause).await;
        }
        if monitor.cancelled() {
            return Err(failure(
                &refused.operation,
                Reason::Cancelled,
                format!("stopped while changing the policy of {subject}"),
            ));
        }
    }
}

/// Reads and writes the policy of `$resource` through one of Google's clients, which all have these two calls.
macro_rules! modify_policy {
    ($gcp:expr, $client:ident, $service:literal, $resource:expr, $subject:expr, $place:expr, $delta:expr, $known:expr, $monitor:expr) => {
        $crate::policy::modify(
            $subject,
            $place,
            $delta,
            $known,
            $monitor,
            || $crate::policy::read_policy!($gcp, $client, $service, $resource),
            |policy| {
                $gcp.clients.call(concat!($service, ":SetIamPolicy"), move || {
                    $gcp.clients
                        .$client
                        .set_iam_policy()
                        .set_resource($resource)
                        .set_policy(policy.clone())
                        .send()
                })
            },
        )
    };
}
pub(crate) use modify_policy;

/// Reads the policy of `$resource` through one of Google's clients.
macro_rules! read_policy {
    ($gcp:expr, $client:ident, $service:literal, $resource:expr) => {
        $gcp.clients.call(concat!($service, ":GetIamPolicy"), || {
            $gcp.clients
                .$client
                .get_iam_policy()
                .set_resource($resource)
                .set_options($crate::policy::version_3())
                .send()
        })
    };
}
pub(crate) use read_policy;

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Mutex;

    use google_cloud_type::model::Expr;

    use super::*;

    const FAMILY: &str = "-1a2b3c@acme.iam.gserviceaccount.com";

    struct Now;

    impl Monitor for Now {
        fn progress(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            false
        }
        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(std::future::ready(()))
        }
    }

    fn grant(role: &str, member: &str) -> Grant {
        Grant {
            role: format!("roles/{role}"),
            member: member.to_owned(),
            condition: None,
        }
    }

    fn ours(role: &str) -> Grant {
        grant(role, &format!("serviceAccount:rt{FAMILY}"))
    }

    fn policy(bindings: &[(&str, &[&str])]) -> Policy {
        Policy::new()
            .set_etag("e1")
            .set_bindings(bindings.iter().map(|(role, members)| {
                Binding::new()
                    .set_role(format!("roles/{role}"))
                    .set_members(members.iter().copied())
            }))
    }

    #[test]
    fn adds_and_takes_away_ours_and_leaves_the_rest() {
        let theirs = Binding::new()
            .set_role("roles/viewer")
            .set_members(["user:a@example.com"])
            .set_condition(
                Expr::new()
                    .set_title("office hours")
                    .set_expression("true")
                    .set_description("d"),
            );
        let mut before = policy(&[("viewer", &["group:g@example.com", "serviceAccount:old@x"])]);
        before.bindings.push(theirs.clone());
        let delta = Delta {
            add: [ours("viewer")].into(),
            remove: [grant("viewer", "serviceAccount:old@x")].into(),
            ..Delta::default()
        };
        let after = changed(&before, &delta, "").unwrap();
        assert_eq!(after.version, 3);
        assert_eq!(after.etag, before.etag);
        assert_eq!(after.bindings[1], theirs);
        assert_eq!(
            after.bindings[0].members,
            ["group:g@example.com".to_owned(), ours("viewer").member]
        );
        assert!(changed(&after, &delta, "").is_none(), "nothing to do twice");
    }

    #[test]
    fn a_condition_makes_another_grant() {
        let bounded = Grant {
            condition: Some(Condition {
                title: "this cluster".into(),
                expression: "resource.name == 'x'".into(),
            }),
            ..ours("viewer")
        };
        let before = policy(&[("viewer", &[&ours("viewer").member])]);
        let delta = Delta {
            add: [bounded.clone()].into(),
            remove: [ours("viewer")].into(),
            ..Delta::default()
        };
        let after = changed(&before, &delta, "").unwrap();
        assert_eq!(grants(&after).collect::<Vec<_>>(), [bounded]);
    }

    #[test]
    fn knows_the_environments_accounts_also_when_deleted() {
        let deleted = format!("deleted:serviceAccount:dr{FAMILY}?uid=12");
        let before = policy(&[
            ("a", &[&ours("a").member, "user:x@example.com"]),
            (
                "b",
                &[&deleted, "serviceAccount:rt-9z9z9z@acme.iam.gserviceaccount.com"],
            ),
        ]);
        let found = of_environment(&before, &[ours("a")].into(), FAMILY);
        assert_eq!(found, [ours("a"), grant("b", &deleted)].into());
        assert_eq!(
            foreign(&before, &[ours("a")].into(), FAMILY, ""),
            [format!("grant of roles/b to {deleted}")]
        );
    }

    #[test]
    fn tells_what_opens_an_object_to_everybody() {
        let pool = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*";
        let before = policy(&[
            (
                "storage.objectViewer",
                &["allUsers", "projectViewer:acme", "user:x@example.com"],
            ),
            ("storage.legacyBucketReader", &["projectViewer:acme"]),
            ("iam.workloadIdentityUser", &[pool]),
        ]);
        let lines = foreign(&before, &BTreeSet::new(), FAMILY, " on folder churn/");
        assert_eq!(
            lines,
            [
                "grant of roles/storage.objectViewer to allUsers on folder churn/".to_owned(),
                "grant of roles/storage.objectViewer to projectViewer:acme on folder churn/".to_owned(),
                format!("grant of roles/iam.workloadIdentityUser to {pool} on folder churn/"),
            ]
        );
        let delta = Delta {
            remove_lines: lines[..1].to_vec(),
            ..Delta::default()
        };
        let after = changed(&before, &delta, " on folder churn/").unwrap();
        assert_eq!(
            after.bindings[0].members,
            ["projectViewer:acme", "user:x@example.com"]
        );
        assert!(changed(&before, &delta, " on folder other/").is_none());
    }

    /// A policy under an etag, whose writes fail as scripted.
    async fn modified(failures: Vec<Failure>, known: Option<Policy>) -> (Outcome<()>, usize, usize) {
        let (failures, reads, writes) = (Mutex::new(failures), Mutex::new(0), Mutex::new(0));
        let delta = Delta {
            add: [ours("viewer")].into(),
            ..Delta::default()
        };
        let outcome = modify(
            "bucket b",
            "",
            &delta,
            known,
            &Now,
            || {
                *reads.lock().unwrap() += 1;
                std::future::ready(Ok(policy(&[])))
            },
            |next| {
                *writes.lock().unwrap() += 1;
                let mut failures = failures.lock().unwrap();
                std::future::ready(if failures.is_empty() {
                    Ok(next)
                } else {
                    Err(failures.remove(0))
                })
            },
        )
        .await;
        (outcome, reads.into_inner().unwrap(), writes.into_inner().unwrap())
    }

    fn refusal(reason: Reason, message: &str) -> Failure {
        failure("storage:SetIamPolicy", reason, message)
    }

    #[tokio::test]
    async fn a_lost_race_reads_again() {
        let races = || (0..3).map(|_| refusal(Reason::Conflict, "concurrent policy changes"));
        let (outcome, reads, writes) = modified(races().collect(), None).await;
        assert_eq!((outcome, reads, writes), (Ok(()), 4, 4));
        let (outcome, reads, writes) = modified(races().collect(), Some(Policy::new())).await;
        assert_eq!((outcome, reads, writes), (Ok(()), 3, 4));
    }

    #[tokio::test]
    async fn gives_up_against_a_busy_writer_and_says_so() {
        let races = (0..20).map(|_| refusal(Reason::Conflict, "concurrent policy changes"));
        let (outcome, _, writes) = modified(races.collect(), None).await;
        let failure = outcome.unwrap_err();
        assert_eq!((failure.reason, writes), (Reason::Conflict, TRIES as usize));
        assert!(failure.message.contains("bucket b: 12 writes"), "{failure}");
    }

    #[tokio::test]
    async fn waits_for_a_new_account_but_not_for_one_of_others() {
        let email = format!("rt{FAMILY}");
        let unseen = refusal(
            Reason::Invalid,
            &format!("Service account {email} does not exist."),
        );
        let (outcome, reads, _) = modified(vec![unseen.clone(), unseen], None).await;
        assert_eq!((outcome, reads), (Ok(()), 3));
        let foreign = refusal(
            Reason::Invalid,
            "Service account gone@other.example does not exist.",
        );
        let (outcome, _, writes) = modified(vec![foreign], None).await;
        assert_eq!(writes, 1);
        let failure = outcome.unwrap_err();
        assert!(
            failure.message.contains("gone@other.example") && failure.message.contains("we did not add"),
            "{failure}"
        );
    }

    #[test]
    fn a_new_account_a_new_pool_and_the_pool_of_workloads_are_waited_for() {
        let ours = [
            grant("iam.workloadIdentityUser", "serviceAccount:acme.svc.id.goog[shop/shop-sa]"),
            grant(
                "iam.workloadIdentityUser",
                "principalSet://iam.googleapis.com/projects/4/locations/global/workloadIdentityPools/shop/attribute.gate/7",
            ),
            ours("viewer"),
        ]
        .into();
        for message in [
            format!("Service account rt{FAMILY} does not exist."),
            "Identity Pool does not exist (acme.svc.id.goog). Please check that you specified a valid resource name".into(),
            "Identity Pool does not exist (projects/4/locations/global/workloadIdentityPools/shop).".into(),
        ] {
            assert!(unseen(&refusal(Reason::Invalid, &message), &ours), "{message}");
        }
        for message in [
            "Service account old@gone.example does not exist.",
            "Identity Pool does not exist (other.svc.id.goog).",
            "Role roles/x does not exist.",
        ] {
            assert!(!unseen(&refusal(Reason::Invalid, message), &ours), "{message}");
        }
    }

    #[tokio::test]
    async fn a_refusal_for_good_ends_it() {
        let (outcome, _, writes) = modified(vec![refusal(Reason::Denied, "no")], None).await;
        assert_eq!((outcome.unwrap_err().reason, writes), (Reason::Denied, 1));
    }
}
