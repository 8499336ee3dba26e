//! From an empty account of AWS to a first environment, with the rights that were handed out and no others.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use mlops_e2e::binary;
use mlops_e2e::cloud::{Cloud, DUMMY_CREDENTIALS, REGION};
use mlops_e2e::terraform::{Ran, Workspace, available, ran};
use mlops_sandbox::Sandbox;
use mlops_sandbox::fault::{Effect, Fault};
use serde_json::{Value, json};

use super::{GITHUB, jwt, section, without_a_state_on_disk};

const ASKED: [&str; 6] = ["bootstrap", "aws", "--name", "churn", "--region", REGION];

/// The command, run as the account's operator, for a repository of GitHub's.
fn command(cloud: &Cloud, more: &[&str]) -> Command {
    command_for(cloud, &GITHUB, more)
}

/// The same for any forge.
pub(super) fn command_for(cloud: &Cloud, forge: &[&str], more: &[&str]) -> Command {
    let mut command = Command::new(binary("terraform-provider-mlops"));
    command
        .args(ASKED)
        .args(forge)
        .args(more)
        .env_clear()
        .envs(DUMMY_CREDENTIALS)
        .env("AWS_ENDPOINT_URL", &cloud.url)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(super) fn bootstrap(cloud: &Cloud, more: &[&str]) -> Ran {
    bootstrap_for(cloud, &GITHUB, more)
}

pub(super) fn bootstrap_for(cloud: &Cloud, forge: &[&str], more: &[&str]) -> Ran {
    let output = command_for(cloud, forge, more).output().unwrap();
    ran(&output, Duration::ZERO)
}

pub(super) fn empty() -> Cloud {
    Cloud::sandboxed(Sandbox::builder()).unwrap()
}

/// Names of everything that carries a mark, by kind.
pub(super) fn standing(cloud: &Cloud) -> BTreeSet<String> {
    let marked = cloud.sandbox().unwrap().marked("mlops:component", None);
    let paths = marked
        .into_iter()
        .map(|found| found.tags["mlops:component"].clone());
    paths.collect()
}

const EVERYTHING: [&str; 19] = [
    "boundaries.dev",
    "boundaries.prod",
    "boundaries.staging",
    "boundaries.workers",
    "federation.github",
    "networks.dev",
    "networks.prod",
    "networks.staging",
    "planners.dev",
    "planners.prod",
    "planners.staging",
    "provisioners.dev",
    "provisioners.prod",
    "provisioners.staging",
    "reading.dev",
    "reading.prod",
    "reading.staging",
    "state.bucket",
    "state.key",
];

#[test]
fn makes_everything_once_and_says_what_to_copy() {
    let cloud = empty();
    let before = bootstrap(&cloud, &["--check"]).expect(1);
    assert!(
        before.stderr.contains("19 objects, 19 not as they shall be"),
        "{}",
        before.stderr
    );
    assert_eq!(standing(&cloud), BTreeSet::new(), "a check changes nothing");

    let made = bootstrap(&cloud, &[]).expect(0);
    assert_eq!(standing(&cloud), EVERYTHING.map(str::to_owned).into());
    let backend = section(&made.stdout, "# ---- churn-prod: backend.hcl");
    for line in [
        "key          = \"churn-prod/terraform.tfstate\"",
        "use_lockfile = true",
        "encrypt      = true",
    ] {
        assert!(backend.contains(line), "{backend}");
    }
    let sandbox = cloud.sandbox().unwrap();
    let before = sandbox.journal().len();
    bootstrap(&cloud, &["--check"]).expect(0);
    let one_look = sandbox.journal().len() - before;

    let before = sandbox.journal().len();
    let again = bootstrap(&cloud, &[]).expect(0);
    assert_eq!(again.stdout, made.stdout, "it says the same every time");
    let journal = sandbox.journal();
    assert_eq!(journal.len() - before, one_look, "and looks once");
    let writes = journal[before..].iter().filter(|entry| entry.write);
    let writes: Vec<&str> = writes.map(|entry| entry.operation.as_str()).collect();
    assert_eq!(writes, [""; 0], "nothing is written twice");
}

#[test]
fn the_state_bucket_is_closed() {
    let cloud = empty();
    bootstrap(&cloud, &["--tiers", "dev"]).expect(0);
    let inventory = cloud.inventory().unwrap();
    let (name, bucket) = inventory["buckets"].as_object().unwrap().iter().next().unwrap();
    assert!(name.starts_with("churn-tfstate-"), "{name}");
    assert_eq!(bucket["versioning"], "Enabled");
    assert_eq!(bucket["ownership"], "BucketOwnerEnforced");
    for switch in [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ] {
        assert_eq!(bucket["public_access_block"][switch], true, "{switch}");
    }
    let by_default = &bucket["encryption"][0]["ApplyServerSideEncryptionByDefault"];
    assert_eq!(by_default["SSEAlgorithm"], "aws:kms");
    assert!(
        by_default["KMSMasterKeyID"].as_str().unwrap().contains(":key/"),
        "a key of its own"
    );
    let refusals: Vec<&Value> = bucket["policy"]["Statement"].as_array().unwrap().iter().collect();
    assert!(refusals.iter().all(|statement| statement["Effect"] == "Deny"));
    assert!(
        refusals
            .iter()
            .any(|statement| statement["Condition"]["Bool"]["aws:SecureTransport"] == "false")
    );
}

#[test]
fn what_was_changed_by_hand_is_found_and_repaired() {
    let cloud = empty();
    bootstrap(&cloud, &[]).expect(0);
    let inventory = cloud.inventory().unwrap();
    let bucket = inventory["buckets"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap()
        .clone();
    let ask = |service: &str, operation: &str, input: Value| {
        cloud
            .sandbox()
            .unwrap()
            .ask(REGION, service, operation, input)
            .unwrap();
    };
    ask(
        "s3",
        "PutBucketVersioning",
        json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}),
    );
    ask(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": "churn-dev-planner", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    );
    let checked = bootstrap(&cloud, &["--check"]).expect(1);
    for words in [
        "~ state.bucket: versioning",
        "~ planners.dev:",
        "AdministratorAccess",
    ] {
        assert!(checked.stderr.contains(words), "{words}\n{}", checked.stderr);
    }
    bootstrap(&cloud, &["--check"]).expect(1);
    bootstrap(&cloud, &[]).expect(0);
    bootstrap(&cloud, &["--check"]).expect(0);
}

#[test]
fn takes_nothing_that_is_somebody_elses() {
    let cloud = empty();
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]});
    let role = json!({"RoleName": "churn-dev-provisioner", "AssumeRolePolicyDocument": trust.to_string()});
    cloud
        .sandbox()
        .unwrap()
        .ask(REGION, "iam", "CreateRole", role)
        .unwrap();
    let refused = bootstrap(&cloud, &[]).expect(1);
    assert!(
        refused.stderr.contains("bootstrap did not make it"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("nothing was changed"),
        "{}",
        refused.stderr
    );
    assert_eq!(standing(&cloud), BTreeSet::new());
    assert_eq!(refused.stdout, "");
}

