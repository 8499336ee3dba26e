//! Logs of the control plane: which kinds are sent, and the log group that EKS makes for them.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Cluster, refusal};
use crate::answer::Refusal;
use crate::aws::{arn, input, logs};

/// Kinds of logs, in the API's order: <https://docs.aws.amazon.com/eks/latest/APIReference/API_LogSetup.html>
pub(super) const TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// The kinds that are sent after a request, which may switch single kinds on and off.
///
/// # Errors
/// `InvalidParameterException` for a kind on and off at once; the wording is a guess.
pub(super) fn changed(before: &BTreeSet<String>, logging: &Value) -> Result<BTreeSet<String>, Refusal> {
    let mut after = before.clone();
    let mut seen = BTreeMap::new();
    for setup in input::items(logging, "clusterLogging") {
        let on = input::flag(setup, "enabled") == Some(true);
        for kind in input::texts(setup, "types") {
            if seen.insert(kind, on).is_some_and(|before| before != on) {
                return Err(refusal::invalid(format!(
                    "Log type {kind} cannot be enabled and disabled in one request"
                )));
            }
            if on {
                after.insert(kind.to_owned());
            } else {
                after.remove(kind);
            }
        }
    }
    Ok(after)
}

/// Both halves, as EKS always answers.
pub(super) fn shown(on: &BTreeSet<String>) -> Value {
    let (enabled, disabled): (Vec<&str>, Vec<&str>) = TYPES.iter().partition(|kind| on.contains(**kind));
    let halves: Vec<Value> = [(enabled, true), (disabled, false)]
        .into_iter()
        .filter(|(types, _)| !types.is_empty())
        .map(|(types, enabled)| json!({"types": types, "enabled": enabled}))
        .collect();
    json!({"clusterLogging": halves})
}

/// The log group of a cluster.
pub(super) fn group(cluster: &str) -> String {
    format!("/aws/eks/{cluster}/cluster")
}

/// Makes the log group where logs are sent and there is none: EKS's service-linked role makes it, and makes it again after
/// it was deleted while the cluster stands.
///
/// <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920>; that a minute passes is a guess.
pub(super) fn deliver(
    cluster: &mut Cluster,
    groups: &mut BTreeMap<String, logs::Group>,
    region: &str,
    account: &str,
    at: Timestamp,
    minute: jiff::SignedDuration,
) {
    let name = group(&cluster.name);
    if cluster.log_types.is_empty() || groups.contains_key(&name) {
        cluster.logs_due = None;
        return;
    }
    let due = *cluster.logs_due.get_or_insert(at + minute);
    if due > at {
        return;
    }
    cluster.logs_due = None;
    let made = logs::Group {
        arn: arn::regional("logs", region, account, &format!("log-group:{name}")),
        created: due,
        retention: None,
        key: None,
        class: "STANDARD".to_owned(),
        protected: false,
        tags: BTreeMap::new(),
        streams: BTreeMap::new(),
    };
    groups.insert(name, made);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_switches_single_kinds() {
        let before = ["api".to_owned(), "audit".to_owned()].into();
        let request = json!({"clusterLogging": [
            {"types": ["audit"], "enabled": false},
            {"types": ["scheduler"], "enabled": true},
        ]});
        let after = changed(&before, &request).unwrap();
        assert_eq!(Vec::from_iter(after), ["api", "scheduler"]);
        let both = json!({"clusterLogging": [
            {"types": ["audit"], "enabled": false},
            {"types": ["audit"], "enabled": true},
        ]});
        assert!(changed(&before, &both).is_err());
    }

    #[test]
    fn both_halves_are_shown() {
        let shown = shown(&["api".to_owned()].into());
        assert_eq!(
            shown["clusterLogging"][0],
            json!({"types": ["api"], "enabled": true})
        );
        assert_eq!(shown["clusterLogging"][1]["types"].as_array().unwrap().len(), 4);
    }
}
