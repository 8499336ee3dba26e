//! One scenario, both clouds: a local cloud of either kind with a network, and a workspace with one environment in it.

use std::fmt;
use std::fs;
use std::sync::Arc;

use mlops_sandbox::gcp::Object;
use mlops_sandbox::{Refusal, Sandbox, World};
use serde_json::{Value, json};

use crate::cloud::{self, Cloud, Network};
use crate::gcp;
use crate::terraform::{Ran, Workspace, available, aws_block, provider_block};

/// The cloud of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    /// Amazon's.
    Aws,
    /// Google's.
    Gcp,
}

impl On {
    /// Each in turn.
    pub const BOTH: [Self; 2] = [Self::Aws, Self::Gcp];

    /// The service of clusters, by which its operations are called.
    pub fn clusters(self) -> &'static str {
        match self {
            Self::Aws => "eks",
            Self::Gcp => "container",
        }
    }

    /// The operation that makes a cluster, as the cloud calls it.
    pub fn create_cluster(self) -> &'static str {
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

/// Everything as it was once: the cloud, and what Terraform wrote down of it.
#[derive(Debug, Clone)]
pub struct Moment {
    world: World,
    state: Option<String>,
}

/// The file in which Terraform keeps a local state.
const STATE: &str = "terraform.tfstate";

/// By which Terraform says that it works on that state; stays when it is killed.
pub const LOCK: &str = ".terraform.tfstate.lock.info";

/// What else Terraform leaves beside it.
const BESIDE: [&str; 2] = ["terraform.tfstate.backup", "errored.tfstate"];

/// The name of the environment.
pub const NAME: &str = "churn-dev";

/// A local cloud, and a workspace in which one environment is configured.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Which cloud.
    pub on: On,
    local: Arc<Local>,
    /// Where terraform runs.
    pub workspace: Arc<Workspace>,
}

#[derive(Debug)]
enum Local {
    Aws(Box<Cloud>, Network),
    Gcp(Box<Sandbox>),
}

