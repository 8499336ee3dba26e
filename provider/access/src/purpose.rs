use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why an identity exists. Each of the five purposes has identities of its own; `node` stands beside them, since every
/// pod could reach what its machine may do.
///
/// ```
/// use mlops_access::Purpose;
/// assert_eq!("drift".parse(), Ok(Purpose::Drift));
/// assert!(Purpose::Drift.per_service());
/// assert!(!Purpose::FIVE.contains(&Purpose::Node));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Builds: pushes images to this environment's repositories.
    Ci,
    /// Changes workloads in the service namespaces, entered from a protected CI environment only.
    Deploy,
    /// Serves: reads its models, appends its predictions.
    Runtime,
    /// Compares reference data with predictions, appends reports.
    Drift,
    /// Trains: creates new model versions.
    Retrain,
    /// The machines that pods run on: pulls images, ships logs and metrics.
    Node,
}

impl Purpose {
    /// The five purposes that federated identities have.
    pub const FIVE: [Self; 5] = [Self::Ci, Self::Deploy, Self::Runtime, Self::Drift, Self::Retrain];
    /// The columns of the matrix: the five and the node.
    pub const ALL: [Self; 6] = [
        Self::Ci,
        Self::Deploy,
        Self::Runtime,
        Self::Drift,
        Self::Retrain,
        Self::Node,
    ];

    /// The word used in names, documents and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ci => "ci",
            Self::Deploy => "deploy",
            Self::Runtime => "runtime",
            Self::Drift => "drift",
            Self::Retrain => "retrain",
            Self::Node => "node",
        }
    }

    /// Whether there is one identity for each service rather than one for the environment.
    #[must_use]
    pub const fn per_service(self) -> bool {
        matches!(self, Self::Runtime | Self::Drift | Self::Retrain)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a purpose: use ci, deploy, runtime, drift, retrain or node")]
pub struct UnknownPurpose(pub String);

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|p| p.as_str() == s)
            .ok_or_else(|| UnknownPurpose(s.to_owned()))
    }
}
