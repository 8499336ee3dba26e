//! What jobs of GitHub and GitLab have to know to enter: variables by environment, none of them secret.

use serde_json::{Map, Value, json};

use crate::environment::Environment;
use crate::spec::{Cloud, CloudSpec};

impl Environment {
    /// Variables by GitHub environment; those of `""` are for jobs without one.
    pub fn github(&self) -> Value {
        let Some(github) = &self.spec.github else {
            return json!({});
        };
        let common = self.common_variables("github");
        let mut environments = self.ci_and_deploy(&common, "", github.deploy_environment.as_str());
        for (purpose, spec) in &self.spec.identities {
            let Some(environment) = &spec.ci_environment else {
                continue;
            };
            // One environment stands for an identity of each service: the variable's name says which.
            let own = self.spec.services.keys().filter_map(|service| {
                let principal = self.named_principal(&["identities", purpose.as_str(), service.as_str()])?;
                let name = service.as_str().to_uppercase().replace('-', "_");
                Some((format!("{}_{name}", self.identity_variable()), principal))
            });
            let variables: Map<_, _> = common.clone().into_iter().chain(own).collect();
            environments.insert(environment.to_string(), variables.into());
        }
        environments.into()
    }

    /// Variables by environment scope of GitLab; those of `*` are for every job. `OIDC_AUDIENCE` is what jobs ask their
    /// token for.
    pub fn gitlab(&self) -> Value {
        let Some(gitlab) = &self.spec.gitlab else {
            return Value::Null;
        };
        let mut common = self.common_variables("gitlab");
        common.insert(
            "OIDC_AUDIENCE".to_owned(),
            self.federation_info()["gitlab_audience"].clone(),
        );
        let mut scopes = self.ci_and_deploy(&common, "*", gitlab.deploy_environment.as_str());
        if !gitlab.deploys() {
            scopes.remove(gitlab.deploy_environment.as_str());
        }
        scopes.into()
    }

    /// Where everything is.
    fn common_variables(&self, forge: &str) -> Map<String, Value> {
        let mut variables = Map::from_iter([
            (
                "MLOPS_ENVIRONMENT".to_owned(),
                Value::from(self.spec.id.to_string()),
            ),
            ("REGISTRY".to_owned(), self.registry_info()["url"].clone()),
        ]);
        let region = Value::from(self.spec.id.region());
        match self.spec.id.cloud() {
            Cloud::Aws => {
                variables.insert("AWS_REGION".to_owned(), region);
            }
            Cloud::Gcp => variables.extend([
                ("GCP_REGION".to_owned(), region),
                ("GCP_PROJECT".to_owned(), Value::from(self.spec.id.account())),
                (
                    "GCP_WIF_PROVIDER".to_owned(),
                    self.output(&["federation", forge], "name"),
                ),
            ]),
        }
        variables
    }

    /// The variables of the jobs that build, under `everywhere`, and of those that deploy.
    fn ci_and_deploy(
        &self,
        common: &Map<String, Value>,
        everywhere: &str,
        deploy_environment: &str,
    ) -> Map<String, Value> {
        let identity = self.identity_variable();
        let mut environments = Map::new();
        let mut add = |environment: &str, own: Vec<(String, Value)>| {
            let variables: Map<_, _> = common.clone().into_iter().chain(own).collect();
            environments.insert(environment.to_owned(), variables.into());
        };
        if let Some(ci) = self.named_principal(&["identities", "ci"]) {
            add(everywhere, vec![(identity.to_owned(), ci)]);
        }
        if let Some(deploy) = self.named_principal(&["identities", "deploy"]) {
            let cluster = match self.spec.id.cloud() {
                Cloud::Aws => "EKS_CLUSTER",
                Cloud::Gcp => "GKE_CLUSTER",
            };
            let mut own = vec![
                (identity.to_owned(), deploy),
                (cluster.to_owned(), self.output(&["cluster"], "name")),
            ];
            if let CloudSpec::Gcp(gcp) = &self.spec.cloud {
                own.push(("GKE_LOCATION".to_owned(), gcp.location.as_str().into()));
            }
            add(deploy_environment, own);
        }
        environments
    }

    /// The variable that says as whom a job acts.
    fn identity_variable(&self) -> &'static str {
        match self.spec.id.cloud() {
            Cloud::Aws => "AWS_ROLE_ARN",
            Cloud::Gcp => "GCP_SERVICE_ACCOUNT",
        }
    }

    fn named_principal(&self, address: &[&str]) -> Option<Value> {
        Some(self.principal(address)).filter(|value| !value.is_null())
    }
}
