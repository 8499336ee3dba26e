//! What an environment tells others, as far as it can be computed beforehand.
//!
//! Values may hold references; a reference that stays is a value that is known only after the apply.

use std::collections::BTreeMap;

use mlops_access::Purpose;
use mlops_access::generate::RegistryMode;
use serde_json::{Map, Value, json};

use crate::component::{Address, Component, Management};
use crate::environment::Environment;
use crate::kubernetes::annotation;
use crate::names::hash;
use crate::reference;
use crate::spec::{Cloud, CloudSpec, Late, RegistryReference, ServiceSpec, Spec};
use crate::{aws, gcp};

impl Environment {
    /// All computed attributes that speak of components, by name.
    pub fn outputs(&self) -> BTreeMap<&'static str, Value> {
        BTreeMap::from([
            ("identity_info", self.identity_info()),
            ("bucket_info", self.bucket_info()),
            ("registry_info", self.registry_info()),
            ("cluster_info", self.cluster_info()),
            ("federation_info", self.federation_info()),
            ("keys", self.keys()),
            ("log_groups", self.log_groups()),
            ("network_info", self.network_info()),
            ("github", self.github()),
            ("gitlab", self.gitlab()),
            ("manifests", json!(self.manifests())),
            ("kustomize", json!(self.kustomize())),
            ("kubeconfig", self.kubeconfig().into()),
        ])
    }

    /// A component's output where it is known beforehand, else a reference to it; null if there is no such component.
    pub(crate) fn output(&self, address: &[&str], output: &str) -> Value {
        let address = Address::new(address);
        match self.component(address.as_str()) {
            Some(component) => match component.outputs.get(output) {
                Some(value) => value.clone().into(),
                None => reference::to(&address, output).into(),
            },
            None => Value::Null,
        }
    }

    /// As whom an identity acts: a role's ARN, a service account's e-mail; null if there is no such identity.
    pub(crate) fn principal(&self, address: &[&str]) -> Value {
        match self.spec.id.cloud() {
            Cloud::Aws => self.output(address, "arn"),
            Cloud::Gcp => self.output(address, "email"),
        }
    }

    /// `ci`, `deploy`: who they are; `runtime`, `drift`, `retrain`: by service.
    pub fn identity_info(&self) -> Value {
        let single = |purpose: Purpose| {
            let address = ["identities", purpose.as_str()];
            match self.principal(&address) {
                Value::Null => Value::Null,
                principal => json!({ "principal": principal, "name": self.output(&address, "name") }),
            }
        };
        let by_service = |purpose: Purpose| -> Value {
            let services = self.spec.services.iter().filter_map(|(name, service)| {
                Some((name.to_string(), self.workload(purpose, name.as_str(), service)?))
            });
            services.collect::<Map<_, _>>().into()
        };
        json!({
            "ci": single(Purpose::Ci),
            "deploy": single(Purpose::Deploy),
            "runtime": by_service(Purpose::Runtime),
            "drift": by_service(Purpose::Drift),
            "retrain": by_service(Purpose::Retrain),
        })
    }

    fn workload(&self, purpose: Purpose, name: &str, service: &ServiceSpec) -> Option<Value> {
        let address = ["identities", purpose.as_str(), name];
        let principal = match self.principal(&address) {
            Value::Null => return None,
            principal => principal,
        };
        let (namespace, account) = service.workload(purpose)?;
        let annotation = annotation(self.spec.id.cloud());
        Some(json!({
            "principal": principal,
            "name": self.output(&address, "name"),
            "namespace": namespace.as_str(),
            "service_account": account.as_str(),
            "annotation": { annotation: principal },
        }))
    }

    /// Name, ARN and URI by purpose.
    pub fn bucket_info(&self) -> Value {
        let buckets = self.spec.buckets.keys().map(|bucket| {
            let address = ["buckets", bucket.as_str()];
            let name = self.output(&address, "name");
            let text = name.as_str().unwrap_or_default();
            let (uri, arn) = match self.spec.id.cloud() {
                Cloud::Aws => (format!("s3://{text}"), self.output(&address, "arn")),
                Cloud::Gcp => (
                    format!("gs://{text}"),
                    format!("projects/_/buckets/{text}").into(),
                ),
            };
            let info = json!({ "name": name, "arn": arn, "uri": uri });
            (bucket.to_string(), info)
        });
        buckets.collect::<Map<_, _>>().into()
    }

    /// URL of the registry, and of each repository.
    pub fn registry_info(&self) -> Value {
        let spec = &self.spec;
        let own = || match &spec.cloud {
            CloudSpec::Aws(aws) => format!("{}/{}", aws::names(spec, aws).registry_host(), spec.id.name),
            CloudSpec::Gcp(gcp) => gcp::names(spec, gcp).repository_url(),
        };
        let url = match (spec.registry.mode, &spec.registry.reference) {
            (RegistryMode::Create, _) | (_, None) => own(),
            (RegistryMode::Reference, Some(Late::Unknown(text))) => text.clone(),
            (RegistryMode::Reference, Some(Late::Known(known))) => match (known, &spec.cloud) {
                (RegistryReference::Ecr(prefix), CloudSpec::Aws(aws)) => prefix.url(&aws.partition),
                (RegistryReference::Ecr(prefix), CloudSpec::Gcp(_)) => prefix.to_string(),
                (RegistryReference::Artifact(repository), _) => repository.url(),
            },
        };
        let names = spec.services.values().flat_map(|service| &service.repositories);
        let repositories: BTreeMap<String, String> = names
            .map(|name| (name.to_string(), format!("{url}/{name}")))
            .collect();
        json!({ "url": url, "repositories": repositories })
    }

    /// How to reach the cluster.
    pub fn cluster_info(&self) -> Value {
        let output = |name: &str| self.output(&["cluster"], name);
        let version = match &self.spec.cluster.version {
            Some(version) => version.to_string().into(),
            None => output("version"),
        };
        json!({
            "name": output("name"),
            "arn": match self.spec.id.cloud() {
                Cloud::Aws => output("arn"),
                Cloud::Gcp => self.component("cluster").and_then(|cluster| cluster.id.clone()).into(),
            },
            "endpoint": output("endpoint"),
            "ca_certificate": output("ca_certificate"),
            "version": version,
            "oidc_issuer": output("issuer"),
            "workload_pool": match self.spec.id.cloud() {
                Cloud::Aws => Value::Null,
                Cloud::Gcp => output("workload_pool"),
            },
            "location": match &self.spec.cloud {
                CloudSpec::Aws(_) => self.spec.id.region(),
                CloudSpec::Gcp(gcp) => gcp.location.as_str(),
            },
        })
    }

    /// Providers that tokens enter through.
    pub fn federation_info(&self) -> Value {
        let (id, pods) = match self.spec.id.cloud() {
            Cloud::Aws => ("arn", self.output(&["federation", "pods"], "arn")),
            Cloud::Gcp => ("name", self.output(&["cluster"], "workload_pool")),
        };
        let provider = |forge: &str| self.output(&["federation", forge], id);
        // Google Cloud's audience is the provider itself.
        let audience = |forge: &str, aws: Option<&str>| match (self.spec.id.cloud(), provider(forge).as_str())
        {
            (Cloud::Aws, _) => aws.into(),
            (Cloud::Gcp, Some(name)) => format!("https://iam.googleapis.com/{name}").into(),
            (Cloud::Gcp, None) => Value::Null,
        };
        let of_gitlab = self.spec.gitlab.as_ref().map(|gitlab| gitlab.audience.as_str());
        json!({
            "github_provider": provider("github"),
            "pod_provider": pods,
            "audience": audience("github", Some("sts.amazonaws.com")),
            "gitlab_provider": provider("gitlab"),
            "gitlab_audience": audience("gitlab", of_gitlab),
        })
    }

    /// ARN or full name by use.
    pub fn keys(&self) -> Value {
        let output = match self.spec.id.cloud() {
            Cloud::Aws => "arn",
            Cloud::Gcp => "name",
        };
        let components = self.components.iter().filter_map(|component| {
            let usage = component.address.as_str().strip_prefix("keys.")?;
            let key = self.output(&[component.address.as_str()], output);
            Some((usage.to_owned(), key))
        });
        components.collect::<Map<_, _>>().into()
    }

    /// Name by use.
    pub fn log_groups(&self) -> Value {
        json!({ "cluster": self.output(&["log_groups", "cluster"], "name") })
    }

    /// The network in use.
    pub fn network_info(&self) -> Value {
        match &self.spec.cloud {
            CloudSpec::Aws(aws) => json!({
                "vpc_id": self.output(&["network"], "vpc_id"),
                "private_subnet_ids": aws::private_subnets(&aws.network),
                "public_subnet_ids": aws::public_subnets(&aws.network),
            }),
            CloudSpec::Gcp(gcp) => {
                let of = if gcp.network.managed().is_some() {
                    "subnetwork"
                } else {
                    "network"
                };
                json!({
                    "vpc_id": self.output(&["network"], "network"),
                    "private_subnet_ids": [self.output(&[of], "subnetwork")],
                    "public_subnet_ids": [],
                })
            }
        }
    }
}

