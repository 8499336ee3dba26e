//! What a team copies out of a bootstrap on AWS.

use super::super::ready::{Ready, Setting};
use super::super::{Forge, Spec, Worker};
use super::{Names, Place};
use crate::names::EnvironmentId;
use crate::spec::Tier;

pub(in super::super) fn ready(
    spec: &Spec,
    place: &Place,
    tier: Tier,
    environment: &EnvironmentId,
    key_arn: &str,
) -> Ready {
    let names = Names::new(spec, place);
    let name = &environment.name;
    let text = |name: &str, value: String| (name.to_owned(), Setting::Text(value));
    let backend = vec![
        text("bucket", names.bucket()),
        text("key", format!("{name}/terraform.tfstate")),
        text("region", place.region.to_string()),
        text("kms_key_id", key_arn.to_owned()),
        ("encrypt".to_owned(), Setting::On),
        ("use_lockfile".to_owned(), Setting::On),
    ];
    let (forge, called) = (spec.forge.as_str(), spec.forge.called());
    let url = match &spec.forge {
        Forge::Gitlab(project) => format!("url = \"{}\", ", project.url),
        Forge::Github(_) => String::new(),
    };
    let advice = format!(
        "# In mlops_environment \"{name}\": every role gets this boundary, or the provisioner may not make it, and {called}'s\n\
         # provider is the one that bootstrap made.\n\
         #   aws        = {{ permissions_boundary = \"{}\" }}\n\
         #   federation = {{ {forge} = {{ {url}oidc_provider = \"reference\" }} }}\n",
        names.policy_arn(&names.boundary(tier))
    );
    let variables = |worker: Worker| {
        let role = match worker {
            Worker::Planner => "AWS_PLANNER_ROLE_ARN",
            Worker::Provisioner => "AWS_PROVISIONER_ROLE_ARN",
        };
        vec![
            ("AWS_REGION".to_owned(), place.region.to_string()),
            (role.to_owned(), names.role_arn(worker, tier)),
        ]
    };
    Ready {
        environment: name.to_string(),
        forge: called,
        backend,
        provider: format!("{}\n{advice}", spec.provider()),
        doors: spec.doors(tier, spec.forge.audience(), variables),
    }
}
