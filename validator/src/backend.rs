//! Where the state is kept, and how we know.
//!
//! Evidence comes in ranks (proof first); the highest decides, and a lower one that disagrees is a finding of its own.

use std::fmt;
use std::path::PathBuf;

use crate::value::Value;

/// How it is known which backend a plan will be applied to. Ordered: the strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The saved plan: what `terraform apply` will use.
    SavedPlan,
    /// A bookmark of a run in HCP Terraform: proof that the state is remote.
    RemoteRun,
    /// `.terraform/terraform.tfstate` (or its absence in an initialised directory).
    DataDirectory(PathBuf),
    /// A `backend` or `cloud` block in the source, override files applied, or its absence.
    Configuration(PathBuf),
    /// What the operator says (`--backend`).
    Claim,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SavedPlan => f.write_str("the saved plan"),
            Self::RemoteRun => f.write_str("the remote run of this plan"),
            Self::DataDirectory(p) => write!(f, "the data directory ({})", p.display()),
            Self::Configuration(p) => write!(f, "the configuration ({})", p.display()),
            Self::Claim => f.write_str("the operator's claim (--backend), not observed"),
        }
    }
}

/// One piece of evidence.
#[derive(Clone, Debug)]
pub struct Backend {
    /// Type: `s3`, `gcs`, `local`, `cloud`, … `local` also when there is no block at all.
    pub kind: String,
    /// Merged settings, as far as the evidence has them: `config.get("bucket")`. Secrets in it are [`Value::Sensitive`].
    pub config: Value<'static>,
    /// Workspace, when known.
    pub workspace: Option<String>,
    /// How we know.
    pub source: Source,
    /// True when settings may be missing (partial configuration, claim): absence of a setting then proves nothing.
    pub partial: bool,
    /// True when no backend or cloud block is written at all, where that is known.
    pub no_block: bool,
}

impl Backend {
    /// Backends that keep state away from the machine that runs Terraform.
    pub const REMOTE: [&'static str; 12] = [
        "s3",
        "gcs",
        "azurerm",
        "http",
        "remote",
        "cloud",
        "kubernetes",
        "pg",
        "consul",
        "cos",
        "oss",
        "oci",
    ];

    /// True for a type known to keep state remotely.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        Self::REMOTE.contains(&self.kind.as_str())
    }

    /// True for the local backend.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.kind == "local"
    }
}

/// All evidence about the backend of a plan.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Strongest first.
    pub found: Vec<Backend>,
}

impl Evidence {
    /// The evidence that decides; `None` when there is none at all.
    #[must_use]
    pub fn decided(&self) -> Option<&Backend> {
        self.found.first()
    }

    /// Weaker evidence whose type differs from what decided.
    pub fn disagreeing(&self) -> impl Iterator<Item = &Backend> {
        let kind = self.decided().map(|b| b.kind.clone());
        self.found
            .iter()
            .skip(1)
            .filter(move |b| Some(&b.kind) != kind.as_ref())
    }
}
