//! The key of a log group: its policy must let the Logs service of the region in.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>

use super::group::{arn, change, name};
use super::{invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::kms::usage::usable;
use crate::aws::partition;
use crate::call::Call;
use crate::world::World;

/// What Logs does with a key, by the page above.
const NEEDED: [&str; 5] = [
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
];

/// The ARN of the key that `text` names, if the group may have it.
///
/// A key that is missing or disabled: `InvalidParameterException`, by
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>. One whose policy does not
/// admit the service: `AccessDeniedException`, by hashicorp/terraform-provider-aws issues 8042 and 29282.
pub(super) fn admitted(world: &World, call: &Call, text: &str, group: &str) -> Result<String, Refusal> {
    if !text.starts_with("arn:") || text.contains(":alias/") {
        // The member is documented as the ARN of a key. The wording is a guess.
        return Err(invalid(format!(
            "Specified KMS key {text} is not the ARN of a key"
        )));
    }
    let key = usable(world, &call.account, &call.region, text, call.at)
        .map_err(|_| invalid("Specified KMS key does not exist or is not enabled"))?;
    let service = format!("logs.{}.{}", call.region, partition::dns_suffix(&call.region));
    if !key.admits_service(&service, &NEEDED, ("aws:logs:arn", group), &call.account) {
        return Err(refusal(
            "AccessDeniedException",
            format!("The specified KMS key does not exist or is not allowed to be used with Arn '{group}'"),
        ));
    }
    Ok(key.arn.clone())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html>
pub(super) fn associate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = group_of(call);
    change(world, call, &name)?;
    let key = admitted(world, call, call.required("kmsKeyId"), &arn(call, &name))?;
    change(world, call, &name)?.key = Some(key);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DisassociateKmsKey.html>
pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = group_of(call);
    change(world, call, &name)?.key = None;
    Ok(Answer::empty())
}

/// The group, named or by the ARN in `resourceIdentifier`.
fn group_of(call: &Call) -> String {
    match call
        .text("resourceIdentifier")
        .and_then(|arn| arn.split_once(":log-group:"))
    {
        Some((_, name)) => name.trim_end_matches(":*").to_owned(),
        None => name(call),
    }
}
