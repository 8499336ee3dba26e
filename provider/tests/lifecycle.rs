//! The life of an environment through the protocol, over a cloud in memory that can fail at any write.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

#[path = "daytwo/mod.rs"]
mod daytwo;
mod memory;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use memory::{Memory, Strike};
use mlops_environment::Facts;
use mlops_environment::component::Kind;
use mlops_environment::driver::Driver;
use mlops_environment::spec::CloudFacts;
use serde_json::{Value as Json, json};
use terraform_provider_mlops::{Cloud, Clouds, Mlops, Rhythm, Standing};
use tfplugin::Value;
use tfplugin::testing::{Action, Failure, FakeCore};

const ADDRESS: &str = "mlops_environment.this";

async fn core(memory: &Arc<Memory>) -> FakeCore {
    core_as(memory, Standing::ShortLived).await
}

/// A provider over both clouds, with credentials of a kind.
async fn core_as(memory: &Arc<Memory>, standing: Standing) -> FakeCore {
    let aws = CloudFacts::Aws {
        account: "123456789012".parse().unwrap(),
        partition: "aws".into(),
        region: Some("eu-west-1".parse().unwrap()),
    };
    let gcp = CloudFacts::Gcp {
        project: "acme-ml-dev".parse().unwrap(),
        number: "123456789012".into(),
        region: Some("europe-west1".parse().unwrap()),
    };
    let clouds = [aws, gcp].map(|cloud| Cloud {
        driver: Arc::clone(memory) as Arc<dyn Driver>,
        facts: Facts {
            cloud,
            default_tags: BTreeMap::new(),
        },
        concurrency: 8,
        standing,
    });
    let provider = Mlops::with_clouds(Arc::new(Clouds::with(clouds))).with_rhythm(RHYTHM);
    FakeCore::start(provider, json!({})).await.unwrap()
}

/// The cloud of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Aws,
    Gcp,
}

const BOTH: [On; 2] = [On::Aws, On::Gcp];

impl On {
    /// The same environment on either cloud.
    fn config(self, core: &FakeCore, change: impl FnOnce(&mut Json)) -> Value {
        config(core, |settings| {
            self.place(settings);
            change(settings);
        })
    }

    /// Puts the environment on this cloud.
    fn place(self, settings: &mut Json) {
        if self == On::Gcp {
            settings["aws"] = Json::Null;
            settings["gcp"] = json!({ "existing_network": {
                "network": "ml", "subnetwork": "nodes", "pods_range": "pods", "services_range": "services",
            } });
        }
    }
}

/// Signs of life that a test has the time to watch.
const RHYTHM: Rhythm = Rhythm {
    renew: Duration::from_millis(30),
    patience: Duration::from_millis(600),
};

fn settings(change: impl FnOnce(&mut Json)) -> Json {
    let mut settings = json!({
        "name": "churn-dev",
        "tier": "dev",
        "aws": { "existing_network": {
            "vpc_id": "vpc-0123456789abcdef0",
            "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
        } },
        "services": { "churn": { "secrets": { "feature-store": { "readers": ["runtime"] } } } },
        "federation": { "github": { "repository": "acme/churn", "owner_id": "1", "repository_id": "2" } },
    });
    change(&mut settings);
    settings
}

fn config(core: &FakeCore, change: impl FnOnce(&mut Json)) -> Value {
    core.config("mlops_environment", settings(change)).unwrap()
}

fn text(value: &Value, path: &[&str]) -> String {
    let found = path.iter().try_fold(value, |value, step| value.get(step));
    found
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {path:?}"))
        .to_owned()
}

fn lines(value: &Value, name: &str) -> Vec<String> {
    let items = value.get(name).and_then(Value::elements).unwrap_or_default();
    items
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn messages(failure: &Failure) -> String {
    let diagnostics = failure
        .diagnostics()
        .unwrap_or_else(|| panic!("not refused by us: {failure}"));
    diagnostics
        .0
        .iter()
        .map(|diagnostic| format!("{}: {}\n", diagnostic.summary, diagnostic.detail))
        .collect()
}

#[tokio::test]
async fn an_environment_is_made_settles_and_goes() {
    for (on, id) in [
        (On::Aws, "aws/123456789012/eu-west-1/churn-dev"),
        (On::Gcp, "gcp/acme-ml-dev/europe-west1/churn-dev"),
    ] {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = on.config(&core, |_| {});
        let applied = core.converge(ADDRESS, &config).await.unwrap();
        assert_eq!(applied.action, Action::Create);
        assert_eq!(text(&applied.state, &["phase"]), "READY");
        assert_eq!(text(&applied.state, &["id"]), id);
        core.destroy(ADDRESS).await.unwrap();
        assert_eq!(memory.mortal(), BTreeMap::new());
    }
}

#[tokio::test]
async fn one_configuration_holds_both_clouds_and_their_outputs_have_one_shape() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let mut states = Vec::new();
    for on in BOTH {
        let config = on.config(&core, |_| {});
        let address = format!("mlops_environment.{on:?}").to_lowercase();
        states.push(core.converge(&address, &config).await.unwrap().state);
    }
    let fields = |state: &Value, name: &str| -> Vec<String> {
        let entries = state.get(name).and_then(Value::entries).unwrap();
        entries.keys().cloned().collect()
    };
    for info in [
        "identity_info",
        "bucket_info",
        "cluster_info",
        "federation_info",
        "network_info",
        "keys",
        "log_groups",
    ] {
        assert_eq!(fields(&states[0], info), fields(&states[1], info), "{info}");
    }
}

