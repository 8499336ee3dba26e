//! Who may enter a service account. We are the one writer of its policy: a member of any other role is a deviation.

use std::collections::BTreeSet;

use async_trait::async_trait;
use google_cloud_iam_v1::model::Policy;
use mlops_environment::component::{Component, Observation, Outputs, Present};
use mlops_environment::driver::Monitor;
use mlops_environment::gcp::{Grant, Trust};

use crate::driver::Gcp;
use crate::failure::{Outcome, optional};
use crate::mark::asking;
use crate::object::{Changes, Object, Wanted, ready};
use crate::policy::{self, Delta, modify_policy, read_policy};
use crate::service_account::unseen;
use crate::wait::{SPREADING, patiently};

/// The etag of a policy that nobody has set yet, `ACAB` in JSON:
/// <https://cloud.google.com/iam/docs/granting-changing-revoking-access#view-access>
const UNSET: &[u8] = &[0, 0x20, 1];

/// The role by which a workload or a federated principal gets an account's tokens.
const USER: &str = "roles/iam.workloadIdentityUser";

fn entry(member: &str) -> Grant {
    Grant {
        role: USER.to_owned(),
        member: member.to_owned(),
        condition: None,
    }
}

impl Wanted<Trust> {
    fn resource(&self) -> String {
        let project = self
            .account
            .split_once('@')
            .and_then(|(_, domain)| domain.strip_suffix(".iam.gserviceaccount.com"))
            .unwrap_or("-");
        format!("projects/{project}/serviceAccounts/{}", self.account)
    }

    fn present(&self, members: BTreeSet<String>) -> Present {
        let found = Trust {
            members,
            ..self.0.clone()
        };
        let id = format!("{}/trust", self.resource());
        ready(id, asking(&self.owner), &found, Outputs::new())
    }

    async fn modify(
        &self,
        gcp: &Gcp,
        delta: &Delta,
        known: Option<Policy>,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let resource = &self.resource();
        let subject = format!("service account {}", self.account);
        modify_policy!(gcp, iam, "iam", resource, &subject, "", delta, known, monitor).await
    }
}

/// Members of the entry role, and lines for those of others. A conditional entry is none that we would have made.
fn split(policy: &Policy) -> (BTreeSet<String>, Vec<String>) {
    let (mut members, mut foreign) = (BTreeSet::new(), Vec::new());
    for grant in policy::grants(policy) {
        if grant == entry(&grant.member) {
            members.insert(grant.member);
        } else {
            foreign.push(policy::line(&grant, ""));
        }
    }
    (members, foreign)
}

#[async_trait]
impl Object for Wanted<Trust> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let resource = &self.resource();
        let Some(policy) = optional(read_policy!(gcp, iam, "iam", resource).await)? else {
            return Ok(Observation::Absent);
        };
        let (members, foreign) = split(&policy);
        if members.is_empty() {
            return Ok(Observation::Absent);
        }
        let mut present = self.present(members);
        present.foreign = foreign;
        Ok(Observation::Present(present))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let delta = Delta {
            add: self.members.iter().map(|member| entry(member)).collect(),
            ..Delta::default()
        };
        // Most accounts were made a moment ago, and may not be seen everywhere yet. One that has a policy already refuses this
        // etag, and then it is read.
        patiently(&self.account, SPREADING, monitor, unseen, || {
            let unset = Policy::new().set_etag(UNSET);
            self.modify(gcp, &delta, Some(unset), monitor)
        })
        .await?;
        Ok(self.present(self.members.clone()))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        let before: BTreeSet<String> = change
            .of("members")
            .and_then(|change| serde_json::from_value(change.from.clone()).ok())
            .unwrap_or_default();
        let delta = Delta {
            add: self.members.iter().map(|member| entry(member)).collect(),
            remove: before
                .difference(&self.members)
                .map(|member| entry(member))
                .collect(),
            remove_lines: change.found.foreign.clone(),
        };
        self.modify(gcp, &delta, None, change.monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let standing: BTreeSet<String> = found
            .properties
            .get("members")
            .and_then(|members| serde_json::from_value(members.clone()).ok())
            .unwrap_or_default();
        let delta = Delta {
            remove: standing
                .union(&self.members)
                .map(|member| entry(member))
                .collect(),
            ..Delta::default()
        };
        crate::failure::gone(self.modify(gcp, &delta, None, monitor).await)
    }
}
