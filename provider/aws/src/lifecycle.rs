//! Lifecycle rules of a bucket, between our words and S3's.

use std::collections::BTreeMap;

use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration,
    LifecycleRule as S3Rule, LifecycleRuleFilter, NoncurrentVersionExpiration, Transition,
    TransitionStorageClass,
};
use mlops_environment::aws::LifecycleRule;

/// Rules by id as S3 wants them.
pub(crate) fn configuration(
    rules: &BTreeMap<String, LifecycleRule>,
) -> Result<BucketLifecycleConfiguration, BuildError> {
    let rules = rules
        .iter()
        .map(|(id, rule)| {
            S3Rule::builder()
                .id(id)
                .status(ExpirationStatus::Enabled)
                .filter(LifecycleRuleFilter::builder().prefix(&rule.prefix).build())
                .set_expiration(
                    rule.expire_days
                        .map(|days| LifecycleExpiration::builder().days(days).build()),
                )
                .set_noncurrent_version_expiration(rule.noncurrent_days.map(|days| {
                    NoncurrentVersionExpiration::builder()
                        .noncurrent_days(days)
                        .build()
                }))
                .set_abort_incomplete_multipart_upload(rule.abort_upload_days.map(|days| {
                    AbortIncompleteMultipartUpload::builder()
                        .days_after_initiation(days)
                        .build()
                }))
                .set_transitions(rule.transition_days.map(|days| {
                    vec![
                        Transition::builder()
                            .days(days)
                            .storage_class(TransitionStorageClass::StandardIa)
                            .build(),
                    ]
                }))
                .build()
        })
        .collect::<Result<Vec<_>, _>>()?;
    BucketLifecycleConfiguration::builder()
        .set_rules(Some(rules))
        .build()
}

/// Rules as found: ours by id, and the ids of those that say what ours cannot say.
pub(crate) fn found(rules: &[S3Rule]) -> (BTreeMap<String, LifecycleRule>, Vec<String>) {
    let (mut ours, mut foreign) = (BTreeMap::new(), Vec::new());
    for rule in rules {
        let id = rule.id().unwrap_or_default().to_owned();
        match ours_of(rule) {
            // Written back, a rule must be the one that was found: else it says more than we can.
            Some(known) if !id.is_empty() => {
                ours.insert(id, known);
            }
            _ => foreign.push(id),
        }
    }
    (ours, foreign)
}

fn ours_of(rule: &S3Rule) -> Option<LifecycleRule> {
    let filter = rule.filter();
    #[allow(deprecated)] // Rules written before filters existed carry the prefix themselves.
    let prefix = filter
        .and_then(|filter| filter.prefix())
        .or_else(|| rule.prefix())
        .unwrap_or_default();
    let narrow = filter.is_some_and(|filter| {
        filter.tag().is_some()
            || filter.and().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    });
    let expiration = rule.expiration();
    let by_date = expiration.is_some_and(|expiration| {
        expiration.date().is_some() || expiration.expired_object_delete_marker() == Some(true)
    });
    let keeps_some = rule
        .noncurrent_version_expiration()
        .is_some_and(|old| old.newer_noncurrent_versions().is_some());
    let transition_days = match rule.transitions() {
        [] => Some(None),
        [only]
            if only.storage_class() == Some(&TransitionStorageClass::StandardIa) && only.date().is_none() =>
        {
            Some(only.days())
        }
        _ => None,
    }?;
    let plain = rule.status() == &ExpirationStatus::Enabled
        && !narrow
        && !by_date
        && !keeps_some
        && rule.noncurrent_version_transitions().is_empty();
    plain.then(|| LifecycleRule {
        prefix: prefix.to_owned(),
        expire_days: expiration.and_then(|expiration| expiration.days()),
        noncurrent_days: rule
            .noncurrent_version_expiration()
            .and_then(|old| old.noncurrent_days()),
        abort_upload_days: rule
            .abort_incomplete_multipart_upload()
            .and_then(|abort| abort.days_after_initiation()),
        transition_days,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::Tag;

    use super::*;

    fn rule() -> LifecycleRule {
        LifecycleRule {
            prefix: "logs/".into(),
            expire_days: Some(30),
            noncurrent_days: Some(7),
            abort_upload_days: Some(1),
            transition_days: Some(14),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bare = LifecycleRule {
            prefix: String::new(),
            expire_days: None,
            noncurrent_days: None,
            abort_upload_days: Some(7),
            transition_days: None,
        };
        let wanted = BTreeMap::from([("all".to_owned(), rule()), ("bare".to_owned(), bare)]);
        let written = configuration(&wanted).unwrap();
        assert_eq!(found(written.rules()), (wanted, vec![]));
    }

    #[test]
    fn a_rule_that_says_more_than_ours_is_foreign() {
        let narrow = S3Rule::builder()
            .id("by-tag")
            .status(ExpirationStatus::Enabled)
            .filter(
                LifecycleRuleFilter::builder()
                    .tag(Tag::builder().key("a").value("b").build().unwrap())
                    .build(),
            )
            .build()
            .unwrap();
        let off = S3Rule::builder()
            .id("off")
            .status(ExpirationStatus::Disabled)
            .build()
            .unwrap();
        assert_eq!(
            found(&[narrow, off]),
            (BTreeMap::new(), vec!["by-tag".to_owned(), "off".to_owned()])
        );
    }
}
