//! # MI23 kms-use
//!
//! Rejects decrypting with every key (`kms:Decrypt` and the like on `*` or on every key of an account) without a condition that names
//! the service or the keys, and making grants that are not for an AWS resource.
//!
//! ## Why
//!
//! One such permission opens everything that any key of the account protects.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_policy" "runtime" {
//!   name = "runtime"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = "*" }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_policy" "runtime" {
//!   name = "runtime"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = ["kms:Decrypt"]
//!       Resource  = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
//!       Condition = { StringEquals = { "kms:ViaService" = "s3.eu-west-1.amazonaws.com" } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Identity policies. Key policies, in which `*` means the key itself, are not judged here.
//!
//! ## Limits
//!
//! A condition on `kms:ViaService`, `kms:ResourceAliases`, the encryption context or a tag narrows. Drivers that make grants for volumes
//! set `kms:GrantIsForAWSResource`.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/kms/latest/developerguide/iam-policies-best-practices.html>

use mlops_access::aws::{Effect, FindingKind, Scope, Word};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct KmsUse;

static META: Meta = Meta {
    code: "MI23",
    name: "kms-use",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "every key usable",
    why: "one such permission opens everything that any key of the account protects",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("kms_use.rs"),
};

const USES: &[&str] = &[
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:Sign",
];
const RULES_KEYS: &[&str] = &["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey"];

fn every_key(resource: &str) -> bool {
    resource == "*"
        || resource.starts_with("arn:")
            && (resource.ends_with(":key/*") || resource.ends_with(":*"))
            && resource.contains(":kms:")
}

impl Rule for KmsUse {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity, Purpose::Loose]
    }

    fn glance(&self, _: &Context<'_>, word: Word<'_>) -> bool {
        super::glance::is_of(word, &["kms"])
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        matches!(purpose, Purpose::Identity | Purpose::Loose) && super::glance::speaks_of(policy, &["kms"])
    }

    fn policy(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose == Purpose::Boundary {
            return;
        }
        let findings = policy.findings();
        for (i, s) in policy.statements.iter().enumerate() {
            let (Scope::Only(actions), Some(Scope::Only(resources))) = (&s.actions, &s.resources) else {
                continue;
            };
            let whole = findings.iter().any(|f| {
                f.index == i
                    && matches!(
                        &f.kind,
                        FindingKind::Administrator | FindingKind::ServiceWildcard { .. }
                    )
            });
            if s.effect != Effect::Allow || s.principals.is_some() || whole {
                continue;
            }
            let allows = |list: &[&'static str]| {
                list.iter()
                    .copied()
                    .find(|a| actions.iter().any(|p| p.matches(a)))
            };
            let everywhere = resources.iter().any(|r| every_key(r.source()));
            let narrowed = s.narrowing_conditions().next().is_some();
            let name = super::fix::name_of(&document.place);
            let fix = |action: &str| {
                format!(
                    "data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions   = [\"{action}\"]\n    resources = [aws_kms_key.<the key>.arn]\n    condition {{\n      test     = \"StringEquals\"\n      variable = \"kms:ViaService\"\n      values   = [\"s3.<region>.amazonaws.com\"]\n    }}\n  }}\n}}"
                )
            };
            if let Some(action) = allows(USES)
                .or_else(|| allows(RULES_KEYS))
                .filter(|_| everywhere && !narrowed)
            {
                out.report(
                    document.place.clone(),
                    format!(
                        "statement {} allows {action} with every key",
                        super::fix::label(policy, s)
                    ),
                )
                .fix(fix(action));
            }
            let for_aws = s
                .conditions
                .iter()
                .any(|c| c.key.folded() == "kms:grantisforawsresource");
            if allows(&["kms:CreateGrant"]).is_some() && !for_aws && !narrowed {
                out.report(document.place.clone(), format!("statement {} lets its holder give a key to anybody (kms:CreateGrant)", super::fix::label(policy, s))).level(if everywhere { Level::Error } else { Level::Warning }).fix(format!(
                    "data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions = [\"kms:CreateGrant\"]\n    condition {{\n      test     = \"Bool\"\n      variable = \"kms:GrantIsForAWSResource\"\n      values   = [\"true\"]\n    }}\n  }}\n}}"
                ));
            }
        }
    }
}
