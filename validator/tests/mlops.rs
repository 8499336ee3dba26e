//! Plans of `mlops_environment` itself: the resource is judged by its attributes, and its provider by its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use serde_json::{Value, json};
use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::Verdict;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::build;
use tfplan_check::{judge, plan};

/// Findings of a plan that makes one environment, as `code level place`.
fn judged(environment: &Value, provider: &Value) -> Vec<String> {
    let text = json!({
        "format_version": "1.2", "terraform_version": "1.11.4",
        "resource_changes": [{
            "address": "mlops_environment.this", "mode": "managed", "type": "mlops_environment", "name": "this",
            "provider_name": "registry.terraform.io/mlops/mlops",
            "change": {
                "actions": ["create"], "before": null, "after": environment,
                "after_unknown": { "components": true, "phase": true, "cluster": { "endpoint_url": true } }, "before_sensitive": false, "after_sensitive": {}
            }
        }],
        "configuration": {
            "provider_config": { "mlops": { "name": "mlops", "full_name": "registry.terraform.io/mlops/mlops", "expressions": provider } },
            "root_module": { "resources": [{ "address": "mlops_environment.this", "mode": "managed", "type": "mlops_environment", "name": "this", "provider_config_key": "mlops", "expressions": {} }] }
        }
    })
    .to_string();
    let plan = plan::json::read(&text).unwrap();
    let sources = build::sources_of(&plan.configuration);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let (backend, config) = (Evidence::default(), Config::default());
    judge::judge(&Context::new(&plan, &backend, &sources, &config), &all)
        .iter()
        .filter(|f| f.verdict == Verdict::Wrong)
        .map(|f| format!("{} {} {}", f.rule.code, f.level, f.place))
        .collect()
}

fn environment(tier: &str, more: Value) -> Value {
    let mut all = json!({
        "name": format!("churn-{tier}"), "tier": tier, "defaults_version": 1,
        "aws": { "account_id": "111122223333", "region": "eu-west-1" },
        "cluster": { "version": "1.34", "endpoint": { "private": true, "public": false, "public_cidrs": [] }, "admins": null },
        "services": { "churn": { "namespace": format!("churn-{tier}"), "secrets": { "feature-store": { "readers": ["runtime", "retrain"] } } } },
        "identities": {
            "ci": { "enabled": true, "max_session": "1h", "additional_permissions": null },
            "runtime": { "enabled": true, "max_session": "1h", "additional_permissions": null },
        },
        "federation": { "github": { "repository": "acme/churn", "owner_id": "1", "repository_id": "2", "ci_refs": ["refs/tags/v*"] } },
        "guardrails": { "permissions_boundary": true, "exclusive_writers": tier != "dev", "bucket_tls_only": true },
        "enforcement": { "identities": "exclusive", "buckets": "exclusive" },
    });
    for (k, v) in more.as_object().unwrap() {
        all[k] = v.clone();
    }
    all
}

#[test]
fn an_environment_as_the_provider_plans_it_is_clean() {
    for tier in ["dev", "staging", "prod"] {
        assert_eq!(
            judged(&environment(tier, json!({})), &json!({})),
            Vec::<String>::new(),
            "{tier}"
        );
    }
}

#[test]
fn the_provider_that_accepts_static_credentials_is_found() {
    let provider = json!({ "static_credentials": { "constant_value": "warn" } });
    assert_eq!(
        judged(&environment("prod", json!({})), &provider),
        ["SK18 error provider.mlops.static_credentials"]
    );
    assert_eq!(
        judged(&environment("dev", json!({})), &provider),
        ["SK18 warning provider.mlops.static_credentials"]
    );
    let forbids = json!({ "static_credentials": { "constant_value": "forbid" } });
    assert_eq!(
        judged(&environment("prod", json!({})), &forbids),
        Vec::<String>::new()
    );
}

fn with(purpose: &str, actions: &[&str], resources: &[&str]) -> Value {
    environment(
        "prod",
        json!({ "identities": { purpose: { "additional_permissions": [{ "id": "More", "actions": actions, "resources": resources, "conditions": null }] } } }),
    )
}

