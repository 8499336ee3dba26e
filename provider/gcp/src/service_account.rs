//! A service account: a name to act under. Keys that people make for it are deviations, taken away in two steps.

use async_trait::async_trait;
use futures::try_join;
use google_cloud_iam_admin_v1::model::list_service_account_keys_request::KeyType;
use google_cloud_iam_admin_v1::model::{ServiceAccount as Found, ServiceAccountKey};
use google_cloud_wkt::FieldMask;
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::ServiceAccount;

use crate::driver::Gcp;
use crate::failure::{Outcome, gone, missing, optional};
use crate::glance;
use crate::mark;
use crate::name::short;
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::retry::Created;
use crate::wait::{SPREADING, patiently};

/// How a key that somebody made is told.
const STATIC_KEY: &str = "static key ";

impl Wanted<ServiceAccount> {
    fn name(&self) -> String {
        let project = self
            .email
            .split_once('@')
            .and_then(|(_, domain)| domain.strip_suffix(".iam.gserviceaccount.com"))
            .unwrap_or("-");
        format!("projects/{project}/serviceAccounts/{}", self.email)
    }

    async fn get(&self, gcp: &Gcp) -> Outcome<Found> {
        let name = &self.name();
        gcp.clients
            .call("iam:GetServiceAccount", || {
                gcp.clients.iam.get_service_account().set_name(name).send()
            })
            .await
    }

    /// The account as a list of all tells it, where many are looked at; else asked for alone.
    async fn look(&self, gcp: &Gcp) -> Outcome<Found> {
        let name = self.name();
        let project = name.rsplitn(3, '/').nth(2).unwrap_or_default();
        match glance::account(gcp, project, &name).await? {
            Some(account) => Ok(account),
            None => self.get(gcp).await,
        }
    }

    /// Keys that people made, not those that Google turns over by itself.
    async fn keys(&self, gcp: &Gcp) -> Outcome<Vec<ServiceAccountKey>> {
        let name = &self.name();
        let answer = gcp
            .clients
            .call("iam:ListServiceAccountKeys", || {
                gcp.clients
                    .iam
                    .list_service_account_keys()
                    .set_name(name)
                    .set_key_types([KeyType::UserManaged])
                    .send()
            })
            .await?;
        Ok(answer.keys)
    }

    fn present(&self, account: &Found, keys: &[ServiceAccountKey]) -> Present {
        let found = ServiceAccount {
            email: self.email.clone(),
            account_id: self.account_id.clone(),
            display_name: account.display_name.clone(),
            description: account.description.clone(),
        };
        let known = outputs([
            ("email", self.email.clone()),
            ("unique_id", account.unique_id.clone()),
        ]);
        let mut present = ready(&self.email, mark::owner_by(&account.description), &found, known);
        present.foreign = keys.iter().map(key_line).collect();
        if account.disabled {
            present.status = Status::Failed {
                reason: format!("{} is disabled: enable it", self.email),
            };
        }
        present
    }

