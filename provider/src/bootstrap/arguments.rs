//! The command line of `bootstrap`.

use std::collections::{BTreeMap, BTreeSet};

use mlops_environment::bootstrap::{Forge, Project, RETENTION_DAYS, Repository, TIERS};
use mlops_environment::spec::{Cloud, EnvironmentName, GitlabProject, Tier};

/// What `--help` says.
pub(super) const HELP: &str = "\
Makes what must stand before the first environment, and keeps no state itself.

Usage: terraform-provider-mlops bootstrap aws --name NAME --region REGION FORGE [OPTION]...
       terraform-provider-mlops bootstrap gcp --name NAME --project PROJECT --region REGION FORGE [OPTION]...
FORGE: --github OWNER/REPOSITORY or --gitlab GROUP/PROJECT

It makes or repairs a bucket for Terraform's states (versioned, encrypted with its own key, TLS only, closed to the
public), lets the tokens of GitHub or GitLab in, and makes for each environment NAME-dev, NAME-staging, NAME-prod a
planner that may read it and a provisioner that may make it, each with a boundary. Then it prints backend.hcl, the
provider block and the variables of GitHub's or GitLab's environments. Run it as often as you like: it looks, compares,
and changes what differs.

On Google Cloud it also enables the APIs that a first plan calls, and the project is the border: give each tier a
project of its own, and bootstrap each with its --tiers.

Options:
  --name NAME                  Name of the system, up to 12 lower-case letters, digits and hyphens
  --project PROJECT            Google Cloud: id of the project
  --region REGION              Region of the states and the environments, for example eu-west-1 or europe-west1
  --github OWNER/REPOSITORY    The infrastructure repository, whose workflows plan and apply
  --github-ids OWNER/REPOSITORY
                               Their numeric ids, for example 123456/456789: they survive renames, and stop whoever
                               registers the name after you (gh api repos/OWNER/REPOSITORY --jq '.owner.id,.id')
  --gitlab GROUP/PROJECT       The infrastructure project, whose pipelines plan and apply; groups nest
  --gitlab-url URL             Its instance [default: https://gitlab.com]
  --gitlab-id NUMBER           Google Cloud: the project's number, which survives renames (AWS does not see it)
  --tiers TIER,...             The tiers that live in this account or project [default: dev,staging,prod]
  --retention-days DAYS        How long a state's old versions are kept [default: 365]
  --profile PROFILE            AWS: profile of the shared configuration
  --endpoint SERVICE=URL       Where a service is reached instead (repeatable), for private endpoints and local clouds
  --check                      Change nothing; exit 1 if anything differs
  --print-policy               Change nothing; print every policy, role and grant that would stand
  -h, --help                   Print this help

Exit codes: 0 everything is as it shall be, 1 it is not, 2 the command line cannot be.

The state bucket, its key and old versions of states are never deleted by this command.
";

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Make and repair.
    Repair,
    /// Compare.
    Check,
    /// Show the documents.
    PrintPolicy,
}

/// A command line that can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) mode: Mode,
    pub(super) cloud: Cloud,
    pub(super) name: EnvironmentName,
    /// On Google Cloud.
    pub(super) project: Option<String>,
    pub(super) region: String,
    pub(super) forge: Forge,
    pub(super) tiers: BTreeSet<Tier>,
    pub(super) retention_days: u32,
    pub(super) profile: Option<String>,
    pub(super) endpoints: BTreeMap<String, String>,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// For help.
    Help,
    /// For work.
    Work(Box<Arguments>),
}

