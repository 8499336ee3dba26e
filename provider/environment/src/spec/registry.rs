//! The image registry.

use std::str::FromStr;

use super::collector::{Collector, word_of};
use super::{
    AccountId, Arn, AttributePath, Context, Late, Region, RegistryMode, RepositoryName, Text, TextError, Tier,
};
use crate::{config, names};

const MODES: &[(&str, RegistryMode)] = &[
    ("create", RegistryMode::Create),
    ("reference", RegistryMode::Reference),
];

/// The registry as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySpec {
    /// Made here, or elsewhere.
    pub mode: RegistryMode,
    /// Where it is, if made elsewhere.
    pub reference: Option<Late<RegistryReference>>,
    /// Tags cannot be moved.
    pub immutable_tags: bool,
    /// Scan each push.
    pub scan_on_push: bool,
    /// Untagged images are kept so many days.
    pub untagged_days: u32,
    /// So many tagged images are kept.
    pub keep_tagged: u32,
}

/// A prefix of repositories, written as ARN or as URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RegistryReference {
    /// As written.
    text: String,
    /// Account of the registry.
    pub account: AccountId,
    /// Region of the registry.
    pub region: Region,
    /// Repositories begin so, without slash at the end.
    pub prefix: RepositoryName,
}

impl Text for RegistryReference {
    const WHAT: &'static str = "a prefix of repositories";
    const RULE: &'static str = "arn:aws:ecr:<region>:<account>:repository/<prefix> or \
                                <account>.dkr.ecr.<region>.amazonaws.com/<prefix>";
}

impl std::fmt::Display for RegistryReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RegistryReference {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError {
            text: text.to_owned(),
            what: Self::WHAT,
            rule: Self::RULE,
        };
        let trimmed = text
            .strip_suffix("/*")
            .or_else(|| text.strip_suffix('/'))
            .unwrap_or(text);
        let (region, account, prefix) = if trimmed.starts_with("arn:") {
            trimmed.parse::<Arn>().map_err(|_| error())?;
            let parts: Vec<&str> = trimmed.splitn(6, ':').collect();
            let [_, _, "ecr", region, account, resource] = parts[..] else {
                return Err(error());
            };
            (
                region,
                account,
                resource.strip_prefix("repository/").ok_or_else(error)?,
            )
        } else {
            let (host, prefix) = trimmed.split_once('/').ok_or_else(error)?;
            let (account, rest) = host.split_once(".dkr.ecr.").ok_or_else(error)?;
            let region = rest
                .strip_suffix(".amazonaws.com.cn")
                .or_else(|| rest.strip_suffix(".amazonaws.com"));
            (region.ok_or_else(error)?, account, prefix)
        };
        Ok(Self {
            text: text.to_owned(),
            account: account.parse().map_err(|_| error())?,
            region: region.parse().map_err(|_| error())?,
            prefix: prefix.parse().map_err(|_| error())?,
        })
    }
}

impl RegistryReference {
    /// What stands before a repository's name in its ARN.
    pub fn arn_prefix(&self, partition: &str) -> String {
        format!(
            "arn:{partition}:ecr:{}:{}:repository/{}/",
            self.region, self.account, self.prefix
        )
    }

    /// What stands before a repository's name in its URL, without slash.
    pub fn url(&self, partition: &str) -> String {
        let host = names::registry_host(self.account.as_str(), self.region.as_str(), partition);
        format!("{host}/{}", self.prefix)
    }
}

pub(super) fn build(
    config: Option<&config::Registry>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<RegistrySpec> {
    let path = AttributePath::root("registry");
    let config = config.cloned().unwrap_or_default();
    let default = if config.reference.is_some() {
        RegistryMode::Reference
    } else {
        RegistryMode::Create
    };
    if config.mode.is_none() && !context.defaults.registry_create {
        let tier = context.tier.as_str();
        collector.refuse(
            &path.attribute("mode"),
            format!("Say where the images of {tier} are"),
            "mode = \"create\" builds and keeps images here; mode = \"reference\" with reference = \"<account>.dkr.ecr.\
             <region>.amazonaws.com/<prefix>\" only pulls what was built and tested elsewhere.",
        );
    }
    let mode = collector.word(&path.attribute("mode"), config.mode.as_deref(), default, MODES);
    let at = path.attribute("reference");
    let reference = config
        .reference
        .as_deref()
        .and_then(|text| collector.late(&at, text));
    if mode == RegistryMode::Reference && config.reference.is_none() {
        collector.refuse(
            &at,
            "Missing",
            "mode = \"reference\" needs the prefix of the repositories to pull from, as URL or ARN.",
        );
    }
    if mode == RegistryMode::Create && config.reference.is_some() {
        collector.refuse(
            &at,
            "Contradicts mode",
            "mode = \"create\" makes repositories here: remove reference.",
        );
    }
    let immutable_tags = config.immutable_tags.unwrap_or(true);
    if !immutable_tags && context.tier == Tier::Prod {
        collector.warn(
            &path.attribute("immutable_tags"),
            "Tags of production images can be moved",
            "What a tag means may change after it was tested. Leave immutable_tags on and deploy by digest.",
        );
    }
    let defaults = context.defaults;
    let days = path.attribute("untagged_days");
    let keep = path.attribute("keep_tagged");
    Some(RegistrySpec {
        mode,
        reference,
        immutable_tags,
        scan_on_push: config.scan_on_push.unwrap_or(true),
        untagged_days: collector.number(&days, config.untagged_days, defaults.untagged_days, 1, 3650),
        keep_tagged: collector.number(&keep, config.keep_tagged, defaults.keep_tagged, 1, 10_000),
    })
}

impl RegistrySpec {
    pub(super) fn resolved(&self) -> config::Registry {
        config::Registry {
            mode: word_of(&self.mode, MODES),
            reference: self.reference.as_ref().map(ToString::to_string),
            immutable_tags: Some(self.immutable_tags),
            scan_on_push: Some(self.scan_on_push),
            untagged_days: Some(self.untagged_days.into()),
            keep_tagged: Some(self.keep_tagged.into()),
        }
    }
}
