//! How often to look at work that a cloud does by itself, and for how long, for both clouds.

use std::time::Duration;

use crate::retry;

/// How long to wait between looks: a share of what was waited already, so that the looks cost little of a long wait and the last of
/// them comes soon after the end, however long it took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The shortest pause.
    pub first: Duration,
    /// A pause is this part of what was waited before it.
    pub share: f64,
    /// The longest pause.
    pub longest: Duration,
    /// No pause begins that would end later than this.
    pub total: Duration,
}

/// For work of minutes: clusters and node pools. The end is seen within a tenth of the time that the work took, at most ten seconds
/// late; a control plane of nine minutes is looked at some eighty times. The AWS SDK's own waiters look first after 30 seconds.
pub const LONG: Pace = Pace {
    first: Duration::from_millis(400),
    share: 0.08,
    longest: Duration::from_secs(10),
    total: Duration::from_secs(60 * 60),
};

/// For what spreads through a service within seconds; two to four minutes at most, as the lot falls.
pub const SPREADING: Pace = Pace {
    first: Duration::from_millis(500),
    share: 0.5,
    longest: Duration::from_secs(5),
    total: Duration::from_secs(240),
};

impl Pace {
    /// The same for no longer than `total`.
    #[must_use]
    pub const fn within(self, total: Duration) -> Self {
        Self { total, ..self }
    }

    /// The pauses, growing with what was waited.
    pub fn pauses(self) -> impl Iterator<Item = Duration> {
        let mut spent = Duration::ZERO;
        std::iter::from_fn(move || {
            let pause = spent.mul_f64(self.share).max(self.first).min(self.longest);
            spent += pause;
            (spent <= self.total).then_some(pause)
        })
    }

    /// The same, each shorter by lot (`chance` draws from 0 to 1), so that many who wait for one thing do not all come back at one
    /// moment.
    pub fn spread(self, mut chance: impl FnMut() -> f64) -> impl Iterator<Item = Duration> {
        self.pauses().map(move |pause| retry::spread(pause, chance()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_soon_and_then_less_often() {
        let pauses: Vec<_> = LONG.pauses().collect();
        assert!(pauses[0] < Duration::from_secs(1));
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(pauses.last(), Some(&Duration::from_secs(10)));
        let total: Duration = pauses.iter().sum();
        assert!(total <= LONG.total && total > LONG.total - LONG.longest);
    }

    #[test]
    fn the_end_of_long_work_is_seen_within_a_tenth_of_its_time() {
        let mut spent = Duration::ZERO;
        for pause in LONG.pauses() {
            let late = pause;
            assert!(
                spent < Duration::from_secs(4) || late <= spent.mul_f64(0.1),
                "after {spent:?} the next look comes {late:?} later"
            );
            spent += pause;
        }
    }

    #[test]
    fn a_control_plane_is_not_asked_all_the_time() {
        let nine_minutes = Duration::from_secs(540);
        let mut spent = Duration::ZERO;
        let looks = LONG.pauses().take_while(|pause| {
            spent += *pause;
            spent < nine_minutes
        });
        assert!((40..=100).contains(&looks.count()));
    }

    #[test]
    fn who_waits_for_the_same_comes_back_at_other_moments() {
        let early: Duration = SPREADING.spread(|| 0.0).sum();
        let late: Duration = SPREADING.spread(|| 1.0).sum();
        assert!(
            early >= Duration::from_secs(110) && early < late,
            "{early:?} {late:?}"
        );
        assert!(late <= Duration::from_secs(240));
    }
}
