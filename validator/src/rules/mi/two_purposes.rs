//! # MI06 two-purposes
//!
//! Rejects an identity that holds what belongs to two purposes: pushing images (ci), deploying (deploy), writing models (retrain),
//! appending predictions (runtime), appending reports (drift). Told by what its policies or grants allow, not by its name.
//!
//! ## Why
//!
//! Whoever takes over the build also takes over production: the blast radius of one purpose becomes that of two.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "github" {
//!   name = "github"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_iam_role_policy" "github" {
//!   name = "github"
//!   role = aws_iam_role.github.id
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [
//!       { Sid = "Push", Effect = "Allow", Action = ["ecr:PutImage"], Resource = "arn:aws:ecr:eu-west-1:111122223333:repository/dev/churn" },
//!       { Sid = "Publish", Effect = "Allow", Action = ["s3:PutObject"], Resource = "arn:aws:s3:::acme-models/churn/*" },
//!     ]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "google_service_account" "ci" {
//!   account_id = "ci-deployer"
//! }
//!
//! resource "google_project_iam_member" "ci" {
//!   for_each = toset(["roles/artifactregistry.writer", "roles/container.developer"])
//!   project  = "acme-ml"
//!   role     = each.value
//!   member   = "serviceAccount:${google_service_account.ci.email}"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name = "ci"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_iam_role_policy" "ci" {
//!   name = "ci"
//!   role = aws_iam_role.ci.id
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [
//!       { Sid = "Push", Effect = "Allow", Action = ["ecr:PutImage"], Resource = "arn:aws:ecr:eu-west-1:111122223333:repository/dev/churn" },
//!       { Sid = "Data", Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::acme-models/churn/*" },
//!     ]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! AWS roles and users with all their policies, Google service accounts with all their grants, access entries of EKS.
//!
//! ## Limits
//!
//! Buckets are told by the words in their names (`models`, `predictions`, `reports`, …). Administrators are MI01's. Describing a cluster
//! is no deployment.
//!
//! ## References
//!
//! - Seed invariant D-31

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mlops_access::Purpose as Of;
use mlops_access::aws::{FindingKind, Policy, Word};
use mlops_access::gcp::role;
use mlops_access::matrix::{Capability, capabilities_aws};
use mlops_access::pattern::Pattern;

use super::effective::Effective;
use super::glance;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Graph, Identity, IdentityKind, Purpose, Reading, UseKind};
use crate::rules::{Meta, Rule};
use crate::secrets::name::words;

/// See the page above.
pub(super) struct TwoPurposes;

static META: Meta = Meta {
    code: "MI06",
    name: "two-purposes",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "one identity with the capabilities of two purposes",
    why: "the blast radius of one purpose becomes that of two: whoever takes over the build also takes over production",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("two_purposes.rs"),
};

/// Actions that change what runs.
const DEPLOYS: &[&str] = &[
    "eks:AccessKubernetesApi",
    "ecs:UpdateService",
    "ecs:RegisterTaskDefinition",
    "lambda:UpdateFunctionCode",
    "sagemaker:UpdateEndpoint",
    "sagemaker:CreateEndpoint",
    "apprunner:UpdateService",
    "elasticbeanstalk:UpdateEnvironment",
];

/// The services whose actions push, deploy or let in.
static SERVICES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let deploys = DEPLOYS.iter().filter_map(|a| a.split_once(':')).map(|(s, _)| s);
    let mut all: Vec<&str> = deploys.chain(["ecr", "eks"]).collect();
    all.dedup();
    all
});

/// What an identity holds that belongs to one purpose alone, with how it holds it.
pub(crate) fn held(cx: &Context<'_>, graph: &Graph, identity: &Identity) -> Vec<(Capability, String)> {
    if identity.kind == IdentityKind::ServiceAccount {
        return on_google(graph, identity);
    }
    let effective = Effective::written(cx, graph, identity);
    let policies = effective.policies();
    let administrates = |p: &&Policy| {
        let all = |f: &mlops_access::aws::Finding<'_>| {
            matches!(f.kind, FindingKind::Administrator | FindingKind::AllowNotAction)
        };
        glance::has_open_action(p) && p.findings().iter().any(all)
    };
    if policies.iter().any(administrates) {
        return Vec::new();
    }
    let stores = |c: &Capability| {
        matches!(
            c,
            Capability::WriteModel | Capability::AppendPrediction | Capability::AppendReport
        )
    };
    let mut held: Vec<(Capability, String)> = capabilities_aws(&policies)
        .into_iter()
        // Every bucket is MI02's; describing a cluster is what every client does.
        .filter(|(c, how)| {
            !(stores(c) && (how.ends_with(" on *") || how.ends_with(":::*") || how.ends_with(":::*/*")))
                && *c != Capability::Deploy
        })
        .collect();
    let grants = effective.grants();
    // Taken away for certain by a denial or boundary; a repository whose ARN is not known yet is still one.
    let pushes = held.iter().any(|(c, _)| *c == Capability::PushImage);
    if pushes && grants.may("ecr:PutImage", &Pattern::any()).verdict().is_no() {
        held.retain(|(c, _)| *c != Capability::PushImage);
    }
    if let Some(action) = DEPLOYS
        .iter()
        .filter(|a| {
            a.split_once(':')
                .is_some_and(|(service, _)| policies.iter().any(|p| glance::speaks_of(p, &[service])))
        })
        .find(|a| grants.may(a, &Pattern::any()).verdict().is_yes())
    {
        held.push((Capability::Deploy, format!("it may {action}")));
    } else if let Some(u) = identity.uses.iter().find(|u| u.kind == UseKind::ClusterAccess) {
        held.push((
            Capability::Deploy,
            format!("{} lets it into the cluster", u.place.address),
        ));
    }
    held
}

