//! What is refused, where, and with which way out.
use crate::fixtures::{config, environment, facts, full, minimal, spec, with};
use mlops_environment::spec::CloudFacts;
use mlops_environment::{Config, Facts, Spec};
use serde_json::{Value, json};

use crate::{hit, refuses, violations, warns};

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[
    refuses_what_no_environment_can_have,
    refuses_credentials_of_another_account,
    the_region_comes_from_somewhere,
    refuses_networks_that_eks_cannot_use,
    refuses_tags_that_are_not_the_users,
    refuses_text_that_looks_like_a_reference,
    refuses_endpoints_that_nobody_or_everybody_reaches,
    in_dev_the_api_is_public_once_ranges_are_named,
    refuses_clusters_that_eks_does_not_know,
    refuses_node_pools_that_cannot_work,
    images_of_staging_and_prod_must_have_a_place,
    refuses_buckets_that_would_lose_something,
    models_that_only_retrain_may_delete_cannot_be_purged,
    refuses_to_adopt_what_has_no_legal_name,
    refuses_services_that_would_share_an_identity,
    refuses_rights_that_cannot_be_judged,
    refuses_sessions_that_iam_does_not_take,
    a_token_enters_one_purpose_only,
    refuses_federation_that_lets_others_in,
    refuses_keys_that_protect_nothing,
    refuses_the_rest,
    documents_that_iam_would_not_take_are_refused_while_planning,
    refuses_words_and_names_that_nobody_knows,
    refuses_numbers_out_of_range_and_what_is_said_twice,
    refuses_to_take_over_what_is_none_of_its_own,
    warns_of_what_cannot_be_taken_back_and_of_whom_a_tag_lets_in,
    everything_wrong_is_said_at_once,
    what_names_are_made_from_must_be_known,
];

/// The minimal configuration in another tier, where the registry must be stated.
fn in_tier(tier: &str) -> Value {
    with(
        with(minimal(), "/tier", tier.into()),
        "/registry/mode",
        "create".into(),
    )
}

#[test]
fn accepts_the_examples() {
    for config in [minimal(), full(), in_tier("staging"), in_tier("prod")] {
        assert_eq!(violations(config), []);
    }
}

#[test]
fn unknown_attributes_are_not_accepted_in_silence() {
    let error =
        serde_json::from_value::<Config>(with(minimal(), "/weather", json!({}))).expect_err("refused");
    assert!(error.to_string().contains("weather"));
}

#[test]
fn refuses_what_no_environment_can_have() {
    refuses(with(minimal(), "/name", Value::Null), "name", "required");
    refuses(
        with(minimal(), "/name", "a-name-of-21-letters-x".into()),
        "name",
        "3 to 20 characters",
    );
    refuses(with(minimal(), "/name", "Shop".into()), "name", "lower-case");
    refuses(
        with(minimal(), "/name", "shop--dev".into()),
        "name",
        "single hyphens",
    );
    refuses(with(minimal(), "/tier", Value::Null), "tier", "required");
    refuses(with(minimal(), "/tier", "production".into()), "tier", "\"prod\"");
    refuses(
        with(minimal(), "/defaults_version", json!(9)),
        "defaults_version",
        "1 to 1",
    );
    refuses(with(minimal(), "/owner", "".into()), "owner", "1 to 63");
    refuses(
        with(minimal(), "/partial_create", "maybe".into()),
        "partial_create",
        "\"warn\"",
    );
    refuses(with(minimal(), "/aws", Value::Null), "aws", "Give `aws = { … }`");
}

#[test]
fn refuses_credentials_of_another_account() {
    refuses(
        with(minimal(), "/aws/account_id", "222222222222".into()),
        "aws.account_id",
        "credentials to 111122223333",
    );
    refuses(
        with(minimal(), "/aws/account_id", "2222".into()),
        "aws.account_id",
        "twelve digits",
    );
}

