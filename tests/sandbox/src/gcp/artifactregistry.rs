//! Artifact Registry: repositories (<https://cloud.google.com/artifact-registry/docs/reference/rest>).

use jiff::{SignedDuration, Timestamp};
use mlops_access::gcp::Resource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Project;
use super::cloudkms;
use super::longrunning::{Operation, any};
use super::names::{REGIONS, check_location, is_label, piece};
use super::page::page;
use super::policy::{self, Policy};
use super::refuse::{exists, invalid, not_carried, not_found, precondition};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// A repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// As the API describes it.
    pub body: Value,
    /// Its policy.
    pub policy: Policy,
    /// When it can be seen: its creation takes a while.
    pub born: Timestamp,
    /// When it goes.
    pub gone: Option<Timestamp>,
}

/// Removes what was deleted.
pub(super) fn settle(project: &mut Project, at: Timestamp) {
    project
        .repositories
        .retain(|_, repository| repository.gone.is_none_or(|gone| at < gone));
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call
        .operation
        .strip_prefix("artifactregistry.projects.locations.")
        .unwrap_or_default();
    let name = ["name", "parent", "resource"]
        .iter()
        .find_map(|member| call.text(member))
        .unwrap_or_default();
    let name = world.gcp.with_id(name)?;
    let location = piece(&name, "locations");
    if !location.is_empty() {
        check_location(location, false, &["us", "europe", "asia", "-"])?;
    }
    match method {
        "list" => {
            let locations = REGIONS.iter().map(|region| place(&name, region)).collect();
            page(call, &world.behaviour, "locations", "pageSize", 100, locations)
        }
        "get" => Ok(place(name.split("/locations").next().unwrap_or_default(), location).into()),
        "operations.get" => {
            let operation = world
                .gcp
                .project(&name)?
                .operations
                .get(&format!("artifactregistry/{name}"))
                .ok_or_else(|| not_found(format!("Operation \"{name}\" was not found.")))?;
            Ok(operation.told(call.at).into())
        }
        "repositories.create" => create(world, call, &name),
        "repositories.list" => {
            let repositories = world
                .gcp
                .project(&name)?
                .repositories
                .iter()
                .filter(|(known, repository)| {
                    call.at >= repository.born && (location == "-" || piece(known, "locations") == location)
                })
                .map(|(_, repository)| repository.body.clone())
                .collect();
            page(
                call,
                &world.behaviour,
                "repositories",
                "pageSize",
                100,
                repositories,
            )
        }
        "repositories.get" => Ok(standing(world, call, &name)?.body.clone().into()),
        "repositories.patch" => patch(world, call, &name),
        "repositories.delete" => {
            standing(world, call, &name)?;
            let takes = world
                .behaviour
                .duration("artifactregistry.repository.delete", 5.0);
            let gone = call.at + takes;
            if let Some(repository) = world.gcp.project_mut(&name)?.repositories.get_mut(&name) {
                repository.gone = Some(gone);
            }
            begin(
                world,
                call,
                &name,
                takes,
                &any("google.protobuf.Empty", &json!({})),
            )
        }
        "repositories.getIamPolicy" => {
            let policy = &standing(world, call, &name)?.policy;
            Ok(policy.told(policy::requested(call)).into())
        }
        "repositories.setIamPolicy" => {
            let before = standing(world, call, &name)?.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &before, &given, call.at)?;
            if let Some(repository) = world.gcp.project_mut(&name)?.repositories.get_mut(&name) {
                repository.policy = policy.clone();
            }
            Ok(policy.told(3).into())
        }
        "repositories.testIamPermissions" => {
            Ok(policy::tested(world, call, &Resource::Repository(name)).into())
        }
        // Nobody can push an image here: both lists are empty.
        "repositories.packages.list" | "repositories.dockerImages.list" => {
            standing(world, call, &name)?;
            Ok(Answer::empty())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

fn place(project: &str, location: &str) -> Value {
    json!({"name": format!("{project}/locations/{location}"), "locationId": location})
}

fn standing<'a>(world: &'a World, call: &Call, name: &str) -> Result<&'a Repository, Refusal> {
    let repository_name = format!(
        "projects/{}/locations/{}/repositories/{}",
        piece(name, "projects"),
        piece(name, "locations"),
        piece(name, "repositories")
    );
    world
        .gcp
        .project(name)?
        .repositories
        .get(&repository_name)
        .filter(|repository| call.at >= repository.born)
        .ok_or_else(|| not_found("Requested entity was not found."))
}

fn begin(
    world: &mut World,
    call: &Call,
    name: &str,
    takes: SignedDuration,
    response: &Value,
) -> Result<Answer, Refusal> {
    let operation = Operation {
        name: format!(
            "projects/{}/locations/{}/operations/{}",
            piece(name, "projects"),
            piece(name, "locations"),
            world.random.uuid()
        ),
        ends: call.at + takes,
        metadata: json!({"@type": "type.googleapis.com/google.devtools.artifactregistry.v1.OperationMetadata"}),
        response: response.clone(),
    };
    let told = operation.told(call.at);
    world
        .gcp
        .project_mut(name)?
        .operations
        .insert(format!("artifactregistry/{}", operation.name), operation);
    Ok(told.into())
}

