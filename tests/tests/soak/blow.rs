//! What strikes an apply, and what must be true after the next one.

use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use mlops_e2e::terraform::Ran;
use mlops_sandbox::fault::{Effect, Fault};

use crate::damage::Damage;
use crate::ground::{Ground, LOCK, Moment, On, Standing, Story as _, Watched as _};

/// Which part of an environment's life is struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Create,
    Update,
    Destroy,
}

/// What happens at one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// The cloud refuses it for good.
    Refused,
    /// It takes effect and its answer is lost.
    AnswerLost,
    /// It takes effect and the provider is killed.
    ProviderKilled,
    /// It takes effect and Terraform and the provider are killed.
    BothKilled,
}

/// One blow at one write, counted from 1. Prints as `aws/create/both-killed/17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub(crate) on: On,
    pub(crate) life: Life,
    pub(crate) blow: Blow,
    pub(crate) number: u64,
}

impl Life {
    pub(crate) const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Destroy];
}

impl Blow {
    pub(crate) const ALL: [Self; 4] = [
        Self::Refused,
        Self::AnswerLost,
        Self::ProviderKilled,
        Self::BothKilled,
    ];
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Destroy => "destroy",
        })
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refused => "refused",
            Self::AnswerLost => "answer-lost",
            Self::ProviderKilled => "provider-killed",
            Self::BothKilled => "both-killed",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.on, self.life, self.blow, self.number)
    }
}

/// A run without any blow, to compare with.
pub(crate) struct Reference {
    writes: [u64; 3],
    /// After create, update and destroy.
    after: [Standing; 3],
}

impl Reference {
    pub(crate) fn writes(&self, life: Life) -> u64 {
        self.writes[life as usize]
    }

    /// Whether an object of this name is the same before and after the update: some are built anew beside the old one.
    fn stays(&self, name: &str) -> bool {
        let of = |life| self.after(life).objects.get(name);
        of(Life::Create).is_some() && of(Life::Create) == of(Life::Update)
    }

    pub(crate) fn after(&self, life: Life) -> &Standing {
        &self.after[life as usize]
    }
}

/// A cloud with a workspace, and the two moments that blows begin at: case after case is put back to one of them.
struct Stage {
    ground: Ground,
    empty: (Moment, Standing),
    ready: (Moment, Standing),
}

/// Stages that nobody uses at the moment, by cloud.
static STAGES: [Mutex<Vec<Stage>>; 2] = [const { Mutex::new(Vec::new()) }; 2];

impl Stage {
    /// One that is free, or another one.
    fn take(on: On) -> Result<Self, Damage> {
        let free = Self::free(on).pop();
        free.map_or_else(|| Self::set(on), Ok)
    }

    fn set(on: On) -> Result<Self, Damage> {
        let ground = Ground::new(on, "a blow").ok_or_else(|| Damage::other("terraform went missing"))?;
        let empty = (ground.moment(), ground.standing());
        ground.configure(on.first());
        succeeds("the first apply", &ground.apply())?;
        let ready = (ground.moment(), ground.standing());
        Ok(Self { ground, empty, ready })
    }

    /// Gives it to whoever is next.
    fn leave(self) {
        Self::free(self.ground.on).push(self);
    }

    fn free(on: On) -> std::sync::MutexGuard<'static, Vec<Self>> {
        STAGES[on as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts everything back to where this part of a life begins, and tells what stands then.
    fn begin(&self, life: Life) -> &Standing {
        let (moment, standing) = match life {
            Life::Create => &self.empty,
            Life::Update | Life::Destroy => &self.ready,
        };
        self.ground.back_to(moment);
        match life {
            Life::Create | Life::Destroy => self.ground.configure(self.ground.on.first()),
            Life::Update => self.ground.configure(&self.ground.on.changed()),
        }
        standing
    }
}

/// The reference of a cloud, made once.
pub(crate) fn reference(on: On) -> &'static Reference {
    static REFERENCES: [OnceLock<Reference>; 2] = [OnceLock::new(), OnceLock::new()];
    REFERENCES[on as usize].get_or_init(|| {
        let stage = Stage::set(on).unwrap_or_else(|damage| panic!("{damage}"));
        let ground = &stage.ground;
        let created = ground.writes();
        ground.configure(&on.changed());
        ground.apply().expect(0);
        let (updated, changed) = (ground.writes(), ground.standing());
        ground.plan().expect(0);
        ground.destroy().expect(0);
        let (destroyed, gone) = (ground.writes(), ground.standing());
        let made = stage.ready.1.clone();
        stage.leave();
        Reference {
            writes: [created, updated - created, destroyed - updated],
            after: [made, changed, gone],
        }
    })
}

