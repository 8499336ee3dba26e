//! The schema of `mlops_environment`. One function per top-level attribute, in the order users read them.
//!
//! Only what is honoured is in the schema. Legend in the descriptions: *replaces* = a change builds a new environment;
//! *in place* = changed on the standing environment; *refused* = a change is refused at plan unless consented to in
//! `replace_components`.

use std::collections::BTreeMap;

use tfplugin::Type;
use tfplugin::schema::{Attribute, Block, Nesting, Schema};

/// State version. Counted up with an upgrader whenever stored state must change shape.
pub const VERSION: u64 = 0;

type Attributes = BTreeMap<String, Attribute>;

fn attributes<const N: usize>(list: [(&str, Attribute); N]) -> Attributes {
    list.into_iter()
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .collect()
}

fn strings() -> Type {
    Type::Set(Box::new(Type::String))
}

fn string_map() -> Type {
    Type::Map(Box::new(Type::String))
}

fn string() -> Attribute {
    Attribute::string()
}

fn number() -> Attribute {
    Attribute::number()
}

fn boolean() -> Attribute {
    Attribute::bool()
}

/// The whole schema.
pub fn schema() -> Schema {
    let mut all = settings();
    all.extend(computed());
    Schema {
        version: VERSION,
        description: "One ML environment: Kubernetes cluster with node pools, image registry, buckets by purpose, keys, \
                      log groups, secret names and one identity per purpose (ci, deploy, runtime, drift, retrain), \
                      entered through OIDC federation. Never a static key.\n\nOnly `name`, the account and the region \
                      replace an environment; everything else is changed in place, or refused at plan with the way \
                      forward."
            .into(),
        attributes: all,
        blocks: BTreeMap::from([("timeouts".to_owned(), timeouts())]),
    }
}

fn settings() -> Attributes {
    attributes([
        (
            "name",
            string().required().requires_replace().description(
                "Name of the environment: 3 to 20 lower-case letters, digits and single hyphens, beginning with a \
                 letter. Every cloud name is derived from it. A change *replaces*.",
            ),
        ),
        (
            "tier",
            string().required().description(
                "`dev`, `staging` or `prod`: decides the defaults. *In place*; names already given do not change with it.",
            ),
        ),
        (
            "owner",
            string().optional_computed().keep().description(
                "Who claims this environment, up to 63 characters; shown to whoever meets the claim. Default: `terraform:<uid>`. *In place*.",
            ),
        ),
        (
            "defaults_version",
            number().optional_computed().keep().description(
                "Version of the defaults in force, frozen at creation, so that a newer provider changes nothing by \
                 itself. *In place*; raising it shows what changes.",
            ),
        ),
        (
            "tags",
            Attribute::of(string_map()).optional().description(
                "Tags on every object, beside the provider's `default_tags`. Keys beginning with `mlops:` are ours. *In place*.",
            ),
        ),
        ("aws", aws()),
        ("cluster", cluster()),
        ("node_pools", node_pools()),
        ("registry", registry()),
        ("buckets", buckets()),
        ("services", services()),
        ("identities", identities()),
        ("federation", federation()),
        ("encryption", encryption()),
        (
            "logging",
            Attribute::object(attributes([(
                "retention_days",
                number().optional_computed().description(
                    "Days that logs of the control plane are kept (one of CloudWatch's values). Default: dev 30, staging 90, prod 365. *In place*.",
                ),
            )]))
            .optional_computed()
            .description("Logs of the control plane."),
        ),
        ("protection", protection()),
        ("guardrails", guardrails()),
        ("kubernetes", kubernetes()),
        ("enforcement", enforcement()),
        (
            "partial_create",
            string().optional().description(
                "What a create that ends half-way reports: `error` (default) or `warn`. Use `warn` only together with \
                 a postcondition `self.phase == \"READY\"`: the next plan is then an update in place.",
            ),
        ),
        (
            "adopt",
            Attribute::of(string_map()).optional().description(
                "Existing objects to take over: component address to cloud id, for example \
                 `{ \"buckets.data\" = \"acme-data\" }`. Adopted objects are kept when the environment is destroyed.",
            ),
        ),
        (
            "replace_components",
            Attribute::of(string_map()).optional().description(
                "Consent to rebuild a component: component address to the token that the refusing plan printed. A \
                 token is good for exactly that change.",
            ),
        ),
    ])
}

