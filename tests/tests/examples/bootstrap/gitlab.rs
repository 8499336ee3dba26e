//! The infrastructure on GitLab: the same on both clouds, told by what each of them sees of a token.

use std::process::Stdio;
use std::time::Duration;

use mlops_e2e::gcp::{DUMMY_TOKEN, endpoints, start};
use mlops_e2e::terraform::{Workspace, available};
use mlops_sandbox::fault::{Effect, Fault};
use serde_json::json;

use super::{GITHUB, aws, gcp, jwt, section};

const ON_AWS: [&str; 2] = ["--gitlab", "acme/infra"];
const ON_GCP: [&str; 4] = ["--gitlab", "acme/infra", "--gitlab-id", "42"];

/// A token of GitLab's for a job in an environment, as AWS reads it.
fn for_aws(protected: bool, tier: &str) -> String {
    jwt(&json!({
        "iss": "https://gitlab.com",
        "sub": format!(
            "project_path:acme/infra:environment_protected:{protected}:deployment_tier:{tier}:ref_type:branch:ref:main"
        ),
        "aud": "https://gitlab.com",
        "iat": 1_700_000_000,
        // The year 2100.
        "exp": 4_102_444_800_u32,
    }))
}

/// The same, as Google Cloud reads it.
fn for_gcp(provider: &str, environment: &str, protected: bool) -> String {
    jwt(&json!({
        "iss": "https://gitlab.com",
        "aud": format!("https://iam.googleapis.com/{provider}"),
        "sub": "project_path:acme/infra:ref_type:branch:ref:main",
        "project_path": "acme/infra",
        "project_id": "42",
        "job_id": "7",
        "environment": environment,
        "environment_protected": protected.to_string(),
        "pipeline_source": if protected { "push" } else { "merge_request_event" },
        "ref_path": "refs/heads/main",
        "ref_protected": protected.to_string(),
        "exp": 4_102_444_800_u32,
    }))
}

fn terraform(test: &str) -> bool {
    if !available() {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
    }
    available()
}

#[test]
fn on_aws_its_jobs_plan_and_make_a_first_environment() {
    if !terraform("on_aws_its_jobs_plan_and_make_a_first_environment") {
        return;
    }
    let cloud = aws::empty();
    aws::bootstrap_for(&cloud, &ON_AWS, &["--tiers=dev", "--check"]).expect(1);
    let made = aws::bootstrap_for(&cloud, &ON_AWS, &["--tiers=dev"]).expect(0);
    for words in [
        "# ---- churn-dev: GitLab environments",
        "environment: { name: infra-aws-dev-plan, deployment_tier: development }",
        "id_tokens: { CLOUD_TOKEN: { aud: \"https://gitlab.com\" } }",
        "ci_id_token_sub_claim_components",
        "https://gitlab.com/api/v4/projects/acme%2Finfra",
        "federation = { gitlab = { url = \"https://gitlab.com\", oidc_provider = \"reference\" } }",
    ] {
        assert!(made.stdout.contains(words), "{words}\n{}", made.stdout);
    }
    aws::bootstrap_for(&cloud, &ON_AWS, &["--tiers=dev", "--check"]).expect(0);

    let federation = "gitlab = { project_path = \"acme/churn\", environments = { tier = \"development\" }, oidc_provider = \"reference\" }";
    let workspace = aws::ready(&cloud, &made.stdout, federation);
    let (planner, provisioner) = (for_aws(false, "development"), for_aws(true, "development"));
    let init = [
        "init",
        "-backend-config=backend.hcl",
        "-backend-config=use_path_style=true",
    ];
    for stranger in [aws::token("infra-aws-dev"), for_aws(true, "production")] {
        aws::as_worker(&workspace, "churn-dev-provisioner", &stranger, &init).expect(1);
    }
    super::without_a_state_on_disk(&workspace, || {
        aws::the_first_environment(&cloud, &workspace, &planner, &provisioner);
    });
}

