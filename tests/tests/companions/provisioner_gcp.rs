//! The same on Google Cloud: a custom role with exactly these permissions.

use std::collections::BTreeSet;

use mlops_e2e::gcp::{self, PROJECT};
use mlops_e2e::terraform::Workspace;
use mlops_environment::provisioner::{GCP_BEYOND_CALLS, permissions};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

use super::SERVICE;

const PROVISIONER: &str = "user:terraform@acme.example";
const TOKEN: &str = "ya29.sandbox-provisioner";

/// A local Google Cloud in which terraform runs as an account that has these permissions and no others.
fn as_provisioner(permissions: &[&str]) -> (Sandbox, Workspace) {
    let sandbox = gcp::start().unwrap();
    sandbox.world(|world| {
        let mut value = serde_json::to_value(&*world).unwrap();
        let role = format!("projects/{PROJECT}/roles/provisioner");
        let project = &mut value["gcp"]["projects"][PROJECT];
        project["roles"][&role] = json!({ "name": role, "includedPermissions": permissions, "stage": "GA" });
        let grant = json!({ "role": role, "members": [PROVISIONER] });
        project["policy"]["bindings"].as_array_mut().unwrap().push(grant);
        value["gcp"]["tokens"][TOKEN] = json!({
            "principal": PROVISIONER,
            "sets": [],
            "expires": "2100-01-01T00:00:00Z",
        });
        *world = serde_json::from_value(value).unwrap();
    });
    sandbox.enforce(true);
    let mut workspace = Workspace::new();
    workspace.set("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN);
    (sandbox, workspace)
}

fn configure(sandbox: &Sandbox, workspace: &Workspace, settings: &str) {
    workspace.write(
        "main.tf",
        &format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{SERVICE}\n  {settings}\n}}\n",
            gcp::provider_block(sandbox),
            gcp::gcp_block()
        ),
    );
}

/// What somebody else does to an environment behind terraform's back.
fn disturb(sandbox: &Sandbox, workspace: &Workspace) {
    let environment = workspace.resource("mlops_environment.this");
    let text = |pointer: &str| {
        environment
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    let (models, ci) = (
        text("/bucket_info/models/name"),
        text("/identity_info/ci/principal"),
    );
    sandbox.world(|world| {
        let mut value = serde_json::to_value(&*world).unwrap();
        let everybody = json!({ "role": "roles/storage.objectViewer", "members": ["allUsers"] });
        let bindings = &mut value["gcp"]["buckets"][&models]["policy"]["bindings"];
        bindings.as_array_mut().unwrap().push(everybody);
        let project = &mut value["gcp"]["projects"][PROJECT];
        project["accounts"][&ci]["body"]["displayName"] = json!("somebody's");
        for sink in project["sinks"].as_object_mut().unwrap().values_mut() {
            sink["filter"] = json!("severity >= ERROR");
        }
        *world = serde_json::from_value(value).unwrap();
    });
}

/// Another environment in a network of its own: made, repaired, changed, destroyed.
fn in_a_network_of_its_own(sandbox: &Sandbox, workspace: &Workspace) {
    let configure = |egress: &str| {
        workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"fraud-dev\"\n  tier = \"dev\"\n  gcp = {{}}\n  \
                 network = {{ egress = \"{egress}\" }}\n}}\n",
                gcp::provider_block(sandbox),
            ),
        );
    };
    workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    configure("nat_single");
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    sandbox.world(|world| {
        let mut value = serde_json::to_value(&*world).unwrap();
        let network = value["gcp"]["projects"][PROJECT]["network"]
            .as_object_mut()
            .unwrap();
        for (path, body) in network.iter_mut() {
            if path.ends_with("subnetworks/fraud-dev") {
                body["privateIpGoogleAccess"] = json!(false);
            }
            if path.ends_with("routers/fraud-dev") {
                body["nats"] = json!([]);
            }
        }
        *world = serde_json::from_value(value).unwrap();
    });
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    configure("none");
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
}

#[test]
fn a_whole_life_on_google_cloud_needs_every_permission_and_no_other() {
    if !super::terraform("a_whole_life_on_google_cloud_needs_every_permission_and_no_other") {
        return;
    }
    let (sandbox, workspace) = as_provisioner(&permissions());
    for settings in [
        "",
        "tags = { team = \"ml\" }",
        "buckets = { data = { noncurrent_days = 60 } }\n  logging = { retention_days = 60 }",
        "registry = { immutable_tags = false, keep_tagged = 12 }",
        "node_pools = { system = { purpose = \"system\", size = \"small\", min = 1, max = 4 }, serving = { purpose = \"serving\", size = \"medium\", min = 0, max = 2 } }",
        "buckets = { data = { on_destroy = \"purge\" } }\n  protection = { data = false }",
    ] {
        configure(&sandbox, &workspace, settings);
        let applied = workspace.terraform(&["apply", "-auto-approve"]);
        assert_eq!(applied.code, 0, "{settings}\n{}", applied.text());
    }
    disturb(&sandbox, &workspace);
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    // What was deleted softly is taken up again.
    configure(&sandbox, &workspace, "");
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    in_a_network_of_its_own(&sandbox, &workspace);

    let journal = sandbox.journal();
    let own = journal.iter().filter(|entry| entry.caller.contains(PROVISIONER));
    let needed: BTreeSet<String> = own
        .flat_map(|entry| entry.needs.iter().map(|need| need.action.clone()))
        .collect();
    let beyond: BTreeSet<&str> = GCP_BEYOND_CALLS
        .iter()
        .map(|(permission, _)| *permission)
        .collect();
    let idle: Vec<&str> = permissions()
        .into_iter()
        .filter(|permission| !needed.contains(*permission) && !beyond.contains(permission))
        .collect();
    assert!(idle.is_empty(), "no call needs {idle:?}");
    let needless: Vec<&&str> = beyond
        .iter()
        .filter(|permission| needed.contains(**permission))
        .collect();
    assert!(needless.is_empty(), "calls do need {needless:?}");
}