fn aws() -> Attribute {
    Attribute::object(attributes([
        (
            "account_id",
            string().optional_computed().keep().requires_replace().description(
                "Account the environment lives in; compared with the credentials before anything is written. \
                 Default: the credentials' account. A change *replaces*.",
            ),
        ),
        (
            "region",
            string().optional_computed().keep().requires_replace().description(
                "Region. Default: the provider's at creation, kept from then on. A change *replaces*.",
            ),
        ),
        (
            "existing_network",
            Attribute::object(attributes([
                ("vpc_id", string().required().description("The VPC.")),
                (
                    "private_subnet_ids",
                    Attribute::of(strings()).required().description(
                        "Subnets of the nodes and of the control plane's interfaces, in two zones at least.",
                    ),
                ),
                (
                    "public_subnet_ids",
                    Attribute::of(strings()).optional().description("Subnets of public load balancers."),
                ),
            ]))
            .required()
            .description("The network to use. It is never changed and never deleted. A change of the VPC is *refused*."),
        ),
        (
            "permissions_boundary",
            string().optional().description(
                "ARN of a managed policy that bounds every role. Default: boundaries of the environment's own, one per purpose. *In place*.",
            ),
        ),
        (
            "role_path",
            string().optional_computed().keep().description("Path of roles and policies. Default: `/mlops/<name>/`. A change is *refused*."),
        ),
        (
            "extended_support",
            boolean().optional_computed().description(
                "Pay for Kubernetes versions that are out of standard support. Default: `false`. *In place*.",
            ),
        ),
    ]))
    .optional()
    .description("The environment on AWS. Exactly one cloud must be given.")
}

fn cluster() -> Attribute {
    Attribute::object(attributes([
        (
            "version",
            string().optional_computed().keep().description(
                "Kubernetes minor version, for example `1.33`. Default: the newest at creation, then kept. One minor \
                 at a time and never down; the control plane first, then the node pools. *In place*.",
            ),
        ),
        (
            "endpoint",
            Attribute::object(attributes([
                ("private", boolean().optional_computed().description("Reachable inside the VPC. Default: `true`.")),
                (
                    "public",
                    boolean().optional_computed().description("Reachable from outside. Default: `true` in dev if `public_cidrs` is given, else `false`."),
                ),
                (
                    "public_cidrs",
                    Attribute::of(strings()).optional_computed().description(
                        "Who may reach it from outside. `0.0.0.0/0` is refused unless the tier is dev.",
                    ),
                ),
            ]))
            .optional_computed()
            .description("How the cluster's API is reached. *In place*."),
        ),
        (
            "admins",
            Attribute::of(strings()).optional().description(
                "ARNs of roles with cluster admin. Default: none; the creator gets nothing. *In place*.",
            ),
        ),
        (
            "log_types",
            Attribute::of(strings()).optional_computed().description(
                "Control-plane logs: `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`. Default: all. *In place*.",
            ),
        ),
    ]))
    .optional_computed()
    .description("The Kubernetes cluster (EKS), named as the environment.")
}

