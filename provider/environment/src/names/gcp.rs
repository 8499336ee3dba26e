//! Names on Google Cloud.
//!
//! A service account is `<pp>-<stem>-<h4><e6>`: two letters for the purpose (`ci`, `dp`, `rt`, `dr`, `tr`, `nd`), the
//! first 15 characters of the service's name (of the environment's where the purpose has no service), the first 4
//! hexadecimal digits of SHA-256 of the service's name (of nothing where there is none), and the first 6 of the environment's id. The
//! last six tell the environment's accounts from all others of the project.

use mlops_access::Purpose;
use mlops_access::generate::aws::Bucket;

use super::{EnvironmentId, hash};
use crate::spec::{BucketName, EnvironmentName, NodePoolName, SecretName, ServiceName};

/// Longest id of a service account.
/// <https://cloud.google.com/iam/docs/service-accounts-create>
pub const ACCOUNT_ID_MAX: usize = 30;
/// Longest id of a workload identity pool.
pub const POOL_ID_MAX: usize = 32;
/// Longest name of a cluster or node pool.
pub const CLUSTER_NAME_MAX: usize = 40;
/// Longest id of a secret.
pub const SECRET_ID_MAX: usize = 255;
/// Longest value of a label.
pub const LABEL_MAX: usize = 63;

const STEM: usize = 15;
const POOL_PREFIX: &str = "mlops-";

// A derived name can never be too long: the compiler checks it.
const _: () = {
    assert!(2 + 1 + STEM + 1 + 4 + 6 <= ACCOUNT_ID_MAX);
    assert!(POOL_PREFIX.len() + EnvironmentName::MAX <= POOL_ID_MAX);
    assert!(EnvironmentName::MAX <= CLUSTER_NAME_MAX);
    assert!(NodePoolName::MAX + 1 + 6 <= CLUSTER_NAME_MAX);
    assert!(EnvironmentName::MAX + 1 + ServiceName::MAX + 1 + SecretName::MAX <= SECRET_ID_MAX);
    assert!(EnvironmentName::MAX + 1 + "predictions".len() + 1 + 8 <= BucketName::MAX);
};

/// Names of an environment's Google Cloud objects: full resource names, with the project's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names<'a> {
    id: &'a EnvironmentId,
    number: &'a str,
    location: &'a str,
    cluster: &'a str,
}

impl<'a> Names<'a> {
    /// Names of the environment `id`; `number` of its project, `location` (region or zone) of its cluster.
    pub fn new(id: &'a EnvironmentId, number: &'a str, location: &'a str) -> Self {
        Self {
            id,
            number,
            location,
            cluster: id.name.as_str(),
        }
    }

    /// The same in a cluster of somebody else.
    #[must_use]
    pub fn in_cluster(self, name: Option<&'a str>) -> Self {
        Self {
            cluster: name.unwrap_or(self.cluster),
            ..self
        }
    }

    fn regional(&self, collection: &str, name: &str) -> String {
        let (project, region) = (self.id.account(), self.id.region());
        format!("projects/{project}/locations/{region}/{collection}/{name}")
    }

    /// The budget.
    pub fn budget(&self) -> String {
        super::budget(self.id)
    }

    /// Bucket of a purpose.
    pub fn bucket(&self, bucket: Bucket) -> String {
        super::bucket(self.id, bucket)
    }

    /// Id of the account of a purpose, and of a service where the purpose has one for each.
    pub fn account_id(&self, purpose: Purpose, service: Option<&ServiceName>) -> String {
        let prefix = match purpose {
            Purpose::Ci => "ci",
            Purpose::Deploy => "dp",
            Purpose::Runtime => "rt",
            Purpose::Drift => "dr",
            Purpose::Retrain => "tr",
            Purpose::Node => "nd",
        };
        let service = service.map(ServiceName::as_str);
        let stem: String = service
            .unwrap_or(self.id.name.as_str())
            .chars()
            .take(STEM)
            .collect();
        let stem = stem.trim_end_matches('-');
        format!(
            "{prefix}-{stem}-{}{}",
            hash(service.unwrap_or_default(), 4),
            self.digits()
        )
    }

    fn digits(&self) -> String {
        hash(&self.id.to_string(), 6)
    }

    /// E-mail of an account of this project.
    pub fn email(&self, account_id: &str) -> String {
        format!("{account_id}@{}.iam.gserviceaccount.com", self.id.account())
    }

    /// How e-mails of this environment's accounts end.
    pub fn family(&self) -> String {
        self.email(&self.digits())
    }

    /// The cluster's short name.
    pub fn cluster(&self) -> &str {
        self.cluster
    }

    /// The cluster.
    pub fn cluster_name(&self) -> String {
        format!(
            "projects/{}/locations/{}/clusters/{}",
            self.id.account(),
            self.location,
            self.cluster()
        )
    }

    /// The pool of all pods' identities in this project.
    pub fn workload_pool(&self) -> String {
        format!("{}.svc.id.goog", self.id.account())
    }

    /// Key ring.
    pub fn key_ring(&self) -> String {
        self.regional("keyRings", self.id.name.as_str())
    }

