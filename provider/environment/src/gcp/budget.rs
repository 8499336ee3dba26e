//! The budget: of the cost that carries the environment's mark.

use std::collections::BTreeSet;

use super::Budget;
use super::blueprint::Draft;
use crate::component::Kind;
use crate::names::gcp::label;
use crate::spec::Late;

pub(super) fn add(draft: &mut Draft<'_>) {
    let Some(spec) = &draft.spec.budget else { return };
    let (channels, topics): (BTreeSet<String>, BTreeSet<String>) = spec
        .topics
        .iter()
        .map(Late::to_string)
        .partition(|topic| topic.contains("/notificationChannels/"));
    let name = draft.names.budget();
    let budget = Budget {
        name: name.clone(),
        billing_account: spec
            .billing_account
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        project: format!("projects/{}", draft.gcp.number),
        label: label(&draft.spec.id.to_string()),
        monthly: spec.monthly.to_string(),
        currency: spec.currency.clone(),
        thresholds: spec.thresholds.clone(),
        topic: topics.into_iter().next(),
        channels,
        owner: draft.owner(),
    };
    draft
        .want(&["budget"], Kind::GcpBudget, &budget)
        .id(name.clone())
        .output("name", name);
}
