//! Which APIs a project uses (<https://cloud.google.com/service-usage/docs/reference/rest>).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::description;
use super::longrunning::{Operation, any};
use super::names::{piece, short};
use super::page::page;
use super::refuse::{disabled, invalid, not_carried, not_found};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Names that `batchGet` takes at a time (description of `names`).
const ASKED: usize = 30;
/// Services that `batchEnable` takes at a time (description of `serviceIds`).
const ENABLED: usize = 20;

/// APIs that exist beside those that the sandbox carries: they can be enabled, nothing of them can be called.
const OTHERS: [&str; 9] = [
    "cloudbilling.googleapis.com",
    "cloudtrace.googleapis.com",
    "containerscanning.googleapis.com",
    "containeranalysis.googleapis.com",
    "monitoring.googleapis.com",
    "networkmanagement.googleapis.com",
    "servicenetworking.googleapis.com",
    "storage-api.googleapis.com",
    "storage-component.googleapis.com",
];

/// Titles as the error of a disabled API names them.
fn title(service: &str) -> &'static str {
    match service {
        "artifactregistry" => "Artifact Registry API",
        "cloudkms" => "Cloud Key Management Service (KMS) API",
        "compute" => "Compute Engine API",
        "container" => "Kubernetes Engine API",
        "iam" => "Identity and Access Management (IAM) API",
        "iamcredentials" => "IAM Service Account Credentials API",
        "logging" => "Cloud Logging API",
        "secretmanager" => "Secret Manager API",
        "cloudresourcemanager" => "Cloud Resource Manager API",
        "billingbudgets" => "Cloud Billing Budget API",
        _ => "Cloud Storage API",
    }
}

/// Refuses a call on an API that its project has not enabled, or only just: it takes a while to be known
/// (<https://cloud.google.com/service-usage/docs/enable-disable>). Google asks the caller's quota project; here it is the
/// project that the call is about.
pub(super) fn check_enabled(world: &World, call: &Call) -> Result<(), Refusal> {
    if matches!(
        call.service.as_str(),
        "serviceusage" | "sts" | "billingbudgets" | "iamcredentials"
    ) {
        return Ok(());
    }
    let project = ["project", "projectId", "name", "parent", "resource"]
        .iter()
        .filter_map(|member| call.text(member))
        .find_map(|name| world.gcp.project(name).ok());
    let Some(project) = project else {
        // Names without a project; the service says what is wrong with others.
        return Ok(());
    };
    let host = format!("{}.googleapis.com", call.service);
    match project.services.get(&host) {
        Some(since) if call.at >= *since => Ok(()),
        _ => Err(disabled(title(&call.service), &host, project.number)),
    }
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call.operation.strip_prefix("serviceusage.").unwrap_or_default();
    let name = call
        .text("name")
        .or_else(|| call.text("parent"))
        .unwrap_or_default()
        .to_owned();
    let one = short(&name).to_owned();
    match method {
        "services.get" => {
            check_known(&one)?;
            Ok(told(world, &name, &one)?.into())
        }
        "services.batchGet" => {
            let names = call
                .input
                .get("names")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            if names.is_empty() || names.len() > ASKED {
                return Err(invalid(format!(
                    "The number of names must be between 1 and {ASKED}."
                )));
            }
            let mut services = Vec::new();
            for asked in names.iter().filter_map(Value::as_str) {
                if piece(asked, "projects") != piece(&name, "projects") {
                    // "If not set … all names must be under the parent" (description of `names`); words are a guess.
                    return Err(invalid(format!("Name {asked} is not under the parent {name}.")));
                }
                check_known(short(asked))?;
                services.push(told(world, asked, short(asked))?);
            }
            Ok(json!({"services": services}).into())
        }
        "services.list" => {
            let wanted = call.text("filter").unwrap_or_default().to_owned();
            let number = world.gcp.project(&name)?.number;
            let services = known()
                .filter(|host| match wanted.as_str() {
                    "state:ENABLED" => is_enabled(world, &name, host),
                    "state:DISABLED" => !is_enabled(world, &name, host),
                    _ => true,
                })
                .map(|host| told(world, &format!("projects/{number}/services/{host}"), &host))
                .collect::<Result<Vec<_>, _>>()?;
            page(call, &world.behaviour, "services", "pageSize", 50, services)
        }
        "services.enable" => enable(world, call, &name, std::slice::from_ref(&one)),
        "services.batchEnable" => {
            let ids: Vec<String> = call
                .body()
                .get("serviceIds")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            if ids.is_empty() || ids.len() > ENABLED {
                return Err(invalid(format!(
                    "The number of service_ids must be between 1 and {ENABLED}."
                )));
            }
            enable(world, call, &name, &ids)
        }
        "services.disable" => {
            check_known(&one)?;
            world.gcp.project_mut(&name)?.services.remove(&one);
            let service = told(world, &name, &one)?;
            begin(
                world,
                call,
                &name,
                "DisableServiceResponse",
                &json!({"service": service}),
            )
        }
        "services.generateServiceIdentity" => identity(world, call, &name, &one),
        "operations.get" => world
            .gcp
            .projects
            .values()
            .find_map(|project| project.operations.get(&format!("serviceusage/{name}")))
            .map(|operation| operation.told(call.at).into())
            .ok_or_else(|| not_found(format!("Operation {name} was not found."))),
        _ => Err(not_carried(&call.operation)),
    }
}

