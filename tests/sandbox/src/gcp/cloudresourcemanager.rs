//! Projects (<https://cloud.google.com/resource-manager/reference/rest>), in versions 1 and 3.

use mlops_access::gcp::Resource;
use serde_json::{Value, json};

use super::Project;
use super::page::page;
use super::policy;
use super::refuse::not_carried;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let old = call.text("$version") == Some("v1");
    let name = ["name", "projectId", "resource"]
        .iter()
        .find_map(|member| call.text(member))
        .unwrap_or_default();
    match call.operation.as_str() {
        "cloudresourcemanager.projects.get" => {
            let id = world.gcp.project_id(name)?;
            Ok(told(&id, world.gcp.project(&id)?, old).into())
        }
        "cloudresourcemanager.projects.list" | "cloudresourcemanager.projects.search" => {
            let projects: Vec<Value> = world
                .gcp
                .projects
                .iter()
                .map(|(id, project)| told(id, project, old))
                .collect();
            page(call, &world.behaviour, "projects", "pageSize", 100, projects)
        }
        "cloudresourcemanager.projects.getIamPolicy" => {
            let policy = &world.gcp.project(name)?.policy;
            Ok(policy.told(policy::requested(call)).into())
        }
        "cloudresourcemanager.projects.setIamPolicy" => {
            let standing = world.gcp.project(name)?.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &standing, &given, call.at)?;
            world.gcp.project_mut(name)?.policy = policy.clone();
            Ok(policy.told(3).into())
        }
        "cloudresourcemanager.projects.testIamPermissions" => {
            let id = world.gcp.project_id(name)?;
            Ok(policy::tested(world, call, &Resource::Project(id)).into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

fn told(id: &str, project: &Project, old: bool) -> Value {
    if old {
        return json!({
            "projectId": id,
            "projectNumber": project.number.to_string(),
            "name": id,
            "lifecycleState": "ACTIVE",
        });
    }
    json!({
        "name": format!("projects/{}", project.number),
        "projectId": id,
        "displayName": id,
        "state": "ACTIVE",
        "etag": "Vy8xLWFzZA==",
    })
}
