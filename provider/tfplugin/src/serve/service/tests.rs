//! What no terraform at hand asks for yet (identity, deferral), and requests that no sound host sends.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tonic::Request;

use super::*;
use crate::provider::{
    ApplyRequest, ApplyResponse, DeferReason, ImportTarget, Imported, PlanRequest, PlanResponse, ReadRequest,
    ReadResponse, Resource,
};
use crate::schema::{Attribute, Schema};
use crate::ty::Type;
use proto::provider_server::Provider as _;

struct Thing;

fn schema() -> Schema {
    Schema::new()
        .attribute("name", Attribute::string().required())
        .attribute("id", Attribute::string().computed().keep())
}

fn thing(name: &str, id: Value) -> Value {
    Value::object([("name", Value::String(name.to_owned())), ("id", id)])
}

#[async_trait]
impl Resource for Thing {
    fn type_name(&self) -> &str {
        "example_thing"
    }
    fn schema(&self) -> Schema {
        schema()
    }
    fn identity_schema(&self) -> Option<Schema> {
        Some(
            Schema::new()
                .version(1)
                .attribute("id", Attribute::string().required()),
        )
    }
    fn identity(&self, state: &Value) -> Option<Value> {
        Some(Value::object([("id", state.get("id")?.clone())]))
    }
    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }
    async fn upgrade_identity(
        &self,
        _: u64,
        identity: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostic> {
        Ok(serde_json::json!({ "id": identity["old_id"] }))
    }
    async fn read(&self, context: &CallContext, request: ReadRequest) -> ReadResponse {
        if request.private == b"defer" {
            context.defer(DeferReason::AbsentPrerequisite);
        }
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }
    async fn plan(&self, _: &CallContext, request: PlanRequest) -> PlanResponse {
        PlanResponse {
            planned: request.proposed,
            requires_replace: Vec::new(),
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }
    async fn apply(&self, _: &CallContext, request: ApplyRequest) -> ApplyResponse {
        let mut state = request.planned;
        state.set_entry("id", "1");
        ApplyResponse {
            state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }
    async fn import(&self, _: &CallContext, target: ImportTarget) -> Result<Imported, Diagnostic> {
        let id = match target {
            ImportTarget::Id(id) => Value::String(id),
            ImportTarget::Identity(identity) => identity.get("id").cloned().unwrap_or(Value::Null),
        };
        Ok(Imported {
            state: thing("imported", id),
            private: Vec::new(),
        })
    }
}

struct Example {
    twice: bool,
}

#[async_trait]
impl Provider for Example {
    fn version(&self) -> &str {
        "0"
    }
    fn schema(&self) -> Schema {
        Schema::new()
    }
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        match self.twice {
            true => vec![Arc::new(Thing), Arc::new(Thing)],
            false => vec![Arc::new(Thing)],
        }
    }
    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }
    async fn configure(&self, _: &CallContext, _: Value, _: &str) -> Diagnostics {
        Diagnostics::new()
    }
}

fn service() -> Service {
    let lifetime = Arc::new(Lifetime::new(Duration::from_secs(4)));
    Service::new(Arc::new(Example { twice: false }), lifetime)
}

fn wired(value: &Value) -> Option<proto::DynamicValue> {
    Some(wire::dynamic(value, &schema().ty(), "test").unwrap())
}

fn identity_type() -> Type {
    Type::object([("id", Type::String)])
}

fn identity(id: &str) -> Option<proto::ResourceIdentityData> {
    let value = Value::object([("id", id)]);
    Some(proto::ResourceIdentityData {
        identity_data: Some(wire::dynamic(&value, &identity_type(), "test").unwrap()),
    })
}

