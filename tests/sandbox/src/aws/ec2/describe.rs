//! Describing: by ids, by filters, in pages.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>

use mlops_access::pattern::Pattern;
use serde_json::{Map, Value, json};

use super::refused;
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::page;
use crate::aws::tags::{self, Tags};
use crate::call::Call;
use crate::world::World;

/// How one kind of object is described.
pub(super) struct Kind {
    /// Member of the answer that holds the list.
    pub(super) list: &'static str,
    /// Member of the call that names ids.
    pub(super) ids: &'static str,
    /// Member of an entry that holds its id.
    pub(super) id: &'static str,
    /// Filters, with the path to the values that each looks at; lists on the way are gone through.
    pub(super) filters: &'static [(&'static str, &'static [&'static str])],
    /// Code and words for an id that is not there; `{}` stands for the id.
    pub(super) missing: (&'static str, &'static str),
}

/// Adds the tags to an entry.
pub(super) fn tagged(mut entry: Value, tags: &Tags) -> Value {
    entry["Tags"] = tags::list(tags, ("Key", "Value"));
    entry
}

/// Answers a describe call out of all entries there are.
///
/// # Errors
/// An id that is not there, an unknown filter, a bad token.
pub(super) fn describe(
    world: &World,
    call: &Call,
    kind: &Kind,
    mut entries: Vec<Value>,
) -> Result<Answer, Refusal> {
    let key = |entry: &Value| input::text(entry, kind.id).unwrap_or_default().to_owned();
    let ids = input::texts(&call.input, kind.ids);
    let missing: Vec<&str> = ids
        .iter()
        .copied()
        .filter(|id| !entries.iter().any(|entry| key(entry) == *id))
        .collect();
    if !missing.is_empty() {
        let (code, words) = kind.missing;
        return Err(refused(code, words.replace("{}", &missing.join(", "))));
    }
    if !ids.is_empty() {
        entries.retain(|entry| ids.contains(&key(entry).as_str()));
    }
    // One operation spells it in the singular.
    for filter in input::items(&call.input, "Filters")
        .iter()
        .chain(input::items(&call.input, "Filter"))
    {
        let name = input::text(filter, "Name").unwrap_or_default();
        let wanted: Vec<Pattern> = input::texts(filter, "Values")
            .into_iter()
            .map(Pattern::parse)
            .collect();
        let path = path(kind, name)?;
        entries.retain(|entry| {
            let mut values = Vec::new();
            match &path {
                Path::Member(path) => collect(entry, path, &mut values),
                Path::TagKey => collect(entry, &["Tags", "Key"], &mut values),
                Path::Tag(key) => values.extend(
                    input::items(entry, "Tags")
                        .iter()
                        .filter(|tag| input::text(tag, "Key") == Some(key))
                        .filter_map(|tag| input::text(tag, "Value").map(str::to_owned)),
                ),
            }
            values
                .iter()
                .any(|value| wanted.iter().any(|wanted| wanted.matches(value)))
        });
    }
    entries.sort_by_key(key);
    let asked = input::number(&call.input, "MaxResults").and_then(|asked| usize::try_from(asked).ok());
    let page = page::page(
        entries.into_iter().map(|entry| (key(&entry), entry)),
        call.text("NextToken").filter(|token| !token.is_empty()),
        asked,
        1_000,
        world.behaviour.page,
    )
    .map_err(|_| refused("InvalidNextToken", "The token is not valid."))?;
    let mut output = Map::new();
    output.insert(kind.list.to_owned(), Value::Array(page.entries));
    if let Some(next) = page.next {
        output.insert("NextToken".to_owned(), json!(next));
    }
    Ok(Answer::of(Value::Object(output)))
}

enum Path<'a> {
    Member(&'static [&'static str]),
    Tag(&'a str),
    TagKey,
}

fn path<'a>(kind: &Kind, name: &'a str) -> Result<Path<'a>, Refusal> {
    if let Some(key) = name.strip_prefix("tag:") {
        return Ok(Path::Tag(key));
    }
    if name == "tag-key" {
        return Ok(Path::TagKey);
    }
    kind.filters
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, path)| Path::Member(path))
        .ok_or_else(|| refused("InvalidParameterValue", format!("The filter '{name}' is invalid")))
}

fn collect(value: &Value, path: &[&str], into: &mut Vec<String>) {
    match (value, path.split_first()) {
        (Value::Array(entries), _) => entries.iter().for_each(|entry| collect(entry, path, into)),
        (Value::Object(members), Some((first, rest))) => {
            if let Some(member) = members.get(*first) {
                collect(member, rest, into);
            }
        }
        (Value::String(text), None) => into.push(text.clone()),
        (Value::Bool(_) | Value::Number(_), None) => into.push(value.to_string()),
        _ => {}
    }
}
