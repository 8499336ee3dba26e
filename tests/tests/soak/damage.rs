//! What a blow did to an environment, and the table of many.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::blow::{Blow, Case, Life};
use crate::ground::{On, Standing};

/// What is not as it is without a blow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    /// Missing, or made anew under another id.
    lost: BTreeSet<String>,
    /// There more often than it should be.
    doubled: BTreeSet<String>,
    /// There, though no component of the environment.
    orphans: BTreeSet<String>,
    other: Vec<String>,
}

impl Damage {
    pub(crate) fn other(what: impl Into<String>) -> Self {
        Self {
            other: vec![what.into()],
            ..Self::default()
        }
    }

    /// One of everything, as without a blow.
    pub(crate) fn between(wanted: &Standing, found: &Standing) -> Self {
        let mut damage = Self::default();
        let mut compare = |name: &str, wanted: usize, found: usize| {
            let line = format!("{name}: {found} instead of {wanted}");
            if found < wanted {
                damage.lost.insert(line);
            } else if found > wanted && wanted > 0 {
                damage.doubled.insert(line);
            } else if found > wanted {
                damage.orphans.insert(line);
            }
        };
        let names = wanted.objects.keys().chain(found.objects.keys());
        let of = |standing: &Standing, name: &str| standing.objects.get(name).map_or(0, BTreeSet::len);
        for name in names {
            compare(name, of(wanted, name), of(found, name));
        }
        let roles = wanted.grants.keys().chain(found.grants.keys());
        let of = |standing: &Standing, role: &str| standing.grants.get(role).copied().unwrap_or(0);
        for role in roles {
            compare(&format!("grant on {role}"), of(wanted, role), of(found, role));
        }
        damage
    }

    /// Every object that stood before and stays without a blow is still the same one.
    pub(crate) fn gone(&mut self, before: &Standing, now: &Standing, stays: impl Fn(&str) -> bool) {
        for (name, places) in &before.objects {
            let (Some(now), true) = (now.objects.get(name), stays(name)) else {
                continue;
            };
            for place in places.difference(now) {
                self.lost.insert(format!("{name}: {place} was made anew"));
            }
        }
    }

    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        self.other.push(what.into());
    }

    pub(crate) fn or_none(self) -> Result<(), Self> {
        if self == Self::default() {
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, lines) in [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("orphan", &self.orphans),
        ] {
            for line in lines {
                writeln!(f, "{what}: {line}")?;
            }
        }
        self.other.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Results by cloud, part of life and blow. Prints as a table, then what went wrong.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    tried: BTreeMap<(On, Life, Blow), (usize, Duration)>,
    wrong: Vec<(Case, Damage)>,
}

impl Tally {
    pub(crate) fn add(&mut self, case: Case, took: Duration, result: Result<(), Damage>) {
        let (tried, spent) = self.tried.entry((case.on, case.life, case.blow)).or_default();
        *tried += 1;
        *spent += took;
        if let Err(damage) = result {
            self.wrong.push((case, damage));
        }
    }

    pub(crate) fn tried(&self) -> usize {
        self.tried.values().map(|(tried, _)| tried).sum()
    }

    pub(crate) fn is_well(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "cloud  life     blow             faults   lost  doubled  orphans  else  s each"
        )?;
        let (mut total, mut all) = ([0; 5], Duration::ZERO);
        for (&(on, life, blow), &(tried, spent)) in &self.tried {
            let damages = || {
                self.wrong
                    .iter()
                    .filter(move |(case, _)| (case.on, case.life, case.blow) == (on, life, blow))
                    .map(|(_, damage)| damage)
            };
            let counts = [
                tried,
                damages().map(|damage| damage.lost.len()).sum(),
                damages().map(|damage| damage.doubled.len()).sum(),
                damages().map(|damage| damage.orphans.len()).sum(),
                damages().map(|damage| damage.other.len()).sum(),
            ];
            for (sum, count) in total.iter_mut().zip(counts) {
                *sum += count;
            }
            all += spent;
            line(f, &format!("{on:6} {life:8} {blow:16}"), counts, spent)?;
        }
        line(f, "all", total, all)?;
        for (case, damage) in &self.wrong {
            writeln!(f, "\n{case}  (again: MLOPS_SOAK={case})\n{damage}")?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, counts: [usize; 5], spent: Duration) -> fmt::Result {
    let [tried, lost, doubled, orphans, other] = counts;
    let each = spent.as_secs_f64() / tried.max(1) as f64;
    writeln!(
        f,
        "{name:32} {tried:6} {lost:6} {doubled:8} {orphans:8} {other:5}  {each:6.1}"
    )
}