/// Reads the arguments behind `bootstrap`.
///
/// # Errors
/// What is wrong with them, in words.
pub(super) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Asked, String> {
    let mut arguments = arguments.into_iter();
    let mut cloud = None;
    let mut mode = Mode::Repair;
    let (mut name, mut project, mut region, mut profile) = (None, None, None, None);
    let mut whose = Whose::default();
    let mut endpoints = BTreeMap::new();
    let mut tiers = TIERS.into_iter().collect();
    let mut retention_days = RETENTION_DAYS;
    while let Some(argument) = arguments.next() {
        // `--name=churn` is `--name churn`.
        let (flag, mut attached) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
            _ => (argument, None),
        };
        let mut value = || {
            attached
                .take()
                .or_else(|| arguments.next())
                .ok_or_else(|| format!("{flag} wants a value"))
        };
        match flag.as_str() {
            "-h" | "--help" => return Ok(Asked::Help),
            "--check" => mode = Mode::Check,
            "--print-policy" => mode = Mode::PrintPolicy,
            "--name" => name = Some(value()?),
            "--region" => region = Some(value()?),
            "--github" => whose.github = Some(value()?),
            "--github-ids" => whose.github_ids = Some(value()?),
            "--gitlab" => whose.gitlab = Some(value()?),
            "--gitlab-url" => whose.gitlab_url = Some(value()?),
            "--gitlab-id" => whose.gitlab_id = Some(value()?),
            "--project" => project = Some(value()?),
            "--profile" => profile = Some(value()?),
            "--endpoint" => {
                let text = value()?;
                let (service, url) = text
                    .split_once('=')
                    .ok_or_else(|| format!("--endpoint {text}: write SERVICE=URL"))?;
                endpoints.insert(service.to_owned(), url.to_owned());
            }
            "--tiers" => tiers = read_tiers(&value()?)?,
            "--retention-days" => {
                let text = value()?;
                let days = text.parse().ok().filter(|days| (1..=3650).contains(days));
                retention_days = days.ok_or_else(|| format!("--retention-days {text}: 1 to 3650 days"))?;
            }
            other if other.starts_with('-') => return Err(format!("unknown option '{other}'")),
            other if cloud.is_none() => cloud = Some(other.to_owned()),
            other => return Err(format!("unexpected argument '{other}'")),
        }
        if let Some(extra) = attached {
            return Err(format!("{flag} takes no value, and got '{extra}'"));
        }
    }
    let cloud = match cloud.as_deref() {
        Some("aws") => Cloud::Aws,
        Some("gcp") => Cloud::Gcp,
        Some(other) => {
            return Err(format!(
                "unknown cloud '{other}': aws and gcp are what bootstrap knows"
            ));
        }
        None => return Err("which cloud? bootstrap aws … or bootstrap gcp …".to_owned()),
    };
    match cloud {
        Cloud::Aws if project.is_some() => return Err("--project is of Google Cloud".to_owned()),
        Cloud::Gcp if project.is_none() => return Err("--project is missing".to_owned()),
        Cloud::Gcp if profile.is_some() => return Err("--profile is of AWS".to_owned()),
        _ => {}
    }
    let wanted = |what: &str, given: Option<String>| given.ok_or_else(|| format!("{what} is missing"));
    let name = wanted("--name", name)?;
    Ok(Asked::Work(Box::new(Arguments {
        mode,
        cloud,
        name: system_name(&name)?,
        project,
        region: wanted("--region", region)?,
        forge: whose.forge(cloud)?,
        tiers,
        retention_days,
        profile,
        endpoints,
    })))
}

/// With `-staging` behind it, it names an environment.
fn system_name(text: &str) -> Result<EnvironmentName, String> {
    const LONGEST: usize = EnvironmentName::MAX - "-staging".len();
    let name: EnvironmentName = text.parse().map_err(|error| format!("--name: {error}"))?;
    if text.len() > LONGEST {
        return Err(format!(
            "--name {text} has {} letters, and {LONGEST} is the most: with -staging behind it, it names an environment",
            text.len()
        ));
    }
    Ok(name)
}

fn read_tiers(text: &str) -> Result<BTreeSet<Tier>, String> {
    let tier = |word: &str| {
        let known = TIERS.into_iter().find(|tier| tier.as_str() == word.trim());
        known.ok_or_else(|| format!("--tiers: '{word}' is not dev, staging or prod"))
    };
    text.split(',').map(tier).collect()
}

/// What was said of the infrastructure's repository.
#[derive(Debug, Default)]
struct Whose {
    github: Option<String>,
    github_ids: Option<String>,
    gitlab: Option<String>,
    gitlab_url: Option<String>,
    gitlab_id: Option<String>,
}

impl Whose {
    fn forge(self, cloud: Cloud) -> Result<Forge, String> {
        let of_another = |given: &Option<String>, flag: &str, other: &str| match given {
            Some(_) => Err(format!("{flag} belongs to {other}")),
            None => Ok(()),
        };
        match (self.github, self.gitlab) {
            (Some(_), Some(_)) => {
                Err("--github and --gitlab: the infrastructure lives in one of them".to_owned())
            }
            (None, None) => Err("--github or --gitlab is missing: whose jobs plan and apply?".to_owned()),
            (Some(name), None) => {
                of_another(&self.gitlab_url, "--gitlab-url", "--gitlab")?;
                of_another(&self.gitlab_id, "--gitlab-id", "--gitlab")?;
                Ok(Forge::Github(repository(name, self.github_ids)?))
            }
            (None, Some(path)) => {
                of_another(&self.github_ids, "--github-ids", "--github")?;
                if cloud == Cloud::Aws && self.gitlab_id.is_some() {
                    return Err(
                        "--gitlab-id is of Google Cloud: AWS reads audience and subject of a token, which names the project \
                         by its path"
                            .to_owned(),
                    );
                }
                let path: GitlabProject = path.parse().map_err(|error| format!("--gitlab: {error}"))?;
                let url = self.gitlab_url.unwrap_or_else(|| "https://gitlab.com".to_owned());
                let id = self.gitlab_id.map(|id| id.parse()).transpose();
                Ok(Forge::Gitlab(Project {
                    url: url.parse().map_err(|error| format!("--gitlab-url: {error}"))?,
                    path: path.to_string(),
                    id: id.map_err(|error| format!("--gitlab-id: {error}"))?,
                }))
            }
        }
    }
}

