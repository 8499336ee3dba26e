//! Waivers at work: which findings they cover, and findings about waivers that rot.

use jiff::civil::Date;

use crate::config::{Config, Waiver};
use crate::finding::{Family, Finding, Findings, Level, Place, Verdict};
use crate::rules::Meta;

/// A waiver whose day has passed.
pub static EXPIRED: Meta = Meta {
    code: "WV01",
    name: "waiver-expired",
    family: Family::Waivers,
    level: Level::Error,
    title: "expired waiver",
    why: "a waiver that outlives its date hides a finding nobody has looked at since",
    invariants: &[],
    since: "0.1.0",
    source: "//! # WV01 waiver-expired\n//!\n//! A waiver in `tfplan-check.toml` whose `expires` lies in the past. It no longer covers anything: the finding it covered is reported again.\n//!\n//! Decide anew: fix the finding, or renew the waiver with a reason that still holds.\n",
};

/// A waiver that covers nothing.
pub static UNUSED: Meta = Meta {
    code: "WV02",
    name: "waiver-unused",
    family: Family::Waivers,
    level: Level::Error,
    title: "waiver without a finding",
    why: "a waiver without a finding will silently cover the next one",
    invariants: &[],
    since: "0.1.0",
    source: "//! # WV02 waiver-unused\n//!\n//! A waiver in `tfplan-check.toml` that covers no finding of this run. Remove it: it would cover the next finding at its address unseen.\n//!\n//! Only judged when the waiver's rule ran; a run with `--family` says nothing about waivers of other families.\n",
};

/// A waiver nobody answers for.
pub static UNACCOUNTABLE: Meta = Meta {
    code: "WV03",
    name: "waiver-unaccountable",
    family: Family::Waivers,
    level: Level::Error,
    title: "waiver without reason, owner or end",
    why: "an exception that nobody answers for, or that never ends, is the rule",
    invariants: &[],
    since: "0.1.0",
    source: "//! # WV03 waiver-unaccountable\n//!\n//! A waiver in `tfplan-check.toml` without `reason`, without `owner`, or (for SK and MI) without an `expires` within 90 days. It does not hold until it has them.\n",
};

/// All three.
pub static ALL: [&Meta; 3] = [&EXPIRED, &UNUSED, &UNACCOUNTABLE];

impl Waiver {
    /// True when it holds on a day.
    #[must_use]
    pub fn holds(&self, today: Date) -> bool {
        self.fault.is_none() && self.expires.is_none_or(|e| e >= today)
    }

    /// True when it speaks of a finding. The address a moved resource had before counts too.
    #[must_use]
    pub fn covers(&self, finding: &Finding, previous: Option<&str>) -> bool {
        self.rule == finding.rule.code
            && (self.address.is_match(&finding.place.address)
                || previous.is_some_and(|p| self.address.is_match(p)))
    }
}

/// The waiver that covers a finding on a day, by index.
#[must_use]
pub fn covering(config: &Config, finding: &Finding, previous: Option<&str>, today: Date) -> Option<usize> {
    config
        .waivers
        .iter()
        .position(|w| w.holds(today) && w.covers(finding, previous))
}

/// Findings about the waivers themselves. `used` says which covered something, `ran` which rules ran.
#[must_use]
pub fn audit(config: &Config, today: Date, used: &[bool], ran: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut out = Vec::new();
    for (i, w) in config.waivers.iter().enumerate() {
        let place = Place::new(format!("waivers[{i}]"), "");
        let name = format!(
            "the waiver of {} for `{}` (line {})",
            w.rule,
            w.address.glob().glob().replace("[[]", "[").replace("[]]", "]"),
            w.line
        );
        let (meta, what) = if let Some(fault) = &w.fault {
            (&UNACCOUNTABLE, format!("{name} {fault}"))
        } else if !w.holds(today) {
            (
                &EXPIRED,
                format!(
                    "{name} expired on {}",
                    w.expires.map(|e| e.to_string()).unwrap_or_default()
                ),
            )
        } else if !used.get(i).copied().unwrap_or(false) && ran(w.rule) {
            (&UNUSED, format!("{name} covers nothing"))
        } else {
            continue;
        };
        Findings::new(meta, &mut out).report(place, what);
    }
    out.iter_mut().for_each(|f| f.verdict = Verdict::Wrong);
    out
}
