//! Facts about identities from resources of the AWS provider (and Kubernetes service accounts).

use super::link::{DocumentFact, Fact, Named};
use super::{IdentityKind, Purpose, UseKind};
use crate::context::Context;
use crate::plan::Resource;
use crate::value::{Path, Value};

/// Resource policies: type and attribute.
const RESOURCE_POLICIES: [(&str, &str); 26] = [
    ("aws_s3_bucket_policy", "policy"),
    ("aws_s3_bucket", "policy"),
    ("aws_s3_access_point", "policy"),
    ("aws_s3control_access_point_policy", "policy"),
    ("aws_kms_key", "policy"),
    ("aws_kms_key_policy", "policy"),
    ("aws_kms_external_key", "policy"),
    ("aws_kms_replica_key", "policy"),
    ("aws_ecr_repository_policy", "policy"),
    ("aws_ecr_registry_policy", "policy"),
    ("aws_ecrpublic_repository_policy", "policy"),
    ("aws_secretsmanager_secret", "policy"),
    ("aws_secretsmanager_secret_policy", "policy"),
    ("aws_sns_topic", "policy"),
    ("aws_sns_topic_policy", "policy"),
    ("aws_sqs_queue", "policy"),
    ("aws_sqs_queue_policy", "policy"),
    ("aws_efs_file_system_policy", "policy"),
    ("aws_opensearch_domain", "access_policies"),
    ("aws_opensearch_domain_policy", "access_policies"),
    ("aws_backup_vault_policy", "policy"),
    ("aws_glue_resource_policy", "policy"),
    ("aws_cloudwatch_log_resource_policy", "policy_document"),
    ("aws_dynamodb_resource_policy", "policy"),
    ("aws_vpc_endpoint", "policy"),
    (
        "aws_codeartifact_repository_permissions_policy",
        "policy_document",
    ),
];

/// What runs as a role: type, attribute, and as what.
const USES: [(&str, &str, UseKind); 33] = [
    ("aws_eks_node_group", "node_role_arn", UseKind::Node),
    (
        "aws_eks_fargate_profile",
        "pod_execution_role_arn",
        UseKind::Service("Fargate pod execution"),
    ),
    (
        "aws_eks_cluster",
        "role_arn",
        UseKind::ControlPlane("EKS cluster"),
    ),
    (
        "aws_eks_addon",
        "service_account_role_arn",
        UseKind::Service("EKS add-on"),
    ),
    ("aws_eks_access_entry", "principal_arn", UseKind::ClusterAccess),
    (
        "aws_eks_access_policy_association",
        "principal_arn",
        UseKind::ClusterAccess,
    ),
    ("aws_lambda_function", "role", UseKind::Service("Lambda function")),
    (
        "aws_ecs_task_definition",
        "task_role_arn",
        UseKind::Service("ECS task"),
    ),
    (
        "aws_ecs_task_definition",
        "execution_role_arn",
        UseKind::Service("ECS task execution"),
    ),
    (
        "aws_codebuild_project",
        "service_role",
        UseKind::Service("CodeBuild project"),
    ),
    ("aws_codepipeline", "role_arn", UseKind::Service("CodePipeline")),
    ("aws_glue_job", "role_arn", UseKind::Service("Glue job")),
    ("aws_glue_crawler", "role", UseKind::Service("Glue crawler")),
    (
        "aws_sfn_state_machine",
        "role_arn",
        UseKind::Service("state machine"),
    ),
    (
        "aws_scheduler_schedule",
        "target.0.role_arn",
        UseKind::Service("schedule"),
    ),
    (
        "aws_cloudwatch_event_target",
        "role_arn",
        UseKind::Service("event target"),
    ),
    (
        "aws_sagemaker_model",
        "execution_role_arn",
        UseKind::Service("SageMaker model"),
    ),
    (
        "aws_sagemaker_notebook_instance",
        "role_arn",
        UseKind::Service("SageMaker notebook"),
    ),
    (
        "aws_sagemaker_domain",
        "default_user_settings.0.execution_role",
        UseKind::Service("SageMaker domain"),
    ),
    (
        "aws_sagemaker_user_profile",
        "user_settings.0.execution_role",
        UseKind::Service("SageMaker user profile"),
    ),
    (
        "aws_sagemaker_pipeline",
        "role_arn",
        UseKind::Service("SageMaker pipeline"),
    ),
    (
        "aws_batch_compute_environment",
        "service_role",
        UseKind::ControlPlane("Batch environment"),
    ),
    (
        "aws_batch_compute_environment",
        "compute_resources.0.instance_role",
        UseKind::Node,
    ),
    (
        "aws_apprunner_service",
        "instance_configuration.0.instance_role_arn",
        UseKind::Service("App Runner service"),
    ),
    ("aws_instance", "iam_instance_profile", UseKind::Node),
    ("aws_spot_instance_request", "iam_instance_profile", UseKind::Node),
    ("aws_launch_configuration", "iam_instance_profile", UseKind::Node),
    (
        "aws_launch_template",
        "iam_instance_profile.0.name",
        UseKind::Node,
    ),
    ("aws_launch_template", "iam_instance_profile.0.arn", UseKind::Node),
    (
        "aws_emr_cluster",
        "ec2_attributes.0.instance_profile",
        UseKind::Node,
    ),
    (
        "aws_emr_cluster",
        "service_role",
        UseKind::ControlPlane("EMR cluster"),
    ),
    (
        "aws_mwaa_environment",
        "execution_role_arn",
        UseKind::Service("Airflow environment"),
    ),
    (
        "aws_kinesis_firehose_delivery_stream",
        "extended_s3_configuration.0.role_arn",
        UseKind::Service("Firehose stream"),
    ),
];

