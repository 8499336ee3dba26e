//! What an environment tells others, as far as it can be computed beforehand.
//!
//! Values may hold references; a reference that stays is a value that is known only after the apply.

use std::collections::BTreeMap;

use mlops_access::Purpose;
use mlops_access::generate::RegistryMode;
use serde_json::{Map, Value, json};

use crate::component::{Address, Component, Management};
use crate::environment::Environment;
use crate::names::hash;
use crate::reference;
use crate::spec::{Late, ServiceSpec, Spec};

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
        ])
    }

    /// A component's output where it is known beforehand, else a reference to it; null if there is no such component.
    fn output(&self, address: &[&str], output: &str) -> Value {
        let address = Address::new(address);
        match self.component(address.as_str()) {
            Some(component) => match component.outputs.get(output) {
                Some(value) => value.clone().into(),
                None => reference::to(&address, output).into(),
            },
            None => Value::Null,
        }
    }

    /// `ci`, `deploy`: ARN; `runtime`, `drift`, `retrain`: by service.
    pub fn identity_info(&self) -> Value {
        let single = |purpose: Purpose| {
            let address = ["identities", purpose.as_str()];
            match self.output(&address, "arn") {
                Value::Null => Value::Null,
                arn => json!({ "principal": arn, "name": self.output(&address, "name") }),
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
        let arn = match self.output(&address, "arn") {
            Value::Null => return None,
            arn => arn,
        };
        let (namespace, account) = service.workload(purpose)?;
        Some(json!({
            "principal": arn,
            "name": self.output(&address, "name"),
            "namespace": namespace.as_str(),
            "service_account": account.as_str(),
            "annotation": { "eks.amazonaws.com/role-arn": arn },
        }))
    }

    /// Name, ARN and URI by purpose.
    pub fn bucket_info(&self) -> Value {
        let buckets = self.spec.buckets.keys().map(|bucket| {
            let address = ["buckets", bucket.as_str()];
            let name = self.output(&address, "name");
            let uri = format!("s3://{}", name.as_str().unwrap_or_default());
            let info = json!({ "name": name, "arn": self.output(&address, "arn"), "uri": uri });
            (bucket.to_string(), info)
        });
        buckets.collect::<Map<_, _>>().into()
    }

    /// URL of the registry, and of each repository.
    pub fn registry_info(&self) -> Value {
        let spec = &self.spec;
        let url = match (spec.registry.mode, &spec.registry.reference) {
            (RegistryMode::Reference, Some(Late::Known(registry))) => registry.url(&spec.partition),
            (RegistryMode::Reference, Some(Late::Unknown(text))) => text.clone(),
            _ => format!("{}/{}", spec.names().registry_host(), spec.id.name),
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
            "arn": output("arn"),
            "endpoint": output("endpoint"),
            "ca_certificate": output("ca_certificate"),
            "version": version,
            "oidc_issuer": output("issuer"),
            "location": self.spec.id.region.as_str(),
        })
    }

    /// Providers that tokens enter through.
    pub fn federation_info(&self) -> Value {
        let github = self.output(&["federation", "github"], "arn");
        let pods = self.output(&["federation", "pods"], "arn");
        json!({ "github_provider": github, "pod_provider": pods, "audience": "sts.amazonaws.com" })
    }

    /// ARN by use.
    pub fn keys(&self) -> Value {
        self.arns("keys.")
    }

    /// Name by use.
    pub fn log_groups(&self) -> Value {
        json!({ "cluster": self.output(&["log_groups", "cluster"], "name") })
    }

    /// The network in use.
    pub fn network_info(&self) -> Value {
        let ids = |ids: Vec<String>| Value::from(ids);
        let network = &self.spec.network;
        json!({
            "vpc_id": self.output(&["network"], "vpc_id"),
            "private_subnet_ids": ids(network.private_subnet_ids.iter().map(ToString::to_string).collect()),
            "public_subnet_ids": ids(network.public_subnet_ids.iter().map(ToString::to_string).collect()),
        })
    }

    fn arns(&self, prefix: &str) -> Value {
        let components = self.components.iter().filter_map(|component| {
            let usage = component.address.as_str().strip_prefix(prefix)?;
            Some((
                usage.to_owned(),
                self.output(&[component.address.as_str()], "arn"),
            ))
        });
        components.collect::<Map<_, _>>().into()
    }

    /// Variables by GitHub environment; those of `""` are for jobs without one.
    pub fn github(&self) -> Value {
        let Some(github) = &self.spec.github else {
            return json!({});
        };
        let common = || {
            Map::from_iter([
                ("AWS_REGION".to_owned(), Value::from(self.spec.id.region.as_str())),
                (
                    "MLOPS_ENVIRONMENT".to_owned(),
                    Value::from(self.spec.id.to_string()),
                ),
                ("REGISTRY".to_owned(), self.registry_info()["url"].clone()),
            ])
        };
        let role = |address: &[&str]| match self.output(address, "arn") {
            Value::Null => None,
            arn => Some(("AWS_ROLE_ARN".to_owned(), arn)),
        };
        let mut environments = Map::new();
        if let Some(arn) = role(&["identities", "ci"]) {
            environments.insert(
                String::new(),
                common().into_iter().chain([arn]).collect::<Map<_, _>>().into(),
            );
        }
        if let Some(arn) = role(&["identities", "deploy"]) {
            let cluster = ("EKS_CLUSTER".to_owned(), self.output(&["cluster"], "name"));
            let variables: Map<_, _> = common().into_iter().chain([arn, cluster]).collect();
            environments.insert(github.deploy_environment.to_string(), variables.into());
        }
        for (purpose, identity) in &self.spec.identities {
            let Some(environment) = &identity.ci_environment else {
                continue;
            };
            // One environment stands for a role of each service: the variable's name says which.
            let roles = self.spec.services.keys().filter_map(|service| {
                let (_, arn) = role(&["identities", purpose.as_str(), service.as_str()])?;
                let name = service.as_str().to_uppercase().replace('-', "_");
                Some((format!("AWS_ROLE_ARN_{name}"), arn))
            });
            let variables: Map<_, _> = common().into_iter().chain(roles).collect();
            environments.insert(environment.to_string(), variables.into());
        }
        environments.into()
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
    hash(&Value::from(wish).to_string(), 12)
}

/// The id of an environment, as its resource shows it.
pub fn id(spec: &Spec) -> String {
    spec.id.to_string()
}
