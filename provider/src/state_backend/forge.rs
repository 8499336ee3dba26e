//! Where the infrastructure's code lives, as the configuration says it.

use mlops_environment::bootstrap::{Forge, Project, Repository};
use mlops_environment::spec::{Cloud, GitlabId, GitlabProject, GitlabUrl};
use serde::Deserialize;
use tfplugin::{Diagnostic, Path, Value};

/// A repository of GitHub's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Github {
    repository: String,
    owner_id: Option<String>,
    repository_id: Option<String>,
}

/// A project of GitLab's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Gitlab {
    project_path: String,
    project_id: Option<String>,
    url: Option<String>,
}

/// Where the code lives; a list of what is wrong with what was said.
pub(super) fn forge(
    github: Option<&Github>,
    gitlab: Option<&Gitlab>,
    cloud: Option<Cloud>,
) -> Result<Forge, Vec<Diagnostic>> {
    let root = Path::root();
    let one = |summary: &str, attribute: &str| {
        Err(vec![
            Diagnostic::error(
                summary,
                "Give github or gitlab: the one whose jobs plan and apply.",
            )
            .at(root.clone().attribute(attribute)),
        ])
    };
    match (github, gitlab) {
        (Some(github), None) => github.forge(),
        (None, Some(gitlab)) => gitlab.forge(cloud),
        (None, None) => one("Nobody plans and applies", "github"),
        (Some(_), Some(_)) => one("Two places for the infrastructure's code", "gitlab"),
    }
}

impl Github {
    fn forge(&self) -> Result<Forge, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let at = Path::root().attribute("github");
        let letters = |half: &str| {
            let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !half.is_empty() && half.chars().all(legal)
        };
        let halves = self.repository.split_once('/');
        if !halves.is_some_and(|(owner, name)| letters(owner) && letters(name)) {
            wrong.push(
                Diagnostic::error(
                    "Not a repository",
                    format!("\"{}\" is not owner/name.", self.repository),
                )
                .at(at.clone().attribute("repository")),
            );
        }
        for (name, id) in [
            ("owner_id", &self.owner_id),
            ("repository_id", &self.repository_id),
        ] {
            let number = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
            if id.as_ref().is_some_and(|id| !number(id)) {
                let detail = format!(
                    "{name} is a number. gh api repos/{} --jq '.owner.id,.id' tells both.",
                    self.repository
                );
                wrong.push(Diagnostic::error("Not an id", detail).at(at.clone().attribute(name)));
            }
        }
        if self.owner_id.is_some() != self.repository_id.is_some() {
            wrong.push(
                Diagnostic::error(
                    "One id alone",
                    "Give owner_id and repository_id, or neither: a token is told apart by both together.",
                )
                .at(at),
            );
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Forge::Github(Repository {
            name: self.repository.clone(),
            ids: self.owner_id.clone().zip(self.repository_id.clone()),
        }))
    }
}

impl Gitlab {
    fn forge(&self, cloud: Option<Cloud>) -> Result<Forge, Vec<Diagnostic>> {
        let mut wrong = Vec::new();
        let at = |name: &str| Path::root().attribute("gitlab").attribute(name);
        let mut read = |name: &str, error: Option<String>| {
            if let Some(error) = error {
                wrong.push(Diagnostic::error("Not of GitLab", format!("{error}.")).at(at(name)));
            }
        };
        let path = self.project_path.parse::<GitlabProject>();
        read("project_path", path.as_ref().err().map(ToString::to_string));
        let url = self
            .url
            .as_deref()
            .unwrap_or("https://gitlab.com")
            .parse::<GitlabUrl>();
        read("url", url.as_ref().err().map(ToString::to_string));
        let id = self.project_id.as_deref().map(str::parse::<GitlabId>).transpose();
        read("project_id", id.as_ref().err().map(ToString::to_string));
        if cloud == Some(Cloud::Aws) && self.project_id.is_some() {
            wrong.push(
                Diagnostic::error(
                    "AWS does not see the project's number",
                    "STS reads audience and subject of a token of GitLab, and the subject names the project by its path. Remove \
                     project_id.",
                )
                .at(at("project_id")),
            );
        }
        match (path, url, id) {
            (Ok(path), Ok(url), Ok(id)) if wrong.is_empty() => Ok(Forge::Gitlab(Project {
                url,
                path: path.to_string(),
                id,
            })),
            _ => Err(wrong),
        }
    }
}

/// The attributes of a forge that was read back from the cloud: `github` and `gitlab`, one of them null.
pub(super) fn attributes(forge: &Forge) -> [(String, Value); 2] {
    let (github, gitlab) = match forge {
        Forge::Github(repository) => {
            let (owner, id) = repository.ids.clone().unzip();
            let github = Value::object([
                ("repository", Value::from(repository.name.clone())),
                ("owner_id", Value::from(owner)),
                ("repository_id", Value::from(id)),
            ]);
            (github, Value::Null)
        }
        Forge::Gitlab(project) => {
            let gitlab = Value::object([
                ("project_path", Value::from(project.path.clone())),
                (
                    "project_id",
                    Value::from(project.id.as_ref().map(ToString::to_string)),
                ),
                ("url", Value::from(project.url.to_string())),
            ]);
            (Value::Null, gitlab)
        }
    };
    [("github".to_owned(), github), ("gitlab".to_owned(), gitlab)]
}
