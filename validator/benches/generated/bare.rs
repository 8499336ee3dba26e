//! The floor that a judgement is measured against: a typed, borrowed parse of the same text, nothing judged.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Plan<'p> {
    #[serde(borrow)]
    resource_changes: Vec<Change<'p>>,
}

#[derive(Deserialize)]
struct Change<'p> {
    #[serde(borrow)]
    address: Cow<'p, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'p, str>,
    #[serde(borrow)]
    change: Body<'p>,
}

#[derive(Deserialize)]
struct Body<'p> {
    #[serde(borrow)]
    actions: Vec<Cow<'p, str>>,
    #[serde(borrow)]
    after: Option<&'p RawValue>,
    #[serde(borrow)]
    after_unknown: Option<&'p RawValue>,
}

/// Parses, and sums lengths so that nothing is optimised away.
pub(crate) fn parse(text: &str) -> usize {
    #[allow(clippy::unwrap_used, reason = "the text was generated")]
    let plan: Plan<'_> = serde_json::from_str(text).unwrap();
    plan.resource_changes
        .iter()
        .map(|r| {
            r.address.len()
                + r.kind.len()
                + r.change.actions.len()
                + r.change.after.map_or(0, |a| a.get().len())
                + r.change.after_unknown.map_or(0, |a| a.get().len())
        })
        .sum()
}
