//! Faults: what goes wrong with which calls.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::Refusal;
use crate::edge::{Cloud, Received};
use crate::protocol::refuse;
use crate::random::Random;

/// What goes wrong with calls that match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fault {
    /// `aws`, `gcp`, or any.
    pub cloud: Option<Cloud>,
    /// Name of the service, with `*` and `?`.
    pub service: String,
    /// Name of the operation, with `*` and `?`.
    pub operation: String,
    /// Writes alone, reads alone, or any call.
    pub only: Only,
    /// The first matching call that is struck, from 1.
    pub from: u64,
    /// How many are struck, then the fault is spent; left out, all.
    pub count: Option<u64>,
    /// Chance of each of them, by the sandbox's seed.
    pub probability: f64,
    /// What happens.
    pub effect: Effect,
}

/// Kinds of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Only {
    /// All.
    #[default]
    Any,
    /// Those that leave everything as it is.
    Reads,
    /// Those that may change something.
    Writes,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Effect {
    /// Refused before it has an effect.
    Refused {
        /// HTTP status.
        status: u16,
        /// Error code, or Google's canonical status.
        code: String,
        /// Sentence.
        message: String,
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Refused for too many calls, in the vendor's own shape and code.
    Throttled {
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// 503.
    Unavailable {
        /// `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The caller's token is over.
    ExpiredToken,
    /// The connection is reset before the call has an effect.
    ResetBefore,
    /// The call has its effect, and the connection is reset: the answer is lost.
    ResetAfter,
    /// The call has its effect, and the answer ends in its middle.
    Truncated,
    /// The answer comes late.
    Slow {
        /// Seconds of real time.
        seconds: f64,
    },
    /// No answer ever comes.
    Hang,
    /// What was written is seen late by other services: sets [`crate::world::Behaviour::lag`] from this call on.
    Lag {
        /// Seconds of the sandbox's time.
        seconds: f64,
    },
    /// From this call on nothing has an effect or an answer until the hold ends: the moment to kill a process.
    HoldBefore,
    /// The same, after this call has had its effect.
    HoldAfter,
}

impl Default for Fault {
    fn default() -> Self {
        Self {
            cloud: None,
            service: "*".to_owned(),
            operation: "*".to_owned(),
            only: Only::Any,
            from: 1,
            count: None,
            probability: 1.0,
            effect: Effect::Unavailable { retry_after: None },
        }
    }
}

impl Fault {
    /// A fault that strikes every call.
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            ..Self::default()
        }
    }

    /// Only calls of this service and operation; both may hold `*` and `?`.
    #[must_use]
    pub fn on(mut self, service: &str, operation: &str) -> Self {
        service.clone_into(&mut self.service);
        operation.clone_into(&mut self.operation);
        self
    }

    /// Only writes.
    #[must_use]
    pub fn writes(mut self) -> Self {
        self.only = Only::Writes;
        self
    }

    /// From the `from`-th matching call on (from 1), `count` of them.
    #[must_use]
    pub fn nth(mut self, from: u64, count: u64) -> Self {
        self.from = from;
        self.count = Some(count);
        self
    }

    /// With this chance.
    #[must_use]
    pub fn chance(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    fn matches(&self, received: &Received) -> bool {
        self.cloud.is_none_or(|cloud| cloud == received.cloud)
            && match self.only {
                Only::Any => true,
                Only::Reads => received.reads,
                Only::Writes => !received.reads,
            }
            && glob(&self.service, &received.service)
            && glob(&self.operation, &received.operation)
    }
}

impl Effect {
    /// Its name in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::ExpiredToken => "expired_token",
            Self::ResetBefore => "reset_before",
            Self::ResetAfter => "reset_after",
            Self::Truncated => "truncated",
            Self::Slow { .. } => "slow",
            Self::Hang => "hang",
            Self::Lag { .. } => "lag",
            Self::HoldBefore => "hold_before",
            Self::HoldAfter => "hold_after",
        }
    }

    /// When the caller is told to come back.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused { retry_after, .. }
            | Self::Throttled { retry_after }
            | Self::Unavailable { retry_after } => *retry_after,
            _ => None,
        }
    }
}

/// Faults that are set, with what they have seen.
#[derive(Debug)]
pub struct Faults {
    set: Vec<(Fault, u64, u64)>,
    random: Random,
}

