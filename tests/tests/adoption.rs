//! What was there before: taken over by word, used as it is, or left alone with a message that says whose it is. On a local
//! AWS with the real terraform.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use mlops_e2e::cloud::{Cloud, Network, REGION};
use mlops_e2e::terraform::{Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

struct Ground {
    cloud: Cloud,
    network: Network,
    workspace: Workspace,
}

fn ground() -> Option<Ground> {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return None;
    }
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let network = cloud.network().unwrap();
    Some(Ground {
        cloud,
        network,
        workspace: Workspace::new(),
    })
}

const SERVICE: &str = r#"
  services = { churn = {} }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

impl Ground {
    fn configure(&self, settings: &str) {
        self.configure_in(&self.workspace, "churn-dev", settings);
    }

    fn configure_in(&self, workspace: &Workspace, name: &str, settings: &str) {
        workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"{name}\"\n  tier = \"dev\"\n  {}\n{SERVICE}\n{settings}\n}}\n",
                provider_block(&self.cloud),
                aws_block(&self.network)
            ),
        );
    }

    fn apply(&self) {
        self.workspace.terraform(&["apply", "-auto-approve"]).expect(0);
        self.workspace
            .terraform(&["plan", "-detailed-exitcode"])
            .expect(0);
    }

    fn destroy(&self) {
        self.workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
    }

    fn ask(&self, service: &str, operation: &str, input: Value) -> Value {
        self.cloud
            .sandbox()
            .unwrap()
            .ask(REGION, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{service}:{operation}: {refusal}"))
    }

    fn inventory(&self) -> Value {
        self.cloud.inventory().unwrap()
    }

    /// A bucket of somebody else's, with an object in it.
    fn bucket(&self, name: &str) {
        let place = json!({ "LocationConstraint": REGION });
        self.ask(
            "s3",
            "CreateBucket",
            json!({ "Bucket": name, "CreateBucketConfiguration": place }),
        );
        self.ask(
            "s3",
            "PutBucketTagging",
            json!({ "Bucket": name, "Tagging": { "TagSet": [{ "Key": "cost-center", "Value": "42" }] } }),
        );
        self.ask("s3", "PutObject", json!({ "Bucket": name, "Key": "one" }));
    }
}

fn flat(text: &str) -> String {
    text.replace("\n│", " ")
        .replace("\\\"", "\"")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// B56: the plan lists every setting that will change, the objects stay, and so does the bucket on destroy.
#[test]
fn a_bucket_is_taken_over_with_every_change_listed_and_kept_on_destroy() {
    let Some(ground) = ground() else { return };
    ground.bucket("acme-data");
    ground.configure("adopt = { \"buckets.data\" = \"acme-data\" }");
    let plan = ground.workspace.terraform(&["plan"]).expect(0);
    let text = flat(&plan.stdout);
    for part in [
        "> buckets.data: adopt, ",
        "encryption AES256 → arn of keys.storage",
        "versioning false → true",
        "policy changes",
        "(acme-data)",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{}", plan.stdout);
    }
    ground.apply();
    let bucket = &ground.inventory()["buckets"]["acme-data"];
    assert_eq!(bucket["versioning"], "Enabled");
    assert_eq!(bucket["keys"], json!(["one"]));
    assert_eq!(bucket["tags"]["cost-center"], "42");
    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(environment["components"]["buckets.data"]["managed"], "adopted");
    ground.destroy();
    let bucket = &ground.inventory()["buckets"]["acme-data"];
    assert_eq!(bucket["keys"], json!(["one"]), "it was kept with its objects");

    // What is not there cannot be taken over: said before anything is made.
    ground.configure("adopt = { \"buckets.data\" = \"acme-nothing\" }");
    let refused = ground.workspace.terraform(&["plan"]).expect(1);
    assert!(
        flat(&refused.stderr).contains("there is no acme-nothing to take over"),
        "{}",
        refused.stderr
    );
}

/// B54, B55: of the same name and not ours: named with its owner and both ways out, and nothing of it is changed.
#[test]
fn what_is_somebody_elses_is_left_alone_with_both_ways_out() {
    let Some(ground) = ground() else { return };
    ground.configure("");
    let role = json!({
        "RoleName": "churn-dev-ci",
        "Path": "/mlops/churn-dev/",
        "AssumeRolePolicyDocument": json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }] }).to_string(),
    });
    ground.ask("iam", "CreateRole", role);
    let before = ground.inventory()["roles"]["churn-dev-ci"].clone();
    let refused = ground.workspace.terraform(&["apply", "-auto-approve"]).expect(1);
    let text = flat(&refused.stderr);
    let adopt = text
        .split("adopt = { \"")
        .nth(1)
        .unwrap_or_else(|| panic!("no adopt line in\n{}", refused.stderr));
    assert!(
        text.contains("exists and was not made by this environment")
            && text.contains("choose another name for the environment"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        before,
        ground.inventory()["roles"]["churn-dev-ci"],
        "it was not touched"
    );
    // The first way out, as printed.
    let line = format!(
        "adopt = {{ \"{}",
        adopt.split('}').next().unwrap().to_owned() + "}"
    );
    ground.configure(&line);
    ground.apply();
    ground.destroy();
    assert!(
        ground.inventory()["roles"]["churn-dev-ci"].is_object(),
        "what was taken over is kept on destroy"
    );
}

