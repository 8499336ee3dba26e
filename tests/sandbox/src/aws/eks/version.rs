//! Versions of Kubernetes: which there are at the call's time, and the way from one to the next.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use super::update::{Change, Plan, Subject};
use super::{known, paged, refusal, update};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// One version of the calendar on the page above.
pub(super) struct Release {
    /// `1.34`.
    pub(super) name: &'static str,
    minor: u32,
    released: &'static str,
    /// When standard support ends.
    standard: &'static str,
    /// When extended support ends.
    extended: &'static str,
    /// Platform version of new clusters and patch version: the ones of early 2026, a snapshot.
    pub(super) platform: &'static str,
    /// `1.34.2`.
    pub(super) patch: &'static str,
}

/// Oldest first.
const RELEASES: [Release; 7] = [
    Release {
        name: "1.29",
        minor: 29,
        released: "2024-01-23",
        standard: "2025-03-23",
        extended: "2026-03-23",
        platform: "eks.48",
        patch: "1.29.15",
    },
    Release {
        name: "1.30",
        minor: 30,
        released: "2024-05-23",
        standard: "2025-07-23",
        extended: "2026-07-23",
        platform: "eks.46",
        patch: "1.30.14",
    },
    Release {
        name: "1.31",
        minor: 31,
        released: "2024-09-26",
        standard: "2025-11-26",
        extended: "2026-11-26",
        platform: "eks.43",
        patch: "1.31.14",
    },
    Release {
        name: "1.32",
        minor: 32,
        released: "2025-01-23",
        standard: "2026-03-23",
        extended: "2027-03-23",
        platform: "eks.35",
        patch: "1.32.10",
    },
    Release {
        name: "1.33",
        minor: 33,
        released: "2025-05-29",
        standard: "2026-07-29",
        extended: "2027-07-29",
        platform: "eks.23",
        patch: "1.33.6",
    },
    Release {
        name: "1.34",
        minor: 34,
        released: "2025-10-02",
        standard: "2026-12-02",
        extended: "2027-12-02",
        platform: "eks.12",
        patch: "1.34.2",
    },
    Release {
        name: "1.35",
        minor: 35,
        released: "2026-01-27",
        standard: "2027-03-27",
        extended: "2028-03-27",
        platform: "eks.1",
        patch: "1.35.0",
    },
];

/// What a cluster gets where no version is asked for, once it is released; the newest before it until then.
const USUAL: &str = "1.34";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Support {
    Standard,
    Extended,
    Ended,
}

impl Release {
    /// Midnight of a day of the table.
    fn day(date: &str) -> Timestamp {
        // The table's days are well formed, which a test sees to.
        format!("{date}T00:00:00Z").parse().unwrap_or_default()
    }

    fn is_out(&self, at: Timestamp) -> bool {
        Self::day(self.released) <= at
    }

    /// Support by the calendar. The newest three of the table never end: newer ones that are not known here would have taken
    /// their place, and what works on a sandbox today shall work in years.
    fn support(&self, at: Timestamp) -> Support {
        let newest = self.minor + 3 > RELEASES[RELEASES.len() - 1].minor;
        match at {
            _ if at < Self::day(self.standard) => Support::Standard,
            _ if at < Self::day(self.extended) || newest => Support::Extended,
            _ => Support::Ended,
        }
    }

    fn shown(&self, at: Timestamp) -> Value {
        let (old, new) = match self.support(at) {
            Support::Standard => ("standard-support", "STANDARD_SUPPORT"),
            Support::Extended => ("extended-support", "EXTENDED_SUPPORT"),
            Support::Ended => ("unsupported", "UNSUPPORTED"),
        };
        json!({
            "clusterVersion": self.name,
            "clusterType": "eks",
            "defaultPlatformVersion": self.platform,
            "defaultVersion": self.name == usual(at).name,
            "releaseDate": Self::day(self.released).to_string(),
            "endOfStandardSupportDate": Self::day(self.standard).to_string(),
            "endOfExtendedSupportDate": Self::day(self.extended).to_string(),
            "status": old,
            "versionStatus": new,
            "kubernetesPatchVersion": self.patch,
        })
    }
}

/// A version of the table.
pub(super) fn find(name: &str) -> Option<&'static Release> {
    RELEASES.iter().find(|release| release.name == name)
}

/// What a new cluster gets that asks for none.
fn usual(at: Timestamp) -> &'static Release {
    let known = RELEASES.iter().rev().filter(|release| release.is_out(at));
    let mut newest = known.skip_while(|release| release.name > USUAL);
    newest.next().unwrap_or(&RELEASES[0])
}

/// The minor number of a version; 0 of what is none.
pub(super) fn minor(name: &str) -> u32 {
    find(name).map_or(0, |release| release.minor)
}