    /// Key of a use.
    pub fn key(&self, usage: &str) -> String {
        format!("{}/cryptoKeys/{usage}", self.key_ring())
    }

    /// Repository of images.
    pub fn repository(&self) -> String {
        self.regional("repositories", self.id.name.as_str())
    }

    /// Where images of this repository are pulled from.
    pub fn repository_url(&self) -> String {
        registry_url(self.id.region(), self.id.account(), self.id.name.as_str())
    }

    /// Id of a secret of a service.
    pub fn secret_id(&self, service: &ServiceName, secret: &str) -> String {
        format!("{}_{service}_{secret}", self.id.name)
    }

    /// A secret by its id.
    pub fn secret(&self, id: &str) -> String {
        format!("projects/{}/secrets/{id}", self.id.account())
    }

    /// Log bucket.
    pub fn log_bucket(&self) -> String {
        self.regional("buckets", self.id.name.as_str())
    }

    /// Id of the workload identity pool.
    pub fn pool_id(&self) -> String {
        format!("{POOL_PREFIX}{}", self.id.name)
    }

    /// Workload identity pool, by the project's id.
    pub fn pool(&self) -> String {
        format!(
            "projects/{}/locations/global/workloadIdentityPools/{}",
            self.id.account(),
            self.pool_id()
        )
    }

    /// Workload identity pool as principals name it: by the project's number.
    pub fn pool_by_number(&self) -> String {
        format!(
            "projects/{}/locations/global/workloadIdentityPools/{}",
            self.number,
            self.pool_id()
        )
    }
}

/// Where images of a repository are pulled from.
pub fn registry_url(region: &str, project: &str, repository: &str) -> String {
    format!("{region}-docker.pkg.dev/{project}/{repository}")
}

/// Name of a node pool: changes exactly when GKE cannot change the pool in place.
pub fn node_pool(pool: &NodePoolName, spot: bool, accelerator: Option<(&str, u32)>) -> String {
    let capacity = if spot { "spot" } else { "on-demand" };
    let accelerator = accelerator.map_or_else(String::new, |(kind, count)| format!("{kind} {count}"));
    format!("{pool}-{}", hash(&format!("{capacity}\n{accelerator}"), 6))
}

/// The value of a label that stands for a text: in lower case, with `_` for what labels do not take. What is too long
/// ends in ten digits of its hash.
/// <https://cloud.google.com/resource-manager/docs/labels-overview#requirements>
pub fn label(text: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' => c,
        _ => '_',
    };
    let value: String = text.chars().map(plain).collect();
    if value.len() <= LABEL_MAX {
        return value;
    }
    let kept: String = value.chars().take(LABEL_MAX - 11).collect();
    format!("{kept}_{}", hash(text, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> EnvironmentId {
        "gcp/acme-ml-dev/europe-west1/shop".parse().expect("an id")
    }

    #[test]
    fn account_ids_fit_and_tell_the_environment() {
        let id = id();
        let names = Names::new(&id, "123456789012", "europe-west1");
        let long: ServiceName = "abcdefghijklmn-pqrstuvwx".parse().expect("a name");
        let longer: ServiceName = "abcdefghijklmn-pqrstuvwy".parse().expect("a name");
        let (one, other) = (
            names.account_id(Purpose::Runtime, Some(&long)),
            names.account_id(Purpose::Runtime, Some(&longer)),
        );
        assert!(
            one.starts_with("rt-abcdefghijklmn-") && !one.contains("--"),
            "{one}"
        );
        assert_ne!(one, other);
        for account in [one, other, names.account_id(Purpose::Ci, None)] {
            assert!((6..=ACCOUNT_ID_MAX).contains(&account.len()), "{account}");
            assert!(names.email(&account).ends_with(&names.family()));
        }
    }

    #[test]
    fn equal_names_in_two_regions_give_different_accounts() {
        let other = "gcp/acme-ml-dev/europe-west4/shop".parse().expect("an id");
        let account = |id: &EnvironmentId| Names::new(id, "1", "europe-west1").account_id(Purpose::Ci, None);
        assert_ne!(account(&id()), account(&other));
    }

    #[test]
    fn a_label_fits_whatever_the_text() {
        assert_eq!(
            label("gcp/acme-ml-dev/europe-west1/shop"),
            "gcp_acme-ml-dev_europe-west1_shop"
        );
        let long = "gcp/".to_owned() + &"a".repeat(80);
        assert_eq!(label(&long).len(), LABEL_MAX);
        assert_ne!(label(&long), label(&format!("{long}b")));
        assert_eq!(label("Zürich"), "z_rich");
    }

    #[test]
    fn a_node_pool_gets_another_name_only_when_it_must_be_built_anew() {
        let pool: NodePoolName = "serving".parse().expect("a name");
        assert_ne!(node_pool(&pool, true, None), node_pool(&pool, false, None));
        assert_ne!(
            node_pool(&pool, false, Some(("nvidia-l4", 1))),
            node_pool(&pool, false, Some(("nvidia-l4", 2)))
        );
    }
}
