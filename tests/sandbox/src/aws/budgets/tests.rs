use proptest::prelude::*;
use serde_json::{Value, json};

use crate::aws::trial::{ACCOUNT, OTHER, Trial, inputs};

fn budget(more: Value) -> Value {
    let mut budget = json!({"BudgetName": "b", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "100", "Unit": "USD"}});
    budget
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    budget
}

fn notification() -> Value {
    json!({"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0})
}

fn mail(name: &str) -> Value {
    json!({"SubscriptionType": "EMAIL", "Address": format!("{name}@example.com")})
}

fn create(trial: &mut Trial) {
    let input = json!({"AccountId": ACCOUNT, "Budget": budget(json!({})),
        "NotificationsWithSubscribers": [{"Notification": notification(), "Subscribers": [mail("a")]}]});
    trial.ok("CreateBudget", input);
}

#[test]
fn a_budget_lives() {
    let mut trial = Trial::of("budgets");
    create(&mut trial);
    let of = json!({"AccountId": ACCOUNT, "BudgetName": "b"});
    let found = trial.ok("DescribeBudget", of.clone())["Budget"].clone();
    assert_eq!(
        found["TimePeriod"],
        json!({"Start": "2026-03-01T00:00:00Z", "End": "2087-06-15T00:00:00Z"})
    );
    assert_eq!(found["CostTypes"]["IncludeTax"], json!(true));
    trial.ok(
        "UpdateBudget",
        json!({"AccountId": ACCOUNT, "NewBudget": budget(json!({"TimeUnit": "QUARTERLY"}))}),
    );
    let found = trial.ok("DescribeBudgets", json!({"AccountId": ACCOUNT}))["Budgets"][0].clone();
    assert_eq!(found["TimePeriod"]["Start"], "2026-01-01T00:00:00Z");
    let arn = format!("arn:aws:budgets::{ACCOUNT}:budget/b");
    trial.ok(
        "TagResource",
        json!({"ResourceARN": arn, "ResourceTags": [{"Key": "a", "Value": "1"}]}),
    );
    assert_eq!(
        trial.ok("ListTagsForResource", json!({"ResourceARN": arn}))["ResourceTags"],
        json!([{"Key": "a", "Value": "1"}])
    );
    trial.ok(
        "UntagResource",
        json!({"ResourceARN": arn, "ResourceTagKeys": ["a"]}),
    );
    trial.ok("DeleteBudget", of.clone());
    assert_eq!(trial.code("DeleteBudget", of.clone()), "NotFoundException");
    assert_eq!(trial.code("DescribeBudget", of), "NotFoundException");
    assert_eq!(
        trial.code("ListTagsForResource", json!({"ResourceARN": arn})),
        "NotFoundException"
    );
    assert_eq!(
        trial.code("TagResource", json!({"ResourceARN": "x"})),
        "InvalidParameterException"
    );
}

#[test]
fn odd_budgets_are_refused() {
    let mut trial = Trial::of("budgets");
    create(&mut trial);
    let with = |budget: Value| json!({"AccountId": ACCOUNT, "Budget": budget});
    assert_eq!(
        trial.code("CreateBudget", with(budget(json!({})))),
        "DuplicateRecordException"
    );
    for more in [
        json!({"BudgetName": "a:b"}),
        json!({"BudgetName": "a", "BudgetLimit": null}),
        json!({"BudgetName": "a", "TimePeriod": {"Start": "2026-02-01T00:00:00Z", "End": "2026-01-01T00:00:00Z"}}),
    ] {
        assert_eq!(
            trial.code("CreateBudget", with(budget(more))),
            "InvalidParameterException"
        );
    }
    let mut silent = with(budget(json!({"BudgetName": "a"})));
    silent["NotificationsWithSubscribers"] = json!([{"Notification": notification(), "Subscribers": []}]);
    assert_eq!(trial.code("CreateBudget", silent), "InvalidParameterException");
    assert_eq!(
        trial.code("DescribeBudgets", json!({"AccountId": OTHER})),
        "AccessDeniedException"
    );
    assert_eq!(
        trial.code("DescribeBudgets", json!({"AccountId": ACCOUNT, "NextToken": "?"})),
        "InvalidNextTokenException"
    );
}

#[test]
fn notifications_have_subscribers_or_go() {
    let mut trial = Trial::of("budgets");
    create(&mut trial);
    let with = |more: Value| {
        let mut input = json!({"AccountId": ACCOUNT, "BudgetName": "b", "Notification": notification()});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let again = with(json!({"Subscribers": [mail("x")]}));
    assert_eq!(
        trial.code("CreateNotification", again),
        "DuplicateRecordException"
    );
    trial.ok("CreateSubscriber", with(json!({"Subscriber": mail("b")})));
    assert_eq!(
        trial.code("CreateSubscriber", with(json!({"Subscriber": mail("b")}))),
        "DuplicateRecordException"
    );
    let odd = json!({"SubscriptionType": "SNS", "Address": "nobody"});
    assert_eq!(
        trial.code("CreateSubscriber", with(json!({"Subscriber": odd}))),
        "InvalidParameterException"
    );
    trial.ok(
        "UpdateSubscriber",
        with(json!({"OldSubscriber": mail("b"), "NewSubscriber": mail("c")})),
    );
    assert_eq!(
        trial.ok("DescribeSubscribersForNotification", with(json!({})))["Subscribers"],
        json!([mail("a"), mail("c")])
    );
    let mut other = notification();
    other["Threshold"] = json!(90.0);
    trial.ok("UpdateNotification", json!({"AccountId": ACCOUNT, "BudgetName": "b", "OldNotification": notification(), "NewNotification": other}));
    let listed = trial.ok(
        "DescribeNotificationsForBudget",
        json!({"AccountId": ACCOUNT, "BudgetName": "b"}),
    );
    assert_eq!(
        (
            &listed["Notifications"][0]["Threshold"],
            &listed["Notifications"][0]["ThresholdType"]
        ),
        (&json!(90.0), &json!("PERCENTAGE"))
    );
    for name in ["a", "c"] {
        trial.ok(
            "DeleteSubscriber",
            with(json!({"Notification": other, "Subscriber": mail(name)})),
        );
    }
    let gone = with(json!({"Notification": other}));
    for operation in [
        "DeleteNotification",
        "DescribeSubscribersForNotification",
        "DeleteSubscriber",
    ] {
        assert_eq!(
            trial.code(operation, gone.clone()),
            "NotFoundException",
            "{operation}"
        );
    }
}

const OPERATIONS: [&str; 16] = [
    "CreateBudget",
    "DescribeBudget",
    "DescribeBudgets",
    "UpdateBudget",
    "DeleteBudget",
    "CreateNotification",
    "UpdateNotification",
    "DeleteNotification",
    "DescribeNotificationsForBudget",
    "CreateSubscriber",
    "UpdateSubscriber",
    "DeleteSubscriber",
    "DescribeSubscribersForNotification",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(calls in proptest::collection::vec((proptest::sample::select(&OPERATIONS[..]), inputs(&[
        "Budget", "NewBudget", "BudgetName", "BudgetType", "TimeUnit", "BudgetLimit", "TimePeriod", "Start", "Notification",
        "OldNotification", "NewNotification", "Threshold", "Subscribers", "Subscriber", "NotificationsWithSubscribers",
        "ResourceARN", "ResourceTags", "NextToken", "MaxResults",
    ])), 1..12)) {
        let mut trial = Trial::of("budgets");
        create(&mut trial);
        for (operation, mut input) in calls {
            input["BudgetName"] = json!("b");
            let _ = trial.call(operation, input, b"");
        }
    }
}
