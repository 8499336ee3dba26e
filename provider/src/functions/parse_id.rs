//! `parse_id`: the parts of an environment's id.

use mlops_environment::names::EnvironmentId;
use tfplugin::{Type, Value};

use super::{Pure, text};

pub(super) fn function() -> Pure {
    Pure {
        name: "parse_id",
        summary: "The parts of an environment's id",
        description: "Takes `aws/<account>/<region>/<name>` or `gcp/<project>/<region>/<name>` apart into `cloud`, `account` \
            (the project on Google Cloud), `region` and `name`.",
        parameters: vec![text(
            "id",
            "Id of an environment, as `mlops_environment.<name>.id` has it.",
        )],
        variadic: None,
        returns: Type::object(["cloud", "account", "region", "name"].map(|name| (name, Type::String))),
        call: |arguments| {
            let id: EnvironmentId = arguments.parsed(0)?;
            Ok(Value::object([
                ("cloud", id.cloud().as_str()),
                ("account", id.account()),
                ("region", id.region()),
                ("name", id.name.as_str()),
            ]))
        },
    }
}
