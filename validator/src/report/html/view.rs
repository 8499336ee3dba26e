//! What a page shows, worked out before anything is written: which findings are about which identity, and who stands in which group.

use std::collections::{BTreeSet, HashMap};

use super::counts;
use crate::check::{Judged, Outcome, PlanOutcome};
use crate::finding::{Family, Level, Place, Verdict};
use crate::picture::{Portrait, Purposes};

/// A finding with its number on the page.
pub(super) struct Numbered<'a> {
    pub(super) judged: &'a Judged,
    pub(super) plan: Option<&'a PlanOutcome>,
}

/// An identity with the findings about it, by their numbers.
pub(super) struct Shown<'a> {
    pub(super) portrait: &'a Portrait,
    pub(super) findings: Vec<usize>,
    /// The worst of them that counts and says that something is wrong.
    pub(super) worst: Option<Level>,
    /// The plan it is of, when there are several.
    pub(super) plan: Option<&'a str>,
    /// In one word, what is wrong.
    pub(super) word: &'static str,
    pub(super) mixed: bool,
}

/// Identities of one purpose.
pub(super) struct Group {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    pub(super) says: &'static str,
    pub(super) members: Vec<usize>,
    pub(super) bad: usize,
}

pub(super) struct View<'a> {
    pub(super) findings: Vec<Numbered<'a>>,
    pub(super) identities: Vec<Shown<'a>>,
    pub(super) groups: Vec<Group>,
    pub(super) environments: BTreeSet<&'a str>,
    pub(super) left_out: usize,
}

/// Rules that find who may do, or who may enter, more than is named.
const WIDE: [&str; 11] = [
    "MI01", "MI02", "MI03", "MI04", "MI09", "MI10", "MI11", "MI13", "MI14", "MI17", "MI18",
];

/// The groups, in the order of the page: key, title, and what it means to be in it.
const GROUPS: [(&str, &str, &str); 10] = [
    (
        "mixed",
        "Several purposes",
        "What belongs to several purposes is in one hand: whoever takes it over has all of them.",
    ),
    ("ci", "CI", "Builds: pushes images."),
    ("deploy", "Deploy", "Changes what runs."),
    ("runtime", "Runtime", "Serves: reads models, appends predictions."),
    (
        "drift",
        "Drift",
        "Compares reference data with predictions, appends reports.",
    ),
    ("retrain", "Retrain", "Trains: writes new models."),
    (
        "node",
        "Nodes",
        "Machines: every pod on them may reach what they may do.",
    ),
    ("planner", "Planner", "Plans and applies: does the work of all."),
    (
        "other",
        "Other purposes",
        "As the configuration of tfplan-check has them.",
    ),
    (
        "untold",
        "No purpose told",
        "Neither what they may do nor their names say what they are for.",
    ),
];

impl<'a> View<'a> {
    pub(super) fn of(outcome: &'a Outcome, most: usize) -> Self {
        let findings: Vec<Numbered<'a>> = outcome
            .all()
            .map(|(judged, plan)| Numbered { judged, plan })
            .collect();
        let mut identities: Vec<Shown<'a>> = Vec::new();
        let mut first = 0;
        for plan in &outcome.plans {
            let several = (outcome.plans.len() > 1).then_some(plan.input.as_str());
            let at = Index::of(&plan.findings, first);
            for portrait in plan.picture.iter().flat_map(|p| &p.identities) {
                identities.push(Shown::of(portrait, at.about(portrait), &findings, several));
            }
            first += plan.findings.len();
        }
        // The worst first; those that the plan only names come last.
        identities.sort_by_key(|s| (std::cmp::Reverse(s.worst), !s.portrait.planned));
        let left_out = identities.len().saturating_sub(most);
        identities.truncate(most);
        let groups = GROUPS
            .into_iter()
            .filter_map(|(key, title, says)| {
                let members: Vec<usize> = (0..identities.len())
                    .filter(|&i| identities[i].group() == key)
                    .collect();
                let bad = members
                    .iter()
                    .filter(|&&i| identities[i].worst == Some(Level::Error));
                (!members.is_empty()).then_some(Group {
                    key,
                    title,
                    says,
                    bad: bad.count(),
                    members,
                })
            })
            .collect();
        let environments = identities
            .iter()
            .filter_map(|s| s.portrait.environment.as_deref());
        Self {
            environments: environments.collect(),
            findings,
            identities,
            groups,
            left_out,
        }
    }

