//! B13: every attribute that can be set, changed on a standing environment: in place, or refused at plan with the way
//! forward, and never a replacement but where the address changes. The table must hold every attribute of the schema.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use terraform_provider_mlops::resource::schema::schema;
use tfplugin::Value;
use tfplugin::schema::{Attribute, Kind, Mode, Nesting};
use tfplugin::testing::{Action, FakeCore, Object};

use crate::memory::{Memory, Saved};
use crate::{ADDRESS, On, core, lines, messages, text};

/// What becomes of a change.
enum Outcome {
    /// Changed on what stands.
    InPlace,
    /// The same value in other words.
    Nothing,
    /// Not possible, and the message says this.
    Refused(&'static str),
    /// Another environment.
    Replaced,
}

use Outcome::{InPlace, Nothing, Refused, Replaced};

/// A change of one attribute.
struct Row {
    /// What must be set before, beside [`base`].
    before: Json,
    /// What is set then.
    after: Json,
    outcome: Outcome,
}

fn to(after: Json, outcome: Outcome) -> Row {
    Row {
        before: json!({}),
        after,
        outcome,
    }
}

fn from(before: Json, after: Json, outcome: Outcome) -> Row {
    Row {
        before,
        after,
        outcome,
    }
}

/// Paths of everything that can be set; keys of maps are `*`, lists are one thing.
fn settable(prefix: &str, attributes: &BTreeMap<String, Attribute>, found: &mut Vec<String>) {
    for (name, attribute) in attributes {
        let path = format!("{prefix}{name}");
        match &attribute.kind {
            _ if attribute.mode == Mode::Computed => {}
            Kind::Nested(Nesting::Single, children) => settable(&format!("{path}."), children, found),
            Kind::Nested(Nesting::Map, children) => settable(&format!("{path}.*."), children, found),
            Kind::Plain(_) | Kind::Nested(..) => found.push(path),
        }
    }
}

fn every_path() -> Vec<String> {
    let schema = schema();
    let mut found = Vec::new();
    settable("", &schema.attributes, &mut found);
    for (name, block) in &schema.blocks {
        settable(&format!("{name}."), &block.attributes, &mut found);
    }
    found
}

/// An object with one value at a path.
fn at(path: &str, value: Json) -> Json {
    path.rsplit('.').fold(value, |inner, name| json!({ name: inner }))
}

/// Puts `patch` over `onto`, all the way down.
fn merge(onto: &mut Json, patch: &Json) {
    match (onto, patch) {
        (Json::Object(onto), Json::Object(patch)) => {
            for (name, value) in patch {
                merge(onto.entry(name).or_insert(Json::Null), value);
            }
        }
        (onto, patch) => *onto = patch.clone(),
    }
}

fn base(on: On) -> Json {
    let mut base = json!({
        "node_pools": {
            "system": { "purpose": "system", "size": "small", "min": 1, "max": 3 },
            "serving": { "purpose": "serving", "size": "medium", "min": 0, "max": 3 },
        },
        "cluster": { "version": "1.33" },
    });
    if on == On::Gcp {
        base["gcp"] = json!({ "location": "europe-west1" });
    }
    base
}

const FIXED: Outcome = Refused("replace_components = {");
const OURS: Outcome = Refused("cannot be swapped for an existing one");
const KEY: [&str; 2] = [
    "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "projects/acme-keys/locations/europe-west1/keyRings/ml/cryptoKeys/given",
];

const LASTING: Outcome = Refused("everything of the environment stands in it");

/// An environment in a network of its own.
fn own_network(on: On) -> Json {
    match on {
        On::Aws => json!({ "aws": { "existing_network": null } }),
        On::Gcp => json!({ "gcp": { "existing_network": null } }),
    }
}

/// An environment in a cluster of somebody else.
fn in_a_given_cluster(on: On) -> Json {
    let mut given = own_network(on);
    let more = json!({ "cluster": { "existing": "shared", "version": null }, "node_pools": null });
    merge(&mut given, &more);
    given
}

fn budget(on: On, path: &str) -> Row {
    let (before, topic, account) = match on {
        On::Aws => (
            json!({ "monthly": 500, "emails": ["ml@example.com"] }),
            "arn:aws:sns:eu-west-1:123456789012:costs",
            Refused("Remove billing_account"),
        ),
        On::Gcp => (
            json!({ "monthly": 500, "topics": ["projects/acme/topics/a"], "billing_account": "012345-6789AB-CDEF01" }),
            "projects/acme/topics/b",
            FIXED,
        ),
    };
    let aws = on == On::Aws;
    let (after, outcome) = match path.trim_start_matches("budget.") {
        "monthly" => (json!(700), InPlace),
        "currency" if aws => (json!("EUR"), Refused("AWS bills in USD")),
        "currency" => (json!("EUR"), FIXED),
        "thresholds" => (json!([50, 90]), InPlace),
        "emails" if aws => (json!(["costs@example.com"]), InPlace),
        "emails" => (json!(["costs@example.com"]), Refused("notification channel")),
        "topics" => (json!([topic]), InPlace),
        "billing_account" => (json!("ABCDEF-012345-6789AB"), account),
        other => panic!("budget.{other} has no row"),
    };
    from(json!({ "budget": before }), at(path, after), outcome)
}

fn gitlab_row(path: &str, only_aws: impl Fn(Outcome, &'static str) -> Outcome) -> Row {
    let on_aws = matches!(only_aws(InPlace, ""), InPlace);
    let only_gcp = |said: &'static str| if on_aws { Refused(said) } else { InPlace };
    let (after, outcome) = match path.trim_start_matches("federation.gitlab.") {
        "url" if on_aws => (
            json!("https://git.acme.example"),
            Refused("cannot take its place"),
        ),
        "url" => (json!("https://git.acme.example"), FIXED),
        "project_path" => (json!("acme/retention"), InPlace),
        "project_id" => (json!("42"), only_gcp("names the project by its path")),
        "ci_refs" => (json!(["refs/heads/main"]), InPlace),
        "environments.deploy" => (json!("production"), InPlace),
        "environments.tier" => (json!("staging"), only_aws(InPlace, "Remove tier")),
        "protected_only" => (json!(false), only_gcp("Protect the refs")),
        "audience" => (json!("sts.amazonaws.com"), only_aws(InPlace, "Remove audience")),
        "oidc_provider" => (
            json!("reference"),
            only_aws(InPlace, "a workload identity pool of its own"),
        ),
        other => panic!("federation.gitlab.{other} has no row"),
    };
    from(
        at("federation.gitlab.project_path", json!("acme/churn")),
        at(path, after),
        outcome,
    )
}

fn row(on: On, path: &str) -> Option<Row> {
    let aws = on == On::Aws;
    let pick = |on_aws: Json, on_gcp: Json| if aws { on_aws } else { on_gcp };
    let word = |on_aws: &str, on_gcp: &str| pick(json!(on_aws), json!(on_gcp));
    let set = |value: Json| at(path, value);
    // What only one cloud has is refused on the other.
    let only_aws = |outcome: Outcome, said: &'static str| if aws { outcome } else { Refused(said) };
    let pool = |value: Json| at(&path.replace('*', "serving"), value);
    let service = |value: Json| {
        at(
            &path.replacen('*', "churn", 1).replace('*', "feature-store"),
            value,
        )
    };
    Some(match path {
        "name" => to(set(json!("other-dev")), Replaced),
        "tier" => from(
            json!({ "registry": { "mode": "create" } }),
            set(json!("staging")),
            InPlace,
        ),
        "owner" => to(set(json!("platform")), InPlace),
        "defaults_version" => to(set(json!(1)), Nothing),
        "tags" => to(set(json!({ "team": "ml" })), InPlace),

        path if path.starts_with("aws.") && !aws || path.starts_with("gcp.") && aws => return None,
        "aws.account_id" => to(set(json!("222222222222")), Refused("credentials to 123456789012")),
        "aws.region" => to(set(json!("eu-central-1")), Replaced),
        "aws.existing_network.vpc_id" => to(set(json!("vpc-0123456789abcdeff")), FIXED),
        "aws.existing_network.private_subnet_ids" => to(
            set(json!(["subnet-0123456789abcdef0", "subnet-0123456789abcdeff"])),
            FIXED,
        ),
        "aws.existing_network.public_subnet_ids" => to(set(json!(["subnet-0123456789abcdef9"])), FIXED),
        "aws.permissions_boundary" => to(set(json!("arn:aws:iam::123456789012:policy/limit")), InPlace),
        "aws.role_path" => to(set(json!("/elsewhere/")), FIXED),
        "aws.extended_support" => to(set(json!(true)), InPlace),

        "gcp.project" => to(set(json!("other-project")), Refused("acme-ml-dev")),
        "gcp.region" => to(
            json!({ "gcp": { "region": "europe-north1", "location": "europe-north1" } }),
            Replaced,
        ),
        "gcp.location" => to(set(json!("europe-west1-b")), Replaced),
        "gcp.existing_network.network" => to(set(json!("other")), FIXED),
        "gcp.existing_network.subnetwork" => to(set(json!("other")), FIXED),
        "gcp.existing_network.pods_range" => to(set(json!("other")), FIXED),
        "gcp.existing_network.services_range" => to(set(json!("other")), FIXED),
        "gcp.dns_endpoint" => to(set(json!(false)), InPlace),
        "gcp.manage_apis" => to(set(json!(false)), InPlace),

        "aws.vpc_endpoints" => from(own_network(on), set(json!(["s3", "sts"])), InPlace),
        "network.cidr" => from(own_network(on), set(json!("10.99.0.0/16")), LASTING),
        "network.zones" => from(own_network(on), set(json!(3)), only_aws(LASTING, "Remove zones")),
        "network.egress" => from(own_network(on), set(json!("none")), InPlace),

        "cluster.existing" => from(in_a_given_cluster(on), set(json!("another")), LASTING),
        "cluster.version" => to(set(json!("1.34")), InPlace),
        "cluster.release_channel" if aws => to(set(json!("STABLE")), Refused("EKS has no release channels")),
        "cluster.release_channel" => to(set(json!("STABLE")), InPlace),
        "cluster.endpoint.private" => from(
            json!({ "cluster": { "endpoint": { "public_cidrs": ["203.0.113.0/24"], "private": true } } }),
            set(json!(false)),
            InPlace,
        ),
        "cluster.endpoint.public" => from(
            json!({ "cluster": { "endpoint": { "private": true } } }),
            json!({ "cluster": { "endpoint": { "public": true, "public_cidrs": ["203.0.113.0/24"] } } }),
            InPlace,
        ),
        "cluster.endpoint.public_cidrs" => from(
            json!({ "cluster": { "endpoint": { "public_cidrs": ["203.0.113.0/24"] } } }),
            set(json!(["198.51.100.0/24"])),
            InPlace,
        ),
        "cluster.admins" => to(
            set(json!(["arn:aws:iam::123456789012:role/admins"])),
            only_aws(InPlace, "roles/container.admin"),
        ),
        "cluster.log_types" => to(set(json!(["api", "audit"])), InPlace),

        "node_pools.*.purpose" => to(pool(json!("general")), InPlace),
        "node_pools.*.size" => to(pool(json!("large")), InPlace),
        "node_pools.*.machine_types" => to(
            pool(pick(json!(["m7i.2xlarge"]), json!(["n2-standard-8"]))),
            InPlace,
        ),
        "node_pools.*.min" => to(pool(json!(1)), InPlace),
        "node_pools.*.max" => to(pool(json!(5)), InPlace),
        "node_pools.*.spot" => to(pool(json!(true)), InPlace),
        "node_pools.*.disk_gb" => to(pool(json!(120)), InPlace),
        "node_pools.*.disk_type" => to(pool(word("gp2", "pd-ssd")), InPlace),
        "node_pools.*.image_type" => to(pool(word("BOTTLEROCKET_x86_64", "UBUNTU_CONTAINERD")), InPlace),
        "node_pools.*.labels" => to(pool(json!({ "acme.io/team": "ml" })), InPlace),
        "node_pools.*.taints" => to(
            pool(json!([{ "key": "acme.io/only", "value": "x", "effect": "NoSchedule" }])),
            InPlace,
        ),
        "node_pools.*.rotate.max_unavailable" => to(pool(json!(2)), InPlace),

        "registry.mode" => to(
            json!({ "registry": { "mode": "reference", "reference": word(BUILD[0], BUILD[1]) } }),
            FIXED,
        ),
        "registry.reference" => from(
            json!({ "registry": { "mode": "reference", "reference": word(BUILD[0], BUILD[1]) } }),
            set(word(
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/other",
                "europe-west1-docker.pkg.dev/acme-build/other",
            )),
            InPlace,
        ),
        "registry.immutable_tags" => to(set(json!(false)), InPlace),
        "registry.scan_on_push" => to(set(json!(false)), InPlace),
        "registry.untagged_days" => to(set(json!(21)), InPlace),
        "registry.keep_tagged" => from(
            json!({ "registry": { "immutable_tags": false } }),
            set(json!(12)),
            InPlace,
        ),

        path if path.starts_with("buckets.") => bucket(on, path),

        "services.*.namespace" => to(service(json!("elsewhere")), InPlace),
        "services.*.train_namespace" => to(service(json!("elsewhere")), InPlace),
        "services.*.service_accounts.runtime"
        | "services.*.service_accounts.drift"
        | "services.*.service_accounts.retrain" => to(service(json!("another")), InPlace),
        "services.*.repositories" => to(service(json!(["churn-predictor", "churn-train"])), InPlace),
        "services.*.secrets.*.readers" => to(service(json!(["runtime", "drift"])), InPlace),

        path if path.starts_with("identities.") => identity(on, path),

        "federation.github.repository" => to(set(json!("acme/retention")), InPlace),
        "federation.github.owner_id" => to(set(json!("8")), InPlace),
        "federation.github.repository_id" => to(set(json!("9")), InPlace),
        "federation.github.subject_format" => {
            to(set(json!("both")), only_aws(InPlace, "Remove subject_format"))
        }
        "federation.github.ci_refs" => to(set(json!(["refs/heads/main"])), InPlace),
        "federation.github.environments.deploy" => to(set(json!("production")), InPlace),
        "federation.github.oidc_provider" => to(
            set(json!("reference")),
            only_aws(InPlace, "a workload identity pool of its own"),
        ),

        path if path.starts_with("budget.") => budget(on, path),
        path if path.starts_with("federation.gitlab.") => return Some(gitlab_row(path, only_aws)),

        "encryption.mode" => to(set(json!("cloud")), FIXED),
        "encryption.cluster.key"
        | "encryption.storage.key"
        | "encryption.secrets.key"
        | "encryption.logs.key" => to(set(word(KEY[0], KEY[1])), OURS),
        "encryption.rotation_days" => to(set(json!(180)), InPlace),
        "encryption.deletion_window_days" => {
            to(set(json!(20)), only_aws(InPlace, "keys outlive the environment"))
        }
        "logging.retention_days" => to(set(json!(60)), InPlace),
        "protection.deletion" => to(set(json!(true)), InPlace),
        "protection.data" => to(set(json!(false)), InPlace),
        "guardrails.permissions_boundary" if aws => to(set(json!(false)), InPlace),
        "guardrails.permissions_boundary" => to(set(json!(true)), Refused("Remove it here")),
        "guardrails.exclusive_writers" => to(set(json!(true)), only_aws(InPlace, "Remove it here")),
        "guardrails.bucket_tls_only" if aws => to(set(json!(false)), InPlace),
        "guardrails.bucket_tls_only" => to(set(json!(true)), Refused("Remove it here")),
        "kubernetes.access" if aws => to(set(json!("group")), InPlace),
        "kubernetes.access" => to(set(json!("managed")), Refused("Use \"group\"")),
        "enforcement.identities" | "enforcement.buckets" => to(set(json!("report")), InPlace),
        "partial_create" => to(set(json!("warn")), InPlace),
        // What stands is taken over under the name that it has.
        "adopt" => to(set(json!({ "buckets.data": "@bucket" })), InPlace),
        "replace_components" => to(set(json!({ "cluster": "0123456789ab" })), InPlace),
        "timeouts.create" | "timeouts.read" | "timeouts.update" | "timeouts.delete" => {
            to(set(json!("70m")), InPlace)
        }
        _ => return None,
    })
}

const BUILD: [&str; 2] = [
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/build",
    "europe-west1-docker.pkg.dev/acme-build/images",
];

fn bucket(on: On, path: &str) -> Row {
    let mut parts = path.split('.').skip(1);
    let (purpose, attribute) = (parts.next().unwrap(), parts.next().unwrap());
    let set = |value: Json| at(path, value);
    let (aws, logs) = (on == On::Aws, purpose == "logs");
    match attribute {
        "existing" if logs => to(set(json!("acme-logs")), Refused("Remove existing")),
        "existing" if aws => to(set(json!("acme-data")), OURS),
        "existing" => to(set(json!("acme-data")), Refused("adopt = {")),
        "versioning" => to(set(json!(false)), InPlace),
        "retention_days" => to(set(json!(120)), InPlace),
        "noncurrent_days" => to(set(json!(60)), InPlace),
        "transition_days" => from(
            at(&path.replace("transition_days", "retention_days"), json!(400)),
            set(json!(40)),
            InPlace,
        ),
        "retention_locked" if logs => to(set(json!(true)), Refused("Remove retention_locked")),
        "retention_locked" => from(
            at(&path.replace("retention_locked", "retention_days"), json!(400)),
            set(json!(true)),
            InPlace,
        ),
        "write_once" if aws && purpose == "predictions" => to(set(json!("conditional")), InPlace),
        "write_once" if aws => to(set(json!("conditional")), Refused("Remove write_once")),
        "write_once" if purpose == "mlflow" => to(set(json!("versioned")), InPlace),
        "write_once" => to(set(json!("versioned")), Refused("Remove write_once")),
        "on_destroy" if logs => to(set(json!("retain")), InPlace),
        "on_destroy" => to(set(json!("retain")), InPlace),
        other => panic!("no row for {other} of a bucket"),
    }
}

fn identity(on: On, path: &str) -> Row {
    let set = |value: Json| at(path, value);
    let aws = on == On::Aws;
    match path.rsplit('.').next().unwrap() {
        "enabled" => to(set(json!(false)), InPlace),
        "max_session" if aws => to(set(json!("2h")), InPlace),
        "max_session" => to(set(json!("2h")), Refused("max_session")),
        "additional_permissions" if aws => to(
            set(json!([{ "id": "Queue", "actions": ["sqs:SendMessage"],
                "resources": ["arn:aws:sqs:eu-west-1:123456789012:events"] }])),
            InPlace,
        ),
        "additional_permissions" => to(
            set(json!([{ "id": "Shared", "roles": ["roles/storage.objectViewer"],
                "resources": ["projects/_/buckets/@bucket/managedFolders/shared/"] }])),
            InPlace,
        ),
        "ci_environment" => to(set(json!("by-hand")), InPlace),
        "metrics_read" if aws => to(set(json!(true)), InPlace),
        "metrics_read" => to(set(json!(true)), Refused("Remove it here")),
        other => panic!("no row for {other} of an identity"),
    }
}

/// Names of the environment's own that are not known beforehand.
fn fill(patch: &Json, bucket: &str) -> Json {
    serde_json::from_str(&patch.to_string().replace("@bucket", bucket)).unwrap()
}

/// Standing environments by what was set before: each is made once.
struct Stands {
    on: On,
    memory: Arc<Memory>,
    core: FakeCore,
    made: BTreeMap<String, (Saved, Object)>,
}

impl Stands {
    async fn new(on: On) -> Self {
        let memory = Arc::new(Memory::new());
        Self {
            on,
            core: core(&memory).await,
            memory,
            made: BTreeMap::new(),
        }
    }

    fn config(&self, patches: &[&Json]) -> Value {
        self.on.config(&self.core, |settings| {
            merge(settings, &base(self.on));
            for patch in patches {
                merge(settings, patch);
            }
        })
    }

    /// An environment as it was made, with this set before.
    async fn stand(&mut self, before: &Json) {
        let key = before.to_string();
        if !self.made.contains_key(&key) {
            self.memory.restore(&Memory::new().save());
            self.core.forget(ADDRESS);
            let config = self.config(&[before]);
            self.core.apply(ADDRESS, &config).await.unwrap();
            let object = self.core.object(ADDRESS).unwrap().clone();
            self.made.insert(key.clone(), (self.memory.save(), object));
        }
        let (saved, object) = &self.made[&key];
        self.memory.restore(saved);
        self.core.store(ADDRESS, object.clone());
    }

    /// What the plan says of a row; what is planned in place is applied, and then nothing is left to do.
    async fn told(&mut self, path: &str, row: &Row) -> String {
        let on = self.on;
        self.stand(&row.before).await;
        let bucket = text(
            &self.core.object(ADDRESS).unwrap().value,
            &["bucket_info", "data", "name"],
        );
        let after = self.config(&[&row.before, &fill(&row.after, &bucket)]);
        let plan = match self.core.validate("mlops_environment", &after).await {
            Ok(_) => self.core.plan(ADDRESS, &after).await,
            Err(error) => Err(error),
        };
        let plan = plan.map_err(|error| messages(&error));
        match (&row.outcome, plan) {
            (Refused(says), Err(said)) => {
                assert!(
                    said.contains(says),
                    "{on:?} {path}: {says:?} is missing in {said}"
                );
                "refused\n".to_owned()
            }
            (Refused(_), Ok(plan)) => panic!(
                "{on:?} {path} is not refused but {:?}: {:#?}",
                plan.action,
                lines(&plan.planned, "last_change")
            ),
            (_, Err(said)) => panic!("{on:?} {path} is refused: {said}"),
            (Replaced, Ok(plan)) => {
                assert_eq!(plan.action, Action::Replace, "{on:?} {path}");
                "replaced\n".to_owned()
            }
            (Nothing, Ok(plan)) => {
                assert_eq!(plan.action, Action::NoOp, "{on:?} {path}");
                "nothing\n".to_owned()
            }
            (InPlace, Ok(plan)) => {
                assert_eq!(plan.action, Action::Update, "{on:?} {path}");
                let mut told = "in place\n".to_owned();
                for line in lines(&plan.planned, "last_change") {
                    writeln!(told, "    {line}").unwrap();
                }
                if !repeats(path) {
                    self.apply(path, &after).await;
                }
                told
            }
        }
    }

    async fn apply(&mut self, path: &str, config: &Value) {
        let fails = |failure: tfplugin::testing::Failure| panic!("{:?} {path}: {failure}", self.on);
        if let Err(failure) = self.core.apply(ADDRESS, config).await {
            fails(failure);
        }
        self.core.refresh(ADDRESS).await.unwrap();
        let plan = self.core.plan(ADDRESS, config).await.unwrap();
        assert_eq!(
            plan.action,
            Action::NoOp,
            "{:?} {path} leaves something to do: {:#?}",
            self.on,
            lines(&plan.planned, "last_change")
        );
    }
}

/// Attributes that are another's over again, told by the same code: they are planned, and not applied too.
fn repeats(path: &str) -> bool {
    [
        "buckets.models.",
        "buckets.mlflow.",
        "buckets.reports.",
        "identities.retrain.",
        "timeouts.",
    ]
    .iter()
    .any(|prefix| path.starts_with(prefix))
}

async fn walk(on: On) -> String {
    let mut stands = Stands::new(on).await;
    let mut told = String::new();
    for path in every_path() {
        match row(on, &path) {
            Some(row) => write!(told, "{path}: {}", stands.told(&path, &row).await).unwrap(),
            None => {
                let other = if on == On::Aws { "gcp." } else { "aws." };
                assert!(
                    path.starts_with(other),
                    "{path} has no row: say what becomes of its change"
                );
            }
        }
    }
    told
}

/// Buckets kept for so many days, locked or not.
fn kept(buckets: &[&str], days: i64, locked: bool) -> Json {
    let one = json!({ "retention_days": days, "retention_locked": locked });
    let all = buckets.iter().map(|bucket| ((*bucket).to_owned(), one.clone()));
    at("buckets", Json::Object(all.collect()))
}

/// B24: a token consents to one change of one component, once.
#[tokio::test]
async fn a_consent_is_good_for_one_change() {
    for on in [On::Aws, On::Gcp] {
        let mut stands = Stands::new(on).await;
        let locked = kept(&["data", "models"], 400, true);
        stands.stand(&locked).await;
        let open = at("buckets.data.retention_locked", json!(false));
        let config = stands.config(&[&locked, &open]);
        let said = messages(&stands.core.plan(ADDRESS, &config).await.unwrap_err());
        let token = said
            .split("\"buckets.data\" = \"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_else(|| panic!("no token in {said}"))
            .to_owned();
        let consent = at("replace_components", json!({ "buckets.data": token }));
        // Not for another component, and not for another change.
        for other in [
            at("buckets.models.retention_locked", json!(false)),
            at("buckets.data.retention_days", json!(300)),
        ] {
            let config = stands.config(&[&locked, &other, &consent]);
            stands.core.plan(ADDRESS, &config).await.unwrap_err();
        }
        let before = stands.memory.ids();
        let config = stands.config(&[&locked, &open, &consent]);
        let plan = stands.core.plan(ADDRESS, &config).await.unwrap();
        let told = lines(&plan.planned, "last_change");
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].starts_with("- buckets.data: delete") && told[0].ends_with("[data loss]"),
            "{told:?}"
        );
        stands.core.converge(ADDRESS, &config).await.unwrap();
        let mut after = stands.memory.ids();
        after.retain(|name, _| before.contains_key(name));
        assert_eq!(after.len(), before.len(), "nothing else went");
        // The line that is forgotten does not consent to what comes later.
        let again = stands.config(&[&locked, &consent]);
        stands.core.converge(ADDRESS, &again).await.unwrap();
        let lower = stands.config(&[&locked, &at("buckets.data.retention_days", json!(399)), &consent]);
        stands.core.plan(ADDRESS, &lower).await.unwrap_err();
    }
}

/// B25: a locked retention is never lowered nor taken off, and the refusal says what can be done.
#[tokio::test]
async fn a_locked_retention_is_only_made_longer() {
    for on in [On::Aws, On::Gcp] {
        let mut stands = Stands::new(on).await;
        stands.stand(&kept(&["data"], 400, true)).await;
        for less in [kept(&["data"], 399, true), kept(&["data"], 400, false), json!({})] {
            let config = stands.config(&[&less]);
            let said = messages(&stands.core.plan(ADDRESS, &config).await.unwrap_err());
            assert!(
                said.contains("its retention is locked") && said.contains("retention_days = 400 or more"),
                "{on:?}: {said}"
            );
        }
        let config = stands.config(&[&kept(&["data"], 500, true)]);
        stands.core.converge(ADDRESS, &config).await.unwrap();
    }
}

/// B15, B22: one minor version at a time, control plane before the pools; never back.
#[tokio::test]
async fn kubernetes_goes_up_one_minor_version_at_a_time() {
    for on in [On::Aws, On::Gcp] {
        let mut stands = Stands::new(on).await;
        stands.stand(&json!({})).await;
        for (version, says) in [
            ("1.35", "set cluster.version to 1.34 first"),
            ("1.32", "no way back"),
        ] {
            let config = stands.config(&[&at("cluster.version", json!(version))]);
            let said = messages(&stands.core.plan(ADDRESS, &config).await.unwrap_err());
            assert!(said.contains(says), "{said}");
        }
        stands.memory.calls();
        let config = stands.config(&[&at("cluster.version", json!("1.34"))]);
        let plan = stands.core.plan(ADDRESS, &config).await.unwrap();
        let told = lines(&plan.planned, "last_change");
        assert!(told[0].starts_with("~ cluster: version 1.33 → 1.34"), "{told:?}");
        stands.core.converge(ADDRESS, &config).await.unwrap();
        let updates: Vec<String> = stands
            .memory
            .calls()
            .into_iter()
            .filter(|call| call.starts_with("update:"))
            .collect();
        assert!(
            updates[0].contains("Cluster "),
            "control plane first: {updates:?}"
        );
        assert_eq!(updates.len(), 3, "{updates:?}");
    }
}

/// B14: another name, account or region is another environment; one that is protected is not given up for it.
#[tokio::test]
async fn another_address_replaces_and_not_what_is_protected() {
    for on in [On::Aws, On::Gcp] {
        let mut stands = Stands::new(on).await;
        stands.stand(&json!({})).await;
        let renamed = at("name", json!("fraud-dev"));
        let plan = stands
            .core
            .plan(ADDRESS, &stands.config(&[&renamed]))
            .await
            .unwrap();
        assert_eq!(plan.action, Action::Replace, "{on:?}");
        let protected = at("protection.deletion", json!(true));
        stands.stand(&protected).await;
        let config = stands.config(&[&protected, &renamed]);
        let said = messages(&stands.core.plan(ADDRESS, &config).await.unwrap_err());
        assert!(
            said.contains("would be replaced") && said.contains("protection = { deletion = false }"),
            "{said}"
        );
    }
}

/// B19, B20, B21: what comes and goes is named in the plan, and everything else stays the same.
#[tokio::test]
async fn a_pool_a_service_and_a_purpose_come_and_go_alone() {
    for on in [On::Aws, On::Gcp] {
        let mut stands = Stands::new(on).await;
        stands.stand(&json!({})).await;
        for (comes, goes, part) in [
            (
                at("node_pools.gpu", json!({ "purpose": "gpu", "min": 0, "max": 1 })),
                json!({}),
                "node_pools.gpu",
            ),
            (at("services.fraud", json!({})), json!({}), "fraud"),
            (json!({}), at("identities.drift.enabled", json!(false)), "drift"),
        ] {
            let with = stands.config(&[&comes]);
            stands.core.converge(ADDRESS, &with).await.unwrap();
            let before = stands.memory.ids();
            let without = stands.config(&[&goes]);
            let plan = stands.core.plan(ADDRESS, &without).await.unwrap();
            let told = lines(&plan.planned, "last_change");
            let gone: Vec<&String> = told.iter().filter(|line| line.starts_with("- ")).collect();
            assert!(!gone.is_empty(), "{on:?} {part}: {told:?}");
            assert!(
                told.iter()
                    .all(|line| line.contains(part) || line.starts_with("~ ")),
                "{on:?} {part}: {told:?}"
            );
            stands.core.converge(ADDRESS, &without).await.unwrap();
            let after = stands.memory.ids();
            assert!(after.len() < before.len(), "{on:?} {part}");
            for (name, id) in &after {
                assert_eq!(before.get(name), Some(id), "{on:?} {part}: {name} is another one");
            }
            stands.core.converge(ADDRESS, &with).await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_attribute_changes_in_place_or_is_refused_on_aws() {
    insta::assert_snapshot!(walk(On::Aws).await);
}

#[tokio::test]
async fn every_attribute_changes_in_place_or_is_refused_on_google_cloud() {
    insta::assert_snapshot!(walk(On::Gcp).await);
}
