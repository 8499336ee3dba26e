//! What is refused on Google Cloud, where, and with which way out.
use crate::fixtures::{config, facts, full, gcp_facts, gcp_full, gcp_minimal, minimal, spec, with};
use mlops_environment::spec::CloudFacts;
use mlops_environment::{Config, Environment, Facts, Spec};
use serde_json::{Value, json};

use crate::{hit, violations};

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[
    exactly_one_cloud_is_chosen,
    what_is_known_of_one_cloud_judges_no_other,
    refuses_another_project_than_the_providers,
    the_region_comes_from_somewhere,
    a_cluster_stands_in_its_region_and_in_one_zone_only_for_trying_things,
    refuses_networks_that_gke_cannot_use,
    tags_are_labels,
    what_only_aws_has_is_not_silently_ignored,
    what_only_google_cloud_has_is_refused_on_aws,
    subjects_follow_from_the_ids,
    nobody_could_reach_the_cluster,
    pools_are_of_one_machine_type_that_says_its_accelerators,
    images_come_from_a_repository_of_google_cloud,
    only_experiment_records_are_overwritten_and_only_with_versions,
    keys_and_logs_have_limits,
    additional_permissions_are_predefined_roles_on_things_that_have_a_policy,
    roles_are_given_on_things_of_the_environment_each_under_its_own_id,
    warns_that_a_repository_of_somebody_else_needs_their_grant,
];

#[track_caller]
fn refuses(at: &str, value: impl Into<Value>, path: &str, words: &str) {
    crate::refuses(with(gcp_minimal(), at, value.into()), path, words);
}

