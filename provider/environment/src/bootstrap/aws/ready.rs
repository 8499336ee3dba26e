//! What a team copies out of a bootstrap: the backend's settings, the provider block, variables of GitHub environments.

use std::fmt;

use super::super::{Spec, Worker};
use super::Names;
use crate::names::EnvironmentId;
use crate::spec::{Cloud, TextError, Tier};

/// Everything of one environment, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Name of the environment.
    pub environment: String,
    /// `backend.hcl`.
    pub backend: String,
    /// The provider block and what the environment must say.
    pub provider: String,
    /// GitHub environment to its variables.
    pub github: Vec<(String, Vec<(String, String)>)>,
}

/// What to copy for each tier; `key_arn` is known once the key stands.
///
/// # Errors
/// A name becomes too long.
pub fn ready(spec: &Spec, key_arn: &str) -> Result<Vec<Ready>, TextError> {
    let all = spec.tiers.iter();
    all.map(|tier| Ok(of_tier(spec, *tier, &spec.environment(*tier)?, key_arn)))
        .collect()
}

fn of_tier(spec: &Spec, tier: Tier, environment: &EnvironmentId, key_arn: &str) -> Ready {
    let names = Names::new(spec);
    let name = environment.name.to_string();
    let (region, account) = (&spec.region, &spec.account);
    let backend = format!(
        "bucket       = \"{}\"\n\
         key          = \"{name}/terraform.tfstate\"\n\
         region       = \"{region}\"\n\
         kms_key_id   = \"{key_arn}\"\n\
         encrypt      = true\n\
         use_lockfile = true\n",
        names.bucket()
    );
    let boundary = names.policy_arn(&names.boundary(tier));
    let provider = format!(
        "terraform {{\n  \
           backend \"s3\" {{}}\n\n  \
           required_providers {{\n    \
             mlops = {{\n      \
               source = \"mlops/mlops\"\n    \
             }}\n  \
           }}\n\
         }}\n\n\
         provider \"mlops\" {{\n  \
           aws = {{\n    \
             region              = \"{region}\"\n    \
             allowed_account_ids = [\"{account}\"]\n  \
           }}\n\
         }}\n\n\
         # In mlops_environment \"{name}\": every role gets this boundary, or the provisioner may not make it, and GitHub's\n\
         # provider is the one that bootstrap made.\n\
         #   aws        = {{ permissions_boundary = \"{boundary}\" }}\n\
         #   federation = {{ github = {{ oidc_provider = \"reference\" }} }}\n"
    );
    let github = Worker::ALL
        .into_iter()
        .map(|worker| {
            let variable = match worker {
                Worker::Planner => "AWS_PLANNER_ROLE_ARN",
                Worker::Provisioner => "AWS_PROVISIONER_ROLE_ARN",
            };
            (
                worker.github_environment(Cloud::Aws, tier),
                vec![
                    ("AWS_REGION".to_owned(), region.to_string()),
                    (variable.to_owned(), names.role_arn(worker, tier)),
                ],
            )
        })
        .collect();
    Ready {
        environment: name,
        backend,
        provider,
        github,
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.environment;
        writeln!(
            f,
            "# ---- {name}: backend.hcl (terraform init -backend-config=backend.hcl)"
        )?;
        writeln!(f, "{}", self.backend)?;
        writeln!(f, "# ---- {name}: provider.tf")?;
        writeln!(f, "{}", self.provider)?;
        writeln!(f, "# ---- {name}: GitHub environments and their variables")?;
        for (environment, variables) in &self.github {
            writeln!(f, "# {environment}")?;
            for (variable, value) in variables {
                writeln!(f, "#   {variable} = {value}")?;
            }
        }
        Ok(())
    }
}
