//! Emptying a bucket of everything: all generations of all objects.

use futures::stream::{self, TryStreamExt};
use google_cloud_storage::model::Object;
use jiff::Timestamp;
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, optional};

/// Pages of a thousand that are counted before saying "more than".
const COUNTED_PAGES: usize = 5;
/// Deletions under way at once: there is one call an object.
const AT_ONCE: usize = 32;
/// Objects of one page.
const PAGE: i32 = 1000;

/// A page of generations, and where the next one starts.
struct Page {
    objects: Vec<Object>,
    next: String,
}

async fn page(gcp: &Gcp, bucket: &str, from: &str) -> Outcome<Page> {
    let parent = &format!("projects/_/buckets/{bucket}");
    let answer = gcp
        .clients
        .call("storage:ListObjects", || {
            gcp.clients
                .storage
                .list_objects()
                .set_parent(parent)
                .set_versions(true)
                .set_page_size(PAGE)
                .set_page_token(from)
                .send()
        })
        .await?;
    Ok(Page {
        objects: answer.objects,
        next: answer.next_page_token,
    })
}

/// Removes everything. A bucket that is gone is empty.
///
/// # Errors
///
/// [`Reason::Denied`] with the first object that cannot be deleted, for example under retention or a hold.
pub(crate) async fn purge(gcp: &Gcp, bucket: &str, monitor: &dyn Monitor) -> Outcome<()> {
    let mut removed = 0;
    // Always from the start: what was listed before is gone.
    loop {
        let Some(Page { objects, .. }) = optional(page(gcp, bucket, "").await)? else {
            return Ok(());
        };
        if objects.is_empty() {
            return Ok(());
        }
        if monitor.cancelled() {
            return Err(failure(
                "storage:DeleteObject",
                Reason::Cancelled,
                format!(
                    "stopped while emptying {bucket}; {} objects and versions are gone",
                    grouped(removed)
                ),
            ));
        }
        removed += remove(gcp, bucket, objects).await?;
        monitor.progress(&format!(
            "bucket {bucket}: removed {} objects and versions",
            grouped(removed)
        ));
    }
}

async fn remove(gcp: &Gcp, bucket: &str, objects: Vec<Object>) -> Outcome<usize> {
    let (count, parent) = (objects.len(), &format!("projects/_/buckets/{bucket}"));
    stream::iter(objects.into_iter().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |object| async move {
            let deleted = gcp
                .clients
                .call("storage:DeleteObject", || {
                    gcp.clients
                        .storage
                        .delete_object()
                        .set_bucket(parent)
                        .set_object(&object.name)
                        .set_generation(object.generation)
                        .send()
                })
                .await;
            gone(deleted).map_err(|failure| Failure {
                message: format!(
                    "{} (generation {}) in {bucket} cannot be deleted: {}",
                    object.name, object.generation, failure.message
                ),
                ..failure
            })
        })
        .await?;
    Ok(count)
}

/// How much stands in the bucket, in words, and from when on the last of it can be deleted where a retention is locked;
/// `None` if nothing does.
pub(crate) async fn contents(gcp: &Gcp, bucket: &str) -> Outcome<Option<String>> {
    let (mut count, mut from, mut more, mut last) = (0, String::new(), false, None);
    for number in 0..COUNTED_PAGES {
        let Some(Page { objects, next }) = optional(page(gcp, bucket, &from).await)? else {
            return Ok(None);
        };
        count += objects.len();
        let until = objects.iter().filter_map(|object| object.retention_expire_time);
        last = last.max(until.map(|moment| moment.seconds()).max());
        more = !next.is_empty() && number + 1 == COUNTED_PAGES;
        from = next;
        if from.is_empty() {
            break;
        }
    }
    let held = match count {
        0 => return Ok(None),
        1 => "holds 1 object version".to_owned(),
        count if more => format!("holds more than {} object versions", grouped(count)),
        count => format!("holds {} object versions", grouped(count)),
    };
    let free = last.and_then(|last| Timestamp::from_second(last).ok());
    Ok(Some(match free {
        None => held,
        Some(_) if more => format!("{held} under a retention policy"),
        Some(free) => format!("{held} under a retention policy, all of it can be deleted from {free} on"),
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