#[test]
fn on_google_cloud_its_jobs_plan_and_make_a_first_environment() {
    if !terraform("on_google_cloud_its_jobs_plan_and_make_a_first_environment") {
        return;
    }
    let sandbox = start().unwrap();
    let made = gcp::bootstrap_for(&sandbox, &ON_GCP, &["--tiers=dev"]).expect(0);
    gcp::bootstrap_for(&sandbox, &ON_GCP, &["--tiers=dev", "--check"]).expect(0);
    let door = gcp::variable(&made.stdout, "GCP_WORKLOAD_IDENTITY_PROVIDER");
    assert!(door.ends_with("/providers/gitlab"), "{door}");
    let audience = format!("id_tokens: {{ CLOUD_TOKEN: {{ aud: \"https://iam.googleapis.com/{door}\" }} }}");
    assert!(made.stdout.contains(&audience), "{audience}\n{}", made.stdout);
    assert!(
        !made.stdout.contains("ci_id_token_sub_claim_components"),
        "Google Cloud sees all claims"
    );

    let federation = "gitlab = { project_path = \"acme/churn\", project_id = \"43\" }";
    let workspace = gcp::ready(&sandbox, &made.stdout, federation);
    let tokens = [
        for_gcp(door, "infra-gcp-dev-plan", false),
        for_gcp(door, "infra-gcp-dev", true),
    ];
    // The same environment from a merge request, or where nobody protected it, makes nothing.
    let init = ["init", "-backend-config=backend.hcl"];
    let provisioner = (
        door,
        gcp::variable(&made.stdout, "GCP_PROVISIONER_SERVICE_ACCOUNT"),
    );
    let proposed = for_gcp(door, "infra-gcp-dev", false);
    gcp::as_worker(&sandbox, &workspace, provisioner, &proposed, &init).expect(1);
    gcp::planned_and_made(&sandbox, &workspace, &made.stdout, &tokens);
}

/// Whoever moves the infrastructure from GitHub to GitLab says so; killed at any write on the way, the next run goes on, and
/// GitHub's jobs are nobody afterwards.
#[test]
fn on_aws_moved_and_killed_at_every_write_it_converges() {
    let moved = |strike: Option<Fault>| {
        let cloud = aws::empty();
        aws::bootstrap_for(&cloud, &GITHUB, &["--tiers=dev"]).expect(0);
        let sandbox = cloud.sandbox().unwrap();
        let before = sandbox.journal().len();
        if let Some(strike) = strike {
            sandbox.fault(strike);
            let mut child = aws::command_for(&cloud, &ON_AWS, &["--tiers=dev"])
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            assert!(sandbox.wait_held(Duration::from_secs(60)), "the write never came");
            child.kill().unwrap();
            child.wait().unwrap();
            sandbox.drop_held();
            sandbox.heal();
        }
        aws::bootstrap_for(&cloud, &ON_AWS, &["--tiers=dev"]).expect(0);
        let writes = sandbox.journal()[before..]
            .iter()
            .filter(|entry| entry.write)
            .count();
        aws::bootstrap_for(&cloud, &ON_AWS, &["--tiers=dev", "--check"]).expect(0);
        let roles = cloud.inventory().unwrap()["roles"].clone();
        assert!(
            !roles.to_string().contains("githubusercontent"),
            "GitHub's jobs are nobody: {roles:#}"
        );
        (writes as u64, aws::standing(&cloud))
    };
    let (writes, standing) = moved(None);
    assert!(writes >= 3, "{writes} writes");
    for effect in [Effect::HoldBefore, Effect::HoldAfter] {
        for number in 1..=writes {
            let (_, found) = moved(Some(Fault::new(effect.clone()).writes().nth(number, 1)));
            assert_eq!(found, standing, "{effect:?} {number}");
        }
    }
}

