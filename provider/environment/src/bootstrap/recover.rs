//! What was asked for, read back from what stands: nothing else remembers it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{RETENTION_DAYS, Repository, Spec, TIERS, Worker};
use crate::component::{Address, Properties};

/// What was found, by component.
pub type Found = BTreeMap<Address, Properties>;

impl Spec {
    /// The spec whose components are to be looked for where only name and place are known.
    #[must_use]
    pub fn candidate(mut self) -> Self {
        self.tiers = TIERS.into_iter().collect();
        self.repository = Repository {
            name: String::new(),
            ids: None,
        };
        self.retention_days = RETENTION_DAYS;
        self
    }

    /// What was asked for, as far as what was found of a [`Spec::candidate`]'s components tells it. `None` where no bucket
    /// stands.
    #[must_use]
    pub fn recovered(self, found: &Found) -> Option<Self> {
        let bucket = found.get(&Address::new(&["state", "bucket"]))?;
        let tiers: BTreeSet<_> = TIERS
            .into_iter()
            .filter(|tier| {
                Worker::ALL.iter().any(|worker| {
                    let address = [worker.plural(), tier.as_str()];
                    found.contains_key(&Address::new(&address))
                })
            })
            .collect();
        Some(Self {
            tiers: if tiers.is_empty() { self.tiers } else { tiers },
            repository: of_trust(found)
                .or_else(|| of_provider(found))
                .unwrap_or(self.repository),
            retention_days: retention(bucket).unwrap_or(self.retention_days),
            ..self
        })
    }
}

fn retention(bucket: &Properties) -> Option<u32> {
    let lifecycle = bucket.get("lifecycle")?;
    let days = match lifecycle {
        Value::Object(rules) => rules.get("old-versions")?.get("noncurrent_days")?,
        Value::Array(rules) => rules
            .iter()
            .find(|rule| rule["action"] == "expire_replaced")?
            .get("days")?,
        _ => return None,
    };
    u32::try_from(days.as_u64()?).ok()
}

/// On AWS the trust of every worker names the repository: `repo:acme@1/infra@2:environment:…`.
fn of_trust(found: &Found) -> Option<Repository> {
    let trust = found
        .values()
        .find_map(|properties| properties.get("trust")?.as_str())?;
    let subject = trust.split("\"repo:").nth(1)?.split(":environment:").next()?;
    let (owner, repository) = subject.split_once('/')?;
    match (owner.split_once('@'), repository.split_once('@')) {
        (Some((owner, owner_id)), Some((repository, repository_id))) => Some(Repository {
            name: format!("{owner}/{repository}"),
            ids: Some((owner_id.to_owned(), repository_id.to_owned())),
        }),
        _ => Some(Repository {
            name: format!("{owner}/{repository}"),
            ids: None,
        }),
    }
}

/// On Google Cloud the provider's condition tells the ids, and its description the name.
fn of_provider(found: &Found) -> Option<Repository> {
    let provider = found.get(&Address::new(&["federation", "github"]))?;
    let condition = provider.get("attribute_condition")?.as_str()?;
    let value = |claim: &str| {
        let rest = condition.split(&format!("assertion.{claim} == \"")).nth(1)?;
        rest.split('"').next().map(str::to_owned)
    };
    let ids = value("repository_owner_id").zip(value("repository_id"));
    let told = provider
        .get("description")
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .and_then(|mark| mark.get("github")?.as_str().map(str::to_owned));
    Some(Repository {
        name: value("repository").or(told).unwrap_or_default(),
        ids,
    })
}
