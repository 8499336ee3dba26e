//! The matrix put to what stands.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::{environment, gcp_minimal, minimal};
use mlops_access::matrix::{Expected, Grid};
use mlops_environment::component::{Component, Kind, Owner, Present, Status};
use mlops_environment::driver::Access;
use mlops_environment::examine::{Findings, examine, identities, questions, with_simulation};
use mlops_environment::{Environment, reference};
use serde_json::{Value, json};

/// Outputs that the cloud would give.
fn outputs(component: &Component) -> BTreeMap<String, String> {
    let mut outputs = component.outputs.clone();
    let mut give = |name: &str, value: &str| {
        outputs.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    let account = "arn:aws:kms:eu-west-1:111122223333:key";
    match component.kind {
        Kind::AwsKey => give("arn", &format!("{account}/{}", component.address)),
        Kind::AwsSecret => give(
            "arn",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/churn/db-AbCdEf",
        ),
        Kind::AwsCluster => give("issuer", "oidc.eks.eu-west-1.amazonaws.com/id/1234"),
        Kind::AwsOidcProvider => {
            give(
                "arn",
                "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/1234",
            );
            give("issuer", "oidc.eks.eu-west-1.amazonaws.com/id/1234");
        }
        _ => {}
    }
    outputs
}

/// Everything as it was wanted.
fn as_wanted(environment: &Environment) -> Findings {
    let mut world: reference::World = environment
        .components
        .iter()
        .map(|component| (component.address.clone(), outputs(component)))
        .collect();
    let own = mlops_environment::component::Address::new(&[reference::ENVIRONMENT]);
    world.insert(own, BTreeMap::from([("uid".to_owned(), "u1".to_owned())]));
    let mut findings = Findings::default();
    for component in &environment.components {
        let (resolved, missing) = reference::fill_component(component, &world);
        assert!(missing.is_empty(), "{}: {missing:?}", component.address);
        let present = Present {
            id: "id".to_owned(),
            owner: Owner::Unmarked,
            status: Status::Ready,
            properties: resolved.properties.clone(),
            outputs: outputs(component),
            foreign: Vec::new(),
        };
        findings.present.insert(component.address.clone(), present);
    }
    let standing = findings.present.clone();
    let text = |properties: &BTreeMap<String, Value>, name: &str| {
        properties
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    for identity in identities(&environment.spec) {
        let Some(role) = standing.get(&identity.address) else {
            continue;
        };
        let inline = role.properties.get("inline_policies").and_then(Value::as_object);
        let boundary = standing
            .get(&mlops_environment::component::Address::new(&[
                "boundaries",
                identity.purpose.as_str(),
            ]))
            .map(|boundary| text(&boundary.properties, "document"));
        findings.access.insert(
            identity.address.clone(),
            Access {
                trust: text(&role.properties, "trust"),
                policies: inline
                    .into_iter()
                    .flatten()
                    .map(|(name, document)| (name.clone(), document.as_str().unwrap_or_default().to_owned()))
                    .collect(),
                boundary,
            },
        );
    }
    findings
}

fn grid(environment: &Environment, findings: &Findings) -> Grid {
    examine(environment, findings).expect("documents that can be read")
}

fn said(grid: &Grid) -> Vec<String> {
    grid.breaches().map(ToString::to_string).collect()
}

#[test]
fn what_was_made_as_planned_holds() {
    for config in [minimal(), gcp_minimal()] {
        let environment = environment(config);
        let grid = grid(&environment, &as_wanted(&environment));
        assert!(grid.holds(), "{:#?}", said(&grid));
        assert!(
            grid.columns.contains(&"runtime/churn".to_owned()),
            "{:?}",
            grid.columns
        );
    }
}

#[test]
fn a_policy_that_somebody_attached_is_seen() {
    let environment = environment(minimal());
    let mut findings = as_wanted(&environment);
    let runtime = mlops_environment::component::Address::new(&["identities", "runtime", "churn"]);
    let access = findings.access.get_mut(&runtime).expect("a role");
    let wide = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Wide", "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] });
    access.policies.push((
        "arn:aws:iam::111122223333:policy/wide".to_owned(),
        wide.to_string(),
    ));
    let grid = grid(&environment, &findings);
    assert!(!grid.holds());
    let row = grid.rows.iter().find(|row| row.id == "P11").expect("a row");
    let wrong: Vec<&String> = grid
        .columns
        .iter()
        .zip(&row.cells)
        .filter(|(_, cell)| !cell.breaches.is_empty())
        .map(|(column, _)| column)
        .collect();
    assert_eq!(wrong, ["runtime/churn"]);
    assert!(
        said(&grid).iter().any(|text| text.contains("\"Wide\" allows it")),
        "{:#?}",
        said(&grid)
    );
}

