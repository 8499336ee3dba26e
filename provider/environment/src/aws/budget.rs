//! The budget. Whose cost is whose shows by the mark, once it is activated as a cost allocation tag.

use std::collections::{BTreeMap, BTreeSet};

use super::Budget;
use super::blueprint::Draft;
use crate::component::Kind;

pub(super) fn add(draft: &mut Draft<'_>) {
    let Some(spec) = &draft.spec.budget else { return };
    let emails = spec.emails.iter().map(|address| format!("EMAIL {address}"));
    let topics = spec.topics.iter().map(|arn| format!("SNS {arn}"));
    let subscribers: BTreeSet<String> = emails.chain(topics).collect();
    let name = draft.names.budget();
    let budget = Budget {
        name: name.clone(),
        monthly: spec.monthly.to_string(),
        currency: spec.currency.clone(),
        filters: BTreeMap::from([(
            "TagKeyValue".to_owned(),
            BTreeSet::from([format!("user:mlops:environment${}", draft.spec.id)]),
        )]),
        notifications: spec
            .thresholds
            .iter()
            .map(|percent| {
                (
                    format!("ACTUAL GREATER_THAN {percent} PERCENTAGE"),
                    subscribers.clone(),
                )
            })
            .collect(),
        tags: draft.tags(&["budget"]),
    };
    draft
        .want(&["budget"], Kind::AwsBudget, &budget)
        .id(name.clone())
        .output("name", name);
}