#[tokio::test]
async fn another_cloud_is_another_environment() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let first = On::Aws.config(&core, |_| {});
    core.converge(ADDRESS, &first).await.unwrap();
    let second = On::Gcp.config(&core, |_| {});
    let plan = core.plan(ADDRESS, &second).await.unwrap();
    assert_eq!(plan.action, Action::Replace);
}

#[tokio::test]
async fn a_cluster_does_not_move_to_another_location() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let first = On::Gcp.config(&core, |_| {});
    core.converge(ADDRESS, &first).await.unwrap();
    let second = On::Gcp.config(&core, |settings| {
        settings["gcp"]["location"] = json!("europe-west1-b")
    });
    let plan = core.plan(ADDRESS, &second).await.unwrap();
    assert_eq!(plan.action, Action::Replace);
}

#[tokio::test]
async fn whose_credentials_they_are_is_judged_by_the_tier() {
    let memory = Arc::new(Memory::new());
    let staging = |settings: &mut Json| {
        settings["tier"] = json!("staging");
        settings["registry"] = json!({ "mode": "create" });
    };
    let mut personal = core_as(&memory, Standing::Personal).await;
    let config = On::Gcp.config(&personal, |_| {});
    personal.plan(ADDRESS, &config).await.unwrap();
    let config = On::Gcp.config(&personal, staging);
    let said = messages(&personal.plan(ADDRESS, &config).await.unwrap_err());
    assert!(
        said.contains("as a person") && said.contains("impersonate_service_account"),
        "{said}"
    );
    let mut long_term = core_as(&memory, Standing::LongTerm).await;
    let config = On::Gcp.config(&long_term, |settings| {
        staging(settings);
        settings["tier"] = json!("prod");
    });
    let said = messages(&long_term.plan(ADDRESS, &config).await.unwrap_err());
    assert!(said.contains("key file is refused for prod"), "{said}");
    assert!(memory.calls().is_empty(), "nothing was called");
}

#[tokio::test]
async fn pools_come_with_their_cluster_and_are_not_made_twice() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Gcp.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    let calls = memory.calls();
    assert!(calls.iter().any(|call| call.starts_with("create:GcpCluster")));
    assert!(
        !calls.iter().any(|call| call.starts_with("create:GcpNodePool")),
        "{calls:?}"
    );
    // Later ones are made alone.
    let more = On::Gcp.config(&core, |settings| {
        settings["node_pools"] = json!({
            "system": { "purpose": "system", "size": "small", "min": 1, "max": 3 },
            "serving": { "purpose": "serving", "size": "medium", "min": 0, "max": 3, "spot": true },
            "gpu": { "purpose": "gpu", "min": 0, "max": 2 },
        });
    });
    let plan = core.plan(ADDRESS, &more).await.unwrap();
    assert_eq!(
        lines(&plan.planned, "last_change"),
        ["+ node_pools.gpu: create (gpu-small, 0..2, taint nvidia.com/gpu)"]
    );
    memory.calls();
    core.converge(ADDRESS, &more).await.unwrap();
    let made: Vec<String> = memory
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("create"))
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
}

#[tokio::test]
async fn a_grant_too_many_is_taken_away_and_no_other() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Gcp.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    memory.meddle(Kind::GcpProjectGrants, |grants| {
        grants
            .foreign
            .push("roles/editor to serviceAccount:rt-churn".into());
    });
    memory.meddle(Kind::GcpServiceAccount, |account| {
        account.foreign.push("static key 1a2b".into());
    });
    core.refresh(ADDRESS).await.unwrap();
    let drift = lines(&core.object(ADDRESS).unwrap().value, "drift");
    assert_eq!(drift.len(), 2, "{drift:?}");
    memory.calls();
    core.converge(ADDRESS, &config).await.unwrap();
    let writes: Vec<String> = memory
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("update"))
        .collect();
    assert_eq!(writes.len(), 2, "{writes:?}");
}

