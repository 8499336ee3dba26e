//! What stands beside the resource: functions, the cluster's token, what applies an environment needs.
//!
//! Where terraform is missing, each test says that it was skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod doctor;
mod elsewhere;
mod functions;
mod opentofu;
mod permission_sets;
mod provisioner;
mod provisioner_gcp;
mod token;

use mlops_e2e::cloud::{Cloud, Network};
use mlops_e2e::terraform::{Ran, Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;

/// Whether there is a terraform; says so where there is none.
fn terraform(test: &str) -> bool {
    let there = available();
    if !there {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
    }
    there
}

/// A local AWS with a network, and an empty workspace.
struct Ground {
    cloud: Cloud,
    network: Network,
    workspace: Workspace,
}

const SERVICE: &str = r#"
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime"] } } }
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

impl Ground {
    fn new(sandbox: mlops_sandbox::sandbox::Builder) -> Self {
        let cloud = Cloud::sandboxed(sandbox).unwrap();
        let network = cloud.network().unwrap();
        Self {
            cloud,
            network,
            workspace: Workspace::new(),
        }
    }

    fn sandbox(&self) -> &Sandbox {
        self.cloud.sandbox().unwrap()
    }

    /// Writes a configuration with one environment; `settings` are further attributes, `beside` stands beside it.
    fn configure(&self, settings: &str, beside: &str) {
        self.workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{settings}\n}}\n{beside}\n",
                provider_block(&self.cloud),
                aws_block(&self.network)
            ),
        );
    }

    /// The same with an environment that does without the network that is there: `settings` say on which cloud it is.
    fn alone(&self, settings: &str) {
        self.workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  services = {{ churn = {{}} }}\n{settings}\n}}\n",
                provider_block(&self.cloud),
            ),
        );
    }

    fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }
}
