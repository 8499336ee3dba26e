//! The "cloud": a folder with one JSON file a board.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use tfplugin::Diagnostic;

/// The folder, once the provider is configured.
#[derive(Clone)]
pub(crate) struct Shelf(pub(crate) Arc<Mutex<Option<PathBuf>>>);

impl Shelf {
    /// The file of a thing.
    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, Diagnostic> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|folder| folder.join(format!("{name}.json")))
            .ok_or_else(|| Diagnostic::error("Not configured", "The provider's `folder` is not known yet."))
    }

    /// What is kept under `name`, if anything.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Json>, Diagnostic> {
        let path = self.path(name)?;
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| failed("read", name, &error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", name, &error)),
        }
    }

    /// Keeps `json` under `name`.
    pub(crate) fn write(&self, name: &str, json: &Json) -> Result<(), Diagnostic> {
        let path = self.path(name)?;
        let written = path.with_extension("new");
        // Whoever looks sees the whole of it or nothing.
        std::fs::write(&written, json.to_string())
            .and_then(|()| std::fs::rename(&written, &path))
            .map_err(|error| failed("write", name, &error))
    }

    /// Removes what is kept under `name`; nothing there is fine.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Diagnostic> {
        match std::fs::remove_file(self.path(name)?) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", name, &error)),
            _ => Ok(()),
        }
    }
}

fn failed(verb: &str, name: &str, error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::error(format!("Cannot {verb} {name}"), format!("{error}."))
}
