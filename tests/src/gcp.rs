//! The local Google Cloud that tests and the demo run on: a project with the network that environments use.

use std::io::{Read, Write};
use std::net::TcpStream;

use mlops_sandbox::{Behaviour, Sandbox};
use serde_json::json;

/// The project that environments stand in.
pub const PROJECT: &str = "acme-ml-dev";

/// The region that environments stand in.
pub const REGION: &str = "europe-west1";

/// A token that opens nothing: accepted by the provider only because every endpoint is overridden.
pub const DUMMY_TOKEN: (&str, &str) = ("GOOGLE_OAUTH_ACCESS_TOKEN", "dummy");

/// Services that the provider calls.
pub const SERVICES: [&str; 11] = [
    "artifactregistry",
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
    })
    .to_string();
    let host = sandbox.url.trim_start_matches("http://");
    let request = format!(
        "POST /storage/v1/b?project={PROJECT} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    TcpStream::connect(host)
        .and_then(|mut stream| {
            stream.write_all(request.as_bytes())?;
            stream.read_to_string(&mut answer)
        })
        .map_err(|error| format!("the bucket {name}: {error}"))?;
    if answer.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(format!("the bucket {name}: {answer}"))
    }
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
