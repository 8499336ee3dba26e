//! The local Google Cloud that tests and the demo run on: a project with the network that environments use.

use http::Method;
use mlops_sandbox::{Behaviour, Sandbox};
use serde_json::{Value, json};

/// The project that environments stand in.
pub const PROJECT: &str = "acme-ml-dev";

/// The region that environments stand in.
pub const REGION: &str = "europe-west1";

/// A token that opens nothing: accepted by the provider only because every endpoint is overridden.
pub const DUMMY_TOKEN: (&str, &str) = ("GOOGLE_OAUTH_ACCESS_TOKEN", "dummy");

/// Services that the provider calls.
pub const SERVICES: [&str; 12] = [
    "artifactregistry",
    "billingbudgets",
    "cloudkms",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "logging",
    "secretmanager",
    "serviceusage",
    "storage",
    "sts",
];

/// A sandbox in which a cluster takes a fifth of a second, with a project and its network.
///
/// # Errors
/// Why it does not start.
pub fn start() -> Result<Sandbox, String> {
    let behaviour = Behaviour {
        scale: 0.0004,
        ..Behaviour::default()
    };
    let sandbox = Sandbox::builder()
        .behaviour(behaviour)
        .start()
        .map_err(|error| error.to_string())?;
    furnish(&sandbox);
    Ok(sandbox)
}

/// Makes the project and its network, as a platform team would have: a subnetwork with ranges for pods and services.
pub fn furnish(sandbox: &Sandbox) {
    sandbox.world(|world| {
        let project = world.gcp.add_project(PROJECT);
        let url = format!("https://www.googleapis.com/compute/v1/projects/{PROJECT}");
        let network = format!("{url}/global/networks/ml");
        let region = format!("{url}/regions/{REGION}");
        project.network.insert(
            "global/networks/ml".into(),
            json!({ "kind": "compute#network", "name": "ml", "autoCreateSubnetworks": false, "selfLink": network }),
        );
        project.network.insert(
            format!("regions/{REGION}/subnetworks/ml-nodes"),
            json!({
                "kind": "compute#subnetwork",
                "name": "ml-nodes",
                "ipCidrRange": "10.0.0.0/20",
                "network": network,
                "region": region,
                "privateIpGoogleAccess": true,
                "selfLink": format!("{region}/subnetworks/ml-nodes"),
                "secondaryIpRanges": [
                    { "rangeName": "pods", "ipCidrRange": "10.4.0.0/14" },
                    { "rangeName": "services", "ipCidrRange": "10.8.0.0/20" },
                ],
            }),
        );
    });
}

/// The endpoints of a local cloud, as HCL.
pub fn endpoints(sandbox: &Sandbox) -> String {
    let lines = SERVICES.map(|service| format!("      {service} = \"{}\"\n", sandbox.gcp(service)));
    format!("{{\n{}    }}", lines.concat())
}

/// The provider block for a local cloud.
pub fn provider_block(sandbox: &Sandbox) -> String {
    format!(
        "terraform {{\n  required_providers {{\n    mlops = {{ source = \"mlops/mlops\" }}\n  }}\n}}\n\n\
         provider \"mlops\" {{\n  gcp = {{\n    project   = \"{PROJECT}\"\n    region    = \"{REGION}\"\n    endpoints = {}\n  }}\n}}\n",
        endpoints(sandbox)
    )
}

/// The network as the attribute `existing_network` takes it.
pub const NETWORK: &str =
    r#"{ network = "ml", subnetwork = "ml-nodes", pods_range = "pods", services_range = "services" }"#;

/// The `gcp` attribute of an environment in the project's network.
pub fn gcp_block() -> String {
    format!("gcp = {{\n    existing_network = {NETWORK}\n  }}")
}

