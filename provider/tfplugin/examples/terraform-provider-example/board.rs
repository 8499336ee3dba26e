//! `example_board`: a board with notes, and the faults the tests ask it for.

use std::time::Duration;

use tfplugin::provider::{ImportTarget, MoveSource};
use tfplugin::{
    ApplyRequest, ApplyResponse, Attribute, CallContext, Diagnostic, Diagnostics, Imported, Path,
    PlanRequest, PlanResponse, ReadRequest, ReadResponse, Resource, Schema, Value,
};

use super::shelf::Shelf;

pub(crate) struct Board(pub(crate) Shelf);

fn schema() -> Schema {
    let note = [
        ("text", Attribute::string().required().describe("What it says.")),
        (
            "id",
            Attribute::string()
                .computed()
                .keep()
                .describe("Given by the board."),
        ),
        (
            "pin",
            Attribute::string()
                .default("red")
                .describe("Colour. Default: red."),
        ),
    ];
    Schema::new()
        .version(1)
        .describe("A board.")
        .attribute(
            "name",
            Attribute::string()
                .required()
                .requires_replace()
                .describe("Its name."),
        )
        .attribute(
            "title",
            Attribute::string().default("untitled").describe("Shown on top."),
        )
        .attribute(
            "notes",
            Attribute::map_nested(note).optional().describe("Notes by name."),
        )
        .attribute(
            "id",
            Attribute::string().computed().keep().describe("Its identifier."),
        )
        .attribute(
            "revision",
            Attribute::number()
                .computed()
                .describe("Grows with every change."),
        )
        .attribute(
            "blob",
            Attribute::string().optional().describe("Anything, of any size."),
        )
        .attribute(
            "secret_wo",
            Attribute::string()
                .optional()
                .write_only()
                .describe("Never stored."),
        )
        .attribute(
            "fault",
            Attribute::string()
                .optional()
                .describe("What goes wrong: half, panic, slow, deaf, validate, lie."),
        )
}

/// Writes the board with its first `count` notes and gives the state of what stands then.
fn built(shelf: &Shelf, planned: &Value, count: usize) -> Result<Value, Diagnostic> {
    let mut state = planned.clone();
    let name = text(planned, "name");
    let revision = shelf
        .read(&name)?
        .and_then(|board| board["revision"].as_i64())
        .unwrap_or_default();
    state.set_entry("id", format!("board-{name}").as_str());
    state.set_entry("revision", revision + 1);
    if let Some(notes) = planned.get("notes").and_then(Value::entries) {
        let mut kept = notes.clone();
        for (key, note) in kept.iter_mut().take(count) {
            note.set_entry("id", format!("note-{name}-{key}").as_str());
        }
        state.set_entry("notes", Value::Map(kept));
    }
    let stored = state
        .unknown_as_null()
        .to_json()
        .map_err(|error| Diagnostic::error("Cannot store the board", error.to_string()))?;
    shelf.write(&name, &stored)?;
    Ok(state)
}

fn text(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

impl Board {
    async fn build(
        &self,
        context: &CallContext,
        request: &ApplyRequest,
    ) -> Result<ApplyResponse, Diagnostic> {
        let fault = request.planned.get("fault").and_then(Value::as_str);
        if let Some(secret) = request.config.get("secret_wo").and_then(Value::as_str) {
            // Write-only values arrive in the configuration and nowhere else.
            self.0.write(
                &format!("{}.secret", text(&request.planned, "name")),
                &secret.len().into(),
            )?;
        }
        let steps = match fault {
            Some("half") => 1,
            _ => usize::MAX,
        };
        let state = built(&self.0, &request.planned, steps)?;
        context.checkpoint(state.clone(), b"checkpoint".to_vec());
        let response = |state, diagnostics| ApplyResponse {
            state,
            private: b"applied".to_vec(),
            diagnostics,
        };
        match fault {
            Some("half") => Ok(response(
                state,
                Diagnostic::error("Half way", "The second note did not stick.").into(),
            )),
            Some("panic") => panic!("the board fell off the wall"),
            Some("slow") => tokio::select! {
                () = context.cancelled.cancelled() => Ok(response(
                    state,
                    Diagnostic::error("Interrupted", "The paint is not dry; apply again.").into(),
                )),
                () = tokio::time::sleep(Duration::from_secs(60)) => Ok(response(state, Diagnostics::new())),
            },
            Some("deaf") => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                Ok(response(state, Diagnostics::new()))
            }
            Some("lie") => {
                let mut state = state;
                state.set_entry("title", "not what was planned");
                Ok(response(state, Diagnostics::new()))
            }
            _ => Ok(response(state, Diagnostics::new())),
        }
    }
}

