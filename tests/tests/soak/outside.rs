//! What somebody did outside between two applies.

use mlops_e2e::cloud::REGION;
use serde_json::{Value, json};

use crate::ground::{Ground, On, Story as _, Watched as _};

/// A key that somebody scheduled for deletion or disabled is brought back, the same one.
#[test]
fn a_key_that_was_put_out_of_use_is_brought_back() {
    let Some(ground) = Ground::new(On::Aws, "a_key_that_was_put_out_of_use_is_brought_back") else {
        return;
    };
    ground.configure(On::Aws.first());
    ground.apply().expect(0);
    let ask = |operation: &str, input: Value| {
        ground
            .sandbox()
            .ask(REGION, "kms", operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
    };
    let environment = ground.workspace.resource("mlops_environment.this");
    let key = environment["components"]["keys.storage"]["id"].clone();
    for (what, operation, input) in [
        (
            "scheduled for deletion",
            "ScheduleKeyDeletion",
            json!({ "KeyId": key, "PendingWindowInDays": 7 }),
        ),
        ("disabled", "DisableKey", json!({ "KeyId": key })),
    ] {
        ask(operation, input);
        let before = ground.standing();
        let plan = ground.plan().expect(2);
        let line = format!("~ keys.storage: bring back ({what})");
        assert!(plan.stdout.contains(&line), "{line} is not in\n{}", plan.stdout);
        ground.apply().expect(0);
        ground.plan().expect(0);
        let state = ask("DescribeKey", json!({ "KeyId": key }))["KeyMetadata"]["KeyState"].clone();
        assert_eq!(state, "Enabled", "{what}");
        assert_eq!(ground.standing(), before, "no other key was made");
    }
}