    /// Brings back the account of this unique id. `None` where it cannot be.
    ///
    /// A new account of the old name would have none of the old one's grants.
    async fn restore(&self, gcp: &Gcp, unique_id: &str) -> Outcome<Option<Found>> {
        let name = &format!(
            "{}/serviceAccounts/{unique_id}",
            self.name().rsplitn(3, '/').nth(2).unwrap_or("projects/-")
        );
        let restored = gcp
            .clients
            .call("iam:UndeleteServiceAccount", || {
                gcp.clients.iam.undelete_service_account().set_name(name).send()
            })
            .await;
        match restored {
            Ok(answer) => Ok(answer.restored_account),
            // Purged, or never deleted: a create tells.
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Invalid) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn patch(&self, gcp: &Gcp, account: Found, paths: &[&str]) -> Outcome<()> {
        let account = account.set_name(self.name());
        gcp.clients
            .call("iam:PatchServiceAccount", || {
                gcp.clients
                    .iam
                    .patch_service_account()
                    .set_service_account(account.clone())
                    .set_update_mask(FieldMask::default().set_paths(paths.iter().copied()))
                    .send()
            })
            .await
            .map(drop)
    }

    /// Disables the key, or deletes it when it is disabled already: whoever still uses it has time to speak up.
    async fn withdraw(&self, gcp: &Gcp, key: &ServiceAccountKey) -> Outcome<()> {
        let name = &key.name;
        if key.disabled {
            return gone(
                gcp.clients
                    .call("iam:DeleteServiceAccountKey", || {
                        gcp.clients.iam.delete_service_account_key().set_name(name).send()
                    })
                    .await,
            );
        }
        gone(
            gcp.clients
                .call("iam:DisableServiceAccountKey", || {
                    gcp.clients
                        .iam
                        .disable_service_account_key()
                        .set_name(name)
                        .send()
                })
                .await,
        )
    }
}

/// Whether an account that was made, or brought back, moments ago is not seen yet.
///
/// Reads of service accounts are eventually consistent: <https://cloud.google.com/iam/docs/service-accounts-create>
pub(crate) fn unseen(failure: &Failure) -> bool {
    failure.reason == Reason::NotFound
}

/// The same of a look at it, which may be refused as well as not find it: whether there is anything to see is not told to
/// everybody. <https://github.com/GoogleCloudPlatform/magic-modules/pull/11811>
fn unread(failure: &Failure) -> bool {
    unseen(failure) || failure.reason == Reason::Denied
}

fn key_line(key: &ServiceAccountKey) -> String {
    let id = short(&key.name);
    let id = id.get(..8).unwrap_or(id);
    let made = key
        .valid_after_time
        .and_then(|time| jiff::Timestamp::from_second(time.seconds()).ok())
        .map_or_else(
            || "at an unknown time".to_owned(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        );
    let state = if key.disabled { ", disabled" } else { "" };
    format!("{STATIC_KEY}{id} made {made}{state}")
}

#[async_trait]
impl Object for Wanted<ServiceAccount> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let found = try_join!(self.look(gcp), self.keys(gcp));
        Ok(match optional(found)? {
            Some((account, keys)) => Observation::Present(self.present(&account, &keys)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, gcp: &Gcp, component: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        if let Some(unique_id) = component.outputs.get("unique_id")
            && let Some(account) = self.restore(gcp, unique_id).await?
        {
            let wanted = Found::new()
                .set_display_name(&self.display_name)
                .set_description(&self.description);
            patiently(&self.email, SPREADING, monitor, unseen, || {
                self.patch(gcp, wanted.clone(), &["display_name", "description"])
            })
            .await?;
            let account = wanted
                .set_unique_id(account.unique_id)
                .set_disabled(account.disabled);
            return Ok(self.present(&account, &[]));
        }
        let project = &self.name().rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
        let made = gcp
            .clients
            .make("iam:CreateServiceAccount", || {
                gcp.clients
                    .iam
                    .create_service_account()
                    .set_name(project)
                    .set_account_id(&self.account_id)
                    .set_service_account(
                        Found::new()
                            .set_display_name(&self.display_name)
                            .set_description(&self.description),
                    )
                    .send()
            })
            .await?;
        let account = match made {
            Created::Answered(account) => account,
            // It is there, and not everybody knows it yet.
            Created::Unanswered => {
                patiently(&self.email, SPREADING, monitor, unread, || self.get(gcp)).await?
            }
        };
        if account.unique_id.is_empty() {
            return Err(missing("iam:CreateServiceAccount", "uniqueId"));
        }
        Ok(self.present(&account, &[]))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("iam:PatchServiceAccount", &["email", "account_id"])?;
        let paths: Vec<&str> = ["display_name", "description"]
            .into_iter()
            .filter(|path| change.any(&[path]))
            .collect();
        if !paths.is_empty() {
            let account = Found::new()
                .set_display_name(&self.display_name)
                .set_description(&self.description);
            self.patch(gcp, account, &paths).await?;
        }
        if change.foreign() {
            for key in self.keys(gcp).await? {
                if change.found.foreign.contains(&key_line(&key)) {
                    self.withdraw(gcp, &key).await?;
                }
            }
        }
        Ok(())
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        let name = &self.name();
        gone(
            gcp.clients
                .call("iam:DeleteServiceAccount", || {
                    gcp.clients.iam.delete_service_account().set_name(name).send()
                })
                .await,
        )
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        let description = found
            .properties
            .get("description")
            .and_then(|description| mark::retained(description.as_str()?, now));
        match description {
            Some(description) => {
                let account = Found::new().set_description(description);
                self.patch(gcp, account, &["description"]).await
            }
            None => Ok(()),
        }
    }
}
