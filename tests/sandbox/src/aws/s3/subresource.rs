//! Sub-resources that are kept and read back, and do nothing here.

use serde_json::{Value, json};

use super::{configure, find};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// A sub-resource that is only kept.
pub(super) struct Kept {
    /// How its operations name it.
    name: &'static str,
    /// The member that a write carries it in.
    member: &'static str,
    /// What is said of a bucket without it: a refusal's code and words, or an output.
    absent: Absent,
}

enum Absent {
    Refused(&'static str, &'static str),
    Said(fn() -> Value),
}

/// What is done.
pub(super) enum Verb {
    Get,
    Put,
    Delete,
}

/// Each with what S3 says of a bucket without it, as its API page or the list of error codes says.
const ALL: [Kept; 6] = [
    Kept {
        name: "BucketCors",
        member: "CORSConfiguration",
        absent: Absent::Refused("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    },
    Kept {
        name: "BucketWebsite",
        member: "WebsiteConfiguration",
        absent: Absent::Refused(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
    },
    Kept {
        name: "BucketReplication",
        member: "ReplicationConfiguration",
        absent: Absent::Refused(
            "ReplicationConfigurationNotFoundError",
            "The replication configuration was not found",
        ),
    },
    Kept {
        name: "BucketRequestPayment",
        member: "RequestPaymentConfiguration",
        absent: Absent::Said(|| json!({"Payer": "BucketOwner"})),
    },
    Kept {
        name: "BucketAccelerateConfiguration",
        member: "AccelerateConfiguration",
        absent: Absent::Said(|| json!({})),
    },
    Kept {
        name: "BucketNotificationConfiguration",
        member: "NotificationConfiguration",
        absent: Absent::Said(|| json!({})),
    },
];

/// The sub-resource and what an operation does with it.
pub(super) fn find_kept(operation: &str) -> Option<(&'static Kept, Verb)> {
    let (verb, name) = [("Get", 0), ("Put", 1), ("Delete", 2)]
        .iter()
        .find_map(|(prefix, verb)| operation.strip_prefix(prefix).map(|name| (*verb, name)))?;
    let kept = ALL.iter().find(|kept| kept.name == name)?;
    let verb = match verb {
        0 => Verb::Get,
        1 => Verb::Put,
        _ => Verb::Delete,
    };
    Some((kept, verb))
}

/// Reads, writes or removes it.
pub(super) fn answer(world: &mut World, call: &Call, kept: &Kept, verb: Verb) -> Result<Answer, Refusal> {
    match verb {
        Verb::Get => get(world, call, kept),
        Verb::Put => put(world, call, kept),
        Verb::Delete => {
            configure(world, call)?.kept.remove(kept.name);
            Ok(Answer::empty())
        }
    }
}

fn get(world: &World, call: &Call, kept: &Kept) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    match (bucket.kept.get(kept.name), &kept.absent) {
        // An output that is the document itself has it under its name; the others have its members.
        (Some(value), _) if kept.name == "BucketReplication" => Ok(said(json!({kept.member: value}))),
        (Some(value), _) => Ok(said(value.clone())),
        (None, Absent::Refused(code, message)) => {
            Err(Refusal::new(404, code, *message).with("BucketName", bucket.name.as_str()))
        }
        (None, Absent::Said(output)) => Ok(said(output())),
    }
}

fn put(world: &mut World, call: &Call, kept: &Kept) -> Result<Answer, Refusal> {
    let value = call.input.get(kept.member).cloned().unwrap_or_else(|| json!({}));
    let bucket = find(world, call)?;
    if kept.name == "BucketReplication" && bucket.versioning.as_deref() != Some("Enabled") {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html, "Requirements".
        return Err(super::invalid_request(
            "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
        ));
    }
    configure(world, call)?.kept.insert(kept.name.to_owned(), value);
    Ok(Answer::empty())
}
