//! Keys of ours without an alias: what is left where a process was killed, or an answer was lost, between making a key and
//! naming it. KMS has no client token for CreateKey, so they are told by their tags.

use aws_sdk_kms::types::KeyState;
use futures::{StreamExt, TryStreamExt, stream};
use mlops_environment::aws::Tags;
use mlops_environment::driver::Reason;

use crate::driver::Aws;
use crate::failure::{Outcome, call};
use crate::tags;

/// Tags are asked for one key at a time; so many at once.
const AT_ONCE: usize = 8;

/// Every key of the account and region with its tags, asked once a process: what was left before this process began.
pub(crate) async fn before_us(aws: &Aws) -> Outcome<&[(String, Tags)]> {
    let all = aws.keys_at_first.get_or_try_init(|| tagged(aws)).await?;
    Ok(all)
}

/// Every key with its tags, as of now.
pub(crate) async fn tagged(aws: &Aws) -> Outcome<Vec<(String, Tags)>> {
    let kms = &aws.clients.kms;
    let mut ids = Vec::new();
    let mut marker = None;
    loop {
        let page = call("kms:ListKeys", kms.list_keys().set_marker(marker).send()).await?;
        ids.extend(
            page.keys()
                .iter()
                .filter_map(|key| key.key_id().map(str::to_owned)),
        );
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    stream::iter(ids)
        .map(|id| async move {
            match call(
                "kms:ListResourceTags",
                kms.list_resource_tags().key_id(&id).send(),
            )
            .await
            {
                Ok(answer) => {
                    let found = answer.tags().iter().map(|tag| (tag.tag_key(), tag.tag_value()));
                    Ok((id, tags::found(found)))
                }
                // Other people's keys may say so little; ours are open to us by their policy.
                Err(failure)
                    if matches!(
                        failure.reason,
                        Reason::Denied | Reason::NotFound | Reason::Invalid
                    ) =>
                {
                    Ok((id, Tags::new()))
                }
                Err(failure) => Err(failure),
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// The usable key among these that carries the mark of one component.
pub(crate) async fn find(aws: &Aws, keys: &[(String, Tags)], wanted: &Tags) -> Outcome<Option<String>> {
    let mark = [tags::ENVIRONMENT, tags::UID, tags::COMPONENT];
    let is_ours = |found: &Tags| {
        mark.iter()
            .all(|tag| found.contains_key(*tag) && found.get(*tag) == wanted.get(*tag))
    };
    for (id, _) in keys.iter().filter(|(_, found)| is_ours(found)) {
        let describe = aws.clients.kms.describe_key().key_id(id).send();
        let state = call("kms:DescribeKey", describe)
            .await?
            .key_metadata
            .and_then(|key| key.key_state);
        if !matches!(state, Some(KeyState::Enabled | KeyState::Creating)) {
            continue;
        }
        let aliases = aws.clients.kms.list_aliases().key_id(id).send();
        if call("kms:ListAliases", aliases).await?.aliases().is_empty() {
            return Ok(Some(id.clone()));
        }
    }
    Ok(None)
}