fn node_pools() -> Attribute {
    Attribute::map_nested(attributes([
        (
            "purpose",
            string().required().description(
                "`system`, `serving`, `training`, `gpu` or `general`: becomes label and taint of the nodes.",
            ),
        ),
        (
            "size",
            string().optional_computed().description(
                "`small`, `medium`, `large`, `xlarge`, `gpu-small`, `gpu-medium` or `gpu-large`; stands for machine types. A change rotates the pool.",
            ),
        ),
        (
            "machine_types",
            Attribute::of(Type::List(Box::new(Type::String))).optional().description(
                "Machine types in order of preference, instead of `size`. A change rotates the pool.",
            ),
        ),
        ("min", number().optional_computed().description("Fewest nodes. *In place*.")),
        ("max", number().optional_computed().description("Most nodes; the current number is the autoscaler's and never a difference. *In place*.")),
        ("spot", boolean().optional_computed().description("Spare capacity; refused for system pools. A change rotates the pool.")),
        ("disk_gb", number().optional_computed().description("Size of the nodes' disk. A change rotates the pool.")),
        ("disk_type", string().optional_computed().description("For example `gp3`. A change rotates the pool.")),
        ("image_type", string().optional_computed().description("For example `AL2023_x86_64_STANDARD`. A change rotates the pool.")),
        ("labels", Attribute::of(string_map()).optional().description("More node labels. *In place*.")),
        (
            "taints",
            Attribute::list_nested(attributes([
                ("key", string().required().description("Key.")),
                ("value", string().optional().description("Value.")),
                ("effect", string().required().description("`NoSchedule`, `NoExecute` or `PreferNoSchedule`.")),
            ]))
            .optional()
            .description("More node taints. *In place*."),
        ),
        (
            "rotate",
            Attribute::object(attributes([(
                "max_unavailable",
                number().optional_computed().description("Nodes that may be down at a time while nodes are exchanged. Default: 1. *In place*."),
            )]))
            .optional_computed()
            .description("How nodes are exchanged."),
        ),
    ]))
    .optional_computed()
    .description("Node pools by name. Default: the tier's `system` and `serving`. Adding or removing one touches only that pool.")
}

fn registry() -> Attribute {
    Attribute::object(attributes([
        (
            "mode",
            string().optional_computed().keep().description(
                "`create`: repositories of the environment; `reference`: images are pulled from elsewhere and nobody here pushes. Must be given in staging and prod. A change is *refused*.",
            ),
        ),
        (
            "reference",
            string().optional().description("With `reference`: prefix of the repositories, for example `123456789012.dkr.ecr.eu-west-1.amazonaws.com/build`."),
        ),
        ("immutable_tags", boolean().optional_computed().description("A tag cannot be moved. Default: `true`. *In place*.")),
        ("scan_on_push", boolean().optional_computed().description("Scan each pushed image. Default: `true`. *In place*.")),
        ("untagged_days", number().optional_computed().description("Days that untagged images stay. Default: dev 7, staging 14, prod 30. *In place*.")),
        ("keep_tagged", number().optional_computed().description("Number of tagged images that stay. Default: dev 30, staging 50, prod 200. *In place*.")),
    ]))
    .optional_computed()
    .description("Image repositories, one set per service.")
}

fn bucket(purpose: &str) -> Attribute {
    Attribute::object(attributes([
        ("existing", string().optional().description("Name of a bucket to use as it is; it is never changed. A change is *refused*.")),
        ("versioning", boolean().optional_computed().description("Old versions are kept. Default: `true`. *In place*.")),
        ("retention_days", number().optional_computed().description("Days that objects stay; unset = for ever. *In place*.")),
        ("noncurrent_days", number().optional_computed().description("Days that old versions stay. Default: dev 14, staging 30, prod 90. *In place*.")),
        ("transition_days", number().optional().description("Days until objects move to infrequent access. *In place*.")),
        ("object_lock", boolean().optional_computed().description("Write once, read many. Default: `false`. A change is *refused*.")),
        (
            "write_once",
            string().optional_computed().description(
                "`versioned` (default): overwriting keeps the old version; `conditional`: writers must ask that the object is not there. *In place*.",
            ),
        ),
        (
            "on_destroy",
            string().optional_computed().description(
                "`refuse` (while it holds objects), `purge` or `retain`. Default: `refuse`; logs: `purge` in dev, else `retain`. *In place*.",
            ),
        ),
    ]))
    .optional_computed()
    .description(format!("The bucket for {purpose}."))
}

