//! `doctor`: the matrix put to what stands.

use std::process::Command;
use std::time::Instant;

use mlops_e2e::cloud::{DUMMY_CREDENTIALS, REGION, SERVICES};
use mlops_e2e::terraform::{Ran, Workspace, ran};
use mlops_e2e::{binary, gcp};
use mlops_sandbox::Sandbox;
use serde_json::json;

use super::{Ground, SERVICE};

/// Runs the provider by hand, as a person would.
pub(super) fn by_hand(arguments: &[&str], endpoints: &[(String, String)], variables: &[(&str, &str)]) -> Ran {
    let started = Instant::now();
    let endpoints = endpoints
        .iter()
        .flat_map(|(service, url)| ["--endpoint".to_owned(), format!("{service}={url}")]);
    let output = Command::new(binary("terraform-provider-mlops"))
        .args(arguments)
        .args(endpoints)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(DUMMY_CREDENTIALS)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    ran(&output, started.elapsed())
}

fn on_aws(ground: &Ground) -> Vec<(String, String)> {
    SERVICES
        .map(|service| (service.to_owned(), ground.cloud.url.clone()))
        .to_vec()
}

/// The words of a row.
fn row<'t>(text: &'t str, id: &str) -> Vec<&'t str> {
    let line = text.lines().find(|line| line.starts_with(&format!("{id} ")));
    line.unwrap_or_else(|| panic!("no row {id} in\n{text}"))
        .split_whitespace()
        .collect()
}

#[test]
fn a_widened_role_is_red_until_it_is_taken_back() {
    if !super::terraform("a_widened_role_is_red_until_it_is_taken_back") {
        return;
    }
    let ground = Ground::new(Sandbox::builder());
    ground.configure(SERVICE, "");
    ground.apply().expect(0);
    let environment = ground.workspace.resource("mlops_environment.this");
    let id = environment["id"].as_str().unwrap();
    let endpoints = on_aws(&ground);
    let doctor = || by_hand(&["doctor", id], &endpoints, &[]);

    let well = doctor().expect(0);
    assert!(
        well.stdout.contains("Every identity may exactly what it should."),
        "{}",
        well.stdout
    );
    assert!(
        well.stdout.contains("policy simulator was asked too"),
        "{}",
        well.stdout
    );
    assert_eq!(
        row(&well.stdout, "P01")[..5],
        ["P01", "push", "image", "yes", "·"]
    );

    let wide = json!({ "RoleName": "churn-dev-runtime-churn", "PolicyArn": "arn:aws:iam::aws:policy/AmazonS3FullAccess" });
    ground
        .sandbox()
        .ask(REGION, "iam", "AttachRolePolicy", wide)
        .unwrap();
    // The boundary still caps it; somebody takes that off too.
    let off = json!({ "RoleName": "churn-dev-runtime-churn" });
    ground
        .sandbox()
        .ask(REGION, "iam", "DeleteRolePermissionsBoundary", off)
        .unwrap();
    let ill = doctor().expect(1);
    assert!(row(&ill.stdout, "P12").contains(&"ALLOWED"), "{}", ill.stdout);
    assert!(
        ill.stdout
            .contains("P12 delete model, any version: runtime/churn"),
        "{}",
        ill.stdout
    );
    assert!(!row(&ill.stdout, "P01").contains(&"ALLOWED"), "{}", ill.stdout);

    // What it shows, apply takes back.
    ground.apply().expect(0);
    doctor().expect(0);
}

#[test]
fn without_the_simulator_the_documents_are_judged() {
    if !super::terraform("without_the_simulator_the_documents_are_judged") {
        return;
    }
    let ground = Ground::new(Sandbox::builder());
    ground.configure(SERVICE, "");
    ground.apply().expect(0);
    let id = ground.workspace.resource("mlops_environment.this")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused =
        json!({ "kind": "refused", "status": 403, "code": "AccessDenied", "message": "not for you" });
    let fault = json!({ "operation": "SimulatePrincipalPolicy", "effect": refused });
    ground.sandbox().fault(serde_json::from_value(fault).unwrap());
    let well = by_hand(&["doctor", &id], &on_aws(&ground), &[]).expect(0);
    assert!(
        well.stdout.contains("policy simulator did not answer"),
        "{}",
        well.stdout
    );
}

#[test]
fn a_grant_too_many_is_red_on_google_cloud() {
    if !super::terraform("a_grant_too_many_is_red_on_google_cloud") {
        return;
    }
    let sandbox = gcp::start().unwrap();
    let mut workspace = Workspace::new();
    workspace.set(gcp::DUMMY_TOKEN.0, gcp::DUMMY_TOKEN.1);
    workspace.write(
        "main.tf",
        &format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{SERVICE}\n}}\n",
            gcp::provider_block(&sandbox),
            gcp::gcp_block()
        ),
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    let environment = workspace.resource("mlops_environment.this");
    let id = environment["id"].as_str().unwrap();
    let endpoints = gcp::SERVICES.map(|service| (service.to_owned(), sandbox.gcp(service)));
    let doctor = || by_hand(&["doctor", id], &endpoints, &[gcp::DUMMY_TOKEN]);
    let well = doctor().expect(0);
    assert!(
        well.stdout.contains("Every identity may exactly what it should."),
        "{}",
        well.stdout
    );

    let models = environment["bucket_info"]["models"]["name"].as_str().unwrap();
    let drift = environment["identity_info"]["drift"]["churn"]["principal"]
        .as_str()
        .unwrap();
    sandbox.world(|world| {
        let bucket = world.gcp.buckets.get_mut(models).unwrap();
        let member = format!("serviceAccount:{drift}");
        let grant = json!({ "role": "roles/storage.objectAdmin", "members": [member] });
        bucket
            .policy
            .bindings
            .push(serde_json::from_value(grant).unwrap());
    });
    let ill = doctor().expect(1);
    assert!(row(&ill.stdout, "P12").contains(&"ALLOWED"), "{}", ill.stdout);
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    doctor().expect(0);
}

#[test]
fn what_cannot_be_judged_is_said_and_is_no_verdict() {
    let none = by_hand(&["doctor"], &[], &[]).expect(2);
    assert!(
        none.stderr.contains("the id of the environment is missing"),
        "{}",
        none.stderr
    );
    let wrong = by_hand(&["doctor", "shop"], &[], &[]).expect(2);
    assert!(
        wrong.stderr.contains("is not the id of an environment"),
        "{}",
        wrong.stderr
    );
    let help = by_hand(&["doctor", "--help"], &[], &[]).expect(0);
    assert!(help.stdout.contains("Exit status:"), "{}", help.stdout);
    let ground = Ground::new(Sandbox::builder());
    let gone = by_hand(
        &["doctor", "aws/111122223333/eu-west-1/churn-dev"],
        &on_aws(&ground),
        &[],
    )
    .expect(2);
    assert!(gone.stderr.contains("There is no environment"), "{}", gone.stderr);
}
