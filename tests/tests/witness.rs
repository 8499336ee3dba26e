//! Somebody else's clients against the sandbox, and the sandbox beside somebody else's emulator.
//!
//! What is not installed is skipped, and each test says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use std::path::PathBuf;
use std::process::Command;

use mlops_e2e::cloud::{Cloud, DUMMY_CREDENTIALS, REGION};
use mlops_e2e::terraform::{Workspace, available, plugin_mirror};
use mlops_e2e::{gcp, root};
use mlops_sandbox::Sandbox;
use serde_json::Value;

fn sandboxed() -> Cloud {
    Cloud::sandboxed(Sandbox::builder()).unwrap()
}

fn python() -> Option<PathBuf> {
    let python = root().join("tests/.venv/bin/python");
    python.exists().then_some(python)
}

/// Answers of a cloud to all questions of `witness/questions.py`.
fn answers(python: &PathBuf, cloud: &Cloud) -> Vec<Value> {
    let output = Command::new(python)
        .arg(root().join("tests/witness/questions.py"))
        .arg(&cloud.url)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The same questions to both, with boto3: every answer of the sandbox is AWS's.
#[test]
fn the_sandbox_answers_as_aws_does_where_moto_may_not() {
    let Some(python) = python() else {
        eprintln!(
            "skipped the_sandbox_answers_as_aws_does_where_moto_may_not: `make venv` installs boto3 and moto"
        );
        return;
    };
    let ours = answers(&python, &sandboxed());
    let theirs = answers(&python, &Cloud::moto().unwrap());
    let mut wrong = Vec::new();
    let (mut agreed, mut differed) = (0, Vec::new());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let said = |answer: &Value| answer.as_str().map_or_else(|| answer.to_string(), str::to_owned);
        let line = format!(
            "{:<15} {:<52} {:<34} {:<34} {}",
            said(&ours["area"]),
            said(&ours["question"]),
            said(&ours["answer"]),
            said(&theirs["answer"]),
            said(&ours["source"])
        );
        if ours["answer"] != ours["expected"] {
            wrong.push(format!("{line}\n    AWS says {}", ours["expected"]));
        }
        if ours["answer"] == theirs["answer"] {
            agreed += 1;
        } else {
            differed.push(line);
        }
    }
    println!(
        "{} questions: sandbox and moto agree on {agreed} and differ on {}:",
        ours.len(),
        differed.len()
    );
    println!(
        "{:<15} {:<52} {:<34} {:<34} decided by",
        "area", "question", "sandbox", "moto"
    );
    println!("{}", differed.join("\n"));
    assert!(wrong.is_empty(), "not as AWS:\n{}", wrong.join("\n"));
}

const AWS_CLI: &[(&[&str], &str)] = &[
    (&["sts", "get-caller-identity"], "/Arn"),
    (
        &[
            "s3api",
            "create-bucket",
            "--bucket",
            "cli-bucket",
            "--create-bucket-configuration",
            "LocationConstraint=eu-west-1",
        ],
        "/Location",
    ),
    (
        &[
            "s3api",
            "put-bucket-versioning",
            "--bucket",
            "cli-bucket",
            "--versioning-configuration",
            "Status=Enabled",
        ],
        "",
    ),
    (
        &["s3api", "get-bucket-versioning", "--bucket", "cli-bucket"],
        "/Status",
    ),
    (&["s3", "cp", "Cargo.toml", "s3://cli-bucket/a/Cargo.toml"], ""),
    (
        &[
            "s3api",
            "list-objects-v2",
            "--bucket",
            "cli-bucket",
            "--prefix",
            "a/",
        ],
        "/Contents/0/ETag",
    ),
    (&["s3", "rm", "s3://cli-bucket/a/Cargo.toml"], ""),
    (
        &["kms", "create-key", "--tags", "TagKey=a,TagValue=b"],
        "/KeyMetadata/KeyId",
    ),
    (&["logs", "create-log-group", "--log-group-name", "/cli"], ""),
    (&["logs", "describe-log-groups"], "/logGroups/0/logGroupName"),
    (
        &["ecr", "create-repository", "--repository-name", "cli/one"],
        "/repository/repositoryUri",
    ),
    (&["secretsmanager", "create-secret", "--name", "cli"], "/ARN"),
    (
        &["ec2", "create-vpc", "--cidr-block", "10.0.0.0/16"],
        "/Vpc/VpcId",
    ),
    (
        &["ec2", "describe-availability-zones"],
        "/AvailabilityZones/2/ZoneName",
    ),
    (&["eks", "list-clusters"], "/clusters"),
    (&["iam", "list-policies", "--scope", "Local"], "/Policies"),
];

