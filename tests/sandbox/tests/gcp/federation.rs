//! Workload identity pools, the token exchange, and entering a service account.

use base64::Engine as _;
use mlops_sandbox::Caller;
use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT, add};

const POOLS: &str = "v1/projects/acme-ml/locations/global/workloadIdentityPools";
const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn provider() -> Value {
    json!({
        "displayName": "github",
        "oidc": {"issuerUri": GITHUB},
        "attributeMapping": {
            "google.subject": "\"gh:\" + assertion.repository_id + \":\" + assertion.run_id",
            "attribute.gate": "assertion.repository_id + \"/env/\" + assertion.environment",
        },
        "attributeCondition": "assertion.repository_owner_id == \"7\" && assertion.repository_id == \"42\"",
    })
}

fn pool(cloud: &mut Cloud) {
    cloud.ok(
        "iam",
        &format!("POST {POOLS}?workloadIdentityPoolId=mlops-prod"),
        json!({"displayName": "prod"}),
    );
    cloud.ok(
        "iam",
        &format!("POST {POOLS}/mlops-prod/providers?workloadIdentityPoolProviderId=github"),
        provider(),
    );
}

fn name(cloud: &Cloud) -> String {
    format!(
        "projects/{}/locations/global/workloadIdentityPools/mlops-prod",
        cloud.number
    )
}

fn jwt(claims: &Value) -> String {
    let part = |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.signature", part(&json!({"alg": "RS256"})), part(claims))
}

fn claims(cloud: &Cloud) -> Value {
    json!({
        "iss": GITHUB,
        "aud": format!("https://iam.googleapis.com/{}/providers/github", name(cloud)),
        "sub": "repo:acme/churn:environment:prod",
        "repository_id": "42",
        "repository_owner_id": "7",
        "run_id": "1001",
        "environment": "prod",
        "exp": cloud.at.as_second() + 300,
    })
}

fn exchange(audience: &str, token: &str) -> Value {
    json!({
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:jwt",
        "audience": audience,
        "subjectToken": token,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    })
}

/// Becomes whoever holds a token.
fn enter(cloud: &mut Cloud, answer: &Value) {
    let token = answer["access_token"].as_str().unwrap();
    cloud.caller = Caller {
        principal: cloud.world.gcp.tokens[token].holder(),
        operator: false,
    };
}