#[tokio::test]
async fn what_is_never_deleted_does_not_keep_an_environment_alive() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Gcp.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    for kind in [
        Kind::GcpBucket,
        Kind::GcpLogBucket,
        Kind::GcpRepository,
        Kind::GcpSecret,
        Kind::GcpServiceAccount,
        Kind::GcpTrust,
        Kind::GcpProjectGrants,
        Kind::GcpWorkloadIdentityPool,
        Kind::GcpWorkloadIdentityProvider,
        Kind::GcpCluster,
        Kind::GcpNodePool,
    ] {
        while memory
            .ids()
            .keys()
            .any(|key| key.starts_with(&format!("{kind:?} ")))
        {
            memory.lose(kind);
        }
    }
    core.refresh(ADDRESS).await.unwrap();
    assert!(core.object(ADDRESS).is_none());
    core.converge(ADDRESS, &config).await.unwrap();
}

#[tokio::test]
async fn names_and_arns_are_known_in_the_first_plan() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    let plan = core.plan(ADDRESS, &config).await.unwrap();
    let planned = &plan.planned;
    assert_eq!(
        text(planned, &["identity_info", "runtime", "churn", "principal"]),
        "arn:aws:iam::123456789012:role/mlops/churn-dev/churn-dev-runtime-churn"
    );
    for info in ["identity_info", "bucket_info", "registry_info", "github"] {
        assert!(
            planned.get(info).unwrap().is_wholly_known(),
            "{info} is known at plan"
        );
    }
    assert!(planned.get("uid").unwrap().is_unknown());
    assert!(planned.get("phase").unwrap().is_unknown());
    assert!(
        lines(planned, "last_change")
            .iter()
            .any(|line| line.starts_with("+ cluster: create"))
    );
    assert!(
        memory.calls().iter().all(|call| !call.starts_with("create")),
        "a plan writes nothing"
    );
}

#[tokio::test]
async fn a_change_touches_only_what_it_names() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let first = config(&core, |_| {});
    core.converge(ADDRESS, &first).await.unwrap();
    let before = memory.ids();
    memory.calls();

    let second = config(&core, |settings| {
        settings["buckets"] = json!({ "data": { "noncurrent_days": 60 } })
    });
    let plan = core.plan(ADDRESS, &second).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    assert_eq!(
        lines(&plan.planned, "last_change").len(),
        1,
        "{:?}",
        lines(&plan.planned, "last_change")
    );
    for info in [
        "identity_info",
        "bucket_info",
        "keys",
        "cluster_info",
        "components",
    ] {
        assert!(
            plan.planned.get(info).unwrap().is_wholly_known(),
            "{info} stays known"
        );
    }
    core.converge(ADDRESS, &second).await.unwrap();
    let writes: Vec<String> = memory
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("update") || call.starts_with("create"))
        .collect();
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(memory.ids(), before);
}

#[tokio::test]
async fn a_service_comes_and_goes_by_name() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let first = config(&core, |_| {});
    core.converge(ADDRESS, &first).await.unwrap();
    let before = memory.ids();
    let second = config(&core, |settings| settings["services"]["fraud"] = json!({}));
    let plan = core.plan(ADDRESS, &second).await.unwrap();
    assert!(
        lines(&plan.planned, "last_change")
            .iter()
            .any(|line| line.starts_with("+ identities.runtime.fraud"))
    );
    core.converge(ADDRESS, &second).await.unwrap();
    assert!(memory.ids().len() > before.len());
    let plan = core.plan(ADDRESS, &first).await.unwrap();
    assert!(
        lines(&plan.planned, "last_change")
            .iter()
            .any(|line| line.starts_with("- identities.runtime.fraud"))
    );
    core.converge(ADDRESS, &first).await.unwrap();
    assert_eq!(memory.ids(), before);
}

#[tokio::test]
async fn drift_is_shown_and_repaired() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    memory.meddle(Kind::AwsBucket, |bucket| {
        bucket
            .properties
            .insert("block_public_access".into(), json!(false));
    });
    memory.meddle(Kind::AwsRole, |role| {
        role.foreign
            .push("foreign policy AdministratorAccess attached".into())
    });
    core.refresh(ADDRESS).await.unwrap();
    let drift = lines(&core.object(ADDRESS).unwrap().value, "drift");
    assert_eq!(drift.len(), 2, "{drift:?}");
    let plan = core.plan(ADDRESS, &config).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    assert_eq!(lines(&plan.planned, "drift"), Vec::<String>::new());
    core.converge(ADDRESS, &config).await.unwrap();
}

