//! What the commands for people share: arguments, credentials, colours, errors.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use mlops_environment::names::EnvironmentId;
use mlops_environment::spec::Cloud as Which;
use tfplugin::Diagnostics;

use crate::clouds::Clouds;
use crate::resource::{Environment, Rhythm};
use crate::settings::{Aws, Gcp, Settings};

/// How the cloud of an environment is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    profile: Option<String>,
    endpoints: BTreeMap<String, String>,
}

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The help.
    Help,
    /// The command, for an environment if one is named.
    Run { id: Option<String>, reach: Reach },
}

/// Reads the arguments of a command about one environment.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn with_id(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut arguments = arguments;
    let (mut id, mut reach) = (None, Reach::default());
    while let Some(argument) = arguments.next() {
        let (name, given) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument.clone(), None),
        };
        let mut value = || {
            given
                .clone()
                .or_else(|| arguments.next())
                .ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "-h" | "--help" | "help" => return Ok(Asked::Help),
            "--profile" => reach.profile = Some(value()?),
            "--endpoint" => {
                let text = value()?;
                let (service, url) = text
                    .split_once('=')
                    .ok_or_else(|| format!("--endpoint {text}: write SERVICE=URL"))?;
                reach.endpoints.insert(service.to_owned(), url.to_owned());
            }
            other if other.starts_with('-') => return Err(format!("unknown option {other}")),
            _ if id.is_none() => id = Some(argument),
            _ => return Err(format!("one environment at a time: {argument} is too much")),
        }
    }
    Ok(Asked::Run { id, reach })
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) struct Problem(Vec<(String, String)>);

impl Problem {
    pub(crate) fn new(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(vec![(summary.into(), detail.into())])
    }
}

impl From<Diagnostics> for Problem {
    fn from(diagnostics: Diagnostics) -> Self {
        Self(
            diagnostics
                .0
                .into_iter()
                .map(|diagnostic| (diagnostic.summary, diagnostic.detail))
                .collect(),
        )
    }
}

impl Reach {
    /// The resource over the cloud of this environment, opened with the SDK's own credentials.
    pub(crate) async fn environment(&self, id: &str) -> Result<Environment, Problem> {
        let text = id.split('@').next().unwrap_or_default();
        let id: EnvironmentId = text
            .parse()
            .map_err(|error| Problem::new("Not an environment", format!("{error}.")))?;
        let mut settings = Settings::default();
        let (region, endpoints) = (Some(id.region().to_owned()), self.endpoints.clone());
        match id.cloud() {
            Which::Aws => {
                settings.aws = Some(Aws {
                    region,
                    profile: self.profile.clone(),
                    endpoints,
                    ..Aws::default()
                });
            }
            Which::Gcp => {
                settings.gcp = Some(Gcp {
                    project: Some(id.account().to_owned()),
                    region,
                    endpoints,
                    ..Gcp::default()
                });
            }
        }
        let clouds = Arc::new(Clouds::default());
        let diagnostics = Diagnostics(clouds.configure(settings).await);
        if diagnostics.has_errors() {
            return Err(diagnostics.into());
        }
        Ok(Environment::new(clouds, Rhythm::default()))
    }
}

/// Runs to its end what a command does.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Problem::new("No runtime", error.to_string()))?;
    Ok(runtime.block_on(work))
}

/// Whether standard output is a terminal that may have colours (<https://no-color.org>).
pub(crate) fn colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::io::stdout().is_terminal()
}

/// Says why a command could not do its work.
pub(crate) fn failed(problem: &Problem) -> ExitCode {
    for (summary, detail) in &problem.0 {
        eprintln!("error: {summary}\n\n{detail}\n");
    }
    ExitCode::from(2)
}

/// Says what is wrong with the arguments.
pub(crate) fn misused(command: &str, words: &str) -> ExitCode {
    eprintln!("error: {words}\n\nTry 'terraform-provider-mlops {command} --help'.");
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Asked, String> {
        with_id(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_may_be_written_both_ways() {
        let Ok(Asked::Run { id, reach }) =
            read("aws/1/r/n --endpoint iam=http://x --endpoint=s3=http://y --profile=me")
        else {
            panic!("not read");
        };
        assert_eq!(id.as_deref(), Some("aws/1/r/n"));
        assert_eq!(reach.profile.as_deref(), Some("me"));
        assert_eq!(reach.endpoints["iam"], "http://x");
        assert_eq!(reach.endpoints["s3"], "http://y");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (arguments, words) in [
            ("a b", "one environment at a time"),
            ("--endpoint", "needs a value"),
            ("--endpoint iam", "write SERVICE=URL"),
            ("--verbose", "unknown option --verbose"),
        ] {
            assert!(
                read(arguments).expect_err(arguments).contains(words),
                "{arguments}"
            );
        }
        assert_eq!(read("x --help"), Ok(Asked::Help));
    }
}
