//! The claim: an environment's record of itself in the cloud, so that nothing depends on Terraform's state alone.
//!
//! It answers three questions that a state file cannot: whose is what stands there, did an earlier apply get cut off,
//! and did somebody else apply meanwhile. Written by compare-and-swap, so two who ask at once get two answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::component::Component;

/// Phase of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// First apply under way, or cut off.
    Creating,
    /// Complete.
    Ready,
    /// An apply ended early; the next one goes on.
    Incomplete,
    /// Released by the delete leg of a taint replacement; the create leg goes on.
    Resumable,
    /// Destroy under way, or cut off.
    Deleting,
}

/// The record, stored as JSON at `mlops/<name>/claim.json` in the logs bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The environment's id.
    pub id: String,
    /// Random; in every ownership mark.
    pub uid: String,
    /// Who claims it.
    pub owner: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// Counts completed applies.
    pub generation: u64,
    /// Version of the provider that wrote it.
    pub provider_version: String,
    /// RFC 3339.
    pub updated_at: String,
    /// What the first apply is about to make, recorded before its first write: whoever goes on after it was cut off, with
    /// whatever configuration, knows what may stand. Every wish for a component is kept.
    pub intents: Vec<Component>,
    /// Who is at work right now; none between applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The settings in force, as the state holds them: with them an environment can be read without its state. None: an
    /// older provider wrote the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// Where the last apply came from. None: it could not tell, or an older provider wrote the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Where an apply keeps its state, and what ran it.
///
/// An apply writes its claim before Terraform saves its state. Cut off between the two it leaves a claim that is newer than the state,
/// just as an apply from another state does: by this the next one tells its own from the others'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The address of the state; only ever compared.
    pub state: String,
    /// The process that applied, where the system tells processes apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// A sign of life of whoever is at work on an environment.
///
/// Its holder renews it from time to time. Whoever finds one watches it for longer than that: if it changes, somebody is
/// at work; if not, its holder is gone. So no two clocks are ever compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Random; one per apply.
    pub holder: String,
    /// Where the holder runs: spares the watching where it can be asked for. None: it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Counts the renewals.
    pub renewals: u64,
}

/// A process on a machine, told apart from every other for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Names a boot of a machine and a space of process numbers there; only ever compared.
    pub place: String,
    /// Its number.
    pub number: u32,
    /// When it started, in the machine's own count.
    pub started: u64,
}

/// Who wants to do something to an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// The environment's id.
    pub id: String,
    /// As configured, or as in the state; none: nobody was named.
    pub owner: Option<String>,
    /// As in the state; none on create.
    pub uid: Option<String>,
    /// As in the state; none on create.
    pub generation: Option<u64>,
    /// The address of its state; none where it cannot be told, or where the process that the claim names still runs and may save its
    /// state yet.
    pub state: Option<String>,
}

impl Claimant {
    /// Whether an apply of this very state wrote the claim: then whatever is newer in it, the state was never told.
    fn left(&self, claim: &Claim) -> bool {
        let origin = claim.origin.as_ref().map(|origin| &origin.state);
        self.state.is_some() && origin == self.state.as_ref()
    }
}

/// What a claim allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// There is none: write this one, if still none is there.
    Fresh,
    /// It is ours and unfinished: go on with it.
    Resume(Claim),
    /// It is ours and complete: change it.
    Continue(Claim),
    /// It is ours and half deleted: finish that.
    FinishDeletion(Claim),
    /// It is newer than the one we know: let go of ours, touch nothing.
    Release,
}

