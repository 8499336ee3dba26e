//! The ways on after a failed create, as users meet them.

use crate::blow::refusal;
use crate::ground::{Ground, On, Story as _, Watched as _};

/// An environment whose cluster the cloud refuses once.
fn failing(on: On, test: &str, settings: &str) -> Option<Ground> {
    let ground = Ground::new(on, test)?;
    ground.configure(&format!("{}\n{settings}", on.first()));
    ground
        .sandbox()
        .fault(refusal(on).on(on.clusters(), on.create_cluster()).nth(1, 1));
    Some(ground)
}

/// The next apply is planned in place, finishes, and made everything once.
fn finishes_in_place(ground: &Ground) {
    let plan = ground.plan().expect(2);
    assert!(
        plan.stdout.contains("will be updated in-place"),
        "{}",
        plan.stdout
    );
    ground.apply().expect(0);
    ground.plan().expect(0);
    assert_eq!(ground.phase(), "READY");
}

/// B40 as users meet it: the plan of the replacement says that it resumes.
#[test]
fn the_plan_after_a_failed_create_says_that_nothing_is_deleted() {
    for on in On::BOTH {
        let name = "the_plan_after_a_failed_create_says_that_nothing_is_deleted";
        let Some(ground) = failing(on, name, "") else {
            return;
        };
        let failed = ground.apply().expect(1);
        for part in [
            "cluster",
            &format!("{}:CreateCluster", on.clusters()),
            "refused by the test",
            "are done",
            "failed: cluster",
            "not started: ",
            "apply again",
            "untaint",
        ] {
            assert!(
                failed.text().contains(part),
                "{part} is not in\n{}",
                failed.reasons()
            );
        }
        // Google's refusals of this kind name no request.
        if on == On::Aws {
            assert!(failed.text().contains("request id"), "{}", failed.reasons());
        }
        let plan = ground.plan().expect(2);
        assert!(
            plan.stdout.contains("resumed") && plan.stdout.contains("nothing is deleted"),
            "{}",
            plan.stdout
        );
    }
}

/// B49: the second way out, in place.
#[test]
fn an_incomplete_environment_is_finished_in_place_after_untaint() {
    for on in On::BOTH {
        let name = "an_incomplete_environment_is_finished_in_place_after_untaint";
        let Some(ground) = failing(on, name, "") else {
            return;
        };
        ground.apply().expect(1);
        ground
            .workspace
            .terraform(&["untaint", "mlops_environment.this"])
            .expect(0);
        finishes_in_place(&ground);
    }
}

/// B49a, bare: Terraform itself refuses the replacement that `prevent_destroy` forbids; what our error said helps.
#[test]
fn a_failed_create_under_prevent_destroy_is_finished_after_untaint() {
    for on in On::BOTH {
        let name = "a_failed_create_under_prevent_destroy_is_finished_after_untaint";
        let settings = "lifecycle {\n    prevent_destroy = true\n  }";
        let Some(ground) = failing(on, name, settings) else {
            return;
        };
        let failed = ground.apply().expect(1);
        assert!(
            failed.text().contains("terraform untaint"),
            "{}",
            failed.reasons()
        );
        let refused = ground.plan().expect(1);
        assert!(
            refused.text().contains("prevent_destroy"),
            "{}",
            refused.reasons()
        );
        ground
            .workspace
            .terraform(&["untaint", "mlops_environment.this"])
            .expect(0);
        finishes_in_place(&ground);
    }
}

/// B49a, the form of modules: a warning, and a postcondition that fails the run. Nothing is tainted, so nothing is replaced.
#[test]
fn a_warning_with_a_postcondition_fails_the_run_and_taints_nothing() {
    for on in On::BOTH {
        let name = "a_warning_with_a_postcondition_fails_the_run_and_taints_nothing";
        let settings = r#"partial_create = "warn"
  lifecycle {
    prevent_destroy = true
    postcondition {
      condition     = self.phase == "READY"
      error_message = "The environment is ${self.phase}: apply again to go on."
    }
  }"#;
        let Some(ground) = failing(on, name, settings) else {
            return;
        };
        let failed = ground.apply().expect(1);
        for part in [
            "Warning: cluster",
            "refused by the test",
            "The environment is INCOMPLETE: apply again to go on.",
        ] {
            assert!(
                failed.text().contains(part),
                "{part} is not in\n{}",
                failed.reasons()
            );
        }
        assert_eq!(ground.phase(), "INCOMPLETE");
        finishes_in_place(&ground);
    }
}

/// The bucket of the claim is the first thing that is made: where it stands half-made, it is in the state, and a destroy finds it. Google
/// Cloud makes it whole in one call.
#[test]
fn a_create_that_fails_at_its_first_bucket_is_destroyed_whole() {
    let name = "a_create_that_fails_at_its_first_bucket_is_destroyed_whole";
    let Some(ground) = Ground::new(On::Aws, name) else {
        return;
    };
    ground.configure(On::Aws.first());
    let versioning = refusal(On::Aws).on("s3", "PutBucketVersioning");
    ground.sandbox().fault(versioning.nth(1, 1));
    let failed = ground.apply().expect(1);
    assert!(failed.text().contains("buckets.logs"), "{}", failed.reasons());
    assert!(
        !failed.text().contains("Nothing was made"),
        "{}",
        failed.reasons()
    );
    assert_eq!(ground.phase(), "INCOMPLETE");
    assert!(ground.standing().objects.contains_key("s3 buckets.logs"));
    ground.destroy().expect(0);
    assert!(!ground.standing().objects.contains_key("s3 buckets.logs"));
}