#[async_trait::async_trait]
impl Resource for Board {
    fn type_name(&self) -> &str {
        "example_board"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn identity_schema(&self) -> Option<Schema> {
        Some(Schema::new().attribute("name", Attribute::string().required().describe("Its name.")))
    }

    fn identity(&self, state: &Value) -> Option<Value> {
        Some(Value::object([("name", state.get("name")?.clone())]))
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("fault").and_then(Value::as_str) {
            Some("validate") => Diagnostic::error(
                "A fault was asked for",
                "`fault = \"validate\"` is refused: choose another one.",
            )
            .at(Path::root().attribute("fault"))
            .into(),
            Some("validate-panic") => panic!("cannot even look at it"),
            _ => Diagnostics::new(),
        }
    }

    async fn upgrade(&self, _: u64, mut state: serde_json::Value) -> Result<serde_json::Value, Diagnostic> {
        // Version 0 called the title a label.
        let label = state["label"].take();
        state["title"] = label;
        Ok(state)
    }

    async fn read(&self, _: &CallContext, request: ReadRequest) -> ReadResponse {
        let (state, diagnostics) = match self.0.read(&text(&request.state, "name")) {
            Ok(None) => (Value::Null, Diagnostics::new()),
            Ok(Some(stored)) => match Value::from_json(&schema().ty(), &stored) {
                Ok(state) => (state, Diagnostics::new()),
                Err(error) => (
                    request.state,
                    Diagnostic::error("Unreadable board", error.to_string()).into(),
                ),
            },
            Err(error) => (request.state, error.into()),
        };
        ReadResponse {
            state,
            private: request.private,
            diagnostics,
        }
    }

    async fn plan(&self, _: &CallContext, request: PlanRequest) -> PlanResponse {
        PlanResponse {
            planned: request.proposed,
            requires_replace: Vec::new(),
            private: b"planned".to_vec(),
            diagnostics: Diagnostics::new(),
        }
    }

    async fn apply(&self, context: &CallContext, request: ApplyRequest) -> ApplyResponse {
        let outcome = if request.planned.is_null() {
            self.0
                .remove(&text(&request.prior, "name"))
                .map(|()| ApplyResponse {
                    state: Value::Null,
                    private: Vec::new(),
                    diagnostics: Diagnostics::new(),
                })
        } else {
            self.build(context, &request).await
        };
        outcome.unwrap_or_else(|error| ApplyResponse {
            state: request.prior,
            private: request.private,
            diagnostics: error.into(),
        })
    }

    async fn import(&self, _: &CallContext, target: ImportTarget) -> Result<Imported, Diagnostic> {
        let name = match &target {
            ImportTarget::Id(id) => id.clone(),
            ImportTarget::Identity(identity) => text(identity, "name"),
        };
        let stored = self.0.read(&name)?.ok_or_else(|| {
            Diagnostic::error("No such board", format!("There is no board {name:?} to import."))
        })?;
        Ok(Imported {
            state: Value::from_json(&schema().ty(), &stored)
                .map_err(|error| Diagnostic::error("Unreadable board", error.to_string()))?,
            private: Vec::new(),
        })
    }

    async fn move_from(&self, source: MoveSource) -> Result<Imported, Diagnostic> {
        if source.type_name != "example_page" {
            return Err(Diagnostic::error(
                "Cannot move",
                format!("Only example_page can become a board, not {}.", source.type_name),
            ));
        }
        let name = source.state["name"].as_str().unwrap_or_default().to_owned();
        let json = serde_json::json!({ "name": name, "title": "untitled", "id": format!("board-{name}"), "revision": 1 });
        Ok(Imported {
            state: Value::from_json(&schema().ty(), &json)
                .map_err(|error| Diagnostic::error("Cannot move", error.to_string()))?,
            private: source.private,
        })
    }

    fn timeout(&self, _: &Value, planned: &Value) -> Option<Duration> {
        (text(planned, "blob") == "time out").then_some(Duration::from_millis(200))
    }
}
