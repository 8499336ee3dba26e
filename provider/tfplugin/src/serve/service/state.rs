//! What brings stored state to today's form: UpgradeResourceState, UpgradeResourceIdentity, ImportResourceState,
//! MoveResourceState.

use serde_json::Value as Json;

use crate::codec::json;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::guard;
use crate::proto::tfplugin6 as proto;
use crate::provider::{ImportTarget, Imported, MoveSource};
use crate::serve::wire;
use crate::value::Value;
use proto::{import_resource_state as import, move_resource_state as moved};
use proto::{upgrade_resource_identity as identity, upgrade_resource_state as upgrade};

use super::catalog::ResourceEntry;
use super::{Service, deferral};

impl Service {
    pub(super) async fn upgrade_state(&self, request: upgrade::Request) -> upgrade::Response {
        let schema = self.catalog.resource_schema(&request.type_name);
        match self.upgraded(request).await {
            Ok(upgraded) => upgrade::Response {
                upgraded_state: Some(upgraded),
                diagnostics: Vec::new(),
            },
            Err(errors) => upgrade::Response {
                upgraded_state: None,
                diagnostics: wire::diagnostics(&errors, schema),
            },
        }
    }

    async fn upgraded(&self, request: upgrade::Request) -> Result<proto::DynamicValue, Diagnostics> {
        let resource = self.catalog.resource(&request.type_name)?;
        let raw = raw_json(request.raw_state.as_ref(), &request.type_name)?;
        let from = u64::try_from(request.version).unwrap_or_default();
        let state = if from == resource.entry.schema.version {
            // Called at every run: attributes added since are null, and numbers stay exact.
            stored(json::decode(&resource.entry.ty, raw), &request.type_name)?
        } else {
            let stored_json = parsed(raw, &request.type_name)?;
            let doing = format!(
                "bringing the state of {} from version {from} to {}",
                request.type_name, resource.entry.schema.version
            );
            let implementation = resource.entry.implementation.clone();
            let context = self.context(None);
            let handler = async move { implementation.upgrade(from, stored_json).await };
            let upgraded = self.run(&context, &doing, handler).await??;
            stored(
                Value::from_json(&resource.entry.ty, &upgraded),
                &request.type_name,
            )?
        };
        let state = guard::upgrade(resource.subject(), state)?;
        Ok(wire::dynamic(&state, &resource.entry.ty, "upgraded state")?)
    }

    pub(super) async fn upgrade_identity(&self, request: identity::Request) -> identity::Response {
        let schema = self.catalog.resource_schema(&request.type_name);
        match self.upgraded_identity(request).await {
            Ok(upgraded) => identity::Response {
                upgraded_identity: Some(upgraded),
                diagnostics: Vec::new(),
            },
            Err(errors) => identity::Response {
                upgraded_identity: None,
                diagnostics: wire::diagnostics(&errors, schema),
            },
        }
    }

    async fn upgraded_identity(
        &self,
        request: identity::Request,
    ) -> Result<proto::ResourceIdentityData, Diagnostics> {
        let resource = self.catalog.resource(&request.type_name)?;
        let Some((schema, ty)) = &resource.identity else {
            return Err(Diagnostic::error(
                "No identity",
                format!(
                    "{} has no identity in this version of the provider.",
                    request.type_name
                ),
            )
            .into());
        };
        let mut stored_json = parsed(
            raw_json(request.raw_identity.as_ref(), &request.type_name)?,
            &request.type_name,
        )?;
        let from = u64::try_from(request.version).unwrap_or_default();
        if from != schema.version {
            let doing = format!("bringing the identity of {} up to date", request.type_name);
            let implementation = resource.entry.implementation.clone();
            let context = self.context(None);
            let handler = async move { implementation.upgrade_identity(from, stored_json).await };
            stored_json = self.run(&context, &doing, handler).await??;
        }
        let value = stored(Value::from_json(ty, &stored_json), &request.type_name)?;
        Ok(proto::ResourceIdentityData {
            identity_data: Some(wire::dynamic(&value, ty, "identity")?),
        })
    }

    pub(super) async fn import_resource(&self, request: import::Request) -> import::Response {
        let schema = self.catalog.resource_schema(&request.type_name);
        self.imported(request)
            .await
            .unwrap_or_else(|errors| import::Response {
                diagnostics: wire::diagnostics(&errors, schema),
                ..Default::default()
            })
    }