fn create(world: &mut World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let id = call.required("repositoryId").to_owned();
    // 63 characters (console); words are a guess.
    if !is_label(&id, 1, 63) {
        return Err(invalid(format!(
            "Invalid repository id \"{id}\": it must be 1-63 lowercase letters, digits and hyphens, begin with a letter and not \
             end with a hyphen."
        )));
    }
    let name = format!("{parent}/repositories/{id}");
    if world.gcp.project(parent)?.repositories.contains_key(&name) {
        return Err(exists("the repository already exists"));
    }
    let given = call.body();
    let format = given
        .get("format")
        .and_then(Value::as_str)
        .unwrap_or("FORMAT_UNSPECIFIED");
    if format == "FORMAT_UNSPECIFIED" {
        return Err(invalid("the repository format must be specified"));
    }
    check_key(world, parent, given)?;
    let mut body = given.clone();
    body["name"] = json!(name);
    body["createTime"] = json!(call.at.to_string());
    body["updateTime"] = json!(call.at.to_string());
    body["satisfiesPzi"] = json!(true);
    if body.get("mode").is_none_or(|mode| mode == "MODE_UNSPECIFIED") {
        body["mode"] = json!("STANDARD_REPOSITORY");
    }
    let location = piece(&name, "locations");
    let host = match format {
        "DOCKER" => format!("{location}-docker.pkg.dev"),
        other => format!("{location}-{}.pkg.dev", other.to_lowercase()),
    };
    body["registryUri"] = json!(format!("{host}/{}/{id}", piece(&name, "projects")));
    scanning(world, parent, &mut body)?;
    let takes = world
        .behaviour
        .duration("artifactregistry.repository.create", 5.0);
    let repository = Repository {
        body: body.clone(),
        policy: Policy::default(),
        born: call.at + takes,
        gone: None,
    };
    world
        .gcp
        .project_mut(parent)?
        .repositories
        .insert(name.clone(), repository);
    begin(
        world,
        call,
        &name,
        takes,
        &any("google.devtools.artifactregistry.v1.Repository", &body),
    )
}

/// Whether images are scanned: asked for here, and switched on in the project
/// (<https://cloud.google.com/artifact-analysis/docs/scan-os-automatically>).
fn scanning(world: &World, parent: &str, body: &mut Value) -> Result<(), Refusal> {
    let asked = body
        .pointer("/vulnerabilityScanningConfig/enablementConfig")
        .and_then(Value::as_str)
        .unwrap_or("INHERITED")
        .to_owned();
    let on = world
        .gcp
        .project(parent)?
        .services
        .contains_key("containerscanning.googleapis.com");
    body["vulnerabilityScanningConfig"] = if asked == "DISABLED" {
        json!({"enablementConfig": asked, "enablementState": "SCANNING_DISABLED"})
    } else if on {
        json!({"enablementConfig": asked, "enablementState": "SCANNING_ACTIVE"})
    } else {
        json!({
            "enablementConfig": asked,
            "enablementState": "SCANNING_DISABLED",
            "enablementStateReason": "API containerscanning.googleapis.com is not enabled.",
        })
    };
    Ok(())
}

/// The key must let the service in; words as in <https://cloud.google.com/artifact-registry/docs/cmek#troubleshooting>.
fn check_key(world: &World, parent: &str, given: &Value) -> Result<(), Refusal> {
    let key = given
        .get("kmsKeyName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if key.is_empty() {
        return Ok(());
    }
    let number = world.gcp.project(parent)?.number;
    let agent = format!("service-{number}@gcp-sa-artifactregistry.iam.gserviceaccount.com");
    if cloudkms::may_encrypt(world, key, &agent) {
        return Ok(());
    }
    Err(precondition(format!(
        "The Artifact Registry service account may not have \"cloudkms.cryptoKeyVersions.useToEncrypt\" permission on the KMS key \
         {key}: grant roles/cloudkms.cryptoKeyEncrypterDecrypter to {agent}."
    )))
}

fn patch(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let mut body = standing(world, call, name)?.body.clone();
    let given = call.body();
    let mask: Vec<String> = match call.text("updateMask") {
        None | Some("") => given
            .as_object()
            .into_iter()
            .flatten()
            .map(|(member, _)| member.clone())
            .collect(),
        Some("*") => [
            "description",
            "labels",
            "cleanupPolicies",
            "cleanupPolicyDryRun",
            "dockerConfig",
            "vulnerabilityScanningConfig",
        ]
        .map(str::to_owned)
        .to_vec(),
        Some(mask) => mask.split(',').map(str::to_owned).collect(),
    };
    for path in mask {
        let (head, rest) = path.split_once('.').unwrap_or((&path, ""));
        match head {
            // Immutable (descriptions of the fields); words are a guess.
            "format" | "kmsKeyName" | "mode" if given.get(head) != body.get(head) => {
                return Err(invalid(format!("Field {head} is immutable.")));
            }
            "format" | "kmsKeyName" | "mode" | "name" | "etag" => {}
            _ if rest.is_empty() => match given.get(head) {
                Some(value) => body[head] = value.clone(),
                None => {
                    if let Some(body) = body.as_object_mut() {
                        body.remove(head);
                    }
                }
            },
            _ => {
                let value = given
                    .pointer(&format!("/{head}/{rest}"))
                    .cloned()
                    .unwrap_or_default();
                if !body.get(head).is_some_and(Value::is_object) {
                    body[head] = json!({});
                }
                body[head][rest] = value;
            }
        }
    }
    body["updateTime"] = json!(call.at.to_string());
    scanning(world, name, &mut body)?;
    if let Some(repository) = world.gcp.project_mut(name)?.repositories.get_mut(name) {
        repository.body = body.clone();
    }
    Ok(body.into())
}
