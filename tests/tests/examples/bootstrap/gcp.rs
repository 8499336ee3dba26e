//! From an empty project of Google Cloud to a first environment, with the rights that were handed out and no others.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use mlops_e2e::binary;
use mlops_e2e::gcp::{DUMMY_TOKEN, NETWORK, PROJECT, REGION, SERVICES, endpoints, start};
use mlops_e2e::terraform::{Ran, Workspace, available, ran};
use mlops_sandbox::Sandbox;
use mlops_sandbox::fault::{Effect, Fault};
use serde_json::{Value, json};

use super::{GITHUB, jwt, section, without_a_state_on_disk};

/// The command, run as the project's operator, for a repository of GitHub's.
fn command(sandbox: &Sandbox, more: &[&str]) -> Command {
    command_for(sandbox, &GITHUB, more)
}

/// The same for any forge.
pub(super) fn command_for(sandbox: &Sandbox, forge: &[&str], more: &[&str]) -> Command {
    let mut command = Command::new(binary("terraform-provider-mlops"));
    command.args(["bootstrap", "gcp", "--name", "churn", "--project", PROJECT]);
    command.args(["--region", REGION]).args(forge);
    for service in SERVICES {
        command.arg(format!("--endpoint={service}={}", sandbox.gcp(service)));
    }
    command
        .args(more)
        .env_clear()
        .env(DUMMY_TOKEN.0, DUMMY_TOKEN.1)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(super) fn bootstrap(sandbox: &Sandbox, more: &[&str]) -> Ran {
    bootstrap_for(sandbox, &GITHUB, more)
}

pub(super) fn bootstrap_for(sandbox: &Sandbox, forge: &[&str], more: &[&str]) -> Ran {
    let output = command_for(sandbox, forge, more).output().unwrap();
    ran(&output, Duration::ZERO)
}

pub(super) fn project(sandbox: &Sandbox) -> Value {
    sandbox.snapshot()["gcp"]["projects"][PROJECT].clone()
}

/// How many there are of each kind that bootstrap makes.
pub(super) fn standing(sandbox: &Sandbox) -> Value {
    let world = sandbox.snapshot();
    let project = &world["gcp"]["projects"][PROJECT];
    let names = |value: &Value| -> BTreeSet<String> {
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect()
    };
    let folders = |value: &Value| -> Vec<BTreeSet<String>> {
        let buckets = value.as_object().into_iter().flatten();
        buckets.map(|(_, bucket)| names(&bucket["folders"])).collect()
    };
    let granted: usize = project["policy"]["bindings"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|binding| binding["members"].as_array().map_or(0, Vec::len))
        .sum();
    json!({
        "accounts": names(&project["accounts"]),
        "buckets": names(&world["gcp"]["buckets"]),
        "folders": folders(&world["gcp"]["buckets"]),
        "grants": granted,
        "pools": names(&project["pools"]),
        "rings": names(&project["key_rings"]),
        "roles": names(&project["roles"]),
    })
}

pub(super) fn bucket(sandbox: &Sandbox) -> (String, Value) {
    let world = sandbox.snapshot();
    let buckets = world["gcp"]["buckets"].as_object().unwrap();
    let (name, bucket) = buckets.iter().next().expect("a bucket");
    (name.clone(), bucket.clone())
}

/// Changes Google Cloud behind everybody's back.
pub(super) fn outside(sandbox: &Sandbox, change: impl FnOnce(&mut Value)) {
    sandbox.world(|world| {
        let mut value = serde_json::to_value(&*world).unwrap();
        change(&mut value["gcp"]);
        *world = serde_json::from_value(value).unwrap();
    });
}

#[test]
fn makes_everything_once_and_says_what_to_copy() {
    let sandbox = start().unwrap();
    let empty = standing(&sandbox);
    let before = bootstrap(&sandbox, &["--check"]).expect(1);
    assert!(
        before.stderr.contains("23 objects, 22 not as they shall be"),
        "{}",
        before.stderr
    );
    assert_eq!(standing(&sandbox), empty, "a check changes nothing");

    let made = bootstrap(&sandbox, &[]).expect(0);
    assert!(
        made.stderr.contains("note: 3 tiers share this project"),
        "{}",
        made.stderr
    );
    let backend = section(&made.stdout, "# ---- churn-prod: backend.hcl");
    assert!(backend.contains("prefix = \"churn-prod\""), "{backend}");
    for variable in [
        "GCP_WORKLOAD_IDENTITY_PROVIDER = projects/",
        "GCP_PLANNER_SERVICE_ACCOUNT = pl-churn-prod-",
        "GCP_PROVISIONER_SERVICE_ACCOUNT = pv-churn-dev-",
    ] {
        assert!(made.stdout.contains(variable), "{variable}\n{}", made.stdout);
    }
    let before = sandbox.journal().len();
    bootstrap(&sandbox, &["--check"]).expect(0);
    let one_look = sandbox.journal().len() - before;

    let before = sandbox.journal().len();
    let again = bootstrap(&sandbox, &[]).expect(0);
    assert_eq!(again.stdout, made.stdout, "it says the same every time");
    let journal = sandbox.journal();
    assert_eq!(journal.len() - before, one_look, "and looks once");
    // Asking for the agent of Cloud Storage makes it where there is none yet: a question all the same.
    let writes = journal[before..]
        .iter()
        .filter(|entry| entry.write && entry.operation != "storage.projects.serviceAccount.get");
    let writes: Vec<&str> = writes.map(|entry| entry.operation.as_str()).collect();
    assert_eq!(writes, [""; 0], "nothing is written twice");
}

#[test]
fn the_state_bucket_is_closed() {
    let sandbox = start().unwrap();
    bootstrap(&sandbox, &["--tiers", "dev"]).expect(0);
    let (name, bucket) = bucket(&sandbox);
    assert!(name.starts_with("churn-tfstate-"), "{name}");
    let body = &bucket["body"];
    assert_eq!(body["versioning"]["enabled"], true);
    assert_eq!(body["iamConfiguration"]["publicAccessPrevention"], "enforced");
    assert_eq!(
        body["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"],
        true
    );
    assert_eq!(body["softDeletePolicy"]["retentionDurationSeconds"], "2592000");
    let key = body["encryption"]["defaultKmsKeyName"].as_str().unwrap();
    assert!(key.ends_with("/keyRings/churn-tfstate/cryptoKeys/state"), "{key}");
    let services = project(&sandbox)["services"].to_string();
    for needed in ["cloudkms", "sts", "iamcredentials", "container"] {
        assert!(services.contains(needed), "{needed} is enabled: {services}");
    }
}

#[test]
fn what_was_changed_by_hand_is_found_and_repaired() {
    let sandbox = start().unwrap();
    bootstrap(&sandbox, &[]).expect(0);
    let (name, _) = bucket(&sandbox);
    outside(&sandbox, |gcp| {
        let bucket = &mut gcp["buckets"][&name];
        bucket["body"]["versioning"]["enabled"] = json!(false);
        bucket["body"]["iamConfiguration"]["publicAccessPrevention"] = json!("inherited");
        let project = &mut gcp["projects"][PROJECT];
        let planner = project["accounts"]
            .as_object()
            .unwrap()
            .keys()
            .find(|email| email.starts_with("pl-churn-dev-"))
            .unwrap()
            .clone();
        let owner = json!({ "role": "roles/owner", "members": [format!("serviceAccount:{planner}")] });
        project["policy"]["bindings"].as_array_mut().unwrap().push(owner);
        let role = format!("projects/{PROJECT}/roles/mlops_churn_reader");
        project["roles"][&role]["includedPermissions"] = json!(["storage.objects.get"]);
    });
    let checked = bootstrap(&sandbox, &["--check"]).expect(1);
    for words in [
        "~ state.bucket:",
        "versioning",
        "public access prevention",
        "~ roles.reader: permissions",
        "roles/owner",
    ] {
        assert!(checked.stderr.contains(words), "{words}\n{}", checked.stderr);
    }
    bootstrap(&sandbox, &["--check"]).expect(1);
    bootstrap(&sandbox, &[]).expect(0);
    bootstrap(&sandbox, &["--check"]).expect(0);
    assert!(!project(&sandbox)["policy"].to_string().contains("roles/owner"));
}

/// A deleted role keeps its id: it is brought back.
#[test]
fn a_deleted_role_is_brought_back() {
    let sandbox = start().unwrap();
    bootstrap(&sandbox, &["--tiers=dev"]).expect(0);
    let role = format!("projects/{PROJECT}/roles/mlops_churn_writer");
    sandbox
        .ask_gcp(&Method::DELETE, &format!("iam/v1/{role}"), None)
        .unwrap();
    let checked = bootstrap(&sandbox, &["--tiers=dev", "--check"]).expect(1);
    assert!(checked.stderr.contains("+ roles.writer"), "{}", checked.stderr);
    bootstrap(&sandbox, &["--tiers=dev"]).expect(0);
    assert_eq!(project(&sandbox)["roles"][&role]["deleted"], Value::Null);
}

#[test]
fn takes_nothing_that_is_somebody_elses() {
    let sandbox = start().unwrap();
    let role = json!({ "roleId": "mlops_churn_reader", "role": { "title": "ours", "includedPermissions": ["storage.buckets.get"] } });
    sandbox
        .ask_gcp(
            &Method::POST,
            &format!("iam/v1/projects/{PROJECT}/roles"),
            Some(&role),
        )
        .unwrap();
    let before = standing(&sandbox);
    let refused = bootstrap(&sandbox, &[]).expect(1);
    for words in ["bootstrap did not make it", "nothing was changed"] {
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    assert_eq!(standing(&sandbox), before);
    assert_eq!(refused.stdout, "");
}

#[test]
fn every_grant_can_be_read_beforehand() {
    let sandbox = start().unwrap();
    let empty = standing(&sandbox);
    let printed = bootstrap(&sandbox, &["--print-policy", "--tiers=dev"]).expect(0);
    for heading in [
        "# federation.github: attribute_condition",
        "# trust.planners.dev: members",
        "# roles.writer: permissions",
        "# state.bucket: folders",
        "# project_grants: grants",
    ] {
        assert!(printed.stdout.contains(heading), "{heading}\n{}", printed.stdout);
    }
    assert!(!printed.stdout.contains("@{"), "every reference has a name");
    assert_eq!(standing(&sandbox), empty);
}

/// Killed before or after any write, the next run goes on, and there is one of everything.
#[test]
fn killed_at_every_write_it_converges() {
    let (writes, wanted) = {
        let sandbox = start().unwrap();
        bootstrap(&sandbox, &["--tiers=dev"]).expect(0);
        let writes = sandbox.journal().iter().filter(|entry| entry.write).count();
        (writes as u64, standing(&sandbox))
    };
    assert!(writes > 15, "{writes} writes");
    for effect in [Effect::HoldBefore, Effect::HoldAfter] {
        for number in 1..=writes {
            let sandbox = start().unwrap();
            sandbox.fault(Fault::new(effect.clone()).writes().nth(number, 1));
            let mut child = command(&sandbox, &["--tiers=dev"])
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
            bootstrap(&sandbox, &["--tiers=dev"]).expect(0);
            assert_eq!(standing(&sandbox), wanted, "{effect:?} {number}");
            bootstrap(&sandbox, &["--tiers=dev", "--check"]).expect(0);
        }
    }
    println!("{} kills, all made good by the next run", 2 * writes);
}

/// A token of GitHub's for a job of an environment.
pub(super) fn token(provider: &str, environment: &str) -> String {
    jwt(&json!({
        "iss": "https://token.actions.githubusercontent.com",
        "aud": format!("https://iam.googleapis.com/{provider}"),
        "sub": format!("repo:acme@1/infra@2:environment:{environment}"),
        "repository": "acme/infra",
        "repository_id": "2",
        "repository_owner_id": "1",
        "environment": environment,
        "event_name": "push",
        "ref": "refs/heads/main",
        "run_id": "7",
        // The year 2100.
        "exp": 4_102_444_800_u32,
    }))
}

/// Terraform as a worker: nothing but a token and the file that `google-github-actions/auth` writes.
pub(super) fn as_worker(
    sandbox: &Sandbox,
    workspace: &Workspace,
    (provider, account): (&str, &str),
    token: &str,
    arguments: &[&str],
) -> Ran {
    workspace.write("token", token);
    let file = json!({
        "type": "external_account",
        "audience": format!("//iam.googleapis.com/{provider}"),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/v1/token", sandbox.gcp("sts")),
        "service_account_impersonation_url": format!(
            "{}/v1/projects/-/serviceAccounts/{account}:generateAccessToken",
            sandbox.gcp("iamcredentials")
        ),
        "credential_source": { "file": workspace.path("token") },
    });
    workspace.write("credentials.json", &file.to_string());
    let output = workspace
        .command(arguments)
        .env(
            "GOOGLE_APPLICATION_CREDENTIALS",
            workspace.path("credentials.json"),
        )
        .output()
        .unwrap();
    ran(&output, Duration::ZERO)
}

/// The value of a variable of an environment of GitHub or GitLab, as it was printed.
pub(super) fn variable<'a>(printed: &'a str, name: &str) -> &'a str {
    let line = printed
        .lines()
        .find_map(|line| line.split_once(&format!("{name} = ")));
    line.unwrap_or_else(|| panic!("no {name} in\n{printed}")).1
}

