//! Names and ids, computed before anything exists.
//!
//! | What | On AWS | On Google Cloud |
//! |---|---|---|
//! | environment id | `aws/<account>/<region>/<name>` | `gcp/<project>/<region>/<name>` |
//! | cluster | `<name>` | `<name>` |
//! | identity | role `<name>-<purpose>[-<service>]` in path `/mlops/<name>/` | account `<pp>-<stem>-<h4><e6>`, see [`gcp`] |
//! | boundary | `<name>-boundary-<purpose>` | |
//! | bucket | `<name>-<purpose>-<h8>`, h8 = first 8 hex digits of SHA-256 of `<id>/buckets/<purpose>` | the same |
//! | repository | `<name>/<repository>` | repository `<name>`, image `<repository>` |
//! | secret | `<name>/<service>/<secret>` | `<name>_<service>_<secret>` |
//! | key | alias `alias/<name>-<use>` | key `<use>` in key ring `<name>` |
//! | log group | `/aws/eks/<name>/cluster` (EKS decides it) | log bucket and sink `<name>` |
//! | federation | the account's provider for GitHub, for GitLab | providers `github`, `gitlab` of pool `mlops-<name>` |
//! | budget | `mlops-<name>-<h8>`, h8 of `<id>/budget` | the same, as display name |
//! | node pool | `<pool>-<h6>`, h6 = first 6 hex digits of SHA-256 of the machine types, capacity type, image type and subnets, joined by newlines | the same of capacity type and accelerator |
//!
//! IAM compares names without case, bucket names are global: the hash keeps equal environment names of two accounts or
//! regions apart.

pub mod aws;
pub mod component;
pub mod gcp;

use std::fmt;
use std::str::FromStr;

use mlops_access::generate::aws::Bucket;
use sha2::{Digest, Sha256};

use crate::spec::{AccountId, Cloud, EnvironmentName, GcpRegion, ProjectId, Region, TextError};

/// First `digits` hexadecimal digits of SHA-256.
pub fn hash(text: &str, digits: usize) -> String {
    let sum = Sha256::digest(text.as_bytes());
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.chars().take(digits).collect()
}

/// Name of an environment's budget. Those of all regions stand in one list.
pub fn budget(id: &EnvironmentId) -> String {
    format!("mlops-{}-{}", id.name, hash(&format!("{id}/budget"), 8))
}

/// Id of an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvironmentId {
    /// Where it is.
    pub place: Place,
    /// The name.
    pub name: EnvironmentName,
}

/// Where an environment is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a region of an AWS account.
    Aws {
        /// The account.
        account: AccountId,
        /// The region.
        region: Region,
    },
    /// In a region of a Google Cloud project.
    Gcp {
        /// The project.
        project: ProjectId,
        /// The region.
        region: GcpRegion,
    },
}

impl EnvironmentId {
    /// Its cloud.
    pub fn cloud(&self) -> Cloud {
        match &self.place {
            Place::Aws { .. } => Cloud::Aws,
            Place::Gcp { .. } => Cloud::Gcp,
        }
    }

    /// Its account, or the id of its project.
    pub fn account(&self) -> &str {
        match &self.place {
            Place::Aws { account, .. } => account.as_str(),
            Place::Gcp { project, .. } => project.as_str(),
        }
    }

    /// Its region.
    pub fn region(&self) -> &str {
        match &self.place {
            Place::Aws { region, .. } => region.as_str(),
            Place::Gcp { region, .. } => region.as_str(),
        }
    }
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cloud = self.cloud().as_str();
        write!(f, "{cloud}/{}/{}/{}", self.account(), self.region(), self.name)
    }
}

/// A text is not the id of an environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not the id of an environment: expected aws/<account>/<region>/<name> or gcp/<project>/<region>/<name>{}",
    because(.reason)
)]
pub struct IdError {
    /// The text.
    pub text: String,
    /// What exactly is wrong, where it can be told.
    pub reason: Option<TextError>,
}

fn because(reason: &Option<TextError>) -> String {
    reason
        .as_ref()
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default()
}

impl FromStr for EnvironmentId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        fn part<T: FromStr<Err = TextError>>(whole: &str, text: &str) -> Result<T, IdError> {
            text.parse().map_err(|reason| IdError {
                text: whole.to_owned(),
                reason: Some(reason),
            })
        }
        let parts: Vec<&str> = text.split('/').collect();
        let (place, name) = match parts[..] {
            ["aws", account, region, name] => {
                let (account, region) = (part(text, account)?, part(text, region)?);
                (Place::Aws { account, region }, name)
            }
            ["gcp", project, region, name] => {
                let (project, region) = (part(text, project)?, part(text, region)?);
                (Place::Gcp { project, region }, name)
            }
            _ => {
                return Err(IdError {
                    text: text.to_owned(),
                    reason: None,
                });
            }
        };
        Ok(Self {
            place,
            name: part(text, name)?,
        })
    }
}

/// Bucket of a purpose.
pub(crate) fn bucket(id: &EnvironmentId, bucket: Bucket) -> String {
    let h8 = hash(&format!("{id}/buckets/{bucket}"), 8);
    format!("{}-{bucket}-{h8}", id.name)
}

/// Bucket that holds an environment's logs and its claim, unless another one was taken over.
pub fn logs_bucket(id: &EnvironmentId) -> String {
    bucket(id, Bucket::Logs)
}

/// Where an environment's claim stands in its logs bucket.
pub fn claim_key(name: &EnvironmentName) -> String {
    format!("mlops/{name}/claim.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_as_it_was_read() {
        for text in [
            "aws/111122223333/eu-west-1/shop",
            "gcp/acme-ml-dev/europe-west1/shop",
        ] {
            assert_eq!(text.parse::<EnvironmentId>().expect("an id").to_string(), text);
        }
    }

    #[test]
    fn a_wrong_id_says_which_part() {
        let error = |text: &str| text.parse::<EnvironmentId>().expect_err("wrong").to_string();
        assert!(error("aws/1111/eu-west-1/shop").contains("twelve digits"));
        assert!(error("gcp/acme-ml-dev/eu-west-1/shop").contains("europe-west1"));
        assert!(error("gcp/p/r/n").contains("a Google Cloud project"));
        assert!(error("aws/111122223333/eu-west-1/shop/x").contains("expected aws/"));
    }
}
