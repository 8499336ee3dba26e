//! Workload identity pools and their providers
//! (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools>).

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use mlops_access::gcp::{Resource, cel::Expr};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::Project;
use crate::gcp::longrunning::{Operation, any};
use crate::gcp::names::{piece, short};
use crate::gcp::page::page;
use crate::gcp::policy::{self, Policy};
use crate::gcp::refuse::{exists, invalid, not_carried, not_found, precondition};
use crate::world::World;

/// For so long a deleted pool or provider keeps its id (<https://cloud.google.com/iam/docs/manage-workload-identity-pools-providers>).
const PURGED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// As the API describes it, without `name`, `state` and `expireTime`.
    pub body: Value,
    /// When its id is free again; deleted if there is such a time.
    pub expires: Option<Timestamp>,
    /// Providers by id.
    pub providers: BTreeMap<String, Provider>,
    /// Its policy.
    pub policy: Policy,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provider {
    /// As the API describes it, without `name`, `state` and `expireTime`.
    pub body: Value,
    /// When its id is free again; deleted if there is such a time.
    pub expires: Option<Timestamp>,
}

/// Purges.
pub(super) fn settle(project: &mut Project, at: Timestamp) {
    let stays = |expires: &Option<Timestamp>| expires.is_none_or(|expires| at < expires);
    project.pools.retain(|_, pool| stays(&pool.expires));
    for pool in project.pools.values_mut() {
        pool.providers.retain(|_, provider| stays(&provider.expires));
    }
}

fn told(body: &Value, name: &str, expires: Option<Timestamp>) -> Value {
    let mut told = body.clone();
    told["name"] = json!(name);
    told["state"] = json!(if expires.is_some() { "DELETED" } else { "ACTIVE" });
    if let Some(expires) = expires {
        told["expireTime"] = json!(expires.to_string());
    }
    told
}

/// Answers a call. Names come back with the project's number.
pub(super) fn answer(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    let name = call
        .text("name")
        .or_else(|| call.text("parent"))
        .or_else(|| call.text("resource"))
        .unwrap_or_default();
    if piece(name, "locations") != "global" {
        // The only location (description of `parent`); words are a guess.
        return Err(invalid(format!(
            "Invalid location: {}. Only \"global\" is supported.",
            piece(name, "locations")
        )));
    }
    let name = world.gcp.with_number(name)?;
    if method == "operations.get" || method == "providers.operations.get" {
        return operation(world, call, &name);
    }
    match method.strip_prefix("providers.") {
        Some(method) => providers(world, call, method, &name),
        None => pools(world, call, method, &name),
    }
}

fn operation(world: &World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let key = format!("iam/{name}");
    let operation = world
        .gcp
        .project(name)?
        .operations
        .get(&key)
        .ok_or_else(|| not_found(format!("Operation \"{name}\" was not found.")))?;
    Ok(operation.told(call.at).into())
}

/// Begins an operation that ends in this message.
fn begin(world: &mut World, call: &Call, name: &str, kind: &str, message: &Value) -> Result<Answer, Refusal> {
    // Seconds, as public logs of Terraform show for both.
    let takes = world.behaviour.duration("iam.workloadIdentityPool", 5.0);
    let operation = Operation {
        name: format!(
            "{name}/operations/{}",
            world.random.text("abcdefghijklmnopqrstuvwxyz234567", 32)
        ),
        ends: call.at + takes,
        metadata: json!({"@type": format!("type.googleapis.com/google.iam.v1.{kind}OperationMetadata")}),
        response: any(&format!("google.iam.v1.{kind}"), message),
    };
    let mut told = operation.told(call.at);
    if takes.is_zero() && told.get("done").is_none() {
        told["done"] = json!(true);
    }
    world
        .gcp
        .project_mut(name)?
        .operations
        .insert(format!("iam/{}", operation.name), operation);
    Ok(told.into())
}

/// Ids: 4 to 32 characters of `[a-z0-9-]`, and `gcp-` is Google's (description of `workloadIdentityPoolId`).
fn check_id(what: &str, id: &str) -> Result<(), Refusal> {
    let fits = (4..=32).contains(&id.len())
        && id.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
        })
        && !id.starts_with("gcp-");
    if fits {
        return Ok(());
    }
    Err(invalid(format!(
        "{what} \"{id}\" is invalid: it must be 4-32 characters of [a-z0-9-] and must not begin with \"gcp-\"."
    )))
}

/// Lengths of texts (descriptions of the fields); words are a guess.
fn check_texts(body: &Value) -> Result<(), Refusal> {
    for (member, most) in [
        ("displayName", 32),
        ("description", 256),
        ("attributeCondition", 4_096),
    ] {
        let length = body
            .get(member)
            .and_then(Value::as_str)
            .map_or(0, |text| text.chars().count());
        if length > most {
            return Err(invalid(format!(
                "{member} is too long: it has {length} characters, at most {most} are allowed."
            )));
        }
    }
    Ok(())
}

