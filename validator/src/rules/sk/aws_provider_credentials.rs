//! # SK04 aws-provider-credentials
//!
//! Rejects `access_key`, `secret_key` and `token` in a `provider "aws"` block, whether the value is a literal, a variable or a
//! local, and whatever it looks like: a documentation example in this place is one too.
//!
//! ## Why
//!
//! What stands in a provider block is a key in the code, in the plan, in the shell history or in a variables file.
//!
//! ## Bad
//!
//! ```hcl
//! provider "aws" {
//!   region     = "eu-west-1"
//!   access_key = "AKIAIOSFODNN7EXAMPLE"
//!   secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
//! }
//!
//! resource "aws_sns_topic" "retrain" {
//!   name = "retrain"
//! }
//! ```
//!
//! ## Good
//!
//! Credentials come from the environment: in CI from the job's token, and the role is named.
//!
//! ```hcl
//! provider "aws" {
//!   region = "eu-west-1"
//!   assume_role {
//!     role_arn = "arn:aws:iam::111122223333:role/provisioner"
//!   }
//! }
//!
//! resource "aws_sns_topic" "retrain" {
//!   name = "retrain"
//! }
//! ```
//!
//! ## Reads
//!
//! Provider `aws`: `access_key`, `secret_key`, `token`.
//!
//! ## Limits
//!
//! Credentials in the environment of the run or in a shared file are not in a plan. The test values of an emulator (`test`,
//! `mock`, `localstack`, together with an `endpoints` block) are a note.
//!
//! ## References
//!
//! - <https://registry.terraform.io/providers/hashicorp/aws/latest/docs#authentication-and-configuration>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::{Expression, Provider};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct AwsProviderCredentials;

static META: Meta = Meta {
    code: "SK04",
    name: "aws-provider-credentials",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "static credentials in an aws provider block",
    why: "a key in a provider block is a key in the code, in the plan and in the shell history of whoever runs it",
    invariants: &["D-18", "D-17"],
    since: "0.1.0",
    source: include_str!("aws_provider_credentials.rs"),
};

impl Rule for AwsProviderCredentials {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn provider(&self, cx: &Context<'_>, provider: &Provider<'_>, out: &mut Findings<'_>) {
        if &*provider.name != "aws" {
            return;
        }
        let emulator = provider.expressions.get("endpoints").is_set();
        for argument in ["access_key", "secret_key", "token"] {
            let e = provider.expressions.get(argument);
            let Some(how) = super::provider::written(cx, provider, e) else {
                continue;
            };
            let toy = e.constant().and_then(|v| v.as_str()).is_some_and(|v| {
                [
                    "test",
                    "mock",
                    "fake",
                    "localstack",
                    "mock_access_key",
                    "mock_secret_key",
                    "anything",
                ]
                .contains(&v)
            });
            let finding = out.report(
                provider.at(argument),
                format!("`{argument}` of provider {} is {how}", provider.key),
            );
            finding.fix(format!(
                "provider \"aws\" {{{alias}\n  region = {region}\n  assume_role {{\n    role_arn = \"<role of this pipeline>\" # entered with the job's own token, found in the environment\n  }}\n}}",
                alias = provider.alias.as_ref().map(|a| format!("\n  alias  = \"{a}\"")).unwrap_or_default(),
                region = match provider.expressions.get("region") {
                    Expression::Constant(v) => v.as_str().map_or_else(|| "var.region".to_owned(), |r| format!("\"{r}\"")),
                    _ => "var.region".to_owned(),
                },
            ));
            if toy && emulator {
                finding
                    .level(Level::Note)
                    .why("a value that only an emulator takes; the provider's endpoints say that it is one");
            }
        }
    }
}
