//! Images, objects and keys.

use tfplugin::schema::Attribute;

use super::{attributes, boolean, number, string};

pub(super) fn registry() -> Attribute {
    Attribute::object(attributes([
        (
            "mode",
            string().optional_computed().keep().description(
                "`create`: repositories of the environment; `reference`: images are pulled from elsewhere and nobody here pushes. Must be given in staging and prod. A change is *refused*.",
            ),
        ),
        (
            "reference",
            string().optional().description("With `reference`: prefix of the repositories, for example `123456789012.dkr.ecr.eu-west-1.amazonaws.com/build`, or the repository, for example `europe-west1-docker.pkg.dev/acme-build/images`. *In place*."),
        ),
        ("immutable_tags", boolean().optional_computed().description("A tag cannot be moved. Default: `true`. *In place*.")),
        ("scan_on_push", boolean().optional_computed().description("Scan each pushed image. Default: `true`. *In place*.")),
        ("untagged_days", number().optional_computed().description("Days that untagged images stay. Default: dev 7, staging 14, prod 30. *In place*.")),
        ("keep_tagged", number().optional_computed().description("Number of tagged images that stay. Default: dev 30, staging 50, prod 200. On Google Cloud only without `immutable_tags`, which keep all. *In place*.")),
    ]))
    .optional_computed()
    .description("Image repositories, one set per service.")
}

fn bucket(purpose: &str) -> Attribute {
    Attribute::object(attributes([
        ("existing", string().optional().description("AWS only: name of a bucket to use as it is; it is never changed. On Google Cloud take it over with `adopt`. A change is *refused*.")),
        ("versioning", boolean().optional_computed().description("Old versions are kept. Default: `true`. *In place*.")),
        ("retention_days", number().optional_computed().description("Days that objects stay; unset = for ever. *In place*.")),
        ("noncurrent_days", number().optional_computed().description("Days that old versions stay. Default: dev 14, staging 30, prod 90. *In place*.")),
        ("transition_days", number().optional().description("Days until objects move to infrequent access. *In place*.")),
        (
            "retention_locked",
            boolean().optional_computed().description(
                "Nobody, not even the owner of the account, can delete an object before it is `retention_days` old, which must be given: S3 Object Lock in compliance mode, a locked retention policy of Cloud Storage. For good: it is switched on and its days are raised *in place*; off or fewer days are *refused*. Old versions are kept on AWS (`versioning` stays on) and not on Google Cloud (it is off). Not for logs. Default: `false`.",
            ),
        ),
        (
            "write_once",
            string().optional_computed().description(
                "`versioned` (default on AWS): overwriting keeps the old version; `conditional` (default on Google Cloud): nothing can be overwritten. *In place*.",
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

pub(super) fn buckets() -> Attribute {
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

pub(super) fn encryption() -> Attribute {
    let key = |what: &str| {
        Attribute::object(attributes([(
            "key",
            string().optional().description(
                "ARN or full name of a key to use instead of one of the environment's. A change is *refused*.",
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
                .description("Days between rotations. Default: 365, on Google Cloud 90. *In place*."),
        ),
        (
            "deletion_window_days",
            number().optional_computed().description(
                "AWS only: days a deleted key can be brought back. Default: dev 7, else 30. *In place*.",
            ),
        ),
    ]))
    .optional_computed()
    .description("Customer-managed keys, one per use.")
}

pub(super) fn protection() -> Attribute {
    Attribute::object(attributes([
        ("deletion", boolean().optional_computed().description("The environment cannot be destroyed or replaced. Default: dev `false`, else `true`. *In place*.")),
        ("data", boolean().optional_computed().description("Buckets with objects are not deleted, whatever `on_destroy` says. Default: `true`. *In place*.")),
    ]))
    .optional_computed()
    .description("Guards against loss.")
}
