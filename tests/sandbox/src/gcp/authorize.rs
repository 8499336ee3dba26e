//! Who may do what: every call asks for one permission on one thing, and the policies that stand decide.
//!
//! Permissions by method: <https://cloud.google.com/iam/docs/permissions-reference> and each service's access control page.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::gcp::{Policy, Question, Resource, Role, allows};
use serde_json::Value;

use super::Gcp;
use super::names::{piece, short};
use super::refuse::{lacks, unauthenticated};
use crate::answer::Refusal;
use crate::call::{Call, Caller};
use crate::journal::Permission;
use crate::world::World;

/// Whether a caller may make a call.
///
/// # Errors
/// 403 with the permission that is lacking.
pub fn authorize(world: &World, call: &Call) -> Result<(), Refusal> {
    if call.caller.operator || matches!(call.service.as_str(), "sts") {
        return Ok(());
    }
    if call.caller.principal.is_empty() {
        return Err(unauthenticated());
    }
    // What anybody may ask about themselves.
    if call.operation.ends_with(".testIamPermissions") {
        return Ok(());
    }
    let granting = granted(&world.gcp, call);
    for (permission, resource) in needed(&world.gcp, call) {
        let names = names_of(&world.gcp, &call.caller.principal);
        if !holds_granting(&world.gcp, &names, &permission, &resource, &granting) {
            return Err(refused(call, &permission, &resource));
        }
    }
    Ok(())
}

/// What a call has to be allowed.
pub(crate) fn permissions(world: &World, call: &Call) -> Vec<Permission> {
    if call.operation.ends_with(".testIamPermissions") {
        return Vec::new();
    }
    needed(&world.gcp, call)
        .into_iter()
        .map(|(action, resource)| Permission {
            action,
            resource: resource.full_name(),
        })
        .collect()
}

fn refused(call: &Call, permission: &str, resource: &Resource) -> Refusal {
    if call.service == "storage" {
        // Words of Cloud Storage's JSON API.
        let who = call.caller.principal.lines().next().unwrap_or_default();
        let who = who.strip_prefix("serviceAccount:").unwrap_or(who);
        return Refusal::new(
            403,
            "PERMISSION_DENIED",
            format!(
                "{who} does not have {permission} access to the Google Cloud Storage {}. Permission '{permission}' denied on \
                 resource (or it may not exist).",
                match resource {
                    Resource::Object { .. } => "object",
                    Resource::Folder { .. } => "managed folder",
                    Resource::Bucket(_) => "bucket",
                    _ => "project",
                }
            ),
        )
        .with("reason", "forbidden");
    }
    lacks(permission, &resource.full_name(), &call.service)
}

/// Whether a caller holds a permission on a thing. What cannot be told (groups, domains) does not hold.
pub(crate) fn may(world: &World, caller: &Caller, permission: &str, resource: &Resource) -> bool {
    caller.operator
        || holds(
            &world.gcp,
            &names_of(&world.gcp, &caller.principal),
            permission,
            resource,
        )
}

/// Whether one of these members holds a permission on a thing.
pub(crate) fn holds(gcp: &Gcp, principals: &BTreeSet<String>, permission: &str, resource: &Resource) -> bool {
    holds_granting(gcp, principals, permission, resource, &BTreeSet::new())
}

/// How a condition asks which roles a change of a project's policy touches
/// (<https://cloud.google.com/iam/docs/setting-limits-on-granting-roles>).
const MODIFIED: &str = "api.getAttribute(\"iam.googleapis.com/modifiedGrantsByRole\", [])";

