//! # SK06 secret-in-plan
//!
//! Rejects key material in the values of a plan: attributes of any resource (user data, environments, tags, container definitions,
//! task definitions), outputs, variables (defaults and values), arguments of modules, and other providers' credentials. Found by
//! structure: AWS, Google, GitHub, GitLab, Slack, Stripe and other tokens, private keys, signed tokens, connection strings with a
//! password, also inside JSON, scripts, base64 and gzip; and by name: a literal under `password`, a random one under `token`,
//! `secret`, `api_key`.
//!
//! ## Why
//!
//! Whoever can read the code, the plan or the state has the secret, and rotating it needs an apply.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_lambda_function" "score" {
//!   function_name = "score"
//!   role          = "arn:aws:iam::111122223333:role/score"
//!   image_uri     = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/score:1"
//!   package_type  = "Image"
//!   environment {
//!     variables = {
//!       DB_PASSWORD = "hunter2-prod"
//!     }
//!   }
//! }
//! ```
//!
//! ```hcl
//! variable "db_password" {
//!   type      = string
//!   sensitive = true
//!   default   = "hunter2-prod"
//! }
//!
//! resource "aws_db_instance" "features" {
//!   identifier        = "features"
//!   engine            = "postgres"
//!   instance_class    = "db.t4g.small"
//!   allocated_storage = 20
//!   username          = "app"
//!   password          = var.db_password
//! }
//! ```
//!
//! ## Good
//!
//! The name of the secret is handed over; the workload reads it at run time.
//!
//! ```hcl
//! resource "aws_lambda_function" "score" {
//!   function_name = "score"
//!   role          = "arn:aws:iam::111122223333:role/score"
//!   image_uri     = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/score:1"
//!   package_type  = "Image"
//!   environment {
//!     variables = {
//!       DB_PASSWORD_SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/score/db-AbCdEf"
//!     }
//!   }
//! }
//! ```
//!
//! ```hcl
//! resource "aws_db_instance" "features" {
//!   identifier                  = "features"
//!   engine                      = "postgres"
//!   instance_class              = "db.t4g.small"
//!   allocated_storage           = 20
//!   username                    = "app"
//!   manage_master_user_password = true
//! }
//! ```
//!
//! ## Reads
//!
//! Every managed resource, root output, variable, module call, and provider block except what SK04, SK05, SK07-SK09, SK15 and
//! SK17 read.
//!
//! ## Limits
//!
//! Silent on values that data sources and other resources bring unless their structure is that of a key (then a warning), on
//! placeholders, on the example keys of the vendors' documentation, on digests, certificates and public keys. Short-lived tokens
//! are a warning. A password under a name that does not say so is not found.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/manage-sensitive-data>

use super::origin::{self, Origin};
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::plan::{Module, ModuleCall, Output, Provider, Resource, Variable};
use crate::rules::{Meta, Rule};
use crate::secrets::{self, Found, Kind};
use crate::value::{self, Path, Value, Way};

/// See the page above.
pub(super) struct SecretInPlan;

static META: Meta = Meta {
    code: "SK06",
    name: "secret-in-plan",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "secret in the values of the plan",
    why: "whoever can read the code, the plan or the state has the secret, and nothing expires it",
    invariants: &["D-17", "D-18"],
    since: "0.1.0",
    source: include_str!("secret_in_plan.rs"),
};

