//! What a team copies out of a bootstrap on AWS.

use super::super::ready::{Ready, Setting};
use super::super::{Spec, Worker};
use super::{Names, Place};
use crate::names::EnvironmentId;
use crate::spec::{Cloud, Tier};

pub(in super::super) fn ready(
    spec: &Spec,
    place: &Place,
    tier: Tier,
    environment: &EnvironmentId,
    key_arn: &str,
) -> Ready {
    let names = Names::new(spec, place);
    let name = environment.name.to_string();
    let (region, account) = (&place.region, &place.account);
    let text = |name: &str, value: String| (name.to_owned(), Setting::Text(value));
    let backend = vec![
        text("bucket", names.bucket()),
        text("key", format!("{name}/terraform.tfstate")),
        text("region", region.to_string()),
        text("kms_key_id", key_arn.to_owned()),
        ("encrypt".to_owned(), Setting::On),
        ("use_lockfile".to_owned(), Setting::On),
    ];
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
