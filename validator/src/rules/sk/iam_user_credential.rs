//! # SK02 iam-user-credential
//!
//! Rejects what makes an IAM user usable: a console password (`aws_iam_user_login_profile`), credentials of one service
//! (`aws_iam_service_specific_credential`), an SSH key for CodeCommit, a signing certificate. An `aws_iam_user` whose name says
//! that a machine uses it is a warning even without them: it exists to be given a key.
//!
//! ## Why
//!
//! A user lives until somebody deletes it and its credentials never expire; people sign in through Identity Center and machines enter roles.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_user" "anna" {
//!   name = "anna"
//! }
//!
//! resource "aws_iam_user_login_profile" "anna" {
//!   user = aws_iam_user.anna.name
//! }
//! ```
//!
//! ```hcl
//! resource "aws_iam_user" "deployer" {
//!   name = "github-deployer"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "deployer" {
//!   name = "deployer"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:environment:aws-prod"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_iam_user_login_profile`, `aws_iam_service_specific_credential`, `aws_iam_user_ssh_key`, `aws_iam_signing_certificate`:
//! `user`, `user_name`, `status`. `aws_iam_user`: `name`.
//!
//! ## Limits
//!
//! Whether a user is a machine is told by its name alone. Access keys are SK01.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::secrets::name;
use crate::value::Value;

/// See the page above.
pub(super) struct IamUserCredential;

static META: Meta = Meta {
    code: "SK02",
    name: "iam-user-credential",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "credential of an IAM user",
    why: "a user's credential never expires and works from anywhere for whoever has a copy",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("iam_user_credential.rs"),
};

/// Words in the name of a user that no person has.
const MACHINES: &[&str] = &[
    "ci",
    "cd",
    "cicd",
    "deploy",
    "deployer",
    "deployment",
    "bot",
    "robot",
    "svc",
    "service",
    "github",
    "gitlab",
    "jenkins",
    "circleci",
    "bitbucket",
    "terraform",
    "pipeline",
    "runner",
    "automation",
    "automated",
    "machine",
    "app",
    "api",
    "backend",
    "worker",
    "lambda",
    "ecr",
    "pusher",
    "uploader",
    "backup",
    "mlflow",
    "training",
    "airflow",
    "argocd",
];

impl Rule for IamUserCredential {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "aws_iam_user",
            "aws_iam_user_login_profile",
            "aws_iam_service_specific_credential",
            "aws_iam_user_ssh_key",
            "aws_iam_signing_certificate",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        if &*r.kind == "aws_iam_user" {
            let user = values.get("name").as_str().unwrap_or(&r.name).to_owned();
            if let Some(word) = name::words(&user)
                .into_iter()
                .find(|w| MACHINES.contains(&w.as_str()))
            {
                out.report(r.at("name"), format!("IAM user `{user}` is a machine's, as `{word}` in its name says"))
                    .why("a machine needs a role it can enter with a token of its own; a user exists to be given a key")
                    .fix(role(&r.name))
                    .level(Level::Warning);
            }
            return;
        }
        let credential = match &*r.kind {
            "aws_iam_user_login_profile" => "console password",
            "aws_iam_service_specific_credential" => "service-specific credential",
            "aws_iam_user_ssh_key" => "SSH key",
            _ => "signing certificate",
        };
        let argument = match &*r.kind {
            "aws_iam_user_login_profile" => "user",
            "aws_iam_user_ssh_key" => "username",
            _ => "user_name",
        };
        let users = cx.targets(r, argument);
        let user = values
            .get(argument)
            .as_str()
            .map(str::to_owned)
            .or_else(|| users.first().map(|u| u.address.to_string()));
        let finding = out.report(
            r.at(""),
            format!(
                "{credential} of IAM user `{}`",
                user.unwrap_or_else(|| r.name.to_string())
            ),
        );
        if &*r.kind == "aws_iam_user_login_profile" {
            finding.fix(format!("# remove {}; people sign in through IAM Identity Center:\nresource \"aws_ssoadmin_account_assignment\" \"{}\" {{ … }}", r.address, r.name));
        } else {
            finding.fix(role(&r.name));
        }
        if values.get("status").as_str() == Some("Inactive") {
            finding.level(Level::Warning);
        }
        for user in users {
            finding.related(user.at(""), "the user is declared here");
        }
    }
}

fn role(name: &str) -> String {
    format!(
        "resource \"aws_iam_role\" \"{name}\" {{\n  name               = \"{name}\"\n  assume_role_policy = data.aws_iam_policy_document.{name}_trust.json # sts:AssumeRoleWithWebIdentity, exact aud and sub\n}}"
    )
}
