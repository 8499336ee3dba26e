//! Tags of log groups: by ARN, and by name in the older operations.

use serde_json::json;

use super::group::{absent, change, groups};
use super::{invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

pub(super) fn read(call: &Call) -> Result<Tags, Refusal> {
    tags::read_map(call.input.get("tags")).map_err(|flaw| flawed(&flaw))
}

fn flawed(flaw: &Flaw) -> Refusal {
    match flaw {
        Flaw::TooMany => refusal(
            "TooManyTagsException",
            "A resource can have no more than 50 tags.",
        ),
        Flaw::Twice(key) => invalid(format!("The tag key {key} is given twice")),
        Flaw::Reserved(key) => invalid(format!(
            "User-defined tag keys can't start with the reserved prefix aws: {key}"
        )),
    }
}

/// The name in an ARN of a group.
///
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html>: without `:*`.
fn name_in(call: &Call) -> Result<String, Refusal> {
    let arn = call.required("resourceArn");
    let (start, name) = arn
        .split_once(":log-group:")
        .ok_or_else(|| invalid(format!("Invalid resourceArn {arn}")))?;
    if name.contains(':') {
        return Err(invalid(format!("Invalid resourceArn {arn}")));
    }
    let here = [call.region.as_str(), call.account.as_str()];
    if !start
        .splitn(4, ':')
        .skip(3)
        .flat_map(|rest| rest.split(':'))
        .eq(here)
    {
        return Err(refusal(
            "ResourceNotFoundException",
            "The specified resource does not exist.",
        ));
    }
    Ok(name.to_owned())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html>
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    add(world, call, &name_in(call)?)
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UntagResource.html>
pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let group = change(world, call, &name_in(call)?)?;
    tags::remove(&mut group.tags, call.input.get("tagKeys"));
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let name = name_in(call)?;
    let group = groups(world, call).get(&name).ok_or_else(absent)?;
    Ok(said(json!({"tags": group.tags})))
}

pub(super) fn tag_by_name(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    add(world, call, call.required("logGroupName"))
}

pub(super) fn untag_by_name(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let group = change(world, call, call.required("logGroupName"))?;
    tags::remove(&mut group.tags, call.input.get("tags"));
    Ok(Answer::empty())
}

pub(super) fn list_by_name(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let group = groups(world, call)
        .get(call.required("logGroupName"))
        .ok_or_else(absent)?;
    Ok(said(json!({"tags": group.tags})))
}

fn add(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let more = read(call)?;
    let group = change(world, call, name)?;
    tags::add(&mut group.tags, more).map_err(|flaw| flawed(&flaw))?;
    Ok(Answer::empty())
}