/// Hosts that can be enabled.
fn known() -> impl Iterator<Item = String> {
    description::names()
        .map(|name| format!("{name}.googleapis.com"))
        .chain(OTHERS.iter().map(|host| (*host).to_owned()))
}

/// Words from public issues.
fn check_known(host: &str) -> Result<(), Refusal> {
    if known().any(|known| known == host) {
        return Ok(());
    }
    Err(super::refuse::denied(format!(
        "Not found or permission denied for service(s): {host}."
    )))
}

fn is_enabled(world: &World, name: &str, host: &str) -> bool {
    world
        .gcp
        .project(name)
        .is_ok_and(|project| project.services.contains_key(host))
}

/// Names come back with the project's number.
fn told(world: &World, name: &str, host: &str) -> Result<Value, Refusal> {
    let number = world.gcp.project(name)?.number;
    let state = if is_enabled(world, name, host) {
        "ENABLED"
    } else {
        "DISABLED"
    };
    Ok(json!({
        "name": format!("projects/{number}/services/{host}"),
        "parent": format!("projects/{number}"),
        "config": {"name": host},
        "state": state,
    }))
}

fn enable(world: &mut World, call: &Call, name: &str, hosts: &[String]) -> Result<Answer, Refusal> {
    for host in hosts {
        check_known(host)?;
    }
    // Known after the operation, and everywhere only after the lag.
    let since = call.at + takes(world) + SignedDuration::from_secs_f64(world.behaviour.lag.max(0.0));
    let project = world.gcp.project_mut(name)?;
    for host in hosts {
        project.services.entry(host.clone()).or_insert(since);
    }
    let mut services = Vec::new();
    for host in hosts {
        services.push(told(world, name, host)?);
    }
    if call.operation.ends_with("batchEnable") {
        begin(
            world,
            call,
            name,
            "BatchEnableServicesResponse",
            &json!({"services": services}),
        )
    } else {
        begin(
            world,
            call,
            name,
            "EnableServiceResponse",
            &json!({"service": services.first()}),
        )
    }
}

fn takes(world: &World) -> SignedDuration {
    // Public logs: some ten seconds.
    world.behaviour.duration("serviceusage.enable", 10.0)
}

fn begin(world: &mut World, call: &Call, name: &str, kind: &str, message: &Value) -> Result<Answer, Refusal> {
    let number = world.gcp.project(name)?.number;
    let operation = Operation {
        name: format!("operations/acf.p2-{number}-{}", world.random.uuid()),
        ends: call.at + takes(world),
        metadata: json!({
            "@type": "type.googleapis.com/google.api.serviceusage.v1.OperationMetadata",
            "resourceNames": [name],
        }),
        response: any(&format!("google.api.serviceusage.v1.{kind}"), message),
    };
    let told = operation.told(call.at);
    world
        .gcp
        .project_mut(name)?
        .operations
        .insert(format!("serviceusage/{}", operation.name), operation);
    Ok(told.into())
}

/// The agent of a service (<https://cloud.google.com/iam/docs/service-agents>).
fn identity(world: &mut World, call: &Call, name: &str, host: &str) -> Result<Answer, Refusal> {
    check_known(host)?;
    let project = world.gcp.project_mut(name)?;
    let number = project.number;
    let domain = match host {
        "container.googleapis.com" => "container-engine-robot",
        "artifactregistry.googleapis.com" => "gcp-sa-artifactregistry",
        "secretmanager.googleapis.com" => "gcp-sa-secretmanager",
        "logging.googleapis.com" => "gcp-sa-logging",
        "cloudkms.googleapis.com" => "gcp-sa-cloudkms",
        "compute.googleapis.com" => "compute-system",
        // Words are a guess; the storage agent is asked of Cloud Storage.
        _ => return Err(invalid(format!("Service {host} has no service identity."))),
    };
    let email = format!("service-{number}@{domain}.iam.gserviceaccount.com");
    project.agents.insert(email.clone());
    let message = json!({"email": email, "uniqueId": format!("1{:0>20}", number)});
    let operation = Operation {
        name: format!("operations/finished.DONE_OPERATION-{}", world.random.uuid()),
        ends: call.at,
        metadata: Value::Null,
        response: any("google.api.serviceusage.v1beta1.ServiceIdentity", &message),
    };
    let told = operation.told(call.at);
    world
        .gcp
        .project_mut(name)?
        .operations
        .insert(format!("serviceusage/{}", operation.name), operation);
    Ok(told.into())
}
