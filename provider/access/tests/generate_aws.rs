//! Documents generated for AWS: shape, size and what they pin.

use std::collections::BTreeSet;

use mlops_access::{
    Purpose,
    aws::Policy,
    generate::{
        Document, Effect, RegistryMode, Secret, Service, SubjectFormat,
        aws::{
            Bucket, KeyUse, Principal, Scope, boundary, bucket_policy, key_policy, node_permissions,
            permissions, role_arn, trust,
        },
    },
};
use proptest::prelude::*;

fn every_document(scope: &Scope) -> Vec<(String, Document, usize)> {
    let mut documents = Vec::new();
    for p in scope.principals() {
        documents.push((format!("permissions of {p}"), permissions(scope, p), 10_240));
        documents.push((format!("trust of {p}"), trust(scope, p), 2_048));
    }
    for p in Purpose::ALL {
        documents.push((format!("boundary of {p}"), boundary(scope, p), 6_144));
    }
    documents.push(("permissions of node".to_owned(), node_permissions(scope), 10_240));
    for b in Bucket::ALL {
        documents.push((format!("policy of bucket {b}"), bucket_policy(scope, b), 20_480));
    }
    for u in [KeyUse::Cluster, KeyUse::Storage, KeyUse::Secrets, KeyUse::Logs] {
        documents.push((format!("policy of key {u:?}"), key_policy(scope, u), 32_768));
    }
    documents
}

fn many_services(count: usize, repositories: usize) -> Scope {
    let mut scope = Scope::example();
    for i in 0..count {
        let name = format!("recommender-service-{i:02}");
        let mut service = Service::named(&name, "prod");
        service.repositories = (0..repositories).map(|r| format!("{name}-image-{r}")).collect();
        scope.services.insert(name, service);
    }
    scope
}