/// The roles whose members a call changes in its project's policy.
fn granted(gcp: &Gcp, call: &Call) -> BTreeSet<String> {
    if call.operation != "cloudresourcemanager.projects.setIamPolicy" {
        return BTreeSet::new();
    }
    type Grants = BTreeSet<(String, String, String)>;
    let read = |bindings: &[Value]| -> Grants {
        let mut grants = Grants::new();
        for binding in bindings {
            let role = binding["role"].as_str().unwrap_or_default();
            for member in binding["members"].as_array().into_iter().flatten() {
                let member = member.as_str().unwrap_or_default().to_owned();
                let condition = binding["condition"]["expression"].as_str().unwrap_or_default();
                grants.insert((role.to_owned(), member, condition.to_owned()));
            }
        }
        grants
    };
    let wanted = call.body()["policy"]["bindings"].as_array().cloned();
    let name = call.text("resource").unwrap_or_default();
    let standing = gcp.project(name).ok().and_then(|project| {
        let policy = serde_json::to_value(&project.policy).ok()?;
        policy["bindings"].as_array().cloned()
    });
    let (wanted, standing) = (
        read(&wanted.unwrap_or_default()),
        read(&standing.unwrap_or_default()),
    );
    let changed = wanted.symmetric_difference(&standing);
    changed.map(|(role, ..)| role.clone()).collect()
}

/// The same while a call grants or withdraws these roles.
fn holds_granting(
    gcp: &Gcp,
    principals: &BTreeSet<String>,
    permission: &str,
    resource: &Resource,
    granting: &BTreeSet<String>,
) -> bool {
    let list = Value::from_iter(granting.iter().cloned()).to_string();
    let mut policies = policies(gcp, resource);
    let conditions = policies
        .iter_mut()
        .flat_map(|(_, policy)| &mut policy.bindings)
        .filter_map(|binding| binding.condition.as_mut());
    for condition in conditions {
        condition.expression = condition.expression.replace(MODIFIED, &list);
    }
    let question = Question {
        principals,
        permission,
        resource,
    };
    allows(&policies, &[], &custom_roles(gcp), &question).is_yes()
}

/// Every spelling under which a policy may name a caller.
pub(crate) fn names_of(gcp: &Gcp, principal: &str) -> BTreeSet<String> {
    // A federated token's holder is told with the sets that it is in, see `Token::holder`.
    let mut names: BTreeSet<String> = principal.lines().map(str::to_owned).collect();
    if let Some(email) = principal.strip_prefix("serviceAccount:") {
        let project = email
            .split('@')
            .nth(1)
            .and_then(|domain| domain.split('.').next())
            .unwrap_or_default();
        if let Some(project) = gcp.projects.get(project) {
            names.insert(format!(
                "principalSet://cloudresourcemanager.googleapis.com/projects/{}/type/ServiceAccount",
                project.number
            ));
        }
    }
    names
}

fn custom_roles(gcp: &Gcp) -> BTreeMap<String, Role> {
    gcp.projects
        .values()
        .flat_map(|project| &project.roles)
        .filter(|(_, role)| role.get("deleted").is_none())
        .map(|(name, role)| {
            let permissions = role.get("includedPermissions").and_then(Value::as_array);
            let permissions = permissions.into_iter().flatten().filter_map(Value::as_str);
            (name.clone(), Role::custom(name, permissions))
        })
        .collect()
}

