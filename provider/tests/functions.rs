//! The provider's functions, called as Terraform calls them.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_access::Purpose;
use mlops_access::generate::aws::{Principal, Scope, trust};
use serde_json::{Value as Json, json};
use terraform_provider_mlops::Mlops;
use tfplugin::provider::FunctionError;
use tfplugin::{Function, Provider, Type, Value};

const AWS: &str = "aws/111122223333/eu-west-1/shop";
const GCP: &str = "gcp/acme-ml-dev/europe-west1/shop";

fn all() -> Vec<Arc<dyn Function>> {
    Mlops::new().functions()
}

fn call(name: &str, arguments: &[Json]) -> Result<Json, FunctionError> {
    let function = all()
        .into_iter()
        .find(|function| function.name() == name)
        .unwrap_or_else(|| panic!("no function {name}"));
    let values = function
        .parameters()
        .iter()
        .zip(arguments)
        .map(|(parameter, json)| Value::from_json(&parameter.ty, json).expect("an argument"))
        .collect();
    let answer = function.call(values)?;
    Ok(answer.to_json().expect("a known value"))
}

fn good(name: &str, arguments: &[Json]) -> Json {
    call(name, arguments).unwrap_or_else(|error| panic!("{name}: {}", error.text))
}

/// The message, and the argument it stands at.
fn bad(name: &str, arguments: &[Json]) -> (i64, String) {
    let error = call(name, arguments).expect_err("an error");
    (error.argument.expect("an argument"), error.text)
}

#[test]
fn every_function_says_what_it_is_and_what_it_takes() {
    for function in all() {
        assert!(!function.summary().is_empty(), "{}", function.name());
        assert!(function.description().len() > 80, "{}", function.name());
        for parameter in function.parameters() {
            assert!(
                !parameter.description.is_empty(),
                "{}: {}",
                function.name(),
                parameter.name
            );
        }
        assert_ne!(function.returns(), Type::Dynamic, "{}", function.name());
    }
}

#[test]
fn an_id_comes_apart() {
    let parts = good("parse_id", &[json!(GCP)]);
    assert_eq!(
        parts,
        json!({ "cloud": "gcp", "account": "acme-ml-dev", "region": "europe-west1", "name": "shop" })
    );
    let (at, text) = bad("parse_id", &[json!("aws/1/eu-west-1/shop")]);
    assert_eq!(at, 0);
    assert!(text.contains("twelve digits"), "{text}");
}

#[test]
fn names_are_told_without_looking() {
    let name = |id: &str, component: &str| good("resource_name", &[json!(id), json!(component)]);
    assert_eq!(name(AWS, "identities.retrain.churn"), "shop-retrain-churn");
    assert_eq!(name(AWS, "secrets.churn.db"), "shop/churn/db");
    assert_eq!(name(GCP, "secrets.churn.db"), "shop_churn_db");
    let (at, text) = bad("resource_name", &[json!(AWS), json!("buckets.photos")]);
    assert_eq!(at, 1);
    assert!(text.contains("no component \"buckets.photos\" on AWS"), "{text}");
    let (_, text) = bad("resource_name", &[json!(AWS), json!("node_pools.gpu")]);
    assert!(text.contains("depends on what its machines are"), "{text}");
    let (_, text) = bad(
        "resource_name",
        &[json!(GCP), json!("identities.runtime.No_Service")],
    );
    assert!(text.contains("is not a service name"), "{text}");
}