fn on_google(graph: &Graph, identity: &Identity) -> Vec<(Capability, String)> {
    let mut held = Vec::new();
    for g in identity.grants.iter().map(|&g| &graph.grants[g]) {
        let Some(known) = role(&g.role) else { continue };
        if matches!(g.role.as_str(), "roles/owner" | "roles/editor") {
            continue;
        }
        let how = || format!("{} on the {}", g.role, g.scope.kind.replace('_', " "));
        if known.holds("artifactregistry.repositories.uploadArtifacts") {
            held.push((Capability::PushImage, how()));
        }
        if known.holds("container.deployments.update")
            || known.holds("run.services.update")
            || known.holds("cloudfunctions.functions.update")
        {
            held.push((Capability::Deploy, how()));
        }
        if known.holds("storage.objects.create") && g.scope.kind.starts_with("storage") {
            let name = words(g.scope.name.as_deref().unwrap_or_default());
            let about = |list: &[&str]| name.iter().any(|w| list.contains(&w.as_str()));
            if about(&["model", "models"]) {
                held.push((Capability::WriteModel, how()));
            }
            if about(&["prediction", "predictions", "inference"]) {
                held.push((Capability::AppendPrediction, how()));
            }
            if about(&["report", "reports", "drift"]) {
                held.push((Capability::AppendReport, how()));
            }
        }
    }
    held
}

impl Rule for TwoPurposes {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity]
    }

    fn glance(&self, _: &Context<'_>, word: Word<'_>) -> bool {
        glance::is_open(word)
            || glance::is_of(word, &SERVICES)
            || matches!(word, Word::Action(a) if a.eq_ignore_ascii_case("s3:PutObject"))
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Identity
            && (glance::has_open_action(policy)
                || glance::speaks_of(policy, &SERVICES)
                || glance::allows(policy, "s3:PutObject") && !capabilities_aws(&[policy]).is_empty())
    }

    fn reads_documents(&self) -> bool {
        false
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        // An AWS identity holds nothing of a purpose unless one of its documents gives it.
        let concerned = |&p: &usize| graph.policies[p].interest.has(&META);
        let aws = identity.kind != IdentityKind::ServiceAccount;
        if identity.kind == IdentityKind::Group || aws && !identity.policies.iter().any(concerned) {
            return;
        }
        let Some(place) = identity.place() else { return };
        let mut purposes: BTreeMap<Of, (Capability, String)> = BTreeMap::new();
        for (capability, how) in held(cx, graph, identity) {
            // A statement without a name is told by what it is on.
            let how = match how.split_once(" on ") {
                Some((label, on)) if label.starts_with("at ") => format!("on {on}"),
                _ => how,
            };
            purposes
                .entry(capability.purpose())
                .or_insert((capability, super::fix::shown(&how)));
        }
        let mapped = cx.purposes(identity);
        // Who plans and applies does the work of all.
        if mapped.contains(&"planner") {
            return;
        }
        // What it is mapped to it may hold, also when that is two; anything else is another purpose's.
        let foreign = purposes.keys().any(|p| !mapped.contains(&p.to_string().as_str()));
        if mapped.is_empty() && purposes.len() < 2 || !mapped.is_empty() && !foreign {
            return;
        }
        let said: Vec<String> = purposes
            .iter()
            .map(|(p, (c, how))| format!("{c} ({p}: {how})"))
            .collect();
        let name = super::fix::name_of(&place);
        let one = if identity.kind == IdentityKind::ServiceAccount {
            "google_service_account"
        } else {
            "aws_iam_role"
        };
        let split: Vec<String> = purposes
            .keys()
            .map(|p| format!("resource \"{one}\" \"{name}_{p}\" {{ … }} # only what {p} needs"))
            .collect();
        let who = if mapped.is_empty() {
            "one identity".to_owned()
        } else {
            format!("an identity for {}", mapped.join(" and "))
        };
        let finding = out.report(place.clone(), format!("{who} may {}", said.join(" and ")));
        finding.fix(split.join("\n"));
        for &d in &identity.policies {
            if graph.policies[d].place.address != place.address {
                finding.related(graph.policies[d].place.clone(), "a policy of it");
            }
        }
    }
}