/// Resources whose values other rules of this family judge, with the attributes they take (all, where empty).
const TAKEN: &[(&str, &[&str])] = &[
    ("aws_iam_access_key", &[]),
    ("google_service_account_key", &[]),
    ("google_storage_hmac_key", &[]),
    ("tls_private_key", &[]),
    ("random_password", &[]),
    (
        "aws_secretsmanager_secret_version",
        &["secret_string", "secret_binary", "secret_string_wo"],
    ),
    (
        "google_secret_manager_secret_version",
        &["secret_data", "secret_data_wo"],
    ),
    (
        "google_secret_manager_regional_secret_version",
        &["secret_data", "secret_data_wo"],
    ),
    ("aws_ssm_parameter", &["value", "value_wo", "insecure_value"]),
    ("azurerm_key_vault_secret", &["value"]),
    ("vault_generic_secret", &["data_json"]),
    ("vault_kv_secret_v2", &["data_json"]),
    ("github_actions_secret", &["plaintext_value", "encrypted_value"]),
    (
        "github_actions_environment_secret",
        &["plaintext_value", "encrypted_value"],
    ),
    (
        "github_actions_organization_secret",
        &["plaintext_value", "encrypted_value"],
    ),
    (
        "github_dependabot_secret",
        &["plaintext_value", "encrypted_value"],
    ),
    ("github_actions_variable", &["value"]),
    ("github_actions_environment_variable", &["value"]),
    ("gitlab_project_variable", &["value"]),
    ("gitlab_group_variable", &["value"]),
    ("gitlab_instance_variable", &["value"]),
    ("tfe_variable", &["value"]),
    ("circleci_context_environment_variable", &["value"]),
    ("kubernetes_secret", &["data", "binary_data"]),
    ("kubernetes_secret_v1", &["data", "binary_data"]),
    ("kubernetes_config_map", &["data", "binary_data"]),
    ("kubernetes_config_map_v1", &["data", "binary_data"]),
    ("kubernetes_pod", &["spec"]),
    ("kubernetes_pod_v1", &["spec"]),
    ("kubernetes_deployment", &["spec"]),
    ("kubernetes_deployment_v1", &["spec"]),
    ("kubernetes_stateful_set", &["spec"]),
    ("kubernetes_stateful_set_v1", &["spec"]),
    ("kubernetes_job", &["spec"]),
    ("kubernetes_job_v1", &["spec"]),
    ("kubernetes_cron_job", &["spec"]),
    ("kubernetes_cron_job_v1", &["spec"]),
    ("kubernetes_manifest", &["manifest"]),
    ("kubectl_manifest", &["yaml_body"]),
    ("helm_release", &["values", "set", "set_sensitive", "set_list"]),
];

fn taken(kind: &str, way: &[Way<'_>]) -> bool {
    let Some(Way::Name(attribute)) = way.first() else {
        return false;
    };
    // Copies that the provider makes of `tags` and `labels`.
    if matches!(
        *attribute,
        "tags_all" | "effective_labels" | "terraform_labels" | "effective_annotations"
    ) {
        return true;
    }
    TAKEN
        .iter()
        .any(|(t, attributes)| *t == kind && (attributes.is_empty() || attributes.contains(attribute)))
}

/// The name a leaf stands under: its own, or that of a `{name, value}` block.
fn name_of<'v>(values: &'v Value<'_>, way: &[Way<'v>]) -> &'v str {
    let last = value::last_name(way).unwrap_or_default();
    if last != "value" {
        return last;
    }
    let block = values.along(&way[..way.len() - 1]);
    ["name", "key"]
        .iter()
        .find_map(|k| block.get(k).as_str())
        .unwrap_or(last)
}

fn level(found: &Found, origin: &Origin) -> Level {
    if found.kind.is_short_lived() || *origin == Origin::Elsewhere {
        Level::Warning
    } else {
        Level::Error
    }
}

fn fix(r: &Resource<'_>, path: &Path) -> String {
    let attribute = path.to_string();
    match &*r.kind {
        "aws_db_instance" | "aws_rds_cluster" => format!(
            "resource \"{}\" \"{}\" {{\n  manage_master_user_password = true # Secrets Manager holds and rotates it; remove `{attribute}`\n}}",
            r.kind, r.name
        ),
        k if k.starts_with("google_") => format!(
            "# create the secret without its value, and let the workload read it by name\nresource \"google_secret_manager_secret\" \"{n}\" {{\n  secret_id = \"{n}\"\n  replication {{\n    auto {{}}\n  }}\n}}\n# {}: hand over google_secret_manager_secret.{n}.secret_id in place of `{attribute}`",
            r.address,
            n = r.name
        ),
        _ => format!(
            "# create the secret without its value, and let the workload read it by name\nresource \"aws_secretsmanager_secret\" \"{n}\" {{\n  name = \"{n}\"\n}}\n# {}: hand over aws_secretsmanager_secret.{n}.arn in place of `{attribute}`",
            r.address,
            n = r.name
        ),
    }
}

