//! References in the configuration: none but stand-ins for values that are not known yet.

use super::collector::Collector;
use super::{AttributePath, Segment};
use crate::config::Config;
use crate::reference;

/// Nobody but us writes references: text of the user that looks like one would be filled in with a component's output.
pub(super) fn refuse_references(config: &Config, collector: &mut Collector) {
    if let Ok(value) = serde_json::to_value(config) {
        refuse_references_in(&value, &AttributePath::default(), collector);
    }
}

fn refuse_references_in(value: &serde_json::Value, path: &AttributePath, collector: &mut Collector) {
    let judge = |text: &str, path: &AttributePath, collector: &mut Collector| {
        if text.contains("@{") && !reference::is_placeholder(text) {
            collector.refuse(
                path,
                "Text must not contain \"@{\"",
                "The provider marks values that are known later with these characters. Write it differently.",
            );
        }
    };
    match value {
        serde_json::Value::String(text) => judge(text, path, collector),
        serde_json::Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                // Texts stand in sets and short lists: the list is place enough.
                let at = if item.is_string() {
                    path.clone()
                } else {
                    path.index(at)
                };
                refuse_references_in(item, &at, collector);
            }
        }
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let at = if is_map(path) {
                    path.key(key)
                } else {
                    path.attribute(key)
                };
                judge(key, &at, collector);
                refuse_references_in(value, &at, collector);
            }
        }
        _ => {}
    }
}

/// Whether the keys at a path are the user's.
fn is_map(path: &AttributePath) -> bool {
    let maps = [
        "tags",
        "node_pools",
        "services",
        "secrets",
        "labels",
        "adopt",
        "replace_components",
    ];
    let encryption = AttributePath::root("encryption").attribute("secrets");
    match path.0.last() {
        Some(Segment::Attribute(name)) => maps.contains(&name.as_str()) && *path != encryption,
        _ => false,
    }
}
