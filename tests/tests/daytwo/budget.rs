//! A budget: made with the environment, changed in place, put right where somebody changed it, gone with it.

use http::Method;
use mlops_e2e::ground::{Ground, On, flat};
use serde_json::{Value, json};

use crate::SERVICE;

/// The billing account of the local cloud's projects.
const PAYER: &str = "01AB23-CD45EF-67AB89";

fn settings(on: On, monthly: u32, more: &str) -> String {
    let who = match on {
        On::Aws => "emails = [\"ml@example.com\", \"costs@example.com\"]".to_owned(),
        On::Gcp => format!(
            "billing_account = \"{PAYER}\"\n    topics = [\"projects/acme-ml-dev/topics/costs\", \
             \"projects/acme-ml-dev/notificationChannels/42\"]"
        ),
    };
    format!("{SERVICE}\n  budget = {{\n    monthly = {monthly}\n    {who}\n    {more}\n  }}")
}

/// The budgets that stand, as their service tells them.
fn budgets(ground: &Ground) -> Vec<Value> {
    let (answer, list) = match ground.on {
        On::Aws => {
            let input = json!({ "AccountId": mlops_sandbox::account::USUAL_ACCOUNT });
            (ground.ask_aws("budgets", "DescribeBudgets", input), "Budgets")
        }
        On::Gcp => {
            let path = format!("billingbudgets/v1/billingAccounts/{PAYER}/budgets");
            (ground.ask_gcp(&Method::GET, &path, None), "budgets")
        }
    };
    answer[list].as_array().cloned().unwrap_or_default()
}

fn amount(on: On, budget: &Value) -> &Value {
    match on {
        On::Aws => &budget["BudgetLimit"]["Amount"],
        On::Gcp => &budget["amount"]["specifiedAmount"]["units"],
    }
}

/// Somebody makes it larger, and one of those who are told is told no more.
fn disturb(ground: &Ground, budget: &Value) {
    if ground.on == On::Aws {
        let account = mlops_sandbox::account::USUAL_ACCOUNT;
        let name = &budget["BudgetName"];
        let mut larger = budget.clone();
        larger["BudgetLimit"]["Amount"] = "9000".into();
        ground.ask_aws(
            "budgets",
            "UpdateBudget",
            json!({ "AccountId": account, "NewBudget": larger }),
        );
        let notification = json!({ "NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80,
            "ThresholdType": "PERCENTAGE" });
        let subscriber = json!({ "SubscriptionType": "EMAIL", "Address": "costs@example.com" });
        ground.ask_aws(
            "budgets",
            "DeleteSubscriber",
            json!({ "AccountId": account, "BudgetName": name, "Notification": notification, "Subscriber": subscriber }),
        );
        return;
    }
    let path = format!(
        "billingbudgets/v1/{}?updateMask=amount,notificationsRule",
        budget["name"].as_str().unwrap()
    );
    let changed = json!({ "amount": { "specifiedAmount": { "currencyCode": "USD", "units": "9000" } },
        "notificationsRule": { "pubsubTopic": "projects/acme-ml-dev/topics/costs", "schemaVersion": "1.0" } });
    ground.ask_gcp(&Method::PATCH, &path, Some(&changed));
}

#[test]
fn a_budget_is_made_changed_put_right_and_gone() {
    for ground in Ground::both("a_budget_is_made_changed_put_right_and_gone") {
        ground.configure(&settings(ground.on, 500, ""));
        let plan = flat(&ground.workspace.terraform(&["plan"]).expect(0).stdout);
        assert!(
            plan.contains("+ budget: create, 500 USD a month") || plan.contains("500 USD a month"),
            "{plan}"
        );
        ground.settle();
        let stands = budgets(&ground);
        assert_eq!(stands.len(), 1, "{stands:#?}");
        assert_eq!(amount(ground.on, &stands[0]), "500");
        let mark = match ground.on {
            On::Aws => &stands[0]["CostFilters"]["TagKeyValue"][0],
            On::Gcp => &stands[0]["budgetFilter"]["labels"]["mlops_environment"][0],
        };
        assert!(mark.as_str().unwrap().contains("churn-dev"), "{mark}");

        disturb(&ground, &stands[0]);
        let plan = ground.plan().expect(2);
        let said = flat(&plan.stdout);
        assert!(
            said.contains("budget: changed outside, monthly 9000 → 500"),
            "{said}"
        );
        ground.settle();
        assert_eq!(amount(ground.on, &budgets(&ground)[0]), "500");

        ground.configure(&settings(ground.on, 700, "thresholds = [50, 90, 100]"));
        ground.settle();
        assert_eq!(amount(ground.on, &budgets(&ground)[0]), "700");

        // Without the block it goes, and nothing else does.
        ground.configure(SERVICE);
        let lines = ground.planned();
        assert!(
            lines
                .iter()
                .all(|line| line.contains("budget") || line.contains("apis")),
            "{lines:#?}"
        );
        ground.settle();
        assert_eq!(budgets(&ground), [Value::Null; 0]);
        ground.configure(&settings(ground.on, 500, ""));
        ground.settle();
        ground.destroy().expect(0);
        assert_eq!(budgets(&ground), [Value::Null; 0]);
        assert_eq!(ground.sandbox().mistakes(), [""; 0]);
    }
}

/// Few use it, so its endpoint need not be named; who has one is told before dummy credentials are shown to anybody.
#[test]
fn a_budget_asks_for_its_endpoint_where_all_others_are_named() {
    for ground in Ground::both("a_budget_asks_for_its_endpoint_where_all_others_are_named") {
        let service = match ground.on {
            On::Aws => "budgets",
            On::Gcp => "billingbudgets",
        };
        let without = |settings: &str| {
            ground.configure(settings);
            let main = std::fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
            let lines = main
                .lines()
                .filter(|line| !line.trim_start().starts_with(&format!("{service} =")));
            ground
                .workspace
                .write("main.tf", &lines.collect::<Vec<_>>().join("\n"));
        };
        without(SERVICE);
        ground.settle();
        without(&settings(ground.on, 500, ""));
        let refused = ground.apply().expect(1);
        assert!(flat(&refused.stderr).contains(service), "{}", refused.stderr);
        ground.configure(&settings(ground.on, 500, ""));
        ground.settle();
        ground.destroy().expect(0);
    }
}
