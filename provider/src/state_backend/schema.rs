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
            .optional()
            .describe(
                "The infrastructure repository on GitHub, or `gitlab`, not both: jobs of its environments \
                 `infra-<cloud>-<tier>-plan` and `infra-<cloud>-<tier>` become planner and provisioner. *In place*.",
            ),
        )
        .attribute(
            "gitlab",
            Attribute::object([
                ("project_path", text().required().describe("`group/project`; groups nest.")),
                (
                    "project_id",
                    text().optional().describe(
                        "The project's number: it survives renames. On Google Cloud; AWS does not see it, and refuses.",
                    ),
                ),
                (
                    "url",
                    text().optional_computed().default("https://gitlab.com").describe("The instance, without port and final slash. Default: `https://gitlab.com`."),
                ),
            ])
            .optional()
            .describe(
                "The infrastructure project on GitLab, or `github`, not both. On Google Cloud jobs of its environments \
                 `infra-<cloud>-<tier>-plan` and `infra-<cloud>-<tier>`, the latter protected, become planner and provisioner. On \
                 AWS, which sees the subject alone, jobs of environments of the deployment tier `development`, `staging`, \
                 `production` do: of an unprotected one the planner, of a protected one the provisioner; the project's \
                 `ci_id_token_sub_claim_components` must be `project_path`, `environment_protected`, `deployment_tier`, `ref_type`, \
                 `ref`. *In place*.",
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
                    text().computed().describe("Environment of GitHub or GitLab whose jobs become the planner."),
                ),
                (
                    "provisioner_environment",
                    text().computed().describe("Environment of GitHub or GitLab whose jobs become the provisioner."),
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
