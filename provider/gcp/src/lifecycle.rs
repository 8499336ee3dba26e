//! Lifecycle rules of a bucket: known by what they do, because the API gives them no names.

use std::collections::BTreeSet;

use google_cloud_storage::model::bucket::Lifecycle;
use google_cloud_storage::model::bucket::lifecycle::Rule;
use google_cloud_storage::model::bucket::lifecycle::rule::{Action, Condition};
use mlops_environment::gcp::LifecycleRule;

const DELETE: &str = "Delete";
const ABORT: &str = "AbortIncompleteMultipartUpload";
const SET_CLASS: &str = "SetStorageClass";
/// The class that live objects move to.
const CHEAPER: &str = "NEARLINE";

fn days(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn live(value: i64, prefix: &str) -> Condition {
    let condition = Condition::new().set_age_days(days(value)).set_is_live(true);
    if prefix.is_empty() {
        condition
    } else {
        condition.set_matches_prefix([prefix])
    }
}

/// Rules as the API takes them. What only it can say comes back as it was.
pub(crate) fn api(rules: &BTreeSet<LifecycleRule>) -> Lifecycle {
    Lifecycle::new().set_rule(rules.iter().filter_map(|rule| {
        let (action, condition) = match rule {
            LifecycleRule::Expire { days, prefix } => (Action::new().set_type(DELETE), live(*days, prefix)),
            LifecycleRule::ExpireReplaced { days: after } => (
                Action::new().set_type(DELETE),
                Condition::new().set_days_since_noncurrent_time(days(*after)),
            ),
            LifecycleRule::AbortUploads { days: after } => (
                Action::new().set_type(ABORT),
                Condition::new().set_age_days(days(*after)),
            ),
            LifecycleRule::Transition { days, prefix } => (
                Action::new().set_type(SET_CLASS).set_storage_class(CHEAPER),
                live(*days, prefix),
            ),
            // Never wanted.
            LifecycleRule::Other { .. } => return None,
        };
        Some(Rule::new().set_action(action).set_condition(condition))
    }))
}

/// Rules as found.
pub(crate) fn found(lifecycle: Option<&Lifecycle>) -> BTreeSet<LifecycleRule> {
    lifecycle
        .map(|lifecycle| lifecycle.rule.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|rule| {
            known(rule)
                // A rule is what it does: one that says more than we can is another.
                .filter(|known| api(&[known.clone()].into()).rule.first() == Some(rule))
                .unwrap_or_else(|| LifecycleRule::Other {
                    rule: serde_json::to_value(rule)
                        .map_or_else(|_| format!("{rule:?}"), |json| json.to_string()),
                })
        })
        .collect()
}

fn known(rule: &Rule) -> Option<LifecycleRule> {
    let (action, condition) = (rule.action.as_ref()?, rule.condition.as_ref()?);
    let prefix = || condition.matches_prefix.first().cloned().unwrap_or_default();
    match action.r#type.as_str() {
        DELETE if condition.days_since_noncurrent_time.is_some() => Some(LifecycleRule::ExpireReplaced {
            days: condition.days_since_noncurrent_time?.into(),
        }),
        DELETE => Some(LifecycleRule::Expire {
            days: condition.age_days?.into(),
            prefix: prefix(),
        }),
        ABORT => Some(LifecycleRule::AbortUploads {
            days: condition.age_days?.into(),
        }),
        SET_CLASS => Some(LifecycleRule::Transition {
            days: condition.age_days?.into(),
            prefix: prefix(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_as_they_were_written() {
        let rules = BTreeSet::from([
            LifecycleRule::Expire {
                days: 400,
                prefix: String::new(),
            },
            LifecycleRule::Expire {
                days: 30,
                prefix: "tmp/".into(),
            },
            LifecycleRule::ExpireReplaced { days: 90 },
            LifecycleRule::AbortUploads { days: 7 },
            LifecycleRule::Transition {
                days: 60,
                prefix: String::new(),
            },
        ]);
        assert_eq!(found(Some(&api(&rules))), rules);
        assert!(found(None).is_empty());
    }

    #[test]
    fn a_rule_that_says_more_is_another() {
        let rule = Rule::new()
            .set_action(Action::new().set_type(DELETE))
            .set_condition(
                Condition::new()
                    .set_age_days(1)
                    .set_is_live(true)
                    .set_num_newer_versions(3),
            );
        let found = found(Some(&Lifecycle::new().set_rule([rule])));
        assert!(
            matches!(found.first(), Some(LifecycleRule::Other { rule }) if rule.contains("numNewerVersions")),
            "{found:?}"
        );
    }
}
