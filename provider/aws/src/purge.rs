//! Emptying a bucket of everything: versions, delete markers, unfinished uploads.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use jiff::Timestamp;
use mlops_environment::driver::{Monitor, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, optional};

/// Pages of a thousand that are counted before saying "more than".
const COUNTED_PAGES: usize = 5;

/// A page of versions and markers, and where the next one starts.
struct Page {
    ids: Vec<ObjectIdentifier>,
    /// Seconds since 1970 of the youngest version.
    youngest: Option<i64>,
    next: Option<(Option<String>, Option<String>)>,
}

async fn page(aws: &Aws, bucket: &str, from: Option<(Option<String>, Option<String>)>) -> Outcome<Page> {
    const OPERATION: &str = "s3:ListObjectVersions";
    let (key, version) = from.unwrap_or_default();
    let list = aws
        .clients
        .s3
        .list_object_versions()
        .bucket(bucket)
        .set_key_marker(key)
        .set_version_id_marker(version);
    let answer = call(OPERATION, list.send()).await?;
    let written = answer
        .versions()
        .iter()
        .filter_map(|version| version.last_modified());
    let youngest = written.map(|moment| moment.secs()).max();
    let versions = answer
        .versions()
        .iter()
        .map(|version| (version.key(), version.version_id()));
    let markers = answer
        .delete_markers()
        .iter()
        .map(|marker| (marker.key(), marker.version_id()));
    let ids = versions
        .chain(markers)
        .filter_map(|(key, version)| {
            // Without a key there is nothing to name in the delete call.
            ObjectIdentifier::builder()
                .key(key?)
                .set_version_id(version.map(str::to_owned))
                .build()
                .ok()
        })
        .collect();
    let next = (answer.is_truncated() == Some(true)).then(|| {
        (
            answer.next_key_marker.clone(),
            answer.next_version_id_marker.clone(),
        )
    });
    Ok(Page { ids, youngest, next })
}

/// Removes everything. A bucket that is gone is empty.
///
/// # Errors
///
/// [`Reason::Denied`] with counts when some objects cannot be deleted, for example under object lock.
pub(crate) async fn purge(aws: &Aws, bucket: &str, monitor: &dyn Monitor) -> Outcome<()> {
    uploads(aws, bucket).await?;
    let mut removed = 0;
    // Always from the start: what was listed before is gone.
    loop {
        let Some(Page { ids, .. }) = optional(page(aws, bucket, None).await)? else {
            return Ok(());
        };
        if ids.is_empty() {
            return Ok(());
        }
        if monitor.cancelled() {
            return Err(failure(
                "s3:DeleteObjects",
                Reason::Cancelled,
                format!(
                    "stopped while emptying {bucket}; {} objects and versions are gone",
                    grouped(removed)
                ),
            ));
        }
        removed += remove(aws, bucket, ids).await?;
        monitor.progress(&format!(
            "bucket {bucket}: removed {} objects and versions",
            grouped(removed)
        ));
    }
}

async fn remove(aws: &Aws, bucket: &str, ids: Vec<ObjectIdentifier>) -> Outcome<usize> {
    const OPERATION: &str = "s3:DeleteObjects";
    let count = ids.len();
    let delete = Delete::builder()
        .set_objects(Some(ids))
        .quiet(true)
        .build()
        .map_err(|error| failure(OPERATION, Reason::Invalid, error.to_string()))?;
    let answer = call(
        OPERATION,
        aws.clients
            .s3
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send(),
    )
    .await?;
    match answer.errors() {
        [] => Ok(count),
        [first, ..] => Err(mlops_environment::driver::Failure {
            operation: OPERATION.into(),
            reason: Reason::Denied,
            code: first.code().unwrap_or_default().to_owned(),
            message: format!(
                "{} of {} objects in {bucket} cannot be deleted, the first is {}: {}",
                grouped(answer.errors().len()),
                grouped(count),
                first.key().unwrap_or("(no key)"),
                first.message().unwrap_or("no reason given")
            ),
            request_id: None,
        }),
    }
}

async fn uploads(aws: &Aws, bucket: &str) -> Outcome<()> {
    let s3 = &aws.clients.s3;
    loop {
        let list = call(
            "s3:ListMultipartUploads",
            s3.list_multipart_uploads().bucket(bucket).send(),
        )
        .await;
        let Some(answer) = optional(list)? else {
            return Ok(());
        };
        for upload in answer.uploads() {
            let abort = s3
                .abort_multipart_upload()
                .bucket(bucket)
                .set_key(upload.key.clone())
                .set_upload_id(upload.upload_id.clone());
            gone(call("s3:AbortMultipartUpload", abort.send()).await)?;
        }
        if answer.uploads().is_empty() || answer.is_truncated() != Some(true) {
            return Ok(());
        }
    }
}

/// How much stands in the bucket, in words, and from when on the last of it can be deleted where nobody can before it is
/// `locked` days old; `None` if nothing does.
pub(crate) async fn contents(aws: &Aws, bucket: &str, locked: Option<i32>) -> Outcome<Option<String>> {
    let (mut count, mut from, mut more, mut last) = (0, None, false, None);
    for number in 0..COUNTED_PAGES {
        let Some(Page { ids, youngest, next }) = optional(page(aws, bucket, from).await)? else {
            return Ok(None);
        };
        count += ids.len();
        last = last.max(youngest);
        more = next.is_some() && number + 1 == COUNTED_PAGES;
        from = next;
        if from.is_none() {
            break;
        }
    }
    let held = match count {
        0 => return Ok(None),
        1 => "holds 1 object version".to_owned(),
        count if more => format!("holds more than {} object versions", grouped(count)),
        count => format!("holds {} object versions", grouped(count)),
    };
    let Some(days) = locked.map(i64::from) else {
        return Ok(Some(held));
    };
    let free = last.and_then(|last| Timestamp::from_second(last.saturating_add(days * 86_400)).ok());
    Ok(Some(match free.filter(|_| !more) {
        Some(free) => {
            format!("{held} under a locked retention of {days} days, all of it can be deleted from {free} on")
        }
        None => format!("{held} under a locked retention of {days} days"),
    }))
}

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    digits
        .char_indices()
        .flat_map(|(index, digit)| {
            let comma = index > 0 && (digits.len() - index).is_multiple_of(3);
            comma.then_some(',').into_iter().chain(std::iter::once(digit))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn groups_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
