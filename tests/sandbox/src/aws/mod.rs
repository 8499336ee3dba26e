//! Amazon's cloud: accounts with their regions, and one file or folder a service.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

pub mod arn;
pub mod authorize;
pub mod blob;
pub mod budgets;
pub mod ec2;
pub mod ecr;
pub mod eks;
pub mod iam;
pub mod input;
pub mod kms;
pub mod logs;
pub mod output;
pub mod page;
pub mod partition;
pub mod s3;
pub mod secretsmanager;
pub mod sts;
pub mod tags;
#[cfg(test)]
pub(crate) mod trial;

/// Every account, and what is global.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aws {
    /// Accounts by their twelve digits.
    pub accounts: BTreeMap<String, Account>,
    /// Sessions of roles by their access key, of all accounts.
    #[serde(default)]
    pub sessions: BTreeMap<String, sts::Session>,
    /// Buckets of all accounts: their names are global.
    #[serde(default)]
    pub s3: s3::State,
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Budgets: the same in every region.
    #[serde(default)]
    pub budgets: budgets::State,
    /// Identity and access management: the same in every region.
    #[serde(default)]
    pub iam: iam::State,
    /// Regions by name.
    pub regions: BTreeMap<String, Region>,
}

/// One region of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Networks and launch templates.
    #[serde(default)]
    pub ec2: ec2::State,
    /// Container registry.
    #[serde(default)]
    pub ecr: ecr::State,
    /// Kubernetes clusters.
    #[serde(default)]
    pub eks: eks::State,
    /// Keys and aliases.
    #[serde(default)]
    pub kms: kms::State,
    /// CloudWatch Logs.
    #[serde(default)]
    pub logs: logs::State,
    /// Secrets Manager.
    #[serde(default)]
    pub secretsmanager: secretsmanager::State,
}

impl Aws {
    /// What stands in an account: an empty one where nothing was ever made. Reading leaves no trace.
    pub fn account(&self, id: &str) -> &Account {
        static EMPTY: LazyLock<Account> = LazyLock::new(Account::default);
        self.accounts.get(id).unwrap_or(&EMPTY)
    }

    /// The same, to change.
    pub fn account_mut(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }

    /// What stands in a region of an account: an empty region where nothing was ever made. Reading leaves no trace.
    pub fn region(&self, account: &str, region: &str) -> &Region {
        static EMPTY: LazyLock<Region> = LazyLock::new(Region::default);
        self.accounts
            .get(account)
            .and_then(|account| account.regions.get(region))
            .unwrap_or(&EMPTY)
    }

    /// The same, to change.
    pub fn region_mut(&mut self, account: &str, region: &str) -> &mut Region {
        self.accounts
            .entry(account.to_owned())
            .or_default()
            .regions
            .entry(region.to_owned())
            .or_default()
    }
}

/// Answers a call that is read, known and allowed: shared out to the service's file.
///
/// # Errors
/// The service's refusal; `UnknownOperationException` for what no file carries.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    // What EKS makes and takes away stands in other services too.
    eks::settle(world, call);
    match call.service.as_str() {
        "budgets" => budgets::answer(world, call),
        "ec2" => ec2::answer(world, call),
        "ecr" => ecr::answer(world, call),
        "eks" => eks::answer(world, call),
        "iam" => iam::answer(world, call),
        "kms" => kms::answer(world, call),
        "logs" => logs::answer(world, call),
        "s3" => s3::answer(world, call),
        "secretsmanager" => secretsmanager::answer(world, call),
        "sts" => sts::answer(world, call),
        _ => Err(not_carried(call)),
    }
}

/// The refusal of a call that the API's description knows and no file here carries.
pub fn not_carried(call: &Call) -> Refusal {
    Refusal::new(
        404,
        "UnknownOperationException",
        format!(
            "{}:{} is not carried by this sandbox",
            call.service, call.operation
        ),
    )
}

/// What needs the service-linked role of a service, by region: while there is any, the role stays.
fn uses_of_service_role(account: &Account, service: &str) -> BTreeMap<String, Vec<String>> {
    account
        .regions
        .iter()
        .map(|(name, region)| (name.clone(), region.eks.uses_of_service_role(service)))
        .filter(|(_, used)| !used.is_empty())
        .collect()
}