/// True for types that say something about identities.
pub(super) fn concerns(kind: &str) -> bool {
    kind.starts_with("aws_iam_")
        || kind == "aws_eks_pod_identity_association"
        || kind.starts_with("kubernetes_service_account")
        || RESOURCE_POLICIES.iter().any(|(t, _)| *t == kind)
        || USES.iter().any(|(t, _, _)| *t == kind)
}

/// The facts of one instance.
pub(super) fn facts(cx: &Context<'_>, r: &Resource<'_>, v: &Value<'_>, out: &mut Vec<Fact>) {
    match &*r.kind {
        "aws_iam_role" => role(cx, r, v, out),
        "aws_iam_user" => principal(cx, r, v, IdentityKind::User, out),
        "aws_iam_group" => principal(cx, r, v, IdentityKind::Group, out),
        "aws_iam_policy" => out.push(Fact::Policy {
            address: r.address.to_string(),
            name: v.get("name").as_str().map(str::to_owned),
            document: document(cx, r, v, "policy", Purpose::Identity),
        }),
        "aws_iam_role_policy" => inline(cx, r, v, IdentityKind::Role, "role", out),
        "aws_iam_user_policy" => inline(cx, r, v, IdentityKind::User, "user", out),
        "aws_iam_group_policy" => inline(cx, r, v, IdentityKind::Group, "group", out),
        "aws_iam_role_policy_attachment" => {
            attachment(cx, r, v, IdentityKind::Role, "role", "policy_arn", out)
        }
        "aws_iam_user_policy_attachment" => {
            attachment(cx, r, v, IdentityKind::User, "user", "policy_arn", out)
        }
        "aws_iam_group_policy_attachment" => {
            attachment(cx, r, v, IdentityKind::Group, "group", "policy_arn", out)
        }
        "aws_iam_role_policy_attachments_exclusive" => {
            attachment(cx, r, v, IdentityKind::Role, "role_name", "policy_arns", out)
        }
        "aws_iam_policy_attachment" => {
            attachment(cx, r, v, IdentityKind::Role, "roles", "policy_arn", out);
            attachment(cx, r, v, IdentityKind::User, "users", "policy_arn", out);
            attachment(cx, r, v, IdentityKind::Group, "groups", "policy_arn", out);
        }
        "aws_iam_instance_profile" => {
            for role in named(cx, r, v, IdentityKind::Role, "role") {
                out.push(Fact::Profile {
                    address: r.address.to_string(),
                    name: v.get("name").as_str().map(str::to_owned),
                    role,
                });
            }
        }
        "aws_eks_pod_identity_association" => {
            let text = |a: &str| cx.resolve(r, v, a).as_str().map(str::to_owned);
            let kind = UseKind::Pod {
                namespace: text("namespace"),
                account: text("service_account"),
            };
            used(cx, r, v, "role_arn", kind, out);
        }
        k if k.starts_with("kubernetes_service_account") => {
            let kind = UseKind::Pod {
                namespace: Some(
                    v.path("metadata.0.namespace")
                        .as_str()
                        .unwrap_or("default")
                        .to_owned(),
                ),
                account: v.path("metadata.0.name").as_str().map(str::to_owned),
            };
            let all = cx.resolve(r, v, "metadata.0.annotations");
            let place = r.at("metadata.0.annotations");
            for (key, identity) in [
                ("eks.amazonaws.com/role-arn", IdentityKind::Role),
                ("iam.gke.io/gcp-service-account", IdentityKind::ServiceAccount),
            ] {
                if let Some(who) = super::link::name_of(all.get(key), identity) {
                    out.push(Fact::Use {
                        who,
                        place: place.clone(),
                        kind: kind.clone(),
                        workload: r.block().into_owned(),
                    });
                }
            }
        }
        _ => {}
    }
    for (_, attribute) in RESOURCE_POLICIES.iter().filter(|(t, _)| *t == &*r.kind) {
        // Optional and computed on several types: only what is written is the author's.
        if cx.is_set(r, attribute) && !v.get(attribute).is_empty() {
            let document = document(cx, r, v, attribute, Purpose::Resource);
            out.push(Fact::Document(document));
        }
    }
    for (_, attribute, kind) in USES.iter().filter(|(t, _, _)| *t == &*r.kind) {
        used(cx, r, v, attribute, kind.clone(), out);
    }
}

