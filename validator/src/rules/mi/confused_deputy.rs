//! # MI22 confused-deputy
//!
//! Rejects resource policies that let an AWS service in without saying for whom it acts: no `aws:SourceArn`, `aws:SourceAccount`,
//! organisation or encryption context.
//!
//! ## Why
//!
//! The same service acts for every customer of AWS: somebody else's trail, bucket or rule can use it to write or read here.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_sqs_queue_policy" "events" {
//!   queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Principal = { Service = "s3.amazonaws.com" }, Action = "sqs:SendMessage", Resource = "*" }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_s3_bucket_policy" "logs" {
//!   bucket = "acme-logs"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Principal = { Service = "logging.s3.amazonaws.com" }
//!       Action    = "s3:PutObject"
//!       Resource  = "arn:aws:s3:::acme-logs/*"
//!       Condition = { ArnLike = { "aws:SourceArn" = "arn:aws:s3:::acme-models" }, StringEquals = { "aws:SourceAccount" = "111122223333" } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Policies of buckets, queues, topics, keys, repositories and other resources; `aws_lambda_permission`.
//!
//! ## Limits
//!
//! A warning: for some services the source cannot be given (`delivery.logs` of older kinds, load balancers' log delivery), and these are left alone. Trusts of roles
//! by services are not judged here.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html#cross-service-confused-deputy-prevention>

use mlops_access::aws::{Effect, PrincipalName};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct ConfusedDeputy;

static META: Meta = Meta {
    code: "MI22",
    name: "confused-deputy",
    family: Family::MonolithicIam,
    level: Level::Warning,
    title: "service let in without saying for whom",
    why: "the same service acts for every customer of AWS, so that somebody else can use it to write or read here",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("confused_deputy.rs"),
};

/// Services that send no source.
const WITHOUT_SOURCE: &[&str] = &[
    "logdelivery.elasticloadbalancing.amazonaws.com",
    "autoscaling.amazonaws.com",
    "billingreports.amazonaws.com",
    "redshift.amazonaws.com",
    "ec2.amazonaws.com",
    "edgelambda.amazonaws.com",
];

/// Keys that say for whom a service acts.
fn says_for_whom(key: &str) -> bool {
    matches!(
        key,
        "aws:sourcearn"
            | "aws:sourceaccount"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
            | "aws:principalorgid"
            | "kms:viaservice"
            | "kms:calleraccount"
            | "aws:resourceaccount"
            | "sts:externalid"
    ) || key.starts_with("kms:encryptioncontext")
}

impl Rule for ConfusedDeputy {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["aws_lambda_permission"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let principal = values.get("principal");
        let Some(service) = principal.as_str().filter(|p| p.ends_with(".amazonaws.com")) else {
            return;
        };
        let given = ["source_arn", "source_account", "principal_org_id"]
            .iter()
            .any(|a| !values.get(a).is_null() || cx.is_set(r, a) && cx.plan.block_of(r).is_some());
        if !given {
            out.report(
                r.at("source_arn"),
                format!("lets {service} call the function for anybody"),
            )
            .fix(format!(
                "resource \"aws_lambda_permission\" \"{}\" {{\n  source_arn = <the ARN of what calls it>\n}}",
                r.name
            ));
        }
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Resource]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Resource
            && policy
                .statements
                .iter()
                .filter_map(|s| s.principals.as_ref())
                .any(|p| p.names.iter().any(|n| matches!(n, PrincipalName::Service(_))))
    }

    fn policy(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose != Purpose::Resource {
            return;
        }
        for s in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
            let Some(principals) = s.principals.as_ref().filter(|p| !p.negated) else {
                continue;
            };
            let service = principals.names.iter().find_map(|p| match p {
                PrincipalName::Service(name) if !WITHOUT_SOURCE.contains(&name.as_str()) => Some(name),
                _ => None,
            });
            if let Some(service) =
                service.filter(|_| !s.conditions.iter().any(|c| says_for_whom(c.key.folded())))
            {
                out.report(document.place.clone(), format!("statement {} lets {service} in for anybody", super::fix::label(policy, s))).fix("condition {\n  test     = \"StringEquals\"\n  variable = \"aws:SourceAccount\"\n  values   = [data.aws_caller_identity.current.account_id]\n}".to_owned());
            }
        }
    }
}
