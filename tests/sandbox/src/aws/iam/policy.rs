//! Managed policies: the customer's, with their versions, and AWS's own.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use mlops_access::aws::{Arn, managed};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{self, Use, seen};
use super::refusal;
use super::role::tag_entries;
use super::{PAIR, State, listed, paged, path_of};
use crate::answer::{Answer, Refusal};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// What a managed policy may measure; versions that it may have; customer policies in an account.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const SIZE: usize = 6_144;
const VERSIONS: usize = 5;
const MOST: usize = 1_500;

/// A customer-managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// Path, with a slash at both ends.
    pub path: String,
    /// `ANPA…`.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Description, fixed at creation.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When a version was last made or chosen.
    pub updated: Timestamp,
    /// Tags.
    pub tags: Tags,
    /// Number of the version in force.
    pub default: u32,
    /// Number that the next version gets: numbers are not used twice.
    pub next: u32,
    /// Versions by number.
    pub versions: BTreeMap<u32, PolicyVersion>,
}

/// One version of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// The document as it was sent.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Policy {
    /// The document in force.
    pub fn document(&self) -> &str {
        self.versions
            .get(&self.default)
            .map(|version| version.document.as_str())
            .unwrap_or_default()
    }

    fn shown(&self, iam: &State) -> Value {
        let (attached, bounding) = usage(iam, &self.arn);
        let mut shown = json!({
            "PolicyName": self.name,
            "PolicyId": self.id,
            "Arn": self.arn,
            "Path": self.path,
            "DefaultVersionId": format!("v{}", self.default),
            "AttachmentCount": attached,
            "PermissionsBoundaryUsageCount": bounding,
            "IsAttachable": true,
            "CreateDate": self.created.to_string(),
            "UpdateDate": self.updated.to_string(),
        });
        if !self.tags.is_empty() {
            shown["Tags"] = tags::list(&self.tags, PAIR);
        }
        shown
    }

    /// As lists show it: without description and tags.
    pub(crate) fn brief(&self, iam: &State) -> Value {
        let mut shown = self.shown(iam);
        if let Some(members) = shown.as_object_mut() {
            members.remove("Tags");
        }
        shown
    }

    fn version(&self, number: u32, version: &PolicyVersion, whole: bool) -> Value {
        let mut shown = json!({
            "VersionId": format!("v{number}"),
            "IsDefaultVersion": number == self.default,
            "CreateDate": version.created.to_string(),
        });
        if whole {
            shown["Document"] = document::encoded(&version.document).into();
        }
        shown
    }

    pub(crate) fn versions_shown(&self) -> Value {
        self.versions
            .iter()
            .rev()
            .map(|(number, version)| self.version(*number, version, true))
            .collect()
    }
}

/// On how many roles a policy is attached, and how many it bounds.
fn usage(iam: &State, arn: &str) -> (usize, usize) {
    let roles = || iam.roles.values();
    (
        roles().filter(|role| role.attached.contains(arn)).count(),
        roles()
            .filter(|role| role.boundary.as_deref() == Some(arn))
            .count(),
    )
}

/// The name in a policy's ARN.
pub(crate) fn name_of(arn: &str) -> String {
    Arn::parse(arn).map_or_else(|| arn.to_owned(), |arn| arn.name().to_owned())
}

/// The path in a policy's ARN: `/service-role/`.
pub(crate) fn path_of_arn(arn: &str) -> String {
    let Some(resource) = Arn::parse(arn).and_then(|arn| arn.resource.strip_prefix("policy")) else {
        return "/".to_owned();
    };
    let end = resource.rfind('/').map_or(0, |end| end + 1);
    resource.get(..end).unwrap_or("/").to_owned()
}

/// Whether a policy of AWS's or of the account's exists and is seen: one made a moment ago is NoSuchEntity to those who
/// would use it (`internal/service/iam` of hashicorp/aws retries on it after creations).
pub(crate) fn exists(world: &World, account: &str, arn: &str, at: Timestamp) -> bool {
    managed::json(arn).is_some()
        || world
            .aws
            .accounts
            .get(account)
            .and_then(|account| account.iam.policies.get(arn))
            .is_some_and(|policy| seen(policy.created, at, world.behaviour.lag))
}

/// The document in force of any managed policy.
pub(crate) fn document_of<'a>(iam: &'a State, arn: &str) -> Option<Cow<'a, str>> {
    if let Some(text) = managed::json(arn) {
        return Some(Cow::Borrowed(text));
    }
    iam.policies
        .get(arn)
        .map(|policy| Cow::Borrowed(policy.document()))
}