#[tokio::test]
async fn a_lost_node_pool_is_made_again_and_nothing_else() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    let before = memory.ids();
    memory.lose(Kind::AwsNodePool);
    memory.calls();
    core.converge(ADDRESS, &config).await.unwrap();
    let made: Vec<String> = memory
        .calls()
        .into_iter()
        .filter(|call| call.starts_with("create"))
        .collect();
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(
        memory.ids().keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_environment_that_is_gone_is_planned_anew() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    for kind in [
        Kind::AwsBucket,
        Kind::AwsKey,
        Kind::AwsLogGroup,
        Kind::AwsRepository,
        Kind::AwsSecret,
        Kind::AwsPolicy,
        Kind::AwsRole,
        Kind::AwsOidcProvider,
        Kind::AwsCluster,
        Kind::AwsAccessEntry,
        Kind::AwsNodePool,
    ] {
        while memory
            .ids()
            .keys()
            .any(|key| key.starts_with(&format!("{kind:?} ")))
        {
            memory.lose(kind);
        }
    }
    core.refresh(ADDRESS).await.unwrap();
    assert!(core.object(ADDRESS).is_none());
}

#[tokio::test]
async fn a_foreign_bucket_of_the_same_name_is_left_alone() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    let plan = core.plan(ADDRESS, &config).await.unwrap();
    let name = text(&plan.planned, &["bucket_info", "data", "name"]);
    memory.squat(Kind::AwsBucket, &name);
    let failure = core.apply(ADDRESS, &config).await.unwrap_err();
    let said = messages(&failure);
    assert!(
        said.contains(&format!("adopt = {{ \"buckets.data\" = \"{name}\" }}")),
        "{said}"
    );
    assert_eq!(
        memory.ids()[&format!("AwsBucket {name}")],
        format!("foreign-{name}")
    );
}

#[tokio::test]
async fn a_ready_environment_is_not_created_twice() {
    let memory = Arc::new(Memory::new());
    let mut first = core(&memory).await;
    let config = config(&first, |_| {});
    first.converge(ADDRESS, &config).await.unwrap();
    let before = memory.ids();
    let mut second = core(&memory).await;
    let failure = second.apply(ADDRESS, &config).await.unwrap_err();
    assert!(
        messages(&failure).contains("exists already"),
        "{}",
        messages(&failure)
    );
    assert_eq!(memory.ids(), before);
    assert!(
        second.object(ADDRESS).is_none(),
        "nothing of the other's is in this state"
    );
}

#[tokio::test]
async fn a_protected_environment_is_not_destroyed() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let protected = config(&core, |settings| {
        settings["protection"] = json!({ "deletion": true })
    });
    core.converge(ADDRESS, &protected).await.unwrap();
    let before = memory.ids();
    let failure = core.destroy(ADDRESS).await.unwrap_err();
    assert!(
        messages(&failure).contains("protection"),
        "{}",
        messages(&failure)
    );
    assert_eq!(memory.ids(), before);
    let open = config(&core, |_| {});
    core.converge(ADDRESS, &open).await.unwrap();
    core.destroy(ADDRESS).await.unwrap();
    assert_eq!(memory.ids(), BTreeMap::new());
}

/// Every write of a create fails once, in every way; the next apply finishes with the same ids and one of everything.
async fn create_with_every_fault(on: On, strikes: &[Strike], change: fn(&mut Json)) {
    let mut tried = 0;
    for strike in strikes.iter().copied() {
        for number in 0.. {
            let memory = Arc::new(Memory::new());
            let mut core = core(&memory).await;
            let config = on.config(&core, change);
            memory.fail_write(number, strike);
            let first = core.apply(ADDRESS, &config).await;
            if !memory.struck() {
                first.unwrap();
                break;
            }
            tried += 1;
            let standing = memory.ids();
            memory.calls();
            if let Err(failure) = core.converge(ADDRESS, &config).await {
                panic!(
                    "{on:?}, write {number}, {strike:?}: the second apply failed: {failure}\n{:?}",
                    failure.diagnostics()
                );
            }
            let deleted: Vec<String> = memory
                .calls()
                .into_iter()
                .filter(|call| call.starts_with("delete"))
                .collect();
            assert_eq!(
                deleted,
                Vec::<String>::new(),
                "{on:?}, write {number}, {strike:?}: nothing is deleted to go on"
            );
            let ids = memory.ids();
            for (name, id) in &standing {
                assert_eq!(
                    ids.get(name),
                    Some(id),
                    "{on:?}, write {number}, {strike:?}: {name} was rebuilt"
                );
            }
            core.destroy(ADDRESS).await.unwrap();
            assert_eq!(
                memory.mortal(),
                BTreeMap::new(),
                "{on:?}, write {number}, {strike:?}: orphans"
            );
        }
    }
    assert!(tried > 20 * strikes.len(), "only {tried} faults tried");
}

