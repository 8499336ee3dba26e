//! One component, one observation, one step.

use std::collections::BTreeMap;

use super::diff::diff;
use super::existing;
use super::follow::lost;
use super::refusal::{Cause, Refusal, consent_token};
use super::rules::{self, Treatment};
use super::step::{Action, Change, Disruption, Step};
use crate::component::{
    Address, Component, Kind, Management, Observation, OnDestroy, Owner, Present, Properties, Status,
};
use crate::spec::{Enforcement, KubernetesVersion, Spec};

/// What decisions depend on beside the component and what was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Id of the environment.
    pub environment: String,
    /// Its uid.
    pub uid: String,
    /// Consent tokens by component.
    pub consent: BTreeMap<Address, String>,
    /// Ids of objects that the state says are ours: they stay ours when somebody takes their mark off.
    pub recorded: BTreeMap<Address, String>,
    /// Properties as wanted last time, references filled in: tells which tags were ours.
    pub before: BTreeMap<Address, Properties>,
    /// Properties as the plan saw them, with references to what was to be made anew: tells whether its consent was to this.
    pub pending: BTreeMap<Address, Properties>,
    /// Foreign grants on identities are shown, not removed.
    pub report_identities: bool,
    /// Foreign settings on buckets are shown, not removed.
    pub report_buckets: bool,
}

impl Decision {
    /// Decisions about the environment of a spec. `recorded` and `before` come from the state.
    pub fn new(spec: &Spec, uid: &str) -> Self {
        Self {
            environment: spec.id.to_string(),
            uid: uid.to_owned(),
            consent: spec.replace_components.clone(),
            report_identities: spec.enforce_identities == Enforcement::Report,
            report_buckets: spec.enforce_buckets == Enforcement::Report,
            ..Self::default()
        }
    }

    /// Whether an object is ours, whatever became of its mark.
    fn owns(&self, component: &Component, found: &Present) -> bool {
        match &found.owner {
            owner @ Owner::Environment { .. } => owner.is(&self.environment),
            Owner::Unmarked => {
                let recorded = self.recorded.get(&component.address) == Some(&found.id);
                // EKS writes its logs into a group of this very name, and makes it if it is missing.
                recorded || component.kind == Kind::AwsLogGroup
            }
        }
    }

    /// Whether deviations of a kind are shown and left alone.
    pub(super) fn reports_only(&self, kind: Kind) -> bool {
        match kind {
            Kind::AwsRole | Kind::GcpServiceAccount | Kind::GcpTrust | Kind::GcpProjectGrants => {
                self.report_identities
            }
            Kind::AwsBucket | Kind::GcpBucket => self.report_buckets,
            _ => false,
        }
    }
}

/// What to do so that the component becomes as wanted. The component is resolved.
///
/// `Delete` means: delete it, look again, and decide again. `Settle` and `Restore` likewise after waiting.
///
/// # Errors
/// [`Refusal`]: nothing must be done to it, and why.
pub fn decide(
    component: &Component,
    observation: &Observation,
    decision: &Decision,
) -> Result<Step, Refusal> {
    let refuse = |cause| Refusal {
        address: component.address.clone(),
        cause,
    };
    let step = |action, disruption, detail: &str| step(component, action, disruption, detail);
    if component.management == Management::Existing {
        existing::judge(component, observation)?;
        return Ok(match observation {
            Observation::Present(Present {
                status: Status::InProgress { what, .. },
                ..
            }) if component.kind.looked_at() => step(Action::Settle, Disruption::None, what),
            _ => step(Action::Keep, Disruption::None, ""),
        });
    }
    let found = match (observation, component.management) {
        // Once taken over, it is ours to make anew when it goes.
        (Observation::Absent, Management::Adopted) if !decision.recorded.contains_key(&component.address) => {
            return Err(refuse(Cause::NothingToAdopt {
                handle: component.handle(),
            }));
        }
        (Observation::Absent, _) => return Ok(step(Action::Create, Disruption::None, "")),
        (Observation::Present(found), _) => found,
    };
    let shared = component.management == Management::Shared;
    let ours = shared || decision.owns(component, found);
    if !ours {
        match &found.owner {
            Owner::Environment { id, .. } => {
                return Err(refuse(Cause::Foreign {
                    handle: component.handle(),
                    owner: id.clone(),
                }));
            }
            Owner::Unmarked if component.management != Management::Adopted => {
                return Err(refuse(Cause::Unmarked {
                    handle: component.handle(),
                }));
            }
            Owner::Unmarked => {}
        }
    }
    match &found.status {
        Status::Deleting => return Ok(step(Action::Settle, Disruption::None, "being deleted")),
        Status::InProgress { what, .. } => return Ok(step(Action::Settle, Disruption::None, what)),
        Status::Suspended { what } if ours => return Ok(step(Action::Restore, Disruption::None, what)),
        Status::Suspended { what } => {
            return Err(refuse(Cause::Suspended {
                handle: component.handle(),
                what: what.clone(),
            }));
        }
        Status::Failed { reason } => {
            return if ours && may_be_made_anew(component) {
                Ok(step(
                    Action::Delete,
                    Disruption::None,
                    &format!("failed: {reason}"),
                ))
            } else {
                Err(refuse(Cause::Failed {
                    reason: reason.clone(),
                }))
            };
        }
        Status::Ready => {}
    }
    let before = decision.before.get(&component.address);
    let changes = diff(component, &found.properties, before);
    let foreign = if decision.reports_only(component.kind) {
        Vec::new()
    } else {
        found.foreign.clone()
    };
    change(component, changes, foreign, before, !ours, decision)
}

