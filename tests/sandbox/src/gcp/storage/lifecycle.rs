//! Lifecycle rules (<https://cloud.google.com/storage/docs/lifecycle>): done whenever somebody looks, where Google takes up to a day.

use jiff::{Timestamp, Unit, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{Bucket, Object, retention};

/// Applies a bucket's rules.
pub(super) fn apply(bucket: &mut Bucket, at: Timestamp) {
    let Some(rules) = bucket
        .body
        .pointer("/lifecycle/rule")
        .and_then(Value::as_array)
        .cloned()
    else {
        return;
    };
    let soft = bucket.soft_seconds();
    let mut objects = std::mem::take(&mut bucket.objects);
    for versions in objects.values_mut() {
        let count = versions.len();
        let mut kept = Vec::with_capacity(count);
        for (index, mut object) in std::mem::take(versions).into_iter().enumerate() {
            let newer = count - index - 1;
            let holding: Vec<&Value> = rules
                .iter()
                .filter(|rule| holds(rule.get("condition").unwrap_or(&Value::Null), &object, newer, at))
                .collect();
            let action = |kind: &str| {
                holding
                    .iter()
                    .find(|rule| rule.pointer("/action/type").and_then(Value::as_str) == Some(kind))
            };
            // Deleting comes before moving (the same page).
            if action("Delete").is_some() && retention::check(bucket, &object, at).is_ok() {
                if soft > 0 {
                    let until = at + jiff::SignedDuration::from_secs(soft);
                    object.soft = Some((at, until));
                    bucket.soft_deleted.push(object);
                }
                continue;
            }
            if let Some(rule) = action("SetStorageClass") {
                object.body["storageClass"] = rule
                    .pointer("/action/storageClass")
                    .cloned()
                    .unwrap_or_else(|| json!("NEARLINE"));
            }
            kept.push(object);
        }
        *versions = kept;
    }
    objects.retain(|_, versions| !versions.is_empty());
    bucket.objects = objects;
}

/// Whether all conditions hold.
fn holds(condition: &Value, object: &Object, newer: usize, at: Timestamp) -> bool {
    let days = |since: Timestamp| {
        at.since((Unit::Hour, since))
            .map_or(0, |span| i64::from(span.get_hours()) / 24)
    };
    let Some(conditions) = condition.as_object().filter(|conditions| !conditions.is_empty()) else {
        return false;
    };
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let before = |value: &Value, moment: Timestamp| {
        let date: Option<Date> = value.as_str().and_then(|text| text.parse().ok());
        date.is_some_and(|date| moment.to_zoned(TimeZone::UTC).date() < date)
    };
    conditions.iter().all(|(name, value)| match name.as_str() {
        "age" => value.as_i64().is_some_and(|age| days(object.created) >= age),
        "isLive" => value.as_bool() == Some(object.noncurrent.is_none()),
        "numNewerVersions" => value.as_i64().is_some_and(|many| newer as i64 >= many),
        "daysSinceNoncurrentTime" => object
            .noncurrent
            .zip(value.as_i64())
            .is_some_and(|(since, age)| days(since) >= age),
        "createdBefore" => before(value, object.created),
        "noncurrentTimeBefore" => object.noncurrent.is_some_and(|since| before(value, since)),
        "matchesPrefix" => texts(value).iter().any(|prefix| object.name.starts_with(prefix)),
        "matchesSuffix" => texts(value).iter().any(|suffix| object.name.ends_with(suffix)),
        "matchesStorageClass" => {
            let class = object
                .body
                .get("storageClass")
                .and_then(Value::as_str)
                .unwrap_or("STANDARD");
            texts(value).iter().any(|known| known == class)
        }
        // A condition that is not judged here keeps the object.
        _ => false,
    })
}