/// Why a claim stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Create of what is complete.
    #[error(
        "environment {id} exists already (owner {owner}, {generation} applies, last at {updated_at}). Bring it under this \
         state with `terraform import <address> {id}`, or choose another name."
    )]
    Exists {
        /// Id.
        id: String,
        /// Its owner.
        owner: String,
        /// Completed applies.
        generation: u64,
        /// Last write.
        updated_at: String,
    },
    /// Somebody else's.
    #[error(
        "environment {id} is claimed by {owner} ({phase:?} since {updated_at}). Nothing was touched. If it was left behind and \
         is yours now, set owner = {owner:?}; else choose another name."
    )]
    OtherOwner {
        /// Id.
        id: String,
        /// Its owner.
        owner: String,
        /// Its phase.
        phase: Phase,
        /// Last write.
        updated_at: String,
    },
    /// Somebody applied since our refresh.
    #[error(
        "environment {id} was changed by {owner} at {updated_at}, after this plan was made (generation {found}, planned on \
         {known}). Nothing was touched. Plan again."
    )]
    Changed {
        /// Id.
        id: String,
        /// Who.
        owner: String,
        /// When.
        updated_at: String,
        /// Generation there.
        found: u64,
        /// Generation planned on.
        known: u64,
    },
    /// Another environment of the same id: deleted and made again.
    #[error(
        "environment {id} is not the one in this state: it was destroyed and made again by {owner} at {updated_at}. Nothing was \
         touched. Remove it from this state with `terraform state rm`, and import it if it is yours."
    )]
    OtherIncarnation {
        /// Id.
        id: String,
        /// Who.
        owner: String,
        /// When.
        updated_at: String,
    },
    /// The claim at our place says that it belongs elsewhere.
    #[error("the claim found is that of environment {found}, not of {id}. Nothing was touched.")]
    OtherId {
        /// Id asked for.
        id: String,
        /// Id found.
        found: String,
    },
    /// Somebody is at work on it now.
    #[error(
        "environment {id} is being changed by {owner} at this moment (last sign of life at {updated_at}). Nothing was touched. \
         Wait until they are done, then plan again."
    )]
    Busy {
        /// Id.
        id: String,
        /// Who.
        owner: String,
        /// Last sign.
        updated_at: String,
    },
    /// It is being deleted: update makes no sense.
    #[error(
        "environment {id} is half deleted since {updated_at}. Run `terraform destroy` to finish that, then apply again."
    )]
    HalfDeleted {
        /// Id.
        id: String,
        /// Last write.
        updated_at: String,
    },
}

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// No prior state.
    Create,
    /// With prior state.
    Update,
    /// With prior state, to nothing.
    Destroy,
}

/// Whether an operation may go on, given the claim that was found.
///
/// # Errors
/// [`Conflict`]: nothing may be touched, and why.
pub fn admit(
    found: Option<&Claim>,
    claimant: &Claimant,
    operation: Operation,
) -> Result<Admission, Conflict> {
    let Some(claim) = found else {
        return Ok(Admission::Fresh);
    };
    if claim.id != claimant.id {
        return Err(Conflict::OtherId {
            id: claimant.id.clone(),
            found: claim.id.clone(),
        });
    }
    match operation {
        Operation::Create => admit_create(claim, claimant),
        Operation::Update | Operation::Destroy => admit_known(claim, claimant, operation),
    }
}

fn admit_create(claim: &Claim, claimant: &Claimant) -> Result<Admission, Conflict> {
    let other_owner = || Conflict::OtherOwner {
        id: claim.id.clone(),
        owner: claim.owner.clone(),
        phase: claim.phase,
        updated_at: claim.updated_at.clone(),
    };
    // Nobody is named by default, so a create that was killed before it wrote a state can be taken up by whoever runs
    // the same configuration again.
    let same_owner = claimant.owner.as_ref().is_none_or(|owner| *owner == claim.owner);
    match claim.phase {
        // Made whole, and killed before the state knew: the create begins anew, and finds everything there.
        Phase::Ready if claim.generation == 1 && same_owner && claimant.left(claim) => {
            let claim = claim.clone().counted(0);
            Ok(Admission::Resume(claim))
        }
        Phase::Ready => Err(Conflict::Exists {
            id: claim.id.clone(),
            owner: claim.owner.clone(),
            generation: claim.generation,
            updated_at: claim.updated_at.clone(),
        }),
        _ if !same_owner => Err(other_owner()),
        Phase::Creating | Phase::Resumable => Ok(Admission::Resume(claim.clone())),
        // Complete once, and in somebody's state: taking it up here would give it two.
        Phase::Incomplete if claim.generation > 0 => Err(Conflict::Exists {
            id: claim.id.clone(),
            owner: claim.owner.clone(),
            generation: claim.generation,
            updated_at: claim.updated_at.clone(),
        }),
        Phase::Incomplete => Ok(Admission::Resume(claim.clone())),
        Phase::Deleting => Ok(Admission::FinishDeletion(claim.clone())),
    }
}

