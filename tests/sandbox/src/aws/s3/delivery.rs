//! Access logs: they come late, into the bucket that they are meant for, and make it non-empty.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html>, "Best-effort server log delivery".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::object::{Content, put_version};
use super::{Sealing, logging};
use crate::answer::{Answer, Refusal};
use crate::aws::input::text;
use crate::call::Call;
use crate::world::World;

/// Seconds until a log is delivered: "within a few hours", says the page above.
const USUAL: f64 = 3600.0;

/// A line that is to be delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// When.
    pub due: Timestamp,
    /// The bucket that was used.
    pub source: String,
    /// The bucket that it goes to.
    pub target: String,
    /// What its key begins with.
    pub prefix: String,
    /// The record.
    pub line: String,
}

/// Writes down a call to a bucket whose access is logged.
///
/// The record is shorter than S3's: who, what, on what, and how it ended, in the order of
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html>.
pub(super) fn record(world: &mut World, call: &Call, outcome: &Result<Answer, Refusal>) {
    let Some(source) = world.aws.s3.buckets.get(call.required("Bucket")) else {
        return;
    };
    let Some(to) = &source.logging else {
        return;
    };
    let (status, code) = match outcome {
        Ok(_) => (200, "-"),
        Err(refusal) => (refusal.status, refusal.code.as_str()),
    };
    let line = format!(
        "{} {} [{}] 127.0.0.1 {} {} REST.{} {} \"-\" {status} {code}\n",
        super::canonical_id(&source.account),
        source.name,
        call.at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        call.caller.principal,
        call.request_id,
        call.operation,
        call.text("Key").unwrap_or("-"),
    );
    let lasts = world.behaviour.duration("s3.accessLog.delivery", USUAL);
    let pending = Pending {
        due: call.at.saturating_add(lasts).unwrap_or(Timestamp::MAX),
        source: source.name.clone(),
        target: text(to, "TargetBucket").unwrap_or_default().to_owned(),
        prefix: text(to, "TargetPrefix").unwrap_or_default().to_owned(),
        line,
    };
    world.aws.s3.pending.push(pending);
}

/// Delivers what is due: one object for each source and target. What has nowhere to go any more is lost.
pub(super) fn settle(world: &mut World, now: Timestamp) {
    if !world.aws.s3.pending.iter().any(|pending| pending.due <= now) {
        return;
    }
    let pending = std::mem::take(&mut world.aws.s3.pending);
    let (due, later): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| pending.due <= now);
    world.aws.s3.pending = later;
    let mut logs: BTreeMap<(String, String, String), (Timestamp, String)> = BTreeMap::new();
    for one in due {
        let log = logs
            .entry((one.source, one.target, one.prefix))
            .or_insert_with(|| (one.due, String::new()));
        log.0 = log.0.max(one.due);
        log.1.push_str(&one.line);
    }
    for ((source, target, prefix), (at, text)) in logs {
        let buckets = &world.aws.s3.buckets;
        let admitted = match (buckets.get(&source), buckets.get(&target)) {
            (Some(source), Some(target)) => logging::delivers(target, source, &prefix),
            // A bucket that is gone still has its last hours logged.
            (None, Some(_)) => true,
            _ => false,
        };
        if !admitted {
            continue;
        }
        let key = format!(
            "{prefix}{}-{}",
            at.strftime("%Y-%m-%d-%H-%M-%S"),
            world.random.hex(16).to_uppercase()
        );
        let id = world.random.text(super::object::ID_LETTERS, 32);
        let sealing = Sealing {
            algorithm: "AES256".into(),
            key: None,
            bucket_key: false,
        };
        let content = Content::plain(text.into(), sealing);
        if let Some(bucket) = world.aws.s3.buckets.get_mut(&target) {
            put_version(bucket, &key, id, at, Some(content));
        }
    }
}
