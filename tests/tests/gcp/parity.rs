//! Both clouds beside each other: one configuration, one state, and what the two environments tell of themselves (B02).

use std::collections::BTreeSet;
use std::fs::read_to_string;

use mlops_e2e::cloud::{Cloud, REGION as AWS_REGION, SERVICES as AWS_SERVICES};
use mlops_e2e::gcp::{DUMMY_TOKEN, PROJECT, REGION, endpoints, furnish, gcp_block};
use mlops_e2e::root;
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

/// The page that tells what one cloud has and the other has not.
fn page() -> String {
    read_to_string(root().join("docs/guides/two-clouds.md")).unwrap()
}

/// Rows of the page's table under a heading: what is in ticks in the first column, and the cloud.
fn rows(heading: &str) -> Vec<(String, String)> {
    let page = page();
    let (_, section) = page.split_once(heading).unwrap();
    let section = section
        .split_once("\n## ")
        .map_or(section, |(section, _)| section);
    section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|');
            let name = cells.next()?.trim().strip_suffix('`')?.to_owned();
            let cloud = cells.next()?.split(';').next()?.trim().to_owned();
            Some((name, cloud))
        })
        .collect()
}

/// Whether an address is one of those that a row means.
fn means(row: &str, address: &str) -> bool {
    match row.strip_suffix('*') {
        Some(start) => address.starts_with(start),
        None => address == row,
    }
}

/// B02: the settings that the reference says one cloud has are those on the page, each with its cloud.
#[test]
fn settings_of_one_cloud_are_told_on_one_page() {
    let reference = read_to_string(root().join("docs/resources/environment.md")).unwrap();
    let mut told: Vec<(String, String)> = reference
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("- `")?.split_once("` (")?;
            let (_, said) = rest.split_once(") ")?;
            let cloud = ["AWS", "Google Cloud"]
                .into_iter()
                .find(|cloud| said.starts_with(&format!("{cloud} only:")))?;
            Some((name.to_owned(), cloud.to_owned()))
        })
        .collect();
    told.sort();
    told.dedup();
    assert!(told.len() > 5, "{told:?}");
    assert_eq!(rows("## Settings that one cloud has"), told);
}

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
    let addresses = |environment: &Value| names(&environment["components"]);
    let (on_aws, on_gcp) = (addresses(aws), addresses(gcp));
    let rows = rows("## Components that one cloud has");
    let only = |here: &BTreeSet<String>, there: &BTreeSet<String>, cloud: &str| {
        for address in here.difference(there) {
            let told = rows.iter().any(|(row, of)| of == cloud && means(row, address));
            assert!(
                told,
                "{address} is on {cloud} alone, and the page on two clouds does not say so"
            );
        }
        for (row, _) in rows.iter().filter(|(_, of)| of == cloud) {
            let found = |addresses: &BTreeSet<String>| addresses.iter().any(|address| means(row, address));
            assert!(
                found(here) && !found(there),
                "the page says that {row} is on {cloud} alone"
            );
        }
    };
    only(&on_aws, &on_gcp, "AWS");
    only(&on_gcp, &on_aws, "Google Cloud");
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
