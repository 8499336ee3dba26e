//! The journal of all calls.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::edge::{Cloud, Received};

/// One call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in the sandbox's time.
    pub at: Timestamp,
    /// Whose API.
    pub cloud: Cloud,
    /// Service.
    pub service: String,
    /// Operation; empty where none is known.
    pub operation: String,
    /// Whether it may change something.
    pub write: bool,
    /// Principal; empty where the credentials are nobody's.
    pub caller: String,
    /// Account of the caller (AWS).
    pub account: String,
    /// Region (AWS).
    pub region: String,
    /// What it is about.
    pub resource: Option<String>,
    /// HTTP status; 0 where no answer was sent.
    pub status: u16,
    /// Error code.
    pub code: Option<String>,
    /// Faults that struck it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// Names the call.
    pub request_id: String,
    /// Permissions that it took, where callers need some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Permission>,
}

/// What a call must be allowed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permission {
    /// `eks:CreateCluster`, `container.clusters.create`.
    pub action: String,
    /// An ARN or full resource name.
    pub resource: String,
}

impl Entry {
    pub(crate) fn of(received: &Received, at: Timestamp, request_id: String) -> Self {
        let call = received.call.as_ref().ok();
        Self {
            at,
            cloud: received.cloud,
            service: received.service.clone(),
            operation: received.operation.clone(),
            write: !received.reads,
            caller: call.map(|call| call.caller.principal.clone()).unwrap_or_default(),
            account: call.map(|call| call.account.clone()).unwrap_or_default(),
            region: call.map(|call| call.region.clone()).unwrap_or_default(),
            resource: received.resource.clone(),
            status: 0,
            code: None,
            faults: Vec::new(),
            request_id,
            needs: Vec::new(),
        }
    }

    /// `eks:CreateCluster`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

/// All calls, in the order of their answers.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Vec<Entry>,
    file: Option<File>,
}

impl Journal {
    /// In memory, and in a file as JSON lines if there is one.
    pub fn new(file: Option<File>) -> Self {
        Self {
            entries: Vec::new(),
            file,
        }
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        if let Some(file) = &mut self.file {
            let line = serde_json::to_string(&entry).unwrap_or_default();
            if let Err(error) = writeln!(file, "{line}") {
                eprintln!("mlops-sandbox: the journal's file cannot be written: {error}");
                self.file = None;
            }
        }
        self.entries.push(entry);
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Forgets them; the file keeps them.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How often each operation was called: `eks:CreateCluster` -> 1.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry(entry.name()).or_default() += 1;
        }
        counts
    }
}
