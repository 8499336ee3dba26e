//! Sessions of roles, and the credentials that open them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use mlops_access::aws::{Policy, managed};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::validation;
use crate::answer::Refusal;
use crate::aws::iam::{self, Role};
use crate::aws::tags::Tags;
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// What session policies may measure, <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
const POLICY_SIZE: usize = 2_048;
/// Managed policies that a session may name; the same page.
const POLICY_ARNS: usize = 10;
/// Seconds that a session lasts where the caller says nothing; the same page.
const USUAL: i64 = 3_600;

/// A session of a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Account of the role.
    pub account: String,
    /// ARN of the session: `arn:aws:sts::…:assumed-role/role/session`.
    pub arn: String,
    /// `AROA…:session`.
    pub user_id: String,
    /// ARN of the role.
    pub role: String,
    /// Secret key.
    pub secret: String,
    /// Token that goes with the key.
    pub token: String,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Session policies, as documents.
    pub policies: Vec<String>,
    /// Session tags.
    pub tags: Tags,
    /// Keys of those that go on into sessions opened from this one.
    pub transitive: BTreeSet<String>,
    /// Source identity.
    pub source_identity: Option<String>,
    /// ARN of the OIDC provider whose token opened it.
    pub provider: Option<String>,
}

/// Why credentials open nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// A key that was never given out, or another token than the key's.
    Unknown,
    /// The session is over.
    Expired,
}

/// The session that a key and its token open.
///
/// # Errors
/// See [`Closed`].
pub fn open<'a>(
    world: &'a World,
    key: &str,
    token: Option<&str>,
    at: Timestamp,
) -> Result<&'a Session, Closed> {
    let session = world.aws.sessions.get(key).ok_or(Closed::Unknown)?;
    if token != Some(session.token.as_str()) {
        return Err(Closed::Unknown);
    }
    if at >= session.expires {
        return Err(Closed::Expired);
    }
    Ok(session)
}

/// The youngest open session of this ARN: sessions of one role under one name share it.
pub(crate) fn latest<'a>(world: &'a World, arn: &str, at: Timestamp) -> Option<&'a Session> {
    world
        .aws
        .sessions
        .values()
        .filter(|session| session.arn == arn && at < session.expires)
        .max_by_key(|session| session.opened)
}

/// What a session is opened with.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    pub(crate) policies: Vec<String>,
    pub(crate) tags: Tags,
    pub(crate) transitive: BTreeSet<String>,
    pub(crate) source_identity: Option<String>,
    pub(crate) provider: Option<String>,
}

/// The session policies of a call.
///
/// # Errors
/// `MalformedPolicyDocument`, `PackedPolicyTooLarge`, `ValidationError`.
pub(crate) fn policies(world: &World, call: &Call, account: &str) -> Result<Vec<String>, Refusal> {
    let mut documents = Vec::new();
    if let Some(text) = call.text("Policy") {
        Policy::parse(text)
            .map_err(|_| Refusal::new(400, "MalformedPolicyDocument", "Syntax errors in policy."))?;
        documents.push(text.to_owned());
    }
    let arns = input::items(&call.input, "PolicyArns");
    if arns.len() > POLICY_ARNS {
        return Err(validation(format!(
            "The number of policy ARNs exceeds the maximum limit of {POLICY_ARNS}"
        )));
    }
    for entry in arns {
        let arn = input::text(entry, "arn").unwrap_or_default();
        let text = managed::json(arn)
            .map(str::to_owned)
            .or_else(|| {
                let policy = world.aws.account(account).iam.policies.get(arn)?;
                Some(policy.document().to_owned())
            })
            .ok_or_else(|| validation(format!("Policy {arn} does not exist or is not attachable.")))?;
        documents.push(text);
    }
    let size = call.text("Policy").map_or(0, |text| text.chars().count());
    if size > POLICY_SIZE {
        return Err(Refusal::new(
            400,
            "PackedPolicyTooLarge",
            format!(
                "Packed policy consumes {}% of allotted space, please use smaller policy.",
                size * 100 / POLICY_SIZE
            ),
        ));
    }
    Ok(documents)
}

/// Seconds that the session is to last.
///
/// # Errors
/// `ValidationError` when the role or the chain does not let it last so long.
pub(crate) fn duration(call: &Call, role: &Role, chained: bool) -> Result<i64, Refusal> {
    let asked = input::number(&call.input, "DurationSeconds").unwrap_or(USUAL);
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
    if chained && asked > 3_600 {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if asked > role.max_session {
        return Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(asked)
}

/// Opens a session, and answers its credentials as STS does.
pub(crate) fn begin(world: &mut World, call: &Call, role: &Role, seconds: i64, terms: Terms) -> Value {
    // Ended ones are of no use to anybody: a world that runs for long does not fill up with them.
    let at = call.at;
    world
        .aws
        .sessions
        .retain(|_, session| session.expires + SignedDuration::from_hours(1) > at);
    let name = call.required("RoleSessionName");
    let account = account_of(&role.arn).to_owned();
    let key = format!("ASIA{}", world.random.upper(16));
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let session = Session {
        arn: arn::session(&call.region, &account, &role.name, name),
        user_id: format!("{}:{name}", role.id),
        role: role.arn.clone(),
        secret: world.random.text(letters, 40),
        token: format!("FwoGZXIvYXdzE{}", world.random.text(letters, 200)),
        opened: call.at,
        expires: call.at + SignedDuration::from_secs(seconds),
        policies: terms.policies,
        tags: terms.tags,
        transitive: terms.transitive,
        source_identity: terms.source_identity,
        provider: terms.provider,
        account,
    };
    let mut answer = json!({
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": session.secret,
            "SessionToken": session.token,
            "Expiration": session.expires.to_string(),
        },
        "AssumedRoleUser": {"AssumedRoleId": session.user_id, "Arn": session.arn},
    });
    if !session.policies.is_empty() {
        let size: usize = call.text("Policy").map_or(0, str::len);
        answer["PackedPolicySize"] = (size * 100 / POLICY_SIZE).clamp(1, 100).into();
    }
    if let Some(source) = &session.source_identity {
        answer["SourceIdentity"] = source.as_str().into();
    }
    world.aws.sessions.insert(key, session);
    answer
}

/// The account in an ARN.
pub(crate) fn account_of(arn: &str) -> &str {
    mlops_access::aws::Arn::parse(arn).map_or("", |arn| arn.account)
}

/// The role that is to be entered, if it is there and seen: a fresh one cannot be assumed yet.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency>
pub(crate) fn enterable(world: &World, arn: &str, at: Timestamp) -> Option<Role> {
    let account = world.aws.accounts.get(account_of(arn))?;
    account
        .iam
        .role_by_arn(arn)
        .filter(|role| iam::document::seen(role.created, at, world.behaviour.lag))
        .cloned()
}

/// Session tags and their transitive keys.
pub(crate) type SessionTags = (Tags, BTreeSet<String>);

/// Tags that go on from the session that calls.
pub(crate) fn inherited(world: &World, call: &Call) -> BTreeMap<String, String> {
    latest(world, &call.caller.principal, call.at)
        .map(|session| {
            session
                .tags
                .iter()
                .filter(|(key, _)| session.transitive.contains(*key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        })
        .unwrap_or_default()
}
