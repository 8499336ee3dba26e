//! # LS08 state-bucket
//!
//! Rejects a bucket for state without its protections: versioning, a block on public access, `force_destroy = false`; and a plan that
//! takes one of them away from a bucket that stays (the one deletion that is reported). Expiry of current versions is an error, no
//! TLS-only policy a warning, no key of one's own a note.
//!
//! A bucket is a state bucket when its name, name prefix, tags or resource name hold `tfstate`, `tf-state`, `terraform-state` or
//! `terraform-backend`, or when it is the bucket of the backend or of a `terraform_remote_state`. `…-logs` of one is none.
//!
//! ## Why
//!
//! The bucket holds every environment's state: what is lost or leaked with it is all of them.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_s3_bucket" "state" {
//!   bucket        = "acme-tfstate"
//!   force_destroy = true
//! }
//! ```
//!
//! ```hcl
//! resource "google_storage_bucket" "state" {
//!   name          = "acme-tfstate"
//!   location      = "EU"
//!   force_destroy = true
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_s3_bucket" "state" {
//!   bucket = "acme-tfstate"
//! }
//!
//! resource "aws_s3_bucket_versioning" "state" {
//!   bucket = aws_s3_bucket.state.id
//!   versioning_configuration {
//!     status = "Enabled"
//!   }
//! }
//!
//! resource "aws_s3_bucket_public_access_block" "state" {
//!   bucket                  = aws_s3_bucket.state.id
//!   block_public_acls       = true
//!   block_public_policy     = true
//!   ignore_public_acls      = true
//!   restrict_public_buckets = true
//! }
//!
//! resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
//!   bucket = aws_s3_bucket.state.id
//!   rule {
//!     apply_server_side_encryption_by_default {
//!       sse_algorithm     = "aws:kms"
//!       kms_master_key_id = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
//!     }
//!   }
//! }
//!
//! resource "aws_s3_bucket_policy" "state" {
//!   bucket = aws_s3_bucket.state.id
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Sid       = "TlsOnly"
//!       Effect    = "Deny"
//!       Principal = "*"
//!       Action    = "s3:*"
//!       Resource  = ["arn:aws:s3:::acme-tfstate", "arn:aws:s3:::acme-tfstate/*"]
//!       Condition = { Bool = { "aws:SecureTransport" = "false" } }
//!     }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "google_storage_bucket" "state" {
//!   name                        = "acme-tfstate"
//!   location                    = "EU"
//!   uniform_bucket_level_access = true
//!   public_access_prevention    = "enforced"
//!   versioning {
//!     enabled = true
//!   }
//!   encryption {
//!     default_kms_key_name = "projects/acme-ml/locations/europe/keyRings/state/cryptoKeys/state"
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_s3_bucket` and its `_versioning`, `_public_access_block`, `_server_side_encryption_configuration`, `_lifecycle_configuration`,
//! `_policy`; `google_storage_bucket` and its grants; what the plan deletes of these and of a lock table.
//!
//! ## Limits
//!
//! Settings made in another configuration are not seen: a waiver says where they are. `prevent_destroy` is not in a plan and not judged.
//! Whether a policy that denies plain requests names this very bucket is not compared: a bucket policy can name no other. Cloud Storage
//! takes no request without TLS.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/s3#s3-bucket-permissions>

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use mlops_access::aws::{Condition, Effect, Policy, PrincipalName, Principals, Statement};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::{Action, Plan, Resource};
use crate::rules::{Meta, Rule};
use crate::secrets::name::words;
use crate::source::with_holes;
use crate::value::Value;

/// See the page above.
pub(super) struct StateBucket;

static META: Meta = Meta {
    code: "LS08",
    name: "state-bucket",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state bucket without its protections",
    why: "the bucket holds every environment's state: what is lost or leaked with it is all of them",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("state_bucket.rs"),
};

/// One of these is in every name that says so.
static SPEAKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[allow(
        clippy::expect_used,
        reason = "fails only for a set of patterns too large to index; this one is fixed and small"
    )]
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(["state", "backend"])
        .expect("two words")
});

/// True for a name that says "Terraform state".
pub(in crate::rules) fn is_state_name(name: &str) -> bool {
    if !SPEAKS.is_match(name) {
        return false;
    }
    let words = words(name);
    let w: Vec<&str> = words.iter().map(String::as_str).collect();
    if w.iter().any(|x| matches!(*x, "log" | "logs" | "accesslogs")) {
        return false;
    }
    w.iter()
        .any(|x| matches!(*x, "tfstate" | "tfstates" | "terraformstate"))
        || w.windows(2).any(|p| {
            matches!(
                p,
                [
                    "tf" | "terraform" | "tofu" | "opentofu",
                    "state" | "states" | "backend"
                ] | ["remote", "state"]
            )
        })
}

/// True when the bucket is one that keeps state.
pub(in crate::rules) fn is_state_bucket(cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>) -> bool {
    let named = ["bucket", "name", "bucket_prefix"]
        .iter()
        .any(|a| values.get(a).as_str().is_some_and(is_state_name));
    let own = ["bucket", "name"].iter().find_map(|a| values.get(a).as_str());
    let backend = cx
        .backend
        .found
        .iter()
        .filter_map(|b| b.config.get("bucket").as_str());
    let of_backend = own.is_some_and(|own| backend.into_iter().any(|b| b == own));
    let configured = own.is_some_and(|own| cx.config.state_buckets.iter().any(|g| g.is_match(own)));
    let unknown_name = own.is_none();
    let tagged = ["tags", "labels"].iter().any(|t| {
        values.get(t).entries().iter().any(|(k, v)| {
            matches!(&**k, "Name" | "name" | "Purpose" | "purpose" | "role")
                && v.as_str().is_some_and(is_state_name)
        })
    });
    named || of_backend || configured || tagged || unknown_name && is_state_name(&r.name)
}

/// What a companion resource says about the bucket.
enum Companion<'a> {
    Found(&'a Resource<'a>, Value<'a>),
    /// One exists whose bucket is not known: it may be this one's.
    Unclear(&'a Resource<'a>),
    None,
}

fn is_of(
    cx: &Context<'_>,
    r: &Resource<'_>,
    values: &Value<'_>,
    bucket: &Resource<'_>,
    name: Option<&str>,
) -> Option<bool> {
    let targets = cx.targets(r, "bucket");
    if !targets.is_empty() {
        return Some(targets.iter().any(|t| t.address == bucket.address));
    }
    match (values.get("bucket").as_str(), name) {
        (Some(b), Some(n)) => Some(b == n),
        _ => None,
    }
}

fn companion<'a>(cx: &Context<'a>, kind: &str, bucket: &Resource<'_>, name: Option<&str>) -> Companion<'a> {
    let mut unclear = Companion::None;
    for r in cx.plan.of_type(kind) {
        let values = r.values();
        match is_of(cx, r, &values, bucket, name) {
            Some(true) => return Companion::Found(r, values),
            Some(false) => {}
            None => unclear = Companion::Unclear(r),
        }
    }
    unclear
}

impl Rule for StateBucket {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["aws_s3_bucket", "google_storage_bucket"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        if !is_state_bucket(cx, r, values) {
            return;
        }
        if values.get("force_destroy").as_bool() == Some(true) {
            out.report(r.at("force_destroy"), "destroying the state bucket deletes every state in it").fix(format!("resource \"{}\" \"{}\" {{\n  force_destroy = false\n  lifecycle {{\n    prevent_destroy = true\n  }}\n}}", r.kind, r.name));
        }
        if &*r.kind == "aws_s3_bucket" {
            aws(cx, r, values, out)
        } else {
            google(cx, r, values, out)
        }
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        removed(cx, cx.plan, out);
    }
}

fn aws(cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
    let name = values.get("bucket").as_str();
    let versioning_fix = format!(
        "resource \"aws_s3_bucket_versioning\" \"{n}\" {{\n  bucket = {a}.id\n  versioning_configuration {{\n    status = \"Enabled\"\n  }}\n}}",
        n = r.name,
        a = r.address
    );
    let inline = values.path("versioning.0.enabled").as_bool() == Some(true) && cx.is_set(r, "versioning");
    match companion(cx, "aws_s3_bucket_versioning", r, name) {
        _ if inline => {}
        Companion::Found(v, values) => match values.path("versioning_configuration.0.status").as_str() {
            Some("Enabled") => {}
            Some(other) => {
                out.report(
                    v.at("versioning_configuration.0.status"),
                    format!("versioning of the state bucket is `{other}`"),
                )
                .fix(versioning_fix)
                .related(r.at(""), "the state bucket");
            }
            None => {
                out.undecided(
                    v.at("versioning_configuration.0.status"),
                    "whether the state bucket is versioned is not known",
                );
            }
        },
        Companion::Unclear(v) => {
            out.undecided(
                v.at("bucket"),
                format!("whether this is the versioning of {} is not known", r.address),
            );
        }
        Companion::None => {
            out.report(r.at("versioning"), "the state bucket is not versioned")
                .fix(versioning_fix);
        }
    }
    let block_fix = format!(
        "resource \"aws_s3_bucket_public_access_block\" \"{n}\" {{\n  bucket                  = {a}.id\n  block_public_acls       = true\n  block_public_policy     = true\n  ignore_public_acls      = true\n  restrict_public_buckets = true\n}}",
        n = r.name,
        a = r.address
    );
    match companion(cx, "aws_s3_bucket_public_access_block", r, name) {
        Companion::Found(b, values) => {
            let open: Vec<&str> = [
                "block_public_acls",
                "block_public_policy",
                "ignore_public_acls",
                "restrict_public_buckets",
            ]
            .into_iter()
            .filter(|a| values.get(a).as_bool() != Some(true) && !values.get(a).is_unknown())
            .collect();
            if let Some(first) = open.first() {
                out.report(
                    b.at(*first),
                    format!(
                        "the state bucket can be made public: {} is not on",
                        open.join(", ")
                    ),
                )
                .fix(block_fix)
                .related(r.at(""), "the state bucket");
            }
        }
        Companion::Unclear(b) => {
            out.undecided(
                b.at("bucket"),
                format!("whether this blocks public access to {} is not known", r.address),
            );
        }
        Companion::None => {
            out.report(r.at(""), "nothing blocks public access to the state bucket")
                .fix(block_fix);
        }
    }
    if let Companion::Found(l, values) = companion(cx, "aws_s3_bucket_lifecycle_configuration", r, name) {
        for (i, rule) in values.get("rule").items().iter().enumerate() {
            let expires = rule.path("expiration.0.days").as_f64().is_some_and(|d| d > 0.0)
                || rule.path("expiration.0.date").as_str().is_some();
            if expires && rule.get("status").as_str() != Some("Disabled") {
                out.report(l.at(format!("rule.{i}.expiration").as_str()), "current states expire").fix(format!("resource \"aws_s3_bucket_lifecycle_configuration\" \"{}\" {{\n  rule {{\n    noncurrent_version_expiration {{\n      noncurrent_days = 365\n    }}\n  }}\n}}", l.name));
            }
        }
    }
    tls_only(cx, r, values, out);
    if let Companion::None = companion(cx, "aws_s3_bucket_server_side_encryption_configuration", r, name)
        && values.get("server_side_encryption_configuration").is_empty()
    {
        out.report(r.at(""), "the state bucket has no key of its own").level(Level::Note).why("who may decrypt the state is then whoever may read the bucket").fix(format!(
            "resource \"aws_s3_bucket_server_side_encryption_configuration\" \"{n}\" {{\n  bucket = {a}.id\n  rule {{\n    apply_server_side_encryption_by_default {{\n      sse_algorithm     = \"aws:kms\"\n      kms_master_key_id = <key>\n    }}\n  }}\n}}",
            n = r.name,
            a = r.address
        ));
    }
}

/// Asks for a bucket policy that denies requests without TLS.
fn tls_only(cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
    let inline = !values.get("policy").is_empty() && cx.is_set(r, "policy");
    let (place, text) = if inline {
        (
            r.at("policy"),
            cx.resolve(r, values, "policy").into_owned().into_owned(),
        )
    } else {
        match companion(cx, "aws_s3_bucket_policy", r, values.get("bucket").as_str()) {
            Companion::Found(p, values) => (
                p.at("policy"),
                cx.resolve(p, &values, "policy").into_owned().into_owned(),
            ),
            Companion::Unclear(p) => {
                out.undecided(
                    p.at("bucket"),
                    format!("whether this is the policy of {} is not known", r.address),
                );
                return;
            }
            Companion::None => (r.at(""), Value::Null),
        }
    };
    let denies = match with_holes(&text).map(|t| Policy::parse(&t)) {
        Some(Ok(policy)) => policy.statements.iter().any(denies_plain),
        // No policy document: MI27 says so.
        Some(Err(_)) => return,
        None if text.is_null() => false,
        None => {
            out.undecided(
                place,
                "whether the policy of the state bucket asks for TLS is not known",
            );
            return;
        }
    };
    if !denies {
        out.report(place, "nothing asks for TLS to reach the state bucket")
            .level(Level::Warning)
            .why("a request without TLS carries the state, with every secret in it, in clear text")
            .fix(format!(
                "resource \"aws_s3_bucket_policy\" \"{n}\" {{\n  bucket = {a}.id\n  policy = jsonencode({{\n    Version = \"2012-10-17\"\n    Statement = [{{\n      Sid       = \"TlsOnly\"\n      Effect    = \"Deny\"\n      Principal = \"*\"\n      Action    = \"s3:*\"\n      Resource  = [{a}.arn, \"${{{a}.arn}}/*\"]\n      Condition = {{ Bool = {{ \"aws:SecureTransport\" = \"false\" }} }}\n    }}]\n  }})\n}}",
                n = r.name,
                a = r.address
            ));
    }
}

/// A statement that denies everybody to read or write states without TLS.
fn denies_plain(s: &Statement) -> bool {
    let everybody = |p: &Principals| !p.negated && p.names.iter().any(|n| matches!(n, PrincipalName::Anyone));
    let covers = |action: &str| s.actions.items().iter().any(|a| a.matches(action)) != s.actions.is_negated();
    let plain = |c: &Condition| {
        c.key.folded() == "aws:securetransport"
            && c.values.iter().any(|v| v.source().eq_ignore_ascii_case("false"))
            || c.key.folded() == "s3:tlsversion"
    };
    s.effect == Effect::Deny
        && s.principals.as_ref().is_some_and(everybody)
        && covers("s3:GetObject")
        && covers("s3:PutObject")
        && s.conditions.iter().any(plain)
}

fn google(cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
    let versioning = cx.resolve(r, values, "versioning").into_owned();
    match versioning.path("0.enabled").as_bool() {
        Some(true) => {}
        None if versioning.is_unknown()
            || versioning.path("0.enabled").is_unknown() && !versioning.is_null() =>
        {
            out.undecided(
                r.at("versioning"),
                "whether the state bucket is versioned is not known",
            );
        }
        _ => {
            out.report(r.at("versioning"), "the state bucket is not versioned").fix(format!("resource \"google_storage_bucket\" \"{}\" {{\n  versioning {{\n    enabled = true\n  }}\n}}", r.name));
        }
    }
    let prevention = values.get("public_access_prevention");
    if prevention.as_str() != Some("enforced")
        && !(prevention.is_unknown() && cx.is_set(r, "public_access_prevention"))
    {
        let uniform = values.get("uniform_bucket_level_access").as_bool() == Some(true);
        let finding = out.report(
            r.at("public_access_prevention"),
            "the state bucket can be made public",
        );
        finding.fix(format!("resource \"google_storage_bucket\" \"{}\" {{\n  uniform_bucket_level_access = true\n  public_access_prevention    = \"enforced\"\n}}", r.name));
        if uniform {
            finding.level(Level::Warning);
        }
    }
    for (i, rule) in values.get("lifecycle_rule").items().iter().enumerate() {
        let delete = rule.path("action.0.type").as_str() == Some("Delete");
        let condition = rule.path("condition.0");
        let noncurrent = condition.get("with_state").as_str() == Some("ARCHIVED")
            || condition
                .get("num_newer_versions")
                .as_f64()
                .is_some_and(|n| n > 0.0)
            || condition
                .get("days_since_noncurrent_time")
                .as_f64()
                .is_some_and(|n| n > 0.0);
        if delete && !noncurrent {
            out.report(r.at(format!("lifecycle_rule.{i}").as_str()), "current states are deleted").fix(format!("resource \"google_storage_bucket\" \"{}\" {{\n  lifecycle_rule {{\n    condition {{\n      num_newer_versions = 50\n    }}\n    action {{\n      type = \"Delete\"\n    }}\n  }}\n}}", r.name));
        }
    }
    if values.get("encryption").is_empty() && !cx.is_set(r, "encryption") {
        out.report(r.at("encryption"), "the state bucket has no key of its own").level(Level::Note).why("who may decrypt the state is then whoever may read the bucket").fix(format!("resource \"google_storage_bucket\" \"{}\" {{\n  encryption {{\n    default_kms_key_name = <key>\n  }}\n}}", r.name));
    }
}

/// Protections that the plan deletes while the bucket stays.
fn removed(cx: &Context<'_>, plan: &Plan<'_>, out: &mut Findings<'_>) {
    const PROTECTIONS: &[(&str, &str)] = &[
        ("aws_s3_bucket_versioning", "versioning"),
        ("aws_s3_bucket_public_access_block", "the block on public access"),
        (
            "aws_s3_bucket_server_side_encryption_configuration",
            "encryption with a key of its own",
        ),
        ("aws_s3_bucket_object_lock_configuration", "the object lock"),
        ("aws_s3_bucket_policy", "the bucket policy"),
    ];
    for r in plan.resources.iter().filter(|r| r.action == Action::Delete) {
        if &*r.kind == "aws_dynamodb_table" {
            let table = r.before();
            let Some(name) = table.get("name").as_str() else {
                continue;
            };
            let locks = cx.backend.found.iter().any(|b| {
                b.config.get("dynamodb_table").as_str() == Some(name)
                    && b.config.get("use_lockfile").as_bool() != Some(true)
            });
            if locks {
                out.report(
                    r.at(""),
                    format!("the plan deletes `{name}`, which locks this very state"),
                )
                .fix(super::settings::compliant(cx.backend.decided()));
            }
            continue;
        }
        let Some((_, what)) = PROTECTIONS.iter().find(|(k, _)| *k == &*r.kind) else {
            continue;
        };
        let before = r.before();
        let Some(name) = before.get("bucket").as_str() else {
            continue;
        };
        let staying = plan
            .of_type("aws_s3_bucket")
            .find(|b| b.existed_before() && b.values().get("bucket").as_str() == Some(name));
        let Some(bucket) = staying.filter(|b| is_state_bucket(cx, b, &b.values())) else {
            continue;
        };
        // Replaced by another resource of the same kind on the same bucket (a rename in the configuration).
        if matches!(
            companion(cx, &r.kind, bucket, Some(name)),
            Companion::Found(..) | Companion::Unclear(_)
        ) {
            continue;
        }
        out.report(r.at(""), format!("the plan removes {what} from the state bucket `{name}`, which stays"))
            .related(bucket.at(""), "the state bucket")
            .why("a protection of the bucket that holds every environment's state goes away while the bucket stays")
            .fix(format!("# keep {} in the configuration", r.address));
    }
}

#[cfg(test)]
mod tests {
    use super::is_state_name;

    #[test]
    fn state_buckets_are_told_by_whole_words() {
        for name in [
            "acme-tfstate",
            "acme-tf-state-prod",
            "terraform-state-111122223333",
            "terraform_backend",
            "acme.tfstate",
        ] {
            assert!(is_state_name(name), "{name}");
        }
        for name in [
            "united-states-maps",
            "acme-tfstate-logs",
            "statement-archive",
            "state-of-the-art",
            "tf-states-mapsx-data-logs",
            "acme-models",
        ] {
            assert!(!is_state_name(name), "{name}");
        }
    }
}
