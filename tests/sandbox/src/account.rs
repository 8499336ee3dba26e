//! Whose credentials open the sandbox: an access key stands for a principal in an account.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::aws::sts::{self, Closed};
use crate::call::Caller;
use crate::world::World;

/// The account of every key that is not registered: the one of AWS's own examples.
pub const USUAL_ACCOUNT: &str = "111122223333";

/// The principal of a call that nobody signed.
pub const ANONYMOUS: &str = "anonymous";

/// What an access key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Twelve digits.
    pub account: String,
    /// ARN; left out, the account's operator.
    #[serde(default)]
    pub principal: Option<String>,
}

/// Access keys that were registered. Every other key is the operator's of [`USUAL_ACCOUNT`], but for those that only STS
/// gives out (`ASIA…`), which must be of this sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts(pub BTreeMap<String, Registered>);

/// Why a key is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A session that this sandbox never gave out, or another token than the session's.
    Key,
    /// Its time is over.
    Expired,
}

impl Accounts {
    /// Who calls, and in which account.
    ///
    /// # Errors
    /// [`Unknown`].
    pub fn caller(
        &self,
        world: &World,
        key: Option<&str>,
        token: Option<&str>,
        at: Timestamp,
    ) -> Result<(String, Caller), Unknown> {
        let Some(key) = key else {
            let anonymous = Caller {
                principal: ANONYMOUS.to_owned(),
                operator: false,
            };
            return Ok((USUAL_ACCOUNT.to_owned(), anonymous));
        };
        if let Some(registered) = self.0.get(key) {
            let caller = match &registered.principal {
                Some(principal) => Caller {
                    principal: principal.clone(),
                    operator: false,
                },
                None => operator(&registered.account),
            };
            return Ok((registered.account.clone(), caller));
        }
        if key.starts_with("ASIA") {
            return session(world, key, token, at);
        }
        Ok((USUAL_ACCOUNT.to_owned(), operator(USUAL_ACCOUNT)))
    }
}

fn session(
    world: &World,
    key: &str,
    token: Option<&str>,
    at: Timestamp,
) -> Result<(String, Caller), Unknown> {
    let session = sts::open(world, key, token, at).map_err(|closed| match closed {
        Closed::Unknown => Unknown::Key,
        Closed::Expired => Unknown::Expired,
    })?;
    let caller = Caller {
        principal: session.arn.clone(),
        operator: false,
    };
    Ok((session.account.clone(), caller))
}

/// Who made the sandbox: an administrator of the account, who may do everything.
pub(crate) fn operator(account: &str) -> Caller {
    Caller {
        principal: format!("arn:aws:iam::{account}:user/operator"),
        operator: true,
    }
}
