//! Tags: labels on Google Cloud.

use std::collections::BTreeMap;

use super::collector::Collector;
use super::{AttributePath, Cloud, Facts};
use crate::config::Config;
use crate::reference;

/// Tags that every object carries beside the user's.
pub const OWN_TAGS: usize = 4;

/// Tags of the provider and the environment.
/// Limits: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices>
pub(super) fn merged(config: &Config, facts: &Facts, collector: &mut Collector) -> BTreeMap<String, String> {
    let path = AttributePath::root("tags");
    let mut tags = facts.default_tags.clone();
    tags.extend(config.tags.clone().unwrap_or_default());
    if facts.cloud.cloud() == Cloud::Gcp {
        labels(&tags, &path, collector);
        return tags;
    }
    for (key, value) in &tags {
        let at = path.key(key);
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("mlops:") || lower.starts_with("aws:") {
            collector.refuse(
                &at,
                "Reserved tag",
                "Keys that begin with mlops: or aws: are not the user's. Rename it.",
            );
        }
        let legal = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
        let late = reference::is_placeholder(value);
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(legal) {
            collector.refuse(
                &at,
                "Tag key is not possible",
                "Use 1 to 128 letters, digits, spaces and + - = . _ : / @ in it.",
            );
        }
        if !late && (value.chars().count() > 256 || !value.chars().all(legal)) {
            collector.refuse(
                &at,
                "Tag value is not possible",
                "Use at most 256 letters, digits, spaces and + - = . _ : / @ in it.",
            );
        }
    }
    if tags.len() > 50 - OWN_TAGS {
        collector.refuse(
            &path,
            format!("{} tags are too many", tags.len()),
            format!("AWS takes 50 on an object, {OWN_TAGS} of which mark it as ours. Remove some here or in default_tags."),
        );
    }
    tags
}

/// Labels: lower case only.
/// <https://cloud.google.com/resource-manager/docs/labels-overview#requirements>
fn labels(tags: &BTreeMap<String, String>, path: &AttributePath, collector: &mut Collector) {
    let legal = |c: char| c.is_lowercase() || c.is_numeric() || matches!(c, '-' | '_');
    for (key, value) in tags {
        let at = path.key(key);
        if key.starts_with("mlops_") || key.starts_with("goog") {
            collector.refuse(
                &at,
                "Reserved label",
                "Keys that begin with mlops_ or goog are not the user's. Rename it.",
            );
        }
        let first = key.chars().next().is_some_and(char::is_lowercase);
        if !first || key.chars().count() > 63 || !key.chars().all(legal) {
            collector.refuse(
                &at,
                "Label key is not possible",
                "On Google Cloud tags are labels: 1 to 63 lower-case letters, digits, _ and -, beginning with a letter. \
                 Written so, in tags or default_tags, it is good for both clouds.",
            );
        }
        let late = reference::is_placeholder(value);
        if !late && (value.chars().count() > 63 || !value.chars().all(legal)) {
            collector.refuse(
                &at,
                "Label value is not possible",
                "On Google Cloud tags are labels: at most 63 lower-case letters, digits, _ and -. Written so, in tags or \
                 default_tags, it is good for both clouds.",
            );
        }
    }
    if tags.len() > 64 - OWN_TAGS {
        collector.refuse(
            path,
            format!("{} tags are too many", tags.len()),
            format!(
                "Google Cloud takes 64 labels on an object, {OWN_TAGS} of which mark it as ours. Remove some."
            ),
        );
    }
}
