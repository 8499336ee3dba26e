//! What a team copies out of a bootstrap: the backend's settings, the provider block, and the environments of GitHub or GitLab
//! whose jobs plan and apply.

use std::fmt;

use super::{Forge, Place, Spec, Worker, deployment_tier};
use crate::spec::{Cloud, Tier};

/// Everything of one environment, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Name of the environment.
    pub environment: String,
    /// What the forge is called.
    pub forge: &'static str,
    /// Settings of the backend, in the order in which they are written.
    pub backend: Vec<(String, Setting)>,
    /// The provider block and what the environment must say.
    pub provider: String,
    /// The planner's door, and the provisioner's.
    pub doors: Vec<Door>,
}

/// An environment of GitHub or GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its name.
    pub environment: String,
    /// What its jobs say, line by line; nothing where the name is enough.
    pub job: Vec<String>,
    /// Its variables.
    pub variables: Vec<(String, String)>,
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
        writeln!(
            f,
            "# ---- {name}: {} environments and their variables",
            self.forge
        )?;
        for door in &self.doors {
            writeln!(f, "# {}", door.environment)?;
            for line in &door.job {
                writeln!(f, "#   {line}")?;
            }
            for (variable, value) in &door.variables {
                writeln!(f, "#   {variable} = {value}")?;
            }
        }
        Ok(())
    }
}

impl Spec {
    /// The backend's kind, the provider, and that it works here alone.
    pub(super) fn provider(&self) -> String {
        let (kind, block) = match &self.place {
            Place::Aws(place) => (
                "s3",
                format!(
                    "  aws = {{\n    region              = \"{}\"\n    allowed_account_ids = [\"{}\"]\n  }}\n",
                    place.region, place.account
                ),
            ),
            Place::Gcp(place) => (
                "gcs",
                format!(
                    "  gcp = {{\n    project          = \"{0}\"\n    region           = \"{1}\"\n    allowed_projects = [\"{0}\"]\n  }}\n",
                    place.project, place.region
                ),
            ),
        };
        format!(
            "terraform {{\n  backend \"{kind}\" {{}}\n\n  required_providers {{\n    mlops = {{\n      source = \"mlops/mlops\"\n    }}\n  }}\n}}\n\n\
             provider \"mlops\" {{\n{block}}}\n"
        )
    }

    /// The doors of a tier. Jobs of GitLab say what tells them apart, and ask for a token for an audience.
    pub(super) fn doors(
        &self,
        tier: Tier,
        audience: &str,
        variables: impl Fn(Worker) -> Vec<(String, String)>,
    ) -> Vec<Door> {
        let door = |worker: Worker| {
            let environment = worker.environment(self.cloud(), tier);
            let job = match &self.forge {
                Forge::Github(_) => Vec::new(),
                Forge::Gitlab(_) => vec![
                    match worker.protected() {
                        true => "a protected environment: only who may deploy to it becomes the provisioner",
                        false => "an environment that is not protected: jobs of every branch plan",
                    }
                    .to_owned(),
                    format!(
                        "environment: {{ name: {environment}, deployment_tier: {} }}",
                        deployment_tier(tier)
                    ),
                    format!("id_tokens: {{ CLOUD_TOKEN: {{ aud: {audience:?} }} }}"),
                ],
            };
            Door {
                environment,
                job,
                variables: variables(worker),
            }
        };
        Worker::ALL.map(door).into()
    }

    /// What the forge has to be told once; nothing where it is ready as it is.
    #[must_use]
    pub fn preparation(&self) -> Option<String> {
        let (Forge::Gitlab(project), Cloud::Aws) = (&self.forge, self.cloud()) else {
            return None;
        };
        Some(format!(
            "# ---- {name}: GitLab project {path}, once\n\
             # AWS sees of a job what its token's subject says: by default the ref alone. Let it say the environment too, or nobody\n\
             # becomes planner or provisioner:\n\
             #   curl --request PUT --header \"PRIVATE-TOKEN: $GITLAB_TOKEN\" --header \"Content-Type: application/json\" \\\n\
             #     --data '{{\"ci_id_token_sub_claim_components\": [\"project_path\", \"environment_protected\", \"deployment_tier\", \"ref_type\", \"ref\"]}}' \\\n\
             #     {url}/api/v4/projects/{encoded}\n",
            name = self.name,
            path = project.path,
            url = project.url,
            encoded = project.path.replace('/', "%2F"),
        ))
    }

    /// The resource that describes all of this from then on, with the block that imports it, in a state of its own beside
    /// the others.
    #[must_use]
    pub fn described(&self, ready: &[Ready]) -> String {
        let backend = ready.first().map(Ready::beside).unwrap_or_default();
        let tiers: Vec<String> = self
            .tiers
            .iter()
            .map(|tier| format!("\"{}\"", tier.as_str()))
            .collect();
        format!(
            "# ---- {name}: backend.hcl of the state that describes all this\n\
             {backend}\n\
             # ---- {name}: state-backend.tf\n\
             {provider}\n\
             import {{\n  to = mlops_state_backend.this\n  id = \"{id}\"\n}}\n\n\
             resource \"mlops_state_backend\" \"this\" {{\n  \
               name           = \"{name}\"\n  \
               cloud          = \"{cloud}\"\n  \
               tiers          = [{tiers}]\n  \
               retention_days = {days}\n  \
               {forge} = {{\n{whose}  }}\n}}\n",
            name = self.name,
            provider = self.provider(),
            id = self.system(),
            cloud = self.cloud().as_str(),
            tiers = tiers.join(", "),
            days = self.retention_days,
            forge = self.forge.as_str(),
            whose = self.forge.described(),
        )
    }
}

impl Forge {
    /// What the resource says of it, as lines.
    fn described(&self) -> String {
        let settings: Vec<(&str, String)> = match self {
            Self::Github(repository) => {
                let (owner, id) = repository.ids.clone().unzip();
                [
                    ("repository", Some(repository.name.clone())),
                    ("owner_id", owner),
                    ("repository_id", id),
                ]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect()
            }
            Self::Gitlab(project) => [
                ("project_path", Some(project.path.clone())),
                ("project_id", project.id.as_ref().map(ToString::to_string)),
                ("url", Some(project.url.to_string())),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        };
        let width = settings.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = settings
            .iter()
            .map(|(name, value)| format!("    {name:width$} = \"{value}\"\n"));
        lines.collect()
    }
}