const EVERY_STRIKE: [Strike; 3] = [Strike::Before, Strike::After, Strike::Panic];

#[tokio::test]
async fn a_create_that_fails_anywhere_is_finished_by_the_next_apply_on_aws() {
    create_with_every_fault(On::Aws, &EVERY_STRIKE, |_| {}).await;
}

#[tokio::test]
async fn a_create_that_fails_anywhere_is_finished_by_the_next_apply_on_google_cloud() {
    create_with_every_fault(On::Gcp, &EVERY_STRIKE, |_| {}).await;
}

/// The same in a network of the environment's own, and without services to keep it short.
fn in_its_own_network(settings: &mut Json) {
    let cloud = if settings["gcp"].is_null() { "aws" } else { "gcp" };
    settings[cloud] = json!({});
    settings["services"] = json!({});
    settings["identities"] = json!({ "ci": { "enabled": false }, "deploy": { "enabled": false } });
}

#[tokio::test]
async fn a_create_that_fails_anywhere_in_its_own_network_is_finished_by_the_next_apply() {
    for on in BOTH {
        // What is lost is the hardest; the other ways differ in nothing that a network has of its own.
        create_with_every_fault(on, &[Strike::After], in_its_own_network).await;
    }
}

/// The same in a cluster of somebody else.
fn in_a_given_cluster(settings: &mut Json) {
    let cloud = if settings["gcp"].is_null() { "aws" } else { "gcp" };
    settings[cloud] = json!({});
    settings["cluster"] = json!({ "existing": memory::GIVEN_CLUSTER });
}

#[tokio::test]
async fn a_create_that_fails_anywhere_in_a_given_cluster_is_finished_by_the_next_apply() {
    for on in BOTH {
        create_with_every_fault(on, &[Strike::After], in_a_given_cluster).await;
    }
}

#[tokio::test]
async fn a_given_cluster_that_will_not_do_is_refused_by_the_plan() {
    for (on, property, value, says) in [
        (
            On::Aws,
            "access_entries",
            json!(false),
            "authenticationMode=API_AND_CONFIG_MAP",
        ),
        (On::Gcp, "workload_pool", json!(""), "--workload-pool"),
    ] {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = on.config(&core, in_a_given_cluster);
        memory.spoil_given(property, value);
        memory.calls();
        let said = messages(&core.plan(ADDRESS, &config).await.unwrap_err());
        assert!(said.contains(says), "{said}");
        let calls = memory.calls();
        assert!(calls.iter().all(|call| call.starts_with("observe")), "{calls:?}");
        assert_eq!(memory.ids(), BTreeMap::new());
    }
}

#[tokio::test]
async fn a_given_cluster_that_nobody_may_look_at_is_planned_with_a_warning() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, in_a_given_cluster);
    memory.hide(Some(Kind::AwsExistingCluster));
    let plan = core.plan(ADDRESS, &config).await.unwrap();
    let warnings: Vec<&str> = plan.warnings.0.iter().map(|said| said.summary.as_str()).collect();
    assert!(warnings.contains(&"cluster cannot be looked at"), "{warnings:?}");
    memory.hide(None);
    core.converge(ADDRESS, &config).await.unwrap();
}

/// The same for an update in many places: a service comes, an identity goes, a bucket changes.
async fn update_with_every_fault(on: On) {
    let changed = |core: &FakeCore| {
        on.config(core, |settings| {
            settings["buckets"] = json!({ "data": { "noncurrent_days": 60 } });
            settings["services"]["fraud"] = json!({});
            settings["identities"] = json!({ "drift": { "enabled": false } });
        })
    };
    let wanted = reference(&changed).await;
    let mut tried = 0;
    for strike in [Strike::Before, Strike::After, Strike::Panic] {
        for number in 0.. {
            let memory = Arc::new(Memory::new());
            let mut core = core(&memory).await;
            let first = on.config(&core, |_| {});
            core.apply(ADDRESS, &first).await.unwrap();
            let before = memory.ids();
            let second = changed(&core);
            memory.fail_write(number, strike);
            let update = core.apply(ADDRESS, &second).await;
            if !memory.struck() {
                update.unwrap();
                break;
            }
            tried += 1;
            if let Err(failure) = core.converge(ADDRESS, &second).await {
                panic!(
                    "{on:?}, write {number}, {strike:?}: the second apply failed: {failure}\n{:?}",
                    failure.diagnostics()
                );
            }
            let after = memory.ids();
            for (name, id) in before.iter().filter(|(name, _)| wanted.contains(name)) {
                assert_eq!(
                    after.get(name),
                    Some(id),
                    "{on:?}, write {number}, {strike:?}: {name} was rebuilt"
                );
            }
            assert_eq!(names(&memory), wanted, "{on:?}, write {number}, {strike:?}");
        }
    }
    assert!(tried > 20, "only {tried} faults tried");
}

