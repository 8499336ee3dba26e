//! Tags of anything that EKS has, by ARN.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html>

use serde_json::json;

use super::{Cluster, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::tags::{self, Tags};
use crate::call::Call;
use crate::world::World;

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_TagResource.html>; the wording is a guess.
fn missing(arn: &str) -> Refusal {
    Refusal::new(
        404,
        "NotFoundException",
        format!("The specified resource {arn} could not be found"),
    )
}

fn tags_in<'c>(cluster: &'c mut Cluster, arn: &str) -> Option<&'c mut Tags> {
    if cluster.arn == arn {
        return Some(&mut cluster.tags);
    }
    let groups = cluster
        .node_groups
        .values_mut()
        .map(|group| (&group.arn, &mut group.tags));
    let entries = cluster
        .access
        .values_mut()
        .map(|entry| (&entry.arn, &mut entry.tags));
    let addons = cluster
        .addons
        .values_mut()
        .map(|addon| (&addon.arn, &mut addon.tags));
    let associations = cluster
        .associations
        .values_mut()
        .map(|association| (&association.arn, &mut association.tags));
    groups
        .chain(entries)
        .chain(addons)
        .chain(associations)
        .find(|(found, _)| found.as_str() == arn)
        .map(|(_, tags)| tags)
}

/// The tags of what has this ARN, to change.
fn change<'w>(world: &'w mut World, call: &Call, arn: &str) -> Result<&'w mut Tags, Refusal> {
    world
        .aws
        .accounts
        .get_mut(&call.account)
        .and_then(|account| account.regions.get_mut(&call.region))
        .into_iter()
        .flat_map(|region| region.eks.clusters.values_mut())
        .find_map(|cluster| tags_in(cluster, arn))
        .ok_or_else(|| missing(arn))
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = tags::read_map(call.input.get("tags")).map_err(refusal::bad_tags)?;
    let tags = change(world, call, call.required("resourceArn"))?;
    tags::add(tags, new).map_err(refusal::bad_tags)?;
    Ok(Answer::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = change(world, call, call.required("resourceArn"))?;
    tags::remove(tags, call.input.get("tagKeys"));
    Ok(Answer::empty())
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = change(world, call, call.required("resourceArn"))?;
    Ok(Answer::of(json!({"tags": tags})))
}
