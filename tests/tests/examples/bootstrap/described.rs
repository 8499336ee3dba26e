//! `mlops_state_backend`: what bootstrap made, described by Terraform from then on, in a state in the bucket that it
//! describes.

use http::Method;
use mlops_e2e::cloud::REGION;
use mlops_e2e::gcp::{DUMMY_TOKEN, PROJECT, endpoints, start};
use mlops_e2e::terraform::{Ran, Workspace, available};
use serde_json::json;

use super::{aws, gcp, section, without_a_state_on_disk};

fn terraform(test: &str) -> bool {
    if !available() {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
    }
    available()
}

/// What was printed, as files.
fn written(workspace: &Workspace, printed: &str, provider: &str) {
    workspace.write("backend.hcl", section(printed, "# ---- churn: backend.hcl"));
    let configuration = section(printed, "# ---- churn: state-backend.tf");
    workspace.write(
        "main.tf",
        &configuration.replace("allowed_", &format!("{provider}allowed_")),
    );
}

fn plan(workspace: &Workspace) -> Ran {
    workspace.terraform(&["plan", "-detailed-exitcode"])
}

/// Imports by the printed block: nothing changes then, nor in the next plan.
fn imported(workspace: &Workspace) {
    let imports = plan(workspace);
    assert!(
        imports
            .stdout
            .contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
        "{}",
        imports.text()
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    plan(workspace).expect(0);
}

/// What was changed by hand is shown, each by its name, and repaired.
fn repaired(workspace: &Workspace, shown: &[&str]) {
    let deviates = plan(workspace).expect(2);
    for words in shown {
        assert!(deviates.stdout.contains(words), "{words}\n{}", deviates.stdout);
    }
    assert!(
        deviates.stdout.contains("0 to add, 1 to change"),
        "{}",
        deviates.stdout
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    plan(workspace).expect(0);
}

/// A destroy lets go and says so; what stands can be imported again.
fn released(workspace: &Workspace) {
    let destroyed = workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
    assert!(
        destroyed.text().contains("will only be removed from the state"),
        "{}",
        destroyed.text()
    );
}

#[test]
fn on_aws_it_is_imported_repaired_and_released() {
    if !terraform("on_aws_it_is_imported_repaired_and_released") {
        return;
    }
    let cloud = aws::empty();
    let made = aws::bootstrap(&cloud, &["--tiers=dev,prod", "--retention-days=90"]).expect(0);
    let mut workspace = Workspace::installed();
    workspace.set("AWS_ENDPOINT_URL", &cloud.url);
    workspace.set("AWS_ENDPOINT_URL_STS", &cloud.url);
    written(&workspace, &made.stdout, "");
    let ask = |service: &str, operation: &str, input| {
        cloud
            .sandbox()
            .unwrap()
            .ask(REGION, service, operation, input)
            .unwrap();
    };
    without_a_state_on_disk(&workspace, || {
        let init = [
            "init",
            "-backend-config=backend.hcl",
            "-backend-config=use_path_style=true",
        ];
        workspace.terraform(&init).expect(0);
        imported(&workspace);
        let described = workspace.resource("mlops_state_backend.this");
        let bucket = described["bucket"].as_str().unwrap().to_owned();
        let config = &described["environments"]["prod"]["backend_config"];
        let printed = section(&made.stdout, "# ---- churn-prod: backend.hcl");
        for (name, value) in config.as_object().unwrap() {
            let value = value.as_str().unwrap();
            let line = printed.lines().find(|line| line.starts_with(name.as_str()));
            assert!(
                line.is_some_and(|line| line.contains(value)),
                "{name} = {value} in\n{printed}"
            );
        }

        ask(
            "s3",
            "PutBucketVersioning",
            json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}}),
        );
        ask("s3", "DeletePublicAccessBlock", json!({ "Bucket": bucket }));
        ask("s3", "DeleteBucketPolicy", json!({ "Bucket": bucket }));
        // OnlyTls is in the bucket's policy.
        repaired(&workspace, &["versioning", "block public access", "policy"]);
        aws::bootstrap(&cloud, &["--tiers=dev,prod", "--retention-days=90", "--check"]).expect(0);

        // A change of the description changes what stands.
        let longer = std::fs::read_to_string(workspace.path("main.tf")).unwrap();
        workspace.write(
            "main.tf",
            &longer.replace("retention_days = 90", "retention_days = 400"),
        );
        workspace.terraform(&["apply", "-auto-approve"]).expect(0);
        aws::bootstrap(&cloud, &["--tiers=dev,prod", "--retention-days=400", "--check"]).expect(0);

        // Asked to delete, it refuses while the bucket holds states: its own, for one.
        let asked = std::fs::read_to_string(workspace.path("main.tf")).unwrap();
        let asked = asked.replace(
            "  retention_days = 400",
            "  allow_destroy  = true\n  retention_days = 400",
        );
        workspace.write("main.tf", &asked);
        workspace.terraform(&["apply", "-auto-approve"]).expect(0);
        let refused = workspace.terraform(&["destroy", "-auto-approve"]).expect(1);
        assert!(
            refused.text().contains("still holds states"),
            "{}",
            refused.text()
        );
        workspace.write("main.tf", &asked.replace("= true", "= false"));
        workspace.terraform(&["apply", "-auto-approve"]).expect(0);
        released(&workspace);
    });
    aws::bootstrap(&cloud, &["--tiers=dev,prod", "--retention-days=400", "--check"]).expect(0);
}

