//! `service_account_annotations`: what makes a pod an identity.

use mlops_environment::kubernetes;
use mlops_environment::names::EnvironmentId;
use tfplugin::{Type, Value};

use super::{Pure, text, wrong};

pub(super) fn function() -> Pure {
    Pure {
        name: "service_account_annotations",
        summary: "Annotations of a Kubernetes service account whose pods enter an identity",
        description: "The annotations for the service account of a purpose's pods: `eks.amazonaws.com/role-arn` on AWS, \
            `iam.gke.io/gcp-service-account` on Google Cloud. The same as `identity_info.<purpose>[<service>].annotation` of the \
            environment, without reading it; environments with a `role_path` of their own have to be read.",
        parameters: vec![
            text("id", "Id of the environment."),
            text("purpose", "`runtime`, `drift` or `retrain`."),
            text("service", "Name of the service."),
        ],
        variadic: None,
        returns: Type::map(Type::String),
        call: |arguments| {
            let id: EnvironmentId = arguments.parsed(0)?;
            let (purpose, service) = (arguments.parsed(1)?, arguments.parsed(2)?);
            let annotations = kubernetes::service_account_annotations(&id, purpose, &service)
                .map_err(|error| wrong(1, error))?;
            Ok(Value::map(annotations))
        },
    }
}
