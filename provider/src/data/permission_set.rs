//! `data.mlops_permission_set`: what each purpose may do and who enters it, as the documents that the cloud takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mlops_environment::permission_sets::PermissionSet;
use mlops_environment::reference::{self, World};
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{CallContext, DataSource, Diagnostics, Type, Value};

use super::described::Described;
use crate::clouds::Clouds;

/// The data source.
#[derive(Debug)]
pub(crate) struct PermissionSets(Described);

impl PermissionSets {
    pub(crate) fn new(clouds: Arc<Clouds>) -> Self {
        Self(Described::new(clouds))
    }
}

#[async_trait]
impl DataSource for PermissionSets {
    fn type_name(&self) -> &str {
        "mlops_permission_set"
    }

    fn schema(&self) -> Schema {
        self.0
            .schema(
                "What each purpose of an environment may do and who enters it: exactly the documents that `mlops_environment` \
                 writes, for review, for a policy check in CI, or for whoever makes identities themselves. Nothing has to \
                 stand, and nothing is asked of the cloud but whose credentials these are.\n\nSettings that break the matrix of \
                 what a purpose may do are refused here as they are in the resource.",
            )
            .attribute(
                "identities",
                Attribute::map_nested([
                    ("purpose", Attribute::string().computed().describe("`ci`, `deploy`, `runtime`, `drift` or `retrain`.")),
                    (
                        "service",
                        Attribute::string()
                            .computed()
                            .describe("The service that it is for; null: the whole environment."),
                    ),
                    (
                        "principal",
                        Attribute::string()
                            .computed()
                            .describe("ARN of the role, or e-mail of the service account."),
                    ),
                    (
                        "trust",
                        Attribute::string().computed().describe(
                            "Who enters, as JSON: the role's trust policy, or the allow policy on the service account.",
                        ),
                    ),
                    (
                        "permissions",
                        Attribute::of(Type::Map(Box::new(Type::String))).computed().describe(
                            "What it may do, as JSON: the role's inline policies by name, or the bindings by the thing that they \
                             are on.",
                        ),
                    ),
                    (
                        "boundary",
                        Attribute::string().computed().describe(
                            "Its permissions boundary, as JSON. Null on Google Cloud, and where there is none.",
                        ),
                    ),
                ])
                .computed()
                .describe(
                    "By purpose, and by service where there is one for each: `ci`, `runtime.churn`. What is known only once the \
                     environment stands (the ARN of its key, the issuer of its cluster) is written `@{<component>:<output>}` until \
                     the resource itself is given.",
                ),
            )
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        self.0.validate(config)
    }

    async fn read(&self, _: &CallContext, config: Value) -> Result<(Value, Diagnostics), Diagnostics> {
        let (model, world) = self.0.model(&config).await?;
        let identities: BTreeMap<String, Value> = model
            .permission_sets()
            .into_iter()
            .map(|(name, set)| (name, value(&set, &world)))
            .collect();
        let mut result = config;
        result.set_entry("identities", Value::Map(identities));
        Ok((result, Diagnostics::new()))
    }
}

fn value(set: &PermissionSet, world: &World) -> Value {
    let known = |text: &String| reference::fill(text, world);
    let permissions = set
        .permissions
        .iter()
        .map(|(name, document)| (name.clone(), Value::from(known(document))));
    Value::object([
        ("purpose", Value::from(set.purpose.as_str())),
        ("service", Value::from(set.service.clone())),
        ("principal", Value::from(known(&set.principal))),
        ("trust", Value::from(known(&set.trust))),
        ("permissions", Value::Map(permissions.collect())),
        ("boundary", Value::from(set.boundary.as_ref().map(known))),
    ])
}
