//! Tags of repositories.

use serde_json::json;

use super::repository::{absent, state, state_mut};
use super::{Repository, invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

const SPELLING: (&str, &str) = ("Key", "Value");

pub(super) fn read(call: &Call) -> Result<Tags, Refusal> {
    tags::read(call.input.get("tags"), SPELLING).map_err(|flaw| flawed(&flaw))
}

fn flawed(flaw: &Flaw) -> Refusal {
    match flaw {
        Flaw::TooMany => refusal(
            "TooManyTagsException",
            "The list of tags on the repository is over the limit of 50.",
        ),
        Flaw::Twice(_) => refusal("InvalidTagParameterException", "Tag keys must be unique."),
        Flaw::Reserved(_) => refusal("InvalidTagParameterException", "Tag keys cannot begin with aws:."),
    }
}

/// The name of the repository whose ARN a call gives.
fn name(call: &Call) -> Result<&str, Refusal> {
    let arn = call.required("resourceArn");
    let start = super::repository::arn(call, "");
    arn.strip_prefix(&start).ok_or_else(|| {
        invalid(
            "resourceArn",
            &format!("{arn} is not a repository of this registry"),
        )
    })
}

fn change<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Repository, Refusal> {
    let name = name(call)?;
    if !state(world, call).repositories.contains_key(name) {
        return Err(absent(call, name));
    }
    state_mut(world, call)
        .repositories
        .get_mut(name)
        .ok_or_else(|| absent(call, name))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_TagResource.html>
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let more = read(call)?;
    tags::add(&mut change(world, call)?.tags, more).map_err(|flaw| flawed(&flaw))?;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UntagResource.html>
pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    tags::remove(&mut change(world, call)?.tags, call.input.get("tagKeys"));
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListTagsForResource.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let repository = state(world, call)
        .repositories
        .get(name)
        .ok_or_else(|| absent(call, name))?;
    Ok(said(json!({"tags": tags::list(&repository.tags, SPELLING)})))
}
