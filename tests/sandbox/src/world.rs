//! Everything that stands in a sandbox, as plain data: it can be saved, compared and taken up again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aws;
use crate::gcp;
use crate::random::Random;

/// Both clouds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// Amazon's.
    pub aws: aws::Aws,
    /// Google's.
    pub gcp: gcp::Gcp,
    /// Where ids and etags come from.
    pub random: Random,
    /// How things behave that take time or come late.
    pub behaviour: Behaviour,
}

/// Durations and consistency, in the world's own time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Behaviour {
    /// Seconds that long work takes, by its name (`eks.cluster.create`, `container.nodePool.create`); what is not listed
    /// takes what the service's documentation or public logs say, times `scale`.
    pub durations: BTreeMap<String, f64>,
    /// Factor on durations: 0 = everything is done at once.
    pub scale: f64,
    /// Seconds during which a fresh object may not be seen by other services (eventual consistency): 0 = at once.
    pub lag: f64,
    /// Entries on a page of a list, at most; 0 = as the service's own default.
    pub page: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            durations: BTreeMap::new(),
            scale: 1.0,
            lag: 0.0,
            page: 0,
        }
    }
}

impl Behaviour {
    /// How long work of this name takes: `usual` seconds unless listed, times the scale.
    pub fn duration(&self, name: &str, usual: f64) -> jiff::SignedDuration {
        let seconds = self.durations.get(name).copied().unwrap_or(usual) * self.scale;
        jiff::SignedDuration::from_secs_f64(seconds.max(0.0))
    }
}

impl World {
    /// An empty world.
    pub fn new(seed: u64) -> Self {
        Self {
            aws: aws::Aws::default(),
            gcp: gcp::Gcp::default(),
            random: Random::new(seed),
            behaviour: Behaviour::default(),
        }
    }
}
