//! The key that encrypts a cluster's secrets: once given it can be neither changed nor taken away.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::update::{Change, Plan, Subject};
use super::{Cluster, known, refusal, update};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::kms::usage::{self, Obstacle};
use crate::call::Call;
use crate::world::World;

/// What is encrypted, and by which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// ARN of the key as it was given.
    pub key: String,
}

impl Encryption {
    pub(super) fn shown(&self) -> Value {
        json!([{"resources": ["secrets"], "provider": {"keyArn": self.key}}])
    }
}

/// Reads `encryptionConfig`, and sees that the key can be used.
///
/// # Errors
/// `InvalidParameterException`; the page on the API says what is refused
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html>), the wording is a guess.
pub(super) fn read(world: &World, call: &Call) -> Result<Option<Encryption>, Refusal> {
    let Some(config) = input::items(&call.input, "encryptionConfig").first() else {
        return Ok(None);
    };
    if input::texts(config, "resources") != ["secrets"] {
        return Err(refusal::invalid(
            "The only resource that can be encrypted is secrets",
        ));
    }
    let key = config
        .get("provider")
        .and_then(|provider| input::text(provider, "keyArn"))
        .unwrap_or_default();
    if !key.starts_with("arn:") {
        return Err(refusal::invalid(format!("keyArn {key} is not the ARN of a key")));
    }
    let region = key.split(':').nth(3);
    if region != Some(&call.region) {
        return Err(refusal::invalid(format!(
            "The key {key} must be in the region of the cluster, {}",
            call.region
        )));
    }
    match usage::usable(world, &call.account, &call.region, key, call.at) {
        Ok(_) => Ok(Some(Encryption { key: key.to_owned() })),
        Err(obstacle) => Err(refusal::invalid(match obstacle {
            Obstacle::Missing => format!("KMS key {key} does not exist"),
            Obstacle::Disabled => format!("KMS key {key} is disabled"),
            Obstacle::PendingDeletion => format!("KMS key {key} is pending deletion"),
            Obstacle::WrongKind => format!("KMS key {key} must be symmetric, for encryption and decryption"),
        })),
    }
}

/// What is wrong with the key of a standing cluster, as a health issue tells it.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ClusterIssue.html>
pub(super) fn issue(world: &World, call: &Call, cluster: &Cluster) -> Option<Value> {
    let key = &cluster.encryption.as_ref()?.key;
    let (code, words) = match usage::usable(world, &call.account, &call.region, key, call.at).err()? {
        Obstacle::Missing | Obstacle::WrongKind => ("KmsKeyNotFound", "could not be found"),
        Obstacle::Disabled => ("KmsKeyDisabled", "is disabled"),
        Obstacle::PendingDeletion => ("KmsKeyMarkedForDeletion", "is marked for deletion"),
    };
    Some(json!({
        "code": code,
        "message": format!("The KMS key {key} of the cluster {words}"),
        "resourceIds": [key],
    }))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_AssociateEncryptionConfig.html>: on a cluster that has none.
pub(super) fn associate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("clusterName");
    let cluster = known(world, call, name)?;
    if let Some(answer) = update::repeated(cluster, call) {
        return Ok(answer);
    }
    if cluster.encryption.is_some() {
        // The code and the wording are guesses.
        return Err(
            refusal::request(format!("Encryption is already enabled on cluster {name}"))
                .with("clusterName", name),
        );
    }
    let encryption =
        read(world, call)?.ok_or_else(|| refusal::invalid("encryptionConfig must name one provider"))?;
    let params = vec![("EncryptionConfig", encryption.shown().to_string())];
    // Every secret is written anew; how long that takes is a guess.
    let plan = Plan {
        kind: "AssociateEncryptionConfig",
        params,
        takes: ("eks.cluster.encryption", 300.0),
        change: Change::Encryption(encryption),
    };
    update::start(world, call, name, Subject::Cluster, plan)
}
