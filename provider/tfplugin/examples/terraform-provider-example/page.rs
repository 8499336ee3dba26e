//! `example_page`: the least a resource can be. It can become a board by a `moved` block.

use tfplugin::{
    ApplyRequest, ApplyResponse, Attribute, CallContext, Diagnostics, PlanRequest, PlanResponse, ReadRequest,
    ReadResponse, Resource, Schema, Value,
};

pub(crate) struct Page;

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
        ApplyResponse {
            state: request.planned,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }
}
