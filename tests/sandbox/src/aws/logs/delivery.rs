//! What services of the cloud itself write to log groups.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::stream::Event;
use super::{Group, Stream};
use crate::aws::arn;
use crate::world::World;

/// A service delivers an event. A group or stream that is not there is made: EKS's service-linked role makes
/// `/aws/eks/<cluster>/cluster` again when it was deleted before the cluster, without retention, key and tags
/// (terraform-aws-modules/terraform-aws-eks issues 920, 2446, 2763).
pub fn deliver(
    world: &mut World,
    account: &str,
    region: &str,
    group: &str,
    stream: &str,
    message: &str,
    now: Timestamp,
) {
    let arn = arn::regional("logs", region, account, &format!("log-group:{group}"));
    let group = world
        .aws
        .region_mut(account, region)
        .logs
        .groups
        .entry(group.to_owned())
        .or_insert_with(|| Group {
            arn,
            created: now,
            retention: None,
            key: None,
            class: "STANDARD".into(),
            protected: false,
            tags: BTreeMap::new(),
            streams: BTreeMap::new(),
        });
    let stream = group.streams.entry(stream.to_owned()).or_insert_with(|| Stream {
        created: now,
        events: Vec::new(),
    });
    stream.events.push(Event {
        at: now.as_millisecond(),
        ingested: now,
        message: message.to_owned(),
    });
}
