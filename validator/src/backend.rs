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

impl Backend {
    /// What the root module's source says, overrides applied: its `backend`, `cloud` or `state_store` block, or that there is none.
    ///
    /// Settings may be given elsewhere (`-backend-config`), so the evidence is partial. A `local` answer for want of a block is
    /// only given when every file could be parsed: what hides in an unparsed file is not known.
    #[must_use]
    pub fn from_sources(sources: &crate::source::Sources, at: PathBuf) -> Option<Self> {
        let root = sources.modules.get("")?;
        let evaluator = crate::source::Evaluator::new(sources, crate::source::Nothing);
        let block = root
            .terraform
            .iter()
            .flat_map(|t| &t.block.body.blocks)
            .find(|b| matches!(b.kind.as_str(), "backend" | "cloud" | "state_store"));
        let Some(b) = block else {
            if root.unparsed || sources.files.is_empty() {
                return None;
            }
            return Some(Self {
                kind: "local".into(),
                config: Value::Object(Vec::new()),
                workspace: None,
                source: Source::Configuration(at),
                partial: false,
                no_block: true,
            });
        };
        let kind = if b.kind == "cloud" {
            "cloud".to_owned()
        } else {
            b.labels.first().cloned().unwrap_or_default()
        };
        let config = evaluator.body(&b.body, &crate::source::Scope::default());
        Some(Self {
            kind,
            config: hide_secrets(config),
            workspace: None,
            source: Source::Configuration(at),
            partial: true,
            no_block: false,
        })
    }
}

/// Settings of backends that hold a credential.
const SECRET_SETTINGS: [&str; 22] = [
    "access_key",
    "secret_key",
    "token",
    "password",
    "credentials",
    "access_token",
    "sas_token",
    "client_secret",
    "client_certificate_password",
    "encryption_key",
    "sse_customer_key",
    "conn_str",
    "client_private_key_pem",
    "client_private_key",
    "http_auth",
    "security_token",
    "secret_id",
    "private_key",
    "private_key_password",
    "oidc_token",
    "customer_encryption_key",
    "session_token",
];

/// Wraps the settings that may hold a credential, so that no report can print them.
#[must_use]
pub fn hide_secrets(config: Value<'static>) -> Value<'static> {
    match config {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(k, v)| {
                    let hide = SECRET_SETTINGS.contains(&&*k) && !v.is_null();
                    let v = if hide {
                        Value::Sensitive(Box::new(crate::value::Secret::new(v)))
                    } else {
                        hide_secrets(v)
                    };
                    (k, v)
                })
                .collect(),
        ),
        Value::List(l) => Value::List(l.into_iter().map(hide_secrets).collect()),
        other => other,
    }
}

impl Backend {
    /// What the initialised directory records: `.terraform/terraform.tfstate` (or `TF_DATA_DIR`). An initialised directory without
    /// that file uses the local backend.
    #[must_use]
    pub fn from_data_directory(root: &std::path::Path) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Record {
            backend: Option<Settings>,
        }
        #[derive(serde::Deserialize)]
        struct Settings {
            #[serde(rename = "type")]
            kind: String,
            config: Option<Box<serde_json::value::RawValue>>,
        }
        let data = std::env::var_os("TF_DATA_DIR").map_or_else(|| root.join(".terraform"), |d| root.join(d));
        let file = data.join("terraform.tfstate");
        let workspace = std::env::var("TF_WORKSPACE")
            .ok()
            .filter(|w| !w.is_empty())
            .or_else(|| {
                std::fs::read_to_string(data.join("environment"))
                    .ok()
                    .map(|w| w.trim().to_owned())
                    .filter(|w| !w.is_empty())
            });
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                let record: Record = serde_json::from_str(&text).ok()?;
                let b = record.backend?;
                let config = b
                    .config
                    .and_then(|c| {
                        serde_json::from_str::<Value<'_>>(c.get())
                            .ok()
                            .map(Value::into_owned)
                    })
                    .unwrap_or_default();
                Some(Self {
                    kind: b.kind,
                    config: hide_secrets(crate::plan::saved::without_nulls(config)),
                    workspace,
                    source: Source::DataDirectory(file),
                    partial: false,
                    no_block: false,
                })
            }
            Err(_) if data.join("providers").is_dir() || data.join("modules").is_dir() => Some(Self {
                kind: "local".into(),
                config: Value::Object(Vec::new()),
                workspace,
                source: Source::DataDirectory(data),
                partial: false,
                no_block: true,
            }),
            Err(_) => None,
        }
    }

    /// What the operator says.
    #[must_use]
    pub fn claimed(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            config: Value::Object(Vec::new()),
            workspace: None,
            source: Source::Claim,
            partial: true,
            no_block: false,
        }
    }

    /// What a bookmark of a remote run proves.
    #[must_use]
    pub fn remote_run(host: &str) -> Self {
        let config = Value::Object(vec![(
            crate::value::Text::from("hostname"),
            Value::string(host.to_owned()),
        )]);
        Self {
            kind: "cloud".into(),
            config,
            workspace: None,
            source: Source::RemoteRun,
            partial: true,
            no_block: false,
        }
    }
}
