//! What a local cloud holds, and how it is watched while terraform is at work on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

pub(crate) use mlops_e2e::ground::{Ground, LOCK, Moment, On, possible};
use serde_json::Value;

use crate::process::Working;

/// The settings that an environment goes through.
pub(crate) trait Story {
    /// The environment as it is first.
    fn first(self) -> &'static str;

    /// Changed in many places: a bucket, logs, a pool; a service comes and an identity goes.
    fn changed(self) -> String;
}

impl Story for On {
    fn first(self) -> &'static str {
        r#"
  services   = { churn = { secrets = { feature-store = { readers = ["runtime"] } } } }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#
    }

    fn changed(self) -> String {
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
}

/// What stands: for each kind of object and component the places of its objects in the cloud, ids included. Grants, which
/// have no place of their own, are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) objects: BTreeMap<String, BTreeSet<String>>,
    pub(crate) grants: BTreeMap<String, usize>,
}

/// A cloud that is watched.
pub(crate) trait Watched {
    /// Terraform at work.
    fn start(&self, arguments: &[&str]) -> Working;

    /// A cluster takes twenty minutes of the sandbox's time, which runs as fast as ours.
    fn take_real_time(&self);

    /// Those twenty minutes are over.
    fn let_time_pass(&self);

    /// How often a cluster was asked for.
    fn clusters_asked_for(&self) -> usize;

    /// Deletions so far.
    fn deletions(&self) -> Vec<String>;

    /// Waits until a cluster was asked for.
    fn wait_for_cluster(&self);

    /// Writes so far.
    fn writes(&self) -> u64;

    /// What carries the environment's mark, and who was let in where.
    fn standing(&self) -> Standing;
}

impl Watched for Ground {
    fn start(&self, arguments: &[&str]) -> Working {
        Working::start(self.workspace.command(arguments))
    }

    fn take_real_time(&self) {
        let work = format!("{}.cluster.create", self.on.clusters());
        self.sandbox().behave(|behaviour| {
            behaviour.scale = 1.0;
            behaviour.durations.insert(work, 1200.0);
        });
    }

    fn let_time_pass(&self) {
        self.sandbox().behave(|behaviour| behaviour.scale = 0.0004);
        self.sandbox().skip(jiff::SignedDuration::from_mins(21));
    }

    fn clusters_asked_for(&self) -> usize {
        let call = format!("{}:{}", self.on.clusters(), self.on.create_cluster());
        self.sandbox().calls().get(&call).copied().unwrap_or(0)
    }

    fn deletions(&self) -> Vec<String> {
        let calls = self.sandbox().calls().into_keys();
        calls
            .filter(|call| call.contains("Delete") || call.contains("Schedule") || call.ends_with(".delete"))
            .collect()
    }

    fn wait_for_cluster(&self) {
        let until = Instant::now() + Duration::from_secs(90);
        while self.clusters_asked_for() == 0 {
            assert!(Instant::now() < until, "no cluster was asked for within 90 s");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn writes(&self) -> u64 {
        self.sandbox()
            .journal()
            .iter()
            .filter(|entry| entry.write)
            .count() as u64
    }

    fn standing(&self) -> Standing {
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
