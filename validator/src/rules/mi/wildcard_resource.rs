//! # MI02 wildcard-resource
//!
//! Rejects `Resource = "*"` for actions that can name their resources: an error for those that write or read contents, a warning for
//! other reads. Silent where the action cannot be scoped, where a condition really narrows, for lists, and for the handful of
//! actions by which a function writes its logs, traces and network interfaces.
//!
//! ## Why
//!
//! The identity reaches every bucket, secret or repository of the account, of every environment in it.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_policy" "reader" {
//!   name = "reader"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "secretsmanager:GetSecretValue"], Resource = "*" }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_policy" "puller" {
//!   name = "puller"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [
//!       { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
//!       { Effect = "Allow", Action = "cloudwatch:PutMetricData", Resource = "*", Condition = { StringEquals = { "cloudwatch:namespace" = "churn" } } },
//!       { Effect = "Allow", Action = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], Resource = "arn:aws:ecr:eu-west-1:111122223333:repository/dev/churn" },
//!       { Effect = "Allow", Action = ["ec2:TerminateInstances"], Resource = "*", Condition = { StringEquals = { "aws:ResourceTag/cluster" = "ml" } } },
//!     ]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Every identity policy, by AWS's own table of what each action can be scoped to.
//!
//! ## Limits
//!
//! The policies that vendors publish for the load balancer controller, the EBS and EFS drivers and the cluster autoscaler are notes, as
//! long as nothing is added to them. `kms` is MI23, `iam:PassRole` and `sts:AssumeRole` are MI13, whole services MI01. What a boundary or denial takes away is not reported.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use mlops_access::aws::actions::{self, AccessLevel, Action};
use mlops_access::aws::{FindingKind, Statement, Word};

use super::{effective, fix, glance, published};
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct WildcardResource;

static META: Meta = Meta {
    code: "MI02",
    name: "wildcard-resource",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "`Resource = \"*\"` on actions that can name theirs",
    why: "the identity reaches every such thing of the account, of every environment in it",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("wildcard_resource.rs"),
};

/// Reads that give away contents, not descriptions.
const CONTENTS: &[&str] = &[
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:GetParameterHistory",
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:GetRecords",
    "sqs:ReceiveMessage",
    "kinesis:GetRecords",
    "lambda:GetFunction",
    "codecommit:GitPull",
    "athena:GetQueryResults",
    "redshift:GetClusterCredentials",
    "rds-data:ExecuteStatement",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
    "cognito-identity:GetCredentialsForIdentity",
    "ec2:GetPasswordData",
    "s3:GetObjectAttributes",
];

/// What every function and agent writes about itself: AWS's own policies for them name `*` too.
fn is_telemetry(action: &Action) -> bool {
    matches!(
        action.id(),
        "logs:CreateLogGroup"
            | "logs:CreateLogStream"
            | "logs:PutLogEvents"
            | "logs:PutRetentionPolicy"
            | "xray:PutTraceSegments"
            | "xray:PutTelemetryRecords"
            | "ec2:CreateNetworkInterface"
            | "ec2:DeleteNetworkInterface"
            | "ec2:AssignPrivateIpAddresses"
            | "ec2:UnassignPrivateIpAddresses"
            | "ec2:AttachNetworkInterface"
            | "ec2:DetachNetworkInterface"
            | "ssmmessages:CreateControlChannel"
            | "ssmmessages:CreateDataChannel"
            | "ssmmessages:OpenControlChannel"
            | "ssmmessages:OpenDataChannel"
            | "ec2:CreateTags"
    )
}

fn level(action: &Action) -> Option<Level> {
    if is_telemetry(action)
        || matches!(action.folded(), "iam:passrole" | "sts:assumerole")
        || action.folded().starts_with("kms:")
    {
        return None;
    }
    if CONTENTS.contains(&action.id()) {
        return Some(Level::Error);
    }
    match action.level {
        AccessLevel::List => None,
        // What may but need not name a resource, and only describes, is what everybody writes with `*`.
        AccessLevel::Read if !action.resource_types().any(|(_, required)| required) => None,
        AccessLevel::Read => Some(Level::Warning),
        _ => Some(Level::Error),
    }
}

impl Rule for WildcardResource {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity, Purpose::Loose]
    }

    fn glance(&self, _: &Context<'_>, word: Word<'_>) -> bool {
        glance::is_everything(word)
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        matches!(purpose, Purpose::Identity | Purpose::Loose) && glance::is_on_everything(policy)
    }

    fn policy(
        &self,
        cx: &Context<'_>,
        graph: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose == Purpose::Boundary {
            return;
        }
        let findings = policy.findings();
        let mut holders = None;
        let mut open_here: Vec<(&Statement, Vec<(Level, String)>)> = Vec::new();
        for f in findings
            .iter()
            .filter(|f| f.statement.principals.is_none() && !f.narrowed)
        {
            let FindingKind::UnscopedResource { actions: open } = &f.kind else {
                continue;
            };
            // A service given whole is MI01's.
            let whole: Vec<String> = findings
                .iter()
                .filter(|o| o.index == f.index)
                .filter_map(|o| {
                    if let FindingKind::ServiceWildcard { service } = &o.kind {
                        Some(format!("{}:", service.to_ascii_lowercase()))
                    } else {
                        None
                    }
                })
                .collect();
            let holders = holders.get_or_insert_with(|| effective::of_holders(cx, graph, document, policy));
            let mut levels: Vec<(Level, String)> = open
                .iter()
                .filter_map(|a| actions::lookup(a))
                .filter(|a| !whole.iter().any(|w| a.folded().starts_with(w.as_str())))
                .filter_map(|a| Some((level(a)?, a)))
                .filter(|(_, a)| holders.iter().any(|h| h.grants().is_unscoped(a.id(), &[])))
                .map(|(l, a)| (l, a.id().to_owned()))
                .collect();
            levels.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
            if !levels.is_empty() {
                open_here.push((f.statement, levels));
            }
        }
        let open: Vec<&str> = open_here
            .iter()
            .flat_map(|(_, l)| l)
            .map(|(_, a)| a.as_str())
            .collect();
        let known = published::published(&open);
        for (statement, levels) in &open_here {
            let worst = levels[0].0;
            let worst_actions: Vec<String> = levels
                .iter()
                .filter(|(l, _)| *l == worst)
                .map(|(_, a)| a.clone())
                .collect();
            let finding = out.report(
                document.place.clone(),
                format!(
                    "statement {} allows {} on every resource",
                    super::fix::label(policy, statement),
                    fix::listed(&worst_actions)
                ),
            );
            finding
                .level(worst)
                .fix(fix::statement(&fix::name_of(&document.place), &worst_actions));
            if let Some(p) = known {
                finding.level(Level::Note).why(format!(
                    "this is the policy published for {}: a condition on the cluster's tag would narrow it",
                    p.name
                ));
            }
        }
    }
}
