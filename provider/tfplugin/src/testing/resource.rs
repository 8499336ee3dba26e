//! Managed resources, as core treats them.

use std::fmt;

use serde_json::Value as Json;

use crate::codec::json;
use crate::diagnostic::Diagnostics;
use crate::path::Path;
use crate::plan::proposed_new;
use crate::proto::tfplugin6 as proto;
use crate::rules::{self, Violation};
use crate::schema::Schema;
use crate::value::Value;
use proto::{apply_resource_change as apply, plan_resource_change as planning};

use super::{Failure, FakeCore, Object, calls};

/// What a plan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing: the apply is not even called.
    NoOp,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is destroyed and made again.
    Replace,
    /// It is destroyed.
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::NoOp => "do nothing",
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "replace",
            Action::Delete => "delete",
        })
    }
}

/// A plan.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What it does.
    pub action: Action,
    /// The state it promises; null for a delete.
    pub planned: Value,
    /// Why it replaces.
    pub requires_replace: Vec<Path>,
    /// The provider's private data.
    pub private: Vec<u8>,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// What an apply did.
#[derive(Debug, Clone)]
pub struct Applied {
    /// What was done.
    pub action: Action,
    /// The state; null after a delete.
    pub state: Value,
    /// Warnings.
    pub warnings: Diagnostics,
}

/// Fails on any violation.
pub(super) fn unbroken(call: &'static str, violations: Vec<Violation>) -> Result<(), Failure> {
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Failure::Broken { call, violations }),
    }
}

impl FakeCore {
    /// Checks a configuration, which may hold unknown values.
    ///
    /// # Errors
    /// The provider refused it. Otherwise its warnings.
    pub async fn validate(&mut self, type_name: &str, config: &Value) -> Result<Diagnostics, Failure> {
        let ty = self.schema(type_name)?.ty();
        let validated = self
            .client
            .validate_resource_config(proto::validate_resource_config::Request {
                type_name: type_name.to_owned(),
                config: Some(calls::dynamic(config, &ty)?),
                client_capabilities: calls::capabilities(),
            })
            .await?;
        calls::accepted(validated.diagnostics)
    }

    /// Brings what is stored under `address` up to date: upgraded, then read. Nothing stored is fine.
    ///
    /// # Errors
    /// The provider refused, or its answer breaks core's rules. The stored state then stays.
    pub async fn refresh(&mut self, address: &str) -> Result<(), Failure> {
        let Some(object) = self.objects.get(address).cloned() else {
            return Ok(());
        };
        let type_name = type_of(address);
        let schema = self.schema(type_name)?;
        let ty = schema.ty();
        let stored = json::encode(&ty, &object.value).map_err(|error| Failure::Config(error.to_string()))?;
        let current = self.upgrade(type_name, &schema, object.version, stored).await?;
        let read = self
            .client
            .read_resource(proto::read_resource::Request {
                type_name: type_name.to_owned(),
                current_state: Some(calls::dynamic(&current, &ty)?),
                private: object.private,
                client_capabilities: calls::capabilities(),
                ..Default::default()
            })
            .await?;
        calls::accepted(read.diagnostics)?;
        let state = calls::value(read.new_state.as_ref(), &ty)?;
        unbroken("ReadResource", rules::check_state(&schema, &state))?;
        if state.is_null() {
            self.objects.remove(address);
        } else {
            let object = Object {
                value: state,
                private: read.private,
                tainted: object.tainted,
                version: schema.version,
            };
            self.objects.insert(address.to_owned(), object);
        }
        Ok(())
    }

    /// Puts JSON that version `version` of the provider stored under `address`, upgraded.
    ///
    /// # Errors
    /// The provider refused, or its answer breaks core's rules.
    pub async fn store_old(&mut self, address: &str, version: u64, state: &Json) -> Result<(), Failure> {
        let type_name = type_of(address);
        let schema = self.schema(type_name)?;
        let value = self
            .upgrade(type_name, &schema, version, state.to_string().into_bytes())
            .await?;
        let object = Object {
            value,
            private: Vec::new(),
            tainted: false,
            version: schema.version,
        };
        self.objects.insert(address.to_owned(), object);
        Ok(())
    }

    async fn upgrade(
        &mut self,
        type_name: &str,
        schema: &Schema,
        version: u64,
        state: Vec<u8>,
    ) -> Result<Value, Failure> {
        let upgraded = self
            .client
            .upgrade_resource_state(proto::upgrade_resource_state::Request {
                type_name: type_name.to_owned(),
                version: i64::try_from(version).unwrap_or(i64::MAX),
                raw_state: Some(proto::RawState {
                    json: state,
                    flatmap: Default::default(),
                }),
            })
            .await?;
        calls::accepted(upgraded.diagnostics)?;
        let value = calls::value(upgraded.upgraded_state.as_ref(), &schema.ty())?;
        unbroken("UpgradeResourceState", rules::check_upgrade(schema, &value))?;
        Ok(value)
    }

