//! Facts about identities from resources of the Google provider.

use super::link::{Fact, Named};
use super::{GrantForm, IdentityKind, Scope, UseKind};
use crate::context::Context;
use crate::plan::Resource;
use crate::value::Value;

/// What runs as a service account: type, attribute, and as what.
const USES: [(&str, &str, UseKind); 13] = [
    (
        "google_container_node_pool",
        "node_config.0.service_account",
        UseKind::Node,
    ),
    (
        "google_container_cluster",
        "node_config.0.service_account",
        UseKind::Node,
    ),
    (
        "google_container_cluster",
        "cluster_autoscaling.0.auto_provisioning_defaults.0.service_account",
        UseKind::Node,
    ),
    (
        "google_compute_instance",
        "service_account.0.email",
        UseKind::Node,
    ),
    (
        "google_compute_instance_template",
        "service_account.0.email",
        UseKind::Node,
    ),
    (
        "google_cloud_run_service",
        "template.0.spec.0.service_account_name",
        UseKind::Service("Cloud Run service"),
    ),
    (
        "google_cloud_run_v2_service",
        "template.0.service_account",
        UseKind::Service("Cloud Run service"),
    ),
    (
        "google_cloud_run_v2_job",
        "template.0.template.0.service_account",
        UseKind::Service("Cloud Run job"),
    ),
    (
        "google_cloudfunctions_function",
        "service_account_email",
        UseKind::Service("Cloud Function"),
    ),
    (
        "google_cloudfunctions2_function",
        "service_config.0.service_account_email",
        UseKind::Service("Cloud Function"),
    ),
    (
        "google_vertex_ai_endpoint",
        "service_account",
        UseKind::Service("Vertex AI endpoint"),
    ),
    (
        "google_cloud_scheduler_job",
        "http_target.0.oidc_token.0.service_account_email",
        UseKind::Service("scheduler job"),
    ),
    (
        "google_cloudbuild_trigger",
        "service_account",
        UseKind::Service("Cloud Build trigger"),
    ),
];

const FORMS: [(&str, GrantForm); 3] = [
    ("_iam_member", GrantForm::Member),
    ("_iam_binding", GrantForm::Binding),
    ("_iam_policy", GrantForm::Policy),
];

/// True for types that say something about identities.
pub(super) fn concerns(kind: &str) -> bool {
    kind.starts_with("google_")
        && (kind == "google_service_account"
            || FORMS.iter().any(|(s, _)| kind.ends_with(s))
            || USES.iter().any(|(t, _, _)| *t == kind))
}