/// The version that a new cluster gets.
///
/// # Errors
/// `InvalidParameterException` for what is not out, or out of support; the wording is a guess.
pub(super) fn for_new(call: &Call) -> Result<&'static Release, Refusal> {
    let Some(asked) = call.text("version") else {
        return Ok(usual(call.at));
    };
    find(asked)
        .filter(|release| release.is_out(call.at) && release.support(call.at) != Support::Ended)
        .ok_or_else(|| {
            refusal::invalid(format!("unsupported Kubernetes version {asked}"))
                .with("clusterName", call.required("name"))
        })
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeClusterVersions.html>: newest first; what is out of
/// support only where `includeAll` or its status asks for it.
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let wanted = input::texts(&call.input, "clusterVersions");
    if let Some(odd) = wanted.iter().find(|name| find(name).is_none()) {
        // The wording is a guess.
        return Err(refusal::invalid(format!("Unknown Kubernetes version {odd}")));
    }
    if call.text("clusterType").is_some_and(|kind| kind != "eks") {
        return Err(refusal::not_carried("clusterType other than eks"));
    }
    let status = call.text("versionStatus").or(call.text("status"));
    let entries = RELEASES
        .iter()
        .rev()
        .filter(|release| release.is_out(call.at))
        .filter(|release| wanted.is_empty() || wanted.contains(&release.name))
        .map(|release| (release, release.shown(call.at)))
        .filter(|(release, shown)| match status {
            Some(status) => shown["status"] == status || shown["versionStatus"] == status,
            None => {
                call.flag("includeAll") || !wanted.is_empty() || release.support(call.at) != Support::Ended
            }
        })
        .filter(|(_, shown)| !call.flag("defaultOnly") || shown["defaultVersion"] == true)
        // Pages go by rising keys, versions by falling numbers.
        .map(|(release, shown)| (format!("{:03}", 999 - release.minor), shown));
    paged(world, call, "clusterVersions", entries)
}

/// One minor version at a time, never back, and no further than the nodes can follow: they may be three versions behind.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html>,
/// <https://docs.aws.amazon.com/eks/latest/userguide/update-cluster.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, asked) = (call.required("name"), call.required("version"));
    let cluster = known(world, call, name)?;
    if let Some(answer) = update::repeated(cluster, call) {
        return Ok(answer);
    }
    let refuse = |words: String| Err(refusal::invalid(words).with("clusterName", name));
    let Some(release) =
        find(asked).filter(|release| release.is_out(call.at) && release.support(call.at) != Support::Ended)
    else {
        return refuse(format!("unsupported Kubernetes version {asked}"));
    };
    let before = minor(&cluster.version);
    if release.minor == before {
        // The wording is a guess.
        return refuse(format!("Cluster is already at version {asked}"));
    }
    if release.minor != before + 1 {
        // The wording is that of public reports.
        return refuse(format!(
            "Unsupported Kubernetes minor version update from {} to {asked}",
            cluster.version
        ));
    }
    let behind = cluster
        .node_groups
        .values()
        .find(|group| group.minor().saturating_add(3) < release.minor);
    if let Some(group) = behind
        && !call.flag("force")
    {
        // That it is refused: the guide above. The wording is a guess.
        return Err(refusal::request(format!(
            "Kubelet version of Nodegroup {} must be updated to match cluster version {} before updating cluster version",
            group.name, cluster.version
        ))
        .with("clusterName", name));
    }
    let params = vec![
        ("Version", asked.to_owned()),
        ("PlatformVersion", release.platform.to_owned()),
    ];
    // About ten minutes: https://github.com/ministryofjustice/cloud-platform/issues/5346
    let plan = Plan {
        kind: "VersionUpdate",
        params,
        takes: ("eks.cluster.version", 600.0),
        change: Change::Version(asked.to_owned()),
    };
    update::start(world, call, name, Subject::Cluster, plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_the_table_are_days_in_order() {
        for release in &RELEASES {
            let days = [release.released, release.standard, release.extended].map(Release::day);
            assert!(
                days.is_sorted() && days[0] > Timestamp::UNIX_EPOCH,
                "{}",
                release.name
            );
            assert!(release.patch.starts_with(&format!("{}.", release.name)));
        }
    }

    #[test]
    fn the_newest_stay_when_the_table_is_old() {
        let late = Release::day("2040-01-01");
        let ended: Vec<&str> = RELEASES
            .iter()
            .filter(|release| release.support(late) == Support::Ended)
            .map(|release| release.name)
            .collect();
        assert_eq!(ended, ["1.29", "1.30", "1.31", "1.32"]);
    }

    #[test]
    fn the_usual_version_is_one_that_is_out() {
        let at = |day: &str| usual(Release::day(day)).name;
        assert_eq!(at("2026-11-28"), "1.34");
        assert_eq!(at("2025-06-01"), "1.33");
        assert_eq!(at("2020-01-01"), "1.29");
    }
}