#[test]
fn the_aws_cli_is_served() {
    if Command::new("aws").arg("--version").output().is_err() {
        eprintln!("skipped the_aws_cli_is_served: aws is not on the path");
        return;
    }
    let cloud = sandboxed();
    for (arguments, pointer) in AWS_CLI {
        let output = Command::new("aws")
            .args(*arguments)
            .args([
                "--endpoint-url",
                &cloud.url,
                "--region",
                REGION,
                "--output",
                "json",
            ])
            .envs(DUMMY_CREDENTIALS)
            .env("AWS_PAGER", "")
            .current_dir(root())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {errors}");
        if !pointer.is_empty() {
            let said: Value = serde_json::from_slice(&output.stdout).unwrap();
            let found = said.pointer(pointer).unwrap_or(&Value::Null);
            assert!(!found.is_null(), "aws {arguments:?}: no {pointer} in {said:#}");
        }
    }
}

/// The hashicorp/aws provider makes, plans and destroys an environment of its own, its state in the sandbox's S3 under a
/// lock file.
#[test]
fn the_aws_provider_lives_on_the_sandbox() {
    if !available() {
        eprintln!("skipped the_aws_provider_lives_on_the_sandbox: terraform is not on the path");
        return;
    }
    let Some(mirror) = plugin_mirror() else {
        eprintln!(
            "skipped the_aws_provider_lives_on_the_sandbox: no mirror with hashicorp/aws (set TF_PLUGIN_MIRROR)"
        );
        return;
    };
    let cloud = sandboxed();
    cloud.state_bucket("provider-state").unwrap();
    let mut workspace = Workspace::mirrored(&mirror);
    workspace.set("AWS_ENDPOINT_URL", &cloud.url);
    let text = std::fs::read_to_string(root().join("tests/witness/environment.tf")).unwrap();
    workspace.write("main.tf", &text);
    workspace.terraform(&["init"]).expect(0);
    let empty = cloud.sandbox().unwrap().snapshot();

    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    workspace
        .terraform(&["apply", "-auto-approve", "-var=size=3", "-var=days=60"])
        .expect(0);
    workspace
        .terraform(&["plan", "-detailed-exitcode", "-var=size=3", "-var=days=60"])
        .expect(0);
    workspace.terraform(&["destroy", "-auto-approve"]).expect(0);

    let left = cloud.inventory().unwrap();
    for (kind, things) in left.as_object().unwrap() {
        for (name, thing) in things.as_object().unwrap() {
            let waiting = kind == "keys" && thing["state"] == "PendingDeletion";
            // Services made them for themselves and leave them: they are the account's.
            let linked = name.starts_with("AWSServiceRoleFor");
            assert!(
                waiting || linked || name == "provider-state",
                "{kind} {name} was left behind: {thing:#}"
            );
        }
    }
    let sandbox = cloud.sandbox().unwrap();
    println!("calls of hashicorp/aws: {:#?}", sandbox.calls());
    println!(
        "{} places of the world differ from before",
        sandbox.compare(&empty).len()
    );
}

