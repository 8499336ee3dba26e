//! From inputs to one outcome: reads plans, finds sources and evidence, judges, applies configuration, waivers and baseline.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::backend::{Backend, Evidence};
use crate::baseline::{Baseline, fingerprint};
use crate::config::Config;
use crate::context::Context;
use crate::finding::{Family, Finding, Level, Verdict};
use crate::judge;
use crate::picture::Picture;
use crate::plan::input::{self, Input, InputError};
use crate::plan::saved::{self, Archive, Rest, SavedPlan};
use crate::plan::{Incomplete, Plan, json};
use crate::rules::{self, Rule};
use crate::source::locate::Span;
use crate::source::{Sources, build};
use crate::waiver;

/// What to check and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Plans: paths, or `-` for standard input.
    pub plans: Vec<PathBuf>,
    /// The saved plan that belongs to a plan JSON.
    pub plan_file: Option<PathBuf>,
    /// Directory of the root module.
    pub root: Option<PathBuf>,
    /// Path of the root module from the repository root.
    pub source_prefix: Option<String>,
    /// The operator's claim.
    pub backend: Option<String>,
    /// Families to judge.
    pub families: Vec<Family>,
    /// Undecided is an error in every family.
    pub strict: bool,
    /// Configuration.
    pub config: Config,
    /// Baseline to compare with.
    pub baseline: Option<Baseline>,
    /// The day it is.
    pub today: Date,
    /// Take the picture of the identities, for reports that show it.
    pub picture: bool,
}

/// Why a run could not begin or end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Nothing is there.
    #[error(
        "cannot read {path}: there is no such file; `terraform plan -out plan.bin` writes a plan, and --help lists the commands"
    )]
    Missing {
        /// Which.
        path: String,
    },
    /// A directory where a plan is wanted.
    #[error(
        "{path} is a directory: give the plan that was made of it (`terraform plan -out plan.bin`, then `tfplan-check plan.bin`), and the directory as --root"
    )]
    Directory {
        /// Which.
        path: String,
    },
    /// An input is no plan.
    #[error("{path}: {error}")]
    Input {
        /// Which.
        path: String,
        /// What it is instead.
        error: InputError,
    },
    /// A remote run's bookmark holds nothing to judge.
    #[error(
        "{path}: this is only a bookmark of run {run} at {host}: the plan itself is kept there; give its JSON (the run's `json-output`, or `terraform show -json`), with this file as --plan-file"
    )]
    Bookmark {
        /// Which.
        path: String,
        /// Host.
        host: String,
        /// Run.
        run: String,
    },
    /// The saved plan is of another plan than the JSON.
    #[error(
        "{json} and {saved} are not the same plan: {difference}; write the JSON again from this saved plan (terraform show -json)"
    )]
    Mismatch {
        /// The JSON.
        json: String,
        /// The saved plan.
        saved: String,
        /// In what they differ.
        difference: String,
    },
    /// The sources cannot be read.
    #[error("{0}")]
    Sources(#[from] crate::source::files::ReadError),
    /// `--plan-file` with several plans, or of the wrong kind.
    #[error("{0}")]
    Usage(String),
}

/// What became of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It counts.
    Reported,
    /// Covered by a waiver: its reason and owner, and the last day.
    Waived {
        /// Why.
        reason: String,
        /// Who answers for it.
        owner: String,
        /// Last day.
        expires: Option<String>,
        /// Which waiver, by its place in the configuration.
        waiver: usize,
    },
    /// In the baseline.
    Known,
}

/// A finding with everything a report needs.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What was found.
    pub finding: Finding,
    /// What became of it.
    pub status: Status,
    /// Its line, when sources are known; the file is relative to the repository (with the prefix).
    pub span: Option<Span>,
    /// Lines of the related places.
    pub related: Vec<Option<Span>>,
    /// Stable over edits.
    pub fingerprint: String,
    /// The resource exists already and the plan leaves it alone (an old fault, not a new one).
    pub existing: bool,
}

