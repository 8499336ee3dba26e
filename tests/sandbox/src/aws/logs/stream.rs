//! Log streams and their events.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::group::{absent, arn, change, groups, name};
use super::{Group, invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// A stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// When it was made.
    pub created: Timestamp,
    /// What was written, oldest first.
    pub events: Vec<Event>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its own time in milliseconds, as its writer says.
    pub at: i64,
    /// When it came in.
    pub ingested: Timestamp,
    /// Its text.
    pub message: String,
}

impl Stream {
    /// What its events take: their bytes, and 26 for each.
    ///
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.message.len() + 26).sum()
    }
}

fn no_stream() -> Refusal {
    refusal(
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
}

fn group<'w>(world: &'w World, call: &Call) -> Result<&'w Group, Refusal> {
    groups(world, call).get(&name(call)).ok_or_else(absent)
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("logStreamName").to_owned();
    if name.contains([':', '*']) {
        return Err(invalid(format!(
            "Invalid logStreamName {name}: it contains a colon or an asterisk"
        )));
    }
    let group = change(world, call, call.required("logGroupName"))?;
    if group.streams.contains_key(&name) {
        return Err(refusal(
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ));
    }
    let stream = Stream {
        created: call.at,
        events: Vec::new(),
    };
    group.streams.insert(name, stream);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogStream.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let group = change(world, call, call.required("logGroupName"))?;
    group
        .streams
        .remove(call.required("logStreamName"))
        .map(|_| Answer::empty())
        .ok_or_else(no_stream)
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let group = group(world, call)?;
    let of_group = arn(call, &name(call));
    let prefix = call.text("logStreamNamePrefix").unwrap_or_default();
    let found = group.streams.iter().filter(|(name, _)| name.starts_with(prefix));
    let page = page(
        found.map(|(name, stream)| {
            let shown = json!({
                "logStreamName": name,
                "creationTime": stream.created.as_millisecond(),
                "firstEventTimestamp": stream.events.first().map(|event| event.at),
                "lastEventTimestamp": stream.events.last().map(|event| event.at),
                "lastIngestionTime": stream.events.last().map(|event| event.ingested.as_millisecond()),
                "arn": format!("{of_group}:log-stream:{name}"),
                "storedBytes": 0,
            });
            (name, shown)
        }),
        call.text("nextToken"),
        call.count("limit"),
        50,
        world.behaviour.page,
    )
    .map_err(|_| invalid("The specified nextToken is invalid."))?;
    Ok(said(json!({"logStreams": page.entries, "nextToken": page.next})))
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>: in the order of their times.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let events: Vec<Event> = call
        .input
        .get("logEvents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|event| Event {
            at: event.get("timestamp").and_then(Value::as_i64).unwrap_or_default(),
            ingested: call.at,
            message: event
                .get("message")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        })
        .collect();
    if !events.is_sorted_by_key(|event| event.at) {
        return Err(invalid(
            "Log events in a single PutLogEvents request must be in chronological order.",
        ));
    }
    let token = world.random.hex(56);
    let group = change(world, call, call.required("logGroupName"))?;
    let stream = group
        .streams
        .get_mut(call.required("logStreamName"))
        .ok_or_else(no_stream)?;
    stream.events.extend(events);
    Ok(said(json!({"nextSequenceToken": token})))
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>: everything on one page, and
/// tokens that say so.
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let stream = group(world, call)?
        .streams
        .get(call.required("logStreamName"))
        .ok_or_else(no_stream)?;
    let bound = |member: &str| call.input.get(member).and_then(Value::as_i64);
    let (from, until) = (bound("startTime"), bound("endTime"));
    let events: Vec<Value> = stream
        .events
        .iter()
        .filter(|event| {
            from.is_none_or(|from| event.at >= from) && until.is_none_or(|until| event.at < until)
        })
        .filter(|_| call.text("nextToken").is_none())
        .map(|event| {
            json!({
                "timestamp": event.at,
                "message": event.message,
                "ingestionTime": event.ingested.as_millisecond(),
            })
        })
        .collect();
    Ok(said(json!({
        "events": events,
        "nextForwardToken": "f/end",
        "nextBackwardToken": "b/end",
    })))
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>: of one pattern only the
/// plain words, all of which must be there.
pub(super) fn filter(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let pattern = call.text("filterPattern").unwrap_or_default();
    if pattern.contains(['{', '[', '%', '?', '-', '"']) {
        return Err(invalid(format!(
            "Invalid filter pattern for this sandbox, which carries plain words: {pattern}"
        )));
    }
    let words: Vec<&str> = pattern.split_whitespace().collect();
    let names = call.input.get("logStreamNames").and_then(Value::as_array);
    let prefix = call.text("logStreamNamePrefix").unwrap_or_default();
    let bound = |member: &str| call.input.get(member).and_then(Value::as_i64);
    let (from, until) = (bound("startTime"), bound("endTime"));
    let mut found: Vec<(String, Value)> = Vec::new();
    for (name, stream) in &group(world, call)?.streams {
        let wanted = names.is_none_or(|names| names.iter().any(|one| one.as_str() == Some(name)));
        if !wanted || !name.starts_with(prefix) {
            continue;
        }
        for (index, event) in stream.events.iter().enumerate() {
            let inside =
                from.is_none_or(|from| event.at >= from) && until.is_none_or(|until| event.at <= until);
            if inside && words.iter().all(|word| event.message.contains(word)) {
                let order = format!("{:020} {name} {index:010}", event.at.max(0));
                let shown = json!({
                    "logStreamName": name,
                    "timestamp": event.at,
                    "message": event.message,
                    "ingestionTime": event.ingested.as_millisecond(),
                    "eventId": format!("{name}/{index}"),
                });
                found.push((order, shown));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    let page = page(
        found,
        call.text("nextToken"),
        call.count("limit"),
        10_000,
        world.behaviour.page,
    )
    .map_err(|_| invalid("The specified nextToken is invalid."))?;
    Ok(said(
        json!({"events": page.entries, "searchedLogStreams": [], "nextToken": page.next}),
    ))
}
