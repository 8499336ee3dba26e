//! Object ownership, and the access control lists that it switches off.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>

use serde_json::{Value, json};

use super::object::{chosen, chosen_mut};
use super::{Block, Bucket, canonical_id, configure, find, invalid_request, malformed, owner};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{items, text};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Lists are off.
pub(super) const ENFORCED: &str = "BucketOwnerEnforced";
/// The list of who has nothing else: the owner alone.
pub(super) const PRIVATE: &str = "private";
const GRANTS: [&str; 5] = [
    "GrantFullControl",
    "GrantRead",
    "GrantReadACP",
    "GrantWrite",
    "GrantWriteACP",
];

fn is_public(acl: &str) -> bool {
    matches!(acl, "public-read" | "public-read-write" | "authenticated-read")
}

fn not_supported() -> Refusal {
    Refusal::new(
        400,
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
    )
}

fn has_grants(call: &Call) -> bool {
    GRANTS.iter().any(|grant| call.text(grant).is_some())
}

/// The list of a bucket that is being made.
pub(super) fn at_creation(call: &Call, ownership: &str, block: &Block) -> Result<String, Refusal> {
    let acl = call.text("ACL").unwrap_or(PRIVATE);
    if ownership == ENFORCED && (acl != PRIVATE || has_grants(call)) {
        return Err(Refusal::new(
            400,
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ));
    }
    if block.acls && is_public(acl) {
        return Err(Refusal::new(
            400,
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        ));
    }
    Ok(acl.to_owned())
}

/// The list of an object that is being written: with lists off, only the one that says what holds anyway.
pub(super) fn of_new_object(bucket: &Bucket, call: &Call) -> Result<(), Refusal> {
    let acl = call.text("ACL");
    if bucket.ownership.as_deref() == Some(ENFORCED) {
        let harmless = matches!(acl, None | Some("bucket-owner-full-control"));
        return if harmless && !has_grants(call) {
            Ok(())
        } else {
            Err(not_supported())
        };
    }
    blocked(bucket, call, acl)
}

fn blocked(bucket: &Bucket, call: &Call, acl: Option<&str>) -> Result<(), Refusal> {
    if bucket.block.is_some_and(|block| block.acls) && acl.is_some_and(is_public) {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: s3:{} on resource: \"arn:aws:s3:::{}\" because public access control lists (ACLs) are prevented by the BlockPublicAcls setting in S3 Block Public Access.",
                call.caller.principal, call.operation, bucket.name
            ),
        ));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html>
pub(super) fn get_ownership(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let ownership = bucket.ownership.as_ref().ok_or_else(|| {
        Refusal::new(
            404,
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        )
        .with("BucketName", bucket.name.as_str())
    })?;
    Ok(said(
        json!({"OwnershipControls": {"Rules": [{"ObjectOwnership": ownership}]}}),
    ))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html>
pub(super) fn put_ownership(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let controls = call.input.get("OwnershipControls").cloned().unwrap_or_default();
    let [rule] = items(&controls, "Rules") else {
        return Err(malformed());
    };
    let ownership = text(rule, "ObjectOwnership").ok_or_else(malformed)?;
    if ownership == ENFORCED && find(world, call)?.acl != PRIVATE {
        return Err(Refusal::new(
            400,
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ));
    }
    configure(world, call)?.ownership = Some(ownership.to_owned());
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketOwnershipControls.html>
pub(super) fn delete_ownership(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    configure(world, call)?.ownership = None;
    Ok(Answer::empty())
}

/// The grants that a canned list stands for.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>
fn grants(acl: &str, account: &str) -> Value {
    let group = |path: &str, permission: &str| {
        json!({
            "Grantee": {"Type": "Group", "URI": format!("http://acs.amazonaws.com/groups/{path}")},
            "Permission": permission,
        })
    };
    let mut grants = vec![json!({
        "Grantee": {"Type": "CanonicalUser", "ID": canonical_id(account)},
        "Permission": "FULL_CONTROL",
    })];
    match acl {
        "public-read" => grants.push(group("global/AllUsers", "READ")),
        "public-read-write" => {
            grants.push(group("global/AllUsers", "READ"));
            grants.push(group("global/AllUsers", "WRITE"));
        }
        "authenticated-read" => grants.push(group("global/AuthenticatedUsers", "READ")),
        "log-delivery-write" => {
            grants.push(group("s3/LogDelivery", "WRITE"));
            grants.push(group("s3/LogDelivery", "READ_ACP"));
        }
        _ => {}
    }
    Value::Array(grants)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    Ok(said(json!({
        "Owner": owner(&bucket.account),
        "Grants": grants(&bucket.acl, &bucket.account),
    })))
}

/// The canned list that a call asks for: named, or told by the groups that its grants name.
fn asked(call: &Call) -> Result<String, Refusal> {
    if let Some(acl) = call.text("ACL") {
        return Ok(acl.to_owned());
    }
    if has_grants(call) {
        // Lists of single grantees are the old way, which nothing here uses.
        return Err(Refusal::new(
            501,
            "NotImplemented",
            "This sandbox carries canned ACLs only",
        ));
    }
    let policy = call
        .input
        .get("AccessControlPolicy")
        .ok_or_else(|| invalid_request("Missing ACL"))?;
    let mut uris: Vec<String> = items(policy, "Grants")
        .iter()
        .filter_map(|grant| {
            let uri = text(grant.get("Grantee")?, "URI")?;
            Some(format!(
                "{} {}",
                uri.rsplit('/').next()?,
                text(grant, "Permission")?
            ))
        })
        .collect();
    uris.sort();
    let uris: Vec<&str> = uris.iter().map(String::as_str).collect();
    match uris[..] {
        [] => Ok(PRIVATE.to_owned()),
        ["AllUsers READ"] => Ok("public-read".to_owned()),
        ["AllUsers READ", "AllUsers WRITE"] => Ok("public-read-write".to_owned()),
        ["AuthenticatedUsers READ"] => Ok("authenticated-read".to_owned()),
        ["LogDelivery READ_ACP", "LogDelivery WRITE"] => Ok("log-delivery-write".to_owned()),
        _ => Err(Refusal::new(
            501,
            "NotImplemented",
            "This sandbox carries canned ACLs only",
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    if bucket.ownership.as_deref() == Some(ENFORCED) {
        return Err(not_supported());
    }
    let acl = asked(call)?;
    blocked(bucket, call, Some(&acl))?;
    configure(world, call)?.acl = acl;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html>
pub(super) fn get_of_object(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let (_, content) = chosen(bucket, call)?;
    Ok(said(json!({
        "Owner": owner(&bucket.account),
        "Grants": grants(&content.acl, &bucket.account),
    })))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html>
pub(super) fn put_of_object(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    if bucket.ownership.as_deref() == Some(ENFORCED) {
        return Err(not_supported());
    }
    let acl = asked(call)?;
    blocked(bucket, call, Some(&acl))?;
    chosen_mut(world, call)?.1.acl = acl;
    Ok(Answer::empty())
}
