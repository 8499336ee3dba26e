//! A provider with other defaults: what stands was made with the older ones, and keeps them until the user says otherwise.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Defaults;
use crate::environment::Environment;
use crate::plan::{Decision, Foresight, Step, plan_change};
use crate::spec::{CloudFacts, Facts, Spec};

/// The defaults of a later version: everything that can differ does.
pub(super) fn other_than(v1: Defaults) -> Defaults {
    Defaults {
        node_pools: v1
            .node_pools
            .iter()
            .map(|pool| super::DefaultPool {
                max: pool.max + 1,
                ..pool.clone()
            })
            .collect(),
        untagged_days: v1.untagged_days + 1,
        keep_tagged: v1.keep_tagged + 1,
        noncurrent_days: v1.noncurrent_days + 1,
        retention_days: v1
            .retention_days
            .iter()
            .map(|(bucket, days)| (*bucket, days + 1))
            .collect(),
        log_retention_days: 60,
        protect_deletion: !v1.protect_deletion,
        key_rotation_days: v1.key_rotation_days + 1,
        disk_gb: v1.disk_gb + 10,
        ..v1
    }
}

fn environment(cloud: &str, defaults_version: Value) -> Environment {
    let network = match cloud {
        "aws" => json!({ "vpc_id": "vpc-0123456789abcdef0",
            "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"] }),
        _ => {
            json!({ "network": "ml", "subnetwork": "nodes", "pods_range": "pods", "services_range": "services" })
        }
    };
    let config = serde_json::from_value(json!({
        "name": "shop",
        "tier": "dev",
        "defaults_version": defaults_version,
        cloud: { "existing_network": network },
        "services": { "churn": {} },
    }))
    .expect("a configuration");
    let cloud = match cloud {
        "aws" => CloudFacts::Aws {
            account: "111122223333".parse().expect("an account"),
            partition: "aws".to_owned(),
            region: "eu-west-1".parse().ok(),
        },
        _ => CloudFacts::Gcp {
            project: "acme-ml-dev".parse().expect("a project"),
            number: "1".to_owned(),
            region: "europe-west1".parse().ok(),
        },
    };
    let facts = Facts {
        cloud,
        default_tags: BTreeMap::new(),
    };
    Environment::new(Spec::build(&config, &facts).expect("legal")).expect("legal")
}

fn lines(before: &Environment, after: &Environment) -> Vec<String> {
    let foresight = Foresight {
        prior: &before.components,
        next: &after.components,
        drift: &[],
        standing: &BTreeMap::new(),
        summaries: &BTreeMap::new(),
    };
    let steps = plan_change(&foresight, &Decision::new(&after.spec, "uid")).expect("not refused");
    steps.iter().map(Step::to_string).collect()
}

/// B23. That the state's version is taken where the configuration says nothing is the schema's word (`keep`).
#[test]
fn an_environment_keeps_the_defaults_it_was_made_with() {
    for cloud in ["aws", "gcp"] {
        let made = environment(cloud, json!(1));
        let again = environment(cloud, json!(made.spec.defaults_version));
        assert_eq!(lines(&made, &again), Vec::<String>::new());
        assert_eq!(
            made.spec.resolved_config(),
            again.spec.resolved_config(),
            "nor does any setting in the state"
        );
        assert_eq!(
            environment(cloud, Value::Null).spec.defaults_version,
            2,
            "new ones"
        );
    }
}

#[test]
fn raising_the_version_shows_what_changes() {
    for cloud in ["aws", "gcp"] {
        let told = lines(&environment(cloud, json!(1)), &environment(cloud, json!(2)));
        for part in [
            "~ buckets.data: lifecycle",
            "~ node_pools.serving: ",
            "~ log_groups.cluster: retention days 30 → 60",
        ] {
            assert!(
                told.iter().any(|line| line.starts_with(part)),
                "{part}: {told:#?}"
            );
        }
        assert!(
            told.iter().all(|line| line.starts_with("~ ")),
            "nothing comes or goes: {told:#?}"
        );
    }
}
