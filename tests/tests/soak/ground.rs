//! A local cloud with a network, and a workspace with one environment.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mlops_e2e::cloud::{Cloud, Network};
use mlops_e2e::gcp;
use mlops_e2e::terraform::{Ran, Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;
use serde_json::Value;

use crate::process::Working;

/// The cloud of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum On {
    Aws,
    Gcp,
}

impl On {
    pub(crate) const BOTH: [Self; 2] = [Self::Aws, Self::Gcp];

    /// The environment as it is first.
    pub(crate) fn first(self) -> &'static str {
        r#"
  services   = { churn = { secrets = { feature-store = { readers = ["runtime"] } } } }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#
    }

    /// Changed in many places: a bucket, logs, a pool; a service comes and an identity goes.
    pub(crate) fn changed(self) -> String {
        let identities = match self {
            Self::Aws => r#"{ ci = { max_session = "2h" }, drift = { enabled = false } }"#,
            Self::Gcp => "{ drift = { enabled = false } }",
        };
        format!(
            r#"
  services = {{
    churn = {{ secrets = {{ feature-store = {{ readers = ["runtime", "retrain"] }} }} }}
    fraud = {{}}
  }}
  federation = {{ github = {{ repository = "acme/churn", owner_id = "1", repository_id = "2" }} }}
  buckets    = {{ data = {{ noncurrent_days = 60 }} }}
  logging    = {{ retention_days = 60 }}
  identities = {identities}
  node_pools = {{
    system  = {{ purpose = "system", size = "small", min = 1, max = 4 }}
    serving = {{ purpose = "serving", size = "medium", min = 0, max = 2 }}
  }}
"#
        )
    }

    /// The service of clusters, by which its operations are called.
    pub(crate) fn clusters(self) -> &'static str {
        match self {
            Self::Aws => "eks",
            Self::Gcp => "container",
        }
    }

    /// The operation that makes a cluster, as the cloud calls it.
    pub(crate) fn create_cluster(self) -> &'static str {
        match self {
            Self::Aws => "CreateCluster",
            Self::Gcp => "container.projects.locations.clusters.create",
        }
    }
}

impl fmt::Display for On {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
        })
    }
}

/// What stands: for each kind of object and component the places of its objects in the cloud, ids included. Grants, which
/// have no place of their own, are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) objects: BTreeMap<String, BTreeSet<String>>,
    pub(crate) grants: BTreeMap<String, usize>,
}

#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) on: On,
    local: Arc<Local>,
    pub(crate) workspace: Arc<Workspace>,
}

enum Local {
    Aws(Box<Cloud>, Network),
    Gcp(Box<Sandbox>),
}

/// Whether the tests can run here; says why not.
pub(crate) fn possible(test: &str) -> bool {
    let possible = available();
    if !possible {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
    }
    possible
}

fn workspace(on: On) -> Arc<Workspace> {
    let mut workspace = Workspace::new();
    if on == On::Gcp {
        workspace.set(gcp::DUMMY_TOKEN.0, gcp::DUMMY_TOKEN.1);
    }
    Arc::new(workspace)
}

impl Ground {
    pub(crate) fn new(on: On, test: &str) -> Option<Self> {
        if !possible(test) {
            return None;
        }
        let local = match on {
            On::Aws => {
                let cloud = Cloud::sandboxed(Sandbox::builder()).expect("a sandbox");
                let network = cloud.network().expect("a network");
                Local::Aws(Box::new(cloud), network)
            }
            On::Gcp => Local::Gcp(Box::new(gcp::start().expect("a sandbox"))),
        };
        Some(Self {
            on,
            local: Arc::new(local),
            workspace: workspace(on),
        })
    }

    /// Another state on the same cloud.
    pub(crate) fn beside(&self) -> Self {
        Self {
            workspace: workspace(self.on),
            ..self.clone()
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        match self.local.as_ref() {
            Local::Aws(cloud, _) => cloud.sandbox().expect("a sandbox"),
            Local::Gcp(sandbox) => sandbox,
        }
    }

    pub(crate) fn configure(&self, settings: &str) {
        let (provider, block) = match self.local.as_ref() {
            Local::Aws(cloud, network) => (provider_block(cloud), aws_block(network)),
            Local::Gcp(sandbox) => (gcp::provider_block(sandbox), gcp::gcp_block()),
        };
        let text = format!(
            "{provider}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {block}\n\
             {settings}\n}}\n"
        );
        self.workspace.write("main.tf", &text);
    }

    pub(crate) fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }

