//! The ready workflows, linted: what must hold of it, and that each guard refuses.

use std::collections::BTreeSet;
use std::fs;

use mlops_e2e::root;
use serde_json::{Map, Value};

/// One for each cloud.
const WORKFLOWS: [&str; 2] = ["environment.yml", "environment-gcp.yml"];

fn text(name: &str) -> String {
    let path = root()
        .join("examples/github-actions/.github/workflows")
        .join(name);
    fs::read_to_string(path).unwrap()
}

/// What is wrong with a workflow, in words.
fn faults(text: &str) -> Vec<String> {
    let workflow: Value = match serde_saphyr::from_str(text) {
        Ok(workflow) => workflow,
        Err(error) => return vec![format!("is no YAML: {error}")],
    };
    let mut faults = unpinned(text);
    if workflow["permissions"] != serde_json::json!({ "contents": "read" }) {
        faults.push("gives all jobs more than contents: read".to_owned());
    }
    for word in ["secrets.", "aws-access-key-id", "credentials_json", "AKIA"] {
        if text.contains(word) {
            faults.push(format!("uses a stored credential: {word}"));
        }
    }
    let none = Map::new();
    let jobs = workflow["jobs"].as_object().unwrap_or(&none);
    for (name, job) in jobs {
        let mut fault = |what: String| faults.push(format!("{name}: {what}"));
        for needed in ["permissions", "timeout-minutes", "runs-on"] {
            if job[needed].is_null() {
                fault(format!("has no {needed}"));
            }
        }
        let steps: Vec<&Value> = job["steps"].as_array().into_iter().flatten().collect();
        let doors = [
            "aws-actions/configure-aws-credentials",
            "google-github-actions/auth",
        ];
        let enters = steps.iter().any(|step| doors.iter().any(|door| uses(step, door)));
        if enters && job["permissions"]["id-token"] != "write" {
            fault("cannot get a token: id-token".to_owned());
        }
        if enters && job["environment"].is_null() {
            fault("enters outside a protected environment".to_owned());
        }
        let at = |wanted: &dyn Fn(&Value) -> bool| steps.iter().position(|step| wanted(step));
        let applies = at(&|step| runs(step, "terraform apply"));
        let gates = at(&|step| runs(step, "tfplan-check") && !runs(step, "cargo install"));
        let hands_on = at(&|step| uses(step, "actions/upload-artifact"));
        if hands_on.is_some() && (gates.is_none() || gates > hands_on) {
            fault("hands on a plan that was not checked".to_owned());
        }
        if let Some(apply) = applies {
            if !runs(steps[apply], "terraform apply plan.tfplan") {
                fault("applies something else than the plan that was checked".to_owned());
            }
            if job["needs"] != "plan" {
                fault("applies without a plan before it".to_owned());
            }
        }
        if let Some(needed) = job["needs"].as_str()
            && !jobs.contains_key(needed)
        {
            fault(format!("needs {needed}, which is no job"));
        }
        faults.extend(dangling(name, job, jobs));
    }
    if workflow["concurrency"]["cancel-in-progress"] != false {
        faults.push("an apply may be stopped half-way by the next".to_owned());
    }
    faults
}

fn uses(step: &Value, action: &str) -> bool {
    step["uses"]
        .as_str()
        .is_some_and(|used| used.starts_with(&format!("{action}@")))
}

fn runs(step: &Value, command: &str) -> bool {
    step["run"].as_str().is_some_and(|run| run.contains(command))
}

/// Actions that are not pinned to a commit, with the version beside it.
fn unpinned(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "))
        .filter(|used| {
            let pinned = used.split_once('@').and_then(|(_, rest)| rest.split_once(" # v"));
            let commit = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            !pinned.is_some_and(|(hash, version)| commit(hash) && !version.is_empty())
        })
        .map(|used| format!("not pinned to a commit: {used}"))
        .collect()
}

