//! On AWS: sizes, doors, and what each worker can and cannot do.
use std::collections::{BTreeMap, BTreeSet};

use mlops_access::aws::actions;

use mlops_access::trust::{Overlap, Token, TokenSet};
use mlops_access::verdict::Verdict;
use mlops_environment::bootstrap::{Forge, Place, Project, Repository, Spec, TIERS, aws};
use mlops_environment::component::Component;
use serde_json::Value;

/// The longest that everything can be: sizes must hold for it.
pub(super) fn spec() -> Spec {
    Spec {
        name: "abcdefghijkl".parse().expect("a name"),
        place: Place::Aws(aws::Place {
            account: "111122223333".parse().expect("an account"),
            partition: "aws-us-gov".to_owned(),
            region: "ap-southeast-3".parse().expect("a region"),
        }),
        tiers: TIERS.into_iter().collect(),
        forge: Forge::Github(Repository {
            name: "acme/infrastructure".to_owned(),
            ids: Some(("123456789".to_owned(), "987654321".to_owned())),
        }),
        retention_days: 365,
    }
}

/// The same from a project of GitLab's, on an instance of its own with a long name.
pub(super) fn of_gitlab() -> Spec {
    Spec {
        forge: Forge::Gitlab(Project {
            url: INSTANCE.parse().expect("an instance"),
            path: "acme/platform/infrastructure".to_owned(),
            id: None,
        }),
        ..spec()
    }
}

const INSTANCE: &str = "https://gitlab.machine-learning.acme.example.com/gitlab";

fn components(spec: &Spec) -> Vec<Component> {
    spec.components().expect("components")
}

/// Every document of every component: where, and its text.
pub(super) fn documents() -> Vec<(String, String)> {
    documents_of(&spec())
}

fn documents_of(spec: &Spec) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for component in components(spec) {
        let address = component.address.to_string();
        for name in ["policy", "trust", "document"] {
            if let Some(text) = component.properties.get(name).and_then(Value::as_str) {
                all.push((format!("{address} {name}"), text.to_owned()));
            }
        }
        let inline = component
            .properties
            .get("inline_policies")
            .and_then(Value::as_object);
        for (name, text) in inline.into_iter().flatten() {
            all.push((
                format!("{address} {name}"),
                text.as_str().unwrap_or_default().to_owned(),
            ));
        }
    }
    all
}

#[test]
fn every_document_fits_whatever_the_names_are() {
    // References become ARNs of about this length.
    const ARN: usize =
        "arn:aws-us-gov:kms:ap-southeast-3:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab".len();
    for spec in [spec(), of_gitlab()] {
        let mut inline: BTreeMap<String, usize> = BTreeMap::new();
        for (place, text) in documents_of(&spec) {
            let size = text.len() + text.matches("@{").count() * ARN;
            let (address, name) = place.split_once(' ').expect("a place");
            let most = match name {
                "trust" => 2048,
                "document" => 6144,
                "policy" => 20_480,
                _ => {
                    *inline.entry(address.to_owned()).or_default() += size;
                    continue;
                }
            };
            assert!(size <= most, "{place}: {size} of {most}");
        }
        for (role, size) in inline {
            assert!(size <= 10_240, "{role}: {size} of 10240");
        }
    }
}

