//! What a team copies out of a bootstrap on Google Cloud.

use super::super::ready::{Ready, Setting};
use super::super::{Spec, Worker};
use super::{Names, Place};
use crate::names::EnvironmentId;
use crate::spec::{Cloud, Tier};

pub(in super::super) fn ready(spec: &Spec, place: &Place, tier: Tier, environment: &EnvironmentId) -> Ready {
    let names = Names::new(spec, place);
    let name = environment.name.to_string();
    let (project, region) = (&place.project, &place.region);
    let backend = vec![
        ("bucket".to_owned(), Setting::Text(names.bucket())),
        ("prefix".to_owned(), Setting::Text(name.clone())),
    ];
    let provider = format!(
        "terraform {{\n  \
           backend \"gcs\" {{}}\n\n  \
           required_providers {{\n    \
             mlops = {{\n      \
               source = \"mlops/mlops\"\n    \
             }}\n  \
           }}\n\
         }}\n\n\
         provider \"mlops\" {{\n  \
           gcp = {{\n    \
             project          = \"{project}\"\n    \
             region           = \"{region}\"\n    \
             allowed_projects = [\"{project}\"]\n  \
           }}\n\
         }}\n"
    );
    let github = Worker::ALL
        .into_iter()
        .map(|worker| {
            let variable = match worker {
                Worker::Planner => "GCP_PLANNER_SERVICE_ACCOUNT",
                Worker::Provisioner => "GCP_PROVISIONER_SERVICE_ACCOUNT",
            };
            (
                worker.github_environment(Cloud::Gcp, tier),
                vec![
                    ("GCP_WORKLOAD_IDENTITY_PROVIDER".to_owned(), names.provider()),
                    (variable.to_owned(), names.email(worker, tier)),
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
