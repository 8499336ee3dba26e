//! GitLab beside GitHub, or alone: who enters, and what each cloud cannot see.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use fixtures::{environment, gcp_minimal, minimal, spec, with};
use mlops_environment::Environment;
use serde_json::{Value, json};

fn gitlab(base: Value, more: Value) -> Value {
    let mut block = json!({ "project_path": "acme/ml/churn" });
    let fields = block.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    with(base, "/federation/gitlab", block)
}

fn alone(base: Value, more: Value) -> Value {
    let mut config = gitlab(base, more);
    let federation = config["federation"].as_object_mut().expect("an object");
    federation.remove("github");
    config
}

fn text(environment: &Environment, address: &str, property: &str) -> String {
    let component = environment.component(address).expect(address);
    component.properties[property].as_str().expect("text").to_owned()
}

#[test]
fn on_aws_the_accounts_provider_of_the_instance_is_shared_and_subjects_are_exact() {
    let url = "https://git.acme.example/gitlab";
    let environment = environment(gitlab(
        minimal(),
        json!({ "url": url, "environments": { "tier": "staging" } }),
    ));
    let provider = environment.component("federation.gitlab").expect("there");
    assert_eq!(provider.properties["url"], url);
    assert_eq!(provider.properties["audiences"], json!([url]));
    let arn = "arn:aws:iam::111122223333:oidc-provider/git.acme.example/gitlab";
    assert_eq!(provider.id.as_deref(), Some(arn));
    let (ci, deploy) = (
        text(&environment, "identities.ci", "trust"),
        text(&environment, "identities.deploy", "trust"),
    );
    let key = |claim: &str| format!("\"git.acme.example/gitlab:{claim}\"");
    assert!(
        ci.contains(&format!(
            "{}:\"project_path:acme/ml/churn:ref_type:branch:ref:main\"",
            key("sub")
        )),
        "{ci}"
    );
    assert!(ci.contains(&format!("{}:\"{url}\"", key("aud"))), "{ci}");
    assert!(
        deploy.contains("project_path:acme/ml/churn:environment_protected:true:deployment_tier:staging:*"),
        "{deploy}"
    );
    assert!(
        ci.contains("repo:acme@1/churn@2:ref:refs/heads/main"),
        "GitHub enters as before: {ci}"
    );
    let outputs = environment.outputs();
    assert_eq!(outputs["federation_info"]["gitlab_provider"], arn);
    assert_eq!(outputs["gitlab"]["*"]["OIDC_AUDIENCE"], url);
    assert_eq!(
        outputs["gitlab"]["aws-dev"]["AWS_ROLE_ARN"],
        outputs["identity_info"]["deploy"]["principal"]
    );
}

#[test]
fn on_google_cloud_the_pool_has_a_provider_of_each_and_gates_name_the_project() {
    let environment = environment(gitlab(gcp_minimal(), json!({ "project_id": "42" })));
    let provider = environment.component("federation.gitlab").expect("there");
    assert_eq!(provider.properties["issuer"], "https://gitlab.com");
    let condition = text(&environment, "federation.gitlab", "attribute_condition");
    for part in [
        "assertion.project_id == \"42\"",
        "assertion.ref_protected == \"true\"",
    ] {
        assert!(condition.contains(part), "{condition}");
    }
    assert!(environment.component("federation.github").is_some());
    let trust = environment.component("trust.deploy").expect("there");
    let members = trust.properties["members"].to_string();
    assert!(members.contains("attribute.gate/gl/42/env/gcp-dev"), "{members}");
    assert!(members.contains("attribute.gate/2/env/gcp-dev"), "{members}");
    let after: Vec<&str> = trust.after.iter().map(|address| address.as_str()).collect();
    assert!(
        after.contains(&"federation.gitlab") && after.contains(&"federation.github"),
        "{after:?}"
    );
    let outputs = environment.outputs();
    let name = "projects/123456789012/locations/global/workloadIdentityPools/mlops-shop/providers/gitlab";
    assert_eq!(outputs["gitlab"]["*"]["GCP_WIF_PROVIDER"], name);
    assert_eq!(
        outputs["gitlab"]["gcp-dev"]["OIDC_AUDIENCE"],
        format!("https://iam.googleapis.com/{name}")
    );
}

#[test]
fn alone_it_is_enough() {
    let on_aws = environment(alone(
        minimal(),
        json!({ "environments": { "tier": "production" } }),
    ));
    assert!(on_aws.component("federation.github").is_none());
    assert!(on_aws.component("identities.deploy").is_some());
    let on_gcp = environment(alone(gcp_minimal(), json!({ "project_id": "42" })));
    assert!(on_gcp.component("federation.github").is_none());
    assert!(on_gcp.component("trust.ci").is_some());
    assert_eq!(on_gcp.outputs()["federation_info"]["audience"], Value::Null);
}

#[test]
fn without_a_tier_nobody_deploys_from_gitlab_on_aws_and_the_plan_says_so() {
    let config = alone(minimal(), json!({}));
    let spec = spec(config.clone()).expect("legal");
    let warned = spec.warnings.iter().any(|warning| {
        warning.path.to_string() == "federation.gitlab.environments.tier"
            && warning.detail.contains("ci_id_token_sub_claim_components")
    });
    assert!(warned, "{:#?}", spec.warnings);
    let environment = environment(config);
    assert!(environment.component("identities.ci").is_some());
    assert!(environment.component("identities.deploy").is_none());
    let outputs = environment.outputs();
    let scopes: Vec<&String> = outputs["gitlab"].as_object().expect("an object").keys().collect();
    assert_eq!(scopes, ["*"]);
}

#[test]
fn the_state_holds_what_is_in_force() {
    let config = spec(gitlab(minimal(), json!({})))
        .expect("legal")
        .resolved_config();
    let gitlab = config
        .federation
        .and_then(|federation| federation.gitlab)
        .expect("there");
    assert_eq!(gitlab.url.as_deref(), Some("https://gitlab.com"));
    assert_eq!(gitlab.audience.as_deref(), Some("https://gitlab.com"));
    assert_eq!(gitlab.protected_only, None, "AWS does not see it");
    let config = spec(gitlab_on_gcp()).expect("legal").resolved_config();
    let gitlab = config
        .federation
        .and_then(|federation| federation.gitlab)
        .expect("there");
    assert_eq!((gitlab.protected_only, gitlab.audience), (Some(true), None));
}

fn gitlab_on_gcp() -> Value {
    gitlab(gcp_minimal(), json!({}))
}
