//! An IAM role with its inline policies and attachments. The role is the one writer of all three: whatever else is found
//! on it is a foreign deviation, and removed by an update.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_iam::types::Tag;
use futures::future::try_join_all;
use futures::try_join;
use mlops_environment::aws::{Role, Tags};
use mlops_environment::component::{Component, Observation, Outputs, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, missing, optional};
use crate::object::{Changes, Object, Wanted, as_found, outputs, ready};
use crate::wait::{SPREADING, patiently, says};
use crate::{document, tags};

/// How foreign policies are told: an update takes off what is named so.
const FOREIGN_POLICY: &str = "foreign policy ";
const ATTACHED: &str = " attached";
const FOREIGN_INLINE: &str = "foreign inline policy ";

/// Tags as IAM wants them; also used by policies and OIDC providers.
pub(crate) fn iam_tags(tags: &Tags) -> Outcome<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|error| failure("iam:TagRole", Reason::Invalid, error.to_string()))
        })
        .collect()
}

/// Tags as IAM answers them.
pub(crate) fn found_tags(tags: &[Tag]) -> Tags {
    tags::found(tags.iter().map(|tag| (tag.key(), tag.value())))
}

/// What IAM says while a thing just made is not everywhere yet, or two calls met on one role.
fn unsettled(failure: &Failure) -> bool {
    failure.reason == Reason::NotFound
        || says(
            failure,
            &["ConcurrentModification", "ConcurrentModificationException"],
            &[],
        )
        || says(
            failure,
            &["MalformedPolicyDocument", "MalformedPolicyDocumentException"],
            &["Invalid principal"],
        )
}

impl Wanted<Role> {
    async fn arn(&self, aws: &Aws) -> Outcome<String> {
        aws.arn("iam", &format!("role{}{}", self.path, self.name)).await
    }

    fn known(&self, arn: &str) -> Outputs {
        outputs([("arn", arn.to_owned()), ("name", self.name.clone())])
    }

    /// One call on this role, again while IAM is not of one mind.
    async fn write<T, F>(
        &self,
        aws: &Aws,
        monitor: &dyn Monitor,
        mut attempt: impl FnMut() -> F,
    ) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>>,
    {
        let subject = format!("role {}", self.name);
        patiently(&subject, SPREADING, monitor, unsettled, || {
            aws.clients.iam(attempt())
        })
        .await
    }

    async fn attach(&self, aws: &Aws, monitor: &dyn Monitor, arn: &str) -> Outcome<()> {
        self.write(aws, monitor, || async {
            let attach = aws
                .clients
                .iam
                .attach_role_policy()
                .role_name(&self.name)
                .policy_arn(arn);
            call("iam:AttachRolePolicy", attach.send()).await.map(drop)
        })
        .await
    }

    async fn put_inline(&self, aws: &Aws, monitor: &dyn Monitor, name: &str, document: &str) -> Outcome<()> {
        self.write(aws, monitor, || async {
            let put = aws
                .clients
                .iam
                .put_role_policy()
                .role_name(&self.name)
                .policy_name(name)
                .policy_document(document);
            call("iam:PutRolePolicy", put.send()).await.map(drop)
        })
        .await
    }

    async fn detach(&self, aws: &Aws, arn: &str) -> Outcome<()> {
        let detach = aws
            .clients
            .iam
            .detach_role_policy()
            .role_name(&self.name)
            .policy_arn(arn);
        gone(aws.clients.iam(call("iam:DetachRolePolicy", detach.send())).await)
    }

    async fn delete_inline(&self, aws: &Aws, name: &str) -> Outcome<()> {
        let delete = aws
            .clients
            .iam
            .delete_role_policy()
            .role_name(&self.name)
            .policy_name(name);
        gone(aws.clients.iam(call("iam:DeleteRolePolicy", delete.send())).await)
    }

    /// ARNs of all attached policies.
    pub(crate) async fn attached(&self, aws: &Aws) -> Outcome<BTreeSet<String>> {
        let (mut found, mut marker) = (BTreeSet::new(), None);
        loop {
            let list = aws
                .clients
                .iam
                .list_attached_role_policies()
                .role_name(&self.name)
                .set_marker(marker);
            let answer = aws
                .clients
                .iam(call("iam:ListAttachedRolePolicies", list.send()))
                .await?;
            found.extend(
                answer
                    .attached_policies()
                    .iter()
                    .filter_map(|policy| policy.policy_arn.clone()),
            );
            marker = answer.marker;
            if !answer.is_truncated || marker.is_none() {
                return Ok(found);
            }
        }
    }

