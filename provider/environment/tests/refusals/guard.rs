//! No environment that breaks the matrix can be planned.
use crate::fixtures::{environment, full, minimal, with};
use serde_json::{Value, json};

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[
    runtime_cannot_be_given_the_right_to_write_models,
    nobody_can_be_given_the_management_of_permissions,
    a_right_on_everything_is_not,
];

fn permission(purpose: &str, action: &str, resource: &str) -> Value {
    let permission = json!([{ "id": "Extra", "actions": [action], "resources": [resource] }]);
    with(
        minimal(),
        &format!("/identities/{purpose}/additional_permissions"),
        permission,
    )
}

#[track_caller]
fn breaks(config: Value, path: &str, row: &str) {
    crate::refuses(config, path, &format!("row {row} "));
}

#[test]
fn what_we_generate_satisfies_the_matrix() {
    for config in [
        minimal(),
        full(),
        with(minimal(), "/federation", Value::Null),
        with(minimal(), "/services", json!({})),
        with(minimal(), "/encryption/mode", "cloud".into()),
        with(minimal(), "/guardrails/permissions_boundary", false.into()),
        with(minimal(), "/identities/retrain/enabled", false.into()),
        with(minimal(), "/kubernetes/access", "group".into()),
        with(
            minimal(),
            "/registry",
            json!({ "mode": "reference", "reference": "@{unknown:registry.reference}" }),
        ),
        with(
            minimal(),
            "/registry",
            json!({ "mode": "reference", "reference": "999988887777.dkr.ecr.eu-west-1.amazonaws.com/build" }),
        ),
        with(
            minimal(),
            "/buckets/models/existing",
            "@{unknown:buckets.models.existing}".into(),
        ),
        with(
            minimal(),
            "/encryption/storage/key",
            "@{unknown:encryption.storage.key}".into(),
        ),
    ] {
        environment(config);
    }
}

#[test]
fn runtime_cannot_be_given_the_right_to_write_models() {
    let models = environment(minimal())
        .component("buckets.models")
        .expect("there")
        .outputs["arn"]
        .clone();
    let at = "identities.runtime.additional_permissions[0]";
    breaks(
        permission("runtime", "s3:PutObject", &format!("{models}/*")),
        at,
        "P11",
    );
}

#[test]
fn nobody_can_be_given_the_management_of_permissions() {
    let at = "identities.deploy.additional_permissions[0]";
    breaks(
        permission("deploy", "iam:PutRolePolicy", "arn:aws:iam::111122223333:role/x"),
        at,
        "I03",
    );
}

#[test]
fn a_right_outside_the_matrix_is_possible() {
    environment(permission(
        "runtime",
        "sqs:SendMessage",
        "arn:aws:sqs:eu-west-1:111122223333:events",
    ));
    environment(permission(
        "runtime",
        "sqs:SendMessage",
        "@{unknown:identities.runtime}",
    ));
}

#[test]
fn a_right_on_everything_is_not() {
    breaks(
        permission("runtime", "sqs:SendMessage", "*"),
        "identities.runtime.additional_permissions[0]",
        "I02",
    );
}

#[test]
fn what_is_judged_is_what_will_be_written() {
    use mlops_access::generate::aws::{permissions, trust};
    let environment = environment(full());
    let scope = mlops_environment::aws::scope(&environment.spec, crate::fixtures::aws(&environment.spec));
    let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("json");
    for principal in scope.principals() {
        let address = match principal.service {
            Some(service) => format!("identities.{}.{service}", principal.purpose),
            None => format!("identities.{}", principal.purpose),
        };
        let role = &environment.component(&address).expect(&address).properties;
        let written = |value: &Value| parsed(value.as_str().expect("text"));
        assert_eq!(
            written(&role["trust"]),
            parsed(&trust(&scope, principal).to_string())
        );
        let policies = role["inline_policies"].as_object().expect("policies");
        assert_eq!(policies.len(), 1);
        let policy = permissions(&scope, principal).to_string();
        assert_eq!(written(&policies[principal.purpose.as_str()]), parsed(&policy));
        assert_eq!(role["managed_policies"], json!([]));
    }
}
