//! What a team copies out of a bootstrap: the backend's settings, the provider block, variables of GitHub environments.

use std::fmt;

/// Everything of one environment, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Name of the environment.
    pub environment: String,
    /// Settings of the backend, in the order in which they are written.
    pub backend: Vec<(String, Setting)>,
    /// The provider block and what the environment must say.
    pub provider: String,
    /// GitHub environment to its variables.
    pub github: Vec<(String, Vec<(String, String)>)>,
}

/// One setting of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A text.
    Text(String),
    /// A switch.
    On,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::On => f.write_str("true"),
        }
    }
}

impl Ready {
    /// `backend.hcl`.
    #[must_use]
    pub fn backend_hcl(&self) -> String {
        let width = self.backend.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = self
            .backend
            .iter()
            .map(|(name, value)| format!("{name:width$} = {value}\n"));
        lines.collect()
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.environment;
        writeln!(
            f,
            "# ---- {name}: backend.hcl (terraform init -backend-config=backend.hcl)"
        )?;
        writeln!(f, "{}", self.backend_hcl())?;
        writeln!(f, "# ---- {name}: provider.tf")?;
        writeln!(f, "{}", self.provider)?;
        writeln!(f, "# ---- {name}: GitHub environments and their variables")?;
        for (environment, variables) in &self.github {
            writeln!(f, "# {environment}")?;
            for (variable, value) in variables {
                writeln!(f, "#   {variable} = {value}")?;
            }
        }
        Ok(())
    }
}

impl super::Spec {
    /// The resource that describes all of this from then on, with the block that imports it, in a state of its own beside
    /// the others.
    #[must_use]
    pub fn described(&self, ready: &[Ready]) -> String {
        let (backend, place) = (ready.first().map(Ready::beside).unwrap_or_default(), &self.place);
        let (kind, block) = match place {
            super::Place::Aws(place) => (
                "s3",
                format!(
                    "  aws = {{\n    region              = \"{}\"\n    allowed_account_ids = [\"{}\"]\n  }}\n",
                    place.region, place.account
                ),
            ),
            super::Place::Gcp(place) => (
                "gcs",
                format!(
                    "  gcp = {{\n    project          = \"{0}\"\n    region           = \"{1}\"\n    allowed_projects = [\"{0}\"]\n  }}\n",
                    place.project, place.region
                ),
            ),
        };
        let ids = self
            .repository
            .ids
            .as_ref()
            .map_or_else(String::new, |(owner, repository)| {
                format!("    owner_id      = \"{owner}\"\n    repository_id = \"{repository}\"\n")
            });
        let tiers: Vec<String> = self
            .tiers
            .iter()
            .map(|tier| format!("\"{}\"", tier.as_str()))
            .collect();
        format!(
            "# ---- {name}: backend.hcl of the state that describes all this\n\
             {backend}\n\
             # ---- {name}: state-backend.tf\n\
             terraform {{\n  backend \"{kind}\" {{}}\n\n  required_providers {{\n    mlops = {{\n      source = \"mlops/mlops\"\n    }}\n  }}\n}}\n\n\
             provider \"mlops\" {{\n{block}}}\n\n\
             import {{\n  to = mlops_state_backend.this\n  id = \"{id}\"\n}}\n\n\
             resource \"mlops_state_backend\" \"this\" {{\n  \
               name           = \"{name}\"\n  \
               cloud          = \"{cloud}\"\n  \
               tiers          = [{tiers}]\n  \
               retention_days = {days}\n  \
               github = {{\n    repository    = \"{repository}\"\n{ids}  }}\n}}\n",
            name = self.name,
            id = self.system(),
            cloud = self.cloud().as_str(),
            tiers = tiers.join(", "),
            days = self.retention_days,
            repository = self.repository.name,
        )
    }
}

impl Ready {
    /// Settings for a state beside the environments'.
    fn beside(&self) -> String {
        let mut other = self.clone();
        for (name, value) in &mut other.backend {
            match name.as_str() {
                "key" => *value = Setting::Text("bootstrap/terraform.tfstate".to_owned()),
                "prefix" => *value = Setting::Text("bootstrap".to_owned()),
                _ => {}
            }
        }
        other.backend_hcl()
    }
}
