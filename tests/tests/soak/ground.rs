//! A local AWS with a network, and a workspace with one environment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlops_e2e::cloud::{Cloud, Network};
use mlops_e2e::terraform::{Ran, Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;

use crate::process::Working;

/// The environment as it is first.
pub(crate) const FIRST: &str = r#"
  services   = { churn = { secrets = { feature-store = { readers = ["runtime"] } } } }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

/// Changed in many places: a bucket, logs, a pool, a service comes and one identity goes.
pub(crate) const CHANGED: &str = r#"
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime", "retrain"] } } }
    fraud = {}
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
  buckets    = { data = { noncurrent_days = 60 } }
  logging    = { retention_days = 60 }
  identities = { ci = { max_session = "2h" } }
  node_pools = {
    system  = { purpose = "system", size = "small", min = 1, max = 4 }
    serving = { purpose = "serving", size = "medium", min = 0, max = 2 }
  }
"#;

/// How often each component's mark stands, by the kind of object that carries it.
pub(crate) type Standing = BTreeMap<String, usize>;

#[derive(Clone)]
pub(crate) struct Ground {
    cloud: Arc<Cloud>,
    network: Network,
    pub(crate) workspace: Arc<Workspace>,
}

/// Whether the tests can run here; says why not.
pub(crate) fn possible(test: &str) -> bool {
    let possible = available();
    if !possible {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
    }
    possible
}

impl Ground {
    pub(crate) fn new(test: &str) -> Option<Self> {
        if !possible(test) {
            return None;
        }
        let cloud = Cloud::sandboxed(Sandbox::builder()).expect("a sandbox");
        let network = cloud.network().expect("a network");
        Some(Self {
            cloud: Arc::new(cloud),
            network,
            workspace: Arc::new(Workspace::new()),
        })
    }

    /// Another state on the same cloud.
    pub(crate) fn beside(&self) -> Self {
        Self {
            workspace: Arc::new(Workspace::new()),
            ..self.clone()
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.cloud.sandbox().expect("a sandbox")
    }

    pub(crate) fn configure(&self, settings: &str) {
        let text = format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{settings}\n}}\n",
            provider_block(&self.cloud),
            aws_block(&self.network)
        );
        self.workspace.write("main.tf", &text);
    }

    pub(crate) fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }

    pub(crate) fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Working {
        Working::start(self.workspace.command(arguments))
    }

    /// Waits until an operation was called.
    pub(crate) fn wait_for(&self, operation: &str) {
        let until = Instant::now() + Duration::from_secs(90);
        while !self.sandbox().calls().contains_key(operation) {
            assert!(Instant::now() < until, "{operation} was not called within 90 s");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes so far.
    pub(crate) fn writes(&self) -> u64 {
        self.sandbox()
            .journal()
            .iter()
            .filter(|entry| entry.write)
            .count() as u64
    }

    pub(crate) fn state_is_empty(&self) -> bool {
        self.workspace
            .terraform(&["state", "list"])
            .stdout
            .trim()
            .is_empty()
    }

    /// What carries the environment's mark.
    pub(crate) fn marked(&self) -> Standing {
        let mut standing = Standing::new();
        for found in self.sandbox().marked("mlops:component", None) {
            // Ids in the path are drawn by lot; the collection that it stands in is not.
            let kind = found
                .path
                .split('/')
                .find(|part| KINDS.contains(part))
                .unwrap_or("other");
            let component = found.tags.get("mlops:component").cloned().unwrap_or_default();
            *standing.entry(format!("{kind} {component}")).or_default() += 1;
        }
        standing
    }
}

/// Collections in the sandbox's world.
const KINDS: [&str; 8] = ["s3", "kms", "iam", "eks", "ecr", "ec2", "logs", "secretsmanager"];
