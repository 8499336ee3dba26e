//! Tags: the ownership mark in them, and what to set and remove.

use std::collections::BTreeMap;

use mlops_environment::aws::Tags;
use mlops_environment::component::Owner;
use mlops_environment::plan::Change;

/// Tag: id of the environment an object belongs to.
pub(crate) const ENVIRONMENT: &str = "mlops:environment";
/// Tag: tells re-creations of one environment apart.
pub(crate) const UID: &str = "mlops:uid";
/// Tag: address of the component.
pub(crate) const COMPONENT: &str = "mlops:component";
/// Tag: says that we made the object.
pub(crate) const MANAGED_BY: &str = "mlops:managed-by";
/// Tag: when the environment let go of an object that it left standing.
pub(crate) const RETAINED_AT: &str = "mlops:retained-at";

/// Whose an object with these tags is.
pub(crate) fn owner(tags: &Tags) -> Owner {
    match (tags.get(ENVIRONMENT), tags.get(UID)) {
        (Some(id), Some(uid)) => Owner::Environment {
            id: id.clone(),
            uid: uid.clone(),
        },
        _ => Owner::Unmarked,
    }
}

/// Tags as found, without those that AWS sets itself and nobody may change.
///
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html> (`aws:` is reserved).
pub(crate) fn found<K, V>(tags: impl IntoIterator<Item = (K, V)>) -> Tags
where
    K: Into<String>,
    V: Into<String>,
{
    tags.into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .filter(|(key, _)| !key.starts_with("aws:"))
        .collect()
}

/// What a change of the property `tags` sets and removes. Tags that were not found before are nobody's business here.
pub(crate) fn delta(change: &Change) -> (Tags, Vec<String>) {
    let parse = |value: &serde_json::Value| -> BTreeMap<String, String> {
        serde_json::from_value(value.clone()).unwrap_or_default()
    };
    let (from, to) = (parse(&change.from), parse(&change.to));
    let removed = from
        .keys()
        .filter(|key| !to.contains_key(*key))
        .cloned()
        .collect();
    let set = to
        .into_iter()
        .filter(|(key, value)| from.get(key) != Some(value))
        .collect();
    (set, removed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_what_differs_and_removes_what_is_not_wanted() {
        let change = Change {
            property: "tags".into(),
            from: json!({"same": "1", "other": "1", "old": "1"}),
            to: json!({"same": "1", "other": "2", "new": "1"}),
        };
        let (set, removed) = delta(&change);
        assert_eq!(set, found([("new", "1"), ("other", "2")]));
        assert_eq!(removed, ["old"]);
    }

    #[test]
    fn half_a_mark_is_no_mark() {
        assert_eq!(owner(&found([(ENVIRONMENT, "aws/1/r/n")])), Owner::Unmarked);
        assert_eq!(
            owner(&found([(ENVIRONMENT, "aws/1/r/n"), (UID, "u")])),
            Owner::Environment {
                id: "aws/1/r/n".into(),
                uid: "u".into()
            }
        );
    }

    #[test]
    fn leaves_the_clouds_own_tags_out() {
        assert!(found([("aws:cloudformation:stack-name", "x")]).is_empty());
    }
}
