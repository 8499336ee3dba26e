//! A standing environment brought under another state by the real terraform: `terraform import`, `import` and `removed`
//! blocks, on both clouds.

use mlops_e2e::cloud::Cloud;
use mlops_e2e::ground::Ground;
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

/// B57, B63: forgotten, imported by id and by block, and nothing is left to do.
#[test]
fn a_standing_environment_is_imported_and_its_configuration_changes_nothing() {
    let name = "a_standing_environment_is_imported_and_its_configuration_changes_nothing";
    for ground in Ground::both(name) {
        let id = &ground.id("churn-dev");
        let workspace = &ground.workspace;
        ground.configure(SETTINGS);
        ground.settle();
        let mut before = ground.environment();

        let address = "mlops_environment.this";
        workspace.terraform(&["state", "rm", address]).expect(0);
        // B58: without it, the environment is named as what it is.
        let refused = ground.apply().expect(1);
        assert!(refused.stderr.contains("exists already"), "{}", refused.stderr);
        workspace.terraform(&["import", address, id]).expect(0);
        ground.plan().expect(0);
        let mut after = ground.environment();
        before["last_change"].take();
        after["last_change"].take();
        assert_eq!(before, after, "{id}: everything is read");

        // Let go of by a block: what stands stays.
        let provider = ground.provider();
        workspace.write(
            "main.tf",
            &format!(
                "{provider}\nremoved {{\n  from = {address}\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"
            ),
        );
        ground.apply().expect(0);

        let other = ground.beside();
        other.configure(SETTINGS);
        other.workspace.write(
            "import.tf",
            &format!("import {{\n  to = {address}\n  id = \"{id}\"\n}}\n"),
        );
        let plan = other.workspace.terraform(&["plan"]).expect(0);
        assert!(
            plan.stdout
                .contains("1 to import, 0 to add, 0 to change, 0 to destroy"),
            "{}",
            plan.stdout
        );
        other.settle();
        other.destroy().expect(0);

        let gone = ground.beside();
        gone.configure(SETTINGS);
        let refused = gone.workspace.terraform(&["import", address, id]).expect(1);
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
