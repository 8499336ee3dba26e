//! What a team copies out of a bootstrap on Google Cloud.

use super::super::ready::{Ready, Setting};
use super::super::{Spec, Worker};
use super::{Names, Place};
use crate::names::EnvironmentId;
use crate::spec::Tier;

pub(in super::super) fn ready(spec: &Spec, place: &Place, tier: Tier, environment: &EnvironmentId) -> Ready {
    let names = Names::new(spec, place);
    let name = environment.name.to_string();
    let backend = vec![
        ("bucket".to_owned(), Setting::Text(names.bucket())),
        ("prefix".to_owned(), Setting::Text(name.clone())),
    ];
    let variables = |worker: Worker| {
        let account = match worker {
            Worker::Planner => "GCP_PLANNER_SERVICE_ACCOUNT",
            Worker::Provisioner => "GCP_PROVISIONER_SERVICE_ACCOUNT",
        };
        vec![
            ("GCP_WORKLOAD_IDENTITY_PROVIDER".to_owned(), names.provider()),
            (account.to_owned(), names.email(worker, tier)),
        ]
    };
    let audience = format!("https://iam.googleapis.com/{}", names.provider());
    Ready {
        environment: name,
        forge: spec.forge.called(),
        backend,
        provider: spec.provider(),
        doors: spec.doors(tier, &audience, variables),
    }
}
