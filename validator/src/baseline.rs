//! Baselines: what an old repository already had, so that only what is new fails.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::finding::Finding;

/// The file: findings by fingerprint, with what people need to read it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Version of this format.
    pub version: u32,
    /// Fingerprint to entry.
    pub findings: BTreeMap<String, Entry>,
}

/// One finding that was there.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Code of the rule.
    pub rule: String,
    /// Where.
    pub address: String,
    /// The attribute, if any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub attribute: String,
}

/// The fingerprint of a finding: rule, address and attribute path. Lines, messages and values are not part of it, so it
/// outlives edits; `ordinal` tells apart several findings at one place.
#[must_use]
pub fn fingerprint(f: &Finding, ordinal: usize) -> String {
    let mut h = Sha256::new();
    for part in [f.rule.code, &f.place.address, &f.place.path.to_string()] {
        h.update(part.as_bytes());
        h.update([0]);
    }
    if ordinal > 0 {
        h.update(ordinal.to_be_bytes());
    }
    h.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

impl Baseline {
    /// Parses a baseline.
    ///
    /// # Errors
    /// When it is no baseline, or of another version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let b: Self = serde_json::from_str(text)
            .map_err(|e| format!("not a baseline written by --write-baseline: {e}"))?;
        if b.version == 1 {
            Ok(b)
        } else {
            Err(format!(
                "baseline version {} is not known to this version (1 is)",
                b.version
            ))
        }
    }

    /// The baseline that holds the given findings.
    pub fn of<'a>(findings: impl Iterator<Item = (&'a Finding, &'a str)>) -> Self {
        let findings = findings
            .map(|(f, print)| {
                (
                    print.to_owned(),
                    Entry {
                        rule: f.rule.code.to_owned(),
                        address: f.place.address.clone(),
                        attribute: f.place.path.to_string(),
                    },
                )
            })
            .collect();
        Self { version: 1, findings }
    }
}