#[test]
fn a_trust_that_somebody_opened_is_seen() {
    let environment = environment(minimal());
    let mut findings = as_wanted(&environment);
    let deploy = mlops_environment::component::Address::new(&["identities", "deploy"]);
    let access = findings.access.get_mut(&deploy).expect("a role");
    access.trust = access
        .trust
        .replace("StringEquals", "StringLike")
        .replace(":environment:aws-dev", ":*");
    let grid = grid(&environment, &findings);
    assert!(
        grid.others
            .iter()
            .any(|breach| breach.identity.contains("deploy")),
        "{:#?}",
        said(&grid)
    );
}

#[test]
fn an_identity_that_is_gone_is_told() {
    let environment = environment(minimal());
    let mut findings = as_wanted(&environment);
    findings
        .access
        .remove(&mlops_environment::component::Address::new(&["identities", "ci"]));
    assert!(
        said(&grid(&environment, &findings))
            .iter()
            .any(|text| text.contains("ci must be able to be there"))
    );
}

#[test]
fn a_grant_that_somebody_added_is_seen() {
    let environment = environment(gcp_minimal());
    let mut findings = as_wanted(&environment);
    let account = environment
        .component("identities.drift.churn")
        .expect("an account")
        .outputs["email"]
        .clone();
    let models = mlops_environment::component::Address::new(&["buckets", "models"]);
    let bucket = findings.present.get_mut(&models).expect("a bucket");
    let grants = bucket
        .properties
        .get_mut("grants")
        .and_then(Value::as_array_mut)
        .expect("grants");
    grants
        .push(json!({ "role": "roles/storage.objectAdmin", "member": format!("serviceAccount:{account}") }));
    let grid = grid(&environment, &findings);
    let row = grid.rows.iter().find(|row| row.id == "P12").expect("a row");
    let at = grid
        .columns
        .iter()
        .position(|column| column == "drift/churn")
        .expect("a column");
    assert!(!row.cells[at].breaches.is_empty(), "{:#?}", said(&grid));
}

#[test]
fn the_simulators_word_counts_where_ours_finds_nothing() {
    let environment = environment(minimal());
    let findings = as_wanted(&environment);
    let (identity, questions) = questions(&environment, &findings)
        .into_iter()
        .find(|(identity, _)| identity.principal().to_string() == "runtime/churn")
        .expect("an identity");
    let name = identity.principal().to_string();
    let right: Vec<bool> = questions
        .iter()
        .map(|question| question.expected == Expected::Allow)
        .collect();
    assert!(right.contains(&true) && right.contains(&false));
    let agreed = with_simulation(grid(&environment, &findings), &name, &questions, &right);
    assert!(agreed.holds());
    let mut wrong = right;
    wrong[0] = !wrong[0];
    let grid = with_simulation(agreed, &name, &questions, &wrong);
    assert_eq!(grid.breaches().count(), 1);
    assert!(
        said(&grid)[0].contains("IAM's policy simulator"),
        "{:?}",
        said(&grid)
    );
}