/// Whether it can be deleted once the cloud gave it up: these kinds have never worked in that state, so nothing can be lost.
pub(super) fn may_be_made_anew(component: &Component) -> bool {
    let safe = matches!(
        component.kind,
        Kind::AwsCluster
            | Kind::AwsNodePool
            | Kind::AwsNatGateway
            | Kind::AwsVpcEndpoint
            | Kind::GcpCluster
            | Kind::GcpNodePool
    );
    safe && component.management == Management::Create
}

/// The step that makes these changes. Also used while planning, where `changes` come from the last wish.
pub(super) fn change(
    component: &Component,
    changes: Vec<Change>,
    foreign: Vec<String>,
    before: Option<&Properties>,
    adopting: bool,
    decision: &Decision,
) -> Result<Step, Refusal> {
    let refuse = |cause| Refusal {
        address: component.address.clone(),
        cause,
    };
    let treatment = |change: &Change| rules::of(component.kind, &change.property).1;
    let lasting: Vec<Change> = changes
        .iter()
        .filter(|change| treatment(change) == Treatment::Lasting)
        .cloned()
        .collect();
    if !lasting.is_empty() {
        return Err(refuse(Cause::Lasting { changes: lasting }));
    }
    let (fixed, changes): (Vec<Change>, Vec<Change>) = changes
        .into_iter()
        .partition(|change| rules::needs_another(component.kind, change));
    // What was taken over keeps what cannot be changed.
    if !fixed.is_empty() && component.management != Management::Adopted {
        let token = consent_token(&component.address, &fixed);
        let consented = decision.consent.get(&component.address);
        let planned = || Some(consent_token(&component.address, &as_planned(&fixed, before?)));
        let followed = || {
            let pending = decision.pending.get(&component.address)?;
            let changes = as_followed(&fixed, before, pending);
            Some(consent_token(&component.address, &changes))
        };
        if consented.is_some_and(|consented| {
            *consented == token
                || Some(consented) == planned().as_ref()
                || Some(consented) == followed().as_ref()
        }) {
            let worst = worst(component.kind, &fixed);
            return Ok(step(component, Action::Delete, worst, "made anew, as consented"));
        }
        let locked = fixed.iter().any(|change| treatment(change) == Treatment::OneWay);
        let changes = fixed;
        return Err(refuse(if locked {
            Cause::Locked { changes, token }
        } else {
            Cause::Immutable { changes, token }
        }));
    }
    for change in changes.iter().filter(|change| change.property == "version") {
        version(component.kind, change).map_err(refuse)?;
    }
    let disruption = worst(component.kind, &changes);
    let warnings: Vec<String> = changes
        .iter()
        .filter_map(|change| rules::warning(component.kind, change))
        .collect();
    let rotate = changes
        .iter()
        .any(|change| treatment(change) == Treatment::Rotate);
    let action = if adopting {
        Action::Adopt { changes }
    } else if changes.is_empty() && foreign.is_empty() {
        Action::Keep
    } else if rotate {
        Action::Rotate { changes }
    } else {
        Action::Update { changes, foreign }
    };
    Ok(step(component, action, disruption, &warnings.join("; ")))
}

/// The same changes as the plan saw them: from what was wanted last time.
fn as_planned(changes: &[Change], before: &Properties) -> Vec<Change> {
    changes
        .iter()
        .map(|change| Change {
            from: before.get(&change.property).cloned().unwrap_or_default(),
            ..change.clone()
        })
        .collect()
}

/// The same changes as the plan saw them that took others along: to what was not there yet.
fn as_followed(changes: &[Change], before: Option<&Properties>, pending: &Properties) -> Vec<Change> {
    let changes = changes.iter().map(|change| {
        let to = pending.get(&change.property).unwrap_or(&change.to).clone();
        let change = Change { to, ..change.clone() };
        lost(&change, before)
    });
    changes.collect()
}

