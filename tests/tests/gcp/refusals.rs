//! What is refused before anything is written: message, place, remedy.

use std::fs;

use mlops_e2e::gcp::{DUMMY_TOKEN, provider_block};
use mlops_e2e::terraform::Workspace;

use crate::ground::{Ground, SERVICE, configuration, ground};

fn flat(text: &str) -> String {
    text.replace("\n│", "")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn refused(ground: &Ground, command: &str, says: &[&str]) {
    let ran = ground.workspace.terraform(&[command]).expect(1);
    let words = flat(&ran.stderr);
    for part in says {
        assert!(words.contains(part), "\"{part}\" is missing in\n{}", ran.stderr);
    }
    assert!(
        ground.sandbox.journal().iter().all(|entry| !entry.write),
        "nothing was written"
    );
}

/// B05, B06, B73, B74.
#[test]
fn what_cannot_be_is_refused_with_a_remedy() {
    let Some(ground) = ground("what_cannot_be_is_refused_with_a_remedy") else {
        return;
    };
    let write = |body: &str| {
        let text = format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"a-dev\"\n  tier = \"dev\"\n{body}\n}}\n",
            provider_block(&ground.sandbox)
        );
        ground.workspace.write("main.tf", &text);
    };
    write("");
    refused(&ground, "validate", &["No cloud chosen", "gcp = {"]);
    write(
        "  aws = { existing_network = { vpc_id = \"vpc-1\", private_subnet_ids = [\"subnet-1\"] } }\n  gcp = { existing_network = { network = \"ml\", subnetwork = \"n\", pods_range = \"p\", services_range = \"s\" } }",
    );
    refused(&ground, "validate", &["aws", "gcp"]);
    ground.configure_with("a-name-of-21-letters-x", "dev", "");
    refused(&ground, "validate", &["name", "20"]);
    ground.configure("services = { a-service-whose-name-is-far-too-long-for-anything = {} }");
    refused(&ground, "validate", &["24"]);
    ground.configure(
        "services = { churn = {} }\n  identities = { runtime = { additional_permissions = [{ id = \"x\", roles = \
         [\"roles/storage.admin\"], resources = [\"projects/_/buckets/other\"] }] } }",
    );
    refused(&ground, "plan", &["additional_permissions"]);
    ground.configure(
        "federation = { github = { repository = \"acme/churn\", ci_refs = [\"environment:gcp-dev\"] } }",
    );
    refused(&ground, "validate", &["ci_refs"]);
}

/// B04: without credentials a configuration can be validated, and a plan says what is missing.
#[test]
fn without_credentials_a_plan_says_what_is_missing() {
    let Some(mut ground) = ground("without_credentials_a_plan_says_what_is_missing") else {
        return;
    };
    ground.configure(SERVICE);
    ground
        .workspace
        .set(DUMMY_TOKEN.0, "")
        .set("GCE_METADATA_HOST", "127.0.0.1:1");
    ground.workspace.terraform(&["validate"]).expect(0);
    refused(&ground, "plan", &["credentials"]);
}

/// B07: what a tier stands for, seen in the plan.
#[test]
fn tiers_differ_in_their_defaults_only() {
    let Some(ground) = ground("tiers_differ_in_their_defaults_only") else {
        return;
    };
    let create = "registry = { mode = \"create\" }";
    for (tier, registry, retention, deletion, noncurrent, access, channel) in [
        ("dev", "", 30, false, 14, "group", "REGULAR"),
        ("staging", create, 90, true, 30, "group", "REGULAR"),
        ("prod", create, 365, true, 90, "group", "STABLE"),
    ] {
        ground.configure_with(&format!("shop-{tier}"), tier, registry);
        let plan = ground.planned();
        let values = &plan["planned_values"]["root_module"]["resources"][0]["values"];
        assert_eq!(values["logging"]["retention_days"], retention, "{tier}");
        assert_eq!(values["protection"]["deletion"], deletion, "{tier}");
        assert_eq!(values["protection"]["data"], true, "{tier}");
        assert_eq!(values["buckets"]["data"]["noncurrent_days"], noncurrent, "{tier}");
        assert_eq!(values["buckets"]["data"]["on_destroy"], "refuse", "{tier}");
        assert_eq!(values["kubernetes"]["access"], access, "{tier}");
        assert_eq!(values["cluster"]["release_channel"], channel, "{tier}");
    }
}