fn repository(name: String, ids: Option<String>) -> Result<Repository, String> {
    let halves = |text: &str, fits: fn(char) -> bool| {
        let (owner, repository) = text.split_once('/')?;
        let good = |half: &str| !half.is_empty() && half.chars().all(fits);
        (good(owner) && good(repository)).then(|| (owner.to_owned(), repository.to_owned()))
    };
    let letters: fn(char) -> bool = |letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if halves(&name, letters).is_none() {
        return Err(format!("--github '{name}' is not OWNER/REPOSITORY"));
    }
    let ids = match ids {
        None => None,
        Some(text) => Some(
            halves(&text, |letter| letter.is_ascii_digit())
                .ok_or_else(|| format!("--github-ids '{text}' is not two numbers, OWNER/REPOSITORY"))?,
        ),
    };
    Ok(Repository { name, ids })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn reads_a_whole_line() {
        let line = "aws --name churn --region=eu-west-1 --github acme/infra --github-ids 1/2 --tiers dev,prod --check";
        let Ok(Asked::Work(arguments)) = asked(line) else {
            panic!("{:?}", asked(line));
        };
        assert_eq!(arguments.mode, Mode::Check);
        assert_eq!(arguments.region, "eu-west-1");
        assert_eq!(arguments.tiers, BTreeSet::from([Tier::Dev, Tier::Prod]));
        assert_eq!(subject(&arguments.forge), "repo:acme@1/infra@2");
        assert_eq!(arguments.retention_days, RETENTION_DAYS);
    }

    fn subject(forge: &Forge) -> String {
        match forge {
            Forge::Github(repository) => repository.subject(),
            Forge::Gitlab(project) => format!("{} on {}", project.path, project.url),
        }
    }

    #[test]
    fn a_project_of_gitlab_is_another_forge() {
        for (line, whose) in [
            (
                "aws --name churn --region eu-west-1 --gitlab acme/platform/infra",
                "acme/platform/infra on https://gitlab.com",
            ),
            (
                "gcp --name churn --project acme-ml --region europe-west1 --gitlab acme/infra --gitlab-id 42 \
                 --gitlab-url https://git.acme.example/gitlab",
                "acme/infra on https://git.acme.example/gitlab",
            ),
        ] {
            let Ok(Asked::Work(arguments)) = asked(line) else {
                panic!("{:?}", asked(line));
            };
            assert_eq!(subject(&arguments.forge), whose);
        }
    }

    #[test]
    fn all_tiers_are_meant_where_none_is_said() {
        let line = "aws --name churn --region eu-west-1 --github acme/infra";
        let Ok(Asked::Work(arguments)) = asked(line) else {
            panic!("{:?}", asked(line));
        };
        assert_eq!(arguments.tiers.len(), 3);
        assert_eq!(subject(&arguments.forge), "repo:acme/infra");
    }

    #[test]
    fn a_line_that_cannot_be_says_why() {
        for (line, why) in [
            ("", "which cloud"),
            ("azure", "unknown cloud 'azure'"),
            ("gcp --name churn --region r --github a/b", "--project is missing"),
            (
                "aws --name churn --project p --region r --github a/b",
                "of Google Cloud",
            ),
            ("gcp --project p --profile x", "--profile is of AWS"),
            ("gcp --endpoint storage", "write SERVICE=URL"),
            ("aws", "--name is missing"),
            ("aws --name", "--name wants a value"),
            ("aws --name churn --region r", "--github or --gitlab is missing"),
            (
                "aws --name churn --region r --github a/b --gitlab a/b",
                "one of them",
            ),
            (
                "aws --name churn --region r --github a/b --gitlab-url https://g.example",
                "--gitlab-url belongs to --gitlab",
            ),
            (
                "aws --name churn --region r --gitlab a/b --github-ids 1/2",
                "--github-ids belongs to --github",
            ),
            (
                "aws --name churn --region r --gitlab a/b --gitlab-id 42",
                "--gitlab-id is of Google Cloud",
            ),
            (
                "aws --name churn --region r --gitlab infra",
                "--gitlab: \"infra\" is not a GitLab project",
            ),
            (
                "aws --name churn --region r --gitlab a/b:*",
                "is not a GitLab project",
            ),
            (
                "aws --name churn --region r --gitlab a/b --gitlab-url http://g.example",
                "is not the URL of a GitLab instance",
            ),
            (
                "gcp --name churn --project p --region r --gitlab a/b --gitlab-id x",
                "is not a GitLab id",
            ),
            (
                "aws --name recommendations --region r --github a/b",
                "12 is the most",
            ),
            ("aws --name Churn --region r --github a/b", "lower-case"),
            (
                "aws --name churn --region r --github acme",
                "not OWNER/REPOSITORY",
            ),
            (
                "aws --name churn --region r --github a/b:*",
                "not OWNER/REPOSITORY",
            ),
            (
                "aws --name churn --region r --github a/b --github-ids a/b",
                "two numbers",
            ),
            ("aws --tiers dev,production", "'production'"),
            ("aws --retention-days 0", "1 to 3650"),
            ("aws --force", "unknown option '--force'"),
            ("aws --check=yes", "takes no value"),
            ("aws gcp", "unexpected argument 'gcp'"),
        ] {
            let error = asked(line).expect_err(line);
            assert!(error.contains(why), "{line}: {error}");
        }
        assert_eq!(asked("aws --help"), Ok(Asked::Help));
    }
}
