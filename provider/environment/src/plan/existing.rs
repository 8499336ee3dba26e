//! What belongs to somebody else and is used as it is: whether it can be.

use serde_json::Value;

use super::refusal::{Cause, Refusal};
use crate::component::{Component, Observation, Present, Status};

/// Whether what was found in the place of an existing component can be used.
///
/// # Errors
/// It is not there, out of use, or not of a kind that the environment can be wired to.
pub(super) fn judge(component: &Component, observation: &Observation) -> Result<(), Refusal> {
    let handle = component.handle();
    let refuse = |cause| {
        Err(Refusal {
            address: component.address.clone(),
            cause,
        })
    };
    let Observation::Present(found) = observation else {
        return refuse(Cause::Missing { handle });
    };
    match &found.status {
        Status::Suspended { what } => {
            let what = what.clone();
            return refuse(Cause::Suspended { handle, what });
        }
        // What is being made tells more once it is done.
        Status::InProgress { .. } => return Ok(()),
        _ => {}
    }
    match unfit(component, found) {
        Some(why) => refuse(Cause::Unfit { handle, why }),
        None => Ok(()),
    }
}

/// Why a cluster will not do, and what can be done about it. Of others nothing is asked but that they are there.
fn unfit(component: &Component, found: &Present) -> Option<String> {
    if !component.kind.looked_at() {
        return None;
    }
    match &found.status {
        Status::Deleting => return Some("It is being deleted. Use another one.".to_owned()),
        Status::Failed { reason } => {
            return Some(format!(
                "The cloud gave it up ({reason}). Have its owner repair it, or use another one."
            ));
        }
        _ => {}
    }
    let text = |name: &str| {
        component
            .properties
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let lacks = |name: &str, value: Value| {
        let wanted = component.properties.get(name).filter(|wanted| **wanted != value);
        wanted.is_some() && found.properties.get(name) == Some(&value)
    };
    if lacks("issuer", false.into()) {
        return Some(
            "EKS tells no OIDC issuer of it, so its pods cannot become identities of IAM. Use another cluster.".to_owned(),
        );
    }
    if lacks("access_entries", false.into()) {
        return Some(format!(
            "It takes no access entries (authentication mode CONFIG_MAP), so neither deploy nor cluster.admins could be let in. \
             Have its owner switch it; its config map stays in force: aws eks update-cluster-config --name {} --access-config \
             authenticationMode=API_AND_CONFIG_MAP",
            text("name")
        ));
    }
    let found = found.properties.get("workload_pool")?;
    let wanted = text("workload_pool");
    if found != wanted {
        let parts: Vec<&str> = text("name").split('/').collect();
        let (location, short) = match parts[..] {
            ["projects", _, "locations", location, "clusters", short] => (location, short),
            _ => ("…", text("name")),
        };
        return Some(format!(
            "Workload Identity Federation for GKE is off, so its pods cannot become service accounts. Have its owner switch it on, \
             and then the metadata server of its node pools: gcloud container clusters update {short} --location {location} \
             --workload-pool {wanted}"
        ));
    }
    None
}