#[test]
fn from_an_empty_project_to_a_first_environment_without_a_state_on_any_disk() {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return;
    }
    let sandbox = start().unwrap();
    let made = bootstrap(&sandbox, &["--tiers=dev"]).expect(0);
    let federation = "github = { repository = \"acme/churn\", owner_id = \"1\", repository_id = \"3\" }";
    let workspace = ready(&sandbox, &made.stdout, federation);
    let door = variable(&made.stdout, "GCP_WORKLOAD_IDENTITY_PROVIDER");
    let tokens = [token(door, "infra-gcp-dev-plan"), token(door, "infra-gcp-dev")];
    planned_and_made(&sandbox, &workspace, &made.stdout, &tokens);
}

/// The files of a first environment, as they were printed; from here on everybody may do what the policies say.
pub(super) fn ready(sandbox: &Sandbox, printed: &str, federation: &str) -> Workspace {
    sandbox.enforce(true);

    let workspace = Workspace::installed();
    workspace.write("backend.hcl", section(printed, "# ---- churn-dev: backend.hcl"));
    let provider = section(printed, "# ---- churn-dev: provider.tf").replace(
        "    allowed_projects",
        &format!(
            "    endpoints        = {}\n    allowed_projects",
            endpoints(sandbox)
        ),
    );
    workspace.write("provider.tf", &provider);
    workspace.write(
        "main.tf",
        &format!(
            "resource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  gcp  = {{ existing_network = {NETWORK} }}\n  \
             services   = {{ churn = {{ secrets = {{ store = {{ readers = [\"runtime\"] }} }} }} }}\n  \
             federation = {{ {federation} }}\n}}\n"
        ),
    );
    workspace
}