/// Terraform's own `gcs` backend keeps its state in the sandbox's Cloud Storage, under a lock, in versions.
#[test]
fn the_gcs_backend_keeps_its_state_on_the_sandbox() {
    if !available() {
        eprintln!("skipped the_gcs_backend_keeps_its_state_on_the_sandbox: terraform is not on the path");
        return;
    }
    const BUCKET: &str = "provider-state";
    let sandbox = gcp::start().unwrap();
    gcp::state_bucket(&sandbox, BUCKET).unwrap();
    let mut workspace = Workspace::empty();
    workspace.set(gcp::DUMMY_TOKEN.0, gcp::DUMMY_TOKEN.1);
    let configure = |input: &str| {
        workspace.write(
            "main.tf",
            &format!(
                "terraform {{\n  backend \"gcs\" {{\n    prefix = \"churn\"\n  }}\n}}\n\
                 resource \"terraform_data\" \"this\" {{\n  input = \"{input}\"\n}}\n"
            ),
        );
    };
    configure("first");
    let [bucket, endpoint] = gcp::backend(&sandbox, BUCKET);
    workspace.terraform(&["init", &bucket, &endpoint]).expect(0);
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    assert!(
        !workspace.path("terraform.tfstate").exists(),
        "no state on this disk"
    );
    let objects = || {
        sandbox
            .ask_gcp(
                &http::Method::GET,
                &format!("storage/storage/v1/b/{BUCKET}/o?versions=true"),
                None,
            )
            .unwrap()["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .map(|object| object["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let states = || {
        objects()
            .iter()
            .filter(|name| *name == "churn/default.tfstate")
            .count()
    };
    let before = states();
    assert!(before >= 1, "{:?}", objects());
    configure("second");
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    assert!(states() > before, "older states are kept: {:?}", objects());

    // Somebody else holds the lock.
    let lock = format!("storage/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=churn%2Fdefault.tflock");
    let held = serde_json::json!({ "ID": "1", "Operation": "apply", "Who": "somebody@else" });
    sandbox.ask_gcp(&http::Method::POST, &lock, Some(&held)).unwrap();
    let refused = workspace.terraform(&["apply", "-auto-approve"]).expect(1);
    assert!(refused.stderr.contains("somebody@else"), "{}", refused.stderr);
    let unlock = format!("storage/storage/v1/b/{BUCKET}/o/churn%2Fdefault.tflock");
    sandbox.ask_gcp(&http::Method::DELETE, &unlock, None).unwrap();
    workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
}

/// What boto3 reads is what the sandbox says of itself.
#[test]
fn boto3_reads_what_the_sandbox_says() {
    if python().is_none() {
        eprintln!("skipped boto3_reads_what_the_sandbox_says: `make venv` installs boto3");
        return;
    }
    let cloud = sandboxed();
    let network = cloud.network().unwrap();
    let sandbox = cloud.sandbox().unwrap();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"eks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let ask = |service: &str, operation: &str, input: Value| {
        sandbox
            .ask(REGION, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{service}:{operation}: {refusal}"))
    };
    let tags = serde_json::json!([{"Key": "a", "Value": "b"}]);
    let role = ask(
        "iam",
        "CreateRole",
        serde_json::json!({"RoleName": "plane", "AssumeRolePolicyDocument": trust, "Tags": tags}),
    );
    cloud.state_bucket("read-by-both").unwrap();
    ask("kms", "CreateKey", serde_json::json!({}));
    ask(
        "logs",
        "CreateLogGroup",
        serde_json::json!({"logGroupName": "/a"}),
    );
    ask(
        "ecr",
        "CreateRepository",
        serde_json::json!({"repositoryName": "read/by-both"}),
    );
    ask(
        "secretsmanager",
        "CreateSecret",
        serde_json::json!({"Name": "a", "ClientRequestToken": "0".repeat(32)}),
    );
    ask(
        "eks",
        "CreateCluster",
        serde_json::json!({
            "name": "c",
            "accessConfig": {"authenticationMode": "API"},
            "roleArn": role["Role"]["Arn"],
            "resourcesVpcConfig": {"subnetIds": network.private_subnet_ids},
        }),
    );
    sandbox.skip(jiff::SignedDuration::from_hours(1));
    let (mut ours, mut theirs) = (
        cloud.inventory().unwrap(),
        cloud.script("inventory.py", &[]).unwrap(),
    );
    // boto3 makes moments of its own out of timestamps.
    for inventory in [&mut ours, &mut theirs] {
        inventory["clusters"]["c"]["cluster"]["createdAt"].take();
        for (_, entry) in inventory["clusters"]["c"]["access_entries"]
            .as_object_mut()
            .unwrap()
        {
            entry["createdAt"].take();
            entry["modifiedAt"].take();
        }
    }
    assert_eq!(ours, theirs);
}
