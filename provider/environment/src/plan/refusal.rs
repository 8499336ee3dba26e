//! Why a component is not touched, and the ways out.

use std::fmt;

use crate::component::Address;
use crate::names::hash;
use crate::plan::step::Change;

/// A component that was not touched.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Refusal {
    /// Which component.
    pub address: Address,
    /// Why.
    pub cause: Cause,
}

/// Why a component is not touched.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// It carries the mark of another environment.
    Foreign {
        /// By what it is found.
        handle: String,
        /// Id of the other environment.
        owner: String,
    },
    /// It exists, and carries no mark.
    Unmarked {
        /// By what it is found.
        handle: String,
    },
    /// It belongs to somebody else and is not there.
    Missing {
        /// By what it was looked for.
        handle: String,
    },
    /// It belongs to somebody else and cannot be used as it is.
    Unfit {
        /// By what it is found.
        handle: String,
        /// Why not, and what to do.
        why: String,
    },
    /// It was to be taken over and is not there.
    NothingToAdopt {
        /// By what it was looked for.
        handle: String,
    },
    /// It cannot be changed, only replaced.
    Immutable {
        /// What differs.
        changes: Vec<Change>,
        /// What consents to the replacement.
        token: String,
    },
    /// The cloud keeps a promise that shall be broken: a locked retention is never lowered nor taken off.
    Locked {
        /// What differs.
        changes: Vec<Change>,
        /// What consents to the replacement of an empty one.
        token: String,
    },
    /// It cannot be changed, nor replaced while the environment stands.
    Lasting {
        /// What differs.
        changes: Vec<Change>,
    },
    /// It is ours and shall be somebody else's, or the other way round.
    Switched {
        /// Whether it was ours.
        was_ours: bool,
    },
    /// Another object shall take its place.
    Moved {
        /// By what it is found now.
        from: String,
        /// By what it shall be found.
        to: String,
        /// What the change was made to.
        bound: Bound,
    },
    /// The Kubernetes version cannot go there.
    Version {
        /// As found.
        from: String,
        /// As wanted.
        to: String,
        /// Why not, and what to do.
        remedy: String,
    },
    /// Somebody put it out of use, and it is not ours to bring back.
    Suspended {
        /// By what it is found.
        handle: String,
        /// How.
        what: String,
    },
    /// It failed, and making it anew could lose something.
    Failed {
        /// In the cloud's words.
        reason: String,
    },
}

/// Why a component stands for one object of the cloud and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It was taken over, or shall be.
    Adopted,
    /// Others in the account may use it too.
    Shared,
}

/// Consents to exactly these changes of exactly this component.
pub fn consent_token(address: &Address, changes: &[Change]) -> String {
    let mut lines = vec![address.to_string()];
    lines.extend(
        changes
            .iter()
            .map(|change| format!("{} {} {}", change.property, change.from, change.to)),
    );
    hash(&lines.join("\n"), 12)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = &self.address;
        let rename = "choose another name for the environment";
        match &self.cause {
            Cause::Foreign { handle, owner } => write!(
                f,
                "{address}: {handle} belongs to environment {owner}. It was not touched. Destroy that environment first, or \
                 {rename}."
            ),
            Cause::Unmarked { handle } => write!(
                f,
                "{address}: {handle} exists and was not made by this environment. It was not touched. Either take it over \
                 with adopt = {{ \"{address}\" = \"{handle}\" }}, which lists every setting that will change and keeps it on \
                 destroy; or {rename}."
            ),
            Cause::Missing { handle } => write!(
                f,
                "{address}: {handle} is not there, or not visible to these credentials. It is configured as existing, so it \
                 is not made. Correct its id, or let its owner make it; where the same apply makes it, name it by what is known only \
                 then, such as its id."
            ),
            Cause::Unfit { handle, why } => {
                write!(f, "{address}: {handle} cannot be used and was not touched. {why}")
            }
            Cause::NothingToAdopt { handle } => write!(
                f,
                "{address}: there is no {handle} to take over. Remove the line from adopt to have it made, or correct it."
            ),
            Cause::Immutable { changes, token } => {
                let what: Vec<String> = changes.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{address}: {} cannot be changed in place. Undo the change; or, to have this one component deleted and \
                     made anew with whatever it holds, add replace_components = {{ \"{address}\" = \"{token}\" }}.",
                    what.join("; ")
                )
            }
            Cause::Locked { changes, token } => {
                let what: Vec<String> = changes.iter().map(ToString::to_string).collect();
                let stands = changes.iter().find_map(|change| change.from.as_i64());
                write!(
                    f,
                    "{address}: {}: its retention is locked, and nobody can lower it nor take it off. Keep retention_locked = \
                     true with retention_days = {} or more; or, if it holds nothing, have it deleted and made anew with \
                     replace_components = {{ \"{address}\" = \"{token}\" }}. While it holds an object, that fails and nothing is \
                     lost.",
                    what.join("; "),
                    stands.unwrap_or_default()
                )
            }
            Cause::Lasting { changes } => {
                let what: Vec<String> = changes.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{address}: {} cannot be changed: everything of the environment stands in it. Undo the change; or make an \
                     environment of another name beside this one, and move to it.",
                    what.join("; ")
                )
            }
            Cause::Switched { was_ours: true } => write!(
                f,
                "{address}: made by this environment, it cannot be swapped for an existing one: whatever it holds or encrypts \
                 would be left behind. Undo the change; or let go of it first with `terraform state rm` and make a new \
                 environment."
            ),
            Cause::Switched { was_ours: false } => write!(
                f,
                "{address}: an existing one is in use and cannot be swapped for one of our own: whatever it holds or encrypts \
                 would be left behind. Undo the change."
            ),
            Cause::Moved {
                from,
                to,
                bound: Bound::Adopted,
            } => write!(
                f,
                "{address}: {from} is in use, and {to} cannot take its place: whatever {from} holds would be left behind. Undo \
                 the change in adopt."
            ),
            Cause::Moved {
                from,
                to,
                bound: Bound::Shared,
            } => write!(
                f,
                "{address}: {from} is in use, and may be shared with other environments of the account, so {to} cannot take \
                 its place. Undo the change of its url; or take the block out of federation and apply, which lets go of it, \
                 and add it again with the new one."
            ),
            Cause::Version { from, to, remedy } => {
                write!(f, "{address}: Kubernetes cannot go from {from} to {to}. {remedy}")
            }
            Cause::Suspended { handle, what } => write!(
                f,
                "{address}: {handle} is {what}, and it is not this environment's to bring back. It was not touched. Have its \
                 owner bring it back, or use another one."
            ),
            Cause::Failed { reason } => write!(
                f,
                "{address}: the cloud gave it up ({reason}). Making it anew could lose what it holds, so it was not touched. \
                 Repair or remove it by hand, then apply again."
            ),
        }
    }
}
