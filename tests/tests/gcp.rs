//! One environment on a local Google Cloud, made by the real terraform.
//!
//! Where terraform is missing, each test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use std::collections::BTreeSet;

use mlops_e2e::gcp::{DUMMY_TOKEN, PROJECT, gcp_block, provider_block, start};
use mlops_e2e::terraform::{Ran, Workspace, available};
use mlops_sandbox::Sandbox;
use serde_json::Value;

/// A local Google Cloud with a network, and an empty workspace.
struct Ground {
    sandbox: Sandbox,
    workspace: Workspace,
}

fn ground(test: &str) -> Option<Ground> {
    if !available() {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
        return None;
    }
    let mut workspace = Workspace::new();
    workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    Some(Ground {
        sandbox: start().unwrap(),
        workspace,
    })
}

const SERVICE: &str = r#"
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime"] } } }
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

impl Ground {
    fn configure(&self, settings: &str) -> &Self {
        self.workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{settings}\n}}\n",
                provider_block(&self.sandbox),
                gcp_block()
            ),
        );
        self
    }

    fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }

    fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    fn project(&self) -> Value {
        self.sandbox.snapshot()["gcp"]["projects"][PROJECT].clone()
    }
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {path} in {value:#}"))
}

/// B01, B10, B13, B70 on Google Cloud: the life of an environment.
#[test]
fn an_environment_is_made_changed_in_place_and_gone() {
    let Some(ground) = ground("an_environment_is_made_changed_in_place_and_gone") else {
        return;
    };
    ground.configure(SERVICE);
    let applied = ground.apply().expect(0);
    assert!(applied.stdout.contains("1 added"), "{}", applied.stdout);
    ground.plan().expect(0);

    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(text(&environment, "/phase"), "READY");
    assert!(text(&environment, "/id").starts_with(&format!("gcp/{PROJECT}/")));
    let accounts: BTreeSet<&str> = ["ci", "deploy"]
        .iter()
        .map(|purpose| text(&environment["identity_info"][purpose], "/principal"))
        .chain(
            ["runtime", "drift", "retrain"]
                .iter()
                .map(|purpose| text(&environment["identity_info"][purpose]["churn"], "/principal")),
        )
        .collect();
    assert_eq!(accounts.len(), 5, "one account per purpose: {accounts:?}");
    let standing = ground.project();
    for account in &accounts {
        assert!(
            standing.to_string().contains(*account),
            "{account} does not stand"
        );
    }
    nothing_secret_is_stored(&ground);

    for change in [
        "buckets = { data = { noncurrent_days = 60 } }",
        "identities = { drift = { enabled = false } }",
        "protection = { deletion = true }",
        "tags = { team = \"ml\" }",
    ] {
        ground.configure(&format!("{SERVICE}\n  {change}"));
        let plan = ground.plan().expect(2);
        assert!(
            plan.stdout.contains("will be updated in-place"),
            "{change}\n{}",
            plan.stdout
        );
        ground.apply().expect(0);
        ground.plan().expect(0);
    }

    ground.configure(SERVICE);
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["destroy", "-auto-approve"])
        .expect(0);
    let left = ground.sandbox.marked("mlops-component", None);
    let kinds: BTreeSet<String> = left.iter().map(|found| found.path.clone()).collect();
    assert!(
        kinds.iter().all(|path| path.contains("key")),
        "only keys, whose names cannot be given twice, remain: {kinds:?}"
    );
}

/// B10: no token, key or secret in state or plan.
fn nothing_secret_is_stored(ground: &Ground) {
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let shown = ground
        .workspace
        .terraform(&["show", "-json", "plan.tfplan"])
        .expect(0);
    let state = std::fs::read_to_string(ground.workspace.path("terraform.tfstate")).unwrap();
    for (what, content) in [("the plan", &shown.stdout), ("the state", &state)] {
        for secret in [
            "private_key",
            "ya29.",
            "BEGIN RSA",
            "BEGIN PRIVATE",
            "client_secret",
        ] {
            assert!(!content.contains(secret), "{secret} is in {what}");
        }
    }
}

/// B61: destroyed and made again the same day, with pools, providers and accounts soft-deleted and key names used up.
#[test]
fn an_environment_can_be_made_again_the_same_day() {
    let Some(ground) = ground("an_environment_can_be_made_again_the_same_day") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["destroy", "-auto-approve"])
        .expect(0);
    ground.apply().expect(0);
    ground.plan().expect(0);
    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(text(&environment, "/phase"), "READY");
}

/// B03: names, e-mails and URLs are known in the first plan.
#[test]
fn what_can_be_computed_is_known_before_anything_is_made() {
    let Some(ground) = ground("what_can_be_computed_is_known_before_anything_is_made") else {
        return;
    };
    ground.configure(SERVICE);
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let shown = ground
        .workspace
        .terraform(&["show", "-json", "plan.tfplan"])
        .expect(0);
    let plan: Value = serde_json::from_str(&shown.stdout).unwrap();
    let change = &plan["resource_changes"][0]["change"];
    for known in ["identity_info", "bucket_info", "registry_info", "github"] {
        assert!(
            !change["after_unknown"][known].to_string().contains("true"),
            "{known} is not wholly known: {}",
            change["after_unknown"][known]
        );
    }
    assert!(
        text(
            &change["after"]["identity_info"]["runtime"]["churn"],
            "/principal"
        )
        .ends_with(&format!("@{PROJECT}.iam.gserviceaccount.com"))
    );
    assert!(
        ground.sandbox.journal().iter().all(|entry| !entry.write),
        "a plan writes nothing"
    );
}

/// B32: a role given outside on the project is shown and taken back, and other members of the role stay.
#[test]
fn a_grant_made_outside_is_shown_and_taken_back() {
    let Some(ground) = ground("a_grant_made_outside_is_shown_and_taken_back") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.workspace.resource("mlops_environment.this");
    let bucket = text(&environment, "/bucket_info/models/name").to_owned();
    ground.sandbox.world(|world| {
        let mut value = serde_json::to_value(&*world).unwrap();
        let policy = &mut value["gcp"]["buckets"][&bucket]["policy"]["bindings"];
        policy
            .as_array_mut()
            .expect("bindings")
            .push(serde_json::json!({ "role": "roles/storage.objectViewer", "members": ["allUsers"] }));
        *world = serde_json::from_value(value).unwrap();
    });
    let plan = ground.plan().expect(2);
    assert!(plan.stdout.contains("allUsers"), "{}", plan.stdout);
    ground.apply().expect(0);
    ground.plan().expect(0);
    assert!(
        !ground.sandbox.snapshot()["gcp"]["buckets"][&bucket]
            .to_string()
            .contains("allUsers")
    );
}
