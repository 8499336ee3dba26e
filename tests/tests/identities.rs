//! Acting as the roles that were made on AWS: a token is exchanged for a role as pipelines and pods do it, and AWS decides on
//! every call by the policies that stand in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use mlops_e2e::act::tried;
use mlops_e2e::cloud::{Cloud, REGION};
use mlops_e2e::terraform::{Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

const TEST: &str = "roles_may_what_they_are_for_and_nothing_else";

fn text(value: &Value, path: &str) -> String {
    let found = value.pointer(path).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no text at {path} in {value:#}"))
        .to_owned()
}

fn pipeline(claim: &str) -> Value {
    json!({
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "sts.amazonaws.com",
        "sub": format!("repo:acme@1/churn@2:{claim}"),
        "repository": "acme/churn",
    })
}

/// A job of GitLab: STS reads audience and subject.
fn job(subject: &str) -> Value {
    json!({ "iss": "https://gitlab.com", "aud": "https://gitlab.com", "sub": subject })
}

/// B72, B75, B77 over the wire.
#[test]
fn roles_may_what_they_are_for_and_nothing_else() {
    if !available() {
        eprintln!("skipped {TEST}: terraform is not on the path (set TERRAFORM to its place)");
        return;
    }
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let (sandbox, network) = (cloud.sandbox().unwrap(), cloud.network().unwrap());
    let workspace = Workspace::new();
    workspace.write(
        "main.tf",
        &format!(
            r#"{}
resource "mlops_environment" "this" {{
  name = "churn-dev"
  tier = "dev"
  {}
  services = {{
    churn = {{ secrets = {{ feature-store = {{ readers = ["runtime"] }} }} }}
  }}
  federation = {{
    github = {{ repository = "acme/churn", owner_id = "1", repository_id = "2" }}
    gitlab = {{ project_path = "acme/churn", environments = {{ tier = "staging" }} }}
  }}
}}
"#,
            provider_block(&cloud),
            aws_block(&network)
        ),
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    let environment = workspace.resource("mlops_environment.this");
    let bucket = |purpose: &str| text(&environment["bucket_info"][purpose], "/name");
    for purpose in ["data", "models", "predictions"] {
        for key in ["churn/m", "fraud/m", "churn/reference/r"] {
            let input = json!({ "Bucket": bucket(purpose), "Key": key });
            sandbox
                .ask(REGION, "s3", "PutObject", input)
                .unwrap_or_else(|refusal| panic!("{refusal}"));
        }
    }
    sandbox.enforce(true);

    let get =
        |purpose: &str, key: &str| json!(["s3", "get_object", { "Bucket": bucket(purpose), "Key": key }]);
    let put = |purpose: &str, key: &str| json!(["s3", "put_object", { "Bucket": bucket(purpose), "Key": key, "Body": "x" }]);
    let delete =
        |purpose: &str, key: &str| json!(["s3", "delete_object", { "Bucket": bucket(purpose), "Key": key }]);
    let issuer = text(&environment, "/cluster_info/oidc_issuer");
    let pod = |namespace: &str, account: &str| json!({ "iss": issuer, "aud": "sts.amazonaws.com", "sub": format!("system:serviceaccount:{namespace}:{account}") });
    let workload = |purpose: &str| {
        let info = &environment["identity_info"][purpose]["churn"];
        pod(&text(info, "/namespace"), &text(info, "/service_account"))
    };
    let role = |purpose: &str| {
        let info = &environment["identity_info"][purpose];
        let info = if info["principal"].is_string() {
            info
        } else {
            &info["churn"]
        };
        text(info, "/principal")
    };
    let common = json!({
        "role": ["iam", "create_role", { "RoleName": "evil", "AssumeRolePolicyDocument": "{\"Version\":\"2012-10-17\",\"Statement\":[]}" }],
        "bucket": ["s3", "delete_bucket", { "Bucket": bucket("models") }],
        "policy": ["s3", "delete_bucket_policy", { "Bucket": bucket("models") }],
        "end": ["eks", "delete_cluster", { "name": "churn-dev" }],
    });
    let door = |token: Value, purpose: &str, own: Value| {
        let mut tries = common.clone();
        tries
            .as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        json!({ "token": token, "role": role(purpose), "tries": tries })
    };
    let images = json!(["ecr", "describe_images", { "repositoryName": "churn-dev/churn-predictor" }]);
    let upload = json!(["ecr", "initiate_layer_upload", { "repositoryName": "churn-dev/churn-predictor" }]);
    let cluster = json!(["eks", "describe_cluster", { "name": "churn-dev" }]);
    let doors = json!({
        "ci": door(pipeline("ref:refs/heads/main"), "ci", json!({
            "images": images, "upload": upload, "cluster": cluster, "model": get("models", "churn/m"),
        })),
        "deploy": door(pipeline("environment:aws-dev"), "deploy", json!({
            "images": images, "upload": upload, "cluster": cluster, "model": get("models", "churn/m"),
        })),
        "runtime": door(workload("runtime"), "runtime", json!({
            "own model": get("models", "churn/m"),
            "other's model": get("models", "fraud/m"),
            "all models": ["s3", "list_objects_v2", { "Bucket": bucket("models") }],
            "own models": ["s3", "list_objects_v2", { "Bucket": bucket("models"), "Prefix": "churn/" }],
            "write own model": put("models", "churn/new"),
            "append": put("predictions", "churn/p1"),
            "delete": delete("predictions", "churn/p1"),
            "other's predictions": put("predictions", "fraud/p1"),
            "cluster": cluster,
        })),
        "retrain": door(workload("retrain"), "retrain", json!({
            "training data": get("data", "churn/m"),
            "new version": put("models", "churn/versions/1"),
            "champion": put("models", "churn/m"),
            "delete version": delete("models", "churn/versions/1"),
            "upload": upload,
        })),
        "gitlab's main": door(job("project_path:acme/churn:ref_type:branch:ref:main"), "ci", json!({ "upload": upload })),
        "gitlab's gate": door(
            job("project_path:acme/churn:environment_protected:true:deployment_tier:staging:ref_type:branch:ref:main"),
            "deploy", json!({ "cluster": cluster }),
        ),
        "gitlab's branch enters ci": door(job("project_path:acme/churn:ref_type:branch:ref:evil"), "ci", json!({})),
        "gitlab's fork enters ci": door(job("project_path:evil/churn:ref_type:branch:ref:main"), "ci", json!({})),
        "gitlab's main enters deploy": door(job("project_path:acme/churn:ref_type:branch:ref:main"), "deploy", json!({})),
        "gitlab's unprotected gate enters deploy": door(
            job("project_path:acme/churn:environment_protected:false:deployment_tier:staging:ref_type:branch:ref:main"),
            "deploy", json!({}),
        ),
        "main enters deploy": door(pipeline("ref:refs/heads/main"), "deploy", json!({})),
        "the gate enters ci": door(pipeline("environment:aws-dev"), "ci", json!({})),
        "prod's gate enters deploy": door(pipeline("environment:aws-prod"), "deploy", json!({})),
        "a pull request enters ci": door(pipeline("pull_request"), "ci", json!({})),
        "another pod enters runtime": door(pod("churn-dev", "default"), "runtime", json!({})),
        "drift's pod enters retrain": door(workload("drift"), "retrain", json!({})),
    });
    let Some(found) = tried("act_aws.py", "boto3", &[&cloud.url, REGION], &doors) else {
        eprintln!("skipped {TEST}: tests/.venv has no boto3; `make venv` installs it");
        return;
    };
    let (yes, no) = ("ok", "denied");
    let expected = [
        (
            "ci",
            vec![("images", yes), ("upload", yes), ("cluster", no), ("model", no)],
        ),
        (
            "deploy",
            vec![("images", yes), ("upload", no), ("cluster", yes), ("model", no)],
        ),
        ("gitlab's main", vec![("upload", yes)]),
        ("gitlab's gate", vec![("cluster", yes)]),
        (
            "runtime",
            vec![
                ("own model", yes),
                ("other's model", no),
                ("all models", no),
                ("own models", yes),
                ("write own model", no),
                ("append", yes),
                ("delete", no),
                ("other's predictions", no),
                ("cluster", no),
            ],
        ),
        (
            "retrain",
            vec![
                ("training data", yes),
                ("new version", yes),
                ("champion", no),
                ("delete version", no),
                ("upload", no),
            ],
        ),
    ];
    for (identity, tries) in expected {
        let said = &found[identity];
        assert_eq!(said["entered"], true, "{identity}: {said}");
        let never = ["role", "bucket", "policy", "end"].map(|name| (name, no));
        for (name, wanted) in tries.into_iter().chain(never) {
            let code = said["tries"][name].as_str().unwrap_or_default();
            let came = if code.starts_with("AccessDenied") {
                no
            } else {
                code
            };
            assert_eq!(came, wanted, "{identity}: {name}: {code}");
        }
    }
    for (name, said) in found.as_object().unwrap() {
        if name.contains(" enters ") {
            assert_eq!(said["entered"], "AccessDenied", "{name}");
        }
    }
}
