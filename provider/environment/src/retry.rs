//! How patient to be with a cloud that refuses for the moment or whose answers are lost. Which failures pass by themselves
//! is for the drivers to say; how often and for how long a call is repeated stands here, for both clouds.

use std::time::Duration;

/// How often a call is made, and how far apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// Attempts, the first included.
    pub attempts: u32,
    /// Longest pause before the second attempt; doubled for each further one.
    pub first_pause: Duration,
    /// Longest pause of ours; a service that asks for more gets it.
    pub longest_pause: Duration,
    /// No attempt begins later than this after the first.
    pub deadline: Duration,
}

impl Default for Retry {
    /// As many attempts as Terraform users know from the AWS provider. An apply makes some hundred calls, and one that fails
    /// fails the apply: where 40 % of all calls fail, eight attempts would fail every fifth apply of 300 calls.
    fn default() -> Self {
        Self {
            attempts: 25,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(10),
            deadline: Duration::from_secs(300),
        }
    }
}

impl Retry {
    /// Attempts at an address where nobody listens or that no name server knows: a mistake in the configuration more
    /// often than bad weather.
    const UNREACHABLE: u32 = 8;

    /// The same, for an address where nobody listens.
    #[must_use]
    pub fn unreachable(&self) -> Self {
        Self {
            attempts: self.attempts.min(Self::UNREACHABLE),
            ..self.clone()
        }
    }

    /// Longest pause after attempt `number` (from 1).
    pub fn ceiling(&self, number: u32) -> Duration {
        let doublings = number.saturating_sub(1);
        self.first_pause
            .saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX))
            .min(self.longest_pause)
    }

    /// Pause after attempt `number` (from 1): between half of the longest and the whole by `chance` (0 to 1), so that many
    /// who were refused together do not come back together.
    pub fn pause(&self, number: u32, chance: f64) -> Duration {
        spread(self.ceiling(number), chance)
    }

    /// Whether another attempt is made after `number` of them, if it begins so long after the first.
    pub fn goes_on(&self, number: u32, since_first: Duration) -> bool {
        number < self.attempts && since_first <= self.deadline
    }
}

/// A pause between half of the longest and the whole by `chance` (0 to 1).
pub fn spread(longest: Duration, chance: f64) -> Duration {
    let half = longest / 2;
    half + half.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts that are made when each is refused at once and every pause is as long as it can be.
    fn attempts(retry: &Retry) -> u32 {
        let (mut number, mut spent) = (1, Duration::ZERO);
        loop {
            spent += retry.ceiling(number);
            if !retry.goes_on(number, spent) {
                return number;
            }
            number += 1;
        }
    }

    #[test]
    fn an_apply_of_a_thousand_calls_survives_weather_in_which_two_calls_of_five_fail() {
        let calls = 1000.0;
        let fails = |retry: &Retry| calls * 0.4_f64.powi(attempts(retry).cast_signed());
        assert!(fails(&Retry::default()) < 1e-6, "{}", fails(&Retry::default()));
        let hasty = Retry {
            attempts: 8,
            ..Retry::default()
        };
        assert!(fails(&hasty) > 0.5, "eight attempts were too few");
    }

    #[test]
    fn pauses_grow_to_a_limit_and_are_spread_over_the_upper_half() {
        let retry = Retry::default();
        for number in 1..100 {
            let ceiling = retry.ceiling(number);
            assert!(ceiling <= retry.longest_pause && ceiling <= retry.ceiling(number + 1));
            assert_eq!(retry.pause(number, 0.0), ceiling / 2);
            assert_eq!(retry.pause(number, 1.0), ceiling);
        }
        assert_eq!(retry.ceiling(1), retry.first_pause);
        assert_eq!(retry.ceiling(99), retry.longest_pause);
    }

    #[test]
    fn ends_with_its_attempts_or_at_its_deadline_whichever_comes_first() {
        let retry = Retry::default();
        assert!(retry.goes_on(24, retry.deadline));
        assert!(!retry.goes_on(25, Duration::ZERO));
        assert!(!retry.goes_on(1, retry.deadline + Duration::from_millis(1)));
        assert!(!retry.unreachable().goes_on(8, Duration::ZERO));
    }
}
