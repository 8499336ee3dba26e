//! Every module: formatted, valid, its own tests pass offline and against the local clouds.

use std::collections::BTreeSet;
use std::fs;

use mlops_e2e::cloud::{Cloud, REGION, SERVICES};
use mlops_e2e::root;
use mlops_e2e::terraform::{Workspace, available, plugin_mirror};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

/// Files that a module has: <https://developer.hashicorp.com/terraform/language/modules/develop/structure>
const STRUCTURE: [&str; 5] = [
    "main.tf",
    "variables.tf",
    "outputs.tf",
    "versions.tf",
    "README.md",
];

fn names() -> BTreeSet<String> {
    let folder = fs::read_dir(root().join("modules")).unwrap();
    folder
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Folders of a module that are configurations: the module itself and its examples.
fn configurations(module: &str) -> Vec<String> {
    let mut found = vec![format!("modules/{module}")];
    let examples = fs::read_dir(root().join("modules").join(module).join("examples")).unwrap();
    found.extend(examples.filter_map(Result::ok).map(|entry| {
        format!(
            "modules/{module}/examples/{}",
            entry.file_name().to_string_lossy()
        )
    }));
    found
}

#[test]
fn every_module_has_the_standard_structure() {
    for module in names() {
        let folder = root().join("modules").join(&module);
        for file in STRUCTURE {
            assert!(folder.join(file).exists(), "modules/{module}/{file} is missing");
        }
        assert!(
            configurations(&module).len() > 1,
            "modules/{module} has no example"
        );
        let offline = folder.join("tests/offline.tftest.hcl");
        let text =
            fs::read_to_string(&offline).unwrap_or_else(|error| panic!("{}: {error}", offline.display()));
        assert!(
            text.contains("mock_provider") && text.contains("expect_failures"),
            "{} mocks its provider and shows a refusal",
            offline.display()
        );
    }
}

/// A workspace with the modules and whatever providers can be had; `None`, and words, where the module needs another.
fn workspace(module: &str) -> Option<Workspace> {
    if !available() {
        eprintln!("skipped modules/{module}: terraform is not on the path (set TERRAFORM to its place)");
        return None;
    }
    let versions = fs::read_to_string(root().join("modules").join(module).join("versions.tf")).unwrap();
    let workspace = if versions.contains("hashicorp/aws") {
        let Some(mirror) = plugin_mirror() else {
            eprintln!("skipped modules/{module}: no mirror with hashicorp/aws (set TF_PLUGIN_MIRROR)");
            return None;
        };
        Workspace::installed_beside(&mirror)
    } else {
        Workspace::installed()
    };
    if versions.contains("integrations/github") {
        // Its tests mock the provider: a stand-in that knows the schema is enough.
        workspace.mirror("integrations/github", "6.6.0", "github-schema");
    }
    workspace.copy("modules");
    Some(workspace)
}

fn tested(module: &str) {
    let Some(workspace) = workspace(module) else {
        return;
    };
    for folder in configurations(module) {
        let chdir = format!("-chdir={folder}");
        workspace.terraform(&[&chdir, "init", "-backend=false"]).expect(0);
        workspace.terraform(&[&chdir, "validate"]).expect(0);
    }
    let chdir = format!("-chdir=modules/{module}");
    let ran = workspace.terraform(&[&chdir, "test"]).expect(0);
    assert!(ran.stdout.contains("Success!"), "{}", ran.stdout);
    assert!(
        !ran.stdout.contains("Success! 0 passed"),
        "some test ran: {}",
        ran.stdout
    );
}

#[test]
fn environment_is_valid_and_its_tests_pass() {
    tested("environment");
}

#[test]
fn environments_is_valid_and_its_tests_pass() {
    tested("environments");
}

#[test]
fn state_backend_is_valid_and_its_tests_pass() {
    tested("state-backend");
}

#[test]
fn github_environments_is_valid_and_its_tests_pass_with_a_stand_in_of_the_providers_schema() {
    tested("github-environments");
}

/// What a module has no test of here is not tested at all.
#[test]
fn every_module_is_tested() {
    let tested = [
        "environment",
        "environments",
        "github-environments",
        "state-backend",
    ];
    assert_eq!(names(), tested.map(str::to_owned).into());
}

/// Runs a module's tests of `tests/local` against a local AWS; what stands afterwards is told by the cloud.
fn lived(module: &str, cloud: &Cloud, more: &Value) -> bool {
    let Some(workspace) = workspace(module) else {
        return false;
    };
    let mut variables = json!({ "endpoints": endpoints(cloud) });
    for (name, value) in more.as_object().unwrap() {
        variables[name] = value.clone();
    }
    workspace.write(
        &format!("modules/{module}/cloud.tfvars.json"),
        &variables.to_string(),
    );
    let chdir = format!("-chdir=modules/{module}");
    workspace
        .terraform(&[&chdir, "init", "-backend=false", "-test-directory=tests/local"])
        .expect(0);
    let ran = workspace
        .terraform(&[
            &chdir,
            "test",
            "-test-directory=tests/local",
            "-var-file=cloud.tfvars.json",
        ])
        .expect(0);
    assert!(ran.stdout.contains("Success! 3 passed"), "{}", ran.text());
    true
}

#[test]
fn environment_lives_on_a_local_cloud() {
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let network = cloud.network().unwrap();
    let network = json!({ "existing_network": {
        "vpc_id": network.vpc_id,
        "private_subnet_ids": network.private_subnet_ids,
        "public_subnet_ids": network.public_subnet_ids,
    } });
    if !lived("environment", &cloud, &network) {
        return;
    }
    let left = cloud.sandbox().unwrap().marked("mlops:component", None);
    let left: Vec<&str> = left
        .iter()
        .map(|found| found.path.as_str())
        .filter(|path| !path.contains("kms") && !path.contains("key"))
        .collect();
    assert_eq!(left, [""; 0], "only keys in their window remain");
}

/// One state of a system: the module called for one tier.
struct State {
    workspace: Workspace,
    environment: String,
}

impl State {
    fn of(tier: &str, cloud: &Cloud, tiers: &Value) -> Self {
        let workspace = Workspace::installed();
        workspace.copy("modules");
        let block = json!({
            "terraform": { "required_providers": { "mlops": { "source": "mlops/mlops" } } },
            "provider": { "mlops": { "aws": { "region": REGION, "endpoints": endpoints(cloud) } } },
            "module": { "churn": {
                "source": "./modules/environments",
                "name": "churn",
                "tier": tier,
                "services": { "churn": {} },
                "github": { "repository": "acme/churn", "owner_id": "1", "repository_id": "2" },
                "gitlab": { "project_path": "acme/churn" },
                "tiers": tiers,
            } },
            "output": { "registry": { "value": "${module.churn.registry.url}" }, "id": { "value": "${module.churn.id}" } },
        });
        workspace.write("main.tf.json", &block.to_string());
        workspace.terraform(&["init"]).expect(0);
        Self {
            workspace,
            environment: format!("churn-{tier}"),
        }
    }

    fn output(&self, name: &str) -> String {
        let told = self.workspace.terraform(&["output", "-raw", name]).expect(0);
        told.stdout.trim().to_owned()
    }
}

/// Dev, staging and prod from one description, a state each: what is made in one state is no other's, images are pushed where they
/// are built alone, and one is destroyed without the others.
#[test]
fn environments_live_on_a_local_cloud_one_state_for_each_tier() {
    if workspace("environments").is_none() {
        return;
    }
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let network = cloud.network().unwrap();
    let aws = json!({ "existing_network": { "vpc_id": network.vpc_id, "private_subnet_ids": network.private_subnet_ids } });
    let images = format!(
        "{}.dkr.ecr.{REGION}.amazonaws.com/churn-dev",
        mlops_sandbox::account::USUAL_ACCOUNT
    );
    let tiers = json!({
        "dev": { "aws": aws },
        "staging": { "aws": aws, "images_from": images },
        "prod": { "aws": aws, "images_from": images, "ci_refs": ["refs/tags/v*"] },
    });
    let states: Vec<State> = ["dev", "staging", "prod"]
        .into_iter()
        .map(|tier| {
            let state = State::of(tier, &cloud, &tiers);
            state.workspace.terraform(&["apply", "-auto-approve"]).expect(0);
            assert!(
                state.output("id").ends_with(&state.environment),
                "{}",
                state.output("id")
            );
            state
        })
        .collect();
    assert!(
        states.iter().all(|state| state.output("registry") == images),
        "one registry"
    );
    let standing = || -> BTreeSet<String> {
        let found = cloud.sandbox().unwrap().marked("mlops:component", None);
        let of = found.iter().map(|found| {
            found.tags["mlops:environment"]
                .rsplit('/')
                .next()
                .unwrap()
                .to_owned()
        });
        of.collect()
    };
    let all: BTreeSet<String> = states.iter().map(|state| state.environment.clone()).collect();
    assert_eq!(standing(), all);
    for state in &states {
        state
            .workspace
            .terraform(&["plan", "-detailed-exitcode"])
            .expect(0);
    }
    let inventory = cloud.inventory().unwrap();
    let trust = |role: &str| inventory["roles"][role]["trust"].to_string();
    for tier in ["dev", "staging", "prod"] {
        let (deploy, deployment) = (
            trust(&format!("churn-{tier}-deploy")),
            match tier {
                "dev" => "development",
                "staging" => "staging",
                _ => "production",
            },
        );
        assert!(deploy.contains(&format!("environment:aws-{tier}\"")), "{deploy}");
        assert!(
            deploy.contains(&format!("deployment_tier:{deployment}:*")),
            "{deploy}"
        );
    }
    let repositories = inventory["repositories"].as_object().unwrap();
    assert!(
        repositories.keys().all(|name| name.starts_with("churn-dev/")),
        "built in dev alone: {repositories:#?}"
    );

    // The last one first: what is protected says so, and is let go by its own state alone.
    let dev = &states[0];
    dev.workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
    let others: BTreeSet<String> = all
        .iter()
        .filter(|name| **name != dev.environment)
        .cloned()
        .collect();
    let left = standing();
    assert!(others.is_subset(&left), "{left:?}");
    for state in &states[1..] {
        state
            .workspace
            .terraform(&["plan", "-detailed-exitcode"])
            .expect(0);
    }
}

fn endpoints(cloud: &Cloud) -> serde_json::Map<String, Value> {
    let all = SERVICES.iter();
    all.map(|service| ((*service).to_owned(), Value::from(cloud.url.clone())))
        .collect()
}

#[test]
fn state_backend_lives_on_a_local_cloud_and_outlives_its_state() {
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    if !lived("state-backend", &cloud, &json!({})) {
        return;
    }
    let inventory = cloud.inventory().unwrap();
    let buckets = inventory["buckets"].as_object().unwrap();
    assert_eq!(
        buckets.len(),
        1,
        "what holds states is not deleted with a test's own"
    );
}