/// B08: the project is compared before anything is asked of it.
#[test]
fn the_wrong_project_is_refused_before_any_call() {
    let Some(ground) = ground("the_wrong_project_is_refused_before_any_call") else {
        return;
    };
    ground.configure(SERVICE);
    let config = fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
    ground.workspace.write(
        "main.tf",
        &config.replacen(
            "project   =",
            "allowed_projects = [\"acme-other\"]\n    project   =",
            1,
        ),
    );
    refused(&ground, "apply", &["acme-ml-dev", "acme-other"]);
    assert!(ground.sandbox.journal().is_empty(), "nothing was called");
}

/// B09: a service account's key file is refused, whatever it may do, and for prod there is no way around.
#[test]
fn a_key_file_is_refused() {
    let Some(mut ground) = ground("a_key_file_is_refused") else {
        return;
    };
    // A key in form; nothing could be signed with it.
    let key = serde_json::json!({
        "type": "service_account",
        "project_id": "acme-ml-dev",
        "private_key_id": "0123456789abcdef",
        "private_key": "-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n",
        "client_email": "robot@acme-ml-dev.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    ground.workspace.write("key.json", &key.to_string());
    let path = ground.workspace.path("key.json").display().to_string();
    ground
        .workspace
        .set(DUMMY_TOKEN.0, "")
        .set("GOOGLE_APPLICATION_CREDENTIALS", &path);
    ground.configure(SERVICE);
    let plan = ground.workspace.terraform(&["plan"]).expect(1);
    assert!(
        flat(&plan.stderr).contains("key file is refused"),
        "{}",
        plan.stderr
    );
    assert!(
        !plan.text().contains("0123456789abcdef"),
        "the key itself is not shown"
    );
    ground.configure_with("churn-prod", "prod", "registry = { mode = \"create\" }");
    let config = fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
    ground.workspace.write(
        "main.tf",
        &config.replacen(
            "provider \"mlops\" {",
            "provider \"mlops\" {\n  static_credentials = \"warn\"",
            1,
        ),
    );
    let plan = ground.workspace.terraform(&["plan"]).expect(1);
    assert!(
        !ground.sandbox.journal().iter().any(|entry| entry.write),
        "{}",
        plan.text()
    );
}

/// B62: every cluster of a project shares one pool of workload identities, so the same namespace and ServiceAccount in two
/// environments would be one identity.
#[test]
fn the_same_pod_identity_in_two_environments_is_refused() {
    let Some(ground) = ground("the_same_pod_identity_in_two_environments_is_refused") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let mut other = Workspace::new();
    other.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    other.write(
        "main.tf",
        &configuration(&ground.sandbox, "fraud-dev", "dev", SERVICE),
    );
    let before = ground.sandbox.snapshot();
    let plan = other.terraform(&["plan"]).expect(1);
    let words = flat(&plan.stderr);
    for part in [
        "identity sameness",
        "churn-dev/churn-sa",
        "gcp/acme-ml-dev/europe-west1/churn-dev",
        "gcp/acme-ml-dev/europe-west1/fraud-dev",
        "namespace",
    ] {
        assert!(words.contains(part), "\"{part}\" is missing in\n{}", plan.stderr);
    }
    ground.unchanged(&before);
    // The remedy works.
    let apart = SERVICE.replace("churn = {", "churn = { namespace = \"fraud-dev\",");
    other.write(
        "main.tf",
        &configuration(&ground.sandbox, "fraud-dev", "dev", &apart),
    );
    other.terraform(&["apply", "-auto-approve"]).expect(0);
    other.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    ground.plan().expect(0);
    other.terraform(&["destroy", "-auto-approve"]).expect(0);
    ground.plan().expect(0);
}
