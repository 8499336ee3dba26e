//! Whether a tag may be given to another image.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>

use serde_json::{Value, json};

use super::repository::change;
use super::{Repository, invalid};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Mutability and exceptions of a call: exceptions with `…_WITH_EXCLUSION`, and only with it.
pub(super) fn read(call: &Call) -> Result<(String, Option<Value>), Refusal> {
    let mutability = call.text("imageTagMutability").unwrap_or("MUTABLE");
    let filters = call
        .input
        .get("imageTagMutabilityExclusionFilters")
        .filter(|filters| filters.as_array().is_some_and(|filters| !filters.is_empty()));
    match (mutability.ends_with("_WITH_EXCLUSION"), filters) {
        (true, None) => Err(invalid(
            "imageTagMutabilityExclusionFilters",
            "must be specified when imageTagMutability has exclusions",
        )),
        (false, Some(_)) => Err(invalid(
            "imageTagMutabilityExclusionFilters",
            "must not be specified when imageTagMutability has no exclusions",
        )),
        (_, filters) => Ok((mutability.to_owned(), filters.cloned())),
    }
}

impl Repository {
    /// Whether a tag that stands may be given to another image.
    pub(super) fn may_move(&self, tag: &str) -> bool {
        let excluded = self
            .exclusions
            .as_ref()
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|filter| filter.get("filter").and_then(Value::as_str))
            .any(|pattern| wild(pattern, tag));
        match self.mutability.as_str() {
            "IMMUTABLE" => false,
            "IMMUTABLE_WITH_EXCLUSION" => excluded,
            "MUTABLE_WITH_EXCLUSION" => !excluded,
            _ => true,
        }
    }
}

/// `*` for any characters.
pub(super) fn wild(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices()
                .map(|(at, _)| at)
                .chain([tail.len()])
                .any(|at| wild(rest, &tail[at..]))
        }),
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImageTagMutability.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (mutability, exclusions) = read(call)?;
    let repository = change(world, call)?;
    repository.mutability = mutability;
    repository.exclusions = exclusions;
    Ok(said(json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "imageTagMutability": repository.mutability,
        "imageTagMutabilityExclusionFilters": repository.exclusions,
    })))
}