/// Whether tests of this kind can run here; says why not.
pub fn possible(test: &str) -> bool {
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
    /// A cloud with nothing in it but a network; none where terraform is missing.
    ///
    /// # Panics
    /// Where the local cloud does not start.
    pub fn new(on: On, test: &str) -> Option<Self> {
        if !possible(test) {
            return None;
        }
        let start = || -> Result<Local, String> {
            Ok(match on {
                On::Aws => {
                    let cloud = Cloud::sandboxed(Sandbox::builder())?;
                    let network = cloud.network()?;
                    Local::Aws(Box::new(cloud), network)
                }
                On::Gcp => Local::Gcp(Box::new(gcp::start()?)),
            })
        };
        let local = start().unwrap_or_else(|error| panic!("no local cloud: {error}"));
        Some(Self {
            on,
            local: Arc::new(local),
            workspace: workspace(on),
        })
    }

    /// Both clouds in turn; none where terraform is missing.
    pub fn both(test: &str) -> impl Iterator<Item = Self> {
        On::BOTH.into_iter().filter_map(move |on| Self::new(on, test))
    }

    /// Another state on the same cloud.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            workspace: workspace(self.on),
            ..self.clone()
        }
    }

    /// The local cloud.
    ///
    /// # Panics
    /// Never: every ground stands on a sandbox.
    pub fn sandbox(&self) -> &Sandbox {
        match self.local.as_ref() {
            Local::Aws(cloud, _) => cloud.sandbox().unwrap_or_else(|| panic!("no sandbox")),
            Local::Gcp(sandbox) => sandbox,
        }
    }

    /// The provider's block, as HCL.
    pub fn provider(&self) -> String {
        match self.local.as_ref() {
            Local::Aws(cloud, _) => provider_block(cloud),
            Local::Gcp(sandbox) => gcp::provider_block(sandbox),
        }
    }

    /// The environment's attribute `aws` or `gcp`, as HCL.
    pub fn place(&self) -> String {
        match self.local.as_ref() {
            Local::Aws(_, network) => aws_block(network),
            Local::Gcp(_) => gcp::gcp_block(),
        }
    }

    /// The id of an environment of this name.
    pub fn id(&self, name: &str) -> String {
        match self.local.as_ref() {
            Local::Aws(cloud, _) => format!("aws/{}/{}/{name}", cloud.account(), cloud::REGION),
            Local::Gcp(_) => format!("gcp/{}/{}/{name}", gcp::PROJECT, gcp::REGION),
        }
    }

    /// Configures the environment [`NAME`], tier dev, with these settings.
    pub fn configure(&self, settings: &str) {
        self.configure_as(NAME, settings);
    }

    /// The same under another name.
    pub fn configure_as(&self, name: &str, settings: &str) {
        let (provider, place) = (self.provider(), self.place());
        let text = format!(
            "{provider}\nresource \"mlops_environment\" \"this\" {{\n  name = \"{name}\"\n  tier = \"dev\"\n  {place}\n\
             {settings}\n}}\n"
        );
        self.workspace.write("main.tf", &text);
    }

    /// `terraform apply`.
    pub fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }

    /// Applies, and nothing is left to do.
    pub fn settle(&self) -> Ran {
        let applied = self.apply().expect(0);
        self.plan().expect(0);
        applied
    }

    /// `terraform plan -detailed-exitcode`: 0 nothing to do, 2 changes.
    pub fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    /// `terraform destroy`.
    pub fn destroy(&self) -> Ran {
        self.workspace.terraform(&["destroy", "-auto-approve"])
    }

    /// The environment as terraform tells it.
    pub fn environment(&self) -> Value {
        self.workspace.resource("mlops_environment.this")
    }

    /// The lines of `last_change` of the next apply.
    ///
    /// # Panics
    /// Where there is no plan.
    pub fn planned(&self) -> Vec<String> {
        self.workspace.terraform(&["plan", "-out=plan.tfplan"]).expect(0);
        let shown = self
            .workspace
            .terraform(&["show", "-json", "plan.tfplan"])
            .expect(0);
        let plan: Value =
            serde_json::from_str(&shown.stdout).unwrap_or_else(|error| panic!("show -json: {error}"));
        let lines = plan["resource_changes"][0]["change"]["after"]["last_change"].clone();
        serde_json::from_value(lines).unwrap_or_default()
    }

    /// Asks AWS as its operator, as a test does that changes something outside.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn ask_aws(&self, service: &str, operation: &str, input: Value) -> Value {
        self.sandbox()
            .ask(cloud::REGION, service, operation, input)
            .unwrap_or_else(|refusal: Refusal| panic!("{service}:{operation}: {refusal}"))
    }

    /// Asks Google Cloud as the project's operator.
    ///
    /// # Panics
    /// Where it is refused.
    pub fn ask_gcp(&self, verb: &http::Method, path: &str, body: Option<&Value>) -> Value {
        self.sandbox()
            .ask_gcp(verb, path, body)
            .unwrap_or_else(|refusal| panic!("{verb} {path}: {refusal}"))
    }

    /// Puts an object of one byte into a bucket.
    ///
    /// # Panics
    /// Where the bucket is not there.
    pub fn put(&self, bucket: &str, key: &str) {
        if self.on == On::Aws {
            let object = json!({ "Bucket": bucket, "Key": key, "Body": "eA==" });
            self.ask_aws("s3", "PutObject", object);
            return;
        }
        let now = self.sandbox().now();
        let object = Object {
            name: key.to_owned(),
            generation: 1,
            metageneration: 1,
            body: json!({}),
            content: b"x".to_vec(),
            created: now,
            updated: now,
            noncurrent: None,
            soft: None,
        };
        self.sandbox().world(|world| {
            let bucket = world.gcp.buckets.get_mut(bucket);
            let bucket = bucket.unwrap_or_else(|| panic!("no such bucket"));
            bucket.objects.insert(key.to_owned(), vec![object]);
        });
    }

    /// Names of the objects of a bucket.
    ///
    /// # Panics
    /// Where the bucket is not there.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.sandbox().world(|world| match self.on {
            On::Aws => world.aws.s3.buckets[bucket].keys.keys().cloned().collect(),
            On::Gcp => world.gcp.buckets[bucket].objects.keys().cloned().collect(),
        })
    }

    /// Everything as it is now.
    pub fn moment(&self) -> Moment {
        Moment {
            world: self.sandbox().world(|world| world.clone()),
            state: fs::read_to_string(self.workspace.path(STATE)).ok(),
        }
    }

    /// Puts everything back as it was then. Nobody must be at work.
    pub fn back_to(&self, moment: &Moment) {
        self.sandbox().heal();
        self.sandbox().world(|world| world.clone_from(&moment.world));
        self.sandbox().forget_calls();
        for name in BESIDE.iter().chain(&[STATE, LOCK]) {
            // Most of them are not there.
            let _ = fs::remove_file(self.workspace.path(name));
        }
        if let Some(state) = &moment.state {
            self.workspace.write(STATE, state);
        }
    }

    /// Resources in the state: read from its file, which is faster than having terraform tell them.
    fn recorded(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.workspace.path(STATE)).unwrap_or_default();
        let state: Value = serde_json::from_str(&text).unwrap_or_default();
        state["resources"].as_array().cloned().unwrap_or_default()
    }

    /// The environment's phase in the state; empty where it is not in there.
    pub fn phase(&self) -> String {
        let recorded = self.recorded();
        let environment = recorded
            .iter()
            .find(|resource| resource["type"] == "mlops_environment");
        environment
            .and_then(|resource| resource["instances"][0]["attributes"]["phase"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether nothing is in the state.
    pub fn state_is_empty(&self) -> bool {
        self.recorded().is_empty()
    }
}

/// What terraform said as one line, without its frames: it wraps where it likes.
pub fn flat(text: &str) -> String {
    text.replace(['│', '\n'], " ")
        .replace("\\\"", "\"")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