#[test]
fn exactly_one_cloud_is_chosen() {
    let both = with(minimal(), "/gcp", gcp_minimal()["gcp"].clone());
    hit(&Spec::check(&config(both)), "gcp", "Two clouds chosen");
    let neither = with(gcp_minimal(), "/gcp", Value::Null);
    let found = Spec::check(&config(neither));
    hit(&found, "aws", "No cloud chosen");
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn what_is_known_of_one_cloud_judges_no_other() {
    let found = Spec::build(&config(gcp_minimal()), &facts()).expect_err("facts of AWS");
    hit(&found, "gcp", "other cloud");
    let found = Spec::build(&config(minimal()), &gcp_facts()).expect_err("facts of Google Cloud");
    hit(&found, "aws", "other cloud");
}

#[test]
fn checking_needs_no_credentials() {
    assert_eq!(Spec::check(&config(gcp_full())), []);
    assert!(!Spec::check(&config(with(gcp_full(), "/tier", "x".into()))).is_empty());
}

#[test]
fn refuses_another_project_than_the_providers() {
    refuses(
        "/gcp/project",
        "acme-other",
        "gcp.project",
        "the provider works in acme-ml-dev",
    );
    refuses("/gcp/project", "123456789012", "gcp.project", "not the number");
}

#[test]
fn the_region_comes_from_somewhere() {
    refuses("/gcp/region", "eu-west-1", "gcp.region", "europe-west1");
    let nowhere = Facts {
        cloud: CloudFacts::Gcp {
            project: "acme-ml-dev".parse().expect("a project"),
            number: "1".to_owned(),
            region: None,
        },
        ..facts()
    };
    let found = Spec::build(&config(gcp_minimal()), &nowhere).expect_err("no region");
    hit(&found, "gcp.region", "GOOGLE_CLOUD_REGION");
    for (at, value) in [("/gcp/region", "us-east4"), ("/gcp/location", "us-east4-b")] {
        let spec = Spec::build(&config(with(gcp_minimal(), at, value.into())), &nowhere).expect("known now");
        assert_eq!(spec.id.region(), "us-east4");
    }
}

#[test]
fn a_cluster_stands_in_its_region_and_in_one_zone_only_for_trying_things() {
    let elsewhere = with(gcp_full(), "/gcp/location", "us-east4".into());
    hit(
        &violations(elsewhere),
        "gcp.location",
        "us-east4 is not in europe-west1",
    );
    refuses(
        "/gcp/location",
        "europe-west1-bb",
        "gcp.location",
        "europe-west1-b",
    );
    let zonal = with(gcp_minimal(), "/gcp/location", "europe-west1-b".into());
    assert!(spec(zonal.clone()).is_ok());
    let staging = with(
        with(zonal, "/tier", "staging".into()),
        "/registry/mode",
        "create".into(),
    );
    hit(&violations(staging), "gcp.location", "not possible in staging");
}

#[test]
fn refuses_networks_that_gke_cannot_use() {
    refuses(
        "/gcp/existing_network/pods_range",
        Value::Null,
        "gcp.existing_network.pods_range",
        "Missing",
    );
    refuses(
        "/gcp/existing_network/services_range",
        "pods",
        "gcp.existing_network.services_range",
        "need a secondary range each",
    );
    refuses(
        "/gcp/existing_network/network",
        "https://example.com/x",
        "gcp.existing_network.network",
        "projects/<project>/global/networks/<name>",
    );
    refuses(
        "/gcp/existing_network/subnetwork",
        "projects/p/regions/r/subnets/s",
        "gcp.existing_network.subnetwork",
        "subnetworks/<name>",
    );
}

#[test]
fn tags_are_labels() {
    refuses("/tags/Team", "ml", "tags[\"Team\"]", "lower-case");
    refuses(
        "/tags/team",
        "ML platform",
        "tags[\"team\"]",
        "good for both clouds",
    );
    refuses("/tags/mlops_uid", "x", "tags[\"mlops_uid\"]", "Reserved");
    let many: Value = (0..61).map(|n| (format!("t{n}"), Value::from("x"))).collect();
    refuses("/tags", many, "tags", "64 labels");
}

#[test]
fn what_only_aws_has_is_not_silently_ignored() {
    refuses(
        "/guardrails/permissions_boundary",
        true,
        "guardrails.permissions_boundary",
        "deny policies",
    );
    refuses(
        "/guardrails/exclusive_writers",
        true,
        "guardrails.exclusive_writers",
        "shown as drift",
    );
    refuses(
        "/guardrails/bucket_tls_only",
        true,
        "guardrails.bucket_tls_only",
        "secureHttpTransport",
    );
    refuses(
        "/cluster/admins",
        json!(["arn:aws:iam::111122223333:role/a"]),
        "cluster.admins",
        "roles/container.admin",
    );
    refuses(
        "/buckets/data/existing",
        "acme-data",
        "buckets.data.existing",
        "adopt = { \"buckets.data\"",
    );
    refuses(
        "/encryption/deletion_window_days",
        7,
        "encryption.deletion_window_days",
        "outlive",
    );
    refuses(
        "/federation/github/oidc_provider",
        "reference",
        "federation.github.oidc_provider",
        "pool of its own",
    );
    refuses(
        "/identities/drift/metrics_read",
        true,
        "identities.drift.metrics_read",
        "roles/monitoring.viewer",
    );
    refuses(
        "/identities/ci/max_session",
        "2h",
        "identities.ci.max_session",
        "for an hour",
    );
    refuses(
        "/kubernetes/access",
        "managed",
        "kubernetes.access",
        "roles/container.developer",
    );
    refuses(
        "/cluster/log_types",
        json!(["authenticator"]),
        "cluster.log_types",
        "Use any of api, audit",
    );
    // Switched off is what they are.
    let off = json!({ "permissions_boundary": false, "exclusive_writers": false, "bucket_tls_only": false });
    assert!(spec(with(gcp_minimal(), "/guardrails", off)).is_ok());
}

#[test]
fn what_only_google_cloud_has_is_refused_on_aws() {
    let channel = with(minimal(), "/cluster/release_channel", "STABLE".into());
    hit(
        &violations(channel),
        "cluster.release_channel",
        "no release channels",
    );
    let roles = json!([{ "id": "X", "roles": ["roles/viewer"], "actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-west-1:111122223333:q"] }]);
    let roles = with(full(), "/identities/retrain/additional_permissions", roles);
    hit(
        &violations(roles),
        "identities.retrain.additional_permissions[0].roles",
        "Google Cloud",
    );
}