    /// Plans `address` to be as `config`, without refresh.
    ///
    /// # Errors
    /// The provider refused, or its answer breaks core's rules.
    pub async fn plan(&mut self, address: &str, config: &Value) -> Result<Planned, Failure> {
        let type_name = type_of(address);
        self.validate(type_name, config).await?;
        let schema = self.schema(type_name)?;
        let stored = self.objects.get(address).cloned();
        match stored {
            None => {
                self.planned(
                    type_name,
                    &schema,
                    &Value::Null,
                    config,
                    Vec::new(),
                    Action::Create,
                )
                .await
            }
            // Core forgets a tainted object's state and private data for the plan.
            Some(object) if object.tainted => {
                self.planned(
                    type_name,
                    &schema,
                    &Value::Null,
                    config,
                    Vec::new(),
                    Action::Replace,
                )
                .await
            }
            Some(object) => {
                let mut planned = self
                    .planned(
                        type_name,
                        &schema,
                        &object.value,
                        config,
                        object.private,
                        Action::Update,
                    )
                    .await?;
                let replaced = replaced(&planned, &object.value);
                if !replaced.is_empty() {
                    planned = self
                        .planned(
                            type_name,
                            &schema,
                            &Value::Null,
                            config,
                            Vec::new(),
                            Action::Replace,
                        )
                        .await?;
                    planned.requires_replace = replaced;
                } else if planned.planned.same(&object.value) {
                    planned.action = Action::NoOp;
                }
                Ok(planned)
            }
        }
    }

    async fn planned(
        &mut self,
        type_name: &str,
        schema: &Schema,
        prior: &Value,
        config: &Value,
        private: Vec<u8>,
        action: Action,
    ) -> Result<Planned, Failure> {
        let ty = schema.ty();
        let proposed = match config.is_null() {
            true => Value::Null,
            false => proposed_new(schema, prior, config),
        };
        let response = self
            .client
            .plan_resource_change(planning::Request {
                type_name: type_name.to_owned(),
                prior_state: Some(calls::dynamic(prior, &ty)?),
                proposed_new_state: Some(calls::dynamic(&proposed, &ty)?),
                config: Some(calls::dynamic(config, &ty)?),
                prior_private: private,
                client_capabilities: calls::capabilities(),
                ..Default::default()
            })
            .await?;
        let warnings = calls::accepted(response.diagnostics)?;
        let planned = calls::value(response.planned_state.as_ref(), &ty)?;
        let requires_replace: Vec<Path> = response.requires_replace.iter().map(calls::path).collect();
        let violations = match config.is_null() {
            true => rules::check_destroy_plan(schema, &planned),
            false => rules::check_plan(schema, prior, config, &planned),
        };
        unbroken("PlanResourceChange", violations)?;
        unbroken(
            "PlanResourceChange",
            rules::check_replace_paths(schema, prior, &planned, &requires_replace),
        )?;
        Ok(Planned {
            action,
            planned,
            requires_replace,
            private: response.planned_private,
            warnings,
        })
    }

    /// Refreshes, plans and applies, as `terraform apply` does.
    ///
    /// # Errors
    /// The provider refused or broke core's rules at any step. What it answered is stored all the same, tainted after a failed
    /// create.
    pub async fn apply(&mut self, address: &str, config: &Value) -> Result<Applied, Failure> {
        self.refresh(address).await?;
        let planned = self.plan(address, config).await?;
        self.apply_planned(address, &planned, config).await
    }

