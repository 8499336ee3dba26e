//! The schema of `mlops_state_backend`.

use tfplugin::schema::{Attribute, Schema};
use tfplugin::{Type, Value};

/// The whole schema.
pub(super) fn schema() -> Schema {
    let text = Attribute::string;
    Schema::new()
        .describe(
            "What `terraform-provider-mlops bootstrap` made, from then on: the bucket that holds Terraform's states (versioned, \
             encrypted with its own key, TLS only, closed to the public, locked while in use), the federation of the \
             infrastructure repository, and a planner and a provisioner for each tier. It lives in a state in the bucket that it \
             describes, and is imported by the block that bootstrap prints.\n\nWhat was changed by hand shows in `deviations` and \
             is repaired by the next apply. A destroy deletes nothing: it removes the resource from the state, unless \
             `allow_destroy` is set and the bucket is empty.",
        )
        .attribute(
            "name",
            text().required().requires_replace().describe(
                "Name of the system, up to 12 characters: environments are `<name>-dev`, `<name>-staging`, `<name>-prod`. A change \
                 *replaces*: another system gets a bucket of its own, and this one stays as it is.",
            ),
        )
        .attribute(
            "cloud",
            text().required().requires_replace().describe(
                "`aws` or `gcp`: the account or project, and the region, are those of the provider block. A change *replaces*.",
            ),
        )
        .attribute(
            "github",
            Attribute::object([
                ("repository", text().required().describe("`owner/name`.")),
                (
                    "owner_id",
                    text().optional().describe("Numeric id of the owner: it survives renames. Both or none."),
                ),
                (
                    "repository_id",
                    text().optional().describe("Numeric id of the repository: it survives renames. Both or none."),
                ),
            ])
            .required()
            .describe(
                "The infrastructure repository: jobs of its GitHub environments `infra-<cloud>-<tier>-plan` and \
                 `infra-<cloud>-<tier>` become planner and provisioner. *In place*.",
            ),
        )
        .attribute(
            "tiers",
            Attribute::set_of(Type::String)
                .optional_computed()
                .default(Value::set(["dev", "prod", "staging"]))
                .describe(
                    "The tiers that live in this account or project: `dev`, `staging`, `prod`. *In place*; what was made for a tier \
                     that is taken away stays.",
                ),
        )
        .attribute(
            "retention_days",
            Attribute::number().optional_computed().default(365_i64).describe(
                "Days that a state's old versions are kept, 1 to 3650. *In place*.",
            ),
        )
        .attribute(
            "allow_destroy",
            Attribute::bool().optional_computed().default(false).describe(
                "Whether a destroy deletes what stands, if the bucket holds nothing at all, no old versions either. Otherwise it \
                 only removes the resource from the state. *In place*.",
            ),
        )
        .attribute(
            "id",
            text().computed().keep().describe("`<cloud>/<account or project>/<region>/<name>`: what it is imported by."),
        )
        .attribute("bucket", text().computed().keep().describe("The bucket that holds the states."))
        .attribute(
            "key",
            text().computed().keep().describe("ARN or full name of the key that encrypts them."),
        )
        .attribute(
            "environments",
            Attribute::map_nested([
                ("name", text().computed().describe("Name of the environment.")),
                (
                    "backend_config",
                    Attribute::map_of(Type::String)
                        .computed()
                        .describe("What `terraform init -backend-config` takes for its state."),
                ),
                ("planner", text().computed().describe("ARN or e-mail of who plans it.")),
                ("provisioner", text().computed().describe("ARN or e-mail of who makes it.")),
                (
                    "planner_environment",
                    text().computed().describe("GitHub environment whose jobs become the planner."),
                ),
                (
                    "provisioner_environment",
                    text().computed().describe("GitHub environment whose jobs become the provisioner."),
                ),
            ])
            .computed()
            .keep()
            .describe("Of each tier: its backend and its two workers."),
        )
        .attribute(
            "deviations",
            Attribute::list_of(Type::String).computed().keep().describe(
                "What was found otherwise than it shall be, one line for each object. An apply repairs it, and then the list is \
                 empty.",
            ),
        )
}
