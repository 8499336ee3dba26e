//! Every call of every kind is refused once, and its answer lost once.

use mlops_environment::component::{Component, Observation};
use mlops_environment::driver::{Driver, Failure, Reason};
use mlops_gcp::Gcp;
use mlops_sandbox::{Effect, Fault, Sandbox};

use crate::environment::Case;
use crate::harness::Hurry;
use crate::local::{changed, cloud, diff, driver, look, made, prepared};

/// More calls than anything makes.
const MANY: u64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Create,
    Observe,
    Update,
    Delete,
}

async fn carry_out(gcp: &Gcp, deed: Deed, case: &Case) -> Result<(), Failure> {
    let monitor = Hurry::default();
    match deed {
        Deed::Create => gcp.create(&case.first, &monitor).await.map(drop),
        Deed::Observe => gcp.observe(&case.first).await.map(drop),
        Deed::Update => {
            let found = standing(gcp, &case.second).await?;
            let changes = diff(&case.second, &found);
            gcp.update(&case.second, &found, &changes, &monitor)
                .await
                .map(drop)
        }
        Deed::Delete => {
            let found = standing(gcp, &case.first).await?;
            gcp.delete(&case.first, &found, &monitor).await
        }
    }
}

async fn standing(gcp: &Gcp, wanted: &Component) -> Result<mlops_environment::component::Present, Failure> {
    match gcp.observe(wanted).await? {
        Observation::Present(present) => Ok(present),
        Observation::Absent => panic!("{} is absent", wanted.address),
    }
}

async fn scene(case: &Case, deed: Deed) -> (Sandbox, Gcp) {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    prepared(&gcp, &case.before).await;
    if deed != Deed::Create {
        made(&gcp, &case.first).await;
    }
    // A driver that knows nothing yet: it makes every call of its own.
    let fresh = driver(&cloud).await;
    (cloud, fresh)
}

/// Refuses the first call, then the second, and so on, until nothing is left to refuse.
async fn refuses_each_call(case: &Case, deed: Deed) {
    for number in 1..MANY {
        let (cloud, gcp) = scene(case, deed).await;
        let mut fault = Fault::new(Effect::Refused {
            status: 403,
            code: "PERMISSION_DENIED".into(),
            message: "refused by the test".into(),
            retry_after: None,
        });
        (fault.from, fault.count) = (number, Some(1));
        cloud.fault(fault);
        match carry_out(&gcp, deed, case).await {
            Ok(()) => {
                // Deleting what cannot go takes no call beyond the look.
                assert!(number > 1, "{} {deed:?}: no call was refused", case.name);
                return;
            }
            Err(failure) => {
                assert_eq!(
                    failure.reason,
                    Reason::Denied,
                    "{} {deed:?}: {failure:?}",
                    case.name
                );
                assert!(
                    failure.message.contains("refused by the test"),
                    "{}: {failure}",
                    case.name
                );
                let calls = gcp.calls().log();
                assert!(
                    calls.contains(&failure.operation),
                    "{} {deed:?}: {} is none of {calls:?}",
                    case.name,
                    failure.operation
                );
            }
        }
    }
    panic!("{} {deed:?}: more than {MANY} calls", case.name);
}

mod a_refused_call_is_named {
    crate::environment::each_kind!(refused);
}

async fn refused(case: &Case) {
    for deed in [Deed::Create, Deed::Observe, Deed::Update, Deed::Delete] {
        refuses_each_call(case, deed).await;
    }
}

mod a_lost_answer_loses_nothing {
    crate::environment::each_kind!(unanswered);
}

async fn unanswered(case: &Case) {
    for deed in [Deed::Create, Deed::Update, Deed::Delete] {
        for number in 1..MANY {
            let (cloud, gcp) = scene(case, deed).await;
            let mut fault = Fault::new(Effect::ResetAfter);
            (fault.from, fault.count) = (number, Some(1));
            cloud.fault(fault);
            carry_out(&gcp, deed, case)
                .await
                .unwrap_or_else(|f| panic!("{} {deed:?}, answer {number}: {f} {f:?}", case.name));
            cloud.heal();
            let last = (gcp.calls().log().len() as u64) < number;
            let wanted = match deed {
                Deed::Create => Some(&case.first),
                Deed::Update => Some(&case.second),
                _ => None,
            };
            if let Some(wanted) = wanted {
                let found = look(&gcp, wanted).await;
                assert_eq!(diff(wanted, &found), [], "{} answer {number}", case.name);
            } else if !case.stays {
                let observed = gcp.observe(&case.first).await.unwrap();
                assert_eq!(observed, Observation::Absent, "{} answer {number}", case.name);
            }
            if last {
                break;
            }
        }
    }
}

mod a_bad_moment_is_outwaited {
    crate::environment::each_kind!(outwaited);
}

async fn outwaited(case: &Case) {
    for effect in [
        Effect::Throttled { retry_after: None },
        Effect::Unavailable { retry_after: Some(0) },
        Effect::ResetBefore,
    ] {
        let cloud = cloud();
        let gcp = driver(&cloud).await;
        prepared(&gcp, &case.before).await;
        let mut fault = Fault::new(effect.clone());
        (fault.from, fault.count) = (1, Some(2));
        cloud.fault(fault);
        made(&gcp, &case.first).await;
        let mut fault = Fault::new(effect.clone());
        (fault.from, fault.count) = (2, Some(2));
        cloud.fault(fault);
        changed(&gcp, &case.second).await;
    }
}