/// B64: an existing key, bucket and network are used, never changed, never deleted.
#[test]
fn what_exists_is_used_and_never_changed() {
    let Some(ground) = ground() else { return };
    ground.bucket("acme-mlflow");
    let account = ground.cloud.account();
    let key = ground.ask(
        "kms",
        "CreateKey",
        json!({ "Policy": json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") }, "Action": "kms:*", "Resource": "*" }] }).to_string() }),
    );
    let arn = key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let before = ground.inventory();
    let theirs = |inventory: &Value| {
        (
            inventory["buckets"]["acme-mlflow"].clone(),
            inventory["keys"][&arn].clone(),
        )
    };
    let network = |ground: &Ground| {
        ["DescribeVpcs", "DescribeSubnets", "DescribeRouteTables"]
            .map(|operation| ground.ask("ec2", operation, json!({})))
    };
    let around = network(&ground);
    ground.configure(&format!(
        "buckets = {{ mlflow = {{ existing = \"acme-mlflow\" }} }}\n  encryption = {{ secrets = {{ key = \"{arn}\" }} }}"
    ));
    ground.apply();
    assert_eq!(theirs(&before), theirs(&ground.inventory()));
    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(environment["components"]["buckets.mlflow"]["managed"], "existing");
    assert_eq!(environment["keys"]["secrets"], arn.as_str());
    // Somebody changes theirs: their business.
    ground.ask(
        "s3",
        "PutBucketVersioning",
        json!({ "Bucket": "acme-mlflow", "VersioningConfiguration": { "Status": "Enabled" } }),
    );
    ground
        .workspace
        .terraform(&["plan", "-detailed-exitcode"])
        .expect(0);
    let before = ground.inventory();
    ground.destroy();
    assert_eq!(theirs(&before), theirs(&ground.inventory()));
    assert_eq!(around, network(&ground));
}

/// B59, B60: GitHub's provider with others' audiences is used; nothing of it is removed, by the first to go or the last.
#[test]
fn a_provider_of_the_account_is_shared_and_survives() {
    let Some(ground) = ground() else { return };
    let made = ground.ask(
        "iam",
        "CreateOpenIDConnectProvider",
        json!({ "Url": "https://token.actions.githubusercontent.com", "ClientIDList": ["acme-internal"] }),
    );
    let arn = made["OpenIDConnectProviderArn"].as_str().unwrap().to_owned();
    ground.configure("");
    ground.apply();
    let other = Workspace::new();
    ground.configure_in(&other, "fraud-dev", "");
    other.terraform(&["apply", "-auto-approve"]).expect(0);
    let audiences = |ground: &Ground| {
        let mut found: Vec<String> = ground.inventory()["oidc_providers"][&arn]["audiences"]
            .as_array()
            .unwrap_or_else(|| panic!("the provider is gone"))
            .iter()
            .filter_map(|audience| audience.as_str().map(str::to_owned))
            .collect();
        found.sort();
        found
    };
    assert_eq!(audiences(&ground), ["acme-internal", "sts.amazonaws.com"]);
    ground.destroy();
    assert!(audiences(&ground).contains(&"acme-internal".to_owned()));
    other.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    other.terraform(&["destroy", "-auto-approve"]).expect(0);
    assert!(
        audiences(&ground).contains(&"acme-internal".to_owned()),
        "made by somebody else, it stays"
    );
}