fn gone(what: &str, name: &str) -> Refusal {
    not_found(format!("{what} \"{name}\" was not found."))
}

fn pool_mut<'a>(world: &'a mut World, name: &str) -> Result<&'a mut Pool, Refusal> {
    let id = piece(name, "workloadIdentityPools").to_owned();
    world
        .gcp
        .project_mut(name)?
        .pools
        .get_mut(&id)
        .ok_or_else(|| gone("Workload identity pool", name))
}

/// Sets what the mask names, from what is given.
fn apply(body: &mut Value, given: &Value, mask: &str) -> Result<(), Refusal> {
    let mask: BTreeSet<&str> = mask.split(',').filter(|path| !path.is_empty()).collect();
    if mask.is_empty() {
        // `updateMask` is required.
        return Err(invalid("Required field 'update_mask' is missing."));
    }
    for path in mask {
        let pointer = format!("/{}", path.replace('.', "/"));
        let (head, last) = pointer.rsplit_once('/').unwrap_or(("", &pointer));
        let value = given.pointer(&pointer).cloned();
        if !head.is_empty() && body.pointer(head).is_none() {
            body[head.trim_start_matches('/')] = json!({});
        }
        if let Some(place) = body.pointer_mut(head).and_then(Value::as_object_mut) {
            match value {
                Some(value) => place.insert(last.to_owned(), value),
                None => place.remove(last),
            };
        }
    }
    Ok(())
}