/// One plan's part of the outcome.
#[derive(Debug, Default)]
pub struct PlanOutcome {
    /// The path as given.
    pub input: String,
    /// Terraform's version.
    pub terraform_version: Option<String>,
    /// How many live instances were looked at.
    pub resources: usize,
    /// Findings, all statuses, sorted.
    pub findings: Vec<Judged>,
    /// Why the plan does not show everything.
    pub incomplete: Vec<Incomplete>,
    /// Type of the backend and how it is known.
    pub backend: Option<(String, String)>,
    /// There is no evidence about the backend although the family is judged.
    pub no_evidence: bool,
    /// Source files that could not be parsed: path and why.
    pub unparsed: Vec<(String, String)>,
    /// The fingerprint prefix of a root module, for grouping in code scanning.
    pub root: String,
    /// The identities, when they were asked for.
    pub picture: Option<Picture>,
}

/// The outcome of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Per plan, in the order given.
    pub plans: Vec<PlanOutcome>,
    /// Findings about waivers.
    pub waivers: Vec<Judged>,
    /// Path of the configuration, for locations of those.
    pub config_path: Option<PathBuf>,
    /// Codes of rules that are switched off.
    pub disabled: Vec<&'static str>,
    /// How many rules ran.
    pub rules: usize,
    /// Undecided counts as an error.
    pub strict: bool,
    /// Families judged.
    pub families: Vec<Family>,
    /// How many entries of the baseline were not found any more.
    pub resolved: usize,
}

/// Counts over a whole outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Findings by level that count.
    pub errors: usize,
    /// See above.
    pub warnings: usize,
    /// See above.
    pub notes: usize,
    /// Things that could not be decided.
    pub undecided: usize,
    /// Covered by waivers.
    pub waived: usize,
    /// In the baseline.
    pub known: usize,
}

/// The verdict of a run; its code is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunVerdict {
    /// Checked and clean.
    Clean,
    /// Findings at or above the level.
    Findings,
    /// Could not judge.
    Undecided,
    /// Nothing was checked.
    Nothing,
}

impl RunVerdict {
    /// The exit code: 0, 1, 2, 3.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Undecided => 2,
            Self::Nothing => 3,
        }
    }

    /// The word in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Findings => "findings",
            Self::Undecided => "undecided",
            Self::Nothing => "nothing-checked",
        }
    }
}

impl Outcome {
    /// Every finding of every plan, then those about waivers.
    pub fn all(&self) -> impl Iterator<Item = (&Judged, Option<&PlanOutcome>)> {
        self.plans
            .iter()
            .flat_map(|p| p.findings.iter().map(move |f| (f, Some(p))))
            .chain(self.waivers.iter().map(|f| (f, None)))
    }

    /// The counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut c = Counts::default();
        for (j, _) in self.all() {
            match (&j.status, j.finding.verdict, j.finding.level) {
                (Status::Waived { .. }, ..) => c.waived += 1,
                (Status::Known, ..) => c.known += 1,
                (_, Verdict::Undecided, _) => c.undecided += 1,
                (_, _, Level::Error) => c.errors += 1,
                (_, _, Level::Warning) => c.warnings += 1,
                (_, _, Level::Note) => c.notes += 1,
            }
        }
        c
    }

    /// True when something at or above the level counts.
    #[must_use]
    pub fn fails(&self, fail_on: Level) -> bool {
        self.all().any(|(j, _)| {
            j.status == Status::Reported
                && j.finding.level >= fail_on
                && (j.finding.verdict == Verdict::Wrong || self.strict || fail_on == Level::Note)
        })
    }

    /// The verdict. Findings come first: a run that found something has found it, whatever else it could not see.
    #[must_use]
    pub fn verdict(&self, fail_on: Level) -> RunVerdict {
        if self.fails(fail_on) {
            RunVerdict::Findings
        } else if self
            .plans
            .iter()
            .any(|p| p.no_evidence || !p.incomplete.is_empty())
        {
            RunVerdict::Undecided
        } else if self.plans.iter().all(|p| p.resources == 0 && p.backend.is_none()) || self.rules == 0 {
            RunVerdict::Nothing
        } else {
            RunVerdict::Clean
        }
    }
}