#[test]
fn annotations_name_the_identity() {
    let annotations = |id: &str| {
        good(
            "service_account_annotations",
            &[json!(id), json!("drift"), json!("churn")],
        )
    };
    assert_eq!(
        annotations(AWS),
        json!({ "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/mlops/shop/shop-drift-churn" })
    );
    let email = annotations(GCP)["iam.gke.io/gcp-service-account"].clone();
    let email = email.as_str().expect("text");
    assert!(
        email.starts_with("dr-churn-") && email.ends_with("@acme-ml-dev.iam.gserviceaccount.com"),
        "{email}"
    );
    let (at, text) = bad(
        "service_account_annotations",
        &[json!(AWS), json!("deploy"), json!("churn")],
    );
    assert_eq!(
        (at, text.as_str()),
        (1, "deploy has no pods: use runtime, drift or retrain")
    );
    let (at, text) = bad(
        "service_account_annotations",
        &[json!(AWS), json!("serve"), json!("churn")],
    );
    assert_eq!(at, 1);
    assert!(text.contains("is not a purpose"), "{text}");
    let (at, _) = bad(
        "service_account_annotations",
        &[json!(AWS), json!("drift"), json!("Not A Service")],
    );
    assert_eq!(at, 2);
}

#[test]
fn a_subject_is_the_one_that_the_trust_names() {
    let ids = json!({ "owner_id": "1", "repository_id": "2" });
    let subject = |entrance: &str, ids: &Json| {
        good(
            "github_subject",
            &[json!("acme/churn"), json!(entrance), ids.clone()],
        )
    };
    assert_eq!(
        subject("refs/heads/main", &Json::Null),
        "repo:acme/churn:ref:refs/heads/main"
    );
    assert_eq!(
        subject("aws-prod", &ids),
        "repo:acme@1/churn@2:environment:aws-prod"
    );
    // The generated trust of the same repository.
    let scope = Scope::example();
    let deploy = trust(&scope, Principal::of_environment(Purpose::Deploy)).to_string();
    assert!(
        deploy.contains(subject("aws-prod", &ids).as_str().expect("text")),
        "{deploy}"
    );

    assert_eq!(
        bad("github_subject", &[json!("acme"), json!("x"), Json::Null]).0,
        0
    );
    let (at, text) = bad(
        "github_subject",
        &[json!("acme/churn"), json!("refs/pull/1/merge"), Json::Null],
    );
    assert_eq!(at, 1);
    assert!(text.contains("is not a Git ref"), "{text}");
    let half = json!({ "owner_id": "1" });
    let (at, text) = bad("github_subject", &[json!("acme/churn"), json!("x"), half]);
    assert_eq!(
        (at, text.as_str()),
        (2, "give both owner_id and repository_id, or neither")
    );
    let (_, text) = bad(
        "github_subject",
        &[json!("acme/churn"), json!("x"), json!({ "id": "1" })],
    );
    assert!(text.contains("\"id\" is no id"), "{text}");
}

fn federated(operator: &str, subject: &str) -> Json {
    let issuer = "token.actions.githubusercontent.com";
    let mut conditions = BTreeMap::from([(
        "StringEquals",
        json!({ format!("{issuer}:aud"): "sts.amazonaws.com" }),
    )]);
    let named = json!({ format!("{issuer}:sub"): subject, format!("{issuer}:aud"): "sts.amazonaws.com" });
    conditions.insert(operator, named);
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{issuer}") },
        "Condition": conditions,
    }] });
    json!(trust.to_string())
}

#[test]
fn a_token_that_enters_both_is_shown() {
    let main = federated("StringEquals", "repo:acme/churn:ref:refs/heads/main");
    let deploy = federated("StringEquals", "repo:acme/churn:environment:prod");
    let everything = federated("StringLike", "repo:acme/churn:*");
    let apart = good("trust_overlap", &[main.clone(), deploy.clone()]);
    assert_eq!(apart, json!({ "disjoint": true, "token": null, "doubt": null }));
    let shared = good("trust_overlap", &[deploy, everything]);
    assert_eq!(shared["disjoint"], false);
    let token = shared["token"].as_str().expect("a token");
    assert!(token.contains("repo:acme/churn:environment:prod"), "{token}");
    let (at, text) = bad("trust_overlap", &[main, json!("{")]);
    assert_eq!(at, 1);
    assert!(text.contains("line 1"), "{text}");
}

fn policy(statement: Json) -> Json {
    json!(json!({ "Version": "2012-10-17", "Statement": statement }).to_string())
}

