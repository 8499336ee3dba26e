//! Budgets: made, changed and deleted, each call refused once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use mlops_aws::{Aws, Settings};
use mlops_environment::aws::Budget;
use mlops_environment::component::{Component, Kind, Observation};
use mlops_environment::driver::{Driver, Reason};
use serde_json::json;

use crate::harness::{Hurry, Losing, REGION, component, driver, life, present, settings, tags};
use crate::server::{ACCOUNT, emulator};

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

fn budget(name: &str) -> Budget {
    let who = set(["EMAIL ml@example.com", "EMAIL costs@example.com"]);
    Budget {
        name: name.into(),
        monthly: "500".into(),
        currency: "USD".into(),
        filters: BTreeMap::from([("TagKeyValue".to_owned(), set(["user:mlops:environment$test"]))]),
        notifications: BTreeMap::from([
            ("ACTUAL GREATER_THAN 80 PERCENTAGE".to_owned(), who.clone()),
            ("ACTUAL GREATER_THAN 100 PERCENTAGE".to_owned(), who),
        ]),
        tags: tags("budget"),
    }
}

fn wanted(budget: &Budget) -> Component {
    component("budget", Kind::AwsBudget, budget)
}

#[tokio::test]
async fn a_budget_is_made_changed_and_deleted_and_every_refused_call_is_named() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let first = budget("life");
    let mut second = Budget {
        monthly: "700".into(),
        notifications: BTreeMap::from([
            (
                "ACTUAL GREATER_THAN 80 PERCENTAGE".to_owned(),
                set([
                    "EMAIL ml@example.com",
                    "SNS arn:aws:sns:eu-central-1:111122223333:costs",
                ]),
            ),
            (
                "ACTUAL GREATER_THAN 90 PERCENTAGE".to_owned(),
                set(["EMAIL ml@example.com"]),
            ),
        ]),
        ..first.clone()
    };
    second.tags.insert("team".into(), "ml".into());
    life(&aws, &wanted(&first), &wanted(&second)).await;
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_budget() {
    let Some(emulator) = emulator() else { return };
    let losing = Losing {
        inner: driver(emulator).await.connector(),
        target: "AWSBudgetServiceGateway.CreateBudget",
        lost: Arc::new(AtomicUsize::new(0)),
    };
    let settings = Settings {
        connector: Some(SharedHttpConnector::new(losing)),
        ..settings(emulator)
    };
    let aws = Aws::connect(settings).await.unwrap();
    let wanted = wanted(&budget("lost"));
    // It is sent again, and found standing: whoever asked looks at it then, and sees that it is theirs.
    let failure = aws.create(&wanted, &Hurry::default()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::AlreadyExists, "{failure:?}");
    let found = present(&aws, &wanted).await;
    aws.delete(&wanted, &found, &Hurry::default()).await.unwrap();
}

#[tokio::test]
async fn what_somebody_changed_shows() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = wanted(&budget("changed"));
    aws.create(&wanted, &Hurry::default()).await.unwrap();
    let ask = |operation: &str, mut input: serde_json::Value| {
        input["AccountId"] = ACCOUNT.into();
        emulator.sandbox.ask(REGION, "budgets", operation, input).unwrap()
    };
    let forecast =
        json!({ "NotificationType": "FORECASTED", "ComparisonOperator": "GREATER_THAN", "Threshold": 100 });
    let who = json!([{ "SubscriptionType": "EMAIL", "Address": "else@example.com" }]);
    ask(
        "CreateNotification",
        json!({ "BudgetName": "changed", "Notification": forecast, "Subscribers": who }),
    );
    let shown = ask("DescribeBudget", json!({ "BudgetName": "changed" }));
    let mut yearly = shown["Budget"].clone();
    yearly["TimeUnit"] = "ANNUALLY".into();
    ask("UpdateBudget", json!({ "NewBudget": yearly }));
    let found = present(&aws, &wanted).await;
    assert_eq!(found.foreign, ["TimeUnit ANNUALLY in place of MONTHLY"]);
    let told = found.properties["notifications"].as_object().unwrap();
    assert!(
        told.contains_key("FORECASTED GREATER_THAN 100 PERCENTAGE"),
        "{told:#?}"
    );
    let changes = crate::harness::diff(&wanted, &found);
    let put_right = aws
        .update(&wanted, &found, &changes, &Hurry::default())
        .await
        .unwrap();
    assert_eq!(put_right.properties, wanted.properties);
    assert_eq!(put_right.foreign, [""; 0]);
    aws.delete(&wanted, &put_right, &Hurry::default()).await.unwrap();
    assert_eq!(aws.observe(&wanted).await.unwrap(), Observation::Absent);
}