/// Expressions that speak of steps and outputs which are not there.
fn dangling(name: &str, job: &Value, jobs: &Map<String, Value>) -> Vec<String> {
    let steps = job["steps"].as_array().into_iter().flatten();
    let ids: BTreeSet<&str> = steps.filter_map(|step| step["id"].as_str()).collect();
    let text = job.to_string();
    let mut found = Vec::new();
    for rest in text.split("steps.").skip(1) {
        let id = rest.split('.').next().unwrap_or_default();
        if rest.contains(".outputs") && !ids.contains(id) {
            found.push(format!("{name}: steps.{id} is no step"));
        }
    }
    for rest in text.split("needs.").skip(1) {
        let mut parts = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
        let (job, _, output) = (parts.next(), parts.next(), parts.next());
        let (job, output) = (job.unwrap_or_default(), output.unwrap_or_default());
        if jobs.get(job).is_none_or(|job| job["outputs"][output].is_null()) {
            found.push(format!("{name}: needs.{job}.outputs.{output} is not given"));
        }
    }
    found
}

#[test]
fn the_workflows_are_sound() {
    for name in WORKFLOWS {
        assert_eq!(faults(&text(name)), [""; 0], "{name}");
    }
}

/// Names of environments and variables are those that bootstrap prints.
#[test]
fn the_workflows_enter_by_what_bootstrap_prints() {
    use mlops_environment::bootstrap::Worker;
    use mlops_environment::spec::{Cloud, Tier};
    for (name, cloud) in [(WORKFLOWS[0], Cloud::Aws), (WORKFLOWS[1], Cloud::Gcp)] {
        let workflow: Value = serde_saphyr::from_str(&text(name)).unwrap();
        for (job, worker) in [("plan", Worker::Planner), ("apply", Worker::Provisioner)] {
            let environment = worker.environment(cloud, Tier::Dev);
            assert_eq!(workflow["jobs"][job]["environment"], environment, "{name}");
            let role = format!("_{}_", worker.as_str().to_uppercase());
            assert!(
                workflow["jobs"][job]["steps"].to_string().contains(&role),
                "{name} {job}"
            );
        }
    }
}

#[test]
fn every_guard_refuses() {
    let good = text(WORKFLOWS[0]);
    for (from, to, fault) in [
        (
            "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
            "actions/checkout@v4",
            "not pinned",
        ),
        (
            "permissions:\n  contents: read\n\nenv",
            "permissions: write-all\n\nenv",
            "more than contents",
        ),
        (
            "      id-token: write\n      security-events",
            "      security-events",
            "cannot get a token",
        ),
        (
            "role-to-assume: ${{ vars.AWS_PLANNER_ROLE_ARN }}",
            "aws-access-key-id: ${{ secrets.KEY }}",
            "stored credential",
        ),
        (
            "    environment: infra-aws-dev\n",
            "",
            "outside a protected environment",
        ),
        (
            "terraform apply plan.tfplan",
            "terraform apply -auto-approve",
            "something else",
        ),
        ("    needs: plan\n", "", "without a plan"),
        ("    timeout-minutes: 120\n", "", "timeout-minutes"),
        (
            "cancel-in-progress: false",
            "cancel-in-progress: true",
            "half-way",
        ),
        ("        id: plan\n", "", "steps.plan is no step"),
        (
            "      changes: ${{",
            "      others: ${{",
            "needs.plan.outputs.changes",
        ),
        ("run: tfplan-check --source", "run: echo --source", "not checked"),
        ("jobs:\n", "jobs: [\n", "is no YAML"),
    ] {
        assert!(good.contains(from), "{from}");
        let bad = good.replace(from, to);
        let found = faults(&bad);
        assert!(
            found.iter().any(|found| found.contains(fault)),
            "{fault}: {found:?}"
        );
    }
}