#[test]
fn a_policy_allows_what_it_says_under_its_conditions() {
    let reading = policy(json!([
        { "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::models/*",
          "Condition": { "Bool": { "aws:SecureTransport": "true" } } },
        { "Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::models/secret/*" },
    ]));
    let allows = |action: &str, resource: &str, context: Json| {
        good(
            "policy_allows",
            &[reading.clone(), json!(action), json!(resource), context],
        )
    };
    let tls = json!({ "aws:SecureTransport": "true" });
    assert_eq!(
        allows("s3:GetObject", "arn:aws:s3:::models/churn/1", tls.clone()),
        true
    );
    assert_eq!(
        allows("s3:GetObject", "arn:aws:s3:::models/churn/1", Json::Null),
        false
    );
    assert_eq!(
        allows("s3:GetObject", "arn:aws:s3:::models/secret/1", tls.clone()),
        false
    );
    assert_eq!(allows("s3:PutObject", "arn:aws:s3:::models/churn/1", tls), false);
}

#[test]
fn what_a_policy_says_cannot_be_guessed() {
    let strange = policy(
        json!([{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
        "Condition": { "StringFuzzy": { "aws:SourceVpc": "vpc-1" } } }]),
    );
    let (at, text) = bad(
        "policy_allows",
        &[strange, json!("s3:GetObject"), json!("*"), Json::Null],
    );
    assert_eq!(at, 0);
    assert!(
        text.starts_with("cannot tell whether s3:GetObject on * is allowed"),
        "{text}"
    );
    let open = policy(json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]));
    let ask = |action: &str, resource: &str, context: Json| {
        bad(
            "policy_allows",
            &[open.clone(), json!(action), json!(resource), context],
        )
    };
    assert_eq!(ask("s3:*", "*", Json::Null).0, 1);
    assert_eq!(ask("GetObject", "*", Json::Null).0, 1);
    assert_eq!(ask("s3:GetObject", "models/churn", Json::Null).0, 2);
    let (at, text) = ask("s3:GetObject", "*", json!({ "aws:PrincipalArn": "somebody" }));
    assert_eq!(at, 3);
    assert!(text.contains("is no role or user"), "{text}");
    assert_eq!(
        bad(
            "policy_allows",
            &[json!("no policy"), json!("s3:GetObject"), json!("*"), Json::Null]
        )
        .0,
        0
    );
}

#[test]
fn a_provisioner_is_confined_to_its_environment() {
    let aws = good("provisioner_policy", &[json!(AWS)]);
    let policies = aws["policies"].as_array().expect("policies");
    assert!(!policies.is_empty() && aws["permissions"] == json!([]));
    let allows = |action: &str, resource: &str| {
        policies.iter().any(|policy| {
            good(
                "policy_allows",
                &[policy.clone(), json!(action), json!(resource), Json::Null],
            ) == true
        })
    };
    let role =
        |environment: &str| format!("arn:aws:iam::111122223333:role/mlops/{environment}/{environment}-ci");
    assert!(allows("iam:PutRolePolicy", &role("shop")));
    assert!(!allows("iam:PutRolePolicy", &role("shop-two")));
    assert!(!allows(
        "iam:PutRolePolicy",
        "arn:aws:iam::111122223333:role/admin"
    ));
    assert!(!allows("s3:GetObject", "arn:aws:s3:::anything/at-all"));
    assert!(!allows(
        "kms:ScheduleKeyDeletion",
        "arn:aws:kms:eu-west-1:111122223333:key/1"
    ));
    let gcp = good("provisioner_policy", &[json!(GCP)]);
    assert_eq!(gcp["policies"], json!([]));
    let permissions = gcp["permissions"].as_array().expect("permissions");
    assert!(permissions.contains(&json!("container.clusters.create")));
    assert!(!permissions.contains(&json!("iam.serviceAccountKeys.create")));
    assert_eq!(bad("provisioner_policy", &[json!("shop")]).0, 0);
}