#[test]
fn long_term_keys_are_refused() {
    let cloud = empty();
    let output = command(&cloud, &[])
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env_remove("AWS_SESSION_TOKEN")
        .env("AWS_ENDPOINT_URL", "https://sts.amazonaws.com")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Long-term AWS credentials are refused"), "{said}");
}

#[test]
fn every_policy_can_be_read_beforehand() {
    let cloud = empty();
    let printed = bootstrap(&cloud, &["--print-policy", "--tiers=dev"]).expect(0);
    for heading in [
        "# state.bucket: policy",
        "# state.key: policy",
        "# planners.dev: trust",
        "# reading.dev: document",
        "# networks.dev: document",
        "# provisioners.dev: write",
        "# boundaries.dev: document",
    ] {
        assert!(printed.stdout.contains(heading), "{heading}");
    }
    assert!(!printed.stdout.contains("@{"), "every reference has a name");
    assert_eq!(standing(&cloud), BTreeSet::new());
}

/// Killed before or after any write, the next run goes on, and there is one of everything.
#[test]
fn killed_at_every_write_it_converges() {
    let reference = {
        let cloud = empty();
        bootstrap(&cloud, &["--tiers=dev"]).expect(0);
        let writes = cloud
            .sandbox()
            .unwrap()
            .journal()
            .iter()
            .filter(|entry| entry.write)
            .count();
        (writes as u64, standing(&cloud), counted(&cloud))
    };
    let (writes, wanted, counts) = reference;
    assert!(writes > 15, "{writes} writes");
    for effect in [Effect::HoldBefore, Effect::HoldAfter] {
        for number in 1..=writes {
            let cloud = empty();
            let sandbox = cloud.sandbox().unwrap();
            sandbox.fault(Fault::new(effect.clone()).writes().nth(number, 1));
            let mut child = command(&cloud, &["--tiers=dev"])
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            assert!(
                sandbox.wait_held(Duration::from_secs(60)),
                "write {number} never came"
            );
            child.kill().unwrap();
            child.wait().unwrap();
            sandbox.drop_held();
            sandbox.heal();
            bootstrap(&cloud, &["--tiers=dev"]).expect(0);
            assert_eq!(standing(&cloud), wanted, "{effect:?} {number}");
            assert_eq!(counted(&cloud), counts, "{effect:?} {number}: one of everything");
            bootstrap(&cloud, &["--tiers=dev", "--check"]).expect(0);
        }
    }
    println!("{} kills, all made good by the next run", 2 * writes);
}

fn counted(cloud: &Cloud) -> usize {
    cloud.sandbox().unwrap().marked("mlops:component", None).len()
}

/// A token of GitHub's for a job of an environment; the sandbox vouches for every issuer.
pub(super) fn token(environment: &str) -> String {
    jwt(&json!({
        "iss": "https://token.actions.githubusercontent.com",
        "sub": format!("repo:acme@1/infra@2:environment:{environment}"),
        "aud": "sts.amazonaws.com",
        "iat": 1_700_000_000,
        // The year 2100.
        "exp": 4_102_444_800_u32,
    }))
}

