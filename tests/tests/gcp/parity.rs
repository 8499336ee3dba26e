//! Both clouds beside each other: one configuration, one state, and what the two environments tell of themselves (B02).

use std::collections::BTreeSet;

use mlops_e2e::cloud::{Cloud, REGION as AWS_REGION, SERVICES as AWS_SERVICES};
use mlops_e2e::gcp::{DUMMY_TOKEN, PROJECT, REGION, endpoints, furnish, gcp_block};
use mlops_e2e::terraform::{Workspace, available, aws_block};
use mlops_sandbox::Sandbox;
use serde_json::Value;

use crate::ground::SERVICE;

#[test]
fn an_environment_on_either_cloud_tells_the_same_of_itself() {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return;
    }
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let sandbox = cloud.sandbox().unwrap();
    furnish(sandbox);
    let network = cloud.network().unwrap();
    let mut workspace = Workspace::new();
    workspace.set(DUMMY_TOKEN.0, DUMMY_TOKEN.1);
    let on_aws = AWS_SERVICES
        .map(|service| format!("      {service} = \"{}\"\n", cloud.url))
        .concat();
    let environment = |name: &str, block: &str| {
        format!(
            "resource \"mlops_environment\" \"{name}\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {block}\n{SERVICE}\n}}\n"
        )
    };
    workspace.write(
        "main.tf",
        &format!(
            "terraform {{\n  required_providers {{\n    mlops = {{ source = \"mlops/mlops\" }}\n  }}\n}}\n\n\
             provider \"mlops\" {{\n  aws = {{\n    region    = \"{AWS_REGION}\"\n    endpoints = {{\n{on_aws}    }}\n  }}\n  \
             gcp = {{\n    project   = \"{PROJECT}\"\n    region    = \"{REGION}\"\n    endpoints = {}\n  }}\n}}\n{}{}",
            endpoints(sandbox),
            environment("aws", &aws_block(&network)),
            environment("gcp", &gcp_block()),
        ),
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    parity(
        &workspace.resource("mlops_environment.aws"),
        &workspace.resource("mlops_environment.gcp"),
    );
    workspace.terraform(&["destroy", "-auto-approve"]).expect(0);
}

/// Components that one cloud has and the other has not: the page on both clouds says why of each.
const OWN: [&str; 13] = [
    // AWS: who signs pods' tokens, what bounds roles, who may reach the cluster, the cluster's and the network plugin's own roles.
    "federation.pods",
    "boundaries.",
    "access.",
    "identities.cluster",
    "identities.cni",
    "addons.",
    "registry.",
    // Google Cloud: APIs, the keys' ring, the pool of federated identities, who may enter an account, project-wide grants, and
    // one repository for all images.
    "apis",
    "key_ring",
    "federation.pool",
    "trust.",
    "project_grants",
    "registry",
];

/// B02: the same attributes, each of the same form, and the same components but for those that are one cloud's own.
fn parity(aws: &Value, gcp: &Value) {
    let names = |environment: &Value| -> BTreeSet<String> {
        environment.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(aws), names(gcp));
    let settings = ["aws", "gcp", "components", "node_pools"];
    for (name, on_aws) in aws.as_object().unwrap() {
        if settings.contains(&name.as_str()) {
            continue;
        }
        let on_gcp = &gcp[name];
        assert_eq!(
            std::mem::discriminant(on_aws),
            std::mem::discriminant(on_gcp),
            "{name}: {on_aws} and {on_gcp}"
        );
        if !["github", "manifests", "kustomize", "tags", "identities"].contains(&name.as_str()) {
            assert_eq!(shape(on_aws), shape(on_gcp), "{name}");
        }
    }
    let common = |environment: &Value| -> BTreeSet<String> {
        environment["components"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|address| {
                !OWN.iter()
                    .any(|own| *address == own || (own.ends_with('.') && address.starts_with(own)))
            })
            .cloned()
            .collect()
    };
    assert_eq!(common(aws), common(gcp));
}

/// Names of members, all the way down, apart from the annotation's own key, which each cloud's tools read.
fn shape(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, inner)| {
                let inner = if name.starts_with("annotation") {
                    BTreeSet::new()
                } else {
                    shape(inner)
                };
                std::iter::once(name.clone())
                    .chain(inner.into_iter().map(move |below| format!("{name}.{below}")))
            })
            .collect(),
        _ => BTreeSet::new(),
    }
}
