//! What is repeated, what is not, and what is told in the end.

use mlops_environment::component::Kind;
use mlops_environment::driver::{Driver, Reason};
use mlops_environment::gcp::{Services, Trust};
use mlops_environment::retry::Retry;
use serde_json::json;

use crate::harness::{ENVIRONMENT, Hurry, MARK, component, driver, found};
use crate::server::{Reply, Server, error};

fn trust() -> mlops_environment::component::Component {
    let trust = Trust {
        account: "rt-shop-1a2b3c@acme.iam.gserviceaccount.com".into(),
        members: ["serviceAccount:acme.svc.id.goog[shop/shop-sa]".to_owned()].into(),
        owner: ENVIRONMENT.into(),
    };
    component("trust.runtime", Kind::GcpTrust, &trust)
}

fn account() -> mlops_environment::component::Component {
    let account = mlops_environment::gcp::ServiceAccount {
        email: "rt-shop-1a2b3c@acme.iam.gserviceaccount.com".into(),
        account_id: "rt-shop-1a2b3c".into(),
        display_name: "runtime of shop".into(),
        description: MARK.into(),
    };
    component("identities.runtime", Kind::GcpServiceAccount, &account)
}

fn standing_account() -> Reply {
    Reply::Json(
        200,
        json!({
            "name": "projects/acme/serviceAccounts/rt-shop-1a2b3c@acme.iam.gserviceaccount.com",
            "email": "rt-shop-1a2b3c@acme.iam.gserviceaccount.com",
            "uniqueId": "1042",
            "displayName": "runtime of shop",
            "description": MARK,
        }),
    )
}

/// Google's own client gives up on the first of either: a policy is read by POST.
#[tokio::test]
async fn a_read_by_post_is_repeated() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Nothing,
        1 => error(503, "UNAVAILABLE", "try again"),
        2 => Reply::With(429, ("retry-after", "0"), "slow down"),
        _ => Reply::Json(
            200,
            json!({"etag": "YQ==", "version": 1, "bindings": [{
                "role": "roles/iam.workloadIdentityUser",
                "members": ["serviceAccount:acme.svc.id.goog[shop/shop-sa]", "user:eve@example.com"],
            }, {"role": "roles/iam.serviceAccountTokenCreator", "members": ["user:eve@example.com"]}]}),
        ),
    });
    let gcp = driver(&server).await;
    let present = found(&gcp, &trust()).await;
    assert_eq!(gcp.calls().counts()["iam:GetIamPolicy"], 4);
    assert_eq!(
        present.properties["members"],
        json!([
            "serviceAccount:acme.svc.id.goog[shop/shop-sa]",
            "user:eve@example.com"
        ])
    );
    assert_eq!(
        present.foreign,
        ["grant of roles/iam.serviceAccountTokenCreator to user:eve@example.com"]
    );
    let asked = &server.seen()[0];
    assert!(
        asked.line.contains("options.requestedPolicyVersion=3"),
        "{}",
        asked.line
    );
    assert_eq!(asked.authorization, "Bearer dummy");
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_read_back() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Nothing,
        1 => error(
            409,
            "ALREADY_EXISTS",
            "Service account rt-shop-1a2b3c already exists",
        ),
        _ => standing_account(),
    });
    let gcp = driver(&server).await;
    let present = gcp.create(&account(), &Hurry::default()).await.unwrap();
    assert_eq!(present.outputs["unique_id"], "1042");
    assert_eq!(
        server.lines(),
        [
            "POST /iam/v1/projects/acme/serviceAccounts",
            "POST /iam/v1/projects/acme/serviceAccounts",
            "GET /iam/v1/projects/acme/serviceAccounts/rt-shop-1a2b3c@acme.iam.gserviceaccount.com",
        ]
    );
}

/// Reads come later than writes, and until then say either that there is no account or that it must not be seen.
#[tokio::test]
async fn an_account_that_is_not_seen_yet_is_looked_for_again() {
    let name = "rt-shop-1a2b3c@acme.iam.gserviceaccount.com";
    let server = Server::start(move |number, _| match number {
        0 => Reply::Nothing,
        1 => error(409, "ALREADY_EXISTS", &format!("{name} already exists")),
        2 => error(404, "NOT_FOUND", &format!("Unknown service account {name}")),
        3 | 4 => error(
            403,
            "PERMISSION_DENIED",
            "Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist).",
        ),
        _ => standing_account(),
    });
    let gcp = driver(&server).await;
    let present = gcp.create(&account(), &Hurry::default()).await.unwrap();
    assert_eq!(present.outputs["unique_id"], "1042");
    assert_eq!(gcp.calls().counts()["iam:GetServiceAccount"], 4);
}