fn role(cx: &Context<'_>, r: &Resource<'_>, v: &Value<'_>, out: &mut Vec<Fact>) {
    principal(cx, r, v, IdentityKind::Role, out);
    let own = Named::Address(r.address.to_string());
    let mut trust = document(cx, r, v, "assume_role_policy", Purpose::Trust);
    trust.holders.push(own.clone());
    out.push(Fact::Document(trust));
    if cx.is_set(r, "inline_policy") {
        for (i, p) in v.get("inline_policy").items().iter().enumerate() {
            // An empty block holds policy "".
            if p.get("policy").is_empty() && !p.get("policy").is_unknown() {
                continue;
            }
            let mut d = document(cx, r, v, &format!("inline_policy.{i}.policy"), Purpose::Identity);
            d.holders.push(own.clone());
            out.push(Fact::Document(d));
        }
    }
    if cx.is_set(r, "managed_policy_arns") {
        attach(cx, r, v, &[own], "managed_policy_arns", out);
    }
}

fn principal(cx: &Context<'_>, r: &Resource<'_>, v: &Value<'_>, kind: IdentityKind, out: &mut Vec<Fact>) {
    let name = cx.resolve(r, v, "name");
    let boundary = v.get("permissions_boundary");
    let boundary = (!boundary.is_empty()).then(|| {
        policy_names(cx, r, v, "permissions_boundary")
            .into_iter()
            .next()
            .unwrap_or(Named::Unknown(Vec::new()))
    });
    out.push(Fact::Identity {
        kind,
        address: r.address.to_string(),
        name: name.as_str().map(str::to_owned),
        boundary,
    });
}

fn inline(
    cx: &Context<'_>,
    r: &Resource<'_>,
    v: &Value<'_>,
    kind: IdentityKind,
    holder: &str,
    out: &mut Vec<Fact>,
) {
    let mut d = document(cx, r, v, "policy", Purpose::Identity);
    d.holders = named(cx, r, v, kind, holder);
    out.push(Fact::Document(d));
}

