//! IAM's refusals, with the codes and statuses of its API description.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>

use crate::answer::Refusal;
use crate::aws::tags::Flaw;

pub(crate) fn missing(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "NoSuchEntity", message)
}

pub(crate) fn exists(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "EntityAlreadyExists", message)
}

pub(crate) fn conflict(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "DeleteConflict", message)
}

pub(crate) fn limit(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "LimitExceeded", message)
}

pub(crate) fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "MalformedPolicyDocument", message)
}

pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidInput", message)
}

pub(crate) fn validation(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}

/// A role that only AWS changes.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html>
pub(crate) fn protected(role: &str) -> Refusal {
    Refusal::new(
        400,
        "UnmodifiableEntity",
        format!(
            "Cannot perform the operation on the protected role '{role}' - this role is only modifiable by AWS"
        ),
    )
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html>; the sentences are guesses.
pub(crate) fn tags(flaw: Flaw) -> Refusal {
    match flaw {
        Flaw::Twice(_) => {
            invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
        }
        Flaw::Reserved(_) => invalid("Tag keys that begin with 'aws:' are reserved and cannot be used."),
        Flaw::TooMany => limit("The number of tags has reached the maximum limit."),
    }
}