/// Judges one string of a resource.
fn leaf_of<'v>(
    cx: &Context<'_>,
    r: &Resource<'_>,
    values: &'v Value<'_>,
    way: &[Way<'v>],
    text: &str,
    sensitive: bool,
    out: &mut Findings<'_>,
) {
    let name = name_of(values, way);
    // A policy document speaks of secrets and tokens all the time and holds none, unless one with a structure.
    let policy = matches!(
        name,
        "policy" | "assume_role_policy" | "access_policies" | "policy_document"
    );
    // What the provider calls sensitive is a secret under whatever name, if it was written as a constant.
    let marked = sensitive && way.len() == 1 && text.len() >= 4;
    let worth = if policy {
        secrets::may_hold(text.as_bytes())
    } else {
        marked || secrets::is_worth_a_look(name, text)
    };
    if !worth || taken(&r.kind, way) {
        return;
    }
    let mut found = secrets::inspect(name, text);
    if found.is_empty() && marked && secrets::is_opaque(text) {
        found.extend(secrets::inspect("password", text));
    }
    if found.is_empty() {
        return;
    }
    let path = Path::of(way);
    let origin = origin::of(cx, r, &path);
    for f in found {
        if origin == Origin::Computed || !origin.is_written() && !f.kind.is_structural() {
            continue;
        }
        let finding = out.report(
            r.at(path.clone()),
            format!("`{path}` holds {}{}", f.describe(), origin.note()),
        );
        finding.fix(fix(r, &path)).level(level(&f, &origin));
        if let Some(place) = origin.written_at() {
            finding.related(place.clone(), "written here");
        }
        if origin == Origin::Elsewhere {
            finding.why(
                "the value is not written in the code, but it is a key, and now stands in the plan and the state",
            );
        }
    }
}