/// Runs a check.
///
/// # Errors
/// When an input cannot be read or is no plan: nothing is judged then, so that no part is taken for the whole.
pub fn run(request: &Request) -> Result<Outcome, CheckError> {
    if request.plan_file.is_some() && request.plans.len() != 1 {
        return Err(CheckError::Usage(
            "--plan-file belongs to one plan: give one PLAN with it".into(),
        ));
    }
    let chosen: Vec<&'static dyn Rule> = rules::all()
        .filter(|r| request.families.contains(&r.meta().family))
        .collect();
    let (off, on): (Vec<_>, Vec<_>) = chosen
        .into_iter()
        .partition(|r| matches!(request.config.levels.get(r.meta().code), Some(None)));

    // Plans are independent: each is read and judged on a thread of its own, up to as many as there are processors.
    use rayon::prelude::*;
    let plans: Vec<Result<PlanOutcome, CheckError>> = if request.plans.len() == 1 {
        vec![one(request, &request.plans[0], &on)]
    } else {
        request.plans.par_iter().map(|p| one(request, p, &on)).collect()
    };
    let mut outcome = Outcome {
        plans: plans.into_iter().collect::<Result<_, _>>()?,
        config_path: request.config.path.clone(),
        disabled: off.iter().map(|r| r.meta().code).collect(),
        rules: on.len(),
        strict: request.strict || request.config.strict,
        families: request.families.clone(),
        ..Outcome::default()
    };
    let mut used = vec![false; request.config.waivers.len()];
    for j in outcome.plans.iter().flat_map(|p| &p.findings) {
        if let Status::Waived { waiver, .. } = &j.status {
            used[*waiver] = true;
        }
    }
    let ran = |code: &str| on.iter().any(|r| r.meta().code == code);
    outcome.waivers = waiver::audit(&request.config, request.today, &used, &ran)
        .into_iter()
        .map(|f| Judged {
            fingerprint: fingerprint(&f, 0),
            related: Vec::new(),
            span: None,
            status: Status::Reported,
            existing: false,
            finding: f,
        })
        .collect();
    if let Some(b) = &request.baseline {
        let seen: std::collections::HashSet<&str> = outcome
            .plans
            .iter()
            .flat_map(|p| &p.findings)
            .map(|j| j.fingerprint.as_str())
            .collect();
        outcome.resolved = b.findings.keys().filter(|k| !seen.contains(k.as_str())).count();
    }
    Ok(outcome)
}

fn read(path: &Path) -> Result<Vec<u8>, CheckError> {
    let shown = path.display().to_string();
    let fail = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => CheckError::Missing { path: shown.clone() },
        _ => CheckError::Read {
            path: shown.clone(),
            error,
        },
    };
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(input::LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(fail)?;
        return Ok(bytes);
    }
    let meta = std::fs::metadata(path).map_err(fail)?;
    if meta.is_dir() {
        return Err(CheckError::Directory { path: shown });
    }
    if meta.len() > input::LIMIT {
        return Err(CheckError::Input {
            path: shown,
            error: InputError::TooLarge,
        });
    }
    std::fs::read(path).map_err(fail)
}

fn recognise(path: &Path) -> Result<Input, CheckError> {
    input::recognise(read(path)?).map_err(|error| CheckError::Input {
        path: path.display().to_string(),
        error,
    })
}

fn open<'p>(path: &Path, message: &'p [u8], rest: Rest) -> Result<SavedPlan<'p>, CheckError> {
    saved::read(message, rest).map_err(|e| CheckError::Input {
        path: path.display().to_string(),
        error: e.into(),
    })
}

