//! What the environment tells.

use tfplugin::Type;
use tfplugin::schema::Attribute;

use super::{Attributes, attributes, string};

pub(super) fn computed() -> Attributes {
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
        ("id", Attribute::of(Type::String).computed().keep().description("`aws/<account>/<region>/<name>` or `gcp/<project>/<region>/<name>`.")),
        ("uid", Attribute::of(Type::String).computed().keep().description("Random; in every ownership mark; tells re-creations apart.")),
        ("phase", Attribute::of(Type::String).computed().description("`READY`, `INCOMPLETE` or `DELETING`.")),
        ("generation", Attribute::of(Type::Number).computed().description("Counts completed applies.")),
        (
            "components",
            Attribute::map_nested(attributes([
                ("kind", string().computed().description("For example `aws_bucket` or `gcp_bucket`.")),
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
                ("workload_pool", Type::String),
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
                ("gitlab_provider", Type::String),
                ("gitlab_audience", Type::String),
            ]))
            .computed()
            .description("The OIDC providers that tokens enter through: GitHub's, GitLab's and the cluster's; the audience of GitHub's and the pods' tokens, and that of GitLab's."),
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
        ("keys", Attribute::of(map(Type::String)).computed().description("Keys by use: ARN or full name.")),
        ("log_groups", Attribute::of(map(Type::String)).computed().description("Names of log groups by use.")),
        (
            "github",
            Attribute::of(map(map(Type::String)))
                .computed()
                .description("Variables that each GitHub environment needs; those under the empty name are for jobs without one."),
        ),
        (
            "gitlab",
            Attribute::of(map(map(Type::String)))
                .computed()
                .description("Variables by environment scope of GitLab; those under `*` are for every job. `OIDC_AUDIENCE` is what jobs ask their token (`id_tokens`) for."),
        ),
        (
            "manifests",
            Attribute::of(map(Type::String)).computed().description(
                "Kubernetes manifests by file name, to be applied once by an administrator in the order of their names: \
                 namespaces with Pod Security labels, annotated ServiceAccounts, RBAC and admission policy of deploy, quotas, \
                 network policies. Names, namespaces and annotations are those that the trusts name.",
            ),
        ),
        (
            "kustomize",
            Attribute::of(map(Type::String)).computed().description(
                "By service: a patch with its annotated ServiceAccounts, for the service's own overlay.",
            ),
        ),
        (
            "kubeconfig",
            Attribute::of(Type::String).computed().description(
                "A kubeconfig whose user is whoever the cloud's command-line tool takes the caller for. It holds no credential.",
            ),
        ),
    ])
}