    /// Applies a plan with the configuration as it is by now: values that were unknown may be known.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn apply_planned(
        &mut self,
        address: &str,
        first: &Planned,
        config: &Value,
    ) -> Result<Applied, Failure> {
        let type_name = type_of(address);
        let schema = self.schema(type_name)?;
        let stored = self.objects.get(address).cloned();
        match first.action {
            Action::NoOp => {
                return Ok(Applied {
                    action: Action::NoOp,
                    state: stored.map_or(Value::Null, |object| object.value),
                    warnings: Diagnostics::new(),
                });
            }
            Action::Delete => return self.delete(address, first.private.clone()).await,
            // The old one goes first, with the plan's private data.
            Action::Replace => drop(self.delete(address, first.private.clone()).await?),
            Action::Create | Action::Update => {}
        }
        self.validate(type_name, config).await?;
        let (prior, private) = match self.objects.get(address) {
            Some(object) => (object.value.clone(), object.private.clone()),
            None => (Value::Null, Vec::new()),
        };
        let second = self
            .planned(type_name, &schema, &prior, config, private, first.action)
            .await?;
        unbroken(
            "PlanResourceChange",
            rules::check_final_plan(&schema, &first.planned, &second.planned),
        )?;
        let request = apply::Request {
            type_name: type_name.to_owned(),
            prior_state: Some(calls::dynamic(&prior, &schema.ty())?),
            planned_state: Some(calls::dynamic(&second.planned, &schema.ty())?),
            config: Some(calls::dynamic(config, &schema.ty())?),
            planned_private: second.private.clone(),
            ..Default::default()
        };
        self.changed(address, &schema, request, &second).await
    }

    /// Destroys what is stored under `address`: refreshed, planned, applied. Nothing stored is fine.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub async fn destroy(&mut self, address: &str) -> Result<Applied, Failure> {
        self.refresh(address).await?;
        let Some(object) = self.objects.get(address).cloned() else {
            return Ok(Applied {
                action: Action::NoOp,
                state: Value::Null,
                warnings: Diagnostics::new(),
            });
        };
        let type_name = type_of(address);
        let schema = self.schema(type_name)?;
        let planned = self
            .planned(
                type_name,
                &schema,
                &object.value,
                &Value::Null,
                object.private,
                Action::Delete,
            )
            .await?;
        self.delete(address, planned.private).await
    }

    async fn delete(&mut self, address: &str, private: Vec<u8>) -> Result<Applied, Failure> {
        let schema = self.schema(type_of(address))?;
        let ty = schema.ty();
        let prior = self
            .objects
            .get(address)
            .map_or(Value::Null, |object| object.value.clone());
        let request = apply::Request {
            type_name: type_of(address).to_owned(),
            prior_state: Some(calls::dynamic(&prior, &ty)?),
            planned_state: Some(calls::dynamic(&Value::Null, &ty)?),
            config: Some(calls::dynamic(&Value::Null, &ty)?),
            planned_private: private.clone(),
            ..Default::default()
        };
        let planned = Planned {
            action: Action::Delete,
            planned: Value::Null,
            requires_replace: Vec::new(),
            private,
            warnings: Diagnostics::new(),
        };
        self.changed(address, &schema, request, &planned).await
    }

    /// Calls ApplyResourceChange and stores what comes back, as core does.
    async fn changed(
        &mut self,
        address: &str,
        schema: &Schema,
        request: apply::Request,
        planned: &Planned,
    ) -> Result<Applied, Failure> {
        let response = self.client.apply_resource_change(request).await?;
        let diagnostics = calls::received(response.diagnostics);
        let failed = diagnostics.has_errors();
        let state = calls::value(response.new_state.as_ref(), &schema.ty())?;
        let before = self.objects.get(address).cloned();
        let created = matches!(planned.action, Action::Create | Action::Replace);
        let kept = match (state.is_null(), failed, planned.action) {
            // A failed delete that says nothing keeps what there was.
            (true, true, Action::Delete) => before,
            (true, ..) => None,
            (false, ..) => Some(Object {
                value: state.unknown_as_null(),
                private: response.private,
                tainted: failed && (created || before.is_some_and(|object| object.tainted)),
                version: schema.version,
            }),
        };
        match kept {
            Some(object) => drop(self.objects.insert(address.to_owned(), object)),
            None => drop(self.objects.remove(address)),
        }
        if failed {
            return Err(Failure::Refused(diagnostics));
        }
        unbroken(
            "ApplyResourceChange",
            rules::check_apply(schema, &planned.planned, &state),
        )?;
        Ok(Applied {
            action: planned.action,
            state,
            warnings: diagnostics,
        })
    }

    /// Applies, and then demands that nothing is left to do: neither without refresh nor with one.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), and [`Failure::NotConverged`].
    pub async fn converge(&mut self, address: &str, config: &Value) -> Result<Applied, Failure> {
        let applied = self.apply(address, config).await?;
        self.demand_nothing(address, config, "without refresh").await?;
        self.refresh(address).await?;
        self.demand_nothing(address, config, "with refresh").await?;
        Ok(applied)
    }

    async fn demand_nothing(
        &mut self,
        address: &str,
        config: &Value,
        when: &'static str,
    ) -> Result<(), Failure> {
        let planned = self.plan(address, config).await?;
        if planned.action == Action::NoOp {
            return Ok(());
        }
        let stored = self.objects.get(address).map(|object| &object.value);
        Err(Failure::NotConverged {
            when,
            action: planned.action.to_string(),
            planned: differences(stored.unwrap_or(&Value::Null), &planned.planned),
        })
    }

    /// Imports an object by its id, then reads it, as `terraform import` does.
    ///
    /// # Errors
    /// The provider refused, found nothing, or broke core's rules.
    pub async fn import(&mut self, address: &str, id: &str) -> Result<(), Failure> {
        self.imported(address, id.to_owned(), None).await
    }

    /// Imports an object by its identity, then reads it, as an `import` block does from Terraform 1.12 on.
    ///
    /// # Errors
    /// The resource has no identity or `identity` does not fit it; the provider refused, found nothing, or broke core's
    /// rules.
    pub async fn import_by_identity(&mut self, address: &str, identity: &Json) -> Result<(), Failure> {
        let type_name = type_of(address);
        let resources = self.provider.resources();
        let schema = resources
            .iter()
            .find(|resource| resource.type_name() == type_name)
            .and_then(|resource| resource.identity_schema())
            .ok_or_else(|| Failure::Config(format!("{type_name} has no identity")))?;
        let ty = schema.ty();
        let identity = Value::from_json(&ty, identity).map_err(|error| Failure::Config(error.to_string()))?;
        let identity = proto::ResourceIdentityData {
            identity_data: Some(calls::dynamic(&identity, &ty)?),
        };
        self.imported(address, String::new(), Some(identity)).await
    }

    async fn imported(
        &mut self,
        address: &str,
        id: String,
        identity: Option<proto::ResourceIdentityData>,
    ) -> Result<(), Failure> {
        let type_name = type_of(address);
        let schema = self.schema(type_name)?;
        let imported = self
            .client
            .import_resource_state(proto::import_resource_state::Request {
                type_name: type_name.to_owned(),
                id,
                client_capabilities: calls::capabilities(),
                identity,
            })
            .await?;
        calls::accepted(imported.diagnostics)?;
        let [one] = imported.imported_resources.as_slice() else {
            let count = imported.imported_resources.len();
            return Err(Failure::Undecodable(format!(
                "{count} objects imported instead of one"
            )));
        };
        let value = calls::value(one.state.as_ref(), &schema.ty())?;
        unbroken("ImportResourceState", rules::check_import(&schema, &value))?;
        let object = Object {
            value,
            private: one.private.clone(),
            tainted: false,
            version: schema.version,
        };
        self.objects.insert(address.to_owned(), object);
        self.refresh(address).await?;
        match self.objects.contains_key(address) {
            true => Ok(()),
            false => Err(Failure::Config(format!("{address} does not exist"))),
        }
    }

    /// Moves JSON of another resource type to `address`, as a `moved` block does.
    ///
    /// # Errors
    /// The provider refused, or broke core's rules.
    pub async fn move_from(&mut self, address: &str, source_type: &str, state: &Json) -> Result<(), Failure> {
        let type_name = type_of(address);
        let schema = self.schema(type_name)?;
        let moved = self
            .client
            .move_resource_state(proto::move_resource_state::Request {
                source_type_name: source_type.to_owned(),
                source_state: Some(proto::RawState {
                    json: state.to_string().into_bytes(),
                    flatmap: Default::default(),
                }),
                target_type_name: type_name.to_owned(),
                ..Default::default()
            })
            .await?;
        calls::accepted(moved.diagnostics)?;
        let value = calls::value(moved.target_state.as_ref(), &schema.ty())?;
        unbroken("MoveResourceState", rules::check_import(&schema, &value))?;
        let object = Object {
            value,
            private: moved.target_private,
            tainted: false,
            version: schema.version,
        };
        self.objects.insert(address.to_owned(), object);
        Ok(())
    }
}

/// The paths among those given whose values differ: core replaces for these only.
fn replaced(planned: &Planned, prior: &Value) -> Vec<Path> {
    planned
        .requires_replace
        .iter()
        .filter(|path| match (prior.at(path), planned.planned.at(path)) {
            (Some(before), Some(after)) => !before.same(after),
            (before, after) => before.is_some() || after.is_some(),
        })
        .cloned()
        .collect()
}

/// The top-level attributes that differ.
fn differences(before: &Value, after: &Value) -> String {
    let (Some(before), Some(after)) = (before.entries(), after.entries()) else {
        return "everything".to_owned();
    };
    let changed: Vec<String> = after
        .iter()
        .filter(|(name, value)| before.get(*name).is_none_or(|old| !old.same(value)))
        .map(|(name, value)| format!("{name}: {:?} -> {value:?}", before.get(name)))
        .collect();
    changed.join(", ")
}

/// `example_thing` of `example_thing.a`.
fn type_of(address: &str) -> &str {
    address.split('.').next().unwrap_or(address)
}
