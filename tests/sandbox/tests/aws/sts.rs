//! Sessions: entering a role, and what is refused at the door.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mlops_sandbox::aws::sts::{Closed, open};
use serde_json::{Value, json};

use crate::cloud::{ACCOUNT, Cloud};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

pub(crate) fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.signature", part(&json!({"alg": "RS256"})), part(claims))
}

fn claims(cloud: &Cloud) -> Value {
    let now = cloud.at.as_second();
    json!({
        "iss": GITHUB, "sub": "repo:acme/churn:environment:prod", "aud": "sts.amazonaws.com",
        "iat": now, "nbf": now, "exp": now + 600, "repository": "acme/churn",
    })
}

/// A provider for GitHub, and a role that lets one environment of one repository in.
fn federated(cloud: &mut Cloud) -> String {
    let made = cloud.ok(
        "iam",
        "CreateOpenIDConnectProvider",
        json!({"Url": GITHUB, "ClientIDList": ["sts.amazonaws.com"]}),
    );
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": made["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
            "StringLike": {"token.actions.githubusercontent.com:sub": "repo:acme/churn:environment:*"},
        },
    }]});
    let role = cloud.ok(
        "iam",
        "CreateRole",
        json!({"RoleName": "ci", "Path": "/mlops/", "AssumeRolePolicyDocument": trust.to_string()}),
    );
    role["Role"]["Arn"].as_str().unwrap().to_owned()
}

fn enter(role: &str, token: String) -> Value {
    json!({"RoleArn": role, "RoleSessionName": "run-1", "WebIdentityToken": token})
}

#[test]
fn a_token_that_the_trust_policy_names_opens_a_session() {
    let mut cloud = Cloud::new();
    let role = federated(&mut cloud);
    let answer = cloud.ok(
        "sts",
        "AssumeRoleWithWebIdentity",
        enter(&role, token(&claims(&cloud))),
    );
    assert_eq!(
        answer["SubjectFromWebIdentityToken"],
        "repo:acme/churn:environment:prod"
    );
    assert_eq!(
        answer["AssumedRoleUser"]["Arn"],
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/ci/run-1")
    );
    let of = |member: &str| answer["Credentials"][member].as_str().unwrap().to_owned();
    let (key, secret) = (of("AccessKeyId"), of("SessionToken"));
    assert!(key.starts_with("ASIA") && key.len() == 20);
    let session = open(&cloud.world, &key, Some(&secret), cloud.at).unwrap();
    assert_eq!(session.role, role);
    assert_eq!(
        open(&cloud.world, &key, Some("other"), cloud.at),
        Err(Closed::Unknown)
    );
    assert_eq!(open(&cloud.world, &key, None, cloud.at), Err(Closed::Unknown));
    assert_eq!(
        open(&cloud.world, "ASIANEVERGIVEN", Some(&secret), cloud.at),
        Err(Closed::Unknown)
    );
    cloud.later(3_600.0);
    assert_eq!(
        open(&cloud.world, &key, Some(&secret), cloud.at),
        Err(Closed::Expired)
    );
}

#[test]
fn a_session_says_who_it_is() {
    let mut cloud = Cloud::new();
    let role = federated(&mut cloud);
    assert_eq!(
        cloud.ok("sts", "GetCallerIdentity", json!({}))["Arn"],
        format!("arn:aws:iam::{ACCOUNT}:user/operator")
    );
    let answer = cloud.ok(
        "sts",
        "AssumeRoleWithWebIdentity",
        enter(&role, token(&claims(&cloud))),
    );
    cloud.caller.operator = false;
    cloud.caller.principal = answer["AssumedRoleUser"]["Arn"].as_str().unwrap().into();
    let who = cloud.ok("sts", "GetCallerIdentity", json!({}));
    assert_eq!(who["UserId"], answer["AssumedRoleUser"]["AssumedRoleId"]);
    assert_eq!(who["Account"], ACCOUNT);
}

#[test]
fn every_flaw_of_a_token_is_told_in_stss_words() {
    let mut cloud = Cloud::new();
    let role = federated(&mut cloud);
    let with = |cloud: &Cloud, change: &dyn Fn(&mut Value)| {
        let mut changed = claims(cloud);
        change(&mut changed);
        token(&changed)
    };
    let now = cloud.at.as_second();
    for (text, code, words) in [
        ("no token".to_owned(), "InvalidIdentityToken", "not a valid JWT"),
        ("a.b.c".to_owned(), "InvalidIdentityToken", "not a valid JWT"),
        (
            with(&cloud, &|c| c["iss"] = "https://i.example".into()),
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://i.example",
        ),
        (
            with(&cloud, &|c| c["aud"] = "other".into()),
            "InvalidIdentityToken",
            "Incorrect token audience",
        ),
        (
            with(&cloud, &|c| c["aud"] = Value::Null),
            "InvalidIdentityToken",
            "aud",
        ),
        (
            with(&cloud, &|c| c["sub"] = Value::Null),
            "InvalidIdentityToken",
            "sub",
        ),
        (
            with(&cloud, &|c| c["exp"] = Value::Null),
            "InvalidIdentityToken",
            "exp",
        ),
        (
            with(&cloud, &|c| c["exp"] = (now - 1).into()),
            "ExpiredTokenException",
            "Token expired",
        ),
        (
            with(&cloud, &|c| c["nbf"] = (now + 900).into()),
            "InvalidIdentityToken",
            "not valid yet",
        ),
        (
            with(&cloud, &|c| {
                c["sub"] = "repo:acme/churn:ref:refs/heads/main".into()
            }),
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
    ] {
        let (said, message) = cloud.no("sts", "AssumeRoleWithWebIdentity", enter(&role, text));
        assert_eq!(said, code, "{message}");
        assert!(message.contains(words), "{message}");
    }
    let good = token(&claims(&cloud));
    let (code, _) = cloud.no(
        "sts",
        "AssumeRoleWithWebIdentity",
        enter(&format!("{role}-none"), good.clone()),
    );
    assert_eq!(code, "AccessDenied");
    let mut long = enter(&role, good);
    long["DurationSeconds"] = 7_200.into();
    assert!(
        cloud
            .no("sts", "AssumeRoleWithWebIdentity", long)
            .1
            .contains("MaxSessionDuration")
    );
}

#[test]
fn a_fresh_role_cannot_be_entered_yet() {
    let mut cloud = Cloud::new();
    cloud.world.behaviour.lag = 10.0;
    let role = federated(&mut cloud);
    let input = enter(&role, token(&claims(&cloud)));
    assert_eq!(
        cloud.no("sts", "AssumeRoleWithWebIdentity", input.clone()).0,
        "AccessDenied"
    );
    cloud.later(10.0);
    cloud.ok("sts", "AssumeRoleWithWebIdentity", input);
}

fn trusting(who: &Value, condition: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": who}, "Action": ["sts:AssumeRole", "sts:TagSession"], "Condition": condition,
    }]})
    .to_string()
}

