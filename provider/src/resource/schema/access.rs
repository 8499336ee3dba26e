//! Services, who they are, who enters, and what holds even where a grant is wrong.

use tfplugin::schema::Attribute;

use super::{attributes, boolean, string, strings};

pub(super) fn services() -> Attribute {
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
                .description("Longest session, for example `1h` (default, and the only one on Google Cloud). *In place*."),
        ),
        (
            "additional_permissions",
            Attribute::list_nested(attributes([
                ("id", string().required().description("Name of the statement.")),
                (
                    "actions",
                    Attribute::of(strings()).optional().description("AWS: IAM actions."),
                ),
                (
                    "roles",
                    Attribute::of(strings())
                        .optional()
                        .description("Google Cloud: predefined roles."),
                ),
                (
                    "resources",
                    Attribute::of(strings())
                        .required()
                        .description("ARNs; on Google Cloud full names of the environment's own buckets, managed folders, secrets, repository or keys."),
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
                    .description("AWS: conditions; all must hold."),
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
                "AWS only: may read the account's metrics, which cannot be scoped. Default: `false`. *In place*.",
            ),
        );
    }
    Attribute::object(all)
        .optional_computed()
        .description(format!("The identity for {purpose}."))
}

pub(super) fn identities() -> Attribute {
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

pub(super) fn federation() -> Attribute {
    Attribute::object(attributes([("github", github()), ("gitlab", gitlab())]))
        .optional()
        .description("Who outside the cluster may enter: CI, by OIDC.")
}

fn gitlab() -> Attribute {
    Attribute::object(attributes([
        (
            "url",
            string().optional_computed().keep().description("The instance. Default: `https://gitlab.com`. Its discovery document must be reachable by the cloud. A change is *refused*: take the block out, apply, and put it in again."),
        ),
        ("project_path", string().required().description("`group/project`; groups may nest.")),
        (
            "project_id",
            string().optional().description("Google Cloud only: numeric id of the project, survives renaming. AWS does not see it."),
        ),
        (
            "ci_refs",
            Attribute::of(strings()).optional_computed().description(
                "Refs whose jobs enter ci, exact; only tags may end in `*`. Default: main and tags `v*`; prod: tags `v*`. On AWS protect them in the project: STS does not see whether they are.",
            ),
        ),
        (
            "environments",
            Attribute::object(attributes([
                (
                    "deploy",
                    string().optional_computed().description(
                        "The protected environment whose jobs deploy. Google Cloud lets in jobs of this environment; on AWS the name only says for whom the variables in `gitlab` are. Default: `<cloud>-<tier>`.",
                    ),
                ),
                (
                    "tier",
                    string().optional().description(
                        "AWS only: deployment tier of that environment (`production`, `staging`, `testing`, `development`, `other`). It takes subjects that name it: set the project's `ci_id_token_sub_claim_components` to `project_path`, `environment_protected`, `deployment_tier`, `ref_type`, `ref`. Default: none, and no job of GitLab deploys.",
                    ),
                ),
            ]))
            .optional_computed()
            .description("GitLab environments."),
        ),
        (
            "protected_only",
            boolean().optional_computed().description("Google Cloud only: only jobs of protected refs enter. Default: `true`."),
        ),
        (
            "audience",
            string().optional_computed().description("AWS only: the audience that jobs ask for (`id_tokens`). Default: the URL."),
        ),
        (
            "oidc_provider",
            string().optional_computed().keep().description(
                "`auto` (default: use the account's provider of this URL, make it where there is none) or `reference` (it must be there; AWS only).",
            ),
        ),
    ]))
    .optional()
    .description("GitLab CI/CD, beside GitHub or alone. *In place*.")
}

fn github() -> Attribute {
    Attribute::object(attributes([
            ("repository", string().required().description("`owner/name`.")),
            ("owner_id", string().optional().description("Numeric id of the owner: survives rename and re-registration.")),
            ("repository_id", string().optional().description("Numeric id of the repository.")),
            (
                "subject_format",
                string().optional_computed().description("`name`, `immutable` or `both` (AWS only). Default: `immutable` if both ids are given, else `name`."),
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
                    string().optional_computed().description("The protected GitHub environment that enters deploy. Default: `<cloud>-<tier>`."),
                )]))
                .optional_computed()
                .description("GitHub environments."),
            ),
            (
                "oidc_provider",
                string().optional_computed().keep().description(
                    "`auto` (default: use the account's provider, make it where there is none) or `reference` (it must be there; AWS only). On Google Cloud every environment has a pool of its own.",
                ),
            ),
        ]))
        .optional()
        .description("GitHub Actions. *In place*.")
}

pub(super) fn guardrails() -> Attribute {
    Attribute::object(attributes([
        ("permissions_boundary", boolean().optional_computed().description("AWS only: every role is bounded by its purpose. Default: `true`. *In place*.")),
        ("exclusive_writers", boolean().optional_computed().description("AWS only: only retrain writes models, whatever else is granted. Default: dev `false`, else `true`. *In place*.")),
        ("bucket_tls_only", boolean().optional_computed().description("AWS only: buckets refuse requests without TLS. Default: `true`. *In place*.")),
    ]))
    .optional_computed()
    .description("Limits that hold even where a grant is wrong.")
}

pub(super) fn enforcement() -> Attribute {
    let what = |what: &str| {
        string().optional_computed().description(format!(
            "`exclusive` (default: foreign grants on {what} are drift and are removed) or `report`. *In place*."
        ))
    };
    Attribute::object(attributes([
        ("identities", what("identities")),
        ("buckets", what("buckets")),
    ]))
    .optional_computed()
    .description("What happens to grants that somebody else made.")
}
