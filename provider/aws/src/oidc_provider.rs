//! An IAM OIDC provider. AWS allows one per URL and account, so the one for the CI's issuer is shared: each environment
//! leaves a mark of its use on it, adds its audience, and removes nothing but its own mark. The last one deletes it, if an
//! environment made it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mlops_environment::aws::{OidcProvider, Tags};
use mlops_environment::component::{Component, Management, Observation, Outputs, Owner, Present};
use mlops_environment::driver::Monitor;

use crate::driver::Aws;
use crate::failure::{Outcome, call, gone, optional};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::role::{found_tags, iam_tags};
use crate::tags::{ENVIRONMENT, MANAGED_BY, UID};

/// Prefix of the tag that marks a user; the environment's id follows, its uid is the value.
const USER: &str = "mlops:user:";

fn shared(component: &Component) -> bool {
    component.management == Management::Shared
}

impl Wanted<OidcProvider> {
    fn issuer(&self) -> &str {
        self.url.strip_prefix("https://").unwrap_or(&self.url)
    }

    async fn arn(&self, aws: &Aws) -> Outcome<String> {
        aws.arn("iam", &format!("oidc-provider/{}", self.issuer())).await
    }

    fn known(&self, arn: &str) -> Outputs {
        outputs([("arn", arn.to_owned()), ("issuer", self.issuer().to_owned())])
    }

    /// The mark of this environment's use: key and value.
    fn mark(&self) -> Option<(String, String)> {
        Some((
            format!("{USER}{}", self.tags.get(ENVIRONMENT)?),
            self.tags.get(UID)?.clone(),
        ))
    }

    async fn get(&self, aws: &Aws, arn: &str) -> Outcome<Option<(BTreeSet<String>, Tags)>> {
        let get = aws
            .clients
            .iam
            .get_open_id_connect_provider()
            .open_id_connect_provider_arn(arn);
        let answer = optional(
            aws.clients
                .iam(call("iam:GetOpenIDConnectProvider", get.send()))
                .await,
        )?;
        Ok(answer.map(|answer| {
            (
                answer.client_id_list().iter().cloned().collect(),
                found_tags(answer.tags()),
            )
        }))
    }

    async fn set_tags(&self, aws: &Aws, arn: &str, set: &Tags) -> Outcome<()> {
        let tag = aws
            .clients
            .iam
            .tag_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .set_tags(Some(iam_tags(set)?));
        aws.clients
            .iam(call("iam:TagOpenIDConnectProvider", tag.send()))
            .await
            .map(drop)
    }

    async fn remove_tags(&self, aws: &Aws, arn: &str, keys: Vec<String>) -> Outcome<()> {
        let untag = aws
            .clients
            .iam
            .untag_open_id_connect_provider()
            .open_id_connect_provider_arn(arn)
            .set_tag_keys(Some(keys));
        gone(
            aws.clients
                .iam(call("iam:UntagOpenIDConnectProvider", untag.send()))
                .await,
        )
    }
}

#[async_trait]
impl Object for Wanted<OidcProvider> {
    async fn observe(&self, aws: &Aws, component: &Component) -> Outcome<Observation> {
        let arn = self.arn(aws).await?;
        let Some((audiences, found)) = self.get(aws, &arn).await? else {
            return Ok(Observation::Absent);
        };
        if !shared(component) {
            let typed = OidcProvider {
                url: self.url.clone(),
                audiences,
                tags: found,
            };
            return Ok(Observation::Present(ready(
                &arn,
                &typed.tags,
                &typed,
                self.known(&arn),
            )));
        }
        let used = self
            .mark()
            .is_some_and(|(key, uid)| found.get(&key) == Some(&uid));
        let typed = OidcProvider {
            url: self.url.clone(),
            // Audiences of others are their business.
            audiences: audiences.intersection(&self.audiences).cloned().collect(),
            // The maker's tags stay whatever we want; what counts is that our use is marked.
            tags: if used { self.tags.clone() } else { Tags::new() },
        };
        let mut present = ready(&arn, &found, &typed, self.known(&arn));
        if used {
            present.owner = crate::tags::owner(&self.tags);
        } else if present.owner == crate::tags::owner(&self.tags) {
            // Made by this environment, but no longer marked as used by it.
            present.owner = Owner::Unmarked;
        }
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, component: &Component, _: &dyn Monitor) -> Outcome<Present> {
        let arn = self.arn(aws).await?;
        let mut all = self.tags.clone();
        if shared(component) {
            all.extend(self.mark());
        }
        // No thumbprint: IAM trusts the issuer's certificate through its own roots.
        // https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
        let create = aws
            .clients
            .iam
            .create_open_id_connect_provider()
            .url(&self.url)
            .set_client_id_list(Some(self.audiences.iter().cloned().collect()))
            .set_tags(Some(iam_tags(&all)?));
        aws.clients
            .iam(call("iam:CreateOpenIDConnectProvider", create.send()))
            .await?;
        Ok(ready(&arn, &self.tags, self, self.known(&arn)))
    }

    async fn update(&self, aws: &Aws, component: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("iam:CreateOpenIDConnectProvider", &["url"])?;
        let (iam, arn) = (&aws.clients.iam, &change.found.id);
        if change.any(&["audiences"]) {
            let (found, _) = self.get(aws, arn).await?.unwrap_or_default();
            for audience in self.audiences.difference(&found) {
                let add = iam
                    .add_client_id_to_open_id_connect_provider()
                    .open_id_connect_provider_arn(arn)
                    .client_id(audience);
                aws.clients
                    .iam(call("iam:AddClientIDToOpenIDConnectProvider", add.send()))
                    .await?;
            }
            for audience in found.difference(&self.audiences).filter(|_| !shared(component)) {
                let remove = iam
                    .remove_client_id_from_open_id_connect_provider()
                    .open_id_connect_provider_arn(arn)
                    .client_id(audience);
                gone(
                    aws.clients
                        .iam(call("iam:RemoveClientIDFromOpenIDConnectProvider", remove.send()))
                        .await,
                )?;
            }
        }
        if let Some((set, removed)) = change.tags() {
            if shared(component) {
                return match self.mark() {
                    Some(mark) => self.set_tags(aws, arn, &[mark].into()).await,
                    None => Ok(()),
                };
            }
            if !set.is_empty() {
                self.set_tags(aws, arn, &set).await?;
            }
            if !removed.is_empty() {
                self.remove_tags(aws, arn, removed).await?;
            }
        }
        Ok(())
    }

    async fn delete(
        &self,
        aws: &Aws,
        component: &Component,
        found: &Present,
        _: &dyn Monitor,
    ) -> Outcome<()> {
        let arn = &found.id;
        if shared(component) {
            let Some((_, tags)) = self.get(aws, arn).await? else {
                return Ok(());
            };
            let mark = self.mark().map(|(key, _)| key);
            let others = tags
                .keys()
                .any(|key| key.starts_with(USER) && Some(key) != mark.as_ref());
            let made_by_us = tags.contains_key(MANAGED_BY);
            if others || !made_by_us {
                return match mark {
                    Some(key) if tags.contains_key(&key) => self.remove_tags(aws, arn, vec![key]).await,
                    _ => Ok(()),
                };
            }
        }
        let delete = aws
            .clients
            .iam
            .delete_open_id_connect_provider()
            .open_id_connect_provider_arn(arn);
        gone(
            aws.clients
                .iam(call("iam:DeleteOpenIDConnectProvider", delete.send()))
                .await,
        )
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        self.set_tags(aws, &found.id, &[(key.to_owned(), value.to_owned())].into())
            .await
    }
}