    /// Those of an identity's findings that are about a place of it; of its statements, those about this one. A finding that names no
    /// statement is about all of them together, and marks one only where it is alone.
    pub(super) fn about(
        &self,
        shown: &Shown<'a>,
        place: &Place,
        statement: Option<&str>,
        alone: bool,
    ) -> Vec<usize> {
        let own = shown.portrait.address.as_deref();
        let named = statement.map(|s| format!("statement {s} "));
        let here = |&&n: &&usize| {
            let f = &self.findings[n].judged.finding;
            f.place.address == place.address
                && (own != Some(&place.address) || !f.place.path.is_empty() && f.place.path == place.path)
                && (alone || named.as_ref().is_some_and(|s| f.what.starts_with(s.as_str())))
        };
        shown.findings.iter().filter(here).copied().collect()
    }
}

/// Findings by address, and by the addresses they are related to.
struct Index<'a> {
    at: HashMap<&'a str, Vec<(usize, &'a Place)>>,
    related: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(findings: &'a [Judged], first: usize) -> Self {
        let mut index = Self {
            at: HashMap::new(),
            related: HashMap::new(),
        };
        for (n, j) in findings.iter().enumerate().filter(|(_, j)| counts(j)) {
            let f = &j.finding;
            index
                .at
                .entry(&f.place.address)
                .or_default()
                .push((first + n, &f.place));
            // What two identities have in common is about both.
            if f.rule.family == Family::MonolithicIam {
                for (p, _) in &f.related {
                    index.related.entry(&p.address).or_default().push(first + n);
                }
            }
        }
        index
    }

    fn about(&self, p: &Portrait) -> Vec<usize> {
        let mut out: Vec<usize> = Vec::new();
        for place in &p.about {
            let here = self.at.get(place.address.as_str()).into_iter().flatten();
            out.extend(
                here.filter(|(_, f)| f.path.0.starts_with(&place.path.0))
                    .map(|(n, _)| *n),
            );
        }
        if let Some(own) = &p.address {
            out.extend(self.related.get(own.as_str()).into_iter().flatten());
        }
        out.sort_unstable();
        out.dedup();
        out
    }
}

impl<'a> Shown<'a> {
    fn of(portrait: &'a Portrait, findings: Vec<usize>, all: &[Numbered<'_>], plan: Option<&'a str>) -> Self {
        let of = |n: &usize| &all[*n].judged.finding;
        let worst = findings
            .iter()
            .map(of)
            .filter(|f| f.verdict == Verdict::Wrong)
            .map(|f| f.level)
            .max();
        let any = |codes: &[&str]| {
            let wrong = findings.iter().map(of).filter(|f| Some(f.level) == worst);
            wrong.into_iter().any(|f| codes.contains(&f.rule.code))
        };
        let mixed = any(&["MI06"]);
        let word = match worst {
            _ if mixed => "purposes mix",
            Some(Level::Error) if any(&WIDE) => "too wide",
            Some(Level::Error) => "must be changed",
            Some(Level::Warning) => "should be changed",
            Some(Level::Note) => "noted",
            None => "",
        };
        Self {
            portrait,
            worst,
            word,
            mixed,
            findings,
            plan,
        }
    }

    fn group(&self) -> &'static str {
        let words = self.portrait.purposes.words();
        match (&self.portrait.purposes, words.as_slice()) {
            (Purposes::Every, _) => "mixed",
            _ if self.mixed || words.len() > 1 => "mixed",
            (_, [one]) => GROUPS
                .iter()
                .map(|(key, ..)| *key)
                .find(|key| key == one)
                .unwrap_or("other"),
            _ => "untold",
        }
    }
}