#[test]
fn documents_of_the_example_keep_their_shape() {
    let scope = Scope::example();
    let text: String = every_document(&scope)
        .iter()
        .filter(|(name, _, _)| !name.contains("fraud"))
        .map(|(name, document, _)| {
            let value: serde_json::Value = serde_json::from_str(&document.to_string()).unwrap();
            format!("## {name}\n{}\n", serde_json::to_string_pretty(&value).unwrap())
        })
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn stays_under_the_size_limits_with_thirty_services() {
    for (name, document, limit) in every_document(&many_services(30, 2)) {
        assert!(
            document.size() <= limit,
            "{name}: {} of {limit} characters",
            document.size()
        );
    }
}

#[test]
fn names_the_repositories_until_they_no_longer_fit() {
    let ci = Principal::of_environment(Purpose::Ci);
    let listed = permissions(&many_services(5, 1), ci);
    assert_eq!(listed.statements[1].resources.len(), 7);
    let scope = many_services(60, 4);
    let by_prefix = permissions(&scope, ci);
    assert!(by_prefix.size() <= 10_240);
    assert_eq!(
        by_prefix.statements[1].resources,
        [format!("{}*", scope.registry.prefix)]
    );
    assert_eq!(
        by_prefix.statements[0].resources,
        ["*"],
        "the login has no resource to scope it by"
    );
}

#[test]
fn a_referenced_registry_is_never_pushed_to() {
    let mut scope = Scope::example();
    scope.registry.mode = RegistryMode::Reference;
    let text = permissions(&scope, Principal::of_environment(Purpose::Ci)).to_string();
    assert!(!text.contains("PutImage") && !text.contains("Upload"), "{text}");
}

#[test]
fn references_pass_through() {
    let mut scope = Scope::example();
    scope.storage_key_arn = Some("@{keys.storage:arn}".to_owned());
    scope.cluster.as_mut().unwrap().oidc_issuer = "@{cluster:issuer_host}".to_owned();
    let runtime = Principal::of_service(Purpose::Runtime, "churn");
    assert!(
        permissions(&scope, runtime)
            .to_string()
            .contains(r#""Resource":"@{keys.storage:arn}""#)
    );
    assert!(
        trust(&scope, runtime)
            .to_string()
            .contains(r#""@{cluster:issuer_host}:sub""#)
    );
}

#[test]
fn tag_patterns_stand_in_a_statement_of_their_own() {
    let mut scope = Scope::example();
    let github = scope.github.as_mut().unwrap();
    github.ci_refs = BTreeSet::from(["refs/heads/main".to_owned(), "refs/tags/v*".to_owned()]);
    github.subject_format = SubjectFormat::Both;
    let document = trust(&scope, Principal::of_environment(Purpose::Ci));
    let operators: Vec<Vec<&str>> = document
        .statements
        .iter()
        .map(|s| s.conditions.keys().map(String::as_str).collect())
        .collect();
    assert_eq!(
        operators,
        [vec!["StringEquals"], vec!["StringEquals", "StringLike"]]
    );
    assert_eq!(
        document.statements[0].conditions["StringEquals"]["token.actions.githubusercontent.com:sub"],
        [
            "repo:acme/churn:ref:refs/heads/main",
            "repo:acme@1/churn@2:ref:refs/heads/main"
        ]
    );
}

#[test]
fn a_ci_environment_opens_retrain_by_a_second_statement() {
    let mut scope = Scope::example();
    let retrain = Principal::of_service(Purpose::Retrain, "churn");
    assert_eq!(trust(&scope, retrain).statements.len(), 1);
    scope.github.as_mut().unwrap().retrain_environment = Some("aws-prod-retrain".to_owned());
    assert_eq!(trust(&scope, retrain).statements.len(), 2);
    assert!(
        trust(&scope, retrain)
            .to_string()
            .contains(":environment:aws-prod-retrain")
    );
}

#[test]
fn write_once_tells_creation_from_parts() {
    let mut scope = Scope::example();
    scope.options.write_once = true;
    let document = permissions(&scope, Principal::of_service(Purpose::Runtime, "churn"));
    let creates = document
        .statements
        .iter()
        .find(|s| s.sid == "AppendOwnPredictions")
        .unwrap();
    assert_eq!(creates.conditions["Null"]["s3:if-none-match"], ["false"]);
}

#[test]
fn only_listed_readers_get_a_secret() {
    let mut scope = Scope::example();
    let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/churn/labels-XyZ123";
    scope.services.get_mut("churn").unwrap().secrets.insert(
        "labels".to_owned(),
        Secret {
            id: arn.to_owned(),
            readers: BTreeSet::from([Purpose::Retrain]),
        },
    );
    let text = |purpose| permissions(&scope, Principal::of_service(purpose, "churn")).to_string();
    assert!(text(Purpose::Retrain).contains(arn));
    assert!(!text(Purpose::Runtime).contains(arn));
    assert!(!text(Purpose::Drift).contains("secretsmanager"));
}

#[test]
fn exclusive_writers_name_the_retrain_roles_and_the_provisioner() {
    let scope = Scope::example();
    let policy = bucket_policy(&scope, Bucket::Models);
    let only = policy
        .statements
        .iter()
        .find(|s| s.sid == "OnlyRetrainWrites")
        .unwrap();
    assert_eq!(only.effect, Effect::Deny);
    let writers = &only.conditions["ArnNotEquals"]["aws:PrincipalArn"];
    assert!(writers.contains(&role_arn(
        &scope,
        Principal::of_service(Purpose::Retrain, "fraud")
    )));
    assert_eq!(writers.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_document_is_stable_and_parses_back(services in 0usize..12, repositories in 0usize..6, cloud_keys: bool) {
        let mut scope = many_services(services, repositories);
        if cloud_keys {
            scope.storage_key_arn = None;
            scope.secrets_key_arn = None;
        }
        for ((name, one, limit), (_, two, _)) in every_document(&scope).into_iter().zip(every_document(&scope)) {
            prop_assert_eq!(one.to_string(), two.to_string());
            prop_assert!(one.size() <= limit, "{}", name);
            let value: serde_json::Value = serde_json::from_str(&one.to_string()).unwrap();
            prop_assert_eq!(value["Statement"].as_array().unwrap().len(), one.statements.len());
            let policy = Policy::parse(&one.to_string()).unwrap();
            prop_assert!(policy.unread.is_empty() && policy.statements.iter().all(|s| s.unread.is_empty()));
            prop_assert_eq!(Policy::parse(&policy.to_json()).unwrap(), policy);
            for statement in &one.statements {
                prop_assert!(statement.sid.chars().all(|c| c.is_ascii_alphanumeric()));
                prop_assert!(!statement.actions.is_empty());
            }
        }
    }
}
