//! # MI18 public-resource
//!
//! Rejects resource policies that let everybody in (`Principal = "*"` without a condition that pins who), public ACLs, and grants
//! to `allUsers` or `allAuthenticatedUsers`. Where `tfplan-check.toml` lists trusted accounts, a policy that lets in a principal of any
//! other account is a warning.
//!
//! ## Why
//!
//! It bypasses every identity: nobody needs one.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_s3_bucket_policy" "models" {
//!   bucket = "acme-models"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "arn:aws:s3:::acme-models/*" }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "google_storage_bucket_iam_member" "models" {
//!   bucket = "acme-models"
//!   role   = "roles/storage.objectViewer"
//!   member = "allUsers"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_s3_bucket_policy" "models" {
//!   bucket = "acme-models"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [
//!       { Effect = "Deny", Principal = "*", Action = "s3:*", Resource = ["arn:aws:s3:::acme-models", "arn:aws:s3:::acme-models/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } },
//!       { Effect = "Allow", Principal = { Service = "cloudfront.amazonaws.com" }, Action = "s3:GetObject", Resource = "arn:aws:s3:::acme-models/*", Condition = { StringEquals = { "aws:SourceArn" = "arn:aws:cloudfront::111122223333:distribution/E1" } } },
//!     ]
//!   })
//! }
//!
//! resource "aws_kms_key" "storage" {
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" }, Action = "kms:*", Resource = "*" }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Policies of buckets, keys, repositories, secrets, queues, topics and other resources; `aws_s3_bucket_acl`; Google Cloud grants.
//!
//! ## Limits
//!
//! A Cloud Run service that everybody may call is a warning: it may be an API. VPC endpoint policies allow everybody by design and are left alone. Trusts are MI14.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use std::collections::BTreeSet;

use mlops_access::aws::{Arn, Effect, FindingKind, Policy, PrincipalName, is_account_id};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Grant, Graph, Purpose, Reading};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct PublicResource;

static META: Meta = Meta {
    code: "MI18",
    name: "public-resource",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "resource that everybody may use",
    why: "it bypasses every identity: nobody needs one",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("public_resource.rs"),
};

/// Accounts that are let in and are not on the configuration's list, each once.
fn strangers<'p>(cx: &Context<'_>, policy: &'p Policy) -> impl Iterator<Item = &'p str> {
    let allowing = policy.statements.iter().filter(|s| s.effect == Effect::Allow);
    let names = allowing
        .filter_map(|s| s.principals.as_ref())
        .filter(|p| !p.negated)
        .flat_map(|p| &p.names);
    let accounts = names.filter_map(|n| match n {
        PrincipalName::Account(account) => Some(account.as_str()),
        PrincipalName::Arn(arn) => Arn::parse(arn).map(|a| a.account),
        _ => None,
    });
    accounts
        .filter(|a| is_account_id(a) && !cx.config.trusts_account(a))
        .collect::<BTreeSet<&str>>()
        .into_iter()
}

impl Rule for PublicResource {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["aws_s3_bucket_acl", "aws_s3_bucket", "aws_ecrpublic_repository"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let acl = values.get("acl");
        if cx.is_set(r, "acl")
            && let Some(acl) = acl
                .as_str()
                .filter(|a| matches!(*a, "public-read" | "public-read-write" | "authenticated-read"))
        {
            out.report(r.at("acl"), format!("the ACL `{acl}` lets everybody in")).fix(format!("resource \"aws_s3_bucket_public_access_block\" \"{n}\" {{\n  bucket                  = <the bucket>\n  block_public_acls       = true\n  block_public_policy     = true\n  ignore_public_acls      = true\n  restrict_public_buckets = true\n}}", n = r.name));
        }
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Resource]
    }

    fn sift(&self, cx: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Resource
            && (policy
                .statements
                .iter()
                .filter_map(|s| s.principals.as_ref())
                .any(|p| p.negated || p.names.iter().any(|n| matches!(n, PrincipalName::Anyone)))
                || strangers(cx, policy).next().is_some())
    }

    fn policy(
        &self,
        cx: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose != Purpose::Resource || document.place.address.contains("aws_vpc_endpoint") {
            return;
        }
        for account in strangers(cx, policy) {
            out.report(
                document.place.clone(),
                format!("lets principals of account {account} in, which is not among the trusted accounts"),
            )
            .level(Level::Warning)
            .why("tfplan-check.toml lists the accounts whose principals may enter, and this is none of them")
            .fix(format!(
                "# if it is yours, in tfplan-check.toml:\n[trusted]\naccounts = [\"{account}\"]"
            ));
        }
        for f in policy.findings() {
            if f.kind == FindingKind::AnyPrincipal && !f.narrowed {
                let name = super::fix::name_of(&document.place);
                out.report(document.place.clone(), format!("statement {} lets everybody in", super::fix::label(policy, f.statement))).fix(format!(
                    "data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    principals {{\n      type        = \"AWS\"\n      identifiers = [aws_iam_role.<the role>.arn]\n    }}\n    # or a condition: StringEquals aws:PrincipalOrgID, ArnEquals aws:SourceArn\n  }}\n}}"
                ));
            }
        }
    }

    fn grant(&self, _: &Context<'_>, _: &Graph, grant: &Grant, out: &mut Findings<'_>) {
        for m in grant
            .members
            .iter()
            .filter(|m| matches!(m.text.as_str(), "allUsers" | "allAuthenticatedUsers"))
        {
            let finding = out.report(
                grant.place.clone(),
                format!("gives `{}` to `{}`", grant.role, m.text),
            );
            finding.fix(format!("resource \"google_{}_iam_member\" \"{}\" {{\n  role   = \"{}\"\n  member = google_service_account.<the account>.member\n}}", grant.scope.kind, super::fix::name_of(&grant.place), grant.role));
            if grant.role == "roles/run.invoker" || grant.role == "roles/cloudfunctions.invoker" {
                finding.level(Level::Warning);
            }
        }
    }
}