/// One entry of `components`.
///
/// * `id`: the cloud's, once there is one.
/// * `state`: `ready`, `pending`, `failed`, `missing`, `drifted`, `retained`.
pub fn component_info(component: &Component, id: Option<&str>, state: &str) -> Value {
    let managed = match component.management {
        Management::Create => "create",
        Management::Existing => "existing",
        Management::Adopted => "adopted",
        Management::Shared => "shared",
    };
    json!({
        "kind": serde_json::to_value(component.kind).unwrap_or_default(),
        "id": id.or(component.id.as_deref()),
        "state": state,
        "managed": managed,
        "fingerprint": fingerprint(component),
    })
}

/// Changes when what is wanted of the component changes. Computed from the wish with its references in place, so that it
/// is known while planning; a reference itself where the wish holds a configured value that is not known yet.
///
/// The Kubernetes version does not count: left open at first, it is pinned by the first apply without anybody's wish.
pub fn fingerprint(component: &Component) -> String {
    let unknown = Address::new(&[reference::UNKNOWN]);
    if reference::of(component)
        .iter()
        .any(|reference| reference.address == unknown)
    {
        return reference::to(&unknown, "fingerprint");
    }
    let mut wish: Map<String, Value> = component.properties.clone().into_iter().collect();
    wish.remove("version");
    // Counts only while the cluster is made; the pools have fingerprints of their own.
    wish.remove("initial_pools");
    hash(&Value::from(wish).to_string(), 12)
}

/// The id of an environment, as its resource shows it.
pub fn id(spec: &Spec) -> String {
    spec.id.to_string()
}
