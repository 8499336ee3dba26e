//! The name of one component's object, from the environment's id and the component's address alone.

use mlops_access::Purpose;
use mlops_access::generate::aws::Bucket;

use super::{EnvironmentId, Place, aws, gcp};
use crate::spec::{KEY_USES, SecretName, ServiceName, Text, TextError};

/// There is no name for an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Its name is made from more than the id.
    #[error(
        "the name of {address:?} depends on {on}, which the id does not tell: read components[{address:?}].id of the environment"
    )]
    Depends {
        /// The address.
        address: String,
        /// On what.
        on: &'static str,
    },
    /// No environment of that cloud has such a component.
    #[error("there is no component {address:?} on {cloud}: use one of {known}")]
    Unknown {
        /// The address.
        address: String,
        /// The cloud.
        cloud: &'static str,
        /// What there is.
        known: &'static str,
    },
    /// A part of the address is no name.
    #[error("{address:?}: {error}")]
    Part {
        /// The address.
        address: String,
        /// What is wrong.
        error: TextError,
    },
}

const ON_AWS: &str = "cluster, buckets.<purpose>, identities.<ci|deploy|node|cluster>, \
    identities.<runtime|drift|retrain>.<service>, boundaries.<purpose>, keys.<cluster|logs|secrets|storage>, \
    registry.<repository>, secrets.<service>.<secret>, log_groups.cluster, budget";
const ON_GCP: &str = "cluster, buckets.<purpose>, identities.<ci|deploy|node>, \
    identities.<runtime|drift|retrain>.<service>, key_ring, keys.<cluster|logs|secrets|storage>, registry, \
    secrets.<service>.<secret>, log_groups.cluster, federation.pool, budget";

/// The name of the object that a component is, as its cloud shows it; the whole table is at the top of
/// [`crate::names`]. Whether the environment has the component is not asked.
///
/// # Errors
/// Where there is no such component, or its name is made from more than the id.
///
/// ```
/// use mlops_environment::names::{EnvironmentId, component};
/// let id: EnvironmentId = "aws/111122223333/eu-west-1/shop".parse()?;
/// assert_eq!(component::name(&id, "identities.runtime.churn")?, "shop-runtime-churn");
/// assert!(component::name(&id, "identities.runtime").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn name(id: &EnvironmentId, address: &str) -> Result<String, NameError> {
    match &id.place {
        Place::Aws { region, .. } => {
            let path = format!("/mlops/{}/", id.name);
            let names = aws::Names::new(id, aws::partition_of(region), &path);
            on_aws(&names, address)
        }
        Place::Gcp { region, .. } => {
            // Neither number nor location is part of a name that is given here.
            let names = gcp::Names::new(id, "", region.as_str());
            on_gcp(&names, address)
        }
    }
}

fn on_aws(names: &aws::Names<'_>, address: &str) -> Result<String, NameError> {
    let unknown = || NameError::Unknown {
        address: address.to_owned(),
        cloud: "AWS",
        known: ON_AWS,
    };
    let parts: Vec<&str> = address.split('.').collect();
    Ok(match parts[..] {
        ["cluster"] => names.cluster().to_owned(),
        ["buckets", usage] => names.bucket(bucket(usage).ok_or_else(unknown)?),
        ["identities", "cluster"] => names.cluster_role(),
        ["identities", ref identity @ ..] => {
            let (purpose, service) = principal(address, identity)?.ok_or_else(unknown)?;
            names.role(purpose, service.as_ref())
        }
        ["boundaries", purpose] => names.boundary(purpose.parse().map_err(|_| unknown())?),
        ["keys", usage] if is_key(usage) => names.key_alias(usage),
        ["registry", repository] => {
            names.repository(part::<crate::spec::RepositoryName>(address, repository)?.as_str())
        }
        ["secrets", service, secret] => {
            let secret: SecretName = part(address, secret)?;
            names.secret(&part(address, service)?, secret.as_str())
        }
        ["log_groups", "cluster"] => names.cluster_log_group(),
        ["budget"] => names.budget(),
        _ => return Err(depends(address).unwrap_or_else(unknown)),
    })
}

fn on_gcp(names: &gcp::Names<'_>, address: &str) -> Result<String, NameError> {
    let unknown = || NameError::Unknown {
        address: address.to_owned(),
        cloud: "Google Cloud",
        known: ON_GCP,
    };
    let parts: Vec<&str> = address.split('.').collect();
    Ok(match parts[..] {
        ["cluster"] => names.cluster().to_owned(),
        ["buckets", usage] => names.bucket(bucket(usage).ok_or_else(unknown)?),
        ["identities", ref identity @ ..] => {
            let (purpose, service) = principal(address, identity)?.ok_or_else(unknown)?;
            names.account_id(purpose, service.as_ref())
        }
        ["key_ring"] => names.key_ring(),
        ["keys", usage] if is_key(usage) => names.key(usage),
        ["registry"] => names.repository(),
        ["secrets", service, secret] => {
            let secret: SecretName = part(address, secret)?;
            names.secret_id(&part(address, service)?, secret.as_str())
        }
        ["log_groups", "cluster"] => names.log_bucket(),
        ["federation", "pool"] => names.pool_id(),
        ["budget"] => names.budget(),
        _ => return Err(depends(address).unwrap_or_else(unknown)),
    })
}

fn depends(address: &str) -> Option<NameError> {
    let on = match address.split('.').next()? {
        "node_pools" => "what its machines are",
        "network" => "the network that is given",
        "federation" => "the cluster or the account",
        _ => return None,
    };
    Some(NameError::Depends {
        address: address.to_owned(),
        on,
    })
}

fn is_key(usage: &str) -> bool {
    KEY_USES.iter().any(|(known, _)| *known == usage)
}

fn bucket(text: &str) -> Option<Bucket> {
    Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == text)
}

/// A purpose, and its service exactly where the purpose has one identity for each.
fn principal(address: &str, parts: &[&str]) -> Result<Option<(Purpose, Option<ServiceName>)>, NameError> {
    let purpose = parts.first().and_then(|word| word.parse::<Purpose>().ok());
    Ok(match (purpose, parts) {
        (Some(purpose), [_]) if !purpose.per_service() => Some((purpose, None)),
        (Some(purpose), [_, service]) if purpose.per_service() => {
            Some((purpose, Some(part(address, service)?)))
        }
        _ => None,
    })
}

fn part<T: Text>(address: &str, text: &str) -> Result<T, NameError> {
    text.parse().map_err(|error| NameError::Part {
        address: address.to_owned(),
        error,
    })
}