/// The facts of one instance.
pub(super) fn facts(cx: &Context<'_>, r: &Resource<'_>, v: &Value<'_>, out: &mut Vec<Fact>) {
    if &*r.kind == "google_service_account" {
        let email = cx.evaluate(&r.address, "email");
        let name = email
            .as_str()
            .map(str::to_owned)
            .or_else(|| v.get("account_id").as_str().map(str::to_owned));
        out.push(Fact::Identity {
            kind: IdentityKind::ServiceAccount,
            address: r.address.to_string(),
            name,
            boundary: None,
        });
        return;
    }
    for (_, attribute, kind) in USES.iter().filter(|(t, _, _)| *t == &*r.kind) {
        if v.path(attribute).is_empty() {
            continue;
        }
        for who in super::aws::named(cx, r, v, IdentityKind::ServiceAccount, attribute) {
            out.push(Fact::Use {
                who,
                place: r.at(*attribute),
                kind: kind.clone(),
                workload: r.block().into_owned(),
            });
        }
    }
    let Some((suffix, form)) = FORMS.iter().find(|(s, _)| r.kind.ends_with(s)) else {
        return;
    };
    let scope_kind = r
        .kind
        .trim_start_matches("google_")
        .trim_end_matches(suffix)
        .to_owned();
    // Custom roles and the like end in `_iam_…` too; only what has members or a policy is a grant.
    let scope = Scope {
        name: scope_name(cx, r, v, &scope_kind),
        kind: scope_kind,
    };
    let on = if scope.kind == "service_account" {
        super::aws::named(cx, r, v, IdentityKind::ServiceAccount, "service_account_id")
    } else {
        Vec::new()
    };
    match form {
        GrantForm::Member | GrantForm::Binding => {
            let attribute = if *form == GrantForm::Member {
                "member"
            } else {
                "members"
            };
            let role = super::holed(&cx.resolve(r, v, "role")).unwrap_or_default();
            let value = cx.resolve(r, v, attribute).into_owned();
            let mut members = members(&value);
            if members.iter().any(|(_, who)| who.is_none()) || members.is_empty() {
                // Unknown e-mails: the references still say who.
                let targets: Vec<String> = cx
                    .targets(r, attribute)
                    .into_iter()
                    .filter(|t| &*t.kind == "google_service_account")
                    .map(|t| t.address.to_string())
                    .collect();
                if members.is_empty() || targets.len() == 1 && members.len() == 1 {
                    let text = members
                        .first()
                        .map_or_else(|| crate::source::UNKNOWN_TEXT.to_string(), |(t, _)| t.clone());
                    members = targets
                        .into_iter()
                        .map(|t| (text.clone(), Some(Named::Address(t))))
                        .collect::<Vec<_>>();
                    if members.is_empty() {
                        members.push((text, None));
                    }
                }
            }
            let condition = super::holed(v.path("condition.0.expression"));
            out.push(Fact::Grant {
                place: r.at(attribute),
                role,
                members,
                scope,
                condition,
                form: *form,
                on,
            });
        }
        GrantForm::Policy => {
            let data = cx.resolve(r, v, "policy_data").into_owned();
            let text = super::holed(&data).unwrap_or_default();
            let bindings: Vec<(Value<'static>, String)> = match serde_json::from_str::<Value<'_>>(&text) {
                Ok(policy) => policy
                    .get("bindings")
                    .items()
                    .iter()
                    .map(|b| (b.clone().into_owned(), "condition.expression".to_owned()))
                    .collect(),
                // The data source itself, when its JSON is not known yet.
                Err(_) => cx
                    .targets(r, "policy_data")
                    .into_iter()
                    .filter(|t| &*t.kind == "google_iam_policy")
                    .flat_map(|t| cx.evaluate(&t.address, "binding").items().to_vec())
                    .map(|b| (b, "condition.0.expression".to_owned()))
                    .collect(),
            };
            if bindings.is_empty() && !data.is_null() && data.as_str().is_none() {
                out.push(Fact::Grant {
                    place: r.at("policy_data"),
                    role: crate::source::UNKNOWN_TEXT.to_string(),
                    members: Vec::new(),
                    scope: scope.clone(),
                    condition: None,
                    form: *form,
                    on: on.clone(),
                });
            }
            for (b, condition) in bindings {
                out.push(Fact::Grant {
                    place: r.at("policy_data"),
                    role: super::holed(b.get("role")).unwrap_or_default(),
                    members: members(b.get("members")),
                    scope: scope.clone(),
                    condition: super::holed(b.path(&condition)),
                    form: *form,
                    on: on.clone(),
                });
            }
        }
    }
}

fn members(v: &Value<'_>) -> Vec<(String, Option<Named>)> {
    v.one_or_many()
        .iter()
        .filter_map(|m| {
            let text = super::holed(m)?;
            let who = text
                .strip_prefix("serviceAccount:")
                .filter(|s| !s.contains(".svc.id.goog["))
                .and_then(|_| super::link::name_of(m, IdentityKind::ServiceAccount));
            Some((text, who))
        })
        .collect()
}

fn scope_name(cx: &Context<'_>, r: &Resource<'_>, v: &Value<'_>, kind: &str) -> Option<String> {
    let attribute = match kind {
        "project" => "project",
        "folder" => "folder",
        "organization" => "org_id",
        "service_account" => "service_account_id",
        "storage_bucket" | "storage_managed_folder" => "bucket",
        "secret_manager_secret" => "secret_id",
        "artifact_registry_repository" => "repository",
        "pubsub_topic" => "topic",
        "pubsub_subscription" => "subscription",
        "kms_crypto_key" => "crypto_key_id",
        "kms_key_ring" => "key_ring_id",
        "bigquery_dataset" => "dataset_id",
        "cloud_run_service" => "service",
        "cloud_run_v2_service" => "name",
        _ => return None,
    };
    let v = cx.resolve(r, v, attribute);
    super::holed(&v).filter(|s| *s != crate::source::UNKNOWN_TEXT.to_string())
}
