//! Managed folders of a bucket: prefixes with grants of their own.
//!
//! <https://cloud.google.com/storage/docs/managed-folders>. They need uniform access; deleting one deletes no object
//! unless it is asked to.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use google_cloud_iam_v1::model::Policy;
use google_cloud_storage::model::ManagedFolder;
use mlops_environment::driver::{Monitor, Reason};
use mlops_environment::gcp::Grant;

use crate::driver::Gcp;
use crate::failure::{Outcome, gone, optional};
use crate::policy::{self, Delta, modify_policy, read_policy};
use crate::retry::Created;

/// The folders of one bucket.
pub(crate) struct Folders<'a> {
    /// `projects/_/buckets/<name>`.
    pub(crate) bucket: String,
    /// Shown in messages.
    pub(crate) name: &'a str,
    /// How e-mails of the environment's accounts end.
    pub(crate) family: &'a str,
}

/// A folder as found: its grants of the environment, and lines for what is foreign on it.
type Seen = (BTreeSet<Grant>, Vec<String>);

impl Folders<'_> {
    fn resource(&self, prefix: &str) -> String {
        format!("{}/managedFolders/{prefix}", self.bucket)
    }

    fn place(prefix: &str) -> String {
        format!(" on folder {prefix}")
    }

    async fn policy(&self, gcp: &Gcp, prefix: &str) -> Outcome<Option<Policy>> {
        let resource = &self.resource(prefix);
        optional(read_policy!(gcp, storage, "storage", resource).await)
    }

    /// Prefixes of all folders that stand.
    pub(crate) async fn list(&self, gcp: &Gcp) -> Outcome<BTreeSet<String>> {
        let (mut found, mut page) = (BTreeSet::new(), String::new());
        loop {
            let answer = gcp
                .clients
                .call("storage:ListManagedFolders", || {
                    gcp.clients
                        .storage
                        .list_managed_folders()
                        .set_parent(&self.bucket)
                        .set_page_token(&page)
                        .send()
                })
                .await?;
            let start = self.resource("");
            found.extend(
                answer
                    .managed_folders
                    .iter()
                    .filter_map(|folder| folder.name.strip_prefix(&start).map(str::to_owned)),
            );
            if answer.next_page_token.is_empty() {
                return Ok(found);
            }
            page = answer.next_page_token;
        }
    }

    /// The wanted folders that stand, others on which the environment has grants, and what is foreign on either.
    pub(crate) async fn look(
        &self,
        gcp: &Gcp,
        wanted: &BTreeMap<String, BTreeSet<Grant>>,
        standing: &BTreeSet<String>,
    ) -> Outcome<(BTreeMap<String, BTreeSet<Grant>>, Vec<String>)> {
        let none = BTreeSet::new();
        let seen = try_join_all(standing.iter().map(|prefix| {
            let wanted = wanted.get(prefix).unwrap_or(&none);
            async move {
                let policy = self.policy(gcp, prefix).await?;
                Ok(policy.map(|policy| -> (String, Seen) {
                    let grants = policy::of_environment(&policy, wanted, self.family);
                    let foreign = policy::foreign(&policy, wanted, self.family, &Self::place(prefix));
                    (prefix.clone(), (grants, foreign))
                }))
            }
        }))
        .await?;
        let (mut folders, mut foreign) = (BTreeMap::new(), Vec::new());
        for (prefix, (grants, lines)) in seen.into_iter().flatten() {
            foreign.extend(lines);
            // A folder of others, with nothing of ours on it, is their own affair.
            if wanted.contains_key(&prefix) || !grants.is_empty() {
                folders.insert(prefix, grants);
            }
        }
        Ok((folders, foreign))
    }

    /// Makes a folder if it is not there, and brings its grants to what is wanted.
    pub(crate) async fn put(
        &self,
        gcp: &Gcp,
        prefix: &str,
        make: bool,
        delta: &Delta,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let mut known = None;
        if make {
            let made = gcp
                .clients
                .make("storage:CreateManagedFolder", || {
                    gcp.clients
                        .storage
                        .create_managed_folder()
                        .set_parent(&self.bucket)
                        .set_managed_folder(ManagedFolder::new())
                        .set_managed_folder_id(prefix)
                        .send()
                })
                .await;
            match made {
                Ok(Created::Answered(_)) => known = Some(Policy::new()),
                Ok(Created::Unanswered) => {}
                // It stands: what counts is its policy.
                Err(failure) if failure.reason == Reason::AlreadyExists => {}
                Err(failure) => return Err(failure),
            }
        }
        let resource = &self.resource(prefix);
        let subject = format!("folder {prefix} of bucket {}", self.name);
        let place = Self::place(prefix);
        modify_policy!(
            gcp, storage, "storage", resource, &subject, &place, delta, known, monitor
        )
        .await
    }

    /// Removes a folder; with `objects`, also when there are objects under its prefix (which stay).
    ///
    /// One that is not empty stays where it is.
    pub(crate) async fn remove(&self, gcp: &Gcp, prefix: &str, objects: bool) -> Outcome<()> {
        let resource = &self.resource(prefix);
        let removed = gcp
            .clients
            .call("storage:DeleteManagedFolder", || {
                gcp.clients
                    .storage
                    .delete_managed_folder()
                    .set_name(resource)
                    .set_allow_non_empty(objects)
                    .send()
            })
            .await;
        match gone(removed) {
            Err(failure) if !objects && failure.reason == Reason::Conflict => Ok(()),
            other => other,
        }
    }
}