/// GitLab's pipeline: the doors are those that bootstrap prints, the gate stands before what is handed on, and the plan that was
/// checked is the plan that is applied.
fn pipeline_faults(text: &str) -> Vec<String> {
    use mlops_environment::bootstrap::{Worker, deployment_tier};
    use mlops_environment::spec::{Cloud, Tier};
    let pipeline: Value = match serde_saphyr::from_str(text) {
        Ok(pipeline) => pipeline,
        Err(error) => return vec![format!("is no YAML: {error}")],
    };
    let mut faults = Vec::new();
    for word in ["AWS_ACCESS_KEY_ID", "AWS_SECRET", "AKIA"] {
        if text.contains(word) {
            faults.push(format!("uses a stored credential: {word}"));
        }
    }
    for (name, worker) in [("plan", Worker::Planner), ("apply", Worker::Provisioner)] {
        let job = &pipeline[name];
        let mut fault = |what: &str| faults.push(format!("{name}: {what}"));
        if job["environment"]["name"] != worker.environment(Cloud::Aws, Tier::Dev)
            || job["environment"]["deployment_tier"] != deployment_tier(Tier::Dev)
        {
            fault("enters by another door than bootstrap's");
        }
        if job["id_tokens"]["CLOUD_TOKEN"]["aud"] != "https://gitlab.com" {
            fault("has no token for the audience");
        }
        if job["timeout"].is_null() {
            fault("has no timeout");
        }
        let lines = job["script"].as_array().into_iter().flatten();
        let lines: Vec<&str> = lines.filter_map(Value::as_str).collect();
        if !lines
            .iter()
            .any(|line| line.contains(&format!("AWS_{}_ROLE_ARN", worker.as_str().to_uppercase())))
        {
            fault("becomes somebody else");
        }
        let last = lines.last().copied().unwrap_or_default();
        match worker {
            Worker::Planner
                if !last.starts_with("tfplan-check ") || job["artifacts"]["when"] != "on_success" =>
            {
                fault("hands on a plan that was not checked");
            }
            Worker::Provisioner
                if last != "terraform apply plan.tfplan" || job["needs"] != serde_json::json!(["plan"]) =>
            {
                fault("applies something else than the plan that was checked");
            }
            Worker::Provisioner if job["resource_group"].is_null() || job["interruptible"] != false => {
                fault("may run twice at once, or be stopped half-way");
            }
            _ => {}
        }
    }
    faults
}

#[test]
fn the_pipeline_of_gitlab_is_sound_and_every_guard_of_it_refuses() {
    let good = fs::read_to_string(root().join("examples/gitlab-ci/.gitlab-ci.yml")).unwrap();
    assert_eq!(pipeline_faults(&good), [""; 0]);
    for (from, to, fault) in [
        ("name: infra-aws-dev-plan", "name: infra-aws-dev", "another door"),
        (
            "deployment_tier: development",
            "deployment_tier: testing",
            "another door",
        ),
        (
            "aud: https://gitlab.com",
            "aud: sts.amazonaws.com",
            "no token for the audience",
        ),
        (
            "$AWS_PLANNER_ROLE_ARN\"",
            "$AWS_PROVISIONER_ROLE_ARN\"",
            "somebody else",
        ),
        ("when: on_success", "when: always", "not checked"),
        ("    - tfplan-check", "    - echo tfplan-check", "not checked"),
        ("apply plan.tfplan", "apply -auto-approve", "something else"),
        ("needs: [plan]", "needs: []", "something else"),
        ("interruptible: false", "interruptible: true", "half-way"),
        ("  timeout: 2 hours\n", "", "no timeout"),
        ("  TF_INPUT: \"0\"", "  AWS_ACCESS_KEY_ID: x", "stored credential"),
        ("plan:\n", "plan: [\n", "is no YAML"),
    ] {
        assert!(good.contains(from), "{from}");
        let found = pipeline_faults(&good.replace(from, to));
        assert!(
            found.iter().any(|found| found.contains(fault)),
            "{fault}: {found:?}"
        );
    }
}
