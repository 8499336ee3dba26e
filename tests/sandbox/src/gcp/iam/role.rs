//! Predefined and custom roles (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles>).

use mlops_access::gcp::role;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::{parent, short};
use crate::gcp::page::page;
use crate::gcp::refuse::{exists, invalid, not_carried, not_found, precondition};
use crate::world::World;

/// A predefined role, if its contents are known here.
pub(super) fn predefined(call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("name");
    let found = role(name).ok_or_else(|| not_found(format!("The role named {name} was not found.")))?;
    let permissions: Vec<String> = found.patterns().map(ToString::to_string).collect();
    Ok(json!({
        "name": name,
        "title": short(name),
        "stage": "GA",
        "includedPermissions": permissions,
        "etag": "AA==",
    })
    .into())
}

fn list(world: &World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let deleted = call
        .input
        .get("showDeleted")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let roles = world
        .gcp
        .project(parent)?
        .roles
        .values()
        .filter(|role| deleted || role.get("deleted").is_none())
        .cloned()
        .collect();
    page(call, &world.behaviour, "roles", "pageSize", 300, roles)
}

/// Custom roles: deleted ones keep their id for weeks.
pub(super) fn custom(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    let etag = world.random.hex(8);
    match method {
        "create" => {
            let project = world.gcp.with_id(call.required("parent"))?;
            let id = call
                .body()
                .get("roleId")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let fits = (3..=64).contains(&id.len())
                && id
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '.'));
            if !fits {
                return Err(invalid(format!(
                    "The role_id \"{id}\" must be 3 to 64 letters, digits, underscores and periods."
                )));
            }
            let name = format!("{project}/roles/{id}");
            let project = world.gcp.project_mut(&project)?;
            match project.roles.get(&name) {
                // Words from hashicorp/terraform-provider-google#1668.
                Some(role) if role.get("deleted").is_some() => {
                    return Err(precondition(format!(
                        "You can't create a role with role_id ({id}) where there is an existing role with that role_id in a \
                         deleted state."
                    )));
                }
                Some(_) => {
                    return Err(exists(format!(
                        "A role named {id} in {} already exists.",
                        parent(&name)
                    )));
                }
                None => {}
            }
            let mut role = call.body().get("role").cloned().unwrap_or_else(|| json!({}));
            role["name"] = json!(name);
            role["etag"] = json!(etag);
            project.roles.insert(name, role.clone());
            Ok(role.into())
        }
        "list" => list(world, call, call.required("parent")),
        "get" | "patch" | "delete" | "undelete" => {
            let name = world.gcp.with_id(call.required("name"))?;
            let role = world
                .gcp
                .project_mut(&name)?
                .roles
                .get_mut(&name)
                .ok_or_else(|| not_found(format!("The role named {name} was not found.")))?;
            match method {
                "patch" => {
                    for (member, value) in call.body().as_object().into_iter().flatten() {
                        if !matches!(member.as_str(), "name" | "etag" | "deleted") {
                            role[member.as_str()] = value.clone();
                        }
                    }
                    role["etag"] = json!(etag);
                }
                "delete" => role["deleted"] = json!(true),
                "undelete" => {
                    if let Some(role) = role.as_object_mut() {
                        role.remove("deleted");
                    }
                }
                _ => {}
            }
            Ok(role.clone().into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}
