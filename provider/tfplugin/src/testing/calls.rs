//! The calls themselves, over the real gRPC service, without a socket between.

use tonic::{Response, Status};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::path::Path;
use crate::proto::tfplugin6 as proto;
use crate::serve::service::Service;
use crate::serve::{MESSAGE_LIMIT, wire};
use crate::ty::Type;
use crate::value::Value;
use proto::provider_client::ProviderClient;
use proto::provider_server::ProviderServer;

use super::Failure;

/// A client whose transport is the service itself: messages are encoded, framed and limited as over a socket.
pub(super) struct Client(ProviderClient<ProviderServer<Service>>);

macro_rules! calls {
    ($($name:ident: $request:path => $response:path;)+) => {
        impl Client {
            $(
                pub(super) async fn $name(&mut self, request: $request) -> Result<$response, Status> {
                    self.0.$name(request).await.map(Response::into_inner)
                }
            )+
        }
    };
}

calls! {
    validate_provider_config: proto::validate_provider_config::Request => proto::validate_provider_config::Response;
    configure_provider: proto::configure_provider::Request => proto::configure_provider::Response;
    validate_resource_config: proto::validate_resource_config::Request => proto::validate_resource_config::Response;
    upgrade_resource_state: proto::upgrade_resource_state::Request => proto::upgrade_resource_state::Response;
    read_resource: proto::read_resource::Request => proto::read_resource::Response;
    plan_resource_change: proto::plan_resource_change::Request => proto::plan_resource_change::Response;
    apply_resource_change: proto::apply_resource_change::Request => proto::apply_resource_change::Response;
    import_resource_state: proto::import_resource_state::Request => proto::import_resource_state::Response;
    move_resource_state: proto::move_resource_state::Request => proto::move_resource_state::Response;
    validate_data_resource_config:
        proto::validate_data_resource_config::Request => proto::validate_data_resource_config::Response;
    read_data_source: proto::read_data_source::Request => proto::read_data_source::Response;
    validate_ephemeral_resource_config:
        proto::validate_ephemeral_resource_config::Request => proto::validate_ephemeral_resource_config::Response;
    open_ephemeral_resource: proto::open_ephemeral_resource::Request => proto::open_ephemeral_resource::Response;
    renew_ephemeral_resource: proto::renew_ephemeral_resource::Request => proto::renew_ephemeral_resource::Response;
    close_ephemeral_resource: proto::close_ephemeral_resource::Request => proto::close_ephemeral_resource::Response;
    call_function: proto::call_function::Request => proto::call_function::Response;
}

impl Client {
    pub(super) fn new(service: Service) -> Self {
        let client = ProviderClient::new(service.into_server())
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT);
        Self(client)
    }

    /// Asks for the schemas, for their faults.
    pub(super) async fn schema(&mut self) -> Result<(), Failure> {
        let schemas = self
            .0
            .get_provider_schema(proto::get_provider_schema::Request {})
            .await?
            .into_inner();
        accepted(schemas.diagnostics).map(drop)
    }
}

/// The capabilities of Terraform 1.11.
pub(super) fn capabilities() -> Option<proto::ClientCapabilities> {
    Some(proto::ClientCapabilities {
        write_only_attributes_allowed: true,
        ..Default::default()
    })
}

/// Warnings, or the errors as a failure (warnings with them).
pub(super) fn accepted(diagnostics: Vec<proto::Diagnostic>) -> Result<Diagnostics, Failure> {
    let diagnostics = received(diagnostics);
    match diagnostics.has_errors() {
        true => Err(Failure::Refused(diagnostics)),
        false => Ok(diagnostics),
    }
}

pub(super) fn received(diagnostics: Vec<proto::Diagnostic>) -> Diagnostics {
    let one = |diagnostic: proto::Diagnostic| Diagnostic {
        severity: match diagnostic.severity() {
            proto::diagnostic::Severity::Warning => Severity::Warning,
            _ => Severity::Error,
        },
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        path: diagnostic.attribute.as_ref().map(path),
    };
    Diagnostics(diagnostics.into_iter().map(one).collect())
}

pub(super) fn path(path: &proto::AttributePath) -> Path {
    use proto::attribute_path::step::Selector;
    path.steps
        .iter()
        .fold(Path::root(), |path, step| match &step.selector {
            Some(Selector::AttributeName(name)) => path.attribute(name),
            Some(Selector::ElementKeyString(key)) => path.key(key),
            Some(Selector::ElementKeyInt(index)) => path.index(*index),
            None => path,
        })
}

pub(super) fn dynamic(value: &Value, ty: &Type) -> Result<proto::DynamicValue, Failure> {
    wire::dynamic(value, ty, "value").map_err(|error| Failure::Config(error.detail))
}

pub(super) fn value(wire: Option<&proto::DynamicValue>, ty: &Type) -> Result<Value, Failure> {
    wire::value(wire, ty, "answer").map_err(|error| Failure::Undecodable(error.detail))
}