    /// Names of all inline policies.
    pub(crate) async fn inline_names(&self, aws: &Aws) -> Outcome<BTreeSet<String>> {
        let (mut found, mut marker) = (BTreeSet::new(), None);
        loop {
            let list = aws
                .clients
                .iam
                .list_role_policies()
                .role_name(&self.name)
                .set_marker(marker);
            let answer = aws.clients.iam(call("iam:ListRolePolicies", list.send())).await?;
            found.extend(answer.policy_names);
            marker = answer.marker;
            if !answer.is_truncated || marker.is_none() {
                return Ok(found);
            }
        }
    }

    async fn inline(&self, aws: &Aws) -> Outcome<BTreeMap<String, String>> {
        let found = try_join_all(self.inline_policies.iter().map(|(name, wanted)| async move {
            let get = aws
                .clients
                .iam
                .get_role_policy()
                .role_name(&self.name)
                .policy_name(name);
            let answer = optional(aws.clients.iam(call("iam:GetRolePolicy", get.send())).await)?;
            Ok::<_, Failure>(answer.map(|answer| {
                let text = document::decoded(&answer.policy_document);
                (name.clone(), document::reported(&text, wanted))
            }))
        }))
        .await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn delete_role(&self, aws: &Aws) -> Outcome<()> {
        gone(
            aws.clients
                .iam(call(
                    "iam:DeleteRole",
                    aws.clients.iam.delete_role().role_name(&self.name).send(),
                ))
                .await,
        )
    }

    /// Takes off everything that keeps the role from being deleted.
    async fn strip(&self, aws: &Aws) -> Outcome<()> {
        for arn in optional(self.attached(aws).await)?.unwrap_or_default() {
            self.detach(aws, &arn).await?;
        }
        for name in optional(self.inline_names(aws).await)?.unwrap_or_default() {
            self.delete_inline(aws, &name).await?;
        }
        let iam = &aws.clients.iam;
        let list = iam.list_instance_profiles_for_role().role_name(&self.name);
        let profiles = optional(
            aws.clients
                .iam(call("iam:ListInstanceProfilesForRole", list.send()))
                .await,
        )?;
        for profile in profiles
            .map(|answer| answer.instance_profiles)
            .unwrap_or_default()
        {
            let remove = iam
                .remove_role_from_instance_profile()
                .role_name(&self.name)
                .instance_profile_name(profile.instance_profile_name);
            gone(
                aws.clients
                    .iam(call("iam:RemoveRoleFromInstanceProfile", remove.send()))
                    .await,
            )?;
        }
        Ok(())
    }
}

#[async_trait]
impl Object for Wanted<Role> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        const OPERATION: &str = "iam:GetRole";
        let iam = &aws.clients.iam;
        let found = try_join!(
            aws.clients
                .iam(call(OPERATION, iam.get_role().role_name(&self.name).send())),
            self.attached(aws),
            self.inline_names(aws),
            self.inline(aws),
        );
        let Some((answer, attached, names, inline_policies)) = optional(found)? else {
            return Ok(Observation::Absent);
        };
        let role = answer.role.ok_or_else(|| missing(OPERATION, "Role"))?;
        // Seconds after its creation a role may answer with its unique id in place of its ARN.
        let arn = if role.arn.starts_with("arn:") {
            role.arn.clone()
        } else {
            self.arn(aws).await?
        };
        let trust = document::decoded(role.assume_role_policy_document().unwrap_or_default());
        let found = Role {
            name: self.name.clone(),
            path: role.path.clone(),
            description: role.description.clone().unwrap_or_default(),
            trust: document::reported(&trust, &self.trust),
            inline_policies,
            managed_policies: attached.intersection(&self.managed_policies).cloned().collect(),
            permissions_boundary: role
                .permissions_boundary()
                .and_then(|boundary| boundary.permissions_boundary_arn().map(str::to_owned)),
            max_session_seconds: role.max_session_duration.unwrap_or(3600),
            tags: found_tags(role.tags()),
        };
        let mut present = ready(&arn, &found.tags, &found, self.known(&arn));
        present.foreign = attached
            .difference(&self.managed_policies)
            .map(|arn| format!("{FOREIGN_POLICY}{arn}{ATTACHED}"))
            .chain(
                names
                    .into_iter()
                    .filter(|name| !self.inline_policies.contains_key(name))
                    .map(|name| format!("{FOREIGN_INLINE}{name}")),
            )
            .collect();
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let tags = iam_tags(&self.tags)?;
        self.write(aws, monitor, || async {
            let create = aws
                .clients
                .iam
                .create_role()
                .role_name(&self.name)
                .path(&self.path)
                .description(&self.description)
                .assume_role_policy_document(&self.trust)
                .set_permissions_boundary(self.permissions_boundary.clone())
                .max_session_duration(self.max_session_seconds)
                .set_tags(Some(tags.clone()));
            call("iam:CreateRole", create.send()).await.map(drop)
        })
        .await?;
        // One after another: two at once on one role answer ConcurrentModification.
        for (name, document) in &self.inline_policies {
            self.put_inline(aws, monitor, name, document).await?;
        }
        for arn in &self.managed_policies {
            self.attach(aws, monitor, arn).await?;
        }
        let arn = self.arn(aws).await?;
        Ok(ready(&arn, &self.tags, self, self.known(&arn)))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("iam:UpdateRole", &["name", "path"])?;
        let (iam, monitor) = (&aws.clients.iam, change.monitor);
        let before = as_found(self, change.found)?;
        // First what takes rights away.
        if change.any(&["permissions_boundary"]) {
            match &self.permissions_boundary {
                Some(arn) => {
                    self.write(aws, monitor, || async {
                        let put = iam
                            .put_role_permissions_boundary()
                            .role_name(&self.name)
                            .permissions_boundary(arn);
                        call("iam:PutRolePermissionsBoundary", put.send()).await.map(drop)
                    })
                    .await?;
                }
                None => {
                    let delete = iam.delete_role_permissions_boundary().role_name(&self.name);
                    gone(
                        aws.clients
                            .iam(call("iam:DeleteRolePermissionsBoundary", delete.send()))
                            .await,
                    )?;
                }
            }
        }
        if change.any(&["trust"]) {
            self.write(aws, monitor, || async {
                let put = iam
                    .update_assume_role_policy()
                    .role_name(&self.name)
                    .policy_document(&self.trust);
                call("iam:UpdateAssumeRolePolicy", put.send()).await.map(drop)
            })
            .await?;
        }
        // Of what is foreign only that which was handed in: the rest may be somebody's agreed exception.
        let foreign = |before: &str, after: &str| -> Vec<String> {
            let named = |words: &String| Some(words.strip_prefix(before)?.strip_suffix(after)?.to_owned());
            change.found.foreign.iter().filter_map(named).collect()
        };
        let dropped = before.managed_policies.difference(&self.managed_policies);
        for arn in foreign(FOREIGN_POLICY, ATTACHED).iter().chain(dropped) {
            self.detach(aws, arn).await?;
        }
        let dropped = before
            .inline_policies
            .keys()
            .filter(|name| !self.inline_policies.contains_key(*name));
        for name in foreign(FOREIGN_INLINE, "").iter().chain(dropped) {
            self.delete_inline(aws, name).await?;
        }
        for (name, document) in &self.inline_policies {
            if before.inline_policies.get(name) != Some(document) {
                self.put_inline(aws, monitor, name, document).await?;
            }
        }
        for arn in self.managed_policies.difference(&before.managed_policies) {
            self.attach(aws, monitor, arn).await?;
        }
        if change.any(&["description", "max_session_seconds"]) {
            let update = iam
                .update_role()
                .role_name(&self.name)
                .description(&self.description)
                .max_session_duration(self.max_session_seconds);
            aws.clients.iam(call("iam:UpdateRole", update.send())).await?;
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                let tag = iam
                    .tag_role()
                    .role_name(&self.name)
                    .set_tags(Some(iam_tags(&set)?));
                aws.clients.iam(call("iam:TagRole", tag.send())).await?;
            }
            if !removed.is_empty() {
                let untag = iam.untag_role().role_name(&self.name).set_tag_keys(Some(removed));
                aws.clients.iam(call("iam:UntagRole", untag.send())).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        // What we know of first; looking for more only if the role will not go.
        let before = as_found(self, found)?;
        for arn in &before.managed_policies {
            self.detach(aws, arn).await?;
        }
        for name in before.inline_policies.keys() {
            self.delete_inline(aws, name).await?;
        }
        let in_use = |failure: &Failure| says(failure, &["DeleteConflict", "DeleteConflictException"], &[]);
        match self.delete_role(aws).await {
            Err(failure) if in_use(&failure) => {
                let unsettled = |failure: &Failure| in_use(failure) || unsettled(failure);
                patiently(
                    &format!("role {}", self.name),
                    SPREADING,
                    monitor,
                    unsettled,
                    || async {
                        self.strip(aws).await?;
                        self.delete_role(aws).await
                    },
                )
                .await
            }
            other => other,
        }
    }

    async fn tag(&self, aws: &Aws, _: &Present, key: &str, value: &str) -> Outcome<()> {
        let set = iam_tags(&[(key.to_owned(), value.to_owned())].into())?;
        let tag = aws
            .clients
            .iam
            .tag_role()
            .role_name(&self.name)
            .set_tags(Some(set));
        aws.clients.iam(call("iam:TagRole", tag.send())).await?;
        Ok(())
    }
}
