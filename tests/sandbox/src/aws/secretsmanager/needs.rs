//! Which uses of keys a call brings with it.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>: the caller must be allowed to use
//! the key; the encryption context names the secret.

use super::secret::find;
use crate::aws::kms::{Need, usage};
use crate::aws::partition;
use crate::call::Call;
use crate::world::World;

/// What a call needs of KMS beside its own permission.
pub fn needs(world: &World, call: &Call) -> Vec<Need> {
    let actions: &[&'static str] = match call.operation.as_str() {
        "GetSecretValue" => &["kms:Decrypt"],
        "PutSecretValue" => &["kms:GenerateDataKey", "kms:Decrypt"],
        "UpdateSecret" if call.text("SecretString").or(call.text("SecretBinary")).is_some() => {
            &["kms:GenerateDataKey", "kms:Decrypt"]
        }
        _ => return Vec::new(),
    };
    let Ok(secret) = find(world, call) else {
        return Vec::new();
    };
    let Some(named) = secret
        .key
        .as_deref()
        .filter(|key| *key != "alias/aws/secretsmanager")
    else {
        return Vec::new();
    };
    let Some(key) = usage::find(world, &call.account, &call.region, named) else {
        return Vec::new();
    };
    actions
        .iter()
        .map(|action| Need {
            action,
            key: key.arn.clone(),
            context: ("SecretARN", secret.arn.clone()),
            via: format!(
                "secretsmanager.{}.{}",
                call.region,
                partition::dns_suffix(&call.region)
            ),
        })
        .collect()
}
