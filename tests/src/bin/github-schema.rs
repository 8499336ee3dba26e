//! A stand-in for the provider `integrations/github` 6.x where it cannot be had: its schema of what
//! `modules/github-environments` uses, so that the module's offline tests, which mock the provider, can run. It makes nothing.
//!
//! Schema: <https://registry.terraform.io/providers/integrations/github/latest/docs/resources/repository_environment>,
//! `repository_environment_deployment_policy`, `actions_environment_variable`.

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::schema::{Attribute, Block, Schema};
use tfplugin::{
    ApplyRequest, ApplyResponse, CallContext, Diagnostic, Diagnostics, PlanRequest, PlanResponse, Provider,
    ReadRequest, ReadResponse, Resource, ServeOptions, Type, Value,
};

fn main() -> std::process::ExitCode {
    tfplugin::serve(
        Github,
        ServeOptions::new("registry.terraform.io/integrations/github"),
    )
}

struct Github;

#[async_trait]
impl Provider for Github {
    fn version(&self) -> &str {
        "6.6.0"
    }

    fn schema(&self) -> Schema {
        let text = || Attribute::string().optional();
        Schema::new()
            .attribute("owner", text())
            .attribute("token", text().sensitive())
            .attribute("base_url", text())
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        let text = || Attribute::string().required().requires_replace();
        let id = || Attribute::string().computed();
        let environment = Schema::new()
            .attribute("id", id())
            .attribute("repository", text())
            .attribute("environment", text())
            .attribute("can_admins_bypass", Attribute::bool().optional())
            .attribute("prevent_self_review", Attribute::bool().optional())
            .attribute("wait_timer", Attribute::number().optional())
            .block(
                "reviewers",
                Block::list([
                    ("users", Attribute::set_of(Type::Number).optional()),
                    ("teams", Attribute::set_of(Type::Number).optional()),
                ])
                .at_most(6),
            )
            .block(
                "deployment_branch_policy",
                Block::list([
                    ("protected_branches", Attribute::bool().required()),
                    ("custom_branch_policies", Attribute::bool().required()),
                ])
                .at_most(1),
            );
        let policy = Schema::new()
            .attribute("id", id())
            .attribute("repository", text())
            .attribute("environment", text())
            .attribute("branch_pattern", Attribute::string().optional())
            .attribute("tag_pattern", Attribute::string().optional());
        let variable = Schema::new()
            .attribute("id", id())
            .attribute("repository", text())
            .attribute("environment", text())
            .attribute("variable_name", text())
            .attribute("value", Attribute::string().required())
            .attribute("created_at", id())
            .attribute("updated_at", id());
        [
            ("github_repository_environment", environment),
            ("github_repository_environment_deployment_policy", policy),
            ("github_actions_environment_variable", variable),
        ]
        .map(|(name, schema)| Arc::new(Described { name, schema }) as Arc<dyn Resource>)
        .into()
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _: &CallContext, _: Value, _: &str) -> Diagnostics {
        Diagnostics(vec![not_the_real_one()])
    }
}

fn not_the_real_one() -> Diagnostic {
    Diagnostic::error(
        "This is not the provider integrations/github",
        "It is a stand-in for tests that mock the provider: it knows the schema and makes nothing.",
    )
}

struct Described {
    name: &'static str,
    schema: Schema,
}

#[async_trait]
impl Resource for Described {
    fn type_name(&self) -> &str {
        self.name
    }

    fn schema(&self) -> Schema {
        self.schema.clone()
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn upgrade(&self, _: u64, state: serde_json::Value) -> Result<serde_json::Value, Diagnostic> {
        Ok(state)
    }

    async fn read(&self, _: &CallContext, request: ReadRequest) -> ReadResponse {
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics(vec![not_the_real_one()]),
        }
    }

    async fn plan(&self, _: &CallContext, request: PlanRequest) -> PlanResponse {
        PlanResponse {
            planned: request.proposed,
            requires_replace: Vec::new(),
            private: request.private,
            diagnostics: Diagnostics(vec![not_the_real_one()]),
        }
    }

    async fn apply(&self, _: &CallContext, request: ApplyRequest) -> ApplyResponse {
        ApplyResponse {
            state: request.prior,
            private: request.private,
            diagnostics: Diagnostics(vec![not_the_real_one()]),
        }
    }
}
