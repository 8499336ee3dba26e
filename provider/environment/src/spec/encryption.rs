//! Keys.

use std::collections::BTreeMap;

use super::collector::Collector;
use super::{Arn, AttributePath, Cloud, Context, CryptoKeyName, Late, Tier};
use crate::config;

pub use mlops_access::generate::aws::KeyUse;

/// Keys as they shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionSpec {
    /// Keys of the customer; else those of the cloud.
    pub customer: bool,
    /// Keys of somebody else, in place of our own.
    pub given: BTreeMap<&'static str, Late<String>>,
    /// Days between rotations.
    pub rotation_days: u32,
    /// Days a deleted key can be brought back, where keys are deleted.
    pub deletion_window_days: Option<u32>,
}

/// The four uses, by their words.
pub(crate) const KEY_USES: [(&str, KeyUse); 4] = [
    ("cluster", KeyUse::Cluster),
    ("logs", KeyUse::Logs),
    ("secrets", KeyUse::Secrets),
    ("storage", KeyUse::Storage),
];

const CUSTOMER: &[(&str, bool)] = &[("customer", true), ("cloud", false)];

pub(super) fn build(
    config: Option<&config::Encryption>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> EncryptionSpec {
    let path = AttributePath::root("encryption");
    let config = config.cloned().unwrap_or_default();
    let at = path.attribute("mode");
    let customer = collector.word(&at, config.mode.as_deref(), true, CUSTOMER);
    if !customer && context.tier != Tier::Dev {
        collector.refuse(
            &at,
            format!("Keys of the cloud are not possible in {}", context.tier.as_str()),
            "They cannot be restricted, audited or withdrawn. Remove mode, or use tier dev.",
        );
    }
    let blocks = [
        ("cluster", &config.cluster),
        ("logs", &config.logs),
        ("secrets", &config.secrets),
        ("storage", &config.storage),
    ];
    let mut given = BTreeMap::new();
    for (usage, block) in blocks {
        let at = path.attribute(usage).attribute("key");
        let Some(text) = block.as_ref().and_then(|block| block.key.as_deref()) else {
            continue;
        };
        if !customer {
            collector.refuse(
                &at,
                "Contradicts mode = \"cloud\"",
                "Remove the key, or the mode.",
            );
        }
        let key = match context.cloud {
            Cloud::Aws => arn(&at, text, collector),
            Cloud::Gcp => collector
                .late::<CryptoKeyName>(&at, text)
                .map(|late| late.map(|name| name.to_string())),
        };
        if let Some(key) = key {
            given.insert(usage, key);
        }
    }
    let defaults = context.defaults;
    let rotation = path.attribute("rotation_days");
    let window = path.attribute("deletion_window_days");
    // KMS of AWS takes 90 days at least, of Google Cloud one.
    let least = match context.cloud {
        Cloud::Aws => 90,
        Cloud::Gcp => 1,
    };
    EncryptionSpec {
        customer,
        given,
        rotation_days: collector.number(
            &rotation,
            config.rotation_days,
            defaults.key_rotation_days,
            least,
            2560,
        ),
        deletion_window_days: (context.cloud == Cloud::Aws).then(|| {
            collector.number(
                &window,
                config.deletion_window_days,
                defaults.key_deletion_window_days,
                7,
                30,
            )
        }),
    }
}

/// The ARN of a key.
fn arn(path: &AttributePath, text: &str, collector: &mut Collector) -> Option<Late<String>> {
    let arn = collector.late::<Arn>(path, text)?;
    let key = |arn: &Arn| arn.as_str().split(':').nth(2) == Some("kms") && arn.as_str().contains(":key/");
    if arn.known().is_some_and(|arn| !key(arn)) {
        collector.refuse(
            path,
            "Not the ARN of a key",
            "Give the key itself, arn:aws:kms:<region>:<account>:key/<id>; an alias may point elsewhere tomorrow.",
        );
    }
    Some(arn.map(|arn| arn.to_string()))
}

impl EncryptionSpec {
    pub(super) fn resolved(&self) -> config::Encryption {
        let key = |usage| {
            self.given.get(usage).map(|arn| config::Key {
                key: Some(arn.to_string()),
            })
        };
        config::Encryption {
            mode: super::word_of(&self.customer, CUSTOMER),
            cluster: key("cluster"),
            storage: key("storage"),
            secrets: key("secrets"),
            logs: key("logs"),
            rotation_days: Some(self.rotation_days.into()),
            deletion_window_days: self.deletion_window_days.map(Into::into),
        }
    }
}
