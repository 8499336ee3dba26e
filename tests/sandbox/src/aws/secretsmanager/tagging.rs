//! Tags of secrets.

use serde_json::Value;

use super::invalid_parameter;
use super::secret::change;
use crate::answer::{Answer, Refusal};
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

const SPELLING: (&str, &str) = ("Key", "Value");

pub(super) fn read(call: &Call) -> Result<Tags, Refusal> {
    tags::read(call.input.get("Tags"), SPELLING).map_err(|flaw| flawed(&flaw))
}

pub(super) fn list(tags: &Tags) -> Value {
    tags::list(tags, SPELLING)
}

fn flawed(flaw: &Flaw) -> Refusal {
    invalid_parameter(match flaw {
        Flaw::TooMany => "The number of tags on a secret is limited to 50.".to_owned(),
        Flaw::Twice(key) => format!("Tags contain duplicate key: {key}"),
        Flaw::Reserved(key) => format!("Tag key {key} begins with the reserved prefix aws:"),
    })
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html>
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let more = read(call)?;
    tags::add(&mut change(world, call)?.tags, more).map_err(|flaw| flawed(&flaw))?;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html>
pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    tags::remove(&mut change(world, call)?.tags, call.input.get("TagKeys"));
    Ok(Answer::empty())
}
