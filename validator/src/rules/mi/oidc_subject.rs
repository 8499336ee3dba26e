//! # MI09 oidc-subject
//!
//! Rejects a trust in a CI system's tokens that leaves open who they speak for: no condition on `sub`, one that holds without the claim
//! (`ForAllValues`, `…IfExists`), one that only excludes, a wildcard in owner, repository or environment, `repo:o/r:*`, pull requests.
//! A missing `aud` is a warning. Where `tfplan-check.toml` lists trusted repositories, any other repository is an error.
//!
//! ## Why
//!
//! Every repository on GitHub can ask the same issuer for a token; only the subject tells yours from anybody's.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name = "ci"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" } }
//!     }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name = "ci"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = {
//!         StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
//!         StringLike   = { "token.actions.githubusercontent.com:sub" = "repo:acme/churn:*" }
//!       }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name = "ci"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:ref:refs/heads/main"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Trust policies of `aws_iam_role`: federated principals, conditions on `…:sub` and `…:aud`.
//!
//! ## Limits
//!
//! A trailing wildcard behind `ref:refs/tags/v` is accepted: tags are gated by the repository. Clusters' tokens are MI11. AWS sees only `aud` and `sub`.
//!
//! ## References
//!
//! - <https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws>
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html>

use mlops_access::aws::UNKNOWN_TEXT;

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::entrance::{Issuer, Pinned, fixed_part};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct OidcSubject;

static META: Meta = Meta {
    code: "MI09",
    name: "oidc-subject",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "CI trust that does not pin the subject",
    why: "everybody can ask the same issuer for a token; only the subject tells yours from anybody's",
    invariants: &["D-26", "D-31"],
    since: "0.1.0",
    source: include_str!("oidc_subject.rs"),
};

/// What a subject leaves open, in words.
fn open(subject: &str) -> Option<String> {
    let (fixed, wild) = fixed_part(subject);
    if subject.ends_with(":pull_request") {
        return Some("lets pull requests in".to_owned());
    }
    if !wild {
        return None;
    }
    // Owner and repository, then what of the repository.
    let path = fixed
        .strip_prefix("repo:")
        .or_else(|| fixed.strip_prefix("project_path:"));
    let Some(path) = path else {
        return Some("leaves the repository open".to_owned());
    };
    let Some((repository, what)) = path.split_once(':') else {
        return Some(
            if path.contains('/') {
                "leaves the repository open"
            } else {
                "leaves the owner open"
            }
            .to_owned(),
        );
    };
    if !repository.contains('/') {
        return Some("leaves the repository open".to_owned());
    }
    match what {
        "" => Some("lets every branch, tag, environment and pull request of the repository in".to_owned()),
        // Tags are made under the repository's own rules.
        w if w.starts_with("ref:refs/tags/") || w.starts_with("ref_type:tag") => None,
        w if w.starts_with("environment:") => Some("leaves the environment open".to_owned()),
        w if w.starts_with("ref:refs/heads/") && w.len() > "ref:refs/heads/".len() => {
            // `release/*`: a branch name that anybody with write access can make.
            Some("leaves the branch open".to_owned())
        }
        w if w.starts_with("ref") => Some("leaves the branch open".to_owned()),
        _ => Some("leaves part of the subject open".to_owned()),
    }
}

/// The repository (`owner/name`) that a subject names exactly.
fn repository(subject: &str) -> Option<&str> {
    let (fixed, _) = fixed_part(subject);
    let path = fixed
        .strip_prefix("repo:")
        .or_else(|| fixed.strip_prefix("project_path:"))?;
    let (repository, _) = path.split_once(':')?;
    (repository.contains('/') && !repository.contains(UNKNOWN_TEXT)).then_some(repository)
}

impl Rule for OidcSubject {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Trust && policy.entrances().iter().any(|e| e.kind == Issuer::Ci)
    }

    fn trust(
        &self,
        cx: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        for e in policy.entrances().iter().filter(|e| e.kind == Issuer::Ci) {
            let role = super::fix::name_of(&document.place);
            let host = &e.issuer;
            let fix = |sub: &str| {
                format!(
                    "data \"aws_iam_policy_document\" \"{role}_trust\" {{\n  statement {{\n    actions = [\"sts:AssumeRoleWithWebIdentity\"]\n    principals {{\n      type        = \"Federated\"\n      identifiers = [<the provider>]\n    }}\n    condition {{\n      test     = \"StringEquals\"\n      variable = \"{host}:aud\"\n      values   = [\"sts.amazonaws.com\"]\n    }}\n    condition {{\n      test     = \"StringEquals\"\n      variable = \"{host}:sub\"\n      values   = [\"{sub}\"]\n    }}\n  }}\n}}"
                )
            };
            let example = "repo:<owner>/<repository>:environment:<environment>";
            match e.pinned() {
                Pinned::Nothing(why) => {
                    out.report(
                        document.place.clone(),
                        format!("any token of {host} enters: {why}"),
                    )
                    .fix(fix(example));
                }
                Pinned::Unknown => {
                    out.undecided(
                        document.place.clone(),
                        format!("which subjects of {host} enter is not known before apply"),
                    );
                }
                Pinned::To(values) => {
                    for v in values {
                        let stranger = repository(v).filter(|r| !cx.config.trusts_repository(r));
                        if let Some(stranger) = stranger {
                            out.report(
                                document.place.clone(),
                                format!("jobs of `{stranger}` enter, which is not among the trusted repositories"),
                            )
                            .why("tfplan-check.toml lists the repositories whose jobs may enter, and this is none of them")
                            .fix(format!("{}\n# or, if it is yours, in tfplan-check.toml:\n[trusted]\nrepositories = [\"{stranger}\"]", fix(example)));
                        }
                        if let Some(how) = open(v) {
                            let (fixed, _) = fixed_part(v);
                            let repository = fixed
                                .strip_prefix("repo:")
                                .and_then(|p| p.split_once(':'))
                                .map(|(r, _)| r)
                                .filter(|r| r.contains('/'));
                            let sub = repository.map_or_else(
                                || example.to_owned(),
                                |r| format!("repo:{r}:environment:<environment>"),
                            );
                            let finding = out.report(
                                document.place.clone(),
                                format!(
                                    "the subject `{}` {how}",
                                    v.replace(UNKNOWN_TEXT, "(known after apply)")
                                ),
                            );
                            finding.fix(fix(&sub));
                            // A family of branches of one repository is a smaller fault than any branch.
                            if how == "leaves the branch open"
                                && fixed.len() > fixed.find("refs/heads/").map_or(usize::MAX, |i| i + 11)
                            {
                                finding.level(Level::Warning);
                            }
                        }
                    }
                }
            }
            if !e.audience {
                out.report(
                    document.place.clone(),
                    format!("the audience of tokens of {host} is not pinned"),
                )
                .level(Level::Warning)
                .why("a token made for another service enters too")
                .fix(fix(example));
            }
        }
    }
}