/// The policies that speak of a thing: its own and those above it.
fn policies(gcp: &Gcp, resource: &Resource) -> Vec<(Resource, Policy)> {
    let mut found = Vec::new();
    let project = match resource {
        Resource::Project(id) => Some(id.clone()),
        Resource::Bucket(name)
        | Resource::Folder { bucket: name, .. }
        | Resource::Object { bucket: name, .. } => {
            let bucket = gcp.buckets.get(name);
            if let Some(bucket) = bucket {
                found.push((Resource::Bucket(name.clone()), bucket.policy.evaluated()));
                for (prefix, folder) in &bucket.folders {
                    let folder_of = Resource::Folder {
                        bucket: name.clone(),
                        prefix: prefix.clone(),
                    };
                    found.push((folder_of, folder.policy.evaluated()));
                }
            }
            bucket.map(|bucket| bucket.project.clone())
        }
        Resource::Secret(name) => {
            let (project, id) = (piece(name, "projects"), short(name));
            if let Some(secret) = gcp
                .projects
                .get(project)
                .and_then(|project| project.secrets.get(id))
            {
                found.push((resource.clone(), secret.policy.evaluated()));
            }
            Some(project.to_owned())
        }
        Resource::Repository(name) => {
            let project = piece(name, "projects");
            if let Some(repository) = gcp
                .projects
                .get(project)
                .and_then(|project| project.repositories.get(name))
            {
                found.push((resource.clone(), repository.policy.evaluated()));
            }
            Some(project.to_owned())
        }
        Resource::ServiceAccount(email) => {
            let home = gcp
                .projects
                .iter()
                .find(|(_, project)| project.accounts.contains_key(email));
            if let Some(account) = home.and_then(|(_, project)| project.accounts.get(email)) {
                found.push((resource.clone(), account.policy.evaluated()));
            }
            // An account that is not there, or not yet, would be its project's.
            let named = || {
                let project = email
                    .split_once('@')?
                    .1
                    .strip_suffix(".iam.gserviceaccount.com")?;
                gcp.projects.contains_key(project).then(|| project.to_owned())
            };
            home.map(|(id, _)| id.clone()).or_else(named)
        }
        Resource::Key(name) => {
            let project = piece(name, "projects");
            let ring = gcp.projects.get(project).and_then(|project| {
                project
                    .key_rings
                    .get(name.split("/cryptoKeys").next().unwrap_or_default())
            });
            if let Some(ring) = ring {
                // A ring's policy speaks of all its keys.
                found.push((resource.clone(), ring.policy.evaluated()));
                if let Some(key) = ring.keys.get(short(name)) {
                    found.push((resource.clone(), key.policy.evaluated()));
                }
            }
            Some(project.to_owned())
        }
        Resource::Cluster(name) => Some(piece(name, "projects").to_owned()),
    };
    if let Some(id) = project
        && let Some(project) = gcp.projects.get(&id)
    {
        found.push((Resource::Project(id), project.policy.evaluated()));
    }
    found
}