#[test]
fn the_region_comes_from_somewhere() {
    refuses(
        with(minimal(), "/aws/region", "Ireland".into()),
        "aws.region",
        "eu-west-1",
    );
    let nowhere = Facts {
        cloud: CloudFacts::Aws {
            account: "111122223333".parse().expect("an account"),
            partition: "aws".to_owned(),
            region: None,
        },
        ..facts()
    };
    let found = Spec::build(&config(minimal()), &nowhere).expect_err("no region");
    hit(&found, "aws.region", "Set aws.region here");
    assert!(
        Spec::build(
            &config(with(minimal(), "/aws/region", "us-east-1".into())),
            &nowhere
        )
        .is_ok()
    );
}

#[test]
fn refuses_networks_that_eks_cannot_use() {
    let network = "/aws/existing_network";
    refuses(
        with(
            minimal(),
            &format!("{network}/private_subnet_ids"),
            json!(["subnet-0123456789abcdef0"]),
        ),
        "aws.existing_network.private_subnet_ids",
        "two availability zones",
    );
    refuses(
        with(
            minimal(),
            &format!("{network}/public_subnet_ids"),
            json!(["subnet-0123456789abcdef0"]),
        ),
        "aws.existing_network.public_subnet_ids",
        "either private or public",
    );
    refuses(
        with(minimal(), &format!("{network}/vpc_id"), "net-1".into()),
        "aws.existing_network.vpc_id",
        "vpc-",
    );
}

