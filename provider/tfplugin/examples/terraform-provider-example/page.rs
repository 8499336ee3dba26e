//! `example_page`: the least a resource can be. It can become a board by a `moved` block.

use tfplugin::{
    ApplyRequest, ApplyResponse, Attribute, CallContext, Diagnostics, PlanRequest, PlanResponse, ReadRequest,
    ReadResponse, Resource, Schema, Value,
};

use super::shelf::Shelf;

pub(crate) struct Page(pub(crate) Shelf);

#[async_trait::async_trait]
impl Resource for Page {
    fn type_name(&self) -> &str {
        "example_page"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("A page.")
            .attribute("name", Attribute::string().required().describe("Its name."))
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn read(&self, _: &CallContext, request: ReadRequest) -> ReadResponse {
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
        let name = request.planned.get("name").and_then(Value::as_str);
        // The same file a board of this name would have.
        let kept = name.map_or(Ok(()), |name| {
            let json = serde_json::json!({ "name": name, "title": "untitled", "id": format!("board-{name}"), "revision": 1 });
            self.0.write(name, &json)
        });
        ApplyResponse {
            state: request.planned,
            private: request.private,
            diagnostics: kept.err().map(Diagnostics::from).unwrap_or_default(),
        }
    }
}
