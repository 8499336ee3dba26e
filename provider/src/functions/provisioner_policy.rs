//! `provisioner_policy`: what the principal that applies needs.

use mlops_environment::names::EnvironmentId;
use mlops_environment::provisioner::{Provisioner, provisioner};
use mlops_environment::spec::EksClusterName;
use tfplugin::{Type, Value};

use super::{Pure, text, wrong};

pub(super) fn function() -> Pure {
    Pure {
        name: "provisioner_policy",
        summary: "What the principal that applies an environment has to be allowed",
        description: "The least that is needed to create, change, refresh and destroy the environment, derived from the \
            provider's own calls.\n\n\
            * On AWS `policies` are documents (JSON), each small enough for a managed policy: attach them to the role that \
            Terraform assumes. Everything is confined to this environment by name, path or tag where IAM can.\n\
            * On Google Cloud `permissions` are those of a custom role on the project.\n\n\
            Whoever holds it writes the policies of the environment's identities; `aws.permissions_boundary` caps these. Reading \
            Terraform's state is not part of it.",
        parameters: vec![text("id", "Id of the environment.")],
        variadic: Some(text(
            "cluster",
            "Name of the cluster, where `cluster.existing` names one: then nothing of machines and networks is allowed, and of \
             the cluster only to look at it and to let this environment's identities in.",
        )),
        returns: Type::object([
            ("policies", Type::list(Type::String)),
            ("permissions", Type::list(Type::String)),
        ]),
        call: |arguments| {
            let id: EnvironmentId = arguments.parsed(0)?;
            let cluster: Option<EksClusterName> = match arguments.0.len() {
                1 => None,
                2 => Some(arguments.parsed(1)?),
                _ => return Err(wrong(2, "an environment is in one cluster")),
            };
            let (policies, permissions) = match provisioner(&id, cluster.as_ref().map(EksClusterName::as_str))
            {
                Provisioner::Aws(policies) => (policies, Vec::new()),
                Provisioner::Gcp(permissions) => (Vec::new(), permissions),
            };
            Ok(Value::object([
                ("policies", Value::list(policies)),
                ("permissions", Value::list(permissions)),
            ]))
        },
    }
}