fn worst(kind: Kind, changes: &[Change]) -> Disruption {
    changes
        .iter()
        .map(|change| rules::disruption(kind, change))
        .max()
        .unwrap_or(Disruption::None)
}

/// One minor version at a time, never back.
/// <https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html>,
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/upgrading-a-cluster>
fn version(kind: Kind, change: &Change) -> Result<(), Cause> {
    let parse = |value: &serde_json::Value| {
        value
            .as_str()
            .and_then(|text| text.parse::<KubernetesVersion>().ok())
    };
    let (Some(from), Some(to)) = (parse(&change.from), parse(&change.to)) else {
        return Ok(());
    };
    let refuse = |remedy: String| {
        Err(Cause::Version {
            from: from.to_string(),
            to: to.to_string(),
            remedy,
        })
    };
    if to < from {
        return refuse(format!(
            "There is no way back: set cluster.version to {from} or leave it out."
        ));
    }
    // Nodes may lag behind by several versions, and catch up in one go.
    let control_plane = matches!(kind, Kind::AwsCluster | Kind::GcpCluster);
    if control_plane && (to.major != from.major || to.minor > from.minor + 1) {
        let next = KubernetesVersion {
            major: from.major,
            minor: from.minor + 1,
        };
        return refuse(format!(
            "The control plane takes one minor version at a time: set cluster.version to {next} first."
        ));
    }
    Ok(())
}

/// What to do so that the component is gone, or let go of. The component may hold unresolved references.
///
/// For a shared component `Delete` holds only while [`crate::driver::Driver::obstacles`] names nobody else who uses
/// it; otherwise it is kept.
///
/// # Errors
/// None so far: what is not ours is kept. Protection and data are judged before the first deletion.
pub fn decide_removal(
    component: &Component,
    observation: &Observation,
    decision: &Decision,
) -> Result<Step, Refusal> {
    let keep = |detail: &str| Ok(step(component, Action::Keep, Disruption::None, detail));
    let Observation::Present(found) = observation else {
        return keep("already gone");
    };
    let marked_ours = found.owner.is(&decision.environment);
    match component.management {
        Management::Existing => keep("belongs to somebody else"),
        Management::Shared if !marked_ours => keep("made by somebody else, shared"),
        Management::Adopted => Ok(step(
            component,
            Action::Retain,
            Disruption::None,
            "was taken over",
        )),
        Management::Create if !decision.owns(component, found) => keep("not ours"),
        Management::Create | Management::Shared => Ok(removal(component)),
    }
}

/// A component that goes while its environment stays. What a key encrypted is still there: the key is kept.
pub fn leaving(component: &Component) -> Component {
    let mut leaving = component.clone();
    if matches!(component.kind, Kind::AwsKey | Kind::GcpKey) {
        leaving.on_destroy = OnDestroy::Retain;
    }
    leaving
}

/// The step that removes a component of ours.
pub(super) fn removal(component: &Component) -> Step {
    let (action, disruption, detail) = match (component.on_destroy, component.kind) {
        (OnDestroy::Retain, _) => (Action::Retain, Disruption::None, ""),
        (OnDestroy::Purge, _) => (Action::Delete, Disruption::DataLoss, "with everything in it"),
        (OnDestroy::Refuse, _) => (
            Action::Delete,
            Disruption::None,
            "refused while it holds anything",
        ),
        (OnDestroy::Delete, Kind::AwsLogGroup) => (Action::Delete, Disruption::DataLoss, ""),
        (OnDestroy::Delete, Kind::GcpLogBucket) => (
            Action::Delete,
            Disruption::DataLoss,
            "can be brought back for 7 days",
        ),
        (OnDestroy::Delete, Kind::GcpSecret) => (Action::Delete, Disruption::DataLoss, "with its versions"),
        (OnDestroy::Delete, Kind::AwsKey) => (Action::Delete, Disruption::None, "after its deletion window"),
        (OnDestroy::Delete, Kind::AwsSecret) => {
            (Action::Delete, Disruption::None, "after its recovery window")
        }
        (OnDestroy::Delete, Kind::AwsCluster | Kind::AwsNodePool | Kind::GcpCluster | Kind::GcpNodePool) => {
            (Action::Delete, Disruption::Restart, "")
        }
        (OnDestroy::Delete, _) => (Action::Delete, Disruption::None, ""),
    };
    step(component, action, disruption, detail)
}

pub(super) fn step(component: &Component, action: Action, disruption: Disruption, detail: &str) -> Step {
    Step {
        address: component.address.clone(),
        kind: component.kind,
        action,
        disruption,
        detail: detail.to_owned(),
    }
}