/// Whether a policy can serve as a permissions boundary.
pub(crate) fn can_bound(world: &World, call: &Call, arn: &str) -> Result<(), Refusal> {
    if exists(world, &call.account, arn, call.at) {
        Ok(())
    } else {
        Err(refusal::missing(format!(
            "Scope ARN: {arn} does not exist or is not attachable."
        )))
    }
}

fn unknown(arn: &str) -> Refusal {
    refusal::missing(format!("Policy {arn} was not found."))
}

fn own<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Policy, Refusal> {
    let arn = call.required("PolicyArn");
    // AWS's own policies cannot be changed: that they are refused is documented, with which code is a guess.
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
    if managed::json(arn).is_some() {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            format!("Policy {arn} is managed by AWS and cannot be changed."),
        ));
    }
    world
        .aws
        .account_mut(&call.account)
        .iam
        .policies
        .get_mut(arn)
        .ok_or_else(|| unknown(arn))
}

fn document(call: &Call) -> Result<String, Refusal> {
    let text = call.required("PolicyDocument");
    document::read(text, Use::Managed)?;
    if document::size(text) > SIZE {
        return Err(refusal::limit(format!(
            "Cannot exceed quota for PolicySize: {SIZE}"
        )));
    }
    Ok(text.to_owned())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("PolicyName");
    let path = path_of(call);
    let iam = &world.aws.account_mut(&call.account).iam;
    // Names are unique in an account whatever their path and case:
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    if iam
        .policies
        .values()
        .any(|policy| policy.name.eq_ignore_ascii_case(name))
    {
        return Err(refusal::exists(format!(
            "A policy called {name} already exists. Duplicate names are not allowed."
        )));
    }
    if iam.policies.len() >= MOST {
        return Err(refusal::limit(format!(
            "Cannot exceed quota for PoliciesPerAccount: {MOST}"
        )));
    }
    let tags = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    let version = PolicyVersion {
        document: document(call)?,
        created: call.at,
    };
    let policy = Policy {
        name: name.to_owned(),
        arn: arn::iam(&call.region, &call.account, &format!("policy{path}{name}")),
        path,
        id: format!("ANPA{}", world.random.upper(17)),
        description: call.text("Description").map(str::to_owned),
        created: call.at,
        updated: call.at,
        tags,
        default: 1,
        next: 2,
        versions: [(1, version)].into(),
    };
    let iam = &mut world.aws.account_mut(&call.account).iam;
    let answer = Answer::of(json!({"Policy": policy.shown(iam)}));
    iam.policies.insert(policy.arn.clone(), policy);
    Ok(answer)
}

/// AWS's own policy as answers show it. Its id and dates are not in the data: made from the name.
fn aws_managed(iam: &State, arn: &str) -> Value {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(arn.as_bytes());
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let id: String = digest
        .iter()
        .take(17)
        .map(|byte| char::from(letters[usize::from(byte % 32)]))
        .collect();
    let (attached, bounding) = usage(iam, arn);
    json!({
        "PolicyName": name_of(arn),
        "PolicyId": format!("ANPA{id}"),
        "Arn": arn,
        "Path": path_of_arn(arn),
        "DefaultVersionId": "v1",
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": bounding,
        "IsAttachable": true,
        "CreateDate": "2015-02-06T18:39:46Z",
        "UpdateDate": "2015-02-06T18:39:46Z",
    })
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("PolicyArn");
    let iam = &world.aws.account(&call.account).iam;
    if managed::json(arn).is_some() {
        return Ok(Answer::of(json!({"Policy": aws_managed(iam, arn)})));
    }
    let policy = iam.policies.get(arn).ok_or_else(|| unknown(arn))?;
    let mut shown = policy.shown(iam);
    if let Some(description) = &policy.description {
        shown["Description"] = description.as_str().into();
    }
    Ok(Answer::of(json!({"Policy": shown})))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let scope = call.text("Scope").unwrap_or("All");
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let only_attached = input::flag(&call.input, "OnlyAttached").unwrap_or(false);
    let wanted = call.text("PolicyUsageFilter");
    let iam = &world.aws.account(&call.account).iam;
    let used = |arn: &str| {
        let (attached, bounding) = usage(iam, arn);
        let counted = match wanted {
            Some("PermissionsPolicy") => attached,
            Some("PermissionsBoundary") => bounding,
            _ => attached + bounding,
        };
        (!only_attached && wanted.is_none()) || counted > 0
    };
    let mut entries: Vec<(String, Value)> = Vec::new();
    if scope != "AWS" {
        entries.extend(
            iam.policies
                .values()
                .map(|policy| (policy.arn.clone(), policy.brief(iam))),
        );
    }
    if scope != "Local" {
        entries.extend(managed::arns().map(|arn| {
            let shown = aws_managed(iam, &arn);
            (arn, shown)
        }));
    }
    entries.retain(|(arn, _)| path_of_arn(arn).starts_with(prefix) && used(arn));
    entries.sort_by(|one, two| one.0.cmp(&two.0));
    Ok(listed("Policies", paged(world, call, entries)?))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let policy = own(world, call)?;
    let arn = policy.arn.clone();
    if policy.versions.len() > 1 {
        return Err(refusal::conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's \
             versions. The default version is deleted with the policy.",
        ));
    }
    let iam = &mut world.aws.account_mut(&call.account).iam;
    if usage(iam, &arn) != (0, 0) {
        return Err(refusal::conflict("Cannot delete a policy attached to entities."));
    }
    iam.policies.remove(&arn);
    Ok(Answer::empty())
}

