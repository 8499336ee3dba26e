//! What is refused of a budget, where, and with which way out.
use serde_json::{Value, json};

use crate::fixtures::{gcp_minimal, minimal, with};
use crate::refuses;

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[what_no_cloud_takes, what_one_cloud_takes];

fn aws(budget: Value) -> Value {
    with(minimal(), "/budget", budget)
}

fn gcp(budget: Value) -> Value {
    with(gcp_minimal(), "/budget", budget)
}

#[test]
fn what_no_cloud_takes() {
    let emails = json!(["ml@example.com"]);
    refuses(
        aws(json!({ "monthly": 1 })),
        "budget",
        "Budget without subscriber",
    );
    refuses(gcp(json!({ "monthly": 1 })), "budget", "Pub/Sub topic");
    refuses(
        aws(json!({ "emails": emails })),
        "budget.monthly",
        "monthly = 500",
    );
    refuses(
        aws(json!({ "monthly": 0, "emails": emails })),
        "budget.monthly",
        "from 1 to",
    );
    for thresholds in [json!([]), json!([1, 2, 3, 4, 5, 6])] {
        refuses(
            aws(json!({ "monthly": 1, "emails": emails, "thresholds": thresholds })),
            "budget.thresholds",
            "Give 1 to 5",
        );
    }
    refuses(
        aws(json!({ "monthly": 1, "emails": emails, "thresholds": [0] })),
        "budget.thresholds",
        "from 1 to 1000",
    );
}

#[test]
fn what_one_cloud_takes() {
    let emails = json!(["ml@example.com"]);
    let many: Vec<String> = (0..11).map(|number| format!("a{number}@example.com")).collect();
    let topic = "arn:aws:sns:eu-west-1:111122223333:costs";
    for (budget, path, words) in [
        (
            json!({ "monthly": 1, "emails": ["nobody"] }),
            "budget.emails",
            "ml-costs@example.com",
        ),
        (
            json!({ "monthly": 1, "emails": many }),
            "budget.emails",
            "AWS writes to 10",
        ),
        (
            json!({ "monthly": 1, "topics": ["costs"] }),
            "budget.topics",
            "is not an ARN",
        ),
        (
            json!({ "monthly": 1, "topics": ["arn:aws:sqs:eu-west-1:111122223333:costs"] }),
            "budget.topics",
            "is no SNS topic",
        ),
        (
            json!({ "monthly": 1, "topics": [topic, format!("{topic}-2")] }),
            "budget.topics",
            "one SNS topic",
        ),
        (
            json!({ "monthly": 1, "emails": emails, "currency": "EUR" }),
            "budget.currency",
            "AWS bills in USD",
        ),
        (
            json!({ "monthly": 1, "emails": emails, "billing_account": "012345-6789AB-CDEF01" }),
            "budget.billing_account",
            "Remove billing_account",
        ),
    ] {
        refuses(aws(budget), path, words);
    }
    let topics = json!(["projects/acme/topics/costs"]);
    for (budget, path, words) in [
        (
            json!({ "monthly": 1, "topics": topics }),
            "budget.billing_account",
            "pays for the project",
        ),
        (
            json!({ "monthly": 1, "topics": topics, "billing_account": "acme" }),
            "budget.billing_account",
            "012345-6789AB-CDEF01",
        ),
        (
            json!({ "monthly": 1, "emails": emails }),
            "budget.emails",
            "notification channel",
        ),
        (
            json!({ "monthly": 1, "topics": ["costs"] }),
            "budget.topics",
            "projects/<project>/topics/<topic>",
        ),
        (
            json!({ "monthly": 1, "topics": ["projects/acme/topics/b", "projects/acme/topics/c"] }),
            "budget.topics",
            "one Pub/Sub topic",
        ),
        (
            json!({ "monthly": 1, "topics": topics, "currency": "euro" }),
            "budget.currency",
            "three letters",
        ),
    ] {
        refuses(gcp(budget), path, words);
    }
}
