//! A standing environment brought under another state by the real terraform: `terraform import`, `import` and `removed`
//! blocks, on both clouds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use mlops_e2e::cloud::Cloud;
use mlops_e2e::gcp::{self, DUMMY_TOKEN, PROJECT};
use mlops_e2e::terraform::{Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;

const SETTINGS: &str = r#"
  tags = { team = "ml" }
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime"] } } }
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
  node_pools = {
    system  = { purpose = "system", size = "small", min = 1, max = 3 }
    serving = { purpose = "serving", size = "medium", min = 0, max = 2, labels = { a = "b" } }
  }
  timeouts { create = "80m" }
"#;

/// A cloud that goes with the test, the blocks that lead to it, and the id of the environment in it.
struct Ground {
    _cloud: Box<dyn std::any::Any>,
    provider: String,
    place: String,
    id: String,
}

fn grounds() -> Vec<Ground> {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return Vec::new();
    }
    let aws = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let network = aws.network().unwrap();
    let google = gcp::start().unwrap();
    vec![
        Ground {
            provider: provider_block(&aws),
            place: aws_block(&network),
            id: format!("aws/{}/{}/churn-dev", aws.account(), mlops_e2e::cloud::REGION),
            _cloud: Box::new(aws),
        },
        Ground {
            provider: gcp::provider_block(&google),
            place: gcp::gcp_block(),
            id: format!("gcp/{PROJECT}/{}/churn-dev", gcp::REGION),
            _cloud: Box::new(google),
        },
    ]
}

impl Ground {
    fn workspace(&self, more: &str) -> Workspace {
        let mut workspace = Workspace::new();
        workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
        workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{SETTINGS}}}\n{more}",
                self.provider, self.place
            ),
        );
        workspace
    }
}

/// B57, B63: forgotten, imported by id and by block, and nothing is left to do.
#[test]
fn a_standing_environment_is_imported_and_its_configuration_changes_nothing() {
    for ground in grounds() {
        let id = &ground.id;
        let workspace = ground.workspace("");
        workspace.terraform(&["apply", "-auto-approve"]).expect(0);
        workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
        let mut before = workspace.resource("mlops_environment.this");

        workspace
            .terraform(&["state", "rm", "mlops_environment.this"])
            .expect(0);
        // B58: without it, the environment is named as what it is.
        let refused = workspace.terraform(&["apply", "-auto-approve"]).expect(1);
        assert!(refused.stderr.contains("exists already"), "{}", refused.stderr);
        workspace
            .terraform(&["import", "mlops_environment.this", id])
            .expect(0);
        workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
        let mut after = workspace.resource("mlops_environment.this");
        before["last_change"].take();
        after["last_change"].take();
        assert_eq!(before, after, "{id}: everything is read");

        // Let go of by a block: what stands stays.
        let text = std::fs::read_to_string(workspace.path("main.tf")).unwrap();
        let provider = text.split("resource \"").next().unwrap();
        workspace.write(
            "main.tf",
            &format!(
                "{provider}\nremoved {{\n  from = mlops_environment.this\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
            ),
        );
        workspace.terraform(&["apply", "-auto-approve"]).expect(0);

        let other = ground.workspace(&format!(
            "\nimport {{\n  to = mlops_environment.this\n  id = \"{id}\"\n}}\n"
        ));
        let plan = other.terraform(&["plan"]).expect(0);
        assert!(
            plan.stdout
                .contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
            "{}",
            plan.stdout
        );
        other.terraform(&["apply", "-auto-approve"]).expect(0);
        other.terraform(&["plan", "-detailed-exitcode"]).expect(0);
        other.terraform(&["destroy", "-auto-approve"]).expect(0);

        let gone = ground.workspace("");
        let refused = gone
            .terraform(&["import", "mlops_environment.this", id])
            .expect(1);
        assert!(
            refused.stderr.contains("There is no environment") || refused.stderr.contains("non-existent"),
            "{}",
            refused.stderr
        );
    }
}

/// A region that only the environment names is where it is made, found again and replaced from.
#[test]
fn an_environment_lives_in_the_region_it_names() {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return;
    }
    let aws = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let network = aws.network().unwrap();
    let workspace = Workspace::new();
    let other = provider_block(&aws).replace("eu-west-1", "eu-central-1");
    let place = aws_block(&network).replace("aws = {", "aws = {\n    region = \"eu-west-1\"");
    let resource = format!(
        "\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {place}\n}}\n"
    );
    workspace.write("main.tf", &format!("{other}{resource}"));
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    let environment = workspace.resource("mlops_environment.this");
    assert!(environment["id"].as_str().unwrap().contains("/eu-west-1/"));
    // The network stands in eu-west-1 only: had the calls gone elsewhere, it would not have been found.
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    // Kept once created: neither the line nor the provider's region is needed any more.
    let resource = resource.replace("\n    region = \"eu-west-1\"", "");
    workspace.write("main.tf", &format!("{other}{resource}"));
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
}
