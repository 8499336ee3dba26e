//! A custom role of the project. One that was deleted keeps its id for weeks, in which making it again is refused; it is
//! brought back instead, and brought up to date.
//! <https://cloud.google.com/iam/docs/creating-custom-roles#undeleting-custom-role>

use async_trait::async_trait;
use google_cloud_iam_admin_v1::model::Role as Found;
use google_cloud_iam_admin_v1::model::role::RoleLaunchStage;
use google_cloud_wkt::FieldMask;
use mlops_environment::component::{Component, Observation, Owner, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::CustomRole;

use crate::driver::Gcp;
use crate::failure::{Outcome, gone, optional};
use crate::mark;
use crate::name::{parent, short};
use crate::object::{Changes, Object, Wanted, outputs, ready};

const CREATE: &str = "iam:CreateRole";
const UPDATE: &str = "iam:UpdateRole";

impl Wanted<CustomRole> {
    async fn get(&self, gcp: &Gcp) -> Outcome<Option<Found>> {
        let name = &self.name;
        optional(
            gcp.clients
                .call("iam:GetRole", || gcp.clients.iam.get_role().set_name(name).send())
                .await,
        )
    }

    fn role(&self) -> Found {
        Found::new()
            .set_title(&self.title)
            .set_description(&self.description)
            .set_included_permissions(self.permissions.iter().cloned())
            .set_stage(RoleLaunchStage::Ga)
    }

    async fn patch(&self, gcp: &Gcp, paths: &[&str]) -> Outcome<()> {
        let (name, role) = (&self.name, self.role());
        gcp.clients
            .call(UPDATE, || {
                gcp.clients
                    .iam
                    .update_role()
                    .set_name(name)
                    .set_role(role.clone())
                    .set_update_mask(FieldMask::default().set_paths(paths.iter().copied()))
                    .send()
            })
            .await
            .map(drop)
    }

    /// Brings back what was deleted not long ago, if it was ours.
    async fn revive(&self, gcp: &Gcp, refused: Failure) -> Outcome<()> {
        let Some(found) = self.get(gcp).await? else {
            return Err(refused);
        };
        if !found.deleted {
            return Err(Failure {
                reason: Reason::AlreadyExists,
                ..refused
            });
        }
        let ours = matches!(
            (mark::owner_by(&found.description), mark::owner_by(&self.description)),
            (Owner::Environment { id: one, .. }, Owner::Environment { id: other, .. }) if one == other
        );
        if !ours {
            return Err(Failure {
                message: format!(
                    "{} The role {} was deleted by somebody and its id is taken for some weeks: choose another name.",
                    refused.message,
                    short(&self.name)
                ),
                ..refused
            });
        }
        let name = &self.name;
        gcp.clients
            .call("iam:UndeleteRole", || {
                gcp.clients.iam.undelete_role().set_name(name).send()
            })
            .await?;
        self.patch(gcp, &["title", "description", "included_permissions", "stage"])
            .await
    }

    fn found(&self, role: &Found) -> Present {
        let found = CustomRole {
            name: self.name.clone(),
            title: role.title.clone(),
            description: role.description.clone(),
            permissions: role.included_permissions.iter().cloned().collect(),
        };
        self.telling(&found)
    }

    fn telling(&self, found: &CustomRole) -> Present {
        let known = outputs([("name", self.name.clone())]);
        ready(&self.name, mark::owner_by(&found.description), found, known)
    }
}

#[async_trait]
impl Object for Wanted<CustomRole> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        Ok(match self.get(gcp).await? {
            Some(role) if !role.deleted => Observation::Present(self.found(&role)),
            _ => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, _: &Component, _: &dyn Monitor) -> Outcome<Present> {
        let (parent, id, role) = (parent(&self.name), short(&self.name), self.role());
        let made = gcp
            .clients
            .make(CREATE, || {
                gcp.clients
                    .iam
                    .create_role()
                    .set_parent(parent)
                    .set_role_id(id)
                    .set_role(role.clone())
                    .send()
            })
            .await;
        match made {
            Ok(_) => {}
            // A deleted role's id is refused as a failed precondition, a living one's as taken.
            Err(refused)
                if matches!(
                    refused.reason,
                    Reason::Invalid | Reason::AlreadyExists | Reason::Conflict
                ) =>
            {
                self.revive(gcp, refused).await?;
            }
            Err(refused) => return Err(refused),
        }
        Ok(self.telling(self))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(UPDATE, &["name"])?;
        let paths: Vec<&str> = [
            ("title", "title"),
            ("description", "description"),
            ("permissions", "included_permissions"),
        ]
        .into_iter()
        .filter(|(property, _)| change.any(&[property]))
        .map(|(_, path)| path)
        .collect();
        if paths.is_empty() {
            return Ok(());
        }
        self.patch(gcp, &paths).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        let name = &self.name;
        gone(
            gcp.clients
                .call("iam:DeleteRole", || {
                    gcp.clients.iam.delete_role().set_name(name).send()
                })
                .await,
        )
    }
}