/// What a call needs: permissions on things.
fn needed(gcp: &Gcp, call: &Call) -> Vec<(String, Resource)> {
    let name = [
        "name",
        "sinkName",
        "resource",
        "parent",
        "bucket",
        "project",
        "projectId",
    ]
    .iter()
    .find_map(|member| call.text(member))
    .unwrap_or_default();
    let name = match call.service.as_str() {
        "storage" => name.to_owned(),
        _ => gcp.with_id(name).unwrap_or_else(|_| name.to_owned()),
    };
    let project = || {
        let id = if name.contains('/') {
            piece(&name, "projects")
        } else {
            name.as_str()
        };
        Resource::Project(gcp.project_id(id).unwrap_or_else(|_| id.to_owned()))
    };
    let verb = short_verb(&call.operation);
    let permission = |service: &str, collection: &str, verb: &str| format!("{service}.{collection}.{verb}");
    match call.service.as_str() {
        "container" => {
            let collection = collection(&call.operation);
            let cluster = name.split("/nodePools").next().unwrap_or_default();
            let on = if collection == "clusters" && cluster.contains("/clusters/") {
                Resource::Cluster(cluster.to_owned())
            } else {
                project()
            };
            let wanted = match (collection, verb) {
                (_, "getServerConfig") => permission("container", "clusters", "list"),
                // Pools are part of their cluster.
                ("nodePools", "get" | "list") => permission("container", "clusters", "get"),
                ("nodePools", _) => permission("container", "clusters", "update"),
                ("operations", "cancel") => permission("container", "operations", "get"),
                ("operations", verb) => permission("container", "operations", verb),
                (_, "setLegacyAbac" | "setResourceLabels" | "setMaintenancePolicy") => {
                    permission("container", "clusters", "update")
                }
                (_, "getJwks" | "getOpenid-configuration") => return Vec::new(),
                (_, verb) => permission("container", "clusters", verb),
            };
            vec![(wanted, on)]
        }
        "iam" => vec![iam(gcp, call, &name, verb, &project())],
        "iamcredentials" => {
            let email = short(&name).to_owned();
            let wanted = match verb {
                "generateIdToken" => "iam.serviceAccounts.getOpenIdToken",
                _ => "iam.serviceAccounts.getAccessToken",
            };
            vec![(wanted.to_owned(), Resource::ServiceAccount(email))]
        }
        "artifactregistry" => {
            let on = match piece(&name, "repositories") {
                "" => project(),
                id => Resource::Repository(format!(
                    "projects/{}/locations/{}/repositories/{id}",
                    piece(&name, "projects"),
                    piece(&name, "locations")
                )),
            };
            let wanted = match (collection(&call.operation), verb) {
                ("operations" | "locations", _) => return Vec::new(),
                (collection, "patch") => permission("artifactregistry", collection, "update"),
                (collection, verb) => permission("artifactregistry", collection, verb),
            };
            vec![(wanted, on)]
        }
        "cloudkms" => {
            let on = match piece(&name, "keyRings") {
                "" => project(),
                _ => Resource::Key(
                    name.split("/cryptoKeyVersions")
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                ),
            };
            let wanted = match (collection(&call.operation), verb) {
                ("operations" | "locations", _) => return Vec::new(),
                (_, "encrypt") => permission("cloudkms", "cryptoKeyVersions", "useToEncrypt"),
                (_, "decrypt") => permission("cloudkms", "cryptoKeyVersions", "useToDecrypt"),
                (collection, "patch" | "updatePrimaryVersion") => {
                    permission("cloudkms", collection, "update")
                }
                (collection, verb) => permission("cloudkms", collection, verb),
            };
            vec![(wanted, on)]
        }
        "secretmanager" => {
            let on = match piece(&name, "secrets") {
                "" => project(),
                id => Resource::Secret(format!("projects/{}/secrets/{id}", piece(&name, "projects"))),
            };
            let wanted = match (collection(&call.operation), verb) {
                (_, "addVersion") => permission("secretmanager", "versions", "add"),
                (collection, "patch") => permission("secretmanager", collection, "update"),
                (collection, verb) => permission("secretmanager", collection, verb),
            };
            vec![(wanted, on)]
        }
        "storage" => storage(gcp, call, verb),
        "cloudresourcemanager" => vec![(
            permission(
                "resourcemanager",
                "projects",
                if verb == "search" { "get" } else { verb },
            ),
            project(),
        )],
        "logging" => {
            let wanted = match (collection(&call.operation), verb) {
                ("projects", "getSettings") => permission("logging", "settings", "get"),
                ("projects", "getCmekSettings") => permission("logging", "cmekSettings", "get"),
                (collection, "patch") => permission("logging", collection, "update"),
                (collection, verb) => permission("logging", collection, verb),
            };
            vec![(wanted, project())]
        }
        "serviceusage" => {
            let wanted = match verb {
                // Whoever has the name of an operation may ask how it goes.
                _ if call.operation.contains("operations") => return Vec::new(),
                "batchGet" | "get" => "serviceusage.services.get",
                "list" => "serviceusage.services.list",
                "disable" => "serviceusage.services.disable",
                _ => "serviceusage.services.enable",
            };
            vec![(wanted.to_owned(), project())]
        }
        "compute" => {
            let collection = collection(&call.operation);
            let wanted = match verb {
                "insert" => permission("compute", collection, "create"),
                "patch" => permission("compute", collection, "update"),
                "wait" => permission("compute", collection, "get"),
                "aggregatedList" => permission("compute", collection, "list"),
                verb => permission("compute", collection, verb),
            };
            vec![(wanted, project())]
        }
        // A budget hangs on the billing account, whose policy nobody inside can be in.
        _ => vec![(format!("{}.{verb}", call.service), project())],
    }
}

/// The last piece of a method's id.
fn short_verb(operation: &str) -> &str {
    operation.rsplit('.').next().unwrap_or_default()
}

/// The piece before the last of a method's id.
fn collection(operation: &str) -> &str {
    operation.rsplit('.').nth(1).unwrap_or_default()
}

fn iam(gcp: &Gcp, call: &Call, name: &str, verb: &str, project: &Resource) -> (String, Resource) {
    let verb = if verb == "patch" { "update" } else { verb };
    match collection(&call.operation) {
        "serviceAccounts" => {
            let email = short(name);
            let on = match verb {
                "create" | "list" => project.clone(),
                _ => match gcp.account(name) {
                    Some(account) => Resource::ServiceAccount(account.email.clone()),
                    None if email.contains('@') => Resource::ServiceAccount(email.to_owned()),
                    None => project.clone(),
                },
            };
            (format!("iam.serviceAccounts.{verb}"), on)
        }
        "keys" => {
            let email = piece(name, "serviceAccounts").to_owned();
            (
                format!("iam.serviceAccountKeys.{verb}"),
                Resource::ServiceAccount(email),
            )
        }
        "providers" => (
            format!("iam.workloadIdentityPoolProviders.{verb}"),
            project.clone(),
        ),
        "operations" => ("iam.workloadIdentityPools.get".to_owned(), project.clone()),
        collection => (format!("iam.{collection}.{verb}"), project.clone()),
    }
}