pub(super) fn create_version(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let policy = own(world, call)?;
    let document = document(call)?;
    if policy.versions.len() >= VERSIONS {
        return Err(refusal::limit(format!(
            "A managed policy can have up to {VERSIONS} versions. Before you create a new version, you must delete an \
             existing version."
        )));
    }
    let number = policy.next;
    policy.next += 1;
    let version = PolicyVersion {
        document,
        created: call.at,
    };
    policy.versions.insert(number, version.clone());
    if input::flag(&call.input, "SetAsDefault") == Some(true) {
        policy.default = number;
    }
    policy.updated = call.at;
    Ok(Answer::of(
        json!({"PolicyVersion": policy.version(number, &version, false)}),
    ))
}

fn number(call: &Call) -> Result<u32, Refusal> {
    let id = call.required("VersionId");
    id.strip_prefix('v')
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| no_version(call))
}

fn no_version(call: &Call) -> Refusal {
    refusal::missing(format!(
        "Policy {} version {} does not exist or is not attachable.",
        call.required("PolicyArn"),
        call.required("VersionId")
    ))
}

pub(super) fn get_version(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("PolicyArn");
    let number = number(call)?;
    if let Some(text) = managed::json(arn) {
        if number != 1 {
            return Err(no_version(call));
        }
        return Ok(Answer::of(json!({"PolicyVersion": {
            "Document": document::encoded(text),
            "VersionId": "v1",
            "IsDefaultVersion": true,
            "CreateDate": "2015-02-06T18:39:46Z",
        }})));
    }
    let policy = own(world, call)?;
    let version = policy.versions.get(&number).ok_or_else(|| no_version(call))?;
    Ok(Answer::of(
        json!({"PolicyVersion": policy.version(number, version, true)}),
    ))
}

pub(super) fn list_versions(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("PolicyArn");
    let entries: Vec<(String, Value)> = if managed::json(arn).is_some() {
        let shown =
            json!({"VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2015-02-06T18:39:46Z"});
        vec![("1".to_owned(), shown)]
    } else {
        let policy = own(world, call)?;
        // Newest first.
        policy
            .versions
            .iter()
            .rev()
            .map(|(number, version)| {
                (
                    format!("{:010}", u32::MAX - number),
                    policy.version(*number, version, false),
                )
            })
            .collect()
    };
    Ok(listed("Versions", paged(world, call, entries)?))
}

pub(super) fn set_default(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let number = number(call)?;
    let policy = own(world, call)?;
    if !policy.versions.contains_key(&number) {
        return Err(no_version(call));
    }
    policy.default = number;
    policy.updated = call.at;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html>
pub(super) fn delete_version(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let number = number(call)?;
    let policy = own(world, call)?;
    if number == policy.default {
        return Err(refusal::conflict(
            "Cannot delete the default version of a policy.",
        ));
    }
    policy.versions.remove(&number).ok_or_else(|| no_version(call))?;
    Ok(Answer::empty())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    tags::add(&mut own(world, call)?.tags, new).map_err(refusal::tags)?;
    Ok(Answer::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let policy = own(world, call)?;
    for key in input::texts(&call.input, "TagKeys") {
        policy.tags.remove(key);
    }
    Ok(Answer::empty())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let entries = tag_entries(&own(world, call)?.tags);
    Ok(listed("Tags", paged(world, call, entries)?))
}
