//! Log groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Group, invalid, key, refusal, tagging};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// Days that events may be kept:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTION: [i64; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

pub(super) fn arn(call: &Call, name: &str) -> String {
    crate::aws::arn::regional("logs", &call.region, &call.account, &format!("log-group:{name}"))
}

pub(super) fn absent() -> Refusal {
    refusal(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    )
}

/// The groups of the account and region that a call is made in.
pub(super) fn groups<'w>(world: &'w World, call: &Call) -> &'w BTreeMap<String, Group> {
    &world.aws.region(&call.account, &call.region).logs.groups
}

/// The group of this name, to change.
pub(super) fn change<'w>(world: &'w mut World, call: &Call, name: &str) -> Result<&'w mut Group, Refusal> {
    if !groups(world, call).contains_key(name) {
        return Err(absent());
    }
    world
        .aws
        .region_mut(&call.account, &call.region)
        .logs
        .groups
        .get_mut(name)
        .ok_or_else(absent)
}

/// The name in `logGroupName`, or in `logGroupIdentifier`, which may be an ARN.
pub(super) fn name(call: &Call) -> String {
    let text = call
        .text("logGroupName")
        .or(call.text("logGroupIdentifier"))
        .unwrap_or_default();
    match text.split_once(":log-group:") {
        Some((_, name)) => name.trim_end_matches(":*").to_owned(),
        None => text.to_owned(),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("logGroupName");
    if name.starts_with("aws/") {
        // The same page: names cannot start with `aws/`.
        return Err(invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    let tags = tagging::read(call)?;
    if groups(world, call).contains_key(name) {
        return Err(refusal(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let arn = arn(call, name);
    let key = call
        .text("kmsKeyId")
        .map(|text| key::admitted(world, call, text, &arn))
        .transpose()?;
    let group = Group {
        arn,
        created: call.at,
        retention: None,
        key,
        class: call.text("logGroupClass").unwrap_or("STANDARD").to_owned(),
        protected: call.flag("deletionProtectionEnabled"),
        tags,
        streams: BTreeMap::new(),
    };
    world
        .aws
        .region_mut(&call.account, &call.region)
        .logs
        .groups
        .insert(name.to_owned(), group);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("logGroupName");
    if change(world, call, name)?.protected {
        // Guess at the code; that it is refused: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/protecting-log-groups-from-deletion.html
        return Err(refusal(
            "ValidationException",
            format!("The log group {name} cannot be deleted: its deletion protection is enabled"),
        ));
    }
    world
        .aws
        .region_mut(&call.account, &call.region)
        .logs
        .groups
        .remove(name);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>: by name, 50 a page.
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let (prefix, pattern) = (call.text("logGroupNamePrefix"), call.text("logGroupNamePattern"));
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    let identifiers: Option<Vec<&str>> = call
        .input
        .get("logGroupIdentifiers")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect());
    let class = call.text("logGroupClass");
    let found = groups(world, call).iter().filter(|(name, group)| {
        prefix.is_none_or(|prefix| name.starts_with(prefix))
            && pattern.is_none_or(|pattern| name.to_lowercase().contains(&pattern.to_lowercase()))
            && class.is_none_or(|class| class == group.class)
            && identifiers.as_ref().is_none_or(|list| {
                list.iter()
                    .any(|text| *text == name.as_str() || *text == group.arn)
            })
    });
    let page = page(
        found.map(|(name, group)| (name, shown(name, group))),
        call.text("nextToken"),
        call.count("limit"),
        50,
        world.behaviour.page,
    )
    .map_err(|_| invalid("The specified nextToken is invalid."))?;
    Ok(said(json!({"logGroups": page.entries, "nextToken": page.next})))
}

fn shown(name: &str, group: &Group) -> Value {
    let stored: usize = group.streams.values().map(super::Stream::bytes).sum();
    json!({
        "logGroupName": name,
        "creationTime": group.created.as_millisecond(),
        "retentionInDays": group.retention,
        "metricFilterCount": 0,
        "arn": format!("{}:*", group.arn),
        "logGroupArn": group.arn,
        "storedBytes": stored,
        "kmsKeyId": group.key,
        "logGroupClass": group.class,
        "deletionProtectionEnabled": group.protected,
    })
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
pub(super) fn put_retention(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let days = call
        .input
        .get("retentionInDays")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    if !RETENTION.contains(&days) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: {RETENTION:?}"
        )));
    }
    change(world, call, call.required("logGroupName"))?.retention = Some(days);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteRetentionPolicy.html>
pub(super) fn delete_retention(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    change(world, call, call.required("logGroupName"))?.retention = None;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html>
pub(super) fn protect(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = name(call);
    change(world, call, &name)?.protected = call.flag("deletionProtectionEnabled");
    Ok(Answer::empty())
}