fn one(request: &Request, path: &Path, rules: &[&'static dyn Rule]) -> Result<PlanOutcome, CheckError> {
    let shown = path.display().to_string();
    let beside = request.plan_file.as_deref().map(recognise).transpose()?;
    match recognise(path)? {
        Input::Bookmark { host, run } => Err(CheckError::Bookmark {
            path: shown,
            host,
            run,
        }),
        Input::Saved(saved) => {
            if beside.is_some() {
                return Err(CheckError::Usage(format!(
                    "{shown} is a saved plan itself: --plan-file belongs to a plan JSON"
                )));
            }
            let SavedPlan {
                plan,
                sources,
                backend,
            } = open(path, &saved.message, saved.rest)?;
            Ok(finish(request, path, &plan, &sources, true, vec![backend], rules))
        }
        Input::Json(text) => {
            // A plan in a wrapper has text after it: the object alone is tried before giving up.
            let plan = match json::read(&text) {
                Ok(plan) => plan,
                Err(e) => match input::unwrap(&text)
                    .filter(|inner| inner.len() < text.trim().len())
                    .map(json::read)
                {
                    Some(Ok(plan)) => plan,
                    _ => {
                        return Err(CheckError::Input {
                            path: shown,
                            error: input::explain(&text, e),
                        });
                    }
                },
            };
            match beside {
                None => {
                    let (sources, real) = beside_json(request, path, &plan)?;
                    Ok(finish(request, path, &plan, &sources, real, Vec::new(), rules))
                }
                Some(Input::Saved(saved)) => {
                    let with = request.plan_file.as_deref().unwrap_or(Path::new(""));
                    let Archive { message, rest } = *saved;
                    let SavedPlan {
                        plan: other,
                        sources,
                        backend,
                    } = open(with, &message, rest)?;
                    bind(&plan, &other).map_err(|difference| CheckError::Mismatch {
                        json: shown,
                        saved: with.display().to_string(),
                        difference,
                    })?;
                    drop(other);
                    drop(message);
                    Ok(finish(request, path, &plan, &sources, true, vec![backend], rules))
                }
                Some(Input::Bookmark { host, .. }) => {
                    let (sources, real) = beside_json(request, path, &plan)?;
                    Ok(finish(
                        request,
                        path,
                        &plan,
                        &sources,
                        real,
                        vec![Backend::remote_run(&host)],
                        rules,
                    ))
                }
                Some(Input::Json(_)) => Err(CheckError::Usage(
                    "--plan-file takes the file that `terraform plan -out` wrote, not JSON".into(),
                )),
            }
        }
    }
}

/// The sources for a plan JSON: those of the root module's directory, completed by what the plan's configuration tells; or the
/// latter alone. The flag says whether there are lines.
fn beside_json(request: &Request, path: &Path, plan: &Plan<'_>) -> Result<(Sources, bool), CheckError> {
    let told = build::sources_of(&plan.configuration);
    Ok(
        match directory(request, path)
            .as_deref()
            .map(Sources::from_dir)
            .transpose()?
        {
            Some(written) => (written.completed_by(told), true),
            None => (told, false),
        },
    )
}

/// The root module's directory: as given, else the plan's folder, then the current one, where it holds configuration.
fn directory(request: &Request, plan: &Path) -> Option<PathBuf> {
    if let Some(root) = &request.root {
        return Some(root.clone());
    }
    let beside = plan.parent().map(|p| {
        if p.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            p.to_owned()
        }
    });
    [
        beside.filter(|_| plan != Path::new("-")),
        Some(PathBuf::from(".")),
    ]
    .into_iter()
    .flatten()
    .find(|d| {
        std::fs::read_dir(d).is_ok_and(|mut l| {
            l.any(|e| {
                e.is_ok_and(|e| {
                    [".tf", ".tf.json", ".tofu"]
                        .iter()
                        .any(|s| e.file_name().to_string_lossy().ends_with(s))
                })
            })
        })
    })
}

/// A directory as seen from the current one, so that paths in reports are what a user would type; empty for one that lies elsewhere:
/// its files are then named from the root module.
fn from_here(dir: &Path) -> String {
    let (Ok(dir), Ok(here)) = (
        std::fs::canonicalize(dir),
        std::env::current_dir().and_then(std::fs::canonicalize),
    ) else {
        return String::new();
    };
    dir.strip_prefix(&here)
        .map_or_else(|_| String::new(), |p| p.to_string_lossy().replace('\\', "/"))
}

