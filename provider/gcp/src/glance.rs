//! One look at many components: what tells of several of them is asked for once.
//!
//! A cluster's answer holds its node pools, a key ring lists its keys, a project its accounts. Nothing is kept beyond the
//! look ([`Driver::glance`](mlops_environment::driver::Driver::glance)), so nobody sees what was so a moment ago.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use google_cloud_container_v1::model::Cluster;
use google_cloud_iam_admin_v1::model::ServiceAccount;
use google_cloud_kms_v1::model::CryptoKey;
use mlops_environment::driver::Reason;
use tokio::sync::OnceCell;

use crate::driver::Gcp;
use crate::failure::{Outcome, optional};

/// What is shared in one look.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    clusters: Once<Option<Arc<Cluster>>>,
    accounts: Once<Option<Listed<ServiceAccount>>>,
    keys: Once<Option<Listed<CryptoKey>>>,
}

/// Entries of a list by name.
type Listed<T> = Arc<BTreeMap<String, T>>;

/// Answers by the name of what was asked for. A failure is not kept: whoever asks next asks anew.
#[derive(Debug)]
struct Once<T>(Mutex<BTreeMap<String, Arc<OnceCell<T>>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Once<T> {
    async fn get<F>(&self, name: &str, ask: impl FnOnce() -> F) -> Outcome<T>
    where
        F: Future<Output = Outcome<T>>,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(name.to_owned()).or_default())
        };
        cell.get_or_try_init(ask).await.cloned()
    }
}

/// The cluster of this full name with its pools; `None` where it is not there.
pub(crate) async fn cluster(gcp: &Gcp, name: &str) -> Outcome<Option<Arc<Cluster>>> {
    let ask = || async {
        let found = gcp
            .clients
            .call("container:GetCluster", || {
                gcp.clients.clusters.get_cluster().set_name(name).send()
            })
            .await;
        Ok(optional(found)?.map(Arc::new))
    };
    match &gcp.glance {
        Some(glance) => glance.clusters.get(name, ask).await,
        None => ask().await,
    }
}

/// All accounts of a project, by full name.
pub(crate) async fn accounts(gcp: &Gcp, project: &str) -> Outcome<BTreeMap<String, ServiceAccount>> {
    let (mut found, mut page) = (BTreeMap::new(), String::new());
    loop {
        let answer = gcp
            .clients
            .call("iam:ListServiceAccounts", || {
                gcp.clients
                    .iam
                    .list_service_accounts()
                    .set_name(project)
                    .set_page_size(LONGEST_PAGE)
                    .set_page_token(&page)
                    .send()
            })
            .await?;
        let entries = answer.accounts.into_iter();
        found.extend(entries.map(|account| (account.name.clone(), account)));
        if answer.next_page_token.is_empty() {
            return Ok(found);
        }
        page = answer.next_page_token;
    }
}

/// The account of this full name, where the look's list of `project` holds it. `None` says nothing: lists come late, and not
/// everybody who may read an account may list them.
pub(crate) async fn account(gcp: &Gcp, project: &str, name: &str) -> Outcome<Option<ServiceAccount>> {
    let Some(glance) = &gcp.glance else {
        return Ok(None);
    };
    let listed = glance
        .accounts
        .get(project, || async {
            Ok(allowed(accounts(gcp, project).await)?.map(Arc::new))
        })
        .await?;
    Ok(listed.and_then(|listed| listed.get(name).cloned()))
}

/// All keys of a ring, by full name.
async fn keys(gcp: &Gcp, ring: &str) -> Outcome<BTreeMap<String, CryptoKey>> {
    let (mut found, mut page) = (BTreeMap::new(), String::new());
    loop {
        let answer = gcp
            .clients
            .call("cloudkms:ListCryptoKeys", || {
                gcp.clients
                    .keys
                    .list_crypto_keys()
                    .set_parent(ring)
                    .set_page_token(&page)
                    .send()
            })
            .await?;
        let entries = answer.crypto_keys.into_iter();
        found.extend(entries.map(|key| (key.name.clone(), key)));
        if answer.next_page_token.is_empty() {
            return Ok(found);
        }
        page = answer.next_page_token;
    }
}

/// The key of this full name, where the look's list of its ring holds it; `None` as with [`account`].
pub(crate) async fn key(gcp: &Gcp, ring: &str, name: &str) -> Outcome<Option<CryptoKey>> {
    let Some(glance) = &gcp.glance else {
        return Ok(None);
    };
    let listed = glance
        .keys
        .get(ring, || async {
            Ok(allowed(keys(gcp, ring).await)?.map(Arc::new))
        })
        .await?;
    Ok(listed.and_then(|listed| listed.get(name).cloned()))
}

/// Entries on a page of accounts at most: <https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/list>.
const LONGEST_PAGE: i32 = 100;

/// The answer of a list, where there is one for us: a place that is not there, or one whose list is not ours to see, has
/// none.
fn allowed<T>(answer: Outcome<T>) -> Outcome<Option<T>> {
    match answer {
        Err(failure) if matches!(failure.reason, Reason::Denied | Reason::NotFound) => Ok(None),
        other => other.map(Some),
    }
}
