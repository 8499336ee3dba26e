//! What no retry mends, and what comes back when everything seemed to be over.

use std::time::{Duration, Instant};

use mlops_sandbox::fault::{Effect, Fault};
use serde_json::json;

use mlops_e2e::ground::flat;

use crate::ground::{Ground, On, Story as _, Watched as _};

/// A limit of the account or project that stands in the cluster's way, in the cloud's own words.
fn quota(on: On) -> Effect {
    let (status, code, message) = match on {
        On::Aws => (400, "ResourceLimitExceededException", "Cluster limit exceeded"),
        // https://cloud.google.com/kubernetes-engine/docs/troubleshooting/cluster-creation
        On::Gcp => (
            403,
            "PERMISSION_DENIED",
            "Insufficient regional quota to satisfy request: resource \"CPUS\"",
        ),
    };
    Effect::Refused {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
        retry_after: None,
    }
}

/// B43, B50: calls that are refused for ever end the apply by its timeout, a quota and a token that is over end it at once; each
/// says which it was, and the next apply goes on.
#[test]
fn an_apply_that_cannot_go_on_says_why_and_the_next_one_goes_on() {
    for on in On::BOTH {
        let name = "an_apply_that_cannot_go_on_says_why_and_the_next_one_goes_on";
        let Some(ground) = Ground::new(on, name) else {
            return;
        };
        let keys = if on == On::Aws { "kms" } else { "cloudkms" };
        let throttled = Fault::new(Effect::Throttled { retry_after: None });
        ground.sandbox().fault(throttled.on(keys, "*").writes());
        ground.configure(&format!("{}\n  timeouts {{ create = \"12s\" }}", on.first()));
        let began = Instant::now();
        let stopped = ground.apply().expect(1);
        assert!(began.elapsed() < Duration::from_secs(60), "{}", stopped.reasons());
        for part in ["ran out of time", "under way when it stopped: key"] {
            assert!(stopped.text().contains(part), "{part}: {}", stopped.reasons());
        }
        assert_eq!(ground.phase(), "INCOMPLETE");

        ground.configure(on.first());
        ground.sandbox().heal();
        let finals = [
            (quota(on), "A limit of the account or project is reached"),
            (Effect::ExpiredToken, "The credentials are over"),
        ];
        for (effect, words) in finals {
            ground.sandbox().heal();
            let strike = Fault::new(effect).on(on.clusters(), on.create_cluster());
            ground.sandbox().fault(strike.nth(1, 1));
            let failed = ground.apply().expect(1);
            assert!(failed.text().contains(words), "{words}: {}", failed.reasons());
            assert!(failed.text().contains("failed: cluster"), "{}", failed.reasons());
            assert_eq!(ground.phase(), "INCOMPLETE");
            assert_eq!(
                ground.clusters_asked_for(),
                1,
                "what is final is not asked for again"
            );
            ground.sandbox().forget_calls();
        }
        ground.settle();
        assert_eq!(ground.phase(), "READY");
    }
}

/// A look that takes too long ends by `timeouts.read`: what was not seen is named and keeps its last state, the rest is
/// judged, and no change is planned out of ignorance.
#[test]
fn a_look_that_takes_too_long_is_ended_and_what_was_not_seen_is_said() {
    let name = "a_look_that_takes_too_long_is_ended_and_what_was_not_seen_is_said";
    for ground in Ground::both(name) {
        let on = ground.on;
        ground.configure(&format!("{}\n  timeouts {{ read = \"2s\" }}", on.first()));
        ground.settle();
        let before = ground.environment()["components"].clone();
        let hangs = match on {
            On::Aws => Fault::new(Effect::Hang).on("ecr", "DescribeRepositories"),
            On::Gcp => Fault::new(Effect::Hang).on("artifactregistry", "*repositories.get"),
        };
        ground.sandbox().fault(hangs);
        let began = Instant::now();
        let planned = ground.plan().expect(0);
        let took = began.elapsed();
        assert!(
            took >= Duration::from_secs(2) && took < Duration::from_secs(40),
            "{on}: {took:?}"
        );
        let said = flat(&planned.text());
        assert!(
            said.contains("registry") && said.contains("could not be read") && said.contains("timeouts.read"),
            "{on}: {said}"
        );
        assert!(!said.contains("buckets.data could not be read"), "{on}: {said}");
        assert_eq!(before, ground.environment()["components"], "{on}");
        ground.sandbox().heal();
        let planned = ground.plan().expect(0);
        assert!(
            !planned.text().contains("could not be read"),
            "{}",
            planned.text()
        );
    }
}

/// B68: control-plane logs arrive while the cluster dies, and EKS makes the group anew that they go to.
#[test]
fn a_log_group_that_eks_made_again_goes_too_and_the_next_environment_meets_none() {
    let name = "a_log_group_that_eks_made_again_goes_too_and_the_next_environment_meets_none";
    let Some(ground) = Ground::new(On::Aws, name) else {
        return;
    };
    ground.configure(On::Aws.first());
    ground.apply().expect(0);
    let group = ground.environment()["log_groups"]["cluster"].clone();
    let destroying = ground.start(&["destroy", "-auto-approve"]);
    let until = Instant::now() + Duration::from_secs(120);
    while !ground.sandbox().calls().contains_key("logs:DeleteLogGroup") {
        assert!(Instant::now() < until, "the log group was never deleted");
        std::thread::sleep(Duration::from_millis(20));
    }
    // It went a moment ago.
    while ground
        .sandbox()
        .ask(
            mlops_e2e::cloud::REGION,
            "logs",
            "CreateLogGroup",
            json!({ "logGroupName": group }),
        )
        .is_err()
    {
        assert!(Instant::now() < until, "the log group never went");
        std::thread::sleep(Duration::from_millis(20));
    }
    destroying.wait().expect(0);
    let left = ground.ask_aws(
        "logs",
        "DescribeLogGroups",
        json!({ "logGroupNamePrefix": group }),
    );
    assert_eq!(left["logGroups"].as_array().map(Vec::len), Some(0), "{left}");
    assert_eq!(ground.sandbox().calls()["logs:DeleteLogGroup"], 2);
    ground.settle();
}
