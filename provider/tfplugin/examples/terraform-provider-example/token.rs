//! `ephemeral.example_token`: a key to a board, never stored, renewed and handed back.

use std::time::{SystemTime, UNIX_EPOCH};

use tfplugin::provider::Opened;
use tfplugin::{Attribute, CallContext, Diagnostics, EphemeralResource, Schema, Value};

use super::shelf::Shelf;

pub(crate) struct Token(pub(crate) Shelf);

impl Token {
    /// Writes down what happened, for who wants to know.
    fn note(&self, private: &[u8], what: &str) -> Result<(), Diagnostics> {
        let name = String::from_utf8_lossy(private).into_owned();
        Ok(self.0.write(&format!("{name}.token"), &what.into())?)
    }
}

/// Terraform renews a minute before this.
fn renew_at() -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(now + 600).ok()
}

#[async_trait::async_trait]
impl EphemeralResource for Token {
    fn type_name(&self) -> &str {
        "example_token"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe("A key to a board.")
            .attribute(
                "board",
                Attribute::string().required().describe("Name of the board."),
            )
            .attribute(
                "token",
                Attribute::string().computed().sensitive().describe("The key."),
            )
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn open(&self, _: &CallContext, config: Value) -> Result<Opened, Diagnostics> {
        let board = config
            .get("board")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        self.note(board.as_bytes(), "opened")?;
        let mut result = config;
        result.set_entry("token", format!("key-to-{board}").as_str());
        Ok(Opened {
            result,
            private: board.into_bytes(),
            renew_at: renew_at(),
        })
    }

    async fn renew(&self, _: &CallContext, private: Vec<u8>) -> Result<(Vec<u8>, Option<i64>), Diagnostics> {
        self.note(&private, "renewed")?;
        Ok((private, renew_at()))
    }

    async fn close(&self, _: &CallContext, private: Vec<u8>) -> Diagnostics {
        match self.note(&private, "closed") {
            Ok(()) => Diagnostics::new(),
            Err(diagnostics) => diagnostics,
        }
    }
}