fn buckets() -> Attribute {
    Attribute::object(attributes([
        ("data", bucket("reference and training data")),
        ("models", bucket("models")),
        ("predictions", bucket("logged predictions")),
        ("reports", bucket("drift reports")),
        ("mlflow", bucket("experiment records")),
        ("logs", bucket("access logs, and the environment's claim")),
    ]))
    .optional_computed()
    .description("The six buckets. All: no public access, owner enforced, encrypted, TLS only.")
}

fn services() -> Attribute {
    Attribute::map_nested(attributes([
        ("namespace", string().optional_computed().keep().description("Namespace it serves in. Default: `<service>-<tier>` at creation, then kept. *In place*.")),
        (
            "train_namespace",
            string().optional_computed().keep().description(
                "Namespace it trains in. Default: the namespace in dev, else `<namespace>-train`; then kept. *In place*.",
            ),
        ),
        (
            "service_accounts",
            Attribute::object(attributes([
                ("runtime", string().optional_computed().keep().description("Default: `<service>-sa`.")),
                ("drift", string().optional_computed().keep().description("Default: `<service>-drift-sa`.")),
                ("retrain", string().optional_computed().keep().description("Default: `<service>-retrain-sa`.")),
            ]))
            .optional_computed()
            .description("Kubernetes ServiceAccounts that may become the service's identities. *In place*."),
        ),
        (
            "repositories",
            Attribute::of(strings()).optional_computed().description("Image repositories. Default: `<service>-predictor`. *In place*."),
        ),
        (
            "secrets",
            Attribute::map_nested(attributes([(
                "readers",
                Attribute::of(strings()).required().description("Which of `runtime`, `drift`, `retrain` may read it."),
            )]))
            .optional()
            .description("Secrets by name. Only names are managed, never values. *In place*."),
        ),
    ]))
    .optional()
    .description("The ML services, by name. Removing one removes its identities; its objects in the buckets stay.")
}

fn identity(purpose: &str, ci_environment: bool, metrics_read: bool) -> Attribute {
    let mut all = attributes([
        (
            "enabled",
            boolean()
                .optional_computed()
                .description("Default: `true`. *In place*."),
        ),
        (
            "max_session",
            string()
                .optional_computed()
                .description("Longest session, for example `1h` (default). *In place*."),
        ),
        (
            "additional_permissions",
            Attribute::list_nested(attributes([
                ("id", string().required().description("Name of the statement.")),
                (
                    "actions",
                    Attribute::of(strings()).required().description("IAM actions."),
                ),
                (
                    "resources",
                    Attribute::of(strings()).required().description("ARNs."),
                ),
                (
                    "conditions",
                    Attribute::list_nested(attributes([
                        (
                            "test",
                            string()
                                .required()
                                .description("Operator, for example `StringEquals`."),
                        ),
                        ("variable", string().required().description("Condition key.")),
                        (
                            "values",
                            Attribute::of(strings()).required().description("Values."),
                        ),
                    ]))
                    .optional()
                    .description("Conditions; all must hold."),
                ),
            ]))
            .optional()
            .description(
                "More permissions, refused at plan where they break the allow/deny matrix. *In place*.",
            ),
        ),
    ]);
    if ci_environment {
        all.insert(
            "ci_environment".into(),
            string()
                .optional()
                .description("A GitHub environment whose jobs may enter too; not deploy's. *In place*."),
        );
    }
    if metrics_read {
        all.insert(
            "metrics_read".into(),
            boolean().optional().description(
                "May read the account's metrics, which cannot be scoped. Default: `false`. *In place*.",
            ),
        );
    }
    Attribute::object(all)
        .optional_computed()
        .description(format!("The identity for {purpose}."))
}

fn identities() -> Attribute {
    Attribute::object(attributes([
        ("ci", identity("building: pushes images", false, false)),
        ("deploy", identity("deploying: reaches the cluster", false, false)),
        ("runtime", identity("serving, one per service", false, false)),
        ("drift", identity("drift detection, one per service", true, true)),
        ("retrain", identity("retraining, one per service", true, false)),
    ]))
    .optional_computed()
    .description("The five identities.")
}

