//! A folder that keeps a sandbox over restarts: one file, written beside and renamed, so that a killed process leaves the
//! state before or after a call and never half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Accounts;
use crate::world::World;

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The sandbox's time of the last write: it goes on from there.
    pub at: Timestamp,
    /// Everything that stands.
    pub world: World,
    /// Access keys.
    pub accounts: Accounts,
}

/// What is kept, borrowed.
#[derive(Serialize)]
pub(crate) struct Keep<'a> {
    pub(crate) at: Timestamp,
    pub(crate) world: &'a World,
    pub(crate) accounts: &'a Accounts,
}

/// The folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Locked as long as this process has the folder.
    _lock: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Another sandbox has it.
    #[error("{0} is in use by another sandbox: stop that one, or take another folder")]
    Busy(PathBuf),
    /// It cannot be read or written.
    #[error("{path} cannot be used as state folder: {error}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is none of this sandbox's version.
    #[error("{path} is no state of this version of the sandbox ({error}): remove it to begin anew")]
    Unreadable {
        /// File.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
}

impl Store {
    /// Takes a folder, and what it keeps.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn open(folder: &Path) -> Result<(Self, Option<Saved>), Unusable> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| Unusable::Io { path, error }
        };
        fs::create_dir_all(folder).map_err(io(folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(io(&path))?;
        lock.try_lock().map_err(|_| Unusable::Busy(folder.to_owned()))?;
        let store = Self {
            folder: folder.to_owned(),
            _lock: lock,
        };
        let path = store.file();
        let saved = match fs::read(&path) {
            Ok(bytes) => {
                Some(serde_json::from_slice(&bytes).map_err(|error| Unusable::Unreadable { path, error })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(&path)(error)),
        };
        Ok((store, saved))
    }

    fn file(&self) -> PathBuf {
        self.folder.join("state.json")
    }

    /// Keeps this state.
    ///
    /// # Errors
    /// What the file system says; the state before is kept then.
    pub(crate) fn save(&self, keep: &Keep<'_>) -> io::Result<()> {
        let beside = self.folder.join("state.json.new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(keep)?)?;
        file.sync_data()?;
        fs::rename(&beside, self.file())
    }
}