#[test]
fn a_role_is_entered_by_whom_it_trusts_on_its_terms() {
    let mut cloud = Cloud::new();
    let root = json!(format!("arn:aws:iam::{ACCOUNT}:root"));
    let role = |cloud: &mut Cloud, name: &str, document: String| {
        let made = cloud.ok(
            "iam",
            "CreateRole",
            json!({"RoleName": name, "AssumeRolePolicyDocument": document}),
        );
        made["Role"]["Arn"].as_str().unwrap().to_owned()
    };
    let open = role(&mut cloud, "open", trusting(&root, json!({})));
    let agreed = role(
        &mut cloud,
        "agreed",
        trusting(&root, json!({"StringEquals": {"sts:ExternalId": "x"}})),
    );
    let plane = cloud.role("plane", "eks.amazonaws.com");
    let chain = role(&mut cloud, "chain", trusting(&json!(open), json!({})));
    let enter = |arn: &str| json!({"RoleArn": arn, "RoleSessionName": "s"});

    // Not even the operator enters what trusts somebody else.
    let (code, message) = cloud.no("sts", "AssumeRole", enter(&plane));
    assert_eq!(code, "AccessDenied");
    assert_eq!(
        message,
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/operator is not authorized to perform: sts:AssumeRole on resource: {plane}"
        )
    );
    assert_eq!(cloud.no("sts", "AssumeRole", enter(&agreed)).0, "AccessDenied");
    let mut with = enter(&agreed);
    with["ExternalId"] = "x".into();
    cloud.ok("sts", "AssumeRole", with);
    assert_eq!(cloud.no("sts", "AssumeRole", enter(&chain)).0, "AccessDenied");

    let session = cloud.ok("sts", "AssumeRole", enter(&open));
    cloud.caller.operator = false;
    cloud.caller.principal = session["AssumedRoleUser"]["Arn"].as_str().unwrap().into();
    cloud.ok("sts", "AssumeRole", enter(&chain));
    // Chained sessions last an hour at most.
    let mut long = enter(&chain);
    long["DurationSeconds"] = 3_601.into();
    assert!(cloud.no("sts", "AssumeRole", long).1.contains("chaining"));
    // A root that delegates leaves the decision to the caller's own policies, of which it has none.
    assert_eq!(cloud.no("sts", "AssumeRole", enter(&agreed)).0, "AccessDenied");
}

#[test]
fn session_policies_must_be_read_and_fit() {
    let mut cloud = Cloud::new();
    let root = json!(format!("arn:aws:iam::{ACCOUNT}:root"));
    let made = cloud.ok(
        "iam",
        "CreateRole",
        json!({"RoleName": "open", "AssumeRolePolicyDocument": trusting(&root, json!({}))}),
    );
    let enter = |member: &str, value: Value| {
        let mut input = json!({"RoleArn": made["Role"]["Arn"], "RoleSessionName": "s"});
        input[member] = value;
        input
    };
    let long = crate::cloud::allow(&["s3:*"], &format!("arn:aws:s3:::{}", "x".repeat(2_100)));
    assert_eq!(
        cloud.no("sts", "AssumeRole", enter("Policy", "{".into())).0,
        "MalformedPolicyDocument"
    );
    assert_eq!(
        cloud.no("sts", "AssumeRole", enter("Policy", long.into())).0,
        "PackedPolicyTooLarge"
    );
    assert_eq!(
        cloud
            .no(
                "sts",
                "AssumeRole",
                enter("PolicyArns", json!([{"arn": "arn:aws:iam::aws:policy/None"}]))
            )
            .0,
        "ValidationError"
    );
    let many = vec![json!({"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}); 11];
    assert_eq!(
        cloud.no("sts", "AssumeRole", enter("PolicyArns", many.into())).0,
        "ValidationError"
    );
    assert_eq!(
        cloud.no("sts", "AssumeRole", enter("SerialNumber", "m".into())).0,
        "ValidationError"
    );
    assert_eq!(
        cloud.no("sts", "GetSessionToken", json!({})).0,
        "UnknownOperationException"
    );
    assert_eq!(
        cloud.ok("sts", "GetAccessKeyInfo", json!({"AccessKeyId": "AKIAX"}))["Account"],
        ACCOUNT
    );
}