/// Planned by the first token, made by the second; neither becomes the other, and a planner makes nothing.
pub(super) fn planned_and_made(
    sandbox: &Sandbox,
    workspace: &Workspace,
    printed: &str,
    tokens: &[String; 2],
) {
    let door = variable(printed, "GCP_WORKLOAD_IDENTITY_PROVIDER");
    let planner = (door, variable(printed, "GCP_PLANNER_SERVICE_ACCOUNT"));
    let provisioner = (door, variable(printed, "GCP_PROVISIONER_SERVICE_ACCOUNT"));
    without_a_state_on_disk(workspace, || {
        the_first_environment(sandbox, workspace, planner, provisioner, tokens);
    });

    // Last, because Terraform leaves an errored.tfstate behind where it may not write the state.
    let apply = ["apply", "-auto-approve"];
    let refused = as_worker(sandbox, workspace, planner, &tokens[0], &apply);
    assert_ne!(refused.code, 0, "a planner makes nothing");
    assert!(refused.text().contains("denied"), "{}", refused.text());
}

fn the_first_environment(
    sandbox: &Sandbox,
    workspace: &Workspace,
    planner: (&str, &str),
    provisioner: (&str, &str),
    [planners, provisioners]: &[String; 2],
) {
    let plans = |arguments: &[&str]| as_worker(sandbox, workspace, planner, planners, arguments);
    let applies = |arguments: &[&str]| as_worker(sandbox, workspace, provisioner, provisioners, arguments);

    let storage = format!(
        "-backend-config=storage_custom_endpoint={}/storage/v1/",
        sandbox.gcp("storage")
    );
    let init = ["init", "-backend-config=backend.hcl", &storage];
    // A job of another environment becomes nobody.
    as_worker(sandbox, workspace, provisioner, planners, &init).expect(1);
    as_worker(sandbox, workspace, planner, provisioners, &init).expect(1);

    plans(&init).expect(0);
    plans(&["plan", "-out=plan.tfplan"]).expect(0);
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
    let applied = applies(&["apply", "plan.tfplan"]).expect(0);
    assert!(applied.stdout.contains("1 added"), "{}", applied.text());
    plans(&["plan", "-detailed-exitcode"]).expect(0);
    let (_, state) = sandbox.snapshot()["gcp"]["buckets"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(name, _)| name.starts_with("churn-tfstate-"))
        .map(|(name, bucket)| (name.clone(), bucket.clone()))
        .unwrap();
    assert!(state["objects"].to_string().contains("churn-dev/default.tfstate"));
    applies(&["destroy", "-auto-approve"]).expect(0);
}
