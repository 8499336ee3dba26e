//! Lists of secrets.

use serde_json::{Value, json};

use super::refusal;
use super::secret::{Secret, state};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html>: those that wait for their deletion
/// only when asked for.
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let with_deleted = call.flag("IncludePlannedDeletion");
    let filters: Vec<&Value> = call
        .input
        .get("Filters")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let found = state(world, call).secrets.iter().filter(|(_, secret)| {
        let there = match &secret.deletion {
            None => true,
            Some(deletion) => with_deleted && !deletion.forced,
        };
        there && filters.iter().all(|filter| passes(secret, filter))
    });
    let page = page(
        found.map(|(name, secret)| (name, secret.shown("SecretVersionsToStages"))),
        call.text("NextToken"),
        call.count("MaxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| refusal("InvalidNextTokenException", "The NextToken value is invalid."))?;
    Ok(said(json!({"SecretList": page.entries, "NextToken": page.next})))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Filter.html>: prefixes, `!` for all but; names and tags
/// with their case, descriptions without it.
fn passes(secret: &Secret, filter: &Value) -> bool {
    let key = filter.get("Key").and_then(Value::as_str).unwrap_or_default();
    let values: Vec<&str> = filter
        .get("Values")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let matches = |value: &str| -> bool {
        let folded = value.to_lowercase();
        let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
        let in_tags = |name: bool| {
            secret
                .tags
                .iter()
                .any(|(key, text)| if name { key } else { text }.starts_with(value))
        };
        match key {
            "name" => secret.name.starts_with(value),
            "description" => description
                .split_whitespace()
                .any(|word| word.starts_with(&folded)),
            "tag-key" => in_tags(true),
            "tag-value" => in_tags(false),
            "all" => {
                secret.name.to_lowercase().contains(&folded)
                    || description.contains(&folded)
                    || in_tags(true)
                    || in_tags(false)
            }
            // Nothing here belongs to another service or has a home elsewhere.
            _ => false,
        }
    };
    let (not, only): (Vec<&str>, Vec<&str>) = values
        .into_iter()
        .partition(|value: &&str| value.starts_with('!'));
    not.iter().all(|value| !matches(&value[1..]))
        && (only.is_empty() || only.iter().any(|value| matches(value)))
}
