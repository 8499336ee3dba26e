//! What comes back when everything seemed to be over.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::ground::{Ground, On, Story as _, Watched as _};

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
