//! One of each kind: as an environment `shop` would want it, and as it would want it next.

use std::collections::{BTreeMap, BTreeSet};

use mlops_environment::component::{Component, Kind, OnDestroy};
use mlops_environment::gcp::{
    Bucket, Budget, Cluster, Condition, Grant, Key, KeyRing, LifecycleRule, LogBucket, Network, NodePool,
    ProjectGrants, Repository, Secret, ServiceAccount, ServiceAgent, Services, Taint, Trust,
    WorkloadIdentityPool, WorkloadIdentityProvider,
};

use crate::harness::{ENVIRONMENT, FAMILY, component};

const LOCATION: &str = "projects/acme/locations/europe-west4";

/// A component, what it becomes, and what must stand before.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) first: Component,
    pub(crate) second: Component,
    pub(crate) before: Vec<Component>,
    /// Stands after its deletion, because its kind cannot go.
    pub(crate) stays: bool,
}

fn set<const N: usize>(values: [&str; N]) -> BTreeSet<String> {
    values.map(str::to_owned).into()
}

fn mark(component: &str) -> String {
    format!(r#"{{"environment":"{ENVIRONMENT}","uid":"u1","component":"{component}"}}"#)
}

pub(crate) fn tags(component: &str, team: &str) -> BTreeMap<String, String> {
    [
        ("mlops_environment", "gcp_acme_europe-west4_shop"),
        ("mlops_uid", "u1"),
        ("mlops_component", component),
        ("team", team),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn email(purpose: &str) -> String {
    format!("{purpose}{FAMILY}")
}

pub(crate) fn account(purpose: &str) -> Component {
    let account = ServiceAccount {
        email: email(purpose),
        account_id: email(purpose).split('@').next().unwrap().to_owned(),
        display_name: format!("{purpose} of shop"),
        description: mark(purpose),
    };
    component(purpose, Kind::GcpServiceAccount, &account)
}

fn to(role: &str, purpose: &str) -> Grant {
    Grant {
        role: format!("roles/{role}"),
        member: format!("serviceAccount:{}", email(purpose)),
        condition: None,
    }
}

pub(crate) fn ring() -> Component {
    let ring = KeyRing {
        name: format!("{LOCATION}/keyRings/shop"),
        owner: ENVIRONMENT.into(),
    };
    component("keys.ring", Kind::GcpKeyRing, &ring)
}

fn key_properties() -> Key {
    Key {
        name: format!("{LOCATION}/keyRings/shop/cryptoKeys/storage"),
        rotation_days: 90,
        agents: [ServiceAgent::Storage, ServiceAgent::SecretManager].into(),
        grants: BTreeSet::new(),
        family: FAMILY.into(),
        tags: tags("keys_storage", "ml"),
    }
}

fn bucket_properties(name: &str) -> Bucket {
    Bucket {
        name: name.into(),
        project: "acme".into(),
        location: "europe-west4".into(),
        uniform_access: true,
        public_access_prevention: "enforced".into(),
        versioning: true,
        kms_key: None,
        lifecycle: [
            LifecycleRule::ExpireReplaced { days: 90 },
            LifecycleRule::AbortUploads { days: 7 },
            LifecycleRule::Expire {
                days: 30,
                prefix: "tmp/".into(),
            },
        ]
        .into(),
        soft_delete_days: 7,
        retention_lock: None,
        grants: BTreeSet::new(),
        folders: [
            ("shop/".to_owned(), [to("storage.objectViewer", "rt-shop")].into()),
            ("old/".to_owned(), [to("storage.objectViewer", "rt-shop")].into()),
        ]
        .into(),
        family: FAMILY.into(),
        tags: tags("buckets_models", "ml"),
    }
}

pub(crate) fn bucket(name: &str) -> Component {
    component("buckets.models", Kind::GcpBucket, &bucket_properties(name))
}

fn wif_pool() -> WorkloadIdentityPool {
    WorkloadIdentityPool {
        name: "projects/acme/locations/global/workloadIdentityPools/mlops-shop".into(),
        display_name: "shop".into(),
        description: mark("federation.pool"),
    }
}

fn provider() -> WorkloadIdentityProvider {
    WorkloadIdentityProvider {
        name: "projects/acme/locations/global/workloadIdentityPools/mlops-shop/providers/github".into(),
        issuer: "https://token.actions.githubusercontent.com".into(),
        audiences: set(["https://github.com/acme"]),
        attribute_mapping: [("google.subject".to_owned(), "assertion.sub".to_owned())].into(),
        attribute_condition: "assertion.repository_id == '7'".into(),
        display_name: "GitHub".into(),
        description: mark("federation.github"),
    }
}

fn pool_properties(name: &str) -> NodePool {
    NodePool {
        cluster: format!("{LOCATION}/clusters/shop"),
        name: name.into(),
        service_account: email("nd-shop"),
        machine_type: "e2-standard-4".into(),
        spot: false,
        accelerator: None,
        image_type: "COS_CONTAINERD".into(),
        disk_gb: 100,
        disk_type: "pd-balanced".into(),
        min: 1,
        max: 3,
        initial_count: 1,
        version: String::new(),
        labels: [("purpose".to_owned(), "serving".to_owned())].into(),
        taints: BTreeSet::new(),
        max_surge: 1,
        max_unavailable: 0,
        metadata_mode: "GKE_METADATA".into(),
        tags: tags("node_pools_serving", "ml"),
    }
}

fn cluster_properties() -> Cluster {
    Cluster {
        name: format!("{LOCATION}/clusters/shop"),
        version: String::new(),
        release_channel: "REGULAR".into(),
        network: "projects/acme/global/networks/vpc".into(),
        subnetwork: "projects/acme/regions/europe-west4/subnetworks/nodes".into(),
        pods_range: "pods".into(),
        services_range: "services".into(),
        private_nodes: true,
        dns_endpoint: true,
        endpoint_private: false,
        endpoint_public: false,
        public_cidrs: BTreeSet::new(),
        workload_pool: "acme.svc.id.goog".into(),
        database_encryption_key: None,
        shielded_nodes: true,
        log_components: set(["SYSTEM_COMPONENTS", "WORKLOADS"]),
        tags: tags("cluster", "ml"),
        initial_pools: [("node_pools.serving".to_owned(), pool_properties("serving-1a"))].into(),
    }
}

pub(crate) fn cluster() -> Component {
    component("cluster", Kind::GcpCluster, &cluster_properties())
}

pub(crate) fn network() -> Component {
    let network = Network {
        network: "projects/acme/global/networks/vpc".into(),
        subnetwork: "projects/acme/regions/europe-west4/subnetworks/nodes".into(),
        pods_range: "pods".into(),
        services_range: "services".into(),
    };
    component("network", Kind::GcpNetwork, &network)
}

fn case(name: &'static str, first: Component, second: Component, before: Vec<Component>) -> Case {
    Case {
        name,
        first,
        second,
        before,
        stays: false,
    }
}

/// A test of `$check` for each kind but the network, which is never made.
macro_rules! each_kind {
    ($check:ident) => {
        $crate::environment::each_kind!(@ $check;
            services, key_ring, key, service_account, trust, project_grants, whole_bucket, locked_bucket, repository, secret,
            log_bucket, identity_pool, identity_provider, whole_cluster, node_pool, budget);
    };
    (@ $check:ident; $($kind:ident),+) => {
        $(
            #[tokio::test]
            async fn $kind() {
                super::$check(&$crate::environment::$kind()).await;
            }
        )+
    };
}
pub(crate) use each_kind;

pub(crate) fn key_ring() -> Case {
    Case {
        stays: true,
        ..case("key ring", ring(), ring(), Vec::new())
    }
}

pub(crate) fn services() -> Case {
    let of = |services: BTreeSet<String>| {
        let services = Services {
            project: "acme".into(),
            services,
            owner: ENVIRONMENT.into(),
        };
        component("services", Kind::GcpServices, &services)
    };
    Case {
        stays: true,
        ..case(
            "services",
            of(set(["container.googleapis.com", "cloudkms.googleapis.com"])),
            of(set([
                "container.googleapis.com",
                "cloudkms.googleapis.com",
                "monitoring.googleapis.com",
            ])),
            Vec::new(),
        )
    }
}

pub(crate) fn key() -> Case {
    let kind = |key: &Key| component("keys.storage", Kind::GcpKey, key);
    let second = Key {
        rotation_days: 30,
        agents: [ServiceAgent::Storage, ServiceAgent::ArtifactRegistry].into(),
        tags: tags("keys_storage", "platform"),
        ..key_properties()
    };
    case("key", kind(&key_properties()), kind(&second), vec![ring()])
}

pub(crate) fn service_account() -> Case {
    let mut second = account("dr-shop");
    second
        .properties
        .insert("display_name".into(), "drift of the shop".into());
    case("service account", account("dr-shop"), second, Vec::new())
}

pub(crate) fn trust() -> Case {
    let of = |members: BTreeSet<String>| {
        let trust = Trust {
            account: email("ci-shop"),
            members,
            owner: ENVIRONMENT.into(),
        };
        component("trust.ci", Kind::GcpTrust, &trust)
    };
    let gate = |gate: &str| {
        format!(
            "principalSet://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/mlops-shop/attribute.gate/7/{gate}"
        )
    };
    case(
        "trust",
        of([gate("ref/main")].into()),
        of([gate("ref/main"), gate("env/dev")].into()),
        vec![
            account("ci-shop"),
            component("federation.pool", Kind::GcpWorkloadIdentityPool, &wif_pool()),
        ],
    )
}

pub(crate) fn project_grants() -> Case {
    let of = |grants: BTreeSet<Grant>| {
        let grants = ProjectGrants {
            project: "acme".into(),
            grants,
            family: FAMILY.into(),
            owner: ENVIRONMENT.into(),
        };
        component("project_grants", Kind::GcpProjectGrants, &grants)
    };
    let bounded = Grant {
        condition: Some(Condition {
            title: "this cluster".into(),
            expression: format!("resource.name == '{LOCATION}/clusters/shop'"),
        }),
        ..to("container.clusterViewer", "dp-shop")
    };
    case(
        "project grants",
        of([bounded.clone()].into()),
        of([bounded, to("monitoring.metricWriter", "dp-shop")].into()),
        vec![account("dp-shop")],
    )
}

pub(crate) fn whole_bucket() -> Case {
    let second = Bucket {
        versioning: false,
        lifecycle: [LifecycleRule::Transition {
            days: 60,
            prefix: String::new(),
        }]
        .into(),
        soft_delete_days: 0,
        retention_lock: Some(30),
        folders: [
            (
                "shop/".to_owned(),
                [
                    to("storage.objectViewer", "rt-shop"),
                    to("storage.objectCreator", "rt-shop"),
                ]
                .into(),
            ),
            ("new/".to_owned(), [to("storage.objectCreator", "rt-shop")].into()),
        ]
        .into(),
        tags: tags("buckets_models", "platform"),
        ..bucket_properties("shop-models-1a2b3c4d")
    };
    let mut case = case(
        "bucket",
        bucket("shop-models-1a2b3c4d"),
        component("buckets.models", Kind::GcpBucket, &second),
        vec![account("rt-shop")],
    );
    case.second.on_destroy = OnDestroy::Purge;
    case
}

/// Locked from the beginning, and made longer.
pub(crate) fn locked_bucket() -> Case {
    let of = |days: i64| {
        let bucket = Bucket {
            versioning: false,
            retention_lock: Some(days),
            folders: BTreeMap::new(),
            ..bucket_properties("shop-data-1a2b3c4d")
        };
        component("buckets.data", Kind::GcpBucket, &bucket)
    };
    case("locked bucket", of(30), of(60), Vec::new())
}

pub(crate) fn repository() -> Case {
    let first = Repository {
        name: format!("{LOCATION}/repositories/shop"),
        immutable_tags: true,
        scanning: "INHERITED".into(),
        kms_key: None,
        untagged_days: Some(14),
        keep_tagged: Some(30),
        grants: [to("artifactregistry.writer", "ci-reg")].into(),
        family: FAMILY.into(),
        tags: tags("registry", "ml"),
    };
    let second = Repository {
        immutable_tags: false,
        scanning: "DISABLED".into(),
        untagged_days: Some(7),
        keep_tagged: None,
        grants: [to("artifactregistry.reader", "ci-reg")].into(),
        tags: tags("registry", "platform"),
        ..first.clone()
    };
    let kind = |repository: &Repository| component("registry", Kind::GcpRepository, repository);
    case("repository", kind(&first), kind(&second), vec![account("ci-reg")])
}

pub(crate) fn secret() -> Case {
    let first = Secret {
        name: "projects/acme/secrets/shop-churn-api".into(),
        location: "europe-west4".into(),
        kms_key: None,
        grants: [to("secretmanager.secretAccessor", "rt-sec")].into(),
        family: FAMILY.into(),
        tags: tags("secrets_churn_api", "ml"),
    };
    let second = Secret {
        grants: BTreeSet::new(),
        tags: tags("secrets_churn_api", "platform"),
        ..first.clone()
    };
    let kind = |secret: &Secret| component("secrets.churn.api", Kind::GcpSecret, secret);
    case("secret", kind(&first), kind(&second), vec![account("rt-sec")])
}

pub(crate) fn log_bucket() -> Case {
    let first = LogBucket {
        name: format!("{LOCATION}/buckets/shop"),
        retention_days: 90,
        kms_key: None,
        sink: "shop".into(),
        filter: r#"resource.type="k8s_cluster""#.into(),
        description: mark("logs"),
    };
    let second = LogBucket {
        retention_days: 30,
        filter: r#"resource.type="k8s_container""#.into(),
        ..first.clone()
    };
    let kind = |bucket: &LogBucket| component("logs", Kind::GcpLogBucket, bucket);
    case("log bucket", kind(&first), kind(&second), Vec::new())
}

pub(crate) fn identity_pool() -> Case {
    let second = WorkloadIdentityPool {
        display_name: "the shop".into(),
        ..wif_pool()
    };
    let kind =
        |pool: &WorkloadIdentityPool| component("federation.pool", Kind::GcpWorkloadIdentityPool, pool);
    case(
        "workload identity pool",
        kind(&wif_pool()),
        kind(&second),
        Vec::new(),
    )
}

pub(crate) fn identity_provider() -> Case {
    let second = WorkloadIdentityProvider {
        audiences: set(["https://github.com/acme", "mlops"]),
        attribute_mapping: [
            ("google.subject".to_owned(), "assertion.sub".to_owned()),
            ("attribute.gate".to_owned(), "assertion.ref".to_owned()),
        ]
        .into(),
        attribute_condition: "assertion.repository_id == '8'".into(),
        ..provider()
    };
    let kind = |provider: &WorkloadIdentityProvider| {
        component("federation.github", Kind::GcpWorkloadIdentityProvider, provider)
    };
    case(
        "workload identity provider",
        kind(&provider()),
        kind(&second),
        vec![component(
            "federation.pool",
            Kind::GcpWorkloadIdentityPool,
            &wif_pool(),
        )],
    )
}

pub(crate) fn whole_cluster() -> Case {
    let second = Cluster {
        release_channel: "STABLE".into(),
        endpoint_private: true,
        endpoint_public: true,
        public_cidrs: set(["192.0.2.0/24"]),
        log_components: set(["SYSTEM_COMPONENTS"]),
        tags: tags("cluster", "platform"),
        ..cluster_properties()
    };
    case(
        "cluster",
        cluster(),
        component("cluster", Kind::GcpCluster, &second),
        vec![account("nd-shop")],
    )
}

pub(crate) fn node_pool() -> Case {
    let second = NodePool {
        machine_type: "e2-standard-8".into(),
        min: 2,
        max: 5,
        labels: [("purpose".to_owned(), "training".to_owned())].into(),
        taints: [Taint {
            key: "training".into(),
            value: "true".into(),
            effect: "NO_SCHEDULE".into(),
        }]
        .into(),
        max_surge: 2,
        tags: tags("node_pools_training", "platform"),
        ..pool_properties("training-1a")
    };
    let first = NodePool {
        tags: tags("node_pools_training", "ml"),
        ..pool_properties("training-1a")
    };
    let kind = |pool: &NodePool| component("node_pools.training", Kind::GcpNodePool, pool);
    case(
        "node pool",
        kind(&first),
        kind(&second),
        vec![account("nd-shop"), cluster()],
    )
}

pub(crate) fn budget() -> Case {
    let first = Budget {
        name: "mlops-shop-1a2b3c4d".into(),
        billing_account: "01AB23-CD45EF-67AB89".into(),
        project: "projects/acme".into(),
        label: "gcp_acme_europe-west4_shop".into(),
        monthly: "500".into(),
        currency: "EUR".into(),
        thresholds: [80, 100].into(),
        topic: Some("projects/acme/topics/costs".into()),
        channels: set(["projects/acme/notificationChannels/42"]),
        owner: ENVIRONMENT.into(),
    };
    let second = Budget {
        monthly: "700".into(),
        thresholds: [50, 90, 100].into(),
        topic: None,
        channels: set(["projects/acme/notificationChannels/43"]),
        ..first.clone()
    };
    let kind = |budget: &Budget| component("budget", Kind::GcpBudget, budget);
    case("budget", kind(&first), kind(&second), Vec::new())
}