/// Names of all that stands, without the number in an issuer, which is drawn by lot.
fn names(memory: &Memory) -> Vec<String> {
    let ids = memory.ids();
    let name = |name: &String| name.split("/id/").next().unwrap_or_default().to_owned();
    ids.keys().map(name).collect()
}

/// What stands when nothing goes wrong.
async fn reference(config: &impl Fn(&FakeCore) -> Value) -> Vec<String> {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core);
    core.converge(ADDRESS, &config).await.unwrap();
    names(&memory)
}

/// With one service more.
fn larger(on: On, core: &FakeCore) -> Value {
    on.config(core, |settings| {
        settings["services"]["fraud"] = json!({ "secrets": { "api": { "readers": ["drift"] } } });
        settings["services"]["churn"]["secrets"]["feature-store"]["readers"] = json!(["runtime", "retrain"]);
    })
}

fn smaller(on: On, core: &FakeCore) -> Value {
    on.config(core, |settings| settings["tags"] = json!({ "team": "ml" }))
}

/// A create fails and the user changes their mind: what the first wish made and the second does not want goes.
async fn create_then_another_wish(on: On) {
    let wanted = reference(&|core: &FakeCore| smaller(on, core)).await;
    for number in (0..).step_by(3) {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let first = larger(on, &core);
        memory.fail_write(number, Strike::After);
        let failed = core.apply(ADDRESS, &first).await;
        if !memory.struck() {
            failed.unwrap();
            break;
        }
        let second = smaller(on, &core);
        if let Err(failure) = core.converge(ADDRESS, &second).await {
            panic!("{on:?}, write {number}: {failure}\n{:?}", failure.diagnostics());
        }
        assert_eq!(names(&memory), wanted, "{on:?}, write {number}");
    }
}

#[tokio::test]
async fn a_failed_create_leaves_nothing_of_a_wish_that_changed_on_aws() {
    create_then_another_wish(On::Aws).await;
}

#[tokio::test]
async fn a_failed_create_leaves_nothing_of_a_wish_that_changed_on_google_cloud() {
    create_then_another_wish(On::Gcp).await;
}

/// An update fails, and then: the user goes back, or destroys. The plan says what is still to go.
#[tokio::test]
async fn a_failed_update_leaves_nothing_behind_whatever_comes_next() {
    for on in BOTH {
        let before = reference(&|core: &FakeCore| larger(on, core)).await;
        for number in [0, 1, 2] {
            let memory = Arc::new(Memory::new());
            let mut core = core(&memory).await;
            let (first, second) = (larger(on, &core), smaller(on, &core));
            core.apply(ADDRESS, &first).await.unwrap();
            memory.fail_write(number, Strike::Before);
            core.apply(ADDRESS, &second).await.unwrap_err();
            let plan = core.plan(ADDRESS, &second).await.unwrap();
            let told = lines(&plan.planned, "last_change");
            assert!(
                told.iter()
                    .any(|line| line.starts_with("- identities.runtime.fraud")),
                "{on:?}, write {number}: {told:?}"
            );
            core.converge(ADDRESS, &first).await.unwrap();
            assert_eq!(names(&memory), before, "{on:?}, write {number}");

            memory.fail_write(number, Strike::Before);
            core.apply(ADDRESS, &second).await.unwrap_err();
            core.destroy(ADDRESS).await.unwrap();
            assert_eq!(memory.mortal(), BTreeMap::new(), "{on:?}, write {number}");
        }
    }
}

/// A tag that an unfinished update was to take away is still known as ours.
#[tokio::test]
async fn a_failed_update_does_not_forget_which_tags_were_ours() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let tagged = |core: &FakeCore, tags: Json| on.config(core, |settings| settings["tags"] = tags);
        let (first, second) = (
            tagged(&core, json!({ "team": "ml", "old": "1" })),
            tagged(&core, json!({ "team": "ml" })),
        );
        core.apply(ADDRESS, &first).await.unwrap();
        memory.fail_write(0, Strike::Before);
        core.apply(ADDRESS, &second).await.unwrap_err();
        core.converge(ADDRESS, &second).await.unwrap();
        let tags = memory.tags();
        assert!(tags.iter().any(|tags| tags["team"] == "ml"), "{on:?}: {tags:?}");
        assert!(
            tags.iter().all(|tags| tags.get("old").is_none()),
            "{on:?}: {tags:?}"
        );
    }
}