/// A refusal that no retry mends.
pub(crate) fn refusal(on: On) -> Fault {
    let (status, code) = match on {
        On::Aws => (400, "AccessDeniedException"),
        On::Gcp => (403, "PERMISSION_DENIED"),
    };
    Fault::new(Effect::Refused {
        status,
        code: code.to_owned(),
        message: "refused by the test".to_owned(),
        retry_after: None,
    })
    .writes()
}

/// Lets one write of one part of a life be struck, and applies once more.
///
/// # Errors
/// What was lost, doubled or left, or what else went wrong.
pub(crate) fn strike(case: &Case) -> Result<(), Damage> {
    let stage = Stage::take(case.on)?;
    let result = struck(&stage, case);
    stage.leave();
    result
}

fn struck(stage: &Stage, case: &Case) -> Result<(), Damage> {
    let &Case {
        on,
        life,
        blow,
        number,
    } = case;
    let reference = reference(on);
    let (ground, before) = (&stage.ground, stage.begin(life));
    let command: &[&str] = match life {
        Life::Create | Life::Update => &["apply", "-auto-approve"],
        Life::Destroy => &["destroy", "-auto-approve"],
    };
    let sandbox = ground.sandbox();
    sandbox.fault(match blow {
        Blow::Refused => refusal(on).nth(number, 1),
        Blow::AnswerLost => Fault::new(Effect::ResetAfter).writes().nth(number, 1),
        Blow::ProviderKilled | Blow::BothKilled => Fault::new(Effect::HoldAfter).writes().nth(number, 1),
    });
    match blow {
        Blow::Refused | Blow::AnswerLost => {
            let struck = ground.workspace.terraform(command);
            // Terraform breaks lines where it likes.
            let told = struck.text().split_whitespace().collect::<Vec<_>>().join(" ");
            if blow == Blow::Refused && struck.code != 0 && !told.contains("refused by the test") {
                let said = struck.reasons();
                return Err(Damage::other(format!("the cloud's reason is not told: {said}")));
            }
        }
        Blow::ProviderKilled | Blow::BothKilled => {
            let mut working = ground.start(command);
            if !sandbox.wait_held(Duration::from_secs(60)) {
                // Concurrency makes one write more or less: then there was nothing to strike.
                return if working.ends_within(Duration::from_secs(60)) {
                    succeeds("an apply that was not struck", &working.wait())
                } else {
                    Err(Damage::other("neither struck nor ended"))
                };
            }
            if blow == Blow::BothKilled {
                working.kill_both();
            } else {
                working.kill_provider();
            }
            sandbox.drop_held();
            let ran = working.wait();
            // The very last write is made when Terraform has the answer.
            let answered = number + 1 >= reference.writes(life);
            if blow == Blow::ProviderKilled && ran.code == 0 && !answered {
                return Err(Damage::other(
                    "terraform said success although its provider was killed",
                ));
            }
        }
    }
    sandbox.heal();
    // Terraform that was killed leaves its lock on a local state behind.
    let _ = std::fs::remove_file(ground.workspace.path(LOCK));
    let left = ground.standing();
    sandbox.forget_calls();
    succeeds("the next apply", &ground.workspace.terraform(command))?;

    let now = ground.standing();
    let mut damage = Damage::between(reference.after(life), &now);
    match life {
        Life::Create => {
            damage.gone(&left, &now, |name| {
                reference.after(life).objects.contains_key(name)
            });
            let deleted = ground.deletions();
            if !deleted.is_empty() {
                damage.wrong(format!("to go on it deleted: {deleted:?}"));
            }
        }
        Life::Update => damage.gone(before, &now, |name| reference.stays(name)),
        Life::Destroy if !ground.state_is_empty() => damage.wrong("something is still in the state"),
        Life::Destroy => {}
    }
    if life != Life::Destroy {
        let plan = ground.plan();
        if plan.code != 0 {
            damage.wrong(format!("the plan after it is not empty:\n{}", plan.text()));
        }
        let phase = ground.phase();
        if phase != "READY" {
            damage.wrong(format!("phase is {phase}"));
        }
    }
    damage.or_none()
}

fn succeeds(what: &str, ran: &Ran) -> Result<(), Damage> {
    if ran.code == 0 {
        Ok(())
    } else {
        Err(Damage::other(format!("{what} failed: {}", ran.reasons())))
    }
}
