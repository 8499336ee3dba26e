//! The budget: one component that nothing else depends on, told in the account's list by a name of its own.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::{environment, gcp_minimal, minimal, spec, with};
use mlops_environment::component::{Component, Kind};
use mlops_environment::plan::{Decision, Foresight, plan_change};
use mlops_environment::{Environment, Spec};
use serde_json::{Value, json};

fn aws(budget: Value) -> Environment {
    environment(with(minimal(), "/budget", budget))
}

fn gcp(budget: Value) -> Environment {
    environment(with(gcp_minimal(), "/budget", budget))
}

fn told(monthly: u32) -> [Environment; 2] {
    [
        aws(json!({ "monthly": monthly, "emails": ["ml@example.com"] })),
        gcp(
            json!({ "monthly": monthly, "billing_account": "012345-6789AB-CDEF01", "topics": ["projects/acme/topics/costs"] }),
        ),
    ]
}

fn budget(environment: &Environment) -> &Component {
    environment.component("budget").expect("a budget")
}

#[test]
fn without_it_there_is_none() {
    assert!(environment(minimal()).component("budget").is_none());
    assert!(environment(gcp_minimal()).component("budget").is_none());
}

#[test]
fn it_counts_what_carries_the_environments_mark() {
    let [on_aws, on_gcp] = told(500);
    let found = budget(&on_aws);
    assert_eq!(found.kind, Kind::AwsBudget);
    assert_eq!(
        found.properties["filters"],
        json!({ "TagKeyValue": ["user:mlops:environment$aws/111122223333/eu-west-1/shop"] })
    );
    assert_eq!(
        found.properties["notifications"],
        json!({
            "ACTUAL GREATER_THAN 100 PERCENTAGE": ["EMAIL ml@example.com"],
            "ACTUAL GREATER_THAN 80 PERCENTAGE": ["EMAIL ml@example.com"],
        })
    );
    let found = budget(&on_gcp);
    assert_eq!(found.kind, Kind::GcpBudget);
    assert_eq!(found.properties["project"], "projects/123456789012");
    // The same value as the label that everything of the environment has.
    let label = &on_gcp.component("cluster").expect("a cluster").properties["tags"]["mlops_environment"];
    assert_eq!(found.properties["label"], *label);
    assert_eq!(found.properties["topic"], "projects/acme/topics/costs");
    let apis = on_gcp.component("apis").expect("APIs").properties["services"].to_string();
    assert!(apis.contains("billingbudgets.googleapis.com"), "{apis}");
}

#[test]
fn equal_names_in_two_regions_have_two_budgets() {
    let here = aws(json!({ "monthly": 1, "emails": ["a@b.example"] }));
    let config = with(
        minimal(),
        "/budget",
        json!({ "monthly": 1, "emails": ["a@b.example"] }),
    );
    let there = environment(with(config, "/aws/region", "eu-west-2".into()));
    assert_ne!(budget(&here).id, budget(&there).id);
}

#[test]
fn what_is_remembered_is_what_was_wanted() {
    for environment in told(500) {
        let config = environment.spec.resolved_config();
        let again = Spec::build(&config, &fixtures::facts_for(&config)).expect("its own words are legal");
        assert_eq!(again, environment.spec);
    }
}

fn lines(prior: &Environment, next: &Environment) -> Vec<String> {
    let (standing, summaries) = (BTreeMap::new(), next.summaries());
    let foresight = Foresight {
        prior: &prior.components,
        next: &next.components,
        drift: &[],
        standing: &standing,
        summaries: &summaries,
    };
    let steps = plan_change(&foresight, &Decision::new(&next.spec, "u")).expect("not refused");
    steps
        .iter()
        .map(ToString::to_string)
        .filter(|line| line.contains("budget"))
        .collect()
}

#[test]
fn the_plan_says_what_it_is_of_and_changes_it_in_place() {
    let before = [environment(minimal()), environment(gcp_minimal())];
    let mut said = Vec::new();
    for (before, (small, large)) in before.iter().zip(told(500).iter().zip(&told(700))) {
        said.extend(lines(before, small));
        said.extend(lines(small, large));
        said.extend(lines(small, before));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_cannot_change_on_google_cloud_asks_for_consent() {
    let of = |currency: &str| {
        with(
            gcp_minimal(),
            "/budget",
            json!({ "monthly": 1, "currency": currency, "billing_account": "012345-6789AB-CDEF01",
                    "topics": ["projects/acme/topics/costs"] }),
        )
    };
    spec(of("EUR")).expect("legal");
    let (prior, next) = (environment(of("EUR")), environment(of("USD")));
    let (standing, summaries) = (BTreeMap::new(), BTreeMap::new());
    let foresight = Foresight {
        prior: &prior.components,
        next: &next.components,
        drift: &[],
        standing: &standing,
        summaries: &summaries,
    };
    let refused = plan_change(&foresight, &Decision::new(&next.spec, "u")).expect_err("refused");
    assert!(
        refused[0].to_string().contains("replace_components"),
        "{}",
        refused[0]
    );
}
