//! What others changed outside: told in the plan, component by component, and repaired; what is theirs stays.

use mlops_e2e::gcp::{PROJECT, grants};
use mlops_sandbox::{Effect, Fault};
use serde_json::{Value, json};

use crate::ground::{Ground, SERVICE, account, ground, text};

const GET: http::Method = http::Method::GET;
const POST: http::Method = http::Method::POST;
const PATCH: http::Method = http::Method::PATCH;

fn flat(text: &str) -> String {
    text.replace("\n│", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// The plan tells all of `says`; the apply repairs it, and then there is nothing left to do.
fn told_and_repaired(ground: &Ground, says: &[&str]) {
    let before = ground.sandbox.snapshot();
    let refresh = ground
        .workspace
        .terraform(&["plan", "-refresh-only", "-detailed-exitcode"])
        .expect(2);
    let plan = ground.plan().expect(2);
    for word in says {
        for (command, said) in [("plan", &plan), ("plan -refresh-only", &refresh)] {
            let words = flat(&said.stdout);
            assert!(
                words.contains(word),
                "{command} does not say \"{word}\":\n{}",
                said.stdout
            );
        }
    }
    assert!(
        plan.stdout.contains("will be updated in-place"),
        "{}",
        plan.stdout
    );
    ground.unchanged(&before);
    ground.apply().expect(0);
    let second = ground.plan();
    assert_eq!(second.code, 0, "{}", second.text());
}

fn made(test: &str) -> Option<(Ground, Value)> {
    let ground = ground(test)?;
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.environment();
    Some((ground, environment))
}

/// Adds a member to the policy at a path of the world.
fn let_in(policy: &mut Value, role: &str, member: &str) {
    let bindings = policy["bindings"].as_array_mut().expect("bindings");
    bindings.push(json!({ "role": role, "members": [member], "condition": null }));
}

/// B26, B27: a bucket opened to everybody.
#[test]
fn an_opened_bucket_is_told_and_closed() {
    let Some((ground, environment)) = made("an_opened_bucket_is_told_and_closed") else {
        return;
    };
    let bucket = text(&environment, "/bucket_info/models/name");
    let folder = "churn/";
    ground.ask(
        &PATCH,
        &format!("storage/storage/v1/b/{bucket}"),
        Some(&json!({ "iamConfiguration": { "publicAccessPrevention": "inherited" } })),
    );
    ground.outside(|cloud| {
        let bucket = &mut cloud["buckets"][bucket];
        let_in(&mut bucket["policy"], "roles/storage.objectViewer", "allUsers");
        let_in(
            &mut bucket["folders"][folder]["policy"],
            "roles/storage.objectViewer",
            "allAuthenticatedUsers",
        );
        let_in(
            &mut bucket["policy"],
            "roles/storage.objectViewer",
            "user:analyst@example.com",
        );
    });
    told_and_repaired(
        &ground,
        &[
            "buckets.models: grant of roles/storage.objectViewer to allUsers",
            "allAuthenticatedUsers on folder churn/",
            "buckets.models: changed outside, public access prevention inherited → enforced",
        ],
    );
    let left = grants(&ground.sandbox);
    assert!(
        left.iter().all(|grant| !grant.member.starts_with("all")),
        "{left:?}"
    );
    assert!(
        left.iter()
            .any(|grant| grant.member == "user:analyst@example.com"),
        "what others granted to somebody is theirs"
    );
}

/// B28: settings of the data's safety.
#[test]
fn changed_settings_are_told_and_set_back() {
    let Some((ground, environment)) = made("changed_settings_are_told_and_set_back") else {
        return;
    };
    let (data, reports) = (
        text(&environment, "/bucket_info/data/name"),
        text(&environment, "/bucket_info/reports/name"),
    );
    ground.ask(
        &PATCH,
        &format!("storage/storage/v1/b/{data}"),
        Some(&json!({
            "versioning": { "enabled": false },
            "encryption": null,
            "softDeletePolicy": { "retentionDurationSeconds": "0" },
        })),
    );
    ground.ask(
        &PATCH,
        &format!("storage/storage/v1/b/{reports}"),
        Some(&json!({ "lifecycle": { "rule": [] } })),
    );
    let key = text(&environment, "/keys/storage");
    ground.ask(
        &PATCH,
        &format!("cloudkms/v1/{key}?updateMask=rotationPeriod,nextRotationTime"),
        Some(&json!({})),
    );
    let repository = text(&environment, "/components/registry/id");
    ground.ask(
        &PATCH,
        &format!("artifactregistry/v1/{repository}?updateMask=dockerConfig"),
        Some(&json!({ "dockerConfig": { "immutableTags": false } })),
    );
    told_and_repaired(
        &ground,
        &[
            "buckets.data: changed outside, versioning false → true",
            "buckets.data: changed outside, kms key none →",
            "buckets.data: changed outside, soft delete days 0 → 7",
            "buckets.reports: changed outside, lifecycle",
            "keys.storage: changed outside, rotation days 0 → 90",
            "registry: changed outside, immutable tags false → true",
        ],
    );
}

/// B29: who may enter, widened in each place where it is written.
#[test]
fn a_widened_trust_is_told_and_narrowed() {
    let Some((ground, environment)) = made("a_widened_trust_is_told_and_narrowed") else {
        return;
    };
    let deploy = account(&environment, "deploy", None);
    let provider = text(&environment, "/federation_info/github_provider");
    let pool = provider.split("/providers/").next().unwrap();
    ground.ask(
        &PATCH,
        &format!("iam/v1/{provider}?updateMask=attributeCondition,attributeMapping"),
        Some(&json!({
            "attributeCondition": "assertion.repository_owner_id == '1'",
            "attributeMapping": { "google.subject": "assertion.sub" },
        })),
    );
    ground.outside(|cloud| {
        let policy = &mut cloud["projects"][PROJECT]["accounts"][&deploy]["policy"];
        let everybody = format!("principalSet://iam.googleapis.com/{pool}/*");
        let_in(policy, "roles/iam.workloadIdentityUser", &everybody);
        let_in(
            policy,
            "roles/iam.serviceAccountTokenCreator",
            "user:eve@example.com",
        );
    });
    told_and_repaired(
        &ground,
        &[
            "federation.github: changed outside, attribute condition",
            "federation.github: changed outside, attribute mapping",
            "trust.deploy: changed outside, members -principalSet:",
            "trust.deploy: grant of roles/iam.serviceAccountTokenCreator to user:eve@example.com",
        ],
    );
    let left: Vec<_> = grants(&ground.sandbox)
        .into_iter()
        .filter(|grant| grant.on == format!("account {deploy}"))
        .collect();
    assert_eq!(left.len(), 1, "only the gate is left: {left:?}");
    assert!(left[0].member.contains("attribute.gate/2/env/"), "{left:?}");
}

/// B30: a key that somebody made is disabled, and deleted by the next apply; with `report` it is only told.
#[test]
fn a_static_key_is_disabled_and_then_deleted() {
    let Some((ground, environment)) = made("a_static_key_is_disabled_and_then_deleted") else {
        return;
    };
    let email = account(&environment, "runtime", Some("churn"));
    let path = format!("iam/v1/projects/{PROJECT}/serviceAccounts/{email}/keys");
    ground.ask(&POST, &path, Some(&json!({})));
    let keys = || -> Vec<bool> {
        let listed = ground.ask(&GET, &format!("{path}?keyTypes=USER_MANAGED"), None);
        listed["keys"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|key| key["disabled"] == true)
            .collect()
    };
    assert_eq!(keys(), [false]);

    ground.configure(&format!(
        "{SERVICE}\n  enforcement = {{ identities = \"report\" }}"
    ));
    let told = ground.apply().expect(0);
    assert!(flat(&told.text()).contains("static key"), "{}", told.text());
    assert_eq!(keys(), [false], "report changes nothing");

    ground.configure(SERVICE);
    let plan = ground.plan().expect(2);
    assert!(
        flat(&plan.stdout).contains("identities.runtime.churn: static key"),
        "{}",
        plan.stdout
    );
    ground.apply().expect(0);
    assert_eq!(keys(), [true], "disabled: who uses it has time to speak up");
    let plan = ground.plan().expect(2);
    assert!(flat(&plan.stdout).contains("disabled"), "{}", plan.stdout);
    ground.apply().expect(0);
    assert!(keys().is_empty());
    ground.plan().expect(0);
}

/// B32: a role given on the project; other members of the role stay.
#[test]
fn a_role_on_the_project_is_taken_back_from_ours_alone() {
    let Some((ground, environment)) = made("a_role_on_the_project_is_taken_back_from_ours_alone") else {
        return;
    };
    let email = account(&environment, "runtime", Some("churn"));
    ground.outside(|cloud| {
        let policy = &mut cloud["projects"][PROJECT]["policy"];
        let bindings = policy["bindings"].as_array_mut().unwrap();
        bindings.push(json!({
            "role": "roles/editor",
            "members": ["user:owner@example.com", format!("serviceAccount:{email}")],
            "condition": null,
        }));
    });
    told_and_repaired(
        &ground,
        &[&format!(
            "project_grants: grant of roles/editor to serviceAccount:{email}"
        )],
    );
    let editors: Vec<String> = grants(&ground.sandbox)
        .into_iter()
        .filter(|grant| grant.role == "roles/editor" && grant.on == "project")
        .map(|grant| grant.member)
        .collect();
    assert_eq!(editors, ["user:owner@example.com"]);
}

/// B38: what cannot be read is named; nothing is planned out of ignorance, and everything else is read.
#[test]
fn what_cannot_be_read_is_said_and_kept() {
    let Some((ground, _)) = made("what_cannot_be_read_is_said_and_kept") else {
        return;
    };
    let denied = Effect::Refused {
        status: 403,
        code: "PERMISSION_DENIED".into(),
        message: "Permission denied on resource (or it may not exist).".into(),
        retry_after: None,
    };
    ground
        .sandbox
        .fault(Fault::new(denied).on("secretmanager", "*secrets.get"));
    let plan = ground.plan().expect(0);
    let words = flat(&plan.stdout);
    assert!(
        words.contains("secrets.churn.feature-store could not be read")
            && words.contains("Permission denied"),
        "{}",
        plan.stdout
    );
    ground.sandbox.heal();
    let plan = ground.plan().expect(0);
    assert!(!plan.stdout.contains("could not be read"), "{}", plan.stdout);
}

/// B39: labels of others are theirs.
#[test]
fn labels_of_others_are_no_drift() {
    let Some((ground, environment)) = made("labels_of_others_are_no_drift") else {
        return;
    };
    let bucket = text(&environment, "/bucket_info/models/name");
    ground.ask(
        &PATCH,
        &format!("storage/storage/v1/b/{bucket}"),
        Some(&json!({ "labels": { "cost-center": "42" } })),
    );
    let cluster = text(&environment, "/cluster_info/arn");
    let standing = ground.ask(&GET, &format!("container/v1/{cluster}"), None);
    let mut labels = standing["resourceLabels"].clone();
    labels["cost-center"] = json!("42");
    ground.ask(
        &POST,
        &format!("container/v1/{cluster}:setResourceLabels"),
        Some(&json!({ "resourceLabels": labels, "labelFingerprint": standing["labelFingerprint"] })),
    );
    ground.sandbox.skip(jiff::SignedDuration::from_hours(1));
    ground.plan().expect(0);
}
