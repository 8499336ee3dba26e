//! Worlds as values: what differs between two, and what in one carries a mark.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// One difference between two values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where: a JSON pointer (RFC 6901).
    pub path: String,
    /// Before; null where nothing was.
    pub before: Value,
    /// After; null where nothing is.
    pub after: Value,
}

/// What differs, in the order of paths. Members that appear or vanish are told whole.
pub fn compare(before: &Value, after: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    walk(before, after, String::new(), &mut differences);
    differences
}

fn pointer(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn walk(before: &Value, after: &Value, path: String, into: &mut Vec<Difference>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let side = |members: &serde_json::Map<String, Value>| {
                    members.get(name).cloned().unwrap_or(Value::Null)
                };
                walk(&side(old), &side(new), pointer(&path, name), into);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                walk(old, new, format!("{path}/{index}"), into);
            }
        }
        _ if before == after => {}
        _ => into.push(Difference {
            path,
            before: before.clone(),
            after: after.clone(),
        }),
    }
}

/// Something that carries a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marked {
    /// Where it stands in the snapshot: a JSON pointer.
    pub path: String,
    /// Its tags or labels.
    pub tags: BTreeMap<String, String>,
}

/// Everything in a snapshot whose tags or labels hold `key` (and, if given, this value).
///
/// Tags stand in the world as maps from text to text, whatever the service calls them; so whatever is such a map and has
/// the key is one.
pub fn marked(snapshot: &Value, key: &str, value: Option<&str>) -> Vec<Marked> {
    let mut found = Vec::new();
    search(snapshot, key, value, String::new(), &mut found);
    found
}

fn search(at: &Value, key: &str, value: Option<&str>, path: String, into: &mut Vec<Marked>) {
    match at {
        Value::Object(members) => {
            let carries = members
                .get(key)
                .and_then(Value::as_str)
                .is_some_and(|found| value.is_none_or(|value| value == found));
            if carries {
                into.push(Marked {
                    path: path
                        .rsplit_once('/')
                        .map(|(owner, _)| owner.to_owned())
                        .unwrap_or_default(),
                    tags: members
                        .iter()
                        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                        .collect(),
                });
                return;
            }
            for (name, inner) in members {
                search(inner, key, value, pointer(&path, name), into);
            }
        }
        Value::Array(elements) => {
            for (index, inner) in elements.iter().enumerate() {
                search(inner, key, value, format!("{path}/{index}"), into);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told_with_its_place() {
        let before = json!({"a": {"x/y": 1, "gone": true}, "list": [1, 2]});
        let after = json!({"a": {"x/y": 2}, "list": [1, 2], "new": {"z": 1}});
        let paths: Vec<String> = compare(&before, &after)
            .into_iter()
            .map(|found| found.path)
            .collect();
        assert_eq!(paths, ["/a/gone", "/a/x~1y", "/new"]);
        assert_eq!(compare(&after, &after), []);
    }

    #[test]
    fn what_carries_a_mark_is_found() {
        let world =
            json!({"buckets": {"b": {"tags": {"owner": "x", "a": "b"}}, "c": {"tags": {"owner": "y"}}}});
        let found = marked(&world, "owner", Some("x"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "/buckets/b");
        assert_eq!(marked(&world, "owner", None).len(), 2);
    }
}
