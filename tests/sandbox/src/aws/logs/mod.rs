//! CloudWatch Logs: groups with retention, key and tags, and streams with what was written to them.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::aws::not_carried;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

mod delivery;
mod group;
mod key;
mod policy;
mod stream;
mod tagging;

pub use delivery::deliver;
pub use policy::ResourcePolicy;
pub use stream::Stream;

/// Log groups of a region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By name.
    pub groups: BTreeMap<String, Group>,
    /// Resource policies by name.
    #[serde(default)]
    pub policies: BTreeMap<String, ResourcePolicy>,
}

/// A log group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its ARN, without the `:*` that stands for its streams.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// Days that events are kept; `None` for ever.
    pub retention: Option<i64>,
    /// ARN of the key that encrypts it.
    pub key: Option<String>,
    /// `STANDARD`, `INFREQUENT_ACCESS`, `DELIVERY`.
    pub class: String,
    /// Whether it refuses to be deleted.
    pub protected: bool,
    /// Its tags.
    pub tags: Tags,
    /// Its streams by name.
    pub streams: BTreeMap<String, Stream>,
}

/// Answers a call.
///
/// # Errors
/// The service's refusal. Logs answers 400 to whatever the caller did wrong.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    match call.operation.as_str() {
        "CreateLogGroup" => group::create(world, call),
        "DeleteLogGroup" => group::delete(world, call),
        "DescribeLogGroups" => group::describe(world, call),
        "PutRetentionPolicy" => group::put_retention(world, call),
        "DeleteRetentionPolicy" => group::delete_retention(world, call),
        "PutLogGroupDeletionProtection" => group::protect(world, call),
        "AssociateKmsKey" => key::associate(world, call),
        "DisassociateKmsKey" => key::disassociate(world, call),
        "TagResource" => tagging::tag(world, call),
        "UntagResource" => tagging::untag(world, call),
        "ListTagsForResource" => tagging::list(world, call),
        "TagLogGroup" => tagging::tag_by_name(world, call),
        "UntagLogGroup" => tagging::untag_by_name(world, call),
        "ListTagsLogGroup" => tagging::list_by_name(world, call),
        "CreateLogStream" => stream::create(world, call),
        "DeleteLogStream" => stream::delete(world, call),
        "DescribeLogStreams" => stream::describe(world, call),
        "PutLogEvents" => stream::put(world, call),
        "GetLogEvents" => stream::get(world, call),
        "FilterLogEvents" => stream::filter(world, call),
        "PutResourcePolicy" => policy::put(world, call),
        "DescribeResourcePolicies" => policy::describe(world, call),
        "DeleteResourcePolicy" => policy::delete(world, call),
        _ => Err(not_carried(call)),
    }
}

fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    refusal("InvalidParameterException", message)
}

#[cfg(test)]
mod tests;
