//! Acting as the identities that were made: a token is exchanged for an account as pipelines and pods do it, and Google Cloud
//! decides on every call by the policies that stand in it.

use mlops_e2e::act::tried;
use mlops_e2e::gcp::{PROJECT, REGION};
use serde_json::{Value, json};

use crate::ground::{Ground, SERVICE, account, ground, text};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// A pipeline's token at a gate; of a repository by its name today, and its id.
fn pipeline(environment: &Value, claim: (&str, &str), (name, id): (&str, &str)) -> (Value, String) {
    let provider = text(environment, "/federation_info/github_provider");
    let audience = format!("//iam.googleapis.com/{provider}");
    let mut token = json!({
        "iss": GITHUB,
        "aud": format!("https://iam.googleapis.com/{provider}"),
        "sub": format!("repo:acme@1/{name}@{id}:{}", match claim {
            ("environment", gate) => format!("environment:{gate}"),
            (_, branch) => format!("ref:{branch}"),
        }),
        "repository": format!("acme/{name}"),
        "repository_id": id,
        "repository_owner_id": "1",
        "run_id": "7",
        "event_name": "push",
        "ref": "refs/heads/main",
    });
    token[claim.0] = json!(claim.1);
    (token, audience)
}

/// The repository that was configured.
const OURS: (&str, &str) = ("churn", "2");

/// A job of GitLab on main: its project, whether the ref is protected, and perhaps its environment.
fn job(environment: &Value, project: &str, protected: bool, gate: Option<(&str, bool)>) -> (Value, String) {
    let provider = text(environment, "/federation_info/gitlab_provider");
    let mut token = json!({
        "iss": "https://gitlab.com",
        "aud": text(environment, "/federation_info/gitlab_audience"),
        "sub": "project_path:acme/churn:ref_type:branch:ref:main",
        "project_path": "acme/churn",
        "project_id": project,
        "job_id": "7",
        "pipeline_source": "push",
        "ref": "main",
        "ref_type": "branch",
        "ref_path": "refs/heads/main",
        "ref_protected": protected.to_string(),
    });
    if let Some((name, protected)) = gate {
        token["environment"] = json!(name);
        token["environment_protected"] = json!(protected.to_string());
    }
    (token, format!("//iam.googleapis.com/{provider}"))
}

/// A pod's token.
fn pod(environment: &Value, namespace: &str, service_account: &str) -> (Value, String) {
    let pool = text(environment, "/cluster_info/workload_pool");
    let issuer = text(environment, "/cluster_info/oidc_issuer");
    let token = json!({
        "iss": issuer,
        "aud": [pool],
        "sub": format!("system:serviceaccount:{namespace}:{service_account}"),
    });
    (token, format!("identitynamespace:{pool}:{issuer}"))
}

fn door((token, audience): (Value, String), account: &str, tries: Value) -> Value {
    json!({ "token": token, "audience": audience, "account": account, "tries": tries })
}

/// Objects of two services in a bucket, put there by the operator.
fn fill(ground: &Ground, bucket: &str) {
    for name in ["churn%2Fm", "fraud%2Fm", "churn%2Freference%2Fr"] {
        let path = format!("storage/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}");
        ground.ask(&http::Method::POST, &path, Some(&json!({ "a": 1 })));
    }
}

