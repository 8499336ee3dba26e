//! What a configuration becomes: defaults, unknown values, and whatever text anybody may write.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use fixtures::{config, environment, facts, full, minimal, spec, with};
use mlops_environment::spec::CloudFacts;
use mlops_environment::{Config, Environment, Facts, Spec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The minimal configuration in another tier, where the registry must be stated.
fn in_tier(tier: &str) -> Value {
    with(
        with(minimal(), "/tier", tier.into()),
        "/registry/mode",
        "create".into(),
    )
}

#[test]
fn what_is_not_known_yet_passes_and_makes_its_dependents_unknown() {
    let unknown = |path: &str| Value::from(format!("@{{unknown:{path}}}"));
    let mut config = with(minimal(), "/aws/existing_network/vpc_id", unknown("vpc"));
    config = with(
        config,
        "/aws/existing_network/private_subnet_ids",
        json!([unknown("a"), unknown("b")]),
    );
    config = with(config, "/encryption/storage/key", unknown("key"));
    config = with(config, "/buckets/data/existing", unknown("data"));
    config = with(config, "/tags/release", unknown("tag"));
    config = with(config, "/owner", unknown("owner"));
    config = with(
        config,
        "/registry",
        json!({ "mode": "reference", "reference": unknown("registry") }),
    );
    let environment = environment(config);
    let outputs = environment.outputs();
    assert_eq!(outputs["network_info"]["vpc_id"], "@{unknown:vpc}");
    assert_eq!(outputs["bucket_info"]["data"]["name"], "@{unknown:data}");
    assert_eq!(outputs["bucket_info"]["data"]["uri"], "s3://@{unknown:data}");
    assert_eq!(outputs["keys"]["storage"], "@{unknown:key}");
    assert_eq!(outputs["registry_info"]["url"], "@{unknown:registry}");
    // And nothing else becomes unknown with it.
    let arn = "arn:aws:iam::111122223333:role/mlops/shop/shop-runtime-churn";
    assert_eq!(outputs["identity_info"]["runtime"]["churn"]["principal"], arn);
}

#[test]
fn checking_needs_no_credentials() {
    assert_eq!(Spec::check(&config(full())), []);
    assert!(!Spec::check(&config(with(full(), "/tier", "x".into()))).is_empty());
}

#[test]
fn the_defaults_of_version_1_are_frozen() {
    let resolved = |tier: &str| {
        spec(with(in_tier(tier), "/registry/mode", "create".into()))
            .expect("fine")
            .resolved_config()
    };
    insta::assert_yaml_snapshot!([resolved("dev"), resolved("staging"), resolved("prod")]);
}

#[test]
fn filling_in_the_defaults_twice_changes_nothing() {
    for value in [minimal(), full(), in_tier("staging"), in_tier("prod")] {
        let once = spec(value).expect("fine");
        let twice = Spec::build(&once.resolved_config(), &facts()).expect("fine");
        assert_eq!(twice.resolved_config(), once.resolved_config());
        assert_eq!(
            Environment::new(twice).expect("fine").components,
            Environment::new(once).expect("fine").components
        );
    }
}

#[test]
fn what_the_user_wrote_stays_as_written() {
    let resolved = serde_json::to_value(spec(full()).expect("fine").resolved_config()).expect("json");
    fn contained(part: &Value, whole: &Value, path: &str) {
        match part {
            Value::Object(fields) => {
                fields
                    .iter()
                    .for_each(|(key, value)| contained(value, &whole[key], &format!("{path}.{key}")));
            }
            Value::Array(items) if items.iter().all(Value::is_object) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(at, item)| contained(item, &whole[at], &format!("{path}[{at}]")));
            }
            Value::Array(items) => {
                let same = items.len() == whole.as_array().map_or(0, Vec::len);
                assert!(
                    same && items
                        .iter()
                        .all(|item| whole.as_array().is_some_and(|all| all.contains(item))),
                    "{path}"
                );
            }
            other => assert_eq!(other, whole, "{path}"),
        }
    }
    contained(&full(), &resolved, "");
}

/// Pointers to all texts of a value.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| texts(value, &format!("{at}/{}", key.replace('/', "~1")), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| texts(item, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic(
        which in any::<prop::sample::Index>(),
        text in prop_oneof![
            "[a-z0-9@{}:/.*-]{0,70}",
            "\\PC{0,40}",
            Just("@{unknown:x}".to_owned()),
            Just("arn:aws:iam::111122223333:role/x".to_owned()),
        ],
    ) {
        let mut value = full();
        let mut pointers = Vec::new();
        texts(&value, "", &mut pointers);
        *value.pointer_mut(&pointers[which.index(pointers.len())]).expect("a text") = text.into();
        let config: Config = serde_json::from_value(value).expect("texts stay texts");
        Spec::check(&config);
        if let Ok(spec) = Spec::build(&config, &facts())
            && let Ok(environment) = Environment::new(spec)
        {
            environment.outputs();
            environment.spec.resolved_config();
        }
    }

    #[test]
    fn names_are_always_within_the_limits_of_the_cloud(
        name in "[a-z][a-z0-9]{2,19}",
        service in "[a-z][a-z0-9]{0,23}",
        pool in "[a-z][a-z0-9]{0,19}",
        account in "[0-9]{12}",
    ) {
        let mut value = with(minimal(), "/name", name.into());
        value = with(value, "/services", json!({ service: { "secrets": { "db": { "readers": ["drift"] } } } }));
        value = with(value, "/node_pools", json!({ pool: { "purpose": "general" } }));
        let cloud = CloudFacts::Aws {
            account: account.parse().expect("digits"),
            partition: "aws".to_owned(),
            region: "eu-west-1".parse().ok(),
        };
        let facts = Facts { cloud, ..facts() };
        let spec = Spec::build(&config(value), &facts).expect("fine");
        for component in Environment::new(spec).expect("fine").components {
            let name = component.properties.get("name").and_then(Value::as_str).unwrap_or("xxx");
            let most = match component.address.as_str().split('.').next() {
                Some("buckets" | "node_pools") => 63,
                Some("identities") => 64,
                Some("boundaries") => 128,
                Some("cluster") => 100,
                Some("registry") => 256,
                Some("secrets" | "log_groups") => 512,
                _ => usize::MAX,
            };
            prop_assert!((3..=most).contains(&name.len()), "{}: {name}", component.address);
        }
    }
}