    pub(crate) fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    pub(crate) fn destroy(&self) -> Ran {
        self.workspace.terraform(&["destroy", "-auto-approve"])
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Working {
        Working::start(self.workspace.command(arguments))
    }

    /// The environment's attribute in the state.
    pub(crate) fn phase(&self) -> String {
        let environment = self.workspace.resource("mlops_environment.this");
        environment["phase"].as_str().unwrap_or_default().to_owned()
    }

    /// A cluster takes twenty minutes of the sandbox's time, which runs as fast as ours.
    pub(crate) fn take_real_time(&self) {
        let work = format!("{}.cluster.create", self.on.clusters());
        self.sandbox().behave(|behaviour| {
            behaviour.scale = 1.0;
            behaviour.durations.insert(work, 1200.0);
        });
    }

    /// Those twenty minutes are over.
    pub(crate) fn let_time_pass(&self) {
        self.sandbox().behave(|behaviour| behaviour.scale = 0.0004);
        self.sandbox().skip(jiff::SignedDuration::from_mins(21));
    }

    /// How often a cluster was asked for.
    pub(crate) fn clusters_asked_for(&self) -> usize {
        let call = format!("{}:{}", self.on.clusters(), self.on.create_cluster());
        self.sandbox().calls().get(&call).copied().unwrap_or(0)
    }

    /// Deletions so far.
    pub(crate) fn deletions(&self) -> Vec<String> {
        let calls = self.sandbox().calls().into_keys();
        calls
            .filter(|call| call.contains("Delete") || call.contains("Schedule") || call.ends_with(".delete"))
            .collect()
    }

    /// Waits until a cluster was asked for.
    pub(crate) fn wait_for_cluster(&self) {
        let until = Instant::now() + Duration::from_secs(90);
        while self.clusters_asked_for() == 0 {
            assert!(Instant::now() < until, "no cluster was asked for within 90 s");
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

    /// What carries the environment's mark, and who was let in where.
    pub(crate) fn standing(&self) -> Standing {
        let mut standing = Standing::default();
        walk(&self.sandbox().snapshot(), &mut Vec::new(), &mut standing);
        standing
    }
}

/// Records of what was done and what could be brought back: what is in them does not stand.
const RECORDS: [&str; 5] = [
    "operations",
    "compute_operations",
    "deleted_accounts",
    "deleted_buckets",
    "sessions",
];

fn walk(at: &Value, path: &mut Vec<String>, into: &mut Standing) {
    match at {
        // Deleted softly.
        Value::Object(members) if members.get("expires").is_some_and(|time| !time.is_null()) => {}
        Value::Object(members) => {
            let mark = ["mlops:component", "mlops_component"]
                .into_iter()
                .find_map(|tag| members.get(tag)?.as_str());
            if let Some(component) = mark {
                found(component, &path[..path.len() - 1], into);
                return;
            }
            if let (Some(role), Some(Value::Array(let_in))) = (
                members.get("role").and_then(Value::as_str),
                members.get("members"),
            ) {
                let alive = let_in.iter().filter(|member| {
                    member
                        .as_str()
                        .is_some_and(|member| !member.starts_with("deleted:"))
                });
                *into.grants.entry(format!("{} {role}", kind(path))).or_default() += alive.count();
            }
            for (name, inner) in members {
                if RECORDS.contains(&name.as_str()) {
                    continue;
                }
                path.push(name.clone());
                walk(inner, path, into);
                path.pop();
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                path.push(index.to_string());
                walk(inner, path, into);
                path.pop();
            }
        }
        // What has no labels carries its mark as JSON in its description.
        Value::String(text) if text.starts_with('{') && text.contains("\"component\"") => {
            let mark: Value = serde_json::from_str(text).unwrap_or_default();
            if let Some(component) = mark["component"].as_str() {
                found(component, path, into);
            }
        }
        _ => {}
    }
}

fn found(component: &str, path: &[String], into: &mut Standing) {
    into.objects
        .entry(format!("{} {component}", kind(path)))
        .or_default()
        .insert(path.join("/"));
}

/// The collection that a path goes through: ids below it are drawn by lot, it is not.
fn kind(path: &[String]) -> &str {
    let service = |part: &&String| AWS.contains(&part.as_str());
    match path.first().map(String::as_str) {
        Some("aws") => path.iter().find(service).map_or("other", String::as_str),
        Some("gcp") if path.get(1).is_some_and(|part| part == "projects") => {
            path.get(3).map_or("project", String::as_str)
        }
        _ => path.get(1).map_or("other", String::as_str),
    }
}

/// Collections in the sandbox's AWS.
const AWS: [&str; 8] = ["s3", "kms", "iam", "eks", "ecr", "ec2", "logs", "secretsmanager"];