impl Faults {
    /// None.
    pub fn new(seed: u64) -> Self {
        Self {
            set: Vec::new(),
            random: Random::new(seed),
        }
    }

    /// One more.
    pub fn add(&mut self, fault: Fault) {
        self.set.push((fault, 0, 0));
    }

    /// None again.
    pub fn clear(&mut self) {
        self.set.clear();
    }

    /// Every fault, with how many calls it matched and how many it struck.
    pub fn list(&self) -> impl Iterator<Item = (&Fault, u64, u64)> {
        self.set
            .iter()
            .map(|(fault, matched, struck)| (fault, *matched, *struck))
    }

    /// What happens to a call.
    pub(crate) fn strike(&mut self, received: &Received) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (fault, matched, struck) in &mut self.set {
            if !fault.matches(received) {
                continue;
            }
            *matched += 1;
            let due = *matched >= fault.from && fault.count.is_none_or(|count| *struck < count);
            if due && (fault.probability >= 1.0 || self.random.fraction() < fault.probability) {
                *struck += 1;
                effects.push(fault.effect.clone());
            }
        }
        effects
    }
}

/// The refusal that an effect means, in the vendor's own words.
pub(crate) fn words(effect: &Effect, received: &Received) -> Option<Refusal> {
    let service = received.service.as_str();
    let google = received.cloud == Cloud::Gcp;
    Some(match effect {
        Effect::Refused {
            status,
            code,
            message,
            ..
        } => Refusal::new(*status, code, message.clone()),
        Effect::Throttled { .. } if google => Refusal::new(
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute' (set by the sandbox)",
        )
        .with("reason", "rateLimitExceeded")
        .with(
            "details",
            json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "RATE_LIMIT_EXCEEDED",
                "domain": "googleapis.com",
                "metadata": {},
            }]),
        ),
        Effect::Throttled { .. } => refuse::throttled(service),
        Effect::Unavailable { .. } if google => Refusal::new(
            503,
            "UNAVAILABLE",
            "The service is currently unavailable.",
        )
        .with("reason", "backendError"),
        Effect::Unavailable { .. } => refuse::unavailable(service),
        Effect::ExpiredToken if google => Refusal::new(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
        )
        .with("reason", "authError"),
        Effect::ExpiredToken => refuse::expired(service),
        _ => return None,
    })
}

/// Whether `text` fits a pattern with `*` and `?`.
fn glob(pattern: &str, text: &str) -> bool {
    mlops_access::pattern::Pattern::parse(pattern).matches(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(service: &str, operation: &str, reads: bool) -> Received {
        Received {
            cloud: Cloud::Aws,
            service: service.to_owned(),
            operation: operation.to_owned(),
            reads,
            resource: None,
            call: Err(Refusal::new(400, "", "")),
            write: Box::new(|_| Err(String::new())),
        }
    }

    #[test]
    fn the_nth_call_and_so_many_of_them_are_struck() {
        let mut faults = Faults::new(1);
        faults.add(
            Fault::new(Effect::ResetAfter)
                .on("eks", "Create*")
                .writes()
                .nth(2, 2),
        );
        let struck: Vec<bool> = (0..5)
            .map(|_| !faults.strike(&received("eks", "CreateCluster", false)).is_empty())
            .collect();
        assert_eq!(struck, [false, true, true, false, false]);
        for other in [
            ("iam", "CreateRole", false),
            ("eks", "DeleteCluster", false),
            ("eks", "CreateX", true),
        ] {
            assert!(faults.strike(&received(other.0, other.1, other.2)).is_empty());
        }
    }

    #[test]
    fn the_same_seed_strikes_the_same_calls() {
        let run = || {
            let mut faults = Faults::new(7);
            faults.add(Fault::new(Effect::Hang).chance(0.3));
            (0..100)
                .map(|_| faults.strike(&received("s3", "GetObject", true)).len())
                .collect::<Vec<_>>()
        };
        let struck: usize = run().iter().sum();
        assert_eq!(run(), run());
        assert!((15..45).contains(&struck), "{struck}");
    }

    #[test]
    fn a_fault_is_written_as_json() {
        let text = r#"{"service":"eks","effect":{"kind":"throttled","retry_after":2}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault.effect.retry_after(), Some(2));
        assert!(serde_json::from_str::<Fault>(r#"{"srvice":"eks"}"#).is_err());
    }
}