#[test]
fn subjects_follow_from_the_ids() {
    refuses(
        "/federation/github/subject_format",
        "both",
        "federation.github.subject_format",
        "Always \"immutable\"",
    );
    refuses(
        "/federation/github/subject_format",
        "name",
        "federation.github.subject_format",
        "Remove subject_format",
    );
    let named = json!({ "repository": "acme/churn" });
    let spec = spec(with(gcp_minimal(), "/federation/github", named)).expect("fine");
    let warned = spec
        .warnings
        .iter()
        .any(|warning| warning.summary.contains("change of hands"));
    assert!(warned, "{:#?}", spec.warnings);
}

#[test]
fn nobody_could_reach_the_cluster() {
    let config = with(gcp_minimal(), "/gcp/dns_endpoint", false.into());
    assert!(spec(config.clone()).is_ok(), "by its private address");
    let none = with(config, "/cluster/endpoint/private", false.into());
    hit(&violations(none), "cluster.endpoint", "gcp.dns_endpoint");
    refuses(
        "/cluster/release_channel",
        "regular",
        "cluster.release_channel",
        "\"REGULAR\"",
    );
}

#[test]
fn pools_are_of_one_machine_type_that_says_its_accelerators() {
    let pool = |pool: Value| with(gcp_minimal(), "/node_pools", json!({ "p": pool }));
    let refuses = |value: Value, attribute: &str, words: &str| {
        hit(
            &violations(pool(value)),
            &format!("node_pools[\"p\"].{attribute}"),
            words,
        );
    };
    refuses(
        json!({ "purpose": "general", "machine_types": ["e2-standard-2", "n2-standard-2"] }),
        "machine_types",
        "one machine type",
    );
    refuses(
        json!({ "purpose": "general", "machine_types": ["m6i.large"] }),
        "machine_types[0]",
        "e2-standard-4",
    );
    refuses(
        json!({ "purpose": "gpu", "machine_types": ["n1-standard-4"] }),
        "machine_types",
        "g2-standard",
    );
    refuses(
        json!({ "purpose": "general", "machine_types": ["g2-standard-4"] }),
        "machine_types",
        "purpose = \"gpu\"",
    );
    refuses(
        json!({ "purpose": "general", "image_type": "AL2023_x86_64_STANDARD" }),
        "image_type",
        "COS_CONTAINERD",
    );
    refuses(
        json!({ "purpose": "general", "disk_type": "gp3" }),
        "disk_type",
        "\"pd-balanced\"",
    );
    refuses(
        json!({ "purpose": "general", "labels": { "cloud.google.com/x": "y" } }),
        "labels[\"cloud.google.com/x\"]",
        "Reserved",
    );
}

#[test]
fn images_come_from_a_repository_of_google_cloud() {
    let reference = |text: &str| {
        with(
            gcp_minimal(),
            "/registry",
            json!({ "mode": "reference", "reference": text }),
        )
    };
    hit(
        &violations(reference("123456789012.dkr.ecr.eu-west-1.amazonaws.com/build")),
        "registry.reference",
        "-docker.pkg.dev",
    );
    for text in [
        "europe-west1-docker.pkg.dev/acme-build/images",
        "projects/acme-build/locations/europe-west1/repositories/images",
    ] {
        assert!(spec(reference(text)).is_ok(), "{text}");
    }
    hit(
        &violations(with(gcp_minimal(), "/registry/mode", "reference".into())),
        "registry.reference",
        "Missing",
    );
    refuses(
        "/registry/keep_tagged",
        5,
        "registry.keep_tagged",
        "immutable_tags = false",
    );
    let staging = with(gcp_minimal(), "/tier", "staging".into());
    hit(&violations(staging), "registry.mode", "-docker.pkg.dev");
}

#[test]
fn only_experiment_records_are_overwritten_and_only_with_versions() {
    refuses(
        "/buckets/models/write_once",
        "versioned",
        "buckets.models.write_once",
        "may delete it",
    );
    refuses(
        "/buckets/mlflow",
        json!({ "write_once": "versioned", "versioning": false }),
        "buckets.mlflow.versioning",
        "needs versioning",
    );
    let locked = json!({ "retention_locked": true, "retention_days": 30 });
    let also = |setting: &str, value: Value| {
        let mut bucket = locked.clone();
        bucket[setting] = value;
        bucket
    };
    refuses(
        "/buckets/models",
        also("versioning", true.into()),
        "buckets.models.versioning",
        "not both",
    );
    refuses(
        "/buckets/mlflow",
        also("write_once", "versioned".into()),
        "buckets.mlflow.write_once",
        "Cloud Storage refuses it",
    );
    let fine = with(gcp_minimal(), "/buckets/models", locked.clone());
    assert_eq!(violations(fine.clone()), []);
    let kept = spec(fine).expect("fine").buckets[&mlops_access::generate::aws::Bucket::Models].versioning;
    assert!(!kept, "old versions are off where the retention is locked");
    refuses(
        "/buckets/data/transition_days",
        7,
        "buckets.data.transition_days",
        "Nearline",
    );
}