#[test]
fn every_action_exists_and_knows_its_condition_keys() {
    for (place, text) in documents() {
        let document: Value = serde_json::from_str(&text).expect("a document");
        for statement in document["Statement"].as_array().into_iter().flatten() {
            let conditions = statement["Condition"].as_object();
            let keys: BTreeSet<&str> = conditions
                .into_iter()
                .flatten()
                .flat_map(|(_, keys)| keys.as_object().into_iter().flatten())
                .map(|(key, _)| key.as_str())
                .collect();
            let listed = match &statement["Action"] {
                Value::String(one) => vec![one.clone()],
                many => many
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            };
            for pattern in listed {
                let found: Vec<_> = actions::matching(&pattern).collect();
                assert!(!found.is_empty(), "{place}: {pattern} is no action");
                // Of patterns some member may not know a key: then it is simply not allowed by this statement.
                let [action] = found[..] else { continue };
                let known = action.condition_keys();
                for key in &keys {
                    let general = ["aws:Principal", "aws:SecureTransport"]
                        .iter()
                        .any(|prefix| key.starts_with(prefix));
                    let spelled = match key.split_once('/') {
                        Some((key, _)) => format!("{key}/${{TagKey}}"),
                        None if key.starts_with("kms:EncryptionContext:") => {
                            "kms:EncryptionContext:${EncryptionContextKey}".to_owned()
                        }
                        None if key.contains(".com:") || key.contains("/gitlab:") => continue,
                        None => (*key).to_owned(),
                    };
                    assert!(
                        general || known.iter().any(|known| known.eq_ignore_ascii_case(&spelled)),
                        "{place}: {} does not know {key}, but {known:?}",
                        action.id()
                    );
                }
            }
        }
    }
}

fn trust(spec: &Spec, address: &str) -> TokenSet {
    let (_, text) = documents_of(spec)
        .into_iter()
        .find(|(place, _)| place == &format!("{address} trust"))
        .expect("a trust");
    TokenSet::of_aws_trust(&text).expect("a trust that can be read")
}

fn token(claim: &str) -> Token {
    Token::oidc("token.actions.githubusercontent.com")
        .with("aud", "sts.amazonaws.com")
        .with(
            "sub",
            &format!("repo:acme@123456789/infrastructure@987654321:{claim}"),
        )
}

fn enters(worker: &str, claim: &str) -> bool {
    trust(&spec(), worker).accepts(&token(claim)) == Verdict::Yes
}

#[test]
fn every_worker_has_a_door_of_its_own() {
    let workers: Vec<(String, String)> = TIERS
        .into_iter()
        .flat_map(|tier| {
            let tier = tier.as_str();
            [
                (
                    format!("planners.{tier}"),
                    format!("environment:infra-aws-{tier}-plan"),
                ),
                (
                    format!("provisioners.{tier}"),
                    format!("environment:infra-aws-{tier}"),
                ),
            ]
        })
        .collect();
    for (worker, door) in &workers {
        assert!(enters(worker, door), "{worker} by {door}");
        for (other, others) in &workers {
            assert_eq!(enters(worker, others), worker == other, "{worker} by {others}");
        }
        for claim in ["pull_request", "ref:refs/heads/main", "environment:aws-prod"] {
            assert!(!enters(worker, claim), "{worker} by {claim}");
        }
    }
}

/// A job of GitLab's: whether its environment is protected, and of which deployment tier.
fn job(protected: bool, tier: &str) -> String {
    format!("environment_protected:{protected}:deployment_tier:{tier}:ref_type:branch:ref:main")
}

fn of_project(path: &str, claim: &str) -> Token {
    Token::oidc(INSTANCE.trim_start_matches("https://"))
        .with("aud", INSTANCE)
        .with("sub", &format!("project_path:{path}:{claim}"))
}

