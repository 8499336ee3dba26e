//! What strikes an apply, and what must be true after the next one.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use mlops_e2e::terraform::Ran;
use mlops_sandbox::fault::{Effect, Fault};

use crate::ground::{CHANGED, FIRST, Ground, Standing};

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
            Self::AnswerLost => "answer lost",
            Self::ProviderKilled => "provider killed",
            Self::BothKilled => "both killed",
        })
    }
}

/// A run without any blow, to compare with.
pub(crate) struct Reference {
    writes: [u64; 3],
    pub(crate) standing: Standing,
    changed: Standing,
    gone: Standing,
}

impl Reference {
    pub(crate) fn writes(&self, life: Life) -> u64 {
        self.writes[life as usize]
    }
}

/// The reference, made once.
pub(crate) fn reference() -> &'static Reference {
    static REFERENCE: OnceLock<Reference> = OnceLock::new();
    REFERENCE.get_or_init(|| {
        let ground = Ground::new("the reference").expect("terraform is there");
        ground.configure(FIRST);
        ground.apply().expect(0);
        let (created, standing) = (ground.writes(), ground.marked());
        ground.configure(CHANGED);
        ground.apply().expect(0);
        let (updated, changed) = (ground.writes(), ground.marked());
        ground.plan().expect(0);
        ground
            .workspace
            .terraform(&["destroy", "-auto-approve"])
            .expect(0);
        let destroyed = ground.writes();
        Reference {
            writes: [created, updated - created, destroyed - updated],
            standing,
            changed,
            gone: ground.marked(),
        }
    })
}

/// A refusal that no retry mends.
pub(crate) fn refusal() -> Fault {
    Fault::new(Effect::Refused {
        status: 400,
        code: "AccessDeniedException".to_owned(),
        message: "refused by the test".to_owned(),
        retry_after: None,
    })
    .writes()
}

/// Lets one write of one part of a life be struck, and applies once more.
///
/// # Errors
/// What was lost, doubled or left, in words.
pub(crate) fn strike(reference: &Reference, life: Life, blow: Blow, number: u64) -> Result<(), String> {
    let ground = Ground::new("a blow").ok_or("terraform went missing")?;
    ground.configure(FIRST);
    let command: &[&str] = match life {
        Life::Create => &["apply", "-auto-approve"],
        Life::Update => {
            succeeds("the first apply", &ground.apply())?;
            ground.configure(CHANGED);
            &["apply", "-auto-approve"]
        }
        Life::Destroy => {
            succeeds("the first apply", &ground.apply())?;
            &["destroy", "-auto-approve"]
        }
    };
    let sandbox = ground.sandbox();
    let before = ground.marked();
    sandbox.fault(match blow {
        Blow::Refused => refusal().nth(number, 1),
        Blow::AnswerLost => Fault::new(Effect::ResetAfter).writes().nth(number, 1),
        Blow::ProviderKilled | Blow::BothKilled => Fault::new(Effect::HoldAfter).writes().nth(number, 1),
    });
    let struck = match blow {
        Blow::Refused | Blow::AnswerLost => Some(ground.workspace.terraform(command)),
        Blow::ProviderKilled | Blow::BothKilled => {
            let mut working = ground.start(command);
            if !sandbox.wait_held(Duration::from_secs(60)) {
                // Concurrency makes one write more or less: then there was nothing to strike.
                return if working.ends_within(Duration::from_secs(60)) {
                    succeeds("an apply that was not struck", &working.wait())
                } else {
                    Err("neither struck nor ended".to_owned())
                };
            }
            if blow == Blow::BothKilled {
                working.kill_both();
            } else {
                working.kill_provider();
            }
            sandbox.drop_held();
            let ran = working.wait();
            (blow == Blow::ProviderKilled).then_some(ran)
        }
    };
    sandbox.heal();
    if let Some(struck) = struck
        && blow == Blow::ProviderKilled
        && struck.code == 0
    {
        return Err("terraform said success although its provider was killed".to_owned());
    }
    // Terraform that was killed leaves its lock on a local state behind.
    let _ = std::fs::remove_file(ground.workspace.path(".terraform.tfstate.lock.info"));
    let standing = ground.marked();
    sandbox.forget_calls();
    succeeds("the next apply", &ground.workspace.terraform(command))?;
    match life {
        Life::Create => {
            lost(&standing, &ground.marked())?;
            let deleted: Vec<String> = sandbox
                .calls()
                .into_keys()
                .filter(|call| call.contains(":Delete") || call.contains(":Schedule"))
                .collect();
            if !deleted.is_empty() {
                return Err(format!("to go on it deleted: {deleted:?}"));
            }
            same(&reference.standing, &ground.marked())?;
        }
        Life::Update => {
            lost(
                &before
                    .into_iter()
                    .filter(|(name, _)| reference.changed.contains_key(name))
                    .collect(),
                &ground.marked(),
            )?;
            same(&reference.changed, &ground.marked())?;
        }
        Life::Destroy => {
            same(&reference.gone, &ground.marked())?;
            return if ground.state_is_empty() {
                Ok(())
            } else {
                Err("something is still in the state".to_owned())
            };
        }
    }
    let plan = ground.plan();
    if plan.code != 0 {
        return Err(format!("the plan after it is not empty:\n{}", plan.text()));
    }
    let environment = ground.workspace.resource("mlops_environment.this");
    if environment["phase"] != "READY" {
        return Err(format!("phase is {}", environment["phase"]));
    }
    Ok(())
}

fn succeeds(what: &str, ran: &Ran) -> Result<(), String> {
    if ran.code == 0 {
        Ok(())
    } else {
        Err(format!("{what} failed:\n{}", ran.text()))
    }
}

/// What stood before is still there.
fn lost(before: &Standing, after: &Standing) -> Result<(), String> {
    let lost: Vec<&String> = before.keys().filter(|name| !after.contains_key(*name)).collect();
    if lost.is_empty() {
        Ok(())
    } else {
        Err(format!("lost: {lost:?}"))
    }
}

/// One of everything, as in a run without a blow.
fn same(wanted: &Standing, found: &Standing) -> Result<(), String> {
    let mut wrong = Vec::new();
    for name in wanted.keys().chain(found.keys()) {
        let (wanted, found) = (
            wanted.get(name).copied().unwrap_or(0),
            found.get(name).copied().unwrap_or(0),
        );
        if wanted != found {
            wrong.push(format!("{name}: {found} instead of {wanted}"));
        }
    }
    wrong.dedup();
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}
