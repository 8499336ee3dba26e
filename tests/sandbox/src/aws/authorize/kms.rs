//! KMS: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html>. A key's policy
//! has the first word, and lets identity policies speak where it names the account.

use mlops_access::aws::{Arn, Caller};

use super::need::{Need, tags_in, untagged};
use crate::aws::kms::{Key, usage};
use crate::aws::{arn, partition};
use crate::call::Call;
use crate::world::World;

/// Operations on nothing in particular.
const ON_NOTHING: [&str; 4] = ["CreateKey", "ListKeys", "ListAliases", "GenerateRandom"];

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    let operation = call.operation.as_str();
    if ON_NOTHING.contains(&operation) {
        let tags = tags_in(call.input.get("Tags"));
        let mut needs = vec![Need::own(call, "*").requested(&tags)];
        if !tags.is_empty() {
            needs.push(Need::of("kms:TagResource", "*").requested(&tags));
        }
        return needs;
    }
    if operation == "ListRetirableGrants" {
        return vec![Need::own(call, "*")];
    }
    if let Some(alias) = call.text("AliasName") {
        // Both the alias and its key, before and after.
        let standing = &world.aws.region(&call.account, &call.region).kms.aliases;
        let before = standing.get(alias).map(|found| found.target.as_str());
        let mut needs = vec![Need::own(
            call,
            arn::regional("kms", &call.region, &call.account, alias),
        )];
        let keys = [before, call.text("TargetKeyId")];
        needs.extend(
            keys.into_iter()
                .flatten()
                .map(|key| on_key(world, call, &format!("kms:{operation}"), key)),
        );
        return needs;
    }
    let (first, second) = match operation {
        "ReEncrypt" => ("kms:ReEncryptFrom", Some("kms:ReEncryptTo")),
        _ => ("", None),
    };
    let own = format!("kms:{operation}");
    let key = call.text("KeyId").or(call.text("SourceKeyId"));
    let mut needs: Vec<Need> = key
        .into_iter()
        .map(|key| on_key(world, call, if first.is_empty() { &own } else { first }, key))
        .collect();
    if let (Some(action), Some(key)) = (second, call.text("DestinationKeyId")) {
        needs.push(on_key(world, call, action, key));
    }
    if needs.is_empty() {
        // Decrypt may leave the key to the ciphertext, whose key is told in it.
        needs.push(Need::of(own, "*"));
    }
    needs
}

/// A need on the key that `text` names, under its policy and its grants.
pub(super) fn on_key(world: &World, call: &Call, action: &str, text: &str) -> Need {
    let found = usage::find(world, &call.account, &call.region, text);
    let resource = match found {
        Some(key) => key.arn.clone(),
        None if Arn::parse(text).is_some() => text.to_owned(),
        None => arn::regional("kms", &call.region, &call.account, &format!("key/{text}")),
    };
    let mut need = Need::of(action, resource)
        .with("kms:CallerAccount", call.account.as_str())
        .requested(&tags_in(call.input.get("Tags")))
        .with_all("aws:TagKeys", untagged(call));
    if let Some(context) = call
        .input
        .get("EncryptionContext")
        .and_then(|context| context.as_object())
    {
        for (name, value) in context {
            need = need.with_member(&format!("kms:EncryptionContext:{name}"), Some(value));
        }
        need = need.with_all("kms:EncryptionContextKeys", context.keys().cloned().collect());
    }
    let Some(key) = found else { return need };
    need.tagged(None, &key.tags)
        .with("kms:KeySpec", key.spec.as_str())
        .with("kms:KeyUsage", key.usage.as_str())
        .with("kms:KeyOrigin", key.origin.as_str())
        .under(Some(&key.policy))
        .granted(grants(world, call, key, action))
}

/// A need on a key that another service uses for the caller.
///
/// <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service>
pub(super) fn through(world: &World, call: &Call, action: &str, key: &str, service: &str) -> Need {
    let via = format!(
        "{service}.{}.{}",
        call.region,
        partition::dns_suffix(&call.region)
    );
    let mut need = on_key(world, call, action, key).with("kms:ViaService", via);
    if action == "kms:CreateGrant" {
        need = need.with("kms:GrantIsForAWSResource", "true");
    }
    need
}

/// Whether a grant lets the caller do this: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>.
fn grants(world: &World, call: &Call, key: &Key, action: &str) -> bool {
    let role = match super::caller(world, call) {
        Caller::Role { arn, .. } => Some(arn),
        _ => None,
    };
    let operation = action.trim_start_matches("kms:");
    key.grants.values().any(|grant| {
        let named = grant.grantee == call.caller.principal || role.as_deref() == Some(&grant.grantee);
        named && grant.constraints.is_none() && grant.operations.iter().any(|known| known == operation)
    })
}