#[test]
fn every_worker_has_a_door_of_its_own_from_gitlab() {
    let spec = of_gitlab();
    let own = "acme/platform/infrastructure";
    let enters = |worker: &str, token: &Token| trust(&spec, worker).accepts(token) == Verdict::Yes;
    let tiers = [
        ("dev", "development"),
        ("staging", "staging"),
        ("prod", "production"),
    ];
    let workers: Vec<(String, String)> = tiers
        .into_iter()
        .flat_map(|(tier, deployment)| {
            [
                (format!("planners.{tier}"), job(false, deployment)),
                (format!("provisioners.{tier}"), job(true, deployment)),
            ]
        })
        .collect();
    for (worker, door) in &workers {
        for (other, others) in &workers {
            assert_eq!(
                enters(worker, &of_project(own, others)),
                worker == other,
                "{worker} by {others}"
            );
        }
        for stranger in [
            // Jobs without an environment, jobs of a tier that is no tier of ours, and what a branch may be called.
            of_project(own, "ref_type:branch:ref:main"),
            of_project(own, &job(true, "testing")),
            of_project(own, &format!("ref_type:branch:ref:{}", door.replace(':', "/"))),
            of_project("acme/platform/infrastructure-x", door),
            of_project("mallory/infrastructure", door),
            of_project(own, door).with("aud", "sts.amazonaws.com"),
            Token::oidc("gitlab.com")
                .with("aud", INSTANCE)
                .with("sub", &format!("project_path:{own}:{door}")),
        ] {
            assert!(!enters(worker, &stranger), "{worker} by {stranger:?}");
        }
    }
}

/// What the algebra says: each lets a token in, which it shows, and no token at all enters two of them.
#[test]
fn no_token_at_all_enters_two_workers() {
    for spec in [spec(), of_gitlab()] {
        let workers: Vec<(String, TokenSet)> = TIERS
            .into_iter()
            .flat_map(|tier| ["planners", "provisioners"].map(|worker| format!("{worker}.{}", tier.as_str())))
            .map(|worker| (worker.clone(), trust(&spec, &worker)))
            .collect();
        for (at, (worker, tokens)) in workers.iter().enumerate() {
            let Overlap::Token(own) = tokens.witness() else {
                panic!("nobody enters {worker}")
            };
            assert_eq!(tokens.accepts(&own), Verdict::Yes, "{worker}: {own:?}");
            for (other, others) in &workers[at + 1..] {
                assert_eq!(tokens.overlap(others), Overlap::None, "{worker} and {other}");
            }
        }
    }
}

/// Whoever plans and makes reads the providers that environments refer to, and no other.
#[test]
fn workers_read_the_providers_of_both_forges() {
    for (spec, own) in [
        (spec(), "gitlab.com"),
        (of_gitlab(), INSTANCE.trim_start_matches("https://")),
    ] {
        let (_, text) = documents_of(&spec)
            .into_iter()
            .find(|(place, _)| place == "reading.dev document")
            .expect("a document");
        for issuer in ["token.actions.githubusercontent.com", "gitlab.com", own] {
            assert!(
                text.contains(&format!("oidc-provider/{issuer}\"")),
                "{issuer}: {text}"
            );
        }
    }
}

#[test]
fn nobody_makes_a_role_without_its_boundary_or_touches_a_worker() {
    let write = |tier: &str| {
        let place = format!("provisioners.{tier} write");
        documents()
            .into_iter()
            .find(|(found, _)| *found == place)
            .expect("a policy")
            .1
    };
    let document: Value = serde_json::from_str(&write("prod")).expect("a document");
    for statement in document["Statement"].as_array().into_iter().flatten() {
        let text = statement["Action"].to_string();
        let shapes_roles = [
            "CreateRole",
            "PutRolePolicy",
            "AttachRolePolicy",
            "PutRolePermissionsBoundary",
        ];
        if shapes_roles.iter().any(|action| text.contains(action)) {
            let boundary = &statement["Condition"]["StringEquals"]["iam:PermissionsBoundary"];
            assert!(
                boundary
                    .as_str()
                    .is_some_and(|arn| arn.ends_with("-prod-boundary")),
                "{statement:#}"
            );
        }
        assert!(
            !statement["Resource"].to_string().contains("mlops-bootstrap"),
            "{statement:#}"
        );
        assert!(
            !text.contains("iam:DeleteRolePermissionsBoundary") && !text.contains("iam:CreatePolicy"),
            "{text}"
        );
    }
    assert!(
        !write("dev").contains("-prod"),
        "dev's provisioner names nothing of prod's"
    );
}