#[test]
fn keys_and_logs_have_limits() {
    refuses(
        "/encryption/storage/key",
        "arn:aws:kms:eu-west-1:111122223333:key/1",
        "encryption.storage.key",
        "cryptoKeys/<key>",
    );
    refuses(
        "/encryption/rotation_days",
        0,
        "encryption.rotation_days",
        "from 1 to",
    );
    refuses(
        "/logging/retention_days",
        4000,
        "logging.retention_days",
        "from 1 to 3650",
    );
    assert!(spec(with(gcp_minimal(), "/logging/retention_days", 31.into())).is_ok());
}

#[test]
fn additional_permissions_are_predefined_roles_on_things_that_have_a_policy() {
    let permission = |value: Value| {
        with(
            gcp_minimal(),
            "/identities/retrain/additional_permissions",
            json!([value]),
        )
    };
    let refuses = |value: Value, attribute: &str, words: &str| {
        let path = format!("identities.retrain.additional_permissions[0].{attribute}");
        hit(&violations(permission(value)), &path, words);
    };
    let on = json!(["projects/_/buckets/b"]);
    refuses(
        json!({ "id": "X", "actions": ["s3:GetObject"], "resources": on }),
        "actions",
        "roles/storage.objectViewer",
    );
    refuses(json!({ "id": "X", "resources": on }), "roles", "Missing");
    refuses(
        json!({ "id": "X", "roles": ["projects/p/roles/own"], "resources": on }),
        "roles",
        "cannot be judged",
    );
    refuses(
        json!({ "id": "X", "roles": ["roles/a.b"], "resources": ["gs://b/x"] }),
        "resources",
        "projects/_/buckets/<bucket>",
    );
    refuses(
        json!({ "id": "X", "roles": ["roles/a.b"], "resources": [] }),
        "resources",
        "Missing",
    );
    refuses(
        json!({ "id": "X", "roles": ["roles/a.b"], "resources": on,
                "conditions": [{ "test": "Bool", "variable": "x", "values": ["true"] }] }),
        "conditions",
        "by its resource",
    );
}

#[test]
fn roles_are_given_on_things_of_the_environment_each_under_its_own_id() {
    let at = "identities.retrain.additional_permissions";
    let permissions = |value: Value| with(gcp_minimal(), "/identities/retrain/additional_permissions", value);
    let role = |id: &str, bucket: &str| {
        json!({ "id": id, "roles": ["roles/storage.objectViewer"],
            "resources": [format!("projects/_/buckets/{bucket}")] })
    };
    crate::refuses(
        permissions(json!([role("X", "elsewhere")])),
        &format!("{at}[0].resources"),
        "identity_info.retrain",
    );
    crate::refuses(
        permissions(json!([role("a b", "b")])),
        &format!("{at}[0].id"),
        "letters and digits",
    );
    crate::refuses(
        permissions(json!([role("X", "b"), role("X", "c")])),
        &format!("{at}[1].id"),
        "its own id",
    );
}

#[test]
fn warns_that_a_repository_of_somebody_else_needs_their_grant() {
    let elsewhere =
        json!({ "mode": "reference", "reference": "europe-west1-docker.pkg.dev/acme-build/images" });
    crate::warns(
        with(gcp_minimal(), "/registry", elsewhere),
        "registry.reference",
        "grant roles/artifactregistry.reader there",
    );
}

#[test]
fn filling_in_the_defaults_twice_changes_nothing() {
    for value in [gcp_minimal(), gcp_full()] {
        let once = spec(value).expect("fine");
        let twice = Spec::build(&once.resolved_config(), &gcp_facts()).expect("fine");
        assert_eq!(twice.resolved_config(), once.resolved_config());
        assert_eq!(
            Environment::new(twice).expect("fine").components,
            Environment::new(once).expect("fine").components
        );
    }
}

