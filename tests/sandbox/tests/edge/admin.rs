//! The endpoint for everybody who is not Rust.

use mlops_sandbox::Sandbox;
use serde_json::json;

use crate::wire::{create_role, role_stands, send, signed_by};

fn ask(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> serde_json::Value {
    let came = send(sandbox, method, &format!("/_sandbox/{path}"), &[], body).unwrap();
    assert_eq!(came.status, 200, "{method} {path}: {came:?}");
    came.json()
}

#[test]
fn everything_can_be_controlled() {
    let sandbox = Sandbox::builder().start().unwrap();
    assert_eq!(ask(&sandbox, "GET", "health", "")["status"], "ok");

    let empty = send(&sandbox, "GET", "/_sandbox/snapshot", &[], "").unwrap().body;
    create_role(&sandbox, "a").unwrap();
    let changed = ask(&sandbox, "POST", "compare", &empty);
    assert!(!changed.as_array().unwrap().is_empty());
    assert_eq!(
        ask(&sandbox, "GET", "journal?counts", ""),
        json!({"iam:CreateRole": 1})
    );
    ask(&sandbox, "DELETE", "journal", "");
    assert_eq!(ask(&sandbox, "GET", "journal", ""), json!([]));
    ask(&sandbox, "PUT", "snapshot", &empty);
    assert!(!role_stands(&sandbox, "a"));

    ask(
        &sandbox,
        "POST",
        "faults",
        r#"{"service": "iam", "effect": {"kind": "throttled"}}"#,
    );
    assert_eq!(create_role(&sandbox, "a").unwrap().code(), "Throttling");
    let faults = ask(&sandbox, "GET", "faults", "");
    assert_eq!(
        (&faults[0]["matched"], &faults[0]["struck"]),
        (&json!(1), &json!(1))
    );
    ask(&sandbox, "DELETE", "faults", "");

    // Every kind of fault that the help names can be set.
    let help = send(&sandbox, "GET", "/_sandbox", &[], "").unwrap().body;
    let effects = [
        json!({"kind": "refused", "status": 400, "code": "C", "message": "no", "retry_after": 1}),
        json!({"kind": "throttled", "retry_after": 1}),
        json!({"kind": "unavailable"}),
        json!({"kind": "expired_token"}),
        json!({"kind": "reset_before"}),
        json!({"kind": "reset_after"}),
        json!({"kind": "truncated"}),
        json!({"kind": "slow", "seconds": 1.0}),
        json!({"kind": "hang"}),
        json!({"kind": "lag", "seconds": 1.0}),
        json!({"kind": "hold_before"}),
        json!({"kind": "hold_after"}),
    ];
    for effect in &effects {
        assert!(help.contains(effect["kind"].as_str().unwrap()), "{effect}");
        ask(
            &sandbox,
            "POST",
            "faults",
            &json!({"service": "none", "effect": effect}).to_string(),
        );
    }
    let faults = ask(&sandbox, "GET", "faults", "");
    assert_eq!(faults.as_array().unwrap().len(), effects.len());
    ask(&sandbox, "DELETE", "faults", "");

    let projects = ask(&sandbox, "PUT", "projects/acme-second", "");
    assert!(projects["acme-second"].is_number(), "{projects}");
    assert_eq!(
        projects.as_object().unwrap().len(),
        2,
        "the one of the start, and this one"
    );
    let tagged = json!({"labels": {"team": "ml"}, "replication": {"automatic": {}}}).to_string();
    let made = send(
        &sandbox,
        "POST",
        "/gcp/secretmanager/v1/projects/acme-second/secrets?secretId=a",
        &[("content-type", "application/json")],
        &tagged,
    )
    .unwrap();
    assert_eq!(made.status, 200, "{made:?}");
    let inventory = ask(&sandbox, "GET", "inventory?key=team&value=ml", "");
    assert_eq!(inventory.as_array().unwrap().len(), 1, "{inventory}");
    assert_eq!(
        ask(&sandbox, "GET", "inventory?key=team&value=other", ""),
        json!([])
    );

    let before = sandbox.now();
    ask(&sandbox, "POST", "clock", r#"{"skip": 3600}"#);
    assert!(sandbox.now().duration_since(before).as_secs() >= 3600);

    let behaviour = ask(&sandbox, "PUT", "behaviour", r#"{"page": 1}"#);
    assert_eq!(behaviour["page"], 1);
    ask(&sandbox, "PUT", "behaviour", r#"{"page": 0}"#);
    assert_eq!(ask(&sandbox, "PUT", "enforcement", r#"{"on": true}"#)["on"], true);
    assert_eq!(ask(&sandbox, "GET", "hold", "")["held"], false);
    ask(&sandbox, "DELETE", "hold", "");
}

#[test]
fn keys_of_other_accounts_are_registered() {
    let sandbox = Sandbox::builder().start().unwrap();
    ask(
        &sandbox,
        "PUT",
        "accounts/AKIAOTHER",
        r#"{"account": "222233334444"}"#,
    );
    let signed = signed_by("AKIAOTHER", "iam");
    let headers = [
        ("authorization", signed.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    send(
        &sandbox,
        "POST",
        "/",
        &headers,
        "Version=2010-05-08&Action=ListRoles",
    )
    .unwrap();
    let journal = sandbox.journal();
    assert_eq!(journal[0].account, "222233334444");
    assert_eq!(journal[0].caller, "arn:aws:iam::222233334444:user/operator");
}

#[test]
fn what_is_unknown_or_wrong_is_said() {
    let sandbox = Sandbox::builder().start().unwrap();
    let help = send(&sandbox, "GET", "/_sandbox", &[], "").unwrap();
    assert!(help.body.contains("/_sandbox/faults"));
    for (method, path, body, status) in [
        ("GET", "/_sandbox/coffee", "", 404),
        ("POST", "/_sandbox/faults", r#"{"servce": "iam"}"#, 400),
        ("POST", "/_sandbox/clock", "{}", 400),
    ] {
        assert_eq!(
            send(&sandbox, method, path, &[], body).unwrap().status,
            status,
            "{path}"
        );
    }
    // A web page must not be able to control it.
    let page = [("origin", "https://example.com")];
    assert_eq!(
        send(&sandbox, "DELETE", "/_sandbox/journal", &page, "")
            .unwrap()
            .status,
        403
    );
}