fn admit_known(claim: &Claim, claimant: &Claimant, operation: Operation) -> Result<Admission, Conflict> {
    if claimant.uid.as_ref().is_some_and(|uid| *uid != claim.uid) {
        // A deposed object of an earlier life must not take the later one with it.
        if operation == Operation::Destroy {
            return Ok(Admission::Release);
        }
        return Err(Conflict::OtherIncarnation {
            id: claim.id.clone(),
            owner: claim.owner.clone(),
            updated_at: claim.updated_at.clone(),
        });
    }
    let known = claimant.generation.unwrap_or(claim.generation);
    if claim.generation > known && !claimant.left(claim) {
        if operation == Operation::Destroy {
            return Ok(Admission::Release);
        }
        return Err(Conflict::Changed {
            id: claim.id.clone(),
            owner: claim.owner.clone(),
            updated_at: claim.updated_at.clone(),
            found: claim.generation,
            known,
        });
    }
    match (claim.phase, operation) {
        (Phase::Deleting, Operation::Destroy) => Ok(Admission::FinishDeletion(claim.clone())),
        (Phase::Deleting, _) => Err(Conflict::HalfDeleted {
            id: claim.id.clone(),
            updated_at: claim.updated_at.clone(),
        }),
        (Phase::Ready, _) => Ok(Admission::Continue(claim.clone())),
        (Phase::Creating | Phase::Incomplete | Phase::Resumable, _) => Ok(Admission::Resume(claim.clone())),
    }
}

impl Claim {
    /// A first claim.
    pub fn new(id: &str, uid: &str, owner: &str, provider_version: &str, now: Timestamp) -> Self {
        Self {
            id: id.to_owned(),
            uid: uid.to_owned(),
            owner: owner.to_owned(),
            phase: Phase::Creating,
            generation: 0,
            provider_version: provider_version.to_owned(),
            updated_at: now.to_string(),
            intents: Vec::new(),
            lease: None,
            settings: None,
            origin: None,
        }
    }