/// Makes a versioned bucket for Terraform's state, as a platform team would have.
///
/// # Errors
/// What the cloud said.
pub fn state_bucket(sandbox: &Sandbox, name: &str) -> Result<(), String> {
    let body = json!({
        "name": name,
        "location": REGION,
        "versioning": { "enabled": true },
        "iamConfiguration": { "uniformBucketLevelAccess": { "enabled": true }, "publicAccessPrevention": "enforced" },
    });
    sandbox
        .ask_gcp(
            &Method::POST,
            &format!("storage/storage/v1/b?project={PROJECT}"),
            Some(&body),
        )
        .map(drop)
        .map_err(|refusal| format!("the bucket {name}: {refusal}"))
}

/// What `terraform init` is told of the `gcs` backend: a bucket of the local cloud.
pub fn backend(sandbox: &Sandbox, bucket: &str) -> [String; 2] {
    [
        format!("-backend-config=bucket={bucket}"),
        format!(
            "-backend-config=storage_custom_endpoint={}/storage/v1/",
            sandbox.gcp("storage")
        ),
    ]
}

/// The network as variables of the examples take it.
pub fn network_variable() -> Value {
    json!({ "network": "ml", "subnetwork": "ml-nodes", "pods_range": "pods", "services_range": "services" })
}

/// Service to URL, as variables of the examples take it.
pub fn endpoints_variable(sandbox: &Sandbox) -> Value {
    SERVICES
        .iter()
        .map(|service| ((*service).to_owned(), Value::from(sandbox.gcp(service))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// One grant that stands: of which role, to whom, on what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// As policies name it: `serviceAccount:…`.
    pub member: String,
    /// `roles/storage.objectViewer`.
    pub role: String,
    /// `project`, `bucket b`, `folder b/churn/`, `repository r`, `secret s`, `key k`, `account a`.
    pub on: String,
}

/// Every grant that stands in the project's policies and those of everything in it.
pub fn grants(sandbox: &Sandbox) -> Vec<Standing> {
    let world = sandbox.snapshot();
    let project = &world["gcp"]["projects"][PROJECT];
    let mut found = Vec::new();
    let mut add = |policy: &Value, on: String| {
        for binding in policy["bindings"].as_array().into_iter().flatten() {
            for member in binding["members"].as_array().into_iter().flatten() {
                found.push(Standing {
                    member: text(member),
                    role: text(&binding["role"]),
                    on: on.clone(),
                });
            }
        }
    };
    add(&project["policy"], "project".to_owned());
    for (bucket, held) in members(&world["gcp"]["buckets"]) {
        add(&held["policy"], format!("bucket {bucket}"));
        for (folder, held) in members(&held["folders"]) {
            add(&held["policy"], format!("folder {bucket}/{folder}"));
        }
    }
    for (kind, place) in [
        ("repository", "repositories"),
        ("secret", "secrets"),
        ("account", "accounts"),
        ("ring", "key_rings"),
    ] {
        for (name, held) in members(&project[place]) {
            let short = name.rsplit('/').next().unwrap_or(name);
            add(&held["policy"], format!("{kind} {short}"));
            for (key, held) in members(&held["keys"]) {
                let short = key.rsplit('/').next().unwrap_or(key);
                add(&held["policy"], format!("key {short}"));
            }
        }
    }
    found.sort_unstable();
    found
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What carries an environment's mark, and why it is meant to stay where it is: `None` for what was forgotten.
pub fn left(sandbox: &Sandbox) -> Vec<(String, Option<&'static str>)> {
    let found = sandbox.marked("mlops_component", None).into_iter();
    found
        .map(|found| found.path)
        // What an operation answered once is no object.
        .filter(|path| !path.contains("/operations/"))
        .map(|path| {
            let why = if path.contains("/key_rings/") {
                Some("keys, whose names cannot be given twice")
            } else if path.starts_with("/gcp/deleted_buckets/") {
                Some("buckets that can be restored for a week")
            } else {
                None
            };
            (path, why)
        })
        .collect()
}