/// Terraform as a worker: nothing but a token.
pub(super) fn as_worker(workspace: &Workspace, worker: &str, token: &str, arguments: &[&str]) -> Ran {
    let file = workspace.path("token");
    std::fs::write(&file, token).unwrap();
    let account = mlops_sandbox::account::USUAL_ACCOUNT;
    let mut command = workspace.command(arguments);
    for (name, _) in DUMMY_CREDENTIALS {
        command.env_remove(name);
    }
    let output = command
        .env(
            "AWS_ROLE_ARN",
            format!("arn:aws:iam::{account}:role/mlops-bootstrap/churn/{worker}"),
        )
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &file)
        .output()
        .unwrap();
    ran(&output, Duration::ZERO)
}

#[test]
fn from_an_empty_account_to_a_first_environment_without_a_state_on_any_disk() {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return;
    }
    let cloud = empty();
    let made = bootstrap(&cloud, &["--tiers=dev"]).expect(0);
    let federation = "github = { repository = \"acme/churn\", owner_id = \"1\", repository_id = \"3\", oidc_provider = \"reference\" }";
    let workspace = ready(&cloud, &made.stdout, federation);
    let (planner, provisioner) = (token("infra-aws-dev-plan"), token("infra-aws-dev"));
    without_a_state_on_disk(&workspace, || {
        the_first_environment(&cloud, &workspace, &planner, &provisioner);
    });

    // Last, because Terraform leaves an errored.tfstate behind where it may not write the state.
    let apply = ["apply", "-auto-approve"];
    let refused = as_worker(&workspace, "churn-dev-planner", &planner, &apply);
    assert_ne!(refused.code, 0, "a planner makes nothing");
    assert!(refused.text().contains("AccessDenied"), "{}", refused.text());
}

/// The files of a first environment, as they were printed; from here on everybody may do what the policies say.
pub(super) fn ready(cloud: &Cloud, printed: &str, federation: &str) -> Workspace {
    let network = cloud.network().unwrap();
    // From here on everybody may do what the policies that stand say, and nothing else.
    cloud.sandbox().unwrap().enforce(true);

    let mut workspace = Workspace::installed();
    workspace.set("AWS_ENDPOINT_URL", &cloud.url);
    // Terraform's own backend asks for tokens where this says.
    workspace.set("AWS_ENDPOINT_URL_STS", &cloud.url);
    workspace.write("backend.hcl", section(printed, "# ---- churn-dev: backend.hcl"));
    let provider = section(printed, "# ---- churn-dev: provider.tf");
    workspace.write("provider.tf", provider);
    let boundary = provider.split("permissions_boundary = ").nth(1).unwrap();
    let boundary = boundary.split('"').nth(1).unwrap();
    workspace.write(
        "main.tf",
        &format!(
            "resource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  aws = {{\n    \
             permissions_boundary = \"{boundary}\"\n    existing_network = {{ vpc_id = {:?}, private_subnet_ids = {:?} }}\n  }}\n  \
             services = {{ churn = {{ secrets = {{ store = {{ readers = [\"runtime\"] }} }} }} }}\n  \
             federation = {{ {federation} }}\n}}\n",
            network.vpc_id, network.private_subnet_ids
        ),
    );

    workspace
}

/// Planned by the planner's token, made by the provisioner's; neither becomes the other.
pub(super) fn the_first_environment(
    cloud: &Cloud,
    workspace: &Workspace,
    planners_token: &str,
    provisioners_token: &str,
) {
    let planner = |arguments: &[&str]| as_worker(workspace, "churn-dev-planner", planners_token, arguments);
    let provisioner =
        |arguments: &[&str]| as_worker(workspace, "churn-dev-provisioner", provisioners_token, arguments);

    let init = [
        "init",
        "-backend-config=backend.hcl",
        "-backend-config=use_path_style=true",
    ];
    // A job of another environment becomes nobody.
    as_worker(workspace, "churn-dev-provisioner", planners_token, &init).expect(1);
    as_worker(workspace, "churn-dev-planner", provisioners_token, &init).expect(1);

    planner(&init).expect(0);
    planner(&["plan", "-out=plan.tfplan"]).expect(0);
    let gate = Command::new(binary("tfplan-check"))
        .args(["--fail-on", "note", "plan.tfplan"])
        .current_dir(workspace.path("."))
        .output()
        .unwrap();
    assert_eq!(
        gate.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&gate.stdout)
    );
    let applied = provisioner(&["apply", "plan.tfplan"]).expect(0);
    assert!(applied.stdout.contains("1 added"), "{}", applied.text());
    planner(&["plan", "-detailed-exitcode"]).expect(0);

    let inventory = cloud.inventory().unwrap();
    for (name, role) in inventory["roles"].as_object().unwrap() {
        if name.starts_with("churn-dev-") && !name.ends_with("planner") && !name.ends_with("provisioner") {
            let boundary = role["boundary"].as_str().unwrap_or_default();
            assert!(boundary.ends_with("/churn-dev-boundary"), "{name}: {role:#}");
        }
    }
    provisioner(&["destroy", "-auto-approve"]).expect(0);
}
