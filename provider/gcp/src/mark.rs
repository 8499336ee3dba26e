//! The mark of ownership: in labels, or as JSON in a description where an object has no labels.

use std::collections::HashMap;

use mlops_environment::component::Owner;
use mlops_environment::gcp::{Mark, Tags};
use mlops_environment::plan::Change;
use serde_json::Value;

/// Label: id of the environment an object belongs to, `_` for `/`.
pub(crate) const ENVIRONMENT: &str = "mlops_environment";
/// Label: tells re-creations of one environment apart.
pub(crate) const UID: &str = "mlops_uid";
/// Label: address of the component.
pub(crate) const COMPONENT: &str = "mlops_component";
/// Label: when the environment let go of an object that it left standing.
pub(crate) const RETAINED_AT: &str = "mlops_retained_at";

/// Whose an object with these labels is.
///
/// An id has no `_` of its own: neither project ids, nor locations, nor names of environments may.
pub(crate) fn owner(labels: &Tags) -> Owner {
    match (labels.get(ENVIRONMENT), labels.get(UID)) {
        (Some(id), Some(uid)) => Owner::Environment {
            id: id.replace('_', "/"),
            uid: uid.clone(),
        },
        _ => Owner::Unmarked,
    }
}

/// Whose an object with this description is.
pub(crate) fn owner_by(description: &str) -> Owner {
    match serde_json::from_str::<Mark>(description) {
        Ok(mark) => Owner::Environment {
            id: mark.environment,
            uid: mark.uid,
        },
        Err(_) => Owner::Unmarked,
    }
}

/// The owner of what cannot carry a mark: whoever asks for it.
pub(crate) fn asking(environment: &str) -> Owner {
    Owner::Environment {
        id: environment.to_owned(),
        uid: String::new(),
    }
}

/// A description that says when its object was left standing, besides what it said.
///
/// `None` where it is not a mark of ours: words of others are not written over.
pub(crate) fn retained(description: &str, now: &str) -> Option<String> {
    serde_json::from_str::<Mark>(description).ok()?;
    let Ok(Value::Object(mut said)) = serde_json::from_str(description) else {
        return None;
    };
    said.insert("retained_at".to_owned(), Value::from(now));
    Some(Value::Object(said).to_string())
}

/// A time as the value of a label: lower case, without colons.
pub(crate) fn label_time(now: &str) -> String {
    now.to_ascii_lowercase().replace([':', '.'], "-")
}

/// Labels as found, without those that Google sets itself.
pub(crate) fn found<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> Tags {
    labels
        .into_iter()
        .filter(|(key, _)| !key.starts_with("goog-"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The labels as they are after a change: those that others added since stay.
pub(crate) fn changed(now: &HashMap<String, String>, change: &Change) -> HashMap<String, String> {
    let read = |value: &Value| -> Tags { serde_json::from_value(value.clone()).unwrap_or_default() };
    let (from, to) = (read(&change.from), read(&change.to));
    let mut labels = now.clone();
    labels.retain(|key, _| !from.contains_key(key) || to.contains_key(key));
    labels.extend(to);
    labels
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_the_mark_in_labels() {
        let labels = Tags::from([
            (ENVIRONMENT.to_owned(), "gcp_acme-ml_europe-west4_shop".to_owned()),
            (UID.to_owned(), "u".to_owned()),
        ]);
        assert_eq!(
            owner(&labels),
            Owner::Environment {
                id: "gcp/acme-ml/europe-west4/shop".into(),
                uid: "u".into()
            }
        );
        assert_eq!(
            owner(&Tags::from([(UID.to_owned(), "u".to_owned())])),
            Owner::Unmarked
        );
    }

    #[test]
    fn reads_the_mark_in_a_description() {
        let text = r#"{"environment":"gcp/a/b/c","uid":"u","component":"x"}"#;
        assert!(matches!(owner_by(text), Owner::Environment { id, .. } if id == "gcp/a/b/c"));
        let retained = retained(text, "2026-11-28T12:00:00Z").unwrap();
        assert!(
            matches!(owner_by(&retained), Owner::Environment { .. }),
            "{retained}"
        );
        assert!(retained.contains("2026-11-28"));
        for other in ["", "the data team's account", "{}", "[1]"] {
            assert_eq!(owner_by(other), Owner::Unmarked, "{other}");
            assert_eq!(super::retained(other, "now"), None, "{other}");
        }
    }

    #[test]
    fn labels_of_others_stay() {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<HashMap<_, _>>()
        };
        let change = Change {
            property: "tags".into(),
            from: json!({"a": "1", "gone": "1"}),
            to: json!({"a": "2", "new": "1"}),
        };
        assert_eq!(
            changed(
                &map(&[("a", "1"), ("gone", "1"), ("theirs", "1"), ("goog-x", "1")]),
                &change
            ),
            map(&[("a", "2"), ("new", "1"), ("theirs", "1"), ("goog-x", "1")])
        );
        assert!(found(&map(&[("goog-x", "1")])).is_empty());
    }

    #[test]
    fn a_time_fits_into_a_label() {
        assert_eq!(label_time("2026-11-28T12:00:00Z"), "2026-11-28t12-00-00z");
    }
}