fn created() -> proto::apply_resource_change::Request {
    let planned = thing("a", Value::unknown());
    proto::apply_resource_change::Request {
        type_name: "example_thing".to_owned(),
        prior_state: wired(&Value::Null),
        planned_state: wired(&planned),
        config: wired(&thing("a", Value::Null)),
        planned_private: b"private".to_vec(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_identity_comes_with_the_state_once_it_is_known() {
    let service = service();
    let schemas = service
        .get_resource_identity_schemas(Request::new(Default::default()))
        .await
        .unwrap()
        .into_inner();
    let announced = &schemas.identity_schemas["example_thing"];
    assert!(announced.identity_attributes[0].required_for_import);

    let applied = service
        .apply_resource_change(Request::new(created()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(applied.diagnostics, []);
    assert_eq!(applied.new_identity, identity("1"));

    let planned = service
        .plan_resource_change(Request::new(proto::plan_resource_change::Request {
            type_name: "example_thing".to_owned(),
            prior_state: wired(&Value::Null),
            config: wired(&thing("a", Value::Null)),
            ..Default::default()
        }))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(planned.diagnostics, []);
    assert_eq!(planned.planned_identity, None, "an unknown identity is not sent");
}

#[tokio::test]
async fn import_by_identity_reaches_the_resource() {
    let imported = service()
        .import_resource_state(Request::new(proto::import_resource_state::Request {
            type_name: "example_thing".to_owned(),
            identity: identity("7"),
            ..Default::default()
        }))
        .await
        .unwrap()
        .into_inner();
    let one = &imported.imported_resources[0];
    assert_eq!(
        one.state,
        wired(&thing("imported", Value::String("7".to_owned())))
    );
    assert_eq!(one.identity, identity("7"));
}

#[tokio::test]
async fn an_old_identity_is_upgraded() {
    let request = |version, json: &str| proto::upgrade_resource_identity::Request {
        type_name: "example_thing".to_owned(),
        version,
        raw_identity: Some(proto::RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        }),
    };
    for request in [request(0, r#"{"old_id":"5"}"#), request(1, r#"{"id":"5"}"#)] {
        let upgraded = service()
            .upgrade_resource_identity(Request::new(request))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(upgraded.diagnostics, []);
        assert_eq!(upgraded.upgraded_identity, identity("5"));
    }
}

#[tokio::test]
async fn a_deferral_is_passed_on_where_allowed_and_an_error_elsewhere() {
    let request = |allowed| proto::read_resource::Request {
        type_name: "example_thing".to_owned(),
        current_state: wired(&thing("a", Value::String("1".to_owned()))),
        private: b"defer".to_vec(),
        client_capabilities: Some(proto::ClientCapabilities {
            deferral_allowed: allowed,
            ..Default::default()
        }),
        ..Default::default()
    };
    let allowed = service().read_resource(request(true)).await;
    assert_eq!(
        allowed.deferred.unwrap().reason(),
        proto::deferred::Reason::AbsentPrereq
    );
    let refused = service().read_resource(request(false)).await;
    assert!(refused.deferred.is_none());
    assert_eq!(refused.diagnostics.len(), 1);
    assert_eq!(
        refused.new_state,
        request(false).current_state,
        "the stored state is kept"
    );
}

#[tokio::test]
async fn an_apply_that_cannot_be_understood_gives_the_prior_state_back_in_its_very_bytes() {
    let garbage = proto::DynamicValue {
        msgpack: vec![0xc1, 1, 2],
        json: Vec::new(),
    };
    let mut requests = [created(), created(), created()];
    requests[0].type_name = "example_unheard_of".to_owned();
    requests[1].prior_state = Some(garbage.clone());
    requests[2].planned_state = Some(garbage);
    for request in requests {
        let answer = service()
            .apply_resource_change(Request::new(request.clone()))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.diagnostics.len(), 1);
        assert_eq!(
            answer.diagnostics[0].severity(),
            proto::diagnostic::Severity::Error
        );
        assert_eq!(answer.new_state, request.prior_state);
        assert_eq!(answer.private, request.planned_private);
    }
}

#[tokio::test]
async fn stop_provider_leaves_later_calls_alone() {
    let service = service();
    service
        .stop_provider(Request::new(Default::default()))
        .await
        .unwrap();
    let applied = service
        .apply_resource_change(Request::new(created()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(applied.diagnostics, []);
}

#[tokio::test]
async fn a_resource_offered_twice_is_a_fault_of_the_whole_provider() {
    let lifetime = Arc::new(Lifetime::new(Duration::from_secs(4)));
    let service = Service::new(Arc::new(Example { twice: true }), lifetime);
    let schemas = service
        .get_provider_schema(Request::new(Default::default()))
        .await
        .unwrap()
        .into_inner();
    assert!(
        schemas.diagnostics[0].detail.contains("offered twice"),
        "{:?}",
        schemas.diagnostics
    );
    let metadata = service.get_metadata();
    assert_eq!(metadata.resources[0].type_name, "example_thing");
    assert!(metadata.server_capabilities.unwrap().get_provider_schema_optional);
}