fn federation() -> Attribute {
    Attribute::object(attributes([(
        "github",
        Attribute::object(attributes([
            ("repository", string().required().description("`owner/name`.")),
            ("owner_id", string().optional().description("Numeric id of the owner: survives rename and re-registration.")),
            ("repository_id", string().optional().description("Numeric id of the repository.")),
            (
                "subject_format",
                string().optional_computed().description("`name`, `immutable` or `both`. Default: `immutable` if both ids are given, else `name`."),
            ),
            (
                "ci_refs",
                Attribute::of(strings()).optional_computed().description(
                    "Refs whose jobs enter ci, exact; only tags may end in `*`. Default: main and tags `v*`; prod: tags `v*`.",
                ),
            ),
            (
                "environments",
                Attribute::object(attributes([(
                    "deploy",
                    string().optional_computed().description("The protected GitHub environment that enters deploy. Default: `aws-<tier>`."),
                )]))
                .optional_computed()
                .description("GitHub environments."),
            ),
            (
                "oidc_provider",
                string().optional_computed().keep().description(
                    "`auto` (default: use the account's provider, make it where there is none) or `reference` (it must be there).",
                ),
            ),
        ]))
        .optional()
        .description("GitHub Actions."),
    )]))
    .optional()
    .description("Who outside the cluster may enter: CI, by OIDC.")
}

fn encryption() -> Attribute {
    let key = |what: &str| {
        Attribute::object(attributes([(
            "key",
            string().optional().description(
                "ARN of a key to use instead of one of the environment's. A change is *refused*.",
            ),
        )]))
        .optional()
        .description(format!("Key for {what}."))
    };
    Attribute::object(attributes([
        (
            "mode",
            string().optional_computed().keep().description(
                "`customer` (default) or `cloud`: the cloud's own keys, dev only. A change is *refused*.",
            ),
        ),
        ("cluster", key("Kubernetes secrets")),
        ("storage", key("buckets and images")),
        ("secrets", key("secrets")),
        ("logs", key("logs")),
        (
            "rotation_days",
            number()
                .optional_computed()
                .description("Days between rotations. Default: 365. *In place*."),
        ),
        (
            "deletion_window_days",
            number()
                .optional_computed()
                .description("Days a deleted key can be brought back. Default: dev 7, else 30. *In place*."),
        ),
    ]))
    .optional_computed()
    .description("Customer-managed keys, one per use.")
}

fn protection() -> Attribute {
    Attribute::object(attributes([
        ("deletion", boolean().optional_computed().description("The environment cannot be destroyed or replaced. Default: dev `false`, else `true`. *In place*.")),
        ("data", boolean().optional_computed().description("Buckets with objects are not deleted, whatever `on_destroy` says. Default: `true`. *In place*.")),
    ]))
    .optional_computed()
    .description("Guards against loss.")
}

fn guardrails() -> Attribute {
    Attribute::object(attributes([
        ("permissions_boundary", boolean().optional_computed().description("Every role is bounded by its purpose. Default: `true`. *In place*.")),
        ("exclusive_writers", boolean().optional_computed().description("Only retrain writes models, whatever else is granted. Default: dev `false`, else `true`. *In place*.")),
        ("bucket_tls_only", boolean().optional_computed().description("Buckets refuse requests without TLS. Default: `true`. *In place*.")),
    ]))
    .optional_computed()
    .description("Limits that hold even where a grant is wrong.")
}

fn kubernetes() -> Attribute {
    Attribute::object(attributes([(
        "access",
        string().optional_computed().description(
            "How deploy reaches workloads: `managed` (EKS edit policy in the service namespaces; includes secrets and exec) or `group` (own RBAC for group `mlops:<name>:deployers`). Default: dev `managed`, else `group`. *In place*.",
        ),
    )]))
    .optional_computed()
    .description("Access inside the cluster.")
}