/// Proves that JSON and saved plan are one plan.
fn bind(json: &Plan<'_>, saved: &Plan<'_>) -> Result<(), String> {
    if let (Some(a), Some(b)) = (&json.timestamp, &saved.timestamp)
        && a != b
    {
        return Err(format!("one was made at {a}, the other at {b}"));
    }
    if let (Some(a), Some(b)) = (&json.terraform_version, &saved.terraform_version)
        && a != b
    {
        return Err(format!("one was made by Terraform {a}, the other by {b}"));
    }
    fn of<'a>(p: &'a Plan<'_>) -> HashMap<&'a str, crate::plan::Action> {
        p.resources.iter().map(|r| (&*r.address, r.action)).collect()
    }
    let (a, b) = (of(json), of(saved));
    for (from, to, who) in [(&a, &b, "the JSON"), (&b, &a, "the saved plan")] {
        for (address, action) in from.iter() {
            match to.get(address) {
                None => return Err(format!("only {who} has {address}")),
                Some(other) if other != action => {
                    return Err(format!("they disagree on what happens to {address}"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

fn evidence(
    request: &Request,
    path: &Path,
    sources: &Sources,
    real_sources: bool,
    mut found: Vec<Backend>,
) -> Evidence {
    // Beside a saved plan, the data directory is evidence only when somebody says which directory that is, or the plan lies in
    // it: the current directory may be anybody's.
    let root = directory(request, path).filter(|d| {
        found.is_empty()
            || request.root.is_some()
            || path.parent() == Some(d)
            || path.parent() == Some(Path::new("")) && d == Path::new(".")
    });
    if let Some(b) = root.as_deref().and_then(Backend::from_data_directory) {
        found.push(b);
    }
    if real_sources {
        let at = PathBuf::from(request.source_prefix.clone().unwrap_or_else(|| {
            root.map_or_else(|| "the saved plan's files".into(), |r| r.display().to_string())
        }));
        found.extend(Backend::from_sources(sources, at));
    }
    if let Some(kind) = request.backend.as_ref().or(request.config.backend.as_ref()) {
        found.push(Backend::claimed(kind));
    }
    found.sort_by(|a, b| a.source.cmp(&b.source));
    Evidence { found }
}

fn finish(
    request: &Request,
    path: &Path,
    plan: &Plan<'_>,
    sources: &Sources,
    real_sources: bool,
    found: Vec<Backend>,
    rules: &[&'static dyn Rule],
) -> PlanOutcome {
    let evidence = evidence(request, path, sources, real_sources, found);
    let cx = Context::new(plan, &evidence, sources, &request.config);
    let strict = request.strict || request.config.strict;
    let mut findings = judge::judge(&cx, rules);
    let prefix = request.source_prefix.clone().unwrap_or_else(|| {
        directory(request, path)
            .filter(|_| real_sources)
            .map_or_else(String::new, |d| from_here(&d))
    });
    let locate = |place: &crate::finding::Place| {
        let span = if real_sources { sources.locate(place) } else { None };
        span.map(|mut s| {
            if prefix != "." {
                s.file = crate::source::files::join(&prefix, &s.file);
            }
            s
        })
    };
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut judged = Vec::with_capacity(findings.len());
    for mut f in findings.drain(..) {
        if let Some(Some(level)) = request.config.levels.get(f.rule.code)
            && f.verdict == Verdict::Wrong
        {
            f.level = *level;
        }
        if f.verdict == Verdict::Undecided {
            f.level = if strict { Level::Error } else { Level::Note };
        }
        let ordinal = seen.entry(format!("{}\0{}", f.rule.code, f.place)).or_default();
        let print = fingerprint(&f, *ordinal);
        *ordinal += 1;
        let resource = plan.resource(&f.place.address);
        let previous = resource.and_then(|r| r.previous_address.as_deref());
        let status = if let Some(i) = waiver::covering(&request.config, &f, previous, request.today) {
            let w = &request.config.waivers[i];
            Status::Waived {
                reason: w.reason.clone(),
                owner: w.owner.clone(),
                expires: w.expires.map(|e| e.to_string()),
                waiver: i,
            }
        } else if request
            .baseline
            .as_ref()
            .is_some_and(|b| b.findings.contains_key(&print))
        {
            Status::Known
        } else {
            Status::Reported
        };
        judged.push(Judged {
            span: locate(&f.place),
            related: f.related.iter().map(|(p, _)| locate(p)).collect(),
            existing: resource.is_some_and(|r| r.action == crate::plan::Action::NoOp),
            status,
            fingerprint: print,
            finding: f,
        });
    }
    let state_judged = request.families.contains(&Family::StateBackend)
        && rules.iter().any(|r| r.meta().family == Family::StateBackend);
    PlanOutcome {
        input: path.display().to_string(),
        terraform_version: plan.terraform_version.clone(),
        resources: plan.live().count(),
        findings: judged,
        incomplete: plan.incomplete.clone(),
        backend: evidence.decided().map(|b| (b.kind.clone(), b.source.to_string())),
        no_evidence: state_judged && evidence.decided().is_none(),
        unparsed: sources
            .files
            .iter()
            .filter_map(|f| Some((f.path.clone(), f.error.as_ref()?.to_string())))
            .collect(),
        root: prefix,
        picture: request.picture.then(|| Picture::of(&cx)),
    }
}