#[test]
fn refuses_tags_that_are_not_the_users() {
    refuses(
        with(minimal(), "/tags/mlops:uid", "x".into()),
        "tags[\"mlops:uid\"]",
        "Reserved",
    );
    refuses(
        with(minimal(), "/tags/AWS:x", "x".into()),
        "tags[\"AWS:x\"]",
        "Reserved",
    );
    refuses(with(minimal(), "/tags/a<b", "x".into()), "tags[\"a<b\"]", "key");
    refuses(
        with(minimal(), "/tags/a", "x".repeat(257).into()),
        "tags[\"a\"]",
        "256",
    );
    let many: Value = (0..50)
        .map(|n| (format!("k{n}"), Value::from("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();
    refuses(with(minimal(), "/tags", many), "tags", "too many");
}

#[test]
fn refuses_text_that_looks_like_a_reference() {
    refuses(
        with(minimal(), "/tags/a", "@{keys.storage:arn}".into()),
        "tags[\"a\"]",
        "@{",
    );
    refuses(
        with(minimal(), "/services/churn/namespace", "x@{cluster:name}".into()),
        "services[\"churn\"].namespace",
        "@{",
    );
}

#[test]
fn refuses_endpoints_that_nobody_or_everybody_reaches() {
    let at = "/cluster/endpoint";
    refuses(
        with(minimal(), at, json!({ "private": false })),
        "cluster.endpoint",
        "Nobody",
    );
    refuses(
        with(minimal(), at, json!({ "public": true })),
        "cluster.endpoint.public_cidrs",
        "Name the ranges",
    );
    let closed = json!({ "public": false, "public_cidrs": ["203.0.113.0/24"] });
    refuses(
        with(minimal(), at, closed),
        "cluster.endpoint.public_cidrs",
        "public = true",
    );
    let open = json!({ "public": true, "public_cidrs": ["0.0.0.0/0"] });
    refuses(
        with(in_tier("staging"), at, open.clone()),
        "cluster.endpoint.public_cidrs",
        "whole internet",
    );
    assert_eq!(violations(with(minimal(), at, open)), []);
    let odd = json!({ "public": true, "public_cidrs": ["203.0.113.7/24"] });
    refuses(
        with(minimal(), at, odd),
        "cluster.endpoint.public_cidrs",
        "no bits set after the prefix",
    );
}

#[test]
fn in_dev_the_api_is_public_once_ranges_are_named() {
    let spec = spec(with(
        minimal(),
        "/cluster/endpoint/public_cidrs",
        json!(["203.0.113.0/24"]),
    ))
    .expect("fine");
    assert!(spec.cluster.endpoint.public && spec.cluster.endpoint.private);
    assert!(!environment(minimal()).spec.cluster.endpoint.public);
}

#[test]
fn refuses_clusters_that_eks_does_not_know() {
    refuses(
        with(minimal(), "/cluster/version", "1.33.4".into()),
        "cluster.version",
        "without patch level",
    );
    refuses(
        with(minimal(), "/cluster/log_types", json!(["everything"])),
        "cluster.log_types",
        "controllerManager",
    );
    let user = json!(["arn:aws:iam::111122223333:user/bob"]);
    refuses(
        with(minimal(), "/cluster/admins", user),
        "cluster.admins",
        "static keys",
    );
    let session = json!(["arn:aws:sts::111122223333:assumed-role/admin/bob"]);
    refuses(
        with(minimal(), "/cluster/admins", session),
        "cluster.admins",
        "role's ARN",
    );
}

#[test]
fn refuses_node_pools_that_cannot_work() {
    let pool = |pool: Value| with(minimal(), "/node_pools/p", pool);
    refuses(pool(json!({})), "node_pools[\"p\"].purpose", "Missing");
    refuses(
        pool(json!({ "purpose": "fun" })),
        "node_pools[\"p\"].purpose",
        "\"serving\"",
    );
    refuses(
        pool(json!({ "purpose": "serving", "size": "huge" })),
        "node_pools[\"p\"].size",
        "\"xlarge\"",
    );
    refuses(
        pool(json!({ "purpose": "serving", "min": 3, "max": 2 })),
        "node_pools[\"p\"].min",
        "more than max",
    );
    refuses(
        pool(json!({ "purpose": "serving", "min": -1 })),
        "node_pools[\"p\"].min",
        "out of range",
    );
    refuses(
        pool(json!({ "purpose": "system", "spot": true })),
        "node_pools[\"p\"].spot",
        "Cluster DNS",
    );
    refuses(
        pool(json!({ "purpose": "gpu", "size": "large" })),
        "node_pools[\"p\"].size",
        "gpu-small",
    );
    refuses(
        pool(json!({ "purpose": "serving", "size": "gpu-small" })),
        "node_pools[\"p\"].size",
        "purpose = \"gpu\"",
    );
    refuses(
        pool(json!({ "purpose": "gpu", "machine_types": ["m6i.large"] })),
        "node_pools[\"p\"].machine_types",
        "accelerators",
    );
    refuses(
        pool(json!({ "purpose": "serving", "machine_types": [] })),
        "node_pools[\"p\"].machine_types",
        "1 to 20",
    );
    refuses(
        pool(json!({ "purpose": "serving", "disk_gb": 5 })),
        "node_pools[\"p\"].disk_gb",
        "20",
    );
    refuses(
        pool(json!({ "purpose": "serving", "disk_type": "st1" })),
        "node_pools[\"p\"].disk_type",
        "gp3",
    );
    refuses(
        pool(json!({ "purpose": "serving", "image_type": "AL2_x86_64" })),
        "node_pools[\"p\"].image_type",
        "AL2023",
    );
    refuses(
        pool(json!({ "purpose": "serving", "image_type": "MINE" })),
        "node_pools[\"p\"].image_type",
        "BOTTLEROCKET",
    );
    refuses(
        pool(json!({ "purpose": "gpu", "image_type": "AL2023_x86_64_STANDARD" })),
        "node_pools[\"p\"].image_type",
        "NVIDIA",
    );
    let label = |key: &str, value: &str| pool(json!({ "purpose": "serving", "labels": { key: value } }));
    refuses(label("a b", "x"), "node_pools[\"p\"].labels[\"a b\"]", "63");
    refuses(
        label("node.kubernetes.io/x", "x"),
        "node_pools[\"p\"].labels[\"node.kubernetes.io/x\"]",
        "prefix of yours",
    );
    let taint = |taint: Value| pool(json!({ "purpose": "serving", "taints": [taint] }));
    refuses(
        taint(json!({ "key": "a", "effect": "No" })),
        "node_pools[\"p\"].taints[0].effect",
        "NoExecute",
    );
    refuses(
        taint(json!({ "value": "a" })),
        "node_pools[\"p\"].taints[0]",
        "kubectl taint",
    );
    refuses(
        with(minimal(), "/node_pools/Pool", json!({ "purpose": "serving" })),
        "node_pools[\"Pool\"]",
        "lower-case",
    );
    let only = with(minimal(), "/node_pools", json!({ "gpu": { "purpose": "gpu" } }));
    warns(only, "node_pools", "cluster DNS");
}

#[test]
fn images_of_staging_and_prod_must_have_a_place() {
    refuses(
        with(minimal(), "/tier", "prod".into()),
        "registry.mode",
        "mode = \"reference\"",
    );
    refuses(
        with(minimal(), "/registry/mode", "reference".into()),
        "registry.reference",
        "prefix",
    );
    let both = json!({ "mode": "create", "reference": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/build" });
    refuses(
        with(minimal(), "/registry", both),
        "registry.reference",
        "remove reference",
    );
    let docker = json!({ "mode": "reference", "reference": "docker.io/acme" });
    refuses(
        with(minimal(), "/registry", docker),
        "registry.reference",
        "dkr.ecr",
    );
    refuses(
        with(minimal(), "/registry/keep_tagged", json!(0)),
        "registry.keep_tagged",
        "1 to",
    );
    let elsewhere =
        json!({ "mode": "reference", "reference": "999988887777.dkr.ecr.eu-west-1.amazonaws.com/build" });
    warns(
        with(minimal(), "/registry", elsewhere),
        "registry.reference",
        "let account 111122223333 pull",
    );
    warns(
        with(in_tier("prod"), "/registry/immutable_tags", false.into()),
        "registry.immutable_tags",
        "digest",
    );
}

#[test]
fn refuses_buckets_that_would_lose_something() {
    let bucket = |name: &str, bucket: Value| with(minimal(), &format!("/buckets/{name}"), bucket);
    refuses(
        bucket("data", json!({ "on_destroy": "purge" })),
        "buckets.data.on_destroy",
        "protection",
    );
    let meant = with(
        bucket("data", json!({ "on_destroy": "purge" })),
        "/protection/data",
        false.into(),
    );
    assert_eq!(violations(meant), []);
    let prod = with(
        with(in_tier("prod"), "/protection/data", false.into()),
        "/buckets/data/on_destroy",
        "purge".into(),
    );
    refuses(prod, "buckets.data.on_destroy", "Nothing is purged in prod");
    refuses(
        bucket("data", json!({ "on_destroy": "delete" })),
        "buckets.data.on_destroy",
        "\"retain\"",
    );
    refuses(
        bucket("logs", json!({ "existing": "mine" })),
        "buckets.logs.existing",
        "claim",
    );
    refuses(
        bucket("logs", json!({ "retention_locked": true, "retention_days": 30 })),
        "buckets.logs.retention_locked",
        "access logs",
    );
    let locked = |setting: &str, value: Value| {
        let mut lock = json!({ "retention_locked": true, "retention_days": 30 });
        lock[setting] = value;
        bucket("data", lock)
    };
    refuses(
        locked("retention_days", Value::Null),
        "buckets.data.retention_days",
        "never lowered",
    );
    refuses(
        locked("existing", "acme-data".into()),
        "buckets.data.retention_locked",
        "Let its owner lock it",
    );
    refuses(
        locked("versioning", false.into()),
        "buckets.data.versioning",
        "S3 locks versions",
    );
    refuses(
        with(
            locked("on_destroy", "purge".into()),
            "/protection/data",
            false.into(),
        ),
        "buckets.data.on_destroy",
        "cannot be purged",
    );
    assert_eq!(violations(locked("on_destroy", "retain".into())), []);
    refuses(
        bucket("data", json!({ "transition_days": 10 })),
        "buckets.data.transition_days",
        "30 days",
    );
    let late = json!({ "transition_days": 90, "retention_days": 60 });
    refuses(
        bucket("data", late),
        "buckets.data.transition_days",
        "less than retention_days",
    );
    refuses(
        bucket("data", json!({ "retention_days": 0 })),
        "buckets.data.retention_days",
        "1 to",
    );
    refuses(
        bucket("models", json!({ "write_once": "conditional" })),
        "buckets.models.write_once",
        "predictions",
    );
    refuses(
        bucket("data", json!({ "existing": "Mine" })),
        "buckets.data.existing",
        "lower-case",
    );
    refuses(
        bucket("data", json!({ "existing": "192.168.0.1" })),
        "buckets.data.existing",
        "bucket name",
    );
}

#[test]
fn models_that_only_retrain_may_delete_cannot_be_purged() {
    let mut config = with(minimal(), "/buckets/models/on_destroy", "purge".into());
    config = with(config, "/protection/data", false.into());
    assert_eq!(violations(config.clone()), []);
    let config = with(config, "/guardrails/exclusive_writers", true.into());
    refuses(
        config,
        "buckets.models.on_destroy",
        "exclusive_writers = false first",
    );
}

#[test]
fn refuses_to_adopt_what_has_no_legal_name() {
    let adopt = |address: &str, name: &str| with(minimal(), "/adopt", json!({ address: name }));
    refuses(
        adopt("buckets.data", "Bad Name"),
        "adopt[\"buckets.data\"]",
        "not a bucket name",
    );
    refuses(
        adopt("identities.ci", "@{unknown:x}"),
        "adopt[\"identities.ci\"]",
        "must be known",
    );
    assert_eq!(violations(adopt("buckets.data", "@{unknown:x}")), []);
}

#[test]
fn refuses_services_that_would_share_an_identity() {
    refuses(
        with(minimal(), "/services/A", json!({})),
        "services[\"A\"]",
        "lower-case",
    );
    let long = format!("/services/{}", "x".repeat(25));
    refuses(
        with(minimal(), &long, json!({})),
        &format!("services[\"{}\"]", "x".repeat(25)),
        "24 characters",
    );
    let twin = json!({ "namespace": "churn-dev", "service_accounts": { "runtime": "churn-sa" } });
    refuses(
        with(minimal(), "/services/zwin", twin),
        "services[\"zwin\"].service_accounts.runtime",
        "same identity",
    );
    let same = json!({ "runtime": "one", "drift": "one" });
    refuses(
        with(minimal(), "/services/churn/service_accounts", same),
        "services[\"churn\"].service_accounts.drift",
        "same identity",
    );
    let default = json!({ "runtime": "default" });
    refuses(
        with(minimal(), "/services/churn/service_accounts", default),
        "services[\"churn\"].service_accounts.runtime",
        "default",
    );
    refuses(
        with(minimal(), "/services/churn/namespace", "kube-system".into()),
        "services[\"churn\"].namespace",
        "Kubernetes",
    );
    refuses(
        with(
            minimal(),
            "/services/fraud/repositories",
            json!(["churn-predictor"]),
        ),
        "services[\"fraud\"].repositories",
        "belongs to churn",
    );
    refuses(
        with(minimal(), "/services/churn/repositories", json!(["Bad"])),
        "services[\"churn\"].repositories",
        "lower-case",
    );
    let secret = |readers: Value| {
        with(
            minimal(),
            "/services/churn/secrets/db",
            json!({ "readers": readers }),
        )
    };
    refuses(
        secret(json!(["ci"])),
        "services[\"churn\"].secrets[\"db\"].readers",
        "pods only",
    );
    refuses(
        secret(json!([])),
        "services[\"churn\"].secrets[\"db\"].readers",
        "nobody reads",
    );
}

#[test]
fn refuses_rights_that_cannot_be_judged() {
    let permission = |permission: Value| {
        with(
            minimal(),
            "/identities/runtime/additional_permissions",
            json!([permission]),
        )
    };
    let at = |what: &str| format!("identities.runtime.additional_permissions[0].{what}");
    let arn = "arn:aws:sqs:eu-west-1:111122223333:q";
    refuses(
        permission(json!({ "id": "a b", "actions": ["sqs:SendMessage"], "resources": [arn] })),
        &at("id"),
        "letters and digits",
    );
    refuses(
        permission(json!({ "id": "a", "actions": ["sqs:*"], "resources": [arn] })),
        &at("actions"),
        "whole service",
    );
    refuses(
        permission(json!({ "id": "a", "actions": ["SendMessage"], "resources": [arn] })),
        &at("actions"),
        "<service>:<action>",
    );
    refuses(
        permission(json!({ "id": "a", "actions": ["@{unknown:x}"], "resources": [arn] })),
        &at("actions"),
        "judged",
    );
    refuses(
        permission(json!({ "id": "a", "actions": [], "resources": [arn] })),
        &at("actions"),
        "at least one",
    );
    refuses(
        permission(json!({ "id": "a", "actions": ["sqs:SendMessage"] })),
        &at("resources"),
        "at least one",
    );
    let half = json!({ "id": "a", "actions": ["sqs:SendMessage"], "resources": [arn], "conditions": [{ "test": "Bool" }] });
    refuses(permission(half), &at("conditions[0]"), "values");
    let one = json!({ "id": "a", "actions": ["sqs:SendMessage"], "resources": [arn] });
    let twice = with(
        minimal(),
        "/identities/runtime/additional_permissions",
        json!([one.clone(), one]),
    );
    refuses(
        twice,
        "identities.runtime.additional_permissions[1].id",
        "its own id",
    );
}

#[test]
fn refuses_sessions_that_iam_does_not_take() {
    refuses(
        with(minimal(), "/identities/runtime/max_session", "30m".into()),
        "identities.runtime.max_session",
        "1h to 12h",
    );
    refuses(
        with(minimal(), "/identities/runtime/max_session", "13h".into()),
        "identities.runtime.max_session",
        "1h to 12h",
    );
    refuses(
        with(minimal(), "/identities/runtime/max_session", "soon".into()),
        "identities.runtime.max_session",
        "1h30m",
    );
    warns(
        with(minimal(), "/identities/ci/max_session", "2h".into()),
        "identities.ci.max_session",
        "stolen",
    );
}

#[test]
fn a_token_enters_one_purpose_only() {
    let ci = |environment: &str| with(minimal(), "/identities/drift/ci_environment", environment.into());
    refuses(
        ci("aws-dev"),
        "identities.drift.ci_environment",
        "one purpose only",
    );
    refuses(
        ci("AWS-dev"),
        "identities.drift.ci_environment",
        "one purpose only",
    );
    refuses(
        with(ci("aux"), "/identities/retrain/ci_environment", "aux".into()),
        "identities.retrain.ci_environment",
        "could be drift and retrain",
    );
    assert_eq!(violations(ci("aws-dev-drift")), []);
    refuses(
        with(minimal(), "/identities/ci/ci_environment", "x".into()),
        "identities.ci.ci_environment",
        "Only drift and retrain",
    );
    refuses(
        with(minimal(), "/identities/ci/metrics_read", true.into()),
        "identities.ci.metrics_read",
        "Only drift",
    );
    let alone = with(ci("x"), "/federation", Value::Null);
    refuses(
        alone,
        "identities.drift.ci_environment",
        "federation.github.repository",
    );
}

#[test]
fn refuses_federation_that_lets_others_in() {
    let github = |what: &str, value: Value| with(minimal(), &format!("/federation/github/{what}"), value);
    refuses(
        github("repository", "acme/*".into()),
        "federation.github.repository",
        "without wildcards",
    );
    refuses(
        github("repository", Value::Null),
        "federation.github.repository",
        "owner/name",
    );
    refuses(
        github("owner_id", "acme".into()),
        "federation.github.owner_id",
        "digits",
    );
    refuses(
        github("ci_refs", json!(["refs/heads/*"])),
        "federation.github.ci_refs",
        "only tags",
    );
    refuses(
        github("ci_refs", json!(["refs/heads/release/*"])),
        "federation.github.ci_refs",
        "only tags",
    );
    refuses(
        github("ci_refs", json!(["main"])),
        "federation.github.ci_refs",
        "refs/heads/",
    );
    refuses(
        github("ci_refs", json!(["refs/pull/1/merge"])),
        "federation.github.ci_refs",
        "refs/heads/",
    );
    refuses(
        github("ci_refs", json!([])),
        "federation.github.ci_refs",
        "Nobody could build",
    );
    refuses(
        github("environments", json!({ "deploy": "a:b" })),
        "federation.github.environments.deploy",
        "no colon",
    );
    refuses(
        github("environments", json!({ "deploy": "prod*" })),
        "federation.github.environments.deploy",
        "no wildcard",
    );
    let by_name = with(
        github("owner_id", Value::Null),
        "/federation/github/subject_format",
        "immutable".into(),
    );
    refuses(
        by_name,
        "federation.github.subject_format",
        "Immutable subjects need the ids",
    );
    warns(
        github("owner_id", Value::Null),
        "federation.github.subject_format",
        "change of hands",
    );
    warns(
        with(minimal(), "/federation", Value::Null),
        "federation.github",
        "ci and deploy",
    );
}

#[test]
fn refuses_keys_that_protect_nothing() {
    refuses(
        with(in_tier("staging"), "/encryption/mode", "cloud".into()),
        "encryption.mode",
        "tier dev",
    );
    let at = "/encryption/storage/key";
    refuses(
        with(minimal(), at, "alias/x".into()),
        "encryption.storage.key",
        "arn:",
    );
    let alias = "arn:aws:kms:eu-west-1:111122223333:alias/x";
    refuses(
        with(minimal(), at, alias.into()),
        "encryption.storage.key",
        "elsewhere tomorrow",
    );
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1";
    let both = with(
        with(minimal(), at, key.into()),
        "/encryption/mode",
        "cloud".into(),
    );
    refuses(both, "encryption.storage.key", "Contradicts");
    refuses(
        with(minimal(), "/encryption/rotation_days", json!(30)),
        "encryption.rotation_days",
        "90",
    );
    refuses(
        with(minimal(), "/encryption/deletion_window_days", json!(5)),
        "encryption.deletion_window_days",
        "7",
    );
}

#[test]
fn refuses_the_rest() {
    refuses(
        with(minimal(), "/logging/retention_days", json!(31)),
        "logging.retention_days",
        "1827",
    );
    refuses(
        with(minimal(), "/kubernetes/access", "root".into()),
        "kubernetes.access",
        "\"group\"",
    );
    refuses(
        with(minimal(), "/kubernetes/psa_level", "none".into()),
        "kubernetes.psa_level",
        "\"baseline\"",
    );
    refuses(
        with(minimal(), "/enforcement/buckets", "off".into()),
        "enforcement.buckets",
        "\"report\"",
    );
    let arn = "arn:aws:iam::111122223333:policy/b";
    let both = with(
        with(minimal(), "/aws/permissions_boundary", arn.into()),
        "/guardrails/permissions_boundary",
        false.into(),
    );
    refuses(both, "guardrails.permissions_boundary", "Contradicts");
    refuses(
        with(minimal(), "/aws/role_path", "mlops".into()),
        "aws.role_path",
        "begins and ends with /",
    );
    warns(in_tier("prod"), "cluster.admins", "RBAC");
}

#[test]
fn refuses_words_and_names_that_nobody_knows() {
    for (at, path, words) in [
        ("/aws/permissions_boundary", "aws.permissions_boundary", "arn:"),
        (
            "/buckets/data/write_once",
            "buckets.data.write_once",
            "\"conditional\"",
        ),
        ("/encryption/mode", "encryption.mode", "\"cloud\""),
        (
            "/federation/github/subject_format",
            "federation.github.subject_format",
            "\"immutable\"",
        ),
        (
            "/federation/github/oidc_provider",
            "federation.github.oidc_provider",
            "\"reference\"",
        ),
        ("/enforcement/identities", "enforcement.identities", "\"report\""),
        ("/registry/mode", "registry.mode", "\"reference\""),
        ("/aws/role_path", "aws.role_path", "begins and ends with /"),
    ] {
        refuses(with(minimal(), at, "a word: ?".into()), path, words);
    }
    refuses(
        with(minimal(), "/identities/drift/ci_environment", "a:b".into()),
        "identities.drift.ci_environment",
        "no colon",
    );
    let at = "/services/churn/service_accounts/runtime";
    refuses(
        with(minimal(), at, "Its Account".into()),
        "services[\"churn\"].service_accounts.runtime",
        "lower-case",
    );
    let secret = json!({ "a secret?": { "readers": ["runtime"] } });
    refuses(
        with(minimal(), "/services/churn/secrets", secret),
        "services[\"churn\"].secrets[\"a secret?\"]",
        "Expected",
    );
    let pool = |pool: Value| with(minimal(), "/node_pools/p", pool);
    refuses(
        pool(json!({ "purpose": "serving", "machine_types": ["an engine"] })),
        "node_pools[\"p\"].machine_types[0]",
        "m6i.large",
    );
    let network = "/aws/existing_network";
    refuses(
        with(minimal(), &format!("{network}/vpc_id"), Value::Null),
        "aws.existing_network.vpc_id",
        "Name the VPC",
    );
    refuses(
        with(
            minimal(),
            &format!("{network}/private_subnet_ids"),
            json!(["a", "b"]),
        ),
        "aws.existing_network.private_subnet_ids",
        "subnet-",
    );
}

#[test]
fn refuses_numbers_out_of_range_and_what_is_said_twice() {
    let pool = |pool: Value| with(minimal(), "/node_pools/p", pool);
    refuses(
        pool(json!({ "purpose": "serving", "max": 500 })),
        "node_pools[\"p\"].max",
        "1 to 450",
    );
    refuses(
        pool(json!({ "purpose": "serving", "rotate": { "max_unavailable": 101 } })),
        "node_pools[\"p\"].rotate.max_unavailable",
        "1 to 100",
    );
    let taint = json!({ "key": "a", "value": "b", "effect": "NoSchedule" });
    refuses(
        pool(json!({ "purpose": "serving", "taints": [taint, taint] })),
        "node_pools[\"p\"].taints[1]",
        "Remove one of the two",
    );
    refuses(
        with(minimal(), "/registry/untagged_days", json!(0)),
        "registry.untagged_days",
        "1 to 3650",
    );
}

#[test]
fn refuses_to_take_over_what_is_none_of_its_own() {
    let adopt = |address: &str, name: &str| with(minimal(), "/adopt", json!({ address: name }));
    refuses(
        adopt("buckets.nothing", "acme"),
        "adopt[\"buckets.nothing\"]",
        "Correct the address",
    );
    refuses(
        adopt("network", "vpc-0123456789abcdef0"),
        "adopt[\"network\"]",
        "remove the adopt line",
    );
    refuses(
        adopt("identities.ci", "another"),
        "adopt[\"identities.ci\"]",
        "adopt = { \"identities.ci\" = \"shop-ci\" }",
    );
}

#[test]
fn warns_of_what_cannot_be_taken_back_and_of_whom_a_tag_lets_in() {
    warns(
        with(in_tier("staging"), "/buckets/models/versioning", false.into()),
        "buckets.models.versioning",
        "Leave versioning on",
    );
    let any = json!(["refs/tags/*"]);
    warns(
        with(in_tier("prod"), "/federation/github/ci_refs", any),
        "federation.github.ci_refs",
        "refs/tags/v*",
    );
}

#[test]
fn documents_that_iam_would_not_take_are_refused_while_planning() {
    let refs: Vec<String> = (0..40)
        .map(|n| format!("refs/tags/release-{n:04}-of-a-long-name"))
        .collect();
    refuses(
        with(minimal(), "/federation/github/ci_refs", json!(refs)),
        "federation",
        "IAM takes 2048",
    );
}

#[test]
fn everything_wrong_is_said_at_once() {
    let mut config = with(minimal(), "/name", "X".into());
    config = with(config, "/aws/region", "nowhere".into());
    config = with(config, "/node_pools/p/purpose", "fun".into());
    let paths: Vec<String> = violations(config).iter().map(|v| v.path.to_string()).collect();
    assert_eq!(paths, ["aws.region", "name", "node_pools[\"p\"].purpose"]);
}

#[test]
fn what_names_are_made_from_must_be_known() {
    for (at, path) in [
        ("/name", "name"),
        ("/aws/region", "aws.region"),
        ("/services/churn/namespace", "services[\"churn\"].namespace"),
    ] {
        refuses(
            with(minimal(), at, "@{unknown:x}".into()),
            path,
            "must be known while planning",
        );
        // Without a plan nothing has to be known.
        assert_eq!(
            Spec::check(&config(with(minimal(), at, "@{unknown:x}".into()))),
            []
        );
    }
}
