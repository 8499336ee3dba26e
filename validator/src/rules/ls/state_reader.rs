//! # LS13 state-reader
//!
//! Rejects workloads, nodes and CI identities that may read or write Terraform state: a policy or grant on a state bucket for anybody
//! but the identity that plans and applies.
//!
//! ## Why
//!
//! The state is the map of everything, with every secret that a resource has.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name = "churn-ci"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_iam_role_policy" "ci" {
//!   name = "state"
//!   role = aws_iam_role.ci.id
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::acme-tfstate/*" }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "provisioner" {
//!   name = "provisioner"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_iam_role_policy" "provisioner" {
//!   name = "state"
//!   role = aws_iam_role.provisioner.id
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "arn:aws:s3:::acme-tfstate/prod/*" }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Policies and grants of every identity; state buckets are told as in LS08.
//!
//! ## Limits
//!
//! Who plans and applies is told by the name: `provisioner`, `planner`, `terraform`, `infra`, `apply`, `plan`, `atlantis`, `state` and the like. Rights on every bucket are MI02's.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/s3#protecting-access-to-workspace-state>

use mlops_access::aws::{Arn, Effect, Statement, Word};

use super::state_bucket::is_state_name;
use crate::backend::Backend;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Graph, Identity, Purpose, Reading};
use crate::rules::{Meta, Rule};
use crate::secrets::name::words;

/// See the page above.
pub(super) struct StateReader;

static META: Meta = Meta {
    code: "LS13",
    name: "state-reader",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state readable by those who do not plan",
    why: "the state is the map of everything, with every secret that a resource has",
    invariants: &["D-10", "D-31"],
    since: "0.1.0",
    source: include_str!("state_reader.rs"),
};

const PLANNERS: &[&str] = &[
    "provisioner",
    "provision",
    "planner",
    "plan",
    "apply",
    "terraform",
    "tf",
    "tofu",
    "opentofu",
    "terragrunt",
    "infra",
    "infrastructure",
    "iac",
    "atlantis",
    "spacelift",
    "state",
    "tfstate",
    "backend",
    "bootstrap",
    "admin",
    "platform",
];

/// True for the bucket of the backend, and for one whose name says that it keeps state.
fn keeps_state(cx: &Context<'_>, bucket: &str) -> bool {
    let of_backend = |b: &Backend| b.config.get("bucket").as_str() == Some(bucket);
    is_state_name(bucket)
        || cx.backend.found.iter().any(of_backend)
        || cx.config.state_buckets.iter().any(|g| g.is_match(bucket))
}

/// True for a statement about the contents of buckets.
fn touches(s: &Statement) -> bool {
    ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        .iter()
        .any(|a| s.actions.items().iter().any(|p| p.matches(a)) != s.actions.is_negated())
}

/// A bucket of state that a statement names.
fn state_bucket(cx: &Context<'_>, s: &Statement) -> Option<String> {
    let mut items = s
        .resources
        .iter()
        .filter(|r| !r.is_negated())
        .flat_map(|r| r.items());
    items
        .find_map(|r| bucket_of_state(cx, r.source()))
        .map(str::to_owned)
}

/// The bucket that a resource names, when it keeps state.
fn bucket_of_state<'r>(cx: &Context<'_>, resource: &'r str) -> Option<&'r str> {
    Arn::parse(resource)
        .filter(|arn| arn.service == "s3")
        .map(|arn| arn.resource.split('/').next().unwrap_or_default())
        .filter(|bucket| keeps_state(cx, bucket))
}

impl Rule for StateReader {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity]
    }

    fn glance(&self, cx: &Context<'_>, word: Word<'_>) -> bool {
        matches!(word, Word::Resource(r) if bucket_of_state(cx, r).is_some())
    }

    fn sift(&self, cx: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Identity
            && policy
                .statements
                .iter()
                .any(|s| s.effect == Effect::Allow && touches(s) && state_bucket(cx, s).is_some())
    }

    fn reads_documents(&self) -> bool {
        false
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        let called = words(
            identity
                .name
                .as_deref()
                .or(identity.address.as_deref())
                .unwrap_or_default(),
        );
        let block = identity
            .address
            .as_deref()
            .map(crate::address::without_keys)
            .unwrap_or_default();
        let mapped = cx.purposes(identity);
        let planner = mapped.contains(&"planner")
            || mapped.is_empty()
                && called
                    .iter()
                    .chain(&words(block.rsplit('.').next().unwrap_or_default()))
                    .any(|w| PLANNERS.contains(&w.as_str()));
        if planner {
            return;
        }
        for (id, policy) in graph.policies_for(cx, identity, &META) {
            for s in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
                if let Some(bucket) = state_bucket(cx, s).filter(|_| touches(s)) {
                    let place = graph.policies[id].place.clone();
                    let finding = out.report(
                        place,
                        format!(
                            "{} may use the state in `{}`",
                            identity.label(),
                            bucket.replace('\u{fffc}', "(known after apply)")
                        ),
                    );
                    finding.fix("# remove the statement: only the identity that plans and applies needs the state\n# what others need of it, publish: aws_ssm_parameter, or the outputs of data \"mlops_environment\"");
                    if let Some(p) = identity.place() {
                        finding.related(p, "who may use it");
                    }
                }
            }
        }
        for g in identity.grants.iter().map(|&g| &graph.grants[g]) {
            let bucket = g.scope.name.as_deref().unwrap_or_default();
            if g.scope.kind.starts_with("storage_bucket") && keeps_state(cx, bucket) {
                out.report(
                    g.place.clone(),
                    format!("{} may use the state in `{bucket}`", identity.label()),
                )
                .fix("# remove the grant: only the identity that plans and applies needs the state");
            }
        }
    }
}
