//! Key Management Service: keys, aliases, policies, rotation, deletion after a window, grants, and use.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html>; which operation works on a key in which state:
//! <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::aws::not_carried;
use crate::call::Call;
use crate::world::World;

mod alias;
mod cipher;
mod deletion;
mod grant;
mod key;
mod need;
mod policy;
mod rotation;
mod tagging;
pub mod usage;

pub use alias::Alias;
pub use grant::Grant;
pub use key::{Key, Manager};
pub use need::Need;
pub use rotation::Rotation;

/// Keys and aliases of a region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Keys by id.
    pub keys: BTreeMap<String, Key>,
    /// Aliases by name, `alias/` included.
    pub aliases: BTreeMap<String, Alias>,
}

impl State {
    /// Removes keys whose window is over, with their aliases.
    ///
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html>
    fn settle(&mut self, now: Timestamp) {
        self.keys.retain(|_, key| !key.is_gone(now));
        let keys = &self.keys;
        self.aliases.retain(|_, alias| keys.contains_key(&alias.target));
    }
}

/// Answers a call.
///
/// # Errors
/// The service's refusal. KMS answers 400 to whatever the caller did wrong.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    if let Some(region) = world
        .aws
        .accounts
        .get_mut(&call.account)
        .and_then(|account| account.regions.get_mut(&call.region))
    {
        region.kms.settle(call.at);
    }
    match call.operation.as_str() {
        "CreateKey" => key::create(world, call),
        "DescribeKey" => key::describe(world, call),
        "ListKeys" => key::list(world, call),
        "UpdateKeyDescription" => key::update_description(world, call),
        "EnableKey" => key::switch(world, call, true),
        "DisableKey" => key::switch(world, call, false),
        "ScheduleKeyDeletion" => deletion::schedule(world, call),
        "CancelKeyDeletion" => deletion::cancel(world, call),
        "GetKeyPolicy" => policy::get(world, call),
        "PutKeyPolicy" => policy::put(world, call),
        "ListKeyPolicies" => policy::list(world, call),
        "EnableKeyRotation" => rotation::enable(world, call),
        "DisableKeyRotation" => rotation::disable(world, call),
        "GetKeyRotationStatus" => rotation::status(world, call),
        "CreateAlias" => alias::create(world, call),
        "UpdateAlias" => alias::update(world, call),
        "DeleteAlias" => alias::delete(world, call),
        "ListAliases" => alias::list(world, call),
        "TagResource" => tagging::tag(world, call),
        "UntagResource" => tagging::untag(world, call),
        "ListResourceTags" => tagging::list(world, call),
        "CreateGrant" => grant::create(world, call),
        "ListGrants" => grant::list(world, call),
        "RevokeGrant" => grant::revoke(world, call),
        "RetireGrant" => grant::retire(world, call),
        "ListRetirableGrants" => grant::list_retirable(world, call),
        "Encrypt" => cipher::encrypt(world, call),
        "Decrypt" => cipher::decrypt(world, call),
        "ReEncrypt" => cipher::re_encrypt(world, call),
        "GenerateDataKey" => cipher::generate_data_key(world, call, true),
        "GenerateDataKeyWithoutPlaintext" => cipher::generate_data_key(world, call, false),
        "GenerateRandom" => cipher::generate_random(world, call),
        _ => Err(not_carried(call)),
    }
}

/// A refusal of KMS.
fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn bad_marker() -> Refusal {
    refusal("InvalidMarkerException", "Could not deserialize marker")
}

#[cfg(test)]
mod tests;
