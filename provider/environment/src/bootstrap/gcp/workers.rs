//! Who plans and who makes each environment: accounts, and the gates through which they are entered.

use super::super::Worker;
use super::Draft;
use super::federation::gates;
use crate::component::Kind;
use crate::gcp::{ServiceAccount, Trust};
use crate::spec::{TextError, Tier};

/// Where a worker's account stands.
pub(super) fn address(worker: Worker, tier: Tier) -> [&'static str; 2] {
    [worker.plural(), tier.as_str()]
}

pub(super) fn add(draft: &mut Draft<'_>) -> Result<(), TextError> {
    for tier in draft.spec.tiers.clone() {
        for worker in Worker::ALL {
            let environment = draft.spec.environment(tier)?;
            add_worker(draft, tier, worker, environment.name.as_str());
        }
    }
    Ok(())
}

fn add_worker(draft: &mut Draft<'_>, tier: Tier, worker: Worker, environment: &str) {
    let account = address(worker, tier);
    let email = draft.names.email(worker, tier);
    let does = match worker {
        Worker::Planner => "Plans",
        Worker::Provisioner => "Makes",
    };
    let wanted = ServiceAccount {
        email: email.clone(),
        account_id: draft.names.account_id(worker, tier),
        display_name: format!("{does} ML environment {environment}"),
        description: draft.mark(&account),
    };
    draft
        .want(&account, Kind::GcpServiceAccount, &wanted)
        .id(email.clone())
        .output("email", email.clone());
    let members = gates(&draft.spec.forge, tier, worker);
    let forge = draft.spec.forge.address();
    let trust = Trust {
        account: email.clone(),
        members: members.iter().map(|gate| draft.names.gate(gate)).collect(),
        owner: draft.spec.id(),
    };
    draft
        .want(&["trust", account[0], account[1]], Kind::GcpTrust, &trust)
        .id(email)
        .after(&account)
        .after(&forge);
}