impl Rule for SecretInPlan {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["*"]
    }

    fn prefilter(&self, values: &[u8]) -> bool {
        secrets::may_matter(values)
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        values.walk(|way, leaf, sensitive| {
            if let Some(text) = leaf.as_str() {
                leaf_of(cx, r, values, way, text, sensitive, out);
            }
        });
        // `user_data` of an instance is planned as a hash; its text is in the configuration.
        if matches!(
            &*r.kind,
            "aws_instance" | "aws_spot_instance_request" | "aws_launch_configuration"
        ) {
            let Some(block) = cx.plan.block_of(r) else { return };
            if let Some(text) = block
                .expressions()
                .get("user_data")
                .constant()
                .and_then(|v| v.as_str())
            {
                for f in secrets::inspect("user_data", text) {
                    out.report(r.at("user_data"), format!("`user_data` holds {}", f.describe()))
                        .fix(fix(r, &Path::from("user_data")))
                        .level(level(&f, &Origin::Literal));
                }
            }
        }
    }

    fn provider(&self, cx: &Context<'_>, provider: &Provider<'_>, out: &mut Findings<'_>) {
        if matches!(&*provider.name, "aws" | "google" | "google-beta") {
            return;
        }
        for (path, value) in provider.expressions.constants() {
            for (inner, leaf, _) in value.leaves() {
                let whole = path.join(&inner);
                let Some(text) = leaf.as_str() else { continue };
                for f in secrets::inspect(whole.last_name().unwrap_or_default(), text) {
                    out.report(provider.at(whole.clone()), format!("`{whole}` of provider {} holds {}", provider.key, f.describe()))
                        .fix(format!("provider \"{}\" {{\n  # remove `{whole}`: give it in the environment of the run, from a token of the job\n}}", provider.name));
                }
            }
        }
        // A credential argument that resolves to a default.
        for argument in [
            "token",
            "password",
            "api_key",
            "client_secret",
            "api_token",
            "secret_key",
            "access_token",
        ] {
            let e = provider.expressions.get(argument);
            if e.references().is_empty() {
                continue;
            }
            let origin = origin::expression(cx, &provider.module, e, 16);
            if let (Origin::Default(place) | Origin::Argument(place), false) = (
                &origin,
                e.references().iter().any(|r| r.starts_with("ephemeral.")),
            ) {
                let place = place.clone();
                out.report(
                    provider.at(argument),
                    format!(
                        "`{argument}` of provider {} is a literal{}",
                        provider.key,
                        origin.note()
                    ),
                )
                .fix(format!(
                    "provider \"{}\" {{\n  # remove `{argument}`: give it in the environment of the run\n}}",
                    provider.name
                ))
                .related(place, "written here");
            }
        }
    }

    fn variable(
        &self,
        _: &Context<'_>,
        module: &Module<'_>,
        variable: &Variable<'_>,
        value: &Value<'_>,
        out: &mut Findings<'_>,
    ) {
        let mut seen: Vec<Kind> = Vec::new();
        for (path, leaf, _) in variable.default.leaves() {
            let Some(text) = leaf.as_str() else { continue };
            let name = path.last_name().unwrap_or(&variable.name);
            let mut found = secrets::inspect(name, text);
            if found.is_empty() && variable.sensitive && path.is_empty() && secrets::is_opaque(text) {
                found.extend(secrets::inspect("password", text));
            }
            for f in found {
                seen.push(f.kind);
                let at = Place::new(
                    module.variable_at(&variable.name).address,
                    Path::from("default").join(&path),
                );
                out.report(at, format!("the default of variable `{}` holds {}", variable.name, f.describe()))
                    .level(level(&f, &Origin::Literal))
                    .fix(format!("variable \"{n}\" {{\n  type      = string\n  sensitive = true\n  ephemeral = true # no default: the value is given at run time and never kept\n}}", n = variable.name));
            }
        }
        // What was given for this plan is in it in clear text. A password given from outside is not in the code; a key is a key.
        for (path, leaf, _) in value.leaves() {
            let Some(text) = leaf.as_str() else { continue };
            for f in secrets::inspect(path.last_name().unwrap_or(&variable.name), text) {
                if !f.kind.is_structural() && f.kind != Kind::AwsSecretAccessKey || seen.contains(&f.kind) {
                    continue;
                }
                out.report(Place::new(module.variable_at(&variable.name).address, path.clone()), format!("the value given for variable `{}` holds {}", variable.name, f.describe()))
                    .level(level(&f, &Origin::Literal))
                    .fix(format!("variable \"{n}\" {{\n  type      = string\n  ephemeral = true # and hand over the name of a secret where that will do\n}}", n = variable.name));
            }
        }
    }

    fn call(&self, cx: &Context<'_>, module: &Module<'_>, call: &ModuleCall<'_>, out: &mut Findings<'_>) {
        let at = crate::address::in_module(&module.path, &format!("module.{}", call.name));
        for (path, value) in call.arguments.constants() {
            for (inner, leaf, _) in value.leaves() {
                let whole = path.join(&inner);
                let Some(text) = leaf.as_str() else { continue };
                let argument = whole.0.first().and_then(|s| {
                    if let crate::value::Step::Name(n) = s {
                        Some(n.as_str())
                    } else {
                        None
                    }
                });
                let sensitive = argument.is_some_and(|a| {
                    cx.plan
                        .configuration
                        .module(&call.module.path)
                        .is_some_and(|m| m.variables.iter().any(|v| &*v.name == a && v.sensitive))
                });
                let mut found = secrets::inspect(whole.last_name().unwrap_or_default(), text);
                if found.is_empty() && sensitive && secrets::is_opaque(text) {
                    found.extend(secrets::inspect("password", text));
                }
                for f in found {
                    out.report(
                        Place::new(at.clone(), whole.clone()),
                        format!(
                            "argument `{whole}` of module `{}` holds {}",
                            call.name,
                            f.describe()
                        ),
                    )
                    .level(level(&f, &Origin::Literal))
                    .fix(format!(
                        "module \"{}\" {{\n  # hand over the name of a secret in place of `{whole}`\n}}",
                        call.name
                    ));
                }
            }
        }
    }

    fn output(&self, cx: &Context<'_>, output: &Output<'_>, out: &mut Findings<'_>) {
        let value = output.value();
        let expression = cx
            .plan
            .configuration
            .root
            .outputs
            .iter()
            .find(|(n, _, _)| *n == output.name)
            .map(|(_, e, _)| e);
        let origin = expression.map_or(Origin::Unclear, |e| origin::expression(cx, "", e, 16));
        for (path, leaf, _) in value.leaves() {
            let Some(text) = leaf.as_str() else { continue };
            for f in secrets::inspect(path.last_name().unwrap_or(&output.name), text) {
                if !origin.is_written() && !f.kind.is_structural() {
                    continue;
                }
                out.report(
                    Place::new(format!("output.{}", output.name), path.clone()),
                    format!("output `{}` holds {}{}", output.name, f.describe(), origin.note()),
                )
                .level(level(&f, &Origin::Literal))
                .fix(format!(
                    "output \"{n}\" {{\n  value = <the name or ARN of the secret>\n}}",
                    n = output.name
                ));
            }
        }
    }
}