fn enforcement() -> Attribute {
    let what = |what: &str| {
        string().optional_computed().description(format!(
            "`exclusive` (default: foreign grants on {what} are drift and are removed) or `report`."
        ))
    };
    Attribute::object(attributes([
        ("identities", what("identities")),
        ("buckets", what("buckets")),
    ]))
    .optional_computed()
    .description("What happens to grants that somebody else made.")
}

fn computed() -> Attributes {
    let object = |fields: &[(&str, Type)]| {
        Type::Object(
            fields
                .iter()
                .map(|(name, ty)| ((*name).to_owned(), ty.clone()))
                .collect(),
        )
    };
    let map = |ty: Type| Type::Map(Box::new(ty));
    let pod = object(&[
        ("principal", Type::String),
        ("name", Type::String),
        ("namespace", Type::String),
        ("service_account", Type::String),
        ("annotation", map(Type::String)),
    ]);
    let list = || Type::List(Box::new(Type::String));
    attributes([
        ("id", Attribute::of(Type::String).computed().keep().description("`aws/<account>/<region>/<name>`.")),
        ("uid", Attribute::of(Type::String).computed().keep().description("Random; in every ownership mark; tells re-creations apart.")),
        ("phase", Attribute::of(Type::String).computed().description("`READY`, `INCOMPLETE` or `DELETING`.")),
        ("generation", Attribute::of(Type::Number).computed().description("Counts completed applies.")),
        (
            "components",
            Attribute::map_nested(attributes([
                ("kind", string().computed().description("For example `aws_bucket`.")),
                ("id", string().computed().description("The cloud's identifier.")),
                ("state", string().computed().description("`ready`, `pending`, `failed`, `missing`, `drifted` or `retained`.")),
                ("managed", string().computed().description("`create`, `existing`, `adopted` or `shared`.")),
                ("fingerprint", string().computed().description("Hash of what is asked of it.")),
            ]))
            .computed()
            .description("The managed pieces, by stable address such as `buckets.data` or `identities.runtime.churn`."),
        ),
        ("last_change", Attribute::of(list()).computed().description("What this plan does, or the last apply did: a line per component.")),
        ("drift", Attribute::of(list()).computed().description("What was changed from outside; planned to be repaired.")),
        (
            "cluster_info",
            Attribute::of(object(&[
                ("name", Type::String),
                ("arn", Type::String),
                ("endpoint", Type::String),
                ("ca_certificate", Type::String),
                ("version", Type::String),
                ("oidc_issuer", Type::String),
                ("location", Type::String),
            ]))
            .computed()
            .description("The cluster: what a client needs, no credential."),
        ),
        (
            "registry_info",
            Attribute::of(object(&[("url", Type::String), ("repositories", map(Type::String))]))
                .computed()
                .description("Registry and repository URLs by name."),
        ),
        (
            "bucket_info",
            Attribute::of(map(object(&[("name", Type::String), ("arn", Type::String), ("uri", Type::String)])))
                .computed()
                .description("Buckets by purpose."),
        ),
        (
            "identity_info",
            Attribute::of(object(&[
                ("ci", map(Type::String)),
                ("deploy", map(Type::String)),
                ("runtime", map(pod.clone())),
                ("drift", map(pod.clone())),
                ("retrain", map(pod)),
            ]))
            .computed()
            .description("Roles: ci and deploy with `principal` (ARN) and `name`; the others by service, with the namespace and ServiceAccount that may become them and the annotation it needs."),
        ),
        (
            "federation_info",
            Attribute::of(object(&[
                ("github_provider", Type::String),
                ("pod_provider", Type::String),
                ("audience", Type::String),
            ]))
            .computed()
            .description("The OIDC providers that tokens enter through: GitHub's and the cluster's, and the audience they are for."),
        ),
        (
            "network_info",
            Attribute::of(object(&[
                ("vpc_id", Type::String),
                ("private_subnet_ids", Type::List(Box::new(Type::String))),
                ("public_subnet_ids", Type::List(Box::new(Type::String))),
            ]))
            .computed()
            .description("The network in use."),
        ),
        ("keys", Attribute::of(map(Type::String)).computed().description("Key ARNs by use.")),
        ("log_groups", Attribute::of(map(Type::String)).computed().description("Names of log groups by use.")),
        (
            "github",
            Attribute::of(map(map(Type::String)))
                .computed()
                .description("Variables that each GitHub environment needs; those under the empty name are for jobs without one."),
        ),
    ])
}