#[test]
fn on_google_cloud_it_is_imported_repaired_and_released() {
    if !terraform("on_google_cloud_it_is_imported_repaired_and_released") {
        return;
    }
    let sandbox = start().unwrap();
    let made = gcp::bootstrap(&sandbox, &["--tiers=dev"]).expect(0);
    let mut workspace = Workspace::installed();
    workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    let provider = format!("endpoints = {}\n    ", endpoints(&sandbox));
    written(&workspace, &made.stdout, &provider);
    let storage = format!(
        "-backend-config=storage_custom_endpoint={}/storage/v1/",
        sandbox.gcp("storage")
    );
    without_a_state_on_disk(&workspace, || {
        workspace
            .terraform(&["init", "-backend-config=backend.hcl", &storage])
            .expect(0);
        imported(&workspace);
        let (bucket, _) = gcp::bucket(&sandbox);
        gcp::outside(&sandbox, |gcp| {
            let body = &mut gcp["buckets"][&bucket]["body"];
            body["versioning"]["enabled"] = json!(false);
            body["iamConfiguration"]["publicAccessPrevention"] = json!("inherited");
        });
        let role = format!("iam/v1/projects/{PROJECT}/roles/mlops_churn_reader");
        sandbox.ask_gcp(&Method::DELETE, &role, None).unwrap();
        repaired(
            &workspace,
            &["versioning", "public access prevention", "+ roles.reader"],
        );
        gcp::bootstrap(&sandbox, &["--tiers=dev", "--check"]).expect(0);

        // With a provider of another project it is not taken for gone.
        sandbox.world(|world| {
            world.gcp.add_project("acme-ml-other");
        });
        let own = std::fs::read_to_string(workspace.path("main.tf")).unwrap();
        let other = own.replace(&format!("\"{PROJECT}\""), "\"acme-ml-other\"");
        workspace.write("main.tf", &other);
        let elsewhere = plan(&workspace).expect(1);
        assert!(elsewhere.text().contains("is elsewhere"), "{}", elsewhere.text());
        workspace.write("main.tf", &own);
        released(&workspace);
    });
    gcp::bootstrap(&sandbox, &["--tiers=dev", "--check"]).expect(0);
}

