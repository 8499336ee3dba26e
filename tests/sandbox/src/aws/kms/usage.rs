//! Keys as other services use them: S3 for objects, Logs for groups, EKS for Kubernetes secrets.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mlops_access::aws::{Arn, Caller, Policies, Policy, Request, evaluate};

use super::key::arn_of;
use super::{Alias, Key, Manager};
use crate::aws::partition;
use crate::world::World;

/// Services that make a key of their own in an account when they first need it: `alias/aws/<service>`.
///
/// <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html>, "AWS managed keys".
pub const HAVE_OWN_KEY: [&str; 6] = ["ebs", "ecr", "eks", "lambda", "s3", "secretsmanager"];

/// Why a service cannot use a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// There is no such key.
    Missing,
    /// It is switched off.
    Disabled,
    /// It waits for its deletion.
    PendingDeletion,
    /// It is of another kind: not symmetric, or not for encryption.
    WrongKind,
}

/// The key that `text` (id, ARN, alias, alias ARN) means to a service acting for `account` in `region`.
pub fn find<'w>(world: &'w World, account: &str, region: &str, text: &str) -> Option<&'w Key> {
    let (account, region, name) = match Arn::parse(text) {
        Some(parsed) if parsed.service == "kms" => (
            parsed.account,
            parsed.region,
            parsed.resource.strip_prefix("key/").unwrap_or(parsed.resource),
        ),
        Some(_) => return None,
        None => (account, region, text),
    };
    let kms = &world.aws.region(account, region).kms;
    let id = kms.aliases.get(name).map_or(name, |alias| alias.target.as_str());
    kms.keys.get(id)
}

/// The key, if a service can use it at `now`.
///
/// # Errors
/// [`Obstacle`].
pub fn usable<'w>(
    world: &'w World,
    account: &str,
    region: &str,
    text: &str,
    now: Timestamp,
) -> Result<&'w Key, Obstacle> {
    let key = find(world, account, region, text)
        .filter(|key| !key.is_gone(now))
        .ok_or(Obstacle::Missing)?;
    match key.state() {
        "PendingDeletion" => Err(Obstacle::PendingDeletion),
        "Enabled" if key.usage != "ENCRYPT_DECRYPT" || key.spec != "SYMMETRIC_DEFAULT" => {
            Err(Obstacle::WrongKind)
        }
        "Enabled" => Ok(key),
        _ => Err(Obstacle::Disabled),
    }
}

impl Key {
    /// Whether its policy lets a service principal do all of `actions`, with one encryption context, for a resource of
    /// `account`.
    pub fn admits_service(
        &self,
        service: &str,
        actions: &[&str],
        context: (&str, &str),
        account: &str,
    ) -> bool {
        let Ok(policy) = Policy::parse(&self.policy) else {
            return false;
        };
        let key = format!("kms:EncryptionContext:{}", context.0);
        actions.iter().all(|action| {
            let request = Request::new(Caller::Service(service.to_owned()), action, &self.arn)
                .with(&key, context.1)
                .with_all("kms:EncryptionContextKeys", [context.0])
                .with("kms:CallerAccount", account)
                .with("aws:SourceAccount", account)
                .with("aws:SourceArn", context.1)
                .with("aws:SecureTransport", "true");
            evaluate(&request, &Policies::resource(&policy)).is_allowed()
        })
    }
}

/// The key that a service keeps for itself in an account; made when it is first needed.
pub fn own_key<'w>(
    world: &'w mut World,
    account: &str,
    region: &str,
    service: &str,
    now: Timestamp,
) -> &'w Key {
    let name = format!("alias/aws/{service}");
    let known = world
        .aws
        .region(account, region)
        .kms
        .aliases
        .get(&name)
        .map(|alias| alias.target.clone());
    let (fresh, material) = match known {
        Some(_) => (String::new(), String::new()),
        None => (world.random.uuid(), world.random.hex(64)),
    };
    let kms = &mut world.aws.region_mut(account, region).kms;
    let id = known.unwrap_or_else(|| {
        kms.aliases.insert(
            name,
            Alias {
                target: fresh.clone(),
                created: now,
                updated: now,
            },
        );
        fresh
    });
    kms.keys.entry(id.clone()).or_insert_with(|| Key {
        arn: arn_of(account, region, &id),
        id,
        account: account.to_owned(),
        created: now,
        description: format!("Default key that protects my {service} data when no other key is defined"),
        manager: Manager::Aws,
        spec: "SYMMETRIC_DEFAULT".into(),
        usage: "ENCRYPT_DECRYPT".into(),
        origin: "AWS_KMS".into(),
        multi_region: false,
        enabled: true,
        deletion: None,
        policy: policy_of(account, region, service),
        rotation: Some(super::Rotation {
            days: 365,
            since: now,
        }),
        tags: BTreeMap::new(),
        grants: BTreeMap::new(),
        material,
    })
}

/// Everybody of the account may use the key, through the service only.
fn policy_of(account: &str, region: &str, service: &str) -> String {
    serde_json::json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}-2"),
        "Statement": [{
            "Sid": format!("Allow access through {service} for all principals in the account that are authorized to use it"),
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
            "Resource": "*",
            "Condition": {"StringEquals": {
                "kms:CallerAccount": account,
                "kms:ViaService": format!("{service}.{region}.{}", partition::dns_suffix(region)),
            }},
        }, {
            "Effect": "Allow",
            "Principal": {"AWS": crate::aws::arn::iam(region, account, "root")},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*"],
            "Resource": "*",
        }],
    })
    .to_string()
}

/// A service takes a grant on a key for itself or for a role that works for it, as EKS does for a cluster's key; its id.
/// Asked twice for the same, it is the same grant.
///
/// <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>
pub fn grant(
    world: &mut World,
    key: &str,
    grantee: &str,
    operations: &[&str],
    now: Timestamp,
) -> Option<String> {
    let found = Arn::parse(key)?;
    let (account, region) = (found.account.to_owned(), found.region.to_owned());
    let id = found.resource.strip_prefix("key/")?.to_owned();
    let (fresh, token) = (world.random.hex(64), world.random.hex(96));
    let key = world.aws.region_mut(&account, &region).kms.keys.get_mut(&id)?;
    let operations: Vec<String> = operations
        .iter()
        .map(|operation| (*operation).to_owned())
        .collect();
    if let Some(known) = key
        .grants
        .values()
        .find(|known| known.grantee == grantee && known.operations == operations)
    {
        return Some(known.id.clone());
    }
    let grant = super::Grant {
        id: fresh.clone(),
        token,
        name: None,
        grantee: grantee.to_owned(),
        retiring: None,
        issuer: crate::aws::arn::iam(&region, &account, "root"),
        operations,
        constraints: None,
        created: now,
    };
    key.grants.insert(fresh.clone(), grant);
    Some(fresh)
}