#[tokio::test]
async fn an_update_that_fails_anywhere_is_finished_by_the_next_apply_on_aws() {
    update_with_every_fault(On::Aws).await;
}

#[tokio::test]
async fn an_update_that_fails_anywhere_is_finished_by_the_next_apply_on_google_cloud() {
    update_with_every_fault(On::Gcp).await;
}

/// The same for destroy.
async fn destroy_with_every_fault(on: On) {
    let mut tried = 0;
    for strike in [Strike::Before, Strike::After, Strike::Panic] {
        for number in 0.. {
            let memory = Arc::new(Memory::new());
            let mut core = core(&memory).await;
            let config = on.config(&core, |_| {});
            core.apply(ADDRESS, &config).await.unwrap();
            memory.fail_write(number, strike);
            let first = core.destroy(ADDRESS).await;
            if !memory.struck() {
                first.unwrap();
                break;
            }
            tried += 1;
            if let Err(failure) = core.destroy(ADDRESS).await {
                panic!(
                    "{on:?}, write {number}, {strike:?}: {failure}\n{:?}",
                    failure.diagnostics()
                );
            }
            assert_eq!(
                memory.mortal(),
                BTreeMap::new(),
                "{on:?}, write {number}, {strike:?}: orphans"
            );
        }
    }
    assert!(tried > 30, "only {tried} faults tried");
}

/// B47: protection from deletion is no obstacle to going on, which deletes nothing.
#[tokio::test]
async fn a_protected_environment_that_failed_half_way_is_finished() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = on.config(&core, |settings| {
            settings["protection"] = json!({ "deletion": true })
        });
        memory.fail_write(12, Strike::Before);
        core.apply(ADDRESS, &config).await.unwrap_err();
        memory.calls();
        core.converge(ADDRESS, &config).await.unwrap();
        let calls = memory.calls();
        assert!(calls.iter().all(|call| !call.starts_with("delete")), "{calls:?}");
        // B48, B66: what is half made and protected is not destroyed either.
        let failure = core.destroy(ADDRESS).await.unwrap_err();
        assert!(
            messages(&failure).contains("is protected"),
            "{}",
            messages(&failure)
        );
    }
}

/// B48: a half-made environment goes entirely.
#[tokio::test]
async fn an_incomplete_environment_is_destroyed() {
    for on in BOTH {
        for number in [3, 12, 25] {
            let memory = Arc::new(Memory::new());
            let mut core = core(&memory).await;
            let config = on.config(&core, |_| {});
            memory.fail_write(number, Strike::After);
            core.apply(ADDRESS, &config).await.unwrap_err();
            core.destroy(ADDRESS).await.unwrap();
            assert_eq!(memory.mortal(), BTreeMap::new(), "{on:?}, write {number}");
        }
    }
}

#[tokio::test]
async fn a_destroy_that_fails_anywhere_is_finished_by_the_next_on_aws() {
    destroy_with_every_fault(On::Aws).await;
}

#[tokio::test]
async fn a_destroy_that_fails_anywhere_is_finished_by_the_next_on_google_cloud() {
    destroy_with_every_fault(On::Gcp).await;
}

#[tokio::test]
async fn an_interrupted_create_answers_and_goes_on() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    memory.fail_write(12, Strike::Hang);
    let interrupt = core.interrupt();
    let stopping = tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        interrupt.stop();
    });
    let started = std::time::Instant::now();
    let failure = core.apply(ADDRESS, &config).await.unwrap_err();
    stopping.await.unwrap();
    assert!(
        started.elapsed().as_secs() < 5,
        "the answer is out before the second Ctrl-C"
    );
    assert!(
        messages(&failure).contains("was interrupted"),
        "{}",
        messages(&failure)
    );
    assert_eq!(
        text(&core.object(ADDRESS).unwrap().value, &["phase"]),
        "INCOMPLETE"
    );
    core.converge(ADDRESS, &config).await.unwrap();
}

#[tokio::test]
async fn an_environment_whose_logs_were_kept_can_be_made_again() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |settings| {
        settings["buckets"] = json!({ "logs": { "on_destroy": "retain" } });
    });
    core.converge(ADDRESS, &config).await.unwrap();
    core.destroy(ADDRESS).await.unwrap();
    let kept = memory.ids();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let again = core.converge(ADDRESS, &config).await.unwrap();
    assert_eq!(text(&again.state, &["phase"]), "READY");
    for (name, id) in &kept {
        assert_eq!(memory.ids().get(name), Some(id), "what was kept is used again");
    }
}

