//! Pages of a list.

use serde_json::{Map, Value, json};

use super::refuse::invalid;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::Behaviour;

/// One page of what stands, under `member`; `sizes` names the parameter that asks for a size. A page's token is the place
/// where the next one begins.
///
/// # Errors
/// 400 for a token that no page gave.
pub(crate) fn page(
    call: &Call,
    behaviour: &Behaviour,
    member: &str,
    sizes: &str,
    default: usize,
    all: Vec<Value>,
) -> Result<Answer, Refusal> {
    let asked = call
        .input
        .get(sizes)
        .and_then(Value::as_u64)
        .filter(|size| *size > 0)
        .map_or(default, |size| usize::try_from(size).unwrap_or(default));
    let size = match behaviour.page {
        0 => asked,
        most => asked.min(most),
    };
    let from: usize = match call.text("pageToken") {
        None | Some("") => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|from| from.parse().ok())
            .filter(|from| *from <= all.len())
            .ok_or_else(|| invalid("Invalid page token."))?,
    };
    let more = all.len() > from + size;
    let shown: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let mut output = Map::new();
    if !shown.is_empty() {
        output.insert(member.to_owned(), Value::Array(shown));
    }
    if more {
        output.insert("nextPageToken".to_owned(), json!(format!("page-{}", from + size)));
    }
    Ok(Answer::of(Value::Object(output)))
}
