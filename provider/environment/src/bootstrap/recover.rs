//! What was asked for, read back from what stands: nothing else remembers it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Forge, Place, Project, RETENTION_DAYS, Repository, Spec, TIERS, Worker};
use crate::component::{Address, Component, Properties};
use crate::spec::{EnvironmentName, GitlabUrl, TextError};

/// What was found, by component.
pub type Found = BTreeMap<Address, Properties>;

/// What may stand under a name, whatever was asked for: of all tiers, and of every forge.
///
/// # Errors
/// A name becomes too long.
pub fn candidates(name: &EnvironmentName, place: &Place) -> Result<Vec<Component>, TextError> {
    let mut all: Vec<Component> = Vec::new();
    for forge in [nobody(), nobodys_project()].into_iter().flatten() {
        let components = candidate(name.clone(), place.clone(), forge).components()?;
        let new = |one: &Component| all.iter().all(|other| other.address != one.address);
        let more: Vec<Component> = components.into_iter().filter(new).collect();
        all.extend(more);
    }
    Ok(all)
}

fn candidate(name: EnvironmentName, place: Place, forge: Forge) -> Spec {
    Spec {
        name,
        place,
        tiers: TIERS.into_iter().collect(),
        forge,
        retention_days: RETENTION_DAYS,
    }
}

fn nobody() -> Option<Forge> {
    Some(Forge::Github(Repository {
        name: String::new(),
        ids: None,
    }))
}

fn nobodys_project() -> Option<Forge> {
    Some(Forge::Gitlab(Project {
        url: "https://gitlab.com".parse().ok()?,
        path: String::new(),
        id: None,
    }))
}

impl Spec {
    /// What was asked for, as far as what was found of the [`candidates`] tells it. `None` where no bucket stands.
    #[must_use]
    pub fn recovered(name: EnvironmentName, place: Place, found: &Found) -> Option<Self> {
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
        let forge = match &place {
            Place::Aws(_) => of_trust(found),
            Place::Gcp(_) => of_provider(found),
        };
        let mut spec = candidate(name, place, forge.or_else(nobody)?);
        if !tiers.is_empty() {
            spec.tiers = tiers;
        }
        if let Some(days) = retention(bucket) {
            spec.retention_days = days;
        }
        Some(spec)
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

/// On AWS the trust of every worker names the repository: `repo:acme@1/infra@2:environment:…`, or
/// `project_path:acme/infra:environment_protected:…`.
fn of_trust(found: &Found) -> Option<Forge> {
    let trusts = found
        .values()
        .filter_map(|properties| properties.get("trust")?.as_str());
    trusts
        .filter_map(|trust| serde_json::from_str(trust).ok())
        .find_map(|trust| of_subject(&trust))
}

fn of_subject(trust: &Value) -> Option<Forge> {
    let condition = trust["Statement"].as_array()?.first()?["Condition"].as_object()?;
    let keys = condition.values().filter_map(Value::as_object).flatten();
    let (issuer, subject) = keys
        .filter_map(|(key, value)| Some((key.strip_suffix(":sub")?, value)))
        .next()?;
    let subject = subject
        .as_str()
        .or_else(|| subject.as_array()?.first()?.as_str())?;
    if let Some(rest) = subject.strip_prefix("project_path:") {
        let url: GitlabUrl = format!("https://{issuer}").parse().ok()?;
        return Some(Forge::Gitlab(Project {
            url,
            path: rest.split(':').next()?.to_owned(),
            id: None,
        }));
    }
    let subject = subject.strip_prefix("repo:")?.split(":environment:").next()?;
    let (owner, repository) = subject.split_once('/')?;
    let repository = match (owner.split_once('@'), repository.split_once('@')) {
        (Some((owner, owner_id)), Some((repository, repository_id))) => Repository {
            name: format!("{owner}/{repository}"),
            ids: Some((owner_id.to_owned(), repository_id.to_owned())),
        },
        _ => Repository {
            name: format!("{owner}/{repository}"),
            ids: None,
        },
    };
    Some(Forge::Github(repository))
}

/// On Google Cloud the provider's condition tells the ids, and its description the path. Where the repository has moved from
/// one forge to the other, both providers stand, and the workers' gates tell which one is in use.
fn of_provider(found: &Found) -> Option<Forge> {
    let gates: Vec<&str> = found
        .iter()
        .filter(|(address, _)| address.as_str().starts_with("trust."))
        .filter_map(|(_, trust)| trust.get("members")?.as_array())
        .flatten()
        .filter_map(|member| member.as_str()?.split("/attribute.gate/").nth(1))
        .collect();
    let of = |forge: &'static str| Some((found.get(&Address::new(&["federation", forge]))?, forge));
    let gitlab = gates.iter().any(|gate| gate.starts_with("gl/"));
    let github = gates.iter().any(|gate| !gate.starts_with("gl/"));
    let (provider, forge) = match (github, gitlab) {
        (false, true) => of("gitlab"),
        (true, _) => of("github"),
        (false, false) => of("github").or_else(|| of("gitlab")),
    }?;
    let condition = provider.get("attribute_condition")?.as_str()?;
    let value = |claim: &str| {
        let rest = condition.split(&format!("assertion.{claim} == \"")).nth(1)?;
        rest.split('"').next().map(str::to_owned)
    };
    let told = provider
        .get("description")
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str::<Value>(text).ok())
        .and_then(|mark| mark.get(forge)?.as_str().map(str::to_owned));
    if forge == "github" {
        return Some(Forge::Github(Repository {
            name: value("repository").or(told).unwrap_or_default(),
            ids: value("repository_owner_id").zip(value("repository_id")),
        }));
    }
    Some(Forge::Gitlab(Project {
        url: provider.get("issuer")?.as_str()?.parse().ok()?,
        path: value("project_path").or(told).unwrap_or_default(),
        id: value("project_id").and_then(|id| id.parse().ok()),
    }))
}