#[test]
fn pools_take_time_answer_with_the_number_and_keep_their_id_for_thirty_days() {
    let mut cloud = Cloud::new();
    let begun = cloud.ok(
        "iam",
        &format!("POST {POOLS}?workloadIdentityPoolId=mlops-prod"),
        json!({"displayName": "prod"}),
    );
    assert!(begun.get("done").is_none());
    cloud.later(10);
    let operation = begun["name"].as_str().unwrap();
    let done = cloud.ok("iam", &format!("GET v1/{operation}"), Value::Null);
    assert_eq!(
        (done["done"].as_bool(), done["response"]["name"].as_str()),
        (Some(true), Some(name(&cloud).as_str()))
    );
    let path = format!("{POOLS}/mlops-prod");
    assert_eq!(
        cloud.ok("iam", &format!("GET {path}"), Value::Null)["state"],
        "ACTIVE"
    );
    cloud.ok("iam", &format!("DELETE {path}"), Value::Null);
    let found = cloud.ok("iam", &format!("GET {path}"), Value::Null);
    assert_eq!(found["state"], "DELETED");
    assert!(found["expireTime"].is_string());
    let list = |cloud: &mut Cloud, query: &str| {
        let list = cloud.ok("iam", &format!("GET {POOLS}{query}"), Value::Null);
        list["workloadIdentityPools"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(
        (list(&mut cloud, ""), list(&mut cloud, "?showDeleted=true")),
        (0, 1)
    );
    cloud.no(
        "iam",
        &format!("POST {POOLS}?workloadIdentityPoolId=mlops-prod"),
        json!({}),
        (409, "ALREADY_EXISTS"),
    );
    cloud.no(
        "iam",
        &format!("PATCH {path}?updateMask=displayName"),
        json!({"displayName": "x"}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "iam",
        &format!("DELETE {path}"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok("iam", &format!("POST {path}:undelete"), json!({}));
    cloud.no(
        "iam",
        &format!("POST {path}:undelete"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok(
        "iam",
        &format!("PATCH {path}?updateMask=displayName,disabled"),
        json!({"displayName": "x"}),
    );
    cloud.ok("iam", &format!("DELETE {path}"), Value::Null);
    cloud.later(31 * 86_400);
    cloud.no("iam", &format!("GET {path}"), Value::Null, (404, "NOT_FOUND"));
}

#[test]
fn what_no_pool_or_provider_can_be_is_refused() {
    let mut cloud = Cloud::swift();
    for id in ["abc", "gcp-mine", "UPPER", &"x".repeat(33)] {
        cloud.no(
            "iam",
            &format!("POST {POOLS}?workloadIdentityPoolId={id}"),
            json!({}),
            (400, "INVALID_ARGUMENT"),
        );
    }
    cloud.no(
        "iam",
        "POST v1/projects/acme-ml/locations/europe-west1/workloadIdentityPools?workloadIdentityPoolId=some-pool",
        json!({}),
        (400, "INVALID_ARGUMENT"),
    );
    pool(&mut cloud);
    let path = format!("POST {POOLS}/mlops-prod/providers?workloadIdentityPoolProviderId=other");
    let mut refuse = |change: &dyn Fn(&mut Value), words: &str| {
        let mut body = provider();
        change(&mut body);
        let said = cloud.no("iam", &path, body, (400, "INVALID_ARGUMENT"));
        assert!(said.contains(words), "{said}");
    };
    refuse(
        &|p| p["attributeCondition"] = json!(""),
        "must reference one of the provider's claims",
    );
    refuse(
        &|p| p["attributeCondition"] = json!("true"),
        "must reference one of the provider's claims",
    );
    refuse(
        &|p| p["attributeCondition"] = json!("assertion.x =="),
        "Invalid attribute condition",
    );
    refuse(
        &|p| p["attributeMapping"] = json!({}),
        "google.subject is required",
    );
    refuse(
        &|p| p["attributeMapping"]["colour"] = json!("'red'"),
        "Invalid attribute mapping key: colour",
    );
    refuse(
        &|p| p["attributeMapping"]["attribute.x"] = json!("(("),
        "Invalid expression",
    );
    refuse(
        &|p| p["oidc"]["issuerUri"] = json!("http://issuer.example"),
        "https",
    );
    refuse(&|p| p["aws"] = json!({"accountId": "1"}), "Exactly one of");
    refuse(
        &|p| p["displayName"] = json!("x".repeat(33)),
        "displayName is too long",
    );
    cloud.no(
        "iam",
        &format!("POST {POOLS}/none-such/providers?workloadIdentityPoolProviderId=github"),
        provider(),
        (404, "NOT_FOUND"),
    );
    let condition = format!("PATCH {POOLS}/mlops-prod/providers/github?updateMask=attributeCondition");
    cloud.no("iam", &condition, json!({}), (400, "INVALID_ARGUMENT"));
    cloud.ok(
        "iam",
        &format!("DELETE {POOLS}/mlops-prod/providers/github"),
        Value::Null,
    );
    cloud.no(
        "iam",
        &format!("POST {POOLS}/mlops-prod/providers?workloadIdentityPoolProviderId=github"),
        provider(),
        (409, "ALREADY_EXISTS"),
    );
    cloud.ok(
        "iam",
        &format!("POST {POOLS}/mlops-prod/providers/github:undelete"),
        json!({}),
    );
}

#[test]
fn a_job_enters_the_account_that_trusts_its_gate_and_no_other() {
    let mut cloud = Cloud::swift();
    pool(&mut cloud);
    let deploy = cloud.account("deploy-prod");
    let runtime = cloud.account("runtime-prod");
    let gate = format!(
        "principalSet://iam.googleapis.com/{}/attribute.gate/42/env/prod",
        name(&cloud)
    );
    let path = format!("v1/projects/{PROJECT}/serviceAccounts/{deploy}");
    let mut policy = cloud.ok("iam", &format!("POST {path}:getIamPolicy"), Value::Null);
    add(&mut policy, "roles/iam.workloadIdentityUser", &gate);
    cloud.ok(
        "iam",
        &format!("POST {path}:setIamPolicy"),
        json!({"policy": policy}),
    );

    let audience = format!("//iam.googleapis.com/{}/providers/github", name(&cloud));
    let token = cloud.ok("sts", "POST v1/token", exchange(&audience, &jwt(&claims(&cloud))));
    assert_eq!(
        (token["token_type"].as_str(), token["expires_in"].as_i64()),
        (Some("Bearer"), Some(3_600))
    );
    enter(&mut cloud, &token);
    assert_eq!(
        cloud.caller.principal.lines().next().unwrap(),
        format!(
            "principal://iam.googleapis.com/{}/subject/gh:42:1001",
            name(&cloud)
        )
    );
    let generate = |email: &str| format!("POST v1/projects/-/serviceAccounts/{email}:generateAccessToken");
    let body = json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "600s"});
    let access = cloud.ok("iamcredentials", &generate(&deploy), body.clone());
    assert!(access["accessToken"].as_str().unwrap().starts_with("ya29."));
    let words = cloud.no(
        "iamcredentials",
        &generate(&runtime),
        body.clone(),
        (403, "PERMISSION_DENIED"),
    );
    assert!(words.contains("iam.serviceAccounts.getAccessToken"), "{words}");
    let long = json!({"scope": ["x"], "lifetime": "7200s"});
    cloud.no(
        "iamcredentials",
        &generate(&deploy),
        long,
        (400, "INVALID_ARGUMENT"),
    );
    let held = &cloud.world.gcp.tokens[access["accessToken"].as_str().unwrap()];
    assert_eq!(held.principal, format!("serviceAccount:{deploy}"));

    // Another environment of the same repository passes the condition and not the gate.
    cloud.caller = crate::cloud::operator();
    let mut dev = claims(&cloud);
    dev["environment"] = json!("dev");
    let token = cloud.ok("sts", "POST v1/token", exchange(&audience, &jwt(&dev)));
    enter(&mut cloud, &token);
    cloud.no(
        "iamcredentials",
        &generate(&deploy),
        body,
        (403, "PERMISSION_DENIED"),
    );
}

#[test]
fn tokens_that_should_not_pass_do_not() {
    let mut cloud = Cloud::swift();
    pool(&mut cloud);
    let audience = format!("//iam.googleapis.com/{}/providers/github", name(&cloud));
    let good = claims(&cloud);
    let mut refuse = |change: &dyn Fn(&mut Value), words: &str| {
        let mut bad = good.clone();
        change(&mut bad);
        let said = cloud.no(
            "sts",
            "POST v1/token",
            exchange(&audience, &jwt(&bad)),
            (400, "INVALID_ARGUMENT"),
        );
        assert!(said.contains(words), "{said}");
    };
    refuse(
        &|c| c["repository_owner_id"] = json!("8"),
        "rejected by the attribute condition",
    );
    refuse(&|c| c["iss"] = json!("https://evil.example"), "issuer");
    refuse(&|c| c["aud"] = json!("sts.amazonaws.com"), "audience");
    refuse(&|c| c["exp"] = json!(1), "stale");
    refuse(
        &|c| c["environment"] = json!(null),
        "Error evaluating the mapping of attribute.gate",
    );
    refuse(&|c| c["run_id"] = json!("9".repeat(130)), "1 to 127 bytes");
    let token = jwt(&good);
    for audience in [
        "",
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/mlops-prod/providers/github",
    ] {
        cloud.no(
            "sts",
            "POST v1/token",
            exchange(audience, &token),
            (400, "INVALID_ARGUMENT"),
        );
    }
    cloud.no(
        "sts",
        "POST v1/token",
        exchange(&audience, "no-jwt"),
        (400, "INVALID_ARGUMENT"),
    );
    let mut other = exchange(&audience, &token);
    other["grantType"] = json!("password");
    cloud.no("sts", "POST v1/token", other, (400, "INVALID_ARGUMENT"));
    cloud.ok("iam", &format!("DELETE {POOLS}/mlops-prod"), Value::Null);
    cloud.no(
        "sts",
        "POST v1/token",
        exchange(&audience, &token),
        (400, "INVALID_ARGUMENT"),
    );
}

#[test]
fn a_pod_enters_by_its_service_account() {
    let mut cloud = Cloud::swift();
    let runtime = cloud.account("runtime-churn");
    let cluster = json!({"cluster": {
        "name": "prod",
        "initialNodeCount": 1,
        "workloadIdentityConfig": {"workloadPool": "acme-ml.svc.id.goog"},
    }});
    cloud.ok(
        "container",
        "POST v1/projects/acme-ml/locations/europe-west1/clusters",
        cluster,
    );
    cloud.later(1);
    cloud.ok(
        "container",
        "GET v1/projects/acme-ml/locations/europe-west1/clusters/prod",
        Value::Null,
    );
    let path = format!("v1/projects/{PROJECT}/serviceAccounts/{runtime}");
    let mut policy = json!({"etag": "ACAB"});
    add(
        &mut policy,
        "roles/iam.workloadIdentityUser",
        "serviceAccount:acme-ml.svc.id.goog[churn/churn-sa]",
    );
    cloud.ok(
        "iam",
        &format!("POST {path}:setIamPolicy"),
        json!({"policy": policy}),
    );
    let issuer = "https://container.googleapis.com/v1/projects/acme-ml/locations/europe-west1/clusters/prod";
    let audience = format!("identitynamespace:acme-ml.svc.id.goog:{issuer}");
    let token = |sub: &str| jwt(&json!({"iss": issuer, "aud": ["acme-ml.svc.id.goog"], "sub": sub}));
    let generate = format!("POST v1/projects/-/serviceAccounts/{runtime}:generateAccessToken");
    let body = json!({"scope": ["https://www.googleapis.com/auth/cloud-platform"]});
    let answer = cloud.ok(
        "sts",
        "POST v1/token",
        exchange(&audience, &token("system:serviceaccount:churn:churn-sa")),
    );
    enter(&mut cloud, &answer);
    cloud.ok("iamcredentials", &generate, body.clone());
    cloud.caller = crate::cloud::operator();
    let answer = cloud.ok(
        "sts",
        "POST v1/token",
        exchange(&audience, &token("system:serviceaccount:churn:default")),
    );
    enter(&mut cloud, &answer);
    cloud.no("iamcredentials", &generate, body, (403, "PERMISSION_DENIED"));
    cloud.caller = crate::cloud::operator();
    for wrong in ["user:x", "system:serviceaccount:only"] {
        cloud.no(
            "sts",
            "POST v1/token",
            exchange(&audience, &token(wrong)),
            (400, "INVALID_ARGUMENT"),
        );
    }
    cloud.no(
        "sts",
        "POST v1/token",
        exchange(
            "identitynamespace:other.svc.id.goog:x",
            &token("system:serviceaccount:a:b"),
        ),
        (400, "INVALID_ARGUMENT"),
    );
}