/// <https://cloud.google.com/storage/docs/access-control/iam-json>
fn storage(gcp: &Gcp, call: &Call, verb: &str) -> Vec<(String, Resource)> {
    let bucket = call.text("bucket").unwrap_or_default().to_owned();
    let on_bucket = || Resource::Bucket(bucket.clone());
    let on_project = || {
        let project = call
            .text("project")
            .or_else(|| call.text("projectId"))
            .unwrap_or_default();
        Resource::Project(gcp.project_id(project).unwrap_or_else(|_| project.to_owned()))
    };
    let object = |name: &str| Resource::Object {
        bucket: bucket.clone(),
        name: name.to_owned(),
    };
    let one = |permission: &str, on: Resource| vec![(permission.to_owned(), on)];
    // Names of buckets are everybody's: that there is none of a name is told to whoever asks, with 404.
    // https://cloud.google.com/storage/docs/json_api/v1/status-codes#404-not-found
    if !bucket.is_empty() && !gcp.buckets.contains_key(&bucket) && verb != "restore" {
        return Vec::new();
    }
    match collection(&call.operation) {
        "buckets" => match verb {
            "insert" => one("storage.buckets.create", on_project()),
            "list" => one("storage.buckets.list", on_project()),
            "patch" | "lockRetentionPolicy" => one("storage.buckets.update", on_bucket()),
            "getStorageLayout" => one("storage.objects.list", on_bucket()),
            verb => one(&format!("storage.buckets.{verb}"), on_bucket()),
        },
        "managedFolders" => {
            let prefix = call
                .text("managedFolder")
                .or_else(|| call.body().get("name").and_then(Value::as_str))
                .unwrap_or_default();
            let on = Resource::Folder {
                bucket: bucket.clone(),
                prefix: prefix.to_owned(),
            };
            match verb {
                "insert" => one("storage.managedFolders.create", on),
                "list" => one("storage.managedFolders.list", on_bucket()),
                verb => one(&format!("storage.managedFolders.{verb}"), on),
            }
        }
        "objects" => {
            let name = call
                .text("object")
                .or_else(|| call.text("destinationObject"))
                .or_else(|| call.text("name"))
                .or_else(|| call.body().get("name").and_then(Value::as_str))
                .unwrap_or_default();
            match verb {
                "insert" => {
                    let mut needed = one("storage.objects.create", object(name));
                    // Overwriting is deleting (<https://cloud.google.com/storage/docs/access-control/iam-permissions>).
                    if gcp.buckets.get(&bucket).is_some_and(|bucket| bucket.has(name)) {
                        needed.push(("storage.objects.delete".to_owned(), object(name)));
                    }
                    needed
                }
                "list" => {
                    let prefix = call.text("prefix").unwrap_or_default();
                    let on = if prefix.is_empty() {
                        on_bucket()
                    } else {
                        Resource::Folder {
                            bucket: bucket.clone(),
                            prefix: prefix.to_owned(),
                        }
                    };
                    one("storage.objects.list", on)
                }
                "compose" | "copy" | "rewrite" => {
                    let source = Resource::Object {
                        bucket: call.text("sourceBucket").unwrap_or(&bucket).to_owned(),
                        name: call.text("sourceObject").unwrap_or(name).to_owned(),
                    };
                    vec![
                        ("storage.objects.get".to_owned(), source),
                        (
                            "storage.objects.create".to_owned(),
                            Resource::Object {
                                bucket: call.text("destinationBucket").unwrap_or(&bucket).to_owned(),
                                name: name.to_owned(),
                            },
                        ),
                    ]
                }
                "patch" => one("storage.objects.update", object(name)),
                verb => one(&format!("storage.objects.{verb}"), object(name)),
            }
        }
        _ => one("resourcemanager.projects.get", on_project()),
    }
}