fn pools(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    const KIND: &str = "WorkloadIdentityPool";
    match method {
        "create" => {
            let id = call.required("workloadIdentityPoolId").to_owned();
            check_id("workload_identity_pool_id", &id)?;
            let mut body = call.body().clone();
            check_texts(&body)?;
            strip(&mut body);
            let full = format!("{name}/workloadIdentityPools/{id}");
            let project = world.gcp.project_mut(name)?;
            if project.pools.contains_key(&id) {
                // Also while it is deleted and not purged: hashicorp/terraform-provider-google#14191.
                return Err(exists("Requested entity already exists"));
            }
            let message = told(&body, &full, None);
            let pool = Pool {
                body,
                expires: None,
                providers: BTreeMap::new(),
                policy: Policy::default(),
            };
            project.pools.insert(id, pool);
            begin(world, call, &full, KIND, &message)
        }
        "list" => {
            let deleted = call
                .input
                .get("showDeleted")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            let pools = world
                .gcp
                .project(name)?
                .pools
                .iter()
                .filter(|(_, pool)| deleted || pool.expires.is_none())
                .map(|(id, pool)| {
                    told(
                        &pool.body,
                        &format!("{name}/workloadIdentityPools/{id}"),
                        pool.expires,
                    )
                })
                .collect();
            page(
                call,
                &world.behaviour,
                "workloadIdentityPools",
                "pageSize",
                50,
                pools,
            )
        }
        "get" => {
            let pool = pool_mut(world, name)?;
            Ok(told(&pool.body, name, pool.expires).into())
        }
        "patch" => {
            let pool = pool_mut(world, name)?;
            check_alive(pool.expires, name)?;
            let mut body = pool.body.clone();
            apply(&mut body, call.body(), call.required("updateMask"))?;
            check_texts(&body)?;
            pool.body = body;
            let message = told(&pool.body, name, None);
            begin(world, call, name, KIND, &message)
        }
        "delete" => {
            let pool = pool_mut(world, name)?;
            check_alive(pool.expires, name)?;
            pool.expires = Some(call.at + PURGED);
            let message = told(&pool.body, name, pool.expires);
            begin(world, call, name, KIND, &message)
        }
        "undelete" => {
            let pool = pool_mut(world, name)?;
            check_deleted(pool.expires, name)?;
            pool.expires = None;
            let message = told(&pool.body, name, None);
            begin(world, call, name, KIND, &message)
        }
        "getIamPolicy" => Ok(pool_mut(world, name)?.policy.told(policy::requested(call)).into()),
        "setIamPolicy" => {
            let standing = pool_mut(world, name)?.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &standing, &given, call.at)?;
            pool_mut(world, name)?.policy = policy.clone();
            Ok(policy.told(3).into())
        }
        "testIamPermissions" => {
            let id = world.gcp.project_id(name)?;
            Ok(policy::tested(world, call, &Resource::Project(id)).into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// What only Google sets.
fn strip(body: &mut Value) {
    if let Some(body) = body.as_object_mut() {
        body.retain(|member, _| !matches!(member.as_str(), "name" | "state" | "expireTime"));
    }
}

/// A deleted one can only be brought back; words are a guess.
fn check_alive(expires: Option<Timestamp>, name: &str) -> Result<(), Refusal> {
    match expires {
        None => Ok(()),
        Some(_) => Err(precondition(format!(
            "\"{name}\" is in state DELETED. Undelete it first."
        ))),
    }
}

fn check_deleted(expires: Option<Timestamp>, name: &str) -> Result<(), Refusal> {
    match expires {
        Some(_) => Ok(()),
        None => Err(precondition(format!("\"{name}\" is not in state DELETED."))),
    }
}

fn providers(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    const KIND: &str = "WorkloadIdentityPoolProvider";
    let id = short(name).to_owned();
    let missing = || gone("Workload identity pool provider", name);
    match method {
        "create" => {
            let id = call.required("workloadIdentityPoolProviderId").to_owned();
            check_id("workload_identity_pool_provider_id", &id)?;
            let mut body = call.body().clone();
            strip(&mut body);
            check_provider(&body)?;
            let full = format!("{name}/providers/{id}");
            let pool = pool_mut(world, name)?;
            check_alive(pool.expires, name)?;
            if pool.providers.contains_key(&id) {
                return Err(exists("Requested entity already exists"));
            }
            let message = told(&body, &full, None);
            pool.providers.insert(id, Provider { body, expires: None });
            begin(world, call, &full, KIND, &message)
        }
        "list" => {
            let deleted = call
                .input
                .get("showDeleted")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            let providers = pool_mut(world, name)?
                .providers
                .iter()
                .filter(|(_, provider)| deleted || provider.expires.is_none())
                .map(|(id, provider)| {
                    told(
                        &provider.body,
                        &format!("{name}/providers/{id}"),
                        provider.expires,
                    )
                })
                .collect();
            page(
                call,
                &world.behaviour,
                "workloadIdentityPoolProviders",
                "pageSize",
                50,
                providers,
            )
        }
        "get" | "patch" | "delete" | "undelete" => {
            let pool = pool_mut(world, name)?;
            let pool_expires = pool.expires;
            let provider = pool.providers.get_mut(&id).ok_or_else(missing)?;
            match method {
                "patch" => {
                    check_alive(provider.expires, name)?;
                    let mut body = provider.body.clone();
                    apply(&mut body, call.body(), call.required("updateMask"))?;
                    check_provider(&body)?;
                    provider.body = body;
                }
                "delete" => {
                    check_alive(provider.expires, name)?;
                    provider.expires = Some(call.at + PURGED);
                }
                "undelete" => {
                    check_alive(pool_expires, name)?;
                    check_deleted(provider.expires, name)?;
                    provider.expires = None;
                }
                _ => return Ok(told(&provider.body, name, provider.expires).into()),
            }
            let message = told(&provider.body, name, provider.expires);
            begin(world, call, name, KIND, &message)
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// Issuers that many share: a provider without a condition would let all their users in.
const SHARED_ISSUERS: [&str; 3] = [
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://app.terraform.io",
];

/// What a provider must have (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>).
fn check_provider(body: &Value) -> Result<(), Refusal> {
    check_texts(body)?;
    let kinds = ["oidc", "aws", "saml", "x509"]
        .iter()
        .filter(|kind| body.get(**kind).is_some())
        .count();
    if kinds != 1 {
        return Err(invalid("Exactly one of aws, oidc, saml, x509 must be specified."));
    }
    let issuer = body
        .pointer("/oidc/issuerUri")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if body.get("oidc").is_some() && !issuer.starts_with("https://") {
        // "Must be a valid URI with https" (description of `issuerUri`).
        return Err(invalid("The issuer URI must use the https scheme."));
    }
    let mapping = body
        .get("attributeMapping")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if body.get("aws").is_none() && !mapping.contains_key("google.subject") {
        // Words from public issues.
        return Err(invalid("The mapping for google.subject is required."));
    }
    let mut attributes = 0;
    for (attribute, expression) in &mapping {
        let custom = attribute.strip_prefix("attribute.").is_some_and(|name| {
            (1..=100).contains(&name.len())
                && name.chars().all(|character| {
                    character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_'
                })
        });
        if !custom && !matches!(attribute.as_str(), "google.subject" | "google.groups") {
            return Err(invalid(format!("Invalid attribute mapping key: {attribute}.")));
        }
        attributes += usize::from(custom);
        let text = expression.as_str().unwrap_or_default();
        if text.len() > 2_048 {
            return Err(invalid(format!(
                "The expression for {attribute} is longer than 2048 characters."
            )));
        }
        Expr::parse(text).map_err(|error| invalid(format!("Invalid expression for {attribute}: {error}")))?;
    }
    if attributes > 50 {
        return Err(invalid("At most 50 custom attributes can be mapped."));
    }
    let condition = body
        .get("attributeCondition")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !condition.is_empty() {
        Expr::parse(condition).map_err(|error| invalid(format!("Invalid attribute condition: {error}")))?;
    }
    let shared = SHARED_ISSUERS.contains(&issuer.trim_end_matches('/'));
    let names_claims = mapping
        .keys()
        .map(String::as_str)
        .chain(["assertion."])
        .any(|name| condition.contains(name));
    if shared && !names_claims {
        // Words from chainguard-dev/terraform-infra-common#672.
        return Err(invalid(
            "The attribute condition must reference one of the provider's claims. For more information, see \
             https://cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions",
        ));
    }
    Ok(())
}
