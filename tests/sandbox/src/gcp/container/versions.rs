//! Kubernetes versions that the sandbox's Kubernetes Engine has.

use serde_json::{Value, json};

use crate::answer::Refusal;
use crate::gcp::refuse::invalid;

/// Newest first, by minor version. The minors are those of late 2026 (<https://cloud.google.com/kubernetes-engine/docs/release-schedule>);
/// the patches are made up in the form of real ones.
const VERSIONS: [&str; 10] = [
    "1.35.2-gke.1269000",
    "1.35.1-gke.1396000",
    "1.34.5-gke.1153000",
    "1.34.4-gke.1047000",
    "1.33.9-gke.1060000",
    "1.33.8-gke.1112000",
    "1.32.13-gke.1059000",
    "1.32.12-gke.1220000",
    "1.31.14-gke.1382000",
    "1.30.14-gke.1976000",
];

/// Channels with their default version.
const CHANNELS: [(&str, &str); 4] = [
    ("RAPID", "1.35.1-gke.1396000"),
    ("REGULAR", "1.34.4-gke.1047000"),
    ("STABLE", "1.33.8-gke.1112000"),
    ("EXTENDED", "1.34.4-gke.1047000"),
];

/// The default version of a channel; without one, that of `REGULAR`.
pub(super) fn default(channel: &str) -> &'static str {
    CHANNELS
        .iter()
        .find(|(known, _)| *known == channel)
        .map_or(CHANNELS[1].1, |(_, version)| version)
}

/// `getServerConfig`.
pub(super) fn config() -> Value {
    let channels: Vec<Value> = CHANNELS
        .iter()
        .map(|(channel, default)| {
            // A channel has no version newer than those that were tried in the faster one before it.
            let valid: Vec<&str> = VERSIONS
                .iter()
                .copied()
                .filter(|version| *channel != "STABLE" || !version.starts_with("1.35"))
                .collect();
            json!({"channel": channel, "defaultVersion": default, "validVersions": valid})
        })
        .collect();
    json!({
        "defaultClusterVersion": default("REGULAR"),
        "validMasterVersions": VERSIONS,
        "validNodeVersions": VERSIONS,
        "defaultImageType": "COS_CONTAINERD",
        "validImageTypes": ["COS_CONTAINERD", "UBUNTU_CONTAINERD", "WINDOWS_LTSC_CONTAINERD"],
        "channels": channels,
    })
}

/// The version that an alias means: empty or `-` the default, `latest`, `1.34`, `1.34.5`, or one in full
/// (<https://cloud.google.com/kubernetes-engine/versioning#specifying_cluster_version>).
///
/// # Errors
/// 400 for a version that is not offered.
pub(super) fn resolve(alias: &str, channel: &str) -> Result<&'static str, Refusal> {
    if alias.is_empty() || alias == "-" {
        return Ok(default(channel));
    }
    if alias == "latest" {
        return Ok(VERSIONS[0]);
    }
    let default = default(channel);
    let of = |version: &&&str| {
        **version == alias
            || version
                .strip_prefix(alias)
                .is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    // The channel's default first: a bare minor means the best patch for the channel.
    [default]
        .iter()
        .chain(&VERSIONS)
        .find(of)
        .copied()
        // Words from public issues.
        .ok_or_else(|| invalid(format!("No valid versions with the prefix \"{alias}\" found.")))
}

/// Numbers of a version, to compare: `1.34.5-gke.1153000` is `[1, 34, 5, 1153000]`.
pub(super) fn numbers(version: &str) -> Vec<u64> {
    version
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|piece| piece.parse().ok())
        .collect()
}
