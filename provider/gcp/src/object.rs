//! What every kind of component can do: the shape that the files of the kinds fill in.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mlops_environment::component::{Component, Observation, Outputs, Owner, Present, Properties, Status};
use mlops_environment::driver::{Monitor, Reason};
use mlops_environment::gcp::Grant;
use mlops_environment::plan::Change;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::driver::Gcp;
use crate::failure::{Outcome, failure};

/// One kind of component, implemented by its typed properties.
#[async_trait]
pub(crate) trait Object: Serialize + DeserializeOwned + Send + Sync {
    /// Finds it.
    async fn observe(&self, gcp: &Gcp, component: &Component) -> Outcome<Observation>;

    /// Makes it and waits until it is usable.
    async fn create(&self, gcp: &Gcp, component: &Component, monitor: &dyn Monitor) -> Outcome<Present>;

    /// Makes these changes, removes what is foreign, and waits.
    async fn update(&self, gcp: &Gcp, component: &Component, change: &Changes<'_>) -> Outcome<()>;

    /// Waits for what is under way. Most kinds have no such state.
    async fn settle(&self, _: &Gcp, _: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Ok(())
    }

    /// Removes it; gone is success.
    async fn delete(
        &self,
        gcp: &Gcp,
        component: &Component,
        found: &Present,
        monitor: &dyn Monitor,
    ) -> Outcome<()>;

    /// Marks what is left standing with the time. What can carry no mark is left as it is.
    async fn retain(&self, _: &Gcp, _: &Present, _now: &str) -> Outcome<()> {
        Ok(())
    }

    /// What stands in the way of deleting it.
    async fn obstacles(&self, _: &Gcp, _: &Component, _: &Present) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }
}

/// The typed properties of one component: what this crate can put its own methods on.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Wanted<T>(pub(crate) T);

impl<T> std::ops::Deref for Wanted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What an update is to change, and how to say so.
pub(crate) struct Changes<'a> {
    /// As found before.
    pub(crate) found: &'a Present,
    /// The properties to change.
    pub(crate) changes: &'a [Change],
    /// Who is told about long work.
    pub(crate) monitor: &'a dyn Monitor,
}

impl Changes<'_> {
    /// Whether one of these properties changes.
    pub(crate) fn any(&self, properties: &[&str]) -> bool {
        self.changes
            .iter()
            .any(|change| properties.contains(&change.property.as_str()))
    }

    /// The change of one property.
    pub(crate) fn of(&self, property: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.property == property)
    }

    /// Whether something foreign is to be removed.
    pub(crate) fn foreign(&self) -> bool {
        !self.found.foreign.is_empty()
    }

    /// Grants that the change of `property` takes away.
    pub(crate) fn withdrawn(&self, property: &str) -> BTreeSet<Grant> {
        let read =
            |value: &Value| -> BTreeSet<Grant> { serde_json::from_value(value.clone()).unwrap_or_default() };
        self.of(property)
            .map(|change| {
                read(&change.from)
                    .difference(&read(&change.to))
                    .cloned()
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Refuses changes of properties that the cloud keeps for an object's whole life.
    pub(crate) fn refuse(&self, operation: &str, fixed: &[&str]) -> Outcome<()> {
        match self
            .changes
            .iter()
            .find(|change| fixed.contains(&change.property.as_str()))
        {
            None => Ok(()),
            Some(change) => Err(failure(
                operation,
                Reason::Invalid,
                format!(
                    "{} of {} cannot be changed from {} to {}: Google Cloud fixes it at creation",
                    change.property, self.found.id, change.from, change.to
                ),
            )),
        }
    }
}

/// The serialised form of typed properties.
pub(crate) fn properties<T: Serialize>(typed: &T) -> Properties {
    match serde_json::to_value(typed) {
        Ok(Value::Object(map)) => map.into_iter().collect(),
        // Property structs are plain data: they serialise to a map and cannot fail.
        _ => Properties::new(),
    }
}

/// The typed form of a component's properties.
///
/// # Errors
///
/// [`Reason::Invalid`] where they are not those of its kind.
pub(crate) fn typed<T: DeserializeOwned>(component: &Component) -> Outcome<T> {
    let map = component.properties.clone().into_iter().collect();
    serde_json::from_value(Value::Object(map)).map_err(|error| {
        failure(
            "read properties",
            Reason::Invalid,
            format!("{} is not a {:?}: {error}", component.address, component.kind),
        )
    })
}

/// Builds the outputs.
pub(crate) fn outputs<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> Outputs {
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A usable object with these properties.
pub(crate) fn ready<T: Serialize>(
    id: impl Into<String>,
    owner: Owner,
    typed: &T,
    outputs: Outputs,
) -> Present {
    Present {
        id: id.into(),
        owner,
        status: Status::Ready,
        properties: properties(typed),
        outputs,
        foreign: Vec::new(),
    }
}

/// What was just made, as the cloud tells it now.
///
/// # Errors
///
/// [`Reason::NotFound`] where it is not there.
pub(crate) async fn standing<T: Object>(gcp: &Gcp, wanted: &T, component: &Component) -> Outcome<Present> {
    match wanted.observe(gcp, component).await? {
        Observation::Present(present) => Ok(present),
        Observation::Absent => Err(failure(
            "create",
            Reason::NotFound,
            format!("{} was made and is not there", component.address),
        )),
    }
}
