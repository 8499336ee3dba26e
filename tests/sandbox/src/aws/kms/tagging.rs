//! Tags of keys.

use serde_json::json;

use super::key::{change, find_by_id};
use super::{bad_marker, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

const SPELLING: (&str, &str) = ("TagKey", "TagValue");

/// The tags of a call. <https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html>: `TagException`.
pub(super) fn read(call: &Call) -> Result<Tags, Refusal> {
    tags::read(call.input.get("Tags"), SPELLING).map_err(|flaw| flawed(&flaw))
}

fn flawed(flaw: &Flaw) -> Refusal {
    match flaw {
        Flaw::TooMany => refusal("LimitExceededException", "Too many tags: a key may have 50"),
        Flaw::Twice(_) => refusal("TagException", "Duplicate tag keys"),
        Flaw::Reserved(_) => refusal("TagException", "Tags beginning with aws: are reserved"),
    }
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let more = read(call)?;
    let key = change(world, call)?;
    key.not_pending()?;
    tags::add(&mut key.tags, more).map_err(|flaw| flawed(&flaw))?;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html>
pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let key = change(world, call)?;
    key.not_pending()?;
    tags::remove(&mut key.tags, call.input.get("TagKeys"));
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let key = find_by_id(world, call)?;
    let limit = call.count("Limit");
    let pairs = key
        .tags
        .iter()
        .map(|(name, value)| (name, json!({"TagKey": name, "TagValue": value})));
    let page = page(pairs, call.text("Marker"), limit, 50, world.behaviour.page).map_err(|_| bad_marker())?;
    Ok(said(json!({
        "Tags": page.entries,
        "Truncated": page.next.is_some(),
        "NextMarker": page.next,
    })))
}