fn attachment(
    cx: &Context<'_>,
    r: &Resource<'_>,
    v: &Value<'_>,
    kind: IdentityKind,
    holder: &str,
    policy: &str,
    out: &mut Vec<Fact>,
) {
    let holders = named(cx, r, v, kind, holder);
    attach(cx, r, v, &holders, policy, out);
}

fn attach(
    cx: &Context<'_>,
    r: &Resource<'_>,
    v: &Value<'_>,
    holders: &[Named],
    attribute: &str,
    out: &mut Vec<Fact>,
) {
    for policy in policy_names(cx, r, v, attribute) {
        for holder in holders {
            out.push(Fact::Attachment {
                place: r.at(attribute),
                holder: holder.clone(),
                policy: policy.clone(),
            });
        }
    }
}

fn used(
    cx: &Context<'_>,
    r: &Resource<'_>,
    v: &Value<'_>,
    attribute: &str,
    kind: UseKind,
    out: &mut Vec<Fact>,
) {
    if v.path(attribute).is_empty() {
        return;
    }
    for who in named(cx, r, v, IdentityKind::Role, attribute) {
        out.push(Fact::Use {
            who,
            place: r.at(attribute),
            kind: kind.clone(),
            workload: r.block().into_owned(),
        });
    }
}

/// The policies an attribute names: by reference to a planned policy, else by ARN.
fn policy_names(cx: &Context<'_>, r: &Resource<'_>, v: &Value<'_>, attribute: &str) -> Vec<Named> {
    let planned = v.path(attribute);
    if planned.is_wholly_known() {
        return planned
            .one_or_many()
            .iter()
            .filter_map(|p| p.as_str())
            .map(|s| Named::Text(s.to_owned()))
            .collect();
    }
    let targets: Vec<Named> = cx
        .targets(r, attribute)
        .into_iter()
        .filter(|t| &*t.kind == "aws_iam_policy" && !t.block().starts_with("data."))
        .map(|t| Named::Address(t.address.to_string()))
        .collect();
    let value = cx.resolve(r, v, attribute).into_owned();
    let known: Vec<Named> = value
        .one_or_many()
        .iter()
        .filter_map(|p| p.as_str())
        .map(|s| Named::Text(s.to_owned()))
        .collect();
    match (targets.is_empty(), known.is_empty()) {
        (false, _) => targets.into_iter().chain(known).collect(),
        (true, false) => known,
        (true, true) => vec![Named::Unknown(super::references_of(&value))],
    }
}

/// The identities an attribute names: known names first, then references, then what evaluation gives.
pub(super) fn named(
    cx: &Context<'_>,
    r: &Resource<'_>,
    v: &Value<'_>,
    kind: IdentityKind,
    attribute: &str,
) -> Vec<Named> {
    let planned = v.path(attribute);
    if planned.is_wholly_known() {
        return planned
            .one_or_many()
            .iter()
            .filter_map(|p| super::link::name_of(p, kind))
            .collect();
    }
    let targets: Vec<Named> = cx
        .targets(r, attribute)
        .into_iter()
        .filter(|t| {
            matches!(
                &*t.kind,
                "aws_iam_role"
                    | "aws_iam_user"
                    | "aws_iam_group"
                    | "aws_iam_instance_profile"
                    | "google_service_account"
            )
        })
        .map(|t| Named::Address(t.address.to_string()))
        .collect();
    if !targets.is_empty() {
        return targets;
    }
    let value = cx.resolve(r, v, attribute).into_owned();
    let names: Vec<Named> = value
        .one_or_many()
        .iter()
        .filter_map(|p| super::link::name_of(p, kind))
        .collect();
    if names.is_empty() {
        vec![Named::Unknown(super::references_of(&value))]
    } else {
        names
    }
}

fn document(
    cx: &Context<'_>,
    r: &Resource<'_>,
    v: &Value<'_>,
    attribute: &str,
    purpose: Purpose,
) -> DocumentFact {
    let path = Path::from(attribute);
    let planned = super::follow(v, &path);
    let place = r.at(path.clone());
    if planned.as_str().is_some() {
        return DocumentFact::planned(place, purpose, path);
    }
    DocumentFact::evaluated(place, purpose, &cx.resolve(r, v, attribute))
}
