//! A provider for notice boards kept as files in a folder: everything the crate offers, in its smallest form.
//!
//! ```text
//! terraform-provider-example            started by Terraform
//! terraform-provider-example --debug    prints TF_REATTACH_PROVIDERS and stays
//! ```

mod board;
mod functions;
mod lookup;
mod page;
mod shelf;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use tfplugin::{
    Attribute, CallContext, DataSource, Diagnostic, Diagnostics, EphemeralResource, Function, Path, Provider,
    Resource, Schema, ServeOptions, Value,
};

use shelf::Shelf;

/// The provider: one folder, given in its configuration.
#[derive(Default)]
pub(crate) struct Example {
    folder: Arc<Mutex<Option<PathBuf>>>,
}

impl Example {
    fn shelf(&self) -> Shelf {
        Shelf(self.folder.clone())
    }
}

#[async_trait::async_trait]
impl Provider for Example {
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        Schema::new().describe("Boards kept as files.").attribute(
            "folder",
            Attribute::string()
                .required()
                .describe("Where the boards are kept."),
        )
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![
            Arc::new(board::Board(self.shelf())),
            Arc::new(page::Page(self.shelf())),
        ]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(lookup::Lookup(self.shelf()))]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(functions::Join), Arc::new(functions::Positive)]
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        vec![Arc::new(token::Token(self.shelf()))]
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        match config.get("folder").and_then(Value::as_str) {
            Some("") => Diagnostic::error(
                "No folder",
                "`folder` is empty: name the folder to keep boards in.",
            )
            .at(Path::root().attribute("folder"))
            .into(),
            // Also when it is not known yet.
            _ => Diagnostics::new(),
        }
    }

    async fn configure(&self, _: &CallContext, config: Value, terraform_version: &str) -> Diagnostics {
        tracing::info!(terraform_version, "configured");
        *self.folder.lock().unwrap_or_else(PoisonError::into_inner) =
            config.get("folder").and_then(Value::as_str).map(PathBuf::from);
        Diagnostics::new()
    }
}

fn main() -> ExitCode {
    let mut options = ServeOptions::new("registry.terraform.io/example/example");
    options.debug = std::env::args().any(|argument| argument == "--debug");
    tfplugin::serve(Example::default(), options)
}
