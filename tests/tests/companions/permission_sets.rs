//! `data.mlops_permission_set`: what it says is what the identities of a standing environment carry, grant for grant.

use std::collections::{BTreeMap, BTreeSet};

use mlops_e2e::gcp::PROJECT;
use mlops_e2e::ground::{Ground, On};
use serde_json::{Value, json};

use super::SERVICE;

const SETS: &str = r#"
data "mlops_permission_set" "this" {
  environment = mlops_environment.this
}
"#;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn parsed(document: &Value) -> Value {
    serde_json::from_str(text(document)).unwrap_or_else(|error| panic!("{error}: {document}"))
}

/// The object somewhere in the sandbox's world that has this ARN.
fn of_arn<'w>(world: &'w Value, arn: &str) -> Option<&'w Value> {
    match world {
        Value::Object(fields) if fields.get("arn").is_some_and(|own| own == arn) => Some(world),
        Value::Object(fields) => fields.values().find_map(|inner| of_arn(inner, arn)),
        Value::Array(items) => items.iter().find_map(|inner| of_arn(inner, arn)),
        _ => None,
    }
}

/// A role as IAM has it: trust, inline policies, boundary. What else is attached would show as one more policy.
fn carried_by_a_role(world: &Value, arn: &str) -> Value {
    let role = of_arn(world, arn).unwrap_or_else(|| panic!("no role {arn}"));
    let inline = role["inline"].as_object().into_iter().flatten();
    let mut permissions: BTreeMap<&str, Value> = inline
        .map(|(name, document)| (name.as_str(), parsed(document)))
        .collect();
    for attached in role["attached"].as_array().into_iter().flatten() {
        permissions.insert(text(attached), Value::Null);
    }
    let boundary = role["boundary"].as_str().map(|arn| {
        let policy = of_arn(world, arn).unwrap_or_else(|| panic!("no policy {arn}"));
        let version = policy["default"].to_string();
        parsed(&policy["versions"][version.trim_matches('"')]["document"])
    });
    json!({ "trust": parsed(&role["trust"]), "permissions": permissions, "boundary": boundary })
}

fn said_of_a_role(set: &Value) -> Value {
    let permissions = set["permissions"].as_object().into_iter().flatten();
    let permissions: BTreeMap<&str, Value> = permissions
        .map(|(name, document)| (name.as_str(), parsed(document)))
        .collect();
    let boundary = (!set["boundary"].is_null()).then(|| parsed(&set["boundary"]));
    json!({ "trust": parsed(&set["trust"]), "permissions": permissions, "boundary": boundary })
}

/// One line for each grant of a policy: to whom, which role, on what, under which condition.
fn lines<'a>(policy: &'a Value, on: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
    let bindings = policy["bindings"].as_array().into_iter().flatten();
    bindings.flat_map(move |binding| {
        let members = binding["members"].as_array().into_iter().flatten();
        members.map(move |member| {
            let condition = text(&binding["condition"]["expression"]);
            let line = format!("{} on {on} if {condition:?}", text(&binding["role"]));
            (text(member).to_owned(), line)
        })
    })
}

/// Policies of the project and of everything in it, by place.
fn policies(world: &Value) -> Vec<(String, &Value)> {
    let project = &world["gcp"]["projects"][PROJECT];
    let each = |value: &'_ Value| -> Vec<String> {
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect()
    };
    let short = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let mut found = vec![("project".to_owned(), &project["policy"])];
    let buckets = &world["gcp"]["buckets"];
    for bucket in each(buckets) {
        found.push((format!("bucket {bucket}"), &buckets[&bucket]["policy"]));
        let folders = &buckets[&bucket]["folders"];
        for folder in each(folders) {
            found.push((format!("folder {bucket}/{folder}"), &folders[&folder]["policy"]));
        }
    }
    for (kind, place) in [
        ("repository", "repositories"),
        ("secret", "secrets"),
        ("service account", "accounts"),
    ] {
        for name in each(&project[place]) {
            found.push((
                format!("{kind} {}", short(&name)),
                &project[place][&name]["policy"],
            ));
        }
    }
    for ring in each(&project["key_rings"]) {
        let keys = &project["key_rings"][&ring]["keys"];
        for key in each(keys) {
            found.push((format!("key {}", short(&key)), &keys[&key]["policy"]));
        }
    }
    found
}

/// What stands for an account: who enters it, and what it was granted anywhere.
fn carried_by_an_account(world: &Value, email: &str) -> [BTreeSet<String>; 2] {
    let (door, own) = (
        format!("service account {email}"),
        format!("serviceAccount:{email}"),
    );
    let mut found = [BTreeSet::new(), BTreeSet::new()];
    for (on, policy) in policies(world) {
        for (member, line) in lines(policy, &on) {
            if on == door {
                found[0].insert(format!("{member} {line}"));
            }
            if member == own {
                found[1].insert(line);
            }
        }
    }
    found
}

fn said_of_an_account(set: &Value) -> [BTreeSet<String>; 2] {
    let door = format!("service account {}", text(&set["principal"]));
    let trust = parsed(&set["trust"]);
    let entrances = lines(&trust, &door).map(|(member, line)| format!("{member} {line}"));
    let mut grants = BTreeSet::new();
    for (place, document) in set["permissions"].as_object().into_iter().flatten() {
        let policy = parsed(document);
        let on = match place.rsplit_once(' ') {
            Some(("project", _)) => "project".to_owned(),
            Some((kind @ ("repository" | "secret" | "key"), name)) => {
                format!("{kind} {}", name.rsplit('/').next().unwrap_or(name))
            }
            _ => place.clone(),
        };
        grants.extend(lines(&policy, &on).map(|(_, line)| line));
    }
    [entrances.collect(), grants]
}

#[test]
fn the_documents_are_what_the_identities_of_a_standing_environment_carry() {
    for ground in Ground::both("the_documents_are_what_the_identities_of_a_standing_environment_carry") {
        let on = ground.on;
        ground.configure(&format!("{SERVICE}\n  cluster = {{ version = \"1.33\" }}"));
        let path = ground.workspace.path("sets.tf");
        std::fs::write(path, SETS).unwrap();
        ground.settle();
        let sets = ground.workspace.resource("data.mlops_permission_set.this")["identities"].clone();
        let names: Vec<&String> = sets.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["ci", "deploy", "drift.churn", "retrain.churn", "runtime.churn"]
        );
        let world = ground.sandbox().snapshot();
        for (name, set) in sets.as_object().unwrap() {
            assert!(!set.to_string().contains("@{"), "{on} {name}: {set}");
            let principal = text(&set["principal"]);
            match on {
                On::Aws => {
                    let (said, carried) = (said_of_a_role(set), carried_by_a_role(&world, principal));
                    assert_eq!(said, carried, "{name}");
                    assert!(!carried["permissions"].as_object().unwrap().is_empty(), "{name}");
                }
                On::Gcp => {
                    let (said, carried) = (said_of_an_account(set), carried_by_an_account(&world, principal));
                    assert_eq!(said, carried, "{name}");
                    assert!(
                        carried.iter().all(|lines| !lines.is_empty()),
                        "{name}: {carried:?}"
                    );
                }
            }
        }
    }
}
