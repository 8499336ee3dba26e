//! `resource_name`: what an environment calls the object of a component.

use mlops_environment::names::{EnvironmentId, component};
use tfplugin::{Type, Value};

use super::{Pure, text, wrong};

pub(super) fn function() -> Pure {
    Pure {
        name: "resource_name",
        summary: "The name of a component's object in its cloud",
        description: "Computes the name that an environment gives to one of its objects: a role, a bucket, a repository. Nothing \
            is looked up, so it works before the environment exists. Names of buckets and of Google Cloud accounts hold digits of \
            a SHA-256 of the environment's id; nobody has to guess them.\n\n\
            Addresses are those of the plan and of `components`: `cluster`, `buckets.data`, `identities.ci`, \
            `identities.runtime.churn`, `keys.storage`, `secrets.churn.db`, `log_groups.cluster`; on AWS also \
            `boundaries.runtime`, `registry.<repository>`; on Google Cloud `registry`, `key_ring`, `federation.pool`. Node pools \
            have names that depend on their machines: read them from `components`.",
        parameters: vec![
            text(
                "id",
                "Id of the environment: `aws/<account>/<region>/<name>` or `gcp/<project>/<region>/<name>`.",
            ),
            text(
                "component",
                "Address of the component, for example `buckets.data`.",
            ),
        ],
        variadic: None,
        returns: Type::String,
        call: |arguments| {
            let id: EnvironmentId = arguments.parsed(0)?;
            let name = component::name(&id, arguments.text(1)).map_err(|error| wrong(1, error))?;
            Ok(Value::from(name))
        },
    }
}