    async fn imported(&self, request: import::Request) -> Result<import::Response, Diagnostics> {
        let resource = self.catalog.resource(&request.type_name)?;
        let target = import_target(&resource, &request)?;
        let doing = format!("importing {}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, implementation) = (context.clone(), resource.entry.implementation.clone());
        let given = match &target {
            ImportTarget::Identity(identity) => Some(identity.clone()),
            ImportTarget::Id(_) => None,
        };
        let handler = async move { implementation.import(&inner, target).await };
        let imported = self.run(&context, &doing, handler).await??;
        let Imported { state, private } = guard::import(resource.subject(), "ImportResourceState", imported)?;
        let one = import::ImportedResource {
            identity: resource
                .identity_of(&state)
                .or_else(|| resource.identity_data(given.as_ref()?)),
            type_name: request.type_name,
            state: Some(wire::dynamic(&state, &resource.entry.ty, "imported state")?),
            private,
        };
        Ok(import::Response {
            imported_resources: vec![one],
            diagnostics: Vec::new(),
            deferred: deferral(&context, &doing)?,
        })
    }

    pub(super) async fn move_resource(&self, request: moved::Request) -> moved::Response {
        let schema = self.catalog.resource_schema(&request.target_type_name);
        self.moved(request)
            .await
            .unwrap_or_else(|errors| moved::Response {
                diagnostics: wire::diagnostics(&errors, schema),
                ..Default::default()
            })
    }

    async fn moved(&self, request: moved::Request) -> Result<moved::Response, Diagnostics> {
        let resource = self.catalog.resource(&request.target_type_name)?;
        let raw = raw_json(request.source_state.as_ref(), &request.source_type_name)?;
        let source = MoveSource {
            state: parsed(raw, &request.source_type_name)?,
            provider: request.source_provider_address,
            type_name: request.source_type_name,
            version: u64::try_from(request.source_schema_version).unwrap_or_default(),
            private: request.source_private,
        };
        let doing = format!(
            "taking over the state of {} as {}",
            source.type_name, request.target_type_name
        );
        let implementation = resource.entry.implementation.clone();
        let context = self.context(None);
        let handler = async move { implementation.move_from(source).await };
        let moved = self.run(&context, &doing, handler).await??;
        let Imported { state, private } = guard::import(resource.subject(), "MoveResourceState", moved)?;
        Ok(moved::Response {
            target_identity: resource.identity_of(&state),
            target_state: Some(wire::dynamic(&state, &resource.entry.ty, "moved state")?),
            target_private: private,
            diagnostics: Vec::new(),
        })
    }
}

impl ResourceEntry {
    /// The identity of an object in `state`, if the resource has identities and this one is wholly known.
    pub(super) fn identity_of(&self, state: &Value) -> Option<proto::ResourceIdentityData> {
        if self.identity.is_none() || state.is_null() {
            return None;
        }
        self.identity_data(&self.entry.implementation.identity(state)?)
    }

    fn identity_data(&self, identity: &Value) -> Option<proto::ResourceIdentityData> {
        let (_, ty) = self.identity.as_ref()?;
        if !identity.is_wholly_known() || identity.is_null() {
            return None;
        }
        match wire::dynamic(identity, ty, "identity") {
            Ok(data) => Some(proto::ResourceIdentityData {
                identity_data: Some(data),
            }),
            Err(fault) => {
                // Identity is an extra: its fault must not cost the state it came with.
                tracing::error!("{}: {}", fault.summary, fault.detail);
                None
            }
        }
    }
}

fn import_target(resource: &ResourceEntry, request: &import::Request) -> Result<ImportTarget, Diagnostic> {
    match (&request.identity, &resource.identity) {
        (Some(data), Some((_, ty))) if data.identity_data.is_some() => {
            wire::value(data.identity_data.as_ref(), ty, "identity").map(ImportTarget::Identity)
        }
        (Some(data), None) if data.identity_data.is_some() => Err(Diagnostic::error(
            "Import by identity is not supported",
            format!("{} has no identity; import it by `id`.", request.type_name),
        )),
        _ => Ok(ImportTarget::Id(request.id.clone())),
    }
}

/// The JSON of stored state.
fn raw_json<'a>(raw: Option<&'a proto::RawState>, type_name: &str) -> Result<&'a [u8], Diagnostic> {
    match raw {
        Some(raw) if !raw.json.is_empty() => Ok(&raw.json),
        Some(raw) if !raw.flatmap.is_empty() => Err(Diagnostic::error(
            "State of Terraform 0.11",
            format!(
                "The state of {type_name} is in the form of Terraform 0.11 or older, which this provider never wrote."
            ),
        )),
        _ => Err(Diagnostic::error(
            "Empty state",
            format!("Terraform sent no state of {type_name} to bring up to date."),
        )),
    }
}

fn parsed(raw: &[u8], type_name: &str) -> Result<Json, Diagnostic> {
    serde_json::from_slice(raw).map_err(|error| {
        Diagnostic::error(
            "Unreadable state",
            format!("The stored state of {type_name} is no JSON: {error}."),
        )
    })
}

fn stored(value: Result<Value, crate::value::ValueError>, type_name: &str) -> Result<Value, Diagnostic> {
    value.map_err(|error| {
        Diagnostic::error(
            "Stored state does not fit the schema",
            format!("The state of {type_name} does not fit this version of the provider: {error}."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ty::Type;

    #[test]
    fn an_empty_raw_state_is_named() {
        let refused = raw_json(Some(&proto::RawState::default()), "example_thing").unwrap_err();
        assert!(refused.detail.contains("example_thing"), "{refused:?}");
    }

    #[test]
    fn state_that_is_no_json_is_refused() {
        assert!(parsed(b"{", "example_thing").is_err());
        let ty = Type::Number;
        assert!(stored(json::decode(&ty, b"\"x\""), "example_thing").is_err());
    }
}