/// B43: each operation has a time of its own. What runs out of it answers with what stands, and the next apply goes on.
#[tokio::test]
async fn a_create_an_update_and_a_destroy_each_end_by_their_own_timeout() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let patient = on.config(&core, |_| {});
        let out_of_time = |failure: &Failure, operation: &str| {
            let said = messages(failure);
            assert!(said.contains("ran out of time"), "{on:?} {operation}: {said}");
        };
        let hasty = |core: &FakeCore, operation: &str, tagged: bool| {
            on.config(core, |settings| {
                settings["timeouts"] = json!({ operation: "1s" });
                if tagged {
                    settings["tags"] = json!({ "team": "ml" });
                }
            })
        };
        memory.fail_write(9, Strike::Hang);
        let config = hasty(&core, "create", false);
        out_of_time(&core.apply(ADDRESS, &config).await.unwrap_err(), "create");
        let phase = text(&core.object(ADDRESS).unwrap().value, &["phase"]);
        assert_eq!(phase, "INCOMPLETE");
        core.converge(ADDRESS, &patient).await.unwrap();

        memory.fail_write(4, Strike::Hang);
        let config = hasty(&core, "update", true);
        out_of_time(&core.apply(ADDRESS, &config).await.unwrap_err(), "update");
        let config = hasty(&core, "delete", true);
        core.converge(ADDRESS, &config).await.unwrap();

        memory.fail_write(6, Strike::Hang);
        out_of_time(&core.destroy(ADDRESS).await.unwrap_err(), "delete");
        // The time that a destroy has stands in the state; without anything in its way it is enough.
        core.destroy(ADDRESS).await.unwrap();
    }
}

/// B52: two applies from two states at once.
#[tokio::test]
async fn of_two_applies_at_once_one_wins_and_the_other_touches_nothing() {
    let memory = Arc::new(Memory::new());
    let mut first = core(&memory).await;
    let config = config(&first, |_| {});
    memory.fail_write(12, Strike::Hang);
    let interrupt = first.interrupt();
    let applying = {
        let config = config.clone();
        tokio::spawn(async move {
            let result = first.apply(ADDRESS, &config).await;
            (first, result)
        })
    };
    while !memory.struck() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = memory.ids();
    let mut second = core(&memory).await;
    let refused = second.apply(ADDRESS, &config).await.unwrap_err();
    let said = messages(&refused);
    assert!(
        said.contains("Somebody else is applying this environment") && said.contains("last sign of life at"),
        "{said}"
    );
    let after: Vec<String> = memory.ids().into_keys().collect();
    assert!(before.keys().all(|name| after.contains(name)));
    assert!(
        second.object(ADDRESS).is_none(),
        "nothing of the other's is in this state"
    );

    interrupt.stop();
    let (mut first, result) = applying.await.unwrap();
    result.unwrap_err();
    first.converge(ADDRESS, &config).await.unwrap();
}

/// The same when the one before was killed where we cannot look: its claim is watched, then taken up.
#[tokio::test]
async fn a_claim_without_a_sign_of_life_is_taken_up() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    memory.leave_lease("killed on another machine");
    let change = later(&core);
    core.converge(ADDRESS, &change).await.unwrap();
    memory.leave_lease("killed on another machine");
    core.destroy(ADDRESS).await.unwrap();
    assert_eq!(memory.ids(), BTreeMap::new());
}

fn later(core: &FakeCore) -> Value {
    config(core, |settings| {
        settings["buckets"] = json!({ "data": { "noncurrent_days": 60 } })
    })
}

/// Somebody elsewhere took us for dead and took over: we stop at once and say so, and nothing is lost.
#[tokio::test]
async fn an_apply_whose_claim_was_taken_stops() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = config(&core, |_| {});
    memory.fail_write(12, Strike::Hang);
    let thief = Arc::clone(&memory);
    let stealing = tokio::spawn(async move {
        while !thief.struck() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        thief.leave_lease("took over");
    });
    let failure = core.apply(ADDRESS, &config).await.unwrap_err();
    stealing.await.unwrap();
    let said = messages(&failure);
    assert!(
        said.contains("Somebody else took over this environment"),
        "{said}"
    );
    let held = core.object(ADDRESS).expect("what was reached is in the state");
    assert_eq!(text(&held.value, &["phase"]), "INCOMPLETE");
    core.converge(ADDRESS, &config).await.unwrap();
}