fn timeouts() -> Block {
    let timeout = |what: &str, default: &str| {
        string().optional().description(format!(
            "Longest time for {what}, for example `{default}` (default)."
        ))
    };
    Block {
        nesting: Nesting::Single,
        attributes: attributes([
            ("create", timeout("a create", "90m")),
            ("read", timeout("a refresh", "10m")),
            ("update", timeout("an update", "90m")),
            ("delete", timeout("a destroy", "60m")),
        ]),
        blocks: BTreeMap::new(),
        description: "How long operations may take.".into(),
        min_items: 0,
        max_items: 0,
    }
}

#[cfg(test)]
mod tests {
    use mlops_environment::config::Config;
    use serde_json::{Value as Json, json};
    use tfplugin::schema::{Kind, Mode};

    use super::*;

    #[test]
    fn terraform_accepts_the_schema() {
        assert_eq!(schema().faults(tfplugin::schema::Role::Resource), []);
        assert_eq!(
            crate::settings::schema().faults(tfplugin::schema::Role::Provider),
            []
        );
    }

    /// A configuration that sets every attribute.
    fn everything(attributes: &Attributes) -> Json {
        let settable = attributes
            .iter()
            .filter(|(_, attribute)| attribute.mode != Mode::Computed);
        settable
            .map(|(name, attribute)| {
                let value = match &attribute.kind {
                    Kind::Plain(ty) => sample(ty),
                    Kind::Nested(Nesting::Single, children) => everything(children),
                    Kind::Nested(Nesting::Map, children) => json!({ "key": everything(children) }),
                    Kind::Nested(_, children) => json!([everything(children)]),
                };
                (name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn sample(ty: &Type) -> Json {
        match ty {
            Type::String => json!("text"),
            Type::Number => json!(1),
            Type::Bool => json!(true),
            Type::Map(inner) => json!({ "key": sample(inner) }),
            Type::List(inner) | Type::Set(inner) => json!([sample(inner)]),
            other => panic!("no setting has type {other:?}"),
        }
    }

    #[test]
    fn every_setting_reaches_the_configuration() {
        let given = everything(&settings());
        let config: Config = serde_json::from_value(given.clone()).unwrap();
        let mut read = serde_json::to_value(&config).unwrap();
        strip_nulls(&mut read);
        assert_eq!(read, given);
    }

    fn strip_nulls(value: &mut Json) {
        if let Json::Object(fields) = value {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        } else if let Json::Array(items) = value {
            items.iter_mut().for_each(strip_nulls);
        }
    }

    #[test]
    fn only_name_account_and_region_replace() {
        fn replacing(prefix: &str, attributes: &Attributes, found: &mut Vec<String>) {
            for (name, attribute) in attributes {
                let path = format!("{prefix}{name}");
                if attribute.requires_replace {
                    found.push(path.clone());
                }
                if let Kind::Nested(_, children) = &attribute.kind {
                    replacing(&format!("{path}."), children, found);
                }
            }
        }
        let mut found = Vec::new();
        replacing("", &schema().attributes, &mut found);
        assert_eq!(found, ["aws.account_id", "aws.region", "name"]);
    }

    #[test]
    fn every_attribute_is_described() {
        fn check(prefix: &str, attributes: &Attributes) {
            for (name, attribute) in attributes {
                assert!(
                    !attribute.description.is_empty(),
                    "{prefix}{name} has no description"
                );
                if let Kind::Nested(_, children) = &attribute.kind {
                    check(&format!("{prefix}{name}."), children);
                }
            }
        }
        check("", &schema().attributes);
        check("provider.", &crate::settings::schema().attributes);
    }
}