/// Where nothing was made yet, the resource makes it; and where no state is in the bucket, it deletes what it made.
#[test]
fn it_makes_what_bootstrap_would_and_deletes_it_when_asked_to() {
    if !terraform("it_makes_what_bootstrap_would_and_deletes_it_when_asked_to") {
        return;
    }
    let cloud = aws::empty();
    let mut workspace = Workspace::new();
    workspace.set("AWS_ENDPOINT_URL", &cloud.url);
    let configuration = |more: &str| {
        format!(
            "terraform {{\n  required_providers {{\n    mlops = {{ source = \"mlops/mlops\" }}\n  }}\n}}\n\
             provider \"mlops\" {{\n  aws = {{ region = \"{REGION}\" }}\n}}\n\
             resource \"mlops_state_backend\" \"this\" {{\n  name  = \"churn\"\n  cloud = \"aws\"\n  tiers = [\"dev\"]\n  \
             github = {{ repository = \"acme/infra\", owner_id = \"1\", repository_id = \"2\" }}\n  {more}\n}}\n"
        )
    };
    workspace.write("main.tf", &configuration(""));
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    plan(&workspace).expect(0);
    aws::bootstrap(&cloud, &["--tiers=dev", "--check"]).expect(0);

    workspace.write("main.tf", &configuration("allow_destroy = true"));
    let sandbox = cloud.sandbox().unwrap();
    let before = sandbox.journal().len();
    workspace
        .terraform(&["apply", "-auto-approve", "-refresh=false"])
        .expect(0);
    let looks = sandbox.journal()[before..]
        .iter()
        .filter(|entry| entry.operation == "GetBucketVersioning")
        .count();
    assert_eq!(looks, 1, "an apply that has nothing to do looks once");
    workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
    let inventory = cloud.inventory().unwrap();
    assert_eq!(inventory["buckets"], json!({}), "{:#}", inventory["buckets"]);
    assert!(
        !inventory["roles"].to_string().contains("churn-dev"),
        "{:#}",
        inventory["roles"]
    );

    for (setting, words) in [
        ("retention_days = 0", "1 to 3650"),
        ("cloud = \"azure\"", "neither aws nor gcp"),
        ("tiers = [\"production\"]", "not dev, staging or prod"),
        ("github = { repository = \"acme\" }", "not owner/name"),
        (
            "github = { repository = \"acme/infra\", owner_id = \"1\" }",
            "One id alone",
        ),
        ("name = \"recommendations\"", "12 is the most"),
    ] {
        let name = setting.split(' ').next().unwrap();
        let lines = configuration("");
        let mut lines: Vec<&str> = lines
            .lines()
            .filter(|line| !line.trim_start().starts_with(&format!("{name} ")))
            .collect();
        lines.insert(lines.len() - 1, setting);
        workspace.write("main.tf", &lines.join("\n"));
        let refused = workspace.terraform(&["validate"]);
        assert!(
            refused.code == 1 && refused.text().contains(words),
            "{setting}: {}",
            refused.text()
        );
    }
}

/// On Google Cloud too: refused while anything is in the bucket, deleted once it is empty; keys and APIs cannot be deleted.
#[test]
fn on_google_cloud_it_deletes_what_it_made_when_asked_to() {
    if !terraform("on_google_cloud_it_deletes_what_it_made_when_asked_to") {
        return;
    }
    let sandbox = start().unwrap();
    let empty = gcp::standing(&sandbox);
    let mut workspace = Workspace::new();
    workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    let configuration = |more: &str| {
        format!(
            "terraform {{\n  required_providers {{\n    mlops = {{ source = \"mlops/mlops\" }}\n  }}\n}}\n\
             provider \"mlops\" {{\n  gcp = {{\n    project   = \"{PROJECT}\"\n    region    = \"{}\"\n    endpoints = {}\n  }}\n}}\n\
             resource \"mlops_state_backend\" \"this\" {{\n  name  = \"churn\"\n  cloud = \"gcp\"\n  tiers = [\"dev\"]\n  \
             github = {{ repository = \"acme/infra\", owner_id = \"1\", repository_id = \"2\" }}\n  {more}\n}}\n",
            mlops_e2e::gcp::REGION,
            endpoints(&sandbox)
        )
    };
    workspace.write("main.tf", &configuration("allow_destroy = true"));
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    gcp::bootstrap(&sandbox, &["--tiers=dev", "--check"]).expect(0);

    let (bucket, _) = gcp::bucket(&sandbox);
    // An old version of a state that was deleted is enough.
    let then = "2026-01-01T00:00:00Z";
    let old = json!({
        "name": "churn-dev/default.tfstate", "generation": 1, "metageneration": 1, "body": {}, "content": "e30=",
        "created": then, "updated": then, "noncurrent": then, "soft": null,
    });
    gcp::outside(&sandbox, |gcp| {
        gcp["buckets"][&bucket]["objects"] = json!({ "churn-dev/default.tfstate": [old] });
    });
    let refused = workspace.terraform(&["destroy", "-auto-approve"]).expect(1);
    for words in ["still holds states", "Nothing was deleted"] {
        assert!(refused.text().contains(words), "{words}: {}", refused.text());
    }
    gcp::bootstrap(&sandbox, &["--tiers=dev", "--check"]).expect(0);

    gcp::outside(&sandbox, |gcp| gcp["buckets"][&bucket]["objects"] = json!({}));
    workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
    let left = gcp::standing(&sandbox);
    for kind in ["accounts", "buckets", "grants"] {
        assert_eq!(left[kind], empty[kind], "{kind}");
    }
    let project = gcp::project(&sandbox);
    for (name, role) in project["roles"].as_object().unwrap() {
        assert_eq!(role["deleted"], true, "{name}");
    }
    for (name, pool) in project["pools"].as_object().unwrap() {
        assert!(!pool["expires"].is_null(), "{name}: {pool:#}");
    }
}
