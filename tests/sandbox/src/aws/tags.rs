//! Tags, which every service spells in its own way.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Tags of an object.
pub type Tags = BTreeMap<String, String>;

/// Most tags on one object: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
pub const MOST: usize = 50;

/// What is wrong with tags; each service words it in its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// More than [`MOST`].
    TooMany,
    /// A key twice.
    Twice(String),
    /// A key that begins with `aws:`, which is reserved.
    Reserved(String),
}

/// Reads a list of pairs. `spelling` names key and value (`("Key", "Value")`, `("TagKey", "TagValue")`); a missing list is
/// an empty one.
///
/// # Errors
/// The first [`Flaw`].
pub fn read(list: Option<&Value>, spelling: (&str, &str)) -> Result<Tags, Flaw> {
    let mut tags = Tags::new();
    for tag in list.and_then(Value::as_array).into_iter().flatten() {
        let member = |name: &str| {
            tag.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let (key, value) = (member(spelling.0), member(spelling.1));
        reserved(&key)?;
        if tags.insert(key.clone(), value).is_some() {
            return Err(Flaw::Twice(key));
        }
    }
    few(&tags)?;
    Ok(tags)
}

/// Reads a map from keys to values.
///
/// # Errors
/// The first [`Flaw`].
pub fn read_map(map: Option<&Value>) -> Result<Tags, Flaw> {
    let mut tags = Tags::new();
    for (key, value) in map.and_then(Value::as_object).into_iter().flatten() {
        reserved(key)?;
        tags.insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
    }
    few(&tags)?;
    Ok(tags)
}

fn reserved(key: &str) -> Result<(), Flaw> {
    let prefix = key.get(..4).unwrap_or_default();
    if prefix.eq_ignore_ascii_case("aws:") {
        return Err(Flaw::Reserved(key.to_owned()));
    }
    Ok(())
}

fn few(tags: &Tags) -> Result<(), Flaw> {
    if tags.len() > MOST {
        return Err(Flaw::TooMany);
    }
    Ok(())
}

/// Adds tags to those of an object.
///
/// # Errors
/// [`Flaw::TooMany`]; nothing is added then.
pub fn add(tags: &mut Tags, more: Tags) -> Result<(), Flaw> {
    let mut all = tags.clone();
    all.extend(more);
    few(&all)?;
    *tags = all;
    Ok(())
}

/// Removes tags by a list of keys.
pub fn remove(tags: &mut Tags, keys: Option<&Value>) {
    for key in keys
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        tags.remove(key);
    }
}

/// As a list of pairs.
pub fn list(tags: &Tags, spelling: (&str, &str)) -> Value {
    tags.iter()
        .map(|(key, value)| json!({spelling.0: key, spelling.1: value}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPELLING: (&str, &str) = ("Key", "Value");

    #[test]
    fn what_is_read_is_written_back() {
        let list_of_two = json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]);
        let tags = read(Some(&list_of_two), SPELLING).unwrap();
        assert_eq!(list(&tags, SPELLING), list_of_two);
    }

    #[test]
    fn flaws_are_found() {
        let twice = json!([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]);
        assert_eq!(read(Some(&twice), SPELLING), Err(Flaw::Twice("a".into())));
        let reserved = json!([{"Key": "AWS:a", "Value": "1"}]);
        assert_eq!(
            read(Some(&reserved), SPELLING),
            Err(Flaw::Reserved("AWS:a".into()))
        );
        let many: Value = (0..51)
            .map(|n| json!({"Key": n.to_string(), "Value": ""}))
            .collect();
        assert_eq!(read(Some(&many), SPELLING), Err(Flaw::TooMany));
        let mut fifty = (0..50).map(|n| (n.to_string(), String::new())).collect::<Tags>();
        let before = fifty.clone();
        assert_eq!(
            add(&mut fifty, Tags::from([("x".into(), String::new())])),
            Err(Flaw::TooMany)
        );
        assert_eq!(fifty, before);
    }
}
