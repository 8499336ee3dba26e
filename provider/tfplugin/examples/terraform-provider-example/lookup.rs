//! `data.example_board`: looks a board up by name.

use tfplugin::{Attribute, CallContext, DataSource, Diagnostic, Diagnostics, Path, Schema, Value};

use super::shelf::Shelf;

pub(crate) struct Lookup(pub(crate) Shelf);

#[async_trait::async_trait]
impl DataSource for Lookup {
    fn type_name(&self) -> &str {
        "example_board"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("Looks a board up.")
            .attribute("name", Attribute::string().required().describe("Its name."))
            .attribute("title", Attribute::string().computed().describe("Shown on top."))
            .attribute(
                "notes",
                Attribute::number().computed().describe("How many notes it has."),
            )
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn read(&self, _: &CallContext, config: Value) -> Result<(Value, Diagnostics), Diagnostics> {
        let name = config
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let board = self.0.read(&name)?.ok_or_else(|| {
            Diagnostic::error("No such board", format!("There is no board {name:?}."))
                .at(Path::root().attribute("name"))
        })?;
        let mut state = config;
        state.set_entry("title", board["title"].as_str().unwrap_or_default());
        let notes = board["notes"].as_object().map_or(0, serde_json::Map::len);
        state.set_entry("notes", i64::try_from(notes).unwrap_or(i64::MAX));
        Ok((state, Diagnostics::new()))
    }
}