#[test]
fn the_defaults_of_version_1_are_frozen() {
    let resolved = |tier: &str| {
        let config = with(gcp_minimal(), "/tier", tier.into());
        spec(with(config, "/registry/mode", "create".into()))
            .expect("fine")
            .resolved_config()
    };
    insta::assert_yaml_snapshot!([resolved("dev"), resolved("staging"), resolved("prod")]);
}

/// Every path of a value, with the kind of what stands there.
fn shape(value: &Value, at: &str, found: &mut std::collections::BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                shape(value, &format!("{at}.{key}"), found);
            }
            "object"
        }
        Value::Array(_) => "list",
        Value::String(_) => "text",
        Value::Number(_) => "number",
        Value::Bool(_) => "switch",
        Value::Null => "null",
    };
    found.insert(at.to_owned(), kind);
}

/// The paths at which two values are not of one kind.
fn differing(aws: &Value, gcp: &Value) -> Vec<String> {
    let (mut left, mut right) = (Default::default(), Default::default());
    shape(aws, "", &mut left);
    shape(gcp, "", &mut right);
    let paths: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    paths
        .into_iter()
        .filter(|path| left.get(*path) != right.get(*path))
        .cloned()
        .collect()
}

#[test]
fn settings_are_the_same_on_both_clouds_but_for_these() {
    let resolved =
        |value: Value| serde_json::to_value(spec(value).expect("fine").resolved_config()).expect("JSON");
    let differing: Vec<String> = differing(&resolved(minimal()), &resolved(gcp_minimal()))
        .into_iter()
        .filter(|path| !path.starts_with(".aws") && !path.starts_with(".gcp"))
        .collect();
    assert_eq!(
        differing,
        [
            // GKE has release channels, EKS has none.
            ".cluster.release_channel",
            // Keys are never deleted on Google Cloud.
            ".encryption.deletion_window_days",
            // Immutable tags keep their images there.
            ".registry.keep_tagged",
        ]
    );
}

#[test]
fn outputs_are_the_same_on_both_clouds_but_for_these() {
    let outputs = |value: Value| {
        let environment = Environment::new(spec(value).expect("fine")).expect("fine");
        serde_json::to_value(environment.outputs()).expect("JSON")
    };
    let mut differing = differing(&outputs(minimal()), &outputs(gcp_minimal()));
    // Keys that the cloud's own tools read.
    differing.retain(|path| !path.contains(".annotation.") && !path.starts_with(".github."));
    assert_eq!(
        differing,
        [
            // AWS has no pool of pods' identities but the cluster's own issuer.
            ".cluster_info.workload_pool",
            // EKS can give deploy its rights by a policy of its own; on GKE they are always RBAC, with its admission policy.
            ".manifests.20-rbac.yaml",
            ".manifests.50-admission.yaml",
        ]
    );
}

#[test]
fn components_stand_at_the_same_addresses_on_both_clouds_but_for_these() {
    let addresses = |value: Value| -> std::collections::BTreeSet<String> {
        let environment = Environment::new(spec(value).expect("fine")).expect("fine");
        environment
            .components
            .iter()
            .map(|component| component.address.to_string())
            .collect()
    };
    let (aws, gcp) = (addresses(minimal()), addresses(gcp_minimal()));
    let only = |one: &std::collections::BTreeSet<String>, other: &std::collections::BTreeSet<String>| {
        let roots: std::collections::BTreeSet<String> = one
            .difference(other)
            .map(|address| {
                let whole = address.starts_with("identities.") || address.starts_with("federation.");
                if whole {
                    address.as_str()
                } else {
                    address.split('.').next().unwrap_or_default()
                }
                .to_owned()
            })
            .collect();
        roots.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        only(&aws, &gcp),
        [
            "access",
            "boundaries",
            "federation.pods",
            "identities.cluster",
            "registry"
        ]
    );
    assert_eq!(
        only(&gcp, &aws),
        [
            "apis",
            "federation.pool",
            "key_ring",
            "project_grants",
            "registry",
            "trust"
        ]
    );
    let config: Config = config(gcp_minimal());
    assert!(config.aws.is_none());
}