#[test]
fn on_google_cloud_moved_and_killed_at_every_write_it_converges() {
    let moved = |strike: Option<Fault>| {
        let sandbox = start().unwrap();
        gcp::bootstrap_for(&sandbox, &GITHUB, &["--tiers=dev"]).expect(0);
        let before = sandbox.journal().len();
        if let Some(strike) = strike {
            sandbox.fault(strike);
            let mut child = gcp::command_for(&sandbox, &ON_GCP, &["--tiers=dev"])
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            assert!(sandbox.wait_held(Duration::from_secs(60)), "the write never came");
            child.kill().unwrap();
            child.wait().unwrap();
            sandbox.drop_held();
            sandbox.heal();
        }
        gcp::bootstrap_for(&sandbox, &ON_GCP, &["--tiers=dev"]).expect(0);
        let writes = sandbox.journal()[before..]
            .iter()
            .filter(|entry| entry.write)
            .count();
        gcp::bootstrap_for(&sandbox, &ON_GCP, &["--tiers=dev", "--check"]).expect(0);
        let accounts = gcp::project(&sandbox)["accounts"].to_string();
        assert!(accounts.contains("attribute.gate/gl/42/"), "{accounts}");
        assert!(
            !accounts.contains("attribute.gate/2/"),
            "GitHub's jobs are nobody: {accounts}"
        );
        (writes as u64, gcp::standing(&sandbox))
    };
    let (writes, standing) = moved(None);
    assert!(writes >= 3, "{writes} writes");
    for effect in [Effect::HoldBefore, Effect::HoldAfter] {
        for number in 1..=writes {
            let (_, found) = moved(Some(Fault::new(effect.clone()).writes().nth(number, 1)));
            assert_eq!(found, standing, "{effect:?} {number}");
        }
    }
}

/// What was made from GitLab is imported as what it is, on both clouds; a change of forge is made in place.
#[test]
fn it_is_described_from_then_on() {
    if !terraform("it_is_described_from_then_on") {
        return;
    }
    let cloud = aws::empty();
    let instance = [
        "--gitlab",
        "acme/infra",
        "--gitlab-url",
        "https://git.acme.example",
    ];
    let made = aws::bootstrap_for(&cloud, &instance, &["--tiers=dev"]).expect(0);
    let mut workspace = Workspace::new();
    workspace.set("AWS_ENDPOINT_URL", &cloud.url);
    described(&workspace, &made.stdout, "");
    let before = std::fs::read_to_string(workspace.path("main.tf")).unwrap();
    let github = "github = { repository = \"acme/infra\", owner_id = \"1\", repository_id = \"2\" }";
    let (head, _) = before.split_once("  gitlab = {").unwrap();
    workspace.write("main.tf", &format!("{head}  {github}\n}}\n"));
    let changes = workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    assert!(
        changes.stdout.contains("0 added, 1 changed"),
        "{}",
        changes.text()
    );
    aws::bootstrap_for(&cloud, &GITHUB, &["--tiers=dev", "--check"]).expect(0);

    let sandbox = start().unwrap();
    let made = gcp::bootstrap_for(&sandbox, &ON_GCP, &["--tiers=dev"]).expect(0);
    let mut workspace = Workspace::new();
    workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    described(
        &workspace,
        &made.stdout,
        &format!("endpoints = {}\n    ", endpoints(&sandbox)),
    );
    gcp::bootstrap_for(&sandbox, &ON_GCP, &["--tiers=dev", "--check"]).expect(0);
}

/// Imports by the printed block, with a state of no backend: nothing changes, then or later.
fn described(workspace: &Workspace, printed: &str, provider: &str) {
    let configuration = section(printed, "# ---- churn: state-backend.tf");
    let without_backend: Vec<&str> = configuration
        .lines()
        .filter(|line| !line.trim_start().starts_with("backend "))
        .collect();
    workspace.write(
        "main.tf",
        &without_backend
            .join("\n")
            .replace("allowed_", &format!("{provider}allowed_")),
    );
    let planned = workspace.terraform(&["plan"]).expect(0);
    assert!(
        planned
            .stdout
            .contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
        "{}",
        planned.text()
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
}