#[tokio::test]
async fn what_another_made_is_not_taken_for_ours() {
    let server = Server::start(|_, _| error(409, "ALREADY_EXISTS", "already exists"));
    let gcp = driver(&server).await;
    let failure = gcp.create(&account(), &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.reason, failure.operation.as_str()),
        (Reason::AlreadyExists, "iam:CreateServiceAccount")
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_deleted_account_is_brought_back_by_its_unique_id() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Json(200, json!({"restoredAccount": {"uniqueId": "1042"}})),
        _ => standing_account(),
    });
    let gcp = driver(&server).await;
    let mut account = account();
    account.outputs.insert("unique_id".into(), "1042".into());
    let present = gcp.create(&account, &Hurry::default()).await.unwrap();
    assert_eq!(present.outputs["unique_id"], "1042");
    assert_eq!(
        server.lines()[0],
        "POST /iam/v1/projects/acme/serviceAccounts/1042:undelete"
    );
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated_and_names_the_call() {
    for (answer, reason, words) in [
        (
            error(
                403,
                "PERMISSION_DENIED",
                "Permission 'iam.serviceAccounts.create' denied",
            ),
            Reason::Denied,
            "iam:CreateServiceAccount: Permission 'iam.serviceAccounts.create' denied",
        ),
        (
            error(
                429,
                "RESOURCE_EXHAUSTED",
                "The maximum number of service accounts on project acme has been reached.",
            ),
            Reason::Quota,
            "maximum number",
        ),
        (
            Reply::With(400, ("x-a", "b"), "<html>no</html>"),
            Reason::Invalid,
            "answered HTTP 400: <html>no</html>",
        ),
        (
            Reply::Json(200, json!({"email": "x"})),
            Reason::Unavailable,
            "the answer has no uniqueId",
        ),
    ] {
        let answer = std::sync::Mutex::new(Some(answer));
        let server = Server::start(move |_, _| answer.lock().unwrap().take().unwrap_or(Reply::Nothing));
        let gcp = driver(&server).await;
        let failure = gcp.create(&account(), &Hurry::default()).await.unwrap_err();
        assert_eq!(failure.reason, reason, "{failure}");
        assert!(failure.to_string().contains(words), "{failure}");
        assert_eq!(server.seen().len(), 1, "{failure}");
    }
}

#[tokio::test]
async fn a_dead_server_is_told_after_all_attempts() {
    let server = Server::start(|_, _| Reply::Nothing);
    let gcp = driver(&server).await;
    let failure = gcp.observe(&trust()).await.unwrap_err();
    assert_eq!(
        (failure.reason, failure.operation.as_str()),
        (Reason::Unavailable, "iam:GetIamPolicy")
    );
    assert_eq!(server.seen().len(), Retry::default().attempts as usize);
}

fn services() -> mlops_environment::component::Component {
    let services = Services {
        project: "acme".into(),
        services: [
            "container.googleapis.com".to_owned(),
            "storage.googleapis.com".to_owned(),
        ]
        .into(),
        owner: ENVIRONMENT.into(),
    };
    component("services", Kind::GcpServices, &services)
}

#[tokio::test]
async fn only_what_is_not_enabled_is_enabled_and_waited_for() {
    let server = Server::start(|number, request| match number {
        0 => Reply::Json(
            200,
            json!({"services": [
                {"name": "projects/42/services/storage.googleapis.com", "state": "ENABLED"},
                {"name": "projects/42/services/container.googleapis.com", "state": "DISABLED"},
            ]}),
        ),
        1 | 2 => Reply::Json(200, json!({"name": "operations/o1", "done": false})),
        3 => Reply::Json(
            200,
            json!({"name": "operations/o1", "done": true, "response": {}}),
        ),
        _ => {
            assert!(request.line.starts_with("GET "), "{}", request.line);
            Reply::Json(
                200,
                json!({"services": [
                    {"name": "projects/42/services/storage.googleapis.com", "state": "ENABLED"},
                    {"name": "projects/42/services/container.googleapis.com", "state": "ENABLED"},
                ]}),
            )
        }
    });
    let gcp = driver(&server).await;
    let wanted = services();
    let present = found(&gcp, &wanted).await;
    assert_eq!(present.properties["services"], json!(["storage.googleapis.com"]));
    let present = gcp
        .update(&wanted, &present, &[], &Hurry::default())
        .await
        .unwrap();
    assert_eq!(present.properties["services"], wanted.properties["services"]);
    assert_eq!(
        server.seen()[1].body,
        json!({"serviceIds": ["container.googleapis.com"]})
    );
    assert_eq!(server.lines()[2], "GET /serviceusage/v1/operations/o1");
}

#[tokio::test]
async fn an_operation_that_fails_says_why() {
    let server = Server::start(|_, _| {
        Reply::Json(
            200,
            json!({"name": "operations/o1", "done": true, "error": {"code": 7, "message": "Not found or permission denied for service(s)"}}),
        )
    });
    let gcp = driver(&server).await;
    let failure = gcp.create(&services(), &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.reason, failure.code.as_str()),
        (Reason::Denied, "PERMISSION_DENIED")
    );
    assert!(
        failure.message.contains("Not found or permission denied"),
        "{failure}"
    );
}

#[tokio::test]
async fn the_project_is_asked_once_and_known_by_both_names() {
    let server = Server::start(|_, _| {
        Reply::Json(
            200,
            json!({"name": "projects/42", "projectId": "acme", "state": "ACTIVE"}),
        )
    });
    let gcp = driver(&server).await;
    let caller = gcp.caller().await.unwrap();
    gcp.caller().await.unwrap();
    assert_eq!((caller.account.as_str(), caller.number.as_str()), ("acme", "42"));
    assert_eq!(server.lines(), ["GET /cloudresourcemanager/v3/projects/acme"]);
}
