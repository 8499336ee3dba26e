//! `terraform-provider-mlops graph`: a picture of an environment, as SVG.

use std::process::ExitCode;

use mlops_environment::spec::{Cloud as Which, CloudFacts};
use mlops_environment::{Config, Environment as Model, Facts, Spec};
use serde_json::{Value as Json, json};
use tfplugin::CallContext;
use tokio_util::sync::CancellationToken;

use crate::command::{self, Problem, Reach};

const HELP: &str = "\
Draw an environment as SVG, on standard output.

Usage: terraform-provider-mlops graph [ID] [OPTIONS]

The picture shows what an environment is made of, from left to right in the order in which it is made, with an arrow to
whatever needs something. The same environment gives the same text. Colours follow the reader's light or dark scheme.

Arguments:
  ID                      The environment to draw, by its attribute id: it is read from its claim
  --example aws|gcp       An example in place of it: needs no cloud

Options:
  --profile NAME          Profile of the AWS configuration
  --endpoint SERVICE=URL  Where a service is reached instead (repeatable)
  -h, --help              Print this help

Examples:
  terraform-provider-mlops graph --example aws > environment.svg
  terraform-provider-mlops graph aws/111122223333/eu-west-1/churn-dev > environment.svg
";

/// Runs the command; `arguments` are those after its name.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let (example, rest) = match example(arguments) {
        Ok(read) => read,
        Err(words) => return command::misused("graph", &words),
    };
    let picture = match (example, command::with_id(rest.into_iter())) {
        (_, Ok(command::Asked::Help)) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        (_, Err(words)) => return command::misused("graph", &words),
        (Some(_), Ok(command::Asked::Run { id: Some(_), .. })) => {
            return command::misused("graph", "an example or an environment, not both");
        }
        (None, Ok(command::Asked::Run { id: None, .. })) => {
            return command::misused("graph", "name the environment, or --example aws|gcp");
        }
        (Some(which), Ok(_)) => drawn_example(which),
        (None, Ok(command::Asked::Run { id: Some(id), reach })) => {
            command::block_on(drawn(&id, &reach)).and_then(|drawn| drawn)
        }
    };
    match picture {
        Ok(svg) => {
            print!("{svg}");
            ExitCode::SUCCESS
        }
        Err(problem) => command::failed(&problem),
    }
}

/// The example that is asked for, and the other arguments.
fn example(arguments: impl Iterator<Item = String>) -> Result<(Option<Which>, Vec<String>), String> {
    let (mut example, mut rest) = (None, Vec::new());
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let word = match argument.strip_prefix("--example") {
            Some("") => arguments.next().ok_or("--example needs aws or gcp")?,
            Some(rest) if rest.starts_with('=') => rest[1..].to_owned(),
            _ => {
                rest.push(argument);
                continue;
            }
        };
        example = Some(match word.as_str() {
            "aws" => Which::Aws,
            "gcp" => Which::Gcp,
            other => return Err(format!("--example {other}: aws or gcp")),
        });
    }
    Ok((example, rest))
}

async fn drawn(id: &str, reach: &Reach) -> Result<String, Problem> {
    let environment = reach.environment(id).await?;
    let context = CallContext::new(CancellationToken::new());
    Ok(environment.standing(&context, id).await?.model.picture())
}

fn drawn_example(which: Which) -> Result<String, Problem> {
    let wrong = |error: String| Problem::new("The example cannot be drawn", error);
    let (block, facts) = match which {
        Which::Aws => (
            json!({ "existing_network": {
                "vpc_id": "vpc-0123456789abcdef0",
                "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
            } }),
            CloudFacts::Aws {
                account: "111122223333"
                    .parse()
                    .map_err(|error| wrong(format!("{error}")))?,
                partition: "aws".to_owned(),
                region: "eu-west-1".parse().ok(),
            },
        ),
        Which::Gcp => (
            json!({ "existing_network": {
                "network": "ml", "subnetwork": "ml-nodes", "pods_range": "pods", "services_range": "services",
            } }),
            CloudFacts::Gcp {
                project: "acme-ml-dev".parse().map_err(|error| wrong(format!("{error}")))?,
                number: "123456789012".to_owned(),
                region: "europe-west1".parse().ok(),
            },
        ),
    };
    let mut settings = json!({
        "name": "churn-dev",
        "tier": "dev",
        "services": { "churn": { "secrets": { "feature-store": { "readers": ["runtime"] } } } },
        "federation": { "github": { "repository": "acme/churn", "owner_id": "1", "repository_id": "2" } },
    });
    if let Json::Object(fields) = &mut settings {
        fields.insert(which.as_str().to_owned(), block);
    }
    let config: Config = serde_json::from_value(settings).map_err(|error| wrong(error.to_string()))?;
    let facts = Facts {
        cloud: facts,
        default_tags: Default::default(),
    };
    let spec = Spec::build(&config, &facts).map_err(|violations| wrong(format!("{violations:?}")))?;
    let model = Model::new(spec).map_err(|violations| wrong(format!("{violations:?}")))?;
    Ok(model.picture())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_both_clouds_are_drawn_the_same_every_time() {
        for (which, cluster) in [(Which::Aws, "access"), (Which::Gcp, "apis")] {
            let drawn = || drawn_example(which).expect("a picture");
            assert_eq!(drawn(), drawn());
            assert!(drawn().contains(&format!(">{cluster}<")));
        }
    }

    #[test]
    fn an_example_is_told_from_an_environment() {
        let read = |text: &str| example(text.split_whitespace().map(str::to_owned));
        assert_eq!(read("--example gcp"), Ok((Some(Which::Gcp), Vec::new())));
        assert_eq!(
            read("--example=aws --help"),
            Ok((Some(Which::Aws), vec!["--help".to_owned()]))
        );
        assert_eq!(read("aws/1/r/n"), Ok((None, vec!["aws/1/r/n".to_owned()])));
        assert!(read("--example azure").is_err() && read("--example").is_err());
    }
}