/// B11 (the cloud's side), B72, B75, B76, B77 over the wire: who enters where, and what each may and may not.
#[test]
fn identities_may_what_they_are_for_and_nothing_else() {
    const TEST: &str = "identities_may_what_they_are_for_and_nothing_else";
    let Some(ground) = ground(TEST) else { return };
    let gitlab = "federation = { gitlab = { project_path = \"acme/churn\", project_id = \"42\" }, github";
    ground.configure(&SERVICE.replace("federation = { github", gitlab));
    ground.apply().expect(0);
    let environment = ground.environment();
    let bucket = |purpose: &str| text(&environment["bucket_info"][purpose], "/name").to_owned();
    for purpose in ["data", "models", "predictions", "reports"] {
        fill(&ground, &bucket(purpose));
    }
    ground.sandbox.enforce(true);

    let object = |purpose: &str, name: &str| {
        let path = format!("storage/storage/v1/b/{}/o/{name}?alt=media", bucket(purpose));
        json!(["GET", path, null])
    };
    let put = |purpose: &str, name: &str| {
        let path = format!(
            "storage/upload/storage/v1/b/{}/o?uploadType=media&name={name}",
            bucket(purpose)
        );
        json!(["POST", path, "x"])
    };
    let repository = text(&environment, "/components/registry/id");
    let cluster = text(&environment, "/cluster_info/arn");
    let list = |purpose: &str| json!(["GET", format!("storage/storage/v1/b/{}/o", bucket(purpose)), null]);
    let delete = |purpose: &str, name: &str| {
        json!([
            "DELETE",
            format!("storage/storage/v1/b/{}/o/{name}", bucket(purpose)),
            null
        ])
    };
    let common = json!({
        "policy": ["POST", format!("cloudresourcemanager/v3/projects/{PROJECT}:setIamPolicy"), { "policy": {} }],
        "key": ["POST", format!("iam/v1/projects/{PROJECT}/serviceAccounts/{}/keys", account(&environment, "runtime", Some("churn"))), {}],
        "bucket": ["DELETE", format!("storage/storage/v1/b/{}", bucket("models")), null],
        "clusters": ["DELETE", format!("container/v1/{cluster}"), null],
    });
    let with = |own: Value| {
        let mut tries = common.clone();
        tries
            .as_object_mut()
            .unwrap()
            .extend(own.as_object().unwrap().clone());
        tries
    };
    let main = ("ref", "refs/heads/main");
    let gated = ("environment", "gcp-dev");
    let (ci, deploy) = (
        account(&environment, "ci", None),
        account(&environment, "deploy", None),
    );
    let runtime = account(&environment, "runtime", Some("churn"));
    let drift = account(&environment, "drift", Some("churn"));
    let retrain = account(&environment, "retrain", Some("churn"));
    let workload = |purpose: &str| {
        let info = &environment["identity_info"][purpose]["churn"];
        pod(
            &environment,
            text(info, "/namespace"),
            text(info, "/service_account"),
        )
    };
    let doors = json!({
        "ci": door(pipeline(&environment, main, OURS), &ci, with(json!({
            "registry": ["GET", format!("artifactregistry/v1/{repository}"), null],
            "model": object("models", "churn%2Fm"),
            "cluster": ["GET", format!("container/v1/{cluster}"), null],
        }))),
        "deploy": door(pipeline(&environment, gated, OURS), &deploy, with(json!({
            "registry": ["GET", format!("artifactregistry/v1/{repository}"), null],
            "cluster": ["GET", format!("container/v1/{cluster}"), null],
            "model": object("models", "churn%2Fm"),
        }))),
        "runtime": door(workload("runtime"), &runtime, with(json!({
            "own model": object("models", "churn%2Fm"),
            "other's model": object("models", "fraud%2Fm"),
            "all models": list("models"),
            "write own model": put("models", "churn%2Fnew"),
            "delete own model": delete("models", "churn%2Fm"),
            "append": put("predictions", "churn%2Fp1"),
            "overwrite": put("predictions", "churn%2Fm"),
            "other's predictions": put("predictions", "fraud%2Fp1"),
            "registry": ["GET", format!("artifactregistry/v1/{repository}"), null],
            "cluster": ["GET", format!("container/v1/{cluster}"), null],
        }))),
        "drift": door(workload("drift"), &drift, with(json!({
            "reference": object("data", "churn%2Freference%2Fr"),
            "training data": object("data", "churn%2Fm"),
            "report": put("reports", "churn%2Fr1"),
            "model": object("models", "churn%2Fm"),
        }))),
        // Tried in the order of their names.
        "retrain": door(workload("retrain"), &retrain, with(json!({
            "training data": object("data", "churn%2Fm"),
            "a new version": put("models", "churn%2Fversions%2F1"),
            "again": put("models", "churn%2Fversions%2F1"),
            "champion": put("models", "churn%2Fm"),
            "delete version": delete("models", "churn%2Fversions%2F1"),
        }))),
        "gitlab's main": door(job(&environment, "42", true, None), &ci, with(json!({
            "registry": ["GET", format!("artifactregistry/v1/{repository}"), null],
        }))),
        "gitlab's gate": door(job(&environment, "42", true, Some(("gcp-dev", true))), &deploy, with(json!({
            "cluster": ["GET", format!("container/v1/{cluster}"), null],
        }))),
        "gitlab's main enters deploy": door(job(&environment, "42", true, None), &deploy, json!({})),
        "gitlab's gate enters ci": door(job(&environment, "42", true, Some(("gcp-dev", true))), &ci, json!({})),
        "an unprotected ref enters ci": door(job(&environment, "42", false, None), &ci, json!({})),
        "an unprotected gate enters deploy": door(job(&environment, "42", true, Some(("gcp-dev", false))), &deploy, json!({})),
        "another project enters ci": door(job(&environment, "43", true, None), &ci, json!({})),
        "main enters deploy": door(pipeline(&environment, main, OURS), &deploy, json!({})),
        "the gate enters ci": door(pipeline(&environment, gated, OURS), &ci, json!({})),
        "prod's gate enters deploy": door(pipeline(&environment, ("environment", "gcp-prod"), OURS), &deploy, json!({})),
        "a branch enters ci": door(pipeline(&environment, ("ref", "refs/heads/evil"), OURS), &ci, json!({})),
        "another repository enters ci": door(pipeline(&environment, main, ("churn", "3")), &ci, json!({})),
        "another pod enters runtime": door(pod(&environment, "churn-dev", "default"), &runtime, json!({})),
        "drift's pod enters retrain": door(workload("drift"), &retrain, json!({})),
    });
    let Some(found) = tried("act_google.py", "google.auth", &[&ground.sandbox.url], &doors) else {
        eprintln!("skipped {TEST}: tests/.venv has no google-auth; `make venv` installs it");
        return;
    };
    let expected = [
        ("ci", vec![("registry", 200), ("model", 403), ("cluster", 403)]),
        (
            "deploy",
            vec![("registry", 200), ("cluster", 200), ("model", 403)],
        ),
        ("gitlab's main", vec![("registry", 200)]),
        ("gitlab's gate", vec![("cluster", 200)]),
        (
            "runtime",
            vec![
                ("own model", 200),
                ("other's model", 403),
                ("all models", 403),
                ("write own model", 403),
                ("delete own model", 403),
                ("append", 200),
                ("overwrite", 403),
                ("other's predictions", 403),
                ("registry", 403),
                ("cluster", 403),
            ],
        ),
        (
            "drift",
            vec![
                ("reference", 200),
                ("training data", 403),
                ("report", 200),
                ("model", 403),
            ],
        ),
        (
            "retrain",
            vec![
                ("training data", 200),
                ("a new version", 200),
                ("again", 403),
                ("champion", 403),
                ("delete version", 403),
            ],
        ),
    ];
    for (identity, tries) in expected {
        let said = &found[identity];
        assert_eq!(said["entered"], true, "{identity}: {said}");
        let never = ["policy", "key", "bucket", "clusters"].map(|name| (name, 403));
        for (name, status) in tries.into_iter().chain(never) {
            assert_eq!(said["tries"][name], status, "{identity}: {name}");
        }
    }
    for (name, said) in found.as_object().unwrap() {
        if name.contains(" enters ") {
            assert!(said["entered"].is_string(), "{name}: {said}");
        }
    }
    assert!(text(&environment, "/cluster_info/location") == REGION);

    // B76: the repository gets another name and keeps its id; whoever takes the old name is somebody else.
    ground.configure(&SERVICE.replace("acme/churn", "acme/retention"));
    ground.apply().expect(0);
    ground.plan().expect(0);
    let environment = ground.environment();
    assert_eq!(account(&environment, "ci", None), ci);
    let (renamed, squatter) = (("retention", "2"), ("churn", "9"));
    let doors = json!({
        "renamed enters ci": door(pipeline(&environment, main, renamed), &ci, json!({})),
        "renamed enters deploy": door(pipeline(&environment, gated, renamed), &deploy, json!({})),
        "renamed branch enters deploy": door(pipeline(&environment, main, renamed), &deploy, json!({})),
        "squatter enters ci": door(pipeline(&environment, main, squatter), &ci, json!({})),
        "squatter enters deploy": door(pipeline(&environment, gated, squatter), &deploy, json!({})),
    });
    let found = tried("act_google.py", "google.auth", &[&ground.sandbox.url], &doors).unwrap();
    for (name, said) in found.as_object().unwrap() {
        let enters = matches!(name.as_str(), "renamed enters ci" | "renamed enters deploy");
        assert_eq!(said["entered"] == true, enters, "{name}: {said}");
    }
}