    /// After so many completed applies, where it has to be written anew.
    #[must_use]
    pub fn counted(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// With the settings that it is applied with.
    #[must_use]
    pub fn with(self, settings: serde_json::Value) -> Self {
        Self {
            settings: Some(settings),
            ..self
        }
    }

    /// Applied from there.
    #[must_use]
    pub fn applied_from(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// An apply begins: a first one stays `CREATING`, a later one is `INCOMPLETE` until it is through.
    #[must_use]
    pub fn begun(self, owner: Option<&str>, provider_version: &str, now: Timestamp) -> Self {
        let phase = if self.generation == 0 {
            Phase::Creating
        } else {
            Phase::Incomplete
        };
        let owner = owner.map_or(self.owner.clone(), str::to_owned);
        Self {
            owner,
            provider_version: provider_version.to_owned(),
            ..self.moved(phase, now)
        }
    }

    /// An apply is through.
    #[must_use]
    pub fn completed(self, now: Timestamp) -> Self {
        let generation = self.generation + 1;
        Self {
            generation,
            intents: Vec::new(),
            ..self.moved(Phase::Ready, now)
        }
    }

    /// An apply ended early, in an orderly way. What was about to be made stays on record.
    #[must_use]
    pub fn interrupted(self, now: Timestamp) -> Self {
        self.moved(Phase::Incomplete, now)
    }

    /// The delete leg of a taint replacement lets go of it; the create leg goes on.
    #[must_use]
    pub fn released(self, now: Timestamp) -> Self {
        self.moved(Phase::Resumable, now)
    }

    /// A destroy begins.
    #[must_use]
    pub fn deleting(self, now: Timestamp) -> Self {
        self.moved(Phase::Deleting, now)
    }

    /// From now on `lease` is at work.
    #[must_use]
    pub fn held(self, lease: Lease) -> Self {
        Self {
            lease: Some(lease),
            ..self
        }
    }

    /// The holder of its lease is alive.
    #[must_use]
    pub fn renewed(mut self, now: Timestamp) -> Self {
        if let Some(lease) = &mut self.lease {
            lease.renewals += 1;
        }
        self.updated_at = now.to_string();
        self
    }

    /// Another phase; whoever held the lease is done with it, or has yet to take it.
    fn moved(self, phase: Phase, now: Timestamp) -> Self {
        Self {
            phase,
            updated_at: now.to_string(),
            lease: None,
            ..self
        }
    }

    /// Records what is about to be made. Once per wish.
    pub fn intend(&mut self, component: &Component) {
        if !self.intents.contains(component) {
            self.intents.push(component.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::{Address, Kind, Management, OnDestroy, Outputs, Properties};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn claim(phase: Phase, generation: u64) -> Claim {
        let claim = Claim::new("aws/111122223333/eu-west-1/shop", "u1", "platform", "0.1.0", NOW);
        Claim {
            phase,
            generation,
            ..claim
        }
    }

    fn by(owner: Option<&str>, uid: Option<&str>, generation: Option<u64>) -> Claimant {
        Claimant {
            id: "aws/111122223333/eu-west-1/shop".to_owned(),
            owner: owner.map(str::to_owned),
            uid: uid.map(str::to_owned),
            generation,
            state: None,
        }
    }

    /// A claim that an apply of a state wrote, and whoever comes from one.
    fn of_states(generation: u64, written: &str, asking: &str, known: Option<u64>) -> (Claim, Claimant) {
        let origin = Origin {
            state: written.to_owned(),
            process: None,
        };
        let claimant = Claimant {
            state: Some(asking.to_owned()),
            ..by(None, known.map(|_| "u1"), known)
        };
        (
            claim(Phase::Ready, generation).applied_from(Some(origin)),
            claimant,
        )
    }

    #[test]
    fn what_the_same_state_made_before_it_could_be_saved_is_taken_up() {
        let (claim, same) = of_states(1, "s3 a/b", "s3 a/b", None);
        let Ok(Admission::Resume(again)) = admit(Some(&claim), &same, Operation::Create) else {
            panic!("our own");
        };
        assert_eq!(again.generation, 0, "the create begins anew");
        assert_eq!(again.uid, claim.uid);
    }

    #[test]
    fn what_another_state_made_or_somebody_since_changed_is_not() {
        let exists = |(claim, claimant): (Claim, Claimant)| {
            matches!(
                admit(Some(&claim), &claimant, Operation::Create),
                Err(Conflict::Exists { .. })
            )
        };
        assert!(exists(of_states(1, "s3 a/b", "s3 a/c", None)));
        assert!(exists(of_states(2, "s3 a/b", "s3 a/b", None)));
        let (claim, mut nowhere) = of_states(1, "s3 a/b", "s3 a/b", None);
        nowhere.state = None;
        assert!(exists((claim, nowhere)));
    }

    #[test]
    fn an_apply_whose_state_was_not_saved_is_no_other_apply() {
        let (claim, same) = of_states(2, "s3 a/b", "s3 a/b", Some(1));
        for operation in [Operation::Update, Operation::Destroy] {
            assert_eq!(
                admit(Some(&claim), &same, operation),
                Ok(Admission::Continue(claim.clone()))
            );
        }
        let (claim, other) = of_states(2, "s3 a/b", "s3 a/c", Some(1));
        assert!(matches!(
            admit(Some(&claim), &other, Operation::Update),
            Err(Conflict::Changed { .. })
        ));
        assert_eq!(
            admit(Some(&claim), &other, Operation::Destroy),
            Ok(Admission::Release)
        );
    }

    fn create(phase: Phase, generation: u64, owner: Option<&str>) -> Result<Admission, Conflict> {
        admit(
            Some(&claim(phase, generation)),
            &by(owner, None, None),
            Operation::Create,
        )
    }

    #[test]
    fn nothing_there_is_free_to_claim() {
        assert_eq!(
            admit(None, &by(None, None, None), Operation::Create),
            Ok(Admission::Fresh)
        );
    }

    #[test]
    fn a_complete_environment_is_not_created_again() {
        let error = create(Phase::Ready, 3, Some("platform")).expect_err("exists");
        assert!(
            error
                .to_string()
                .contains("terraform import <address> aws/111122223333/eu-west-1/shop"),
            "{error}"
        );
        assert!(matches!(
            create(Phase::Incomplete, 2, None),
            Err(Conflict::Exists { .. })
        ));
    }

    #[test]
    fn a_create_that_was_cut_off_is_resumed_by_its_owner_only() {
        for phase in [Phase::Creating, Phase::Resumable, Phase::Incomplete] {
            assert!(matches!(
                create(phase, 0, Some("platform")),
                Ok(Admission::Resume(_))
            ));
            assert!(matches!(create(phase, 0, None), Ok(Admission::Resume(_))));
            let error = create(phase, 0, Some("somebody")).expect_err("another owner");
            assert!(error.to_string().contains("claimed by platform"), "{error}");
        }
    }

    #[test]
    fn a_released_claim_is_resumed_even_after_several_applies() {
        assert!(matches!(
            create(Phase::Resumable, 2, None),
            Ok(Admission::Resume(_))
        ));
    }

    #[test]
    fn a_half_deleted_environment_is_deleted_first() {
        assert!(matches!(
            create(Phase::Deleting, 1, None),
            Ok(Admission::FinishDeletion(_))
        ));
        let update = admit(
            Some(&claim(Phase::Deleting, 1)),
            &by(None, Some("u1"), Some(1)),
            Operation::Update,
        );
        assert!(matches!(update, Err(Conflict::HalfDeleted { .. })));
        let destroy = admit(
            Some(&claim(Phase::Deleting, 1)),
            &by(None, Some("u1"), Some(1)),
            Operation::Destroy,
        );
        assert!(matches!(destroy, Ok(Admission::FinishDeletion(_))));
    }

    #[test]
    fn a_plan_made_before_somebody_else_applied_is_refused() {
        let error = admit(
            Some(&claim(Phase::Ready, 5)),
            &by(None, Some("u1"), Some(4)),
            Operation::Update,
        );
        let error = error.expect_err("changed").to_string();
        assert!(
            error.contains("changed by platform") && error.contains("Plan again"),
            "{error}"
        );
    }

    #[test]
    fn an_old_object_only_lets_go_of_a_later_life() {
        let later = claim(Phase::Ready, 1);
        assert_eq!(
            admit(Some(&later), &by(None, Some("u0"), Some(9)), Operation::Destroy),
            Ok(Admission::Release)
        );
        assert_eq!(
            admit(Some(&later), &by(None, Some("u1"), Some(0)), Operation::Destroy),
            Ok(Admission::Release)
        );
        let update = admit(Some(&later), &by(None, Some("u0"), Some(1)), Operation::Update);
        assert!(matches!(update, Err(Conflict::OtherIncarnation { .. })));
    }

    #[test]
    fn another_environments_claim_is_not_ours() {
        let mut other = claim(Phase::Creating, 0);
        other.id = "aws/111122223333/eu-west-1/other".to_owned();
        let result = admit(Some(&other), &by(None, None, None), Operation::Create);
        assert!(matches!(result, Err(Conflict::OtherId { .. })));
    }

    #[test]
    fn a_life_from_first_claim_to_deletion() {
        let component = Component {
            address: Address::new(&["cluster"]),
            kind: Kind::AwsCluster,
            management: Management::Create,
            on_destroy: OnDestroy::Delete,
            id: None,
            properties: Properties::from([("name".to_owned(), "shop".into())]),
            outputs: Outputs::new(),
            after: std::collections::BTreeSet::new(),
        };
        let mut first = claim(Phase::Creating, 0);
        first.intend(&component);
        first.intend(&component);
        assert_eq!(first.intents.len(), 1);
        let cut = first.clone().interrupted(NOW);
        assert_eq!((cut.phase, cut.intents.len()), (Phase::Incomplete, 1));
        let again = cut.begun(None, "0.2.0", NOW);
        assert_eq!(
            (again.phase, again.provider_version.as_str()),
            (Phase::Creating, "0.2.0")
        );
        let ready = first.completed(NOW);
        assert_eq!(
            (ready.phase, ready.generation, ready.intents.len()),
            (Phase::Ready, 1, 0)
        );
        assert_eq!(
            ready.clone().begun(Some("new owner"), "0.2.0", NOW).phase,
            Phase::Incomplete
        );
        assert_eq!(ready.clone().released(NOW).phase, Phase::Resumable);
        assert_eq!(ready.deleting(NOW).phase, Phase::Deleting);
    }

    #[test]
    fn a_lease_lives_as_long_as_the_work() {
        let lease = Lease {
            holder: "a".to_owned(),
            process: None,
            renewals: 0,
        };
        let held = claim(Phase::Ready, 1).begun(None, "0.1.0", NOW).held(lease);
        let renewed = held.clone().renewed(NOW);
        assert_ne!(held.lease, renewed.lease, "a renewal can be seen");
        assert_eq!(renewed.clone().completed(NOW).lease, None);
        assert_eq!(renewed.clone().interrupted(NOW).lease, None);
        assert_eq!(renewed.released(NOW).lease, None);
    }

    #[test]
    fn a_claim_of_an_older_provider_has_no_lease() {
        let text = serde_json::to_string(&claim(Phase::Ready, 1)).expect("json");
        assert!(!text.contains("lease"), "{text}");
        let read: Claim = serde_json::from_str(&text).expect("json");
        assert_eq!(read.lease, None);
    }

    #[test]
    fn a_claim_of_an_older_provider_has_no_settings_and_a_newer_one_keeps_them() {
        let text = serde_json::to_string(&claim(Phase::Ready, 1)).expect("json");
        assert!(!text.contains("settings"), "{text}");
        let with = claim(Phase::Creating, 0).with(serde_json::json!({ "tier": "dev" }));
        let through = with
            .clone()
            .interrupted(NOW)
            .begun(None, "0.2.0", NOW)
            .completed(NOW);
        assert_eq!(through.settings, with.settings);
    }

    #[test]
    fn the_stored_form_is_stable() {
        let text = serde_json::to_string(&claim(Phase::Ready, 1)).expect("json");
        assert!(text.contains(r#""phase":"READY""#), "{text}");
    }
}
