//! Tags of budgets.

use serde_json::json;

use super::budget::{change, state};
use super::{invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

const SPELLING: (&str, &str) = ("Key", "Value");

pub(super) fn read(call: &Call) -> Result<Tags, Refusal> {
    tags::read(call.input.get("ResourceTags"), SPELLING).map_err(|flaw| flawed(&flaw))
}

fn flawed(flaw: &Flaw) -> Refusal {
    match flaw {
        Flaw::TooMany => refusal("ServiceQuotaExceededException", "A budget can have 50 tags."),
        Flaw::Twice(key) => invalid(format!("Duplicate tag key {key}")),
        Flaw::Reserved(key) => invalid(format!("Tag key {key} begins with the reserved prefix aws:")),
    }
}

/// The name in a budget's ARN: `arn:aws:budgets::<account>:budget/<name>`.
fn name(call: &Call) -> Result<&str, Refusal> {
    let arn = call.required("ResourceARN");
    arn.split_once(&format!(":budgets::{}:budget/", call.account))
        .map(|(_, name)| name)
        .ok_or_else(|| invalid(format!("{arn} is not the ARN of a budget of this account")))
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_TagResource.html>
pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let more = read(call)?;
    tags::add(&mut change(world, call, name(call)?)?.tags, more).map_err(|flaw| flawed(&flaw))?;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_UntagResource.html>
pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    tags::remove(
        &mut change(world, call, name(call)?)?.tags,
        call.input.get("ResourceTagKeys"),
    );
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_ListTagsForResource.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call)?;
    let budget = state(world, call)
        .budgets
        .get(name)
        .ok_or_else(|| refusal("NotFoundException", format!("Unable to get budget: {name}")))?;
    Ok(said(json!({"ResourceTags": tags::list(&budget.tags, SPELLING)})))
}
