//! EKS's refusals. Each names cluster, node group or add-on in members of its own, as the API's description says.

use crate::answer::Refusal;
use crate::aws::tags::Flaw;

pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidParameterException", message)
}

pub(super) fn request(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidRequestException", message)
}

pub(super) fn in_use(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "ResourceInUseException", message)
}

pub(super) fn missing(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "ResourceNotFoundException", message)
}

pub(super) fn limit(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ResourceLimitExceededException", message)
}

/// The wording is that of public reports.
pub(super) fn no_cluster(name: &str) -> Refusal {
    missing(format!("No cluster found for name: {name}.")).with("clusterName", name)
}

/// What the API's description knows and this sandbox does not carry: said, not dropped.
pub(super) fn not_carried(member: &str) -> Refusal {
    invalid(format!("{member} is not carried by this sandbox"))
}

/// Tags in a call that makes something; the sentences are guesses.
pub(super) fn tags(flaw: Flaw) -> Refusal {
    invalid(flaw_words(flaw))
}

/// Tags in `TagResource`, which has errors of its own.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_TagResource.html>
pub(super) fn bad_tags(flaw: Flaw) -> Refusal {
    Refusal::new(400, "BadRequestException", flaw_words(flaw))
}

fn flaw_words(flaw: Flaw) -> String {
    match flaw {
        Flaw::TooMany => "The number of tags must not be greater than 50".to_owned(),
        Flaw::Twice(key) => format!("Tag key {key} is given twice"),
        Flaw::Reserved(key) => {
            format!("The tag key {key} begins with aws:, which is reserved for use by AWS")
        }
    }
}