#[test]
fn additional_permissions_are_judged_by_what_they_allow() {
    let at = |level: &str, purpose: &str| {
        vec![format!(
            "MI26 {level} mlops_environment.this.identities.{purpose}.additional_permissions[0]"
        )]
    };
    let none = json!({});
    // Narrow, and nobody else's: a note.
    let queue = with(
        "runtime",
        &["sqs:SendMessage"],
        &["arn:aws:sqs:eu-west-1:111122223333:churn"],
    );
    assert_eq!(judged(&queue, &none), at("note", "runtime"));
    // Another purpose's, however narrow.
    let push = with(
        "runtime",
        &["ecr:PutImage"],
        &["arn:aws:ecr:eu-west-1:111122223333:repository/churn"],
    );
    assert_eq!(judged(&push, &none), at("error", "runtime"));
    let model = with("ci", &["s3:PutObject"], &["arn:aws:s3:::churn-prod-models/*"]);
    assert_eq!(judged(&model, &none), at("error", "ci"));
    // Its own purpose's is no other's.
    let own = with(
        "retrain",
        &["s3:PutObject"],
        &["arn:aws:s3:::churn-prod-models/*"],
    );
    assert_eq!(judged(&own, &none), at("note", "retrain"));
    // Wide in every spelling.
    for (actions, resources) in [
        (&["*"][..], &["*"][..]),
        (&["S3:*"], &["arn:aws:s3:::*"]),
        (&["iam:PassRole"], &["*"]),
        (&["s3:GetObject"], &["*"]),
    ] {
        assert_eq!(
            judged(&with("drift", actions, resources), &none),
            at("error", "drift"),
            "{actions:?}"
        );
    }
}

#[test]
fn guards_that_only_aws_has_are_not_missed_on_google_cloud() {
    let gcp = json!({
        "aws": null,
        "gcp": { "project": "acme-ml-dev", "region": "europe-west1" },
        "guardrails": { "permissions_boundary": false, "exclusive_writers": false, "bucket_tls_only": false },
    });
    for tier in ["dev", "staging", "prod"] {
        assert_eq!(
            judged(&environment(tier, gcp.clone()), &json!({})),
            Vec::<String>::new(),
            "{tier}"
        );
    }
}

#[test]
fn guards_that_are_off_are_found_by_tier() {
    let none = json!({});
    let off = json!({ "guardrails": { "permissions_boundary": false, "exclusive_writers": false, "bucket_tls_only": false } });
    assert_eq!(
        judged(&environment("prod", off.clone()), &none),
        [
            "MI26 error mlops_environment.this.guardrails.bucket_tls_only",
            "MI26 error mlops_environment.this.guardrails.exclusive_writers",
            "MI26 error mlops_environment.this.guardrails.permissions_boundary",
        ]
    );
    assert_eq!(
        judged(&environment("dev", off), &none),
        [
            "MI26 warning mlops_environment.this.guardrails.bucket_tls_only",
            "MI26 warning mlops_environment.this.guardrails.permissions_boundary",
        ]
    );
    let report = json!({ "enforcement": { "identities": "report", "buckets": "exclusive" } });
    assert_eq!(
        judged(&environment("prod", report.clone()), &none),
        ["MI26 error mlops_environment.this.enforcement.identities"]
    );
    assert_eq!(judged(&environment("dev", report), &none), Vec::<String>::new());
    let admins = json!({ "cluster": { "admins": ["arn:aws:iam::111122223333:role/people"] } });
    assert_eq!(
        judged(&environment("prod", admins), &none),
        ["MI26 note mlops_environment.this.cluster.admins"],
        "somebody has to rule the cluster, and the provider asks for them"
    );
    let own = "arn:aws:iam::111122223333:role/churn-prod-deploy";
    let deploy =
        json!({ "cluster": { "admins": [own] }, "identity_info": { "deploy": { "principal": own } } });
    assert_eq!(
        judged(&environment("dev", deploy), &none),
        ["MI26 error mlops_environment.this.cluster.admins[0]"]
    );
    let long = json!({ "identities": { "deploy": { "max_session": "4h" } } });
    assert_eq!(
        judged(&environment("prod", long), &none),
        ["MI26 warning mlops_environment.this.identities.deploy.max_session"]
    );
}
