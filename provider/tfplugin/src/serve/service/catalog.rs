//! What the provider offers, with schemas taken once and checked.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6 as proto;
use crate::provider::{DataSource, EphemeralResource, Function, Provider, Resource};
use crate::schema::{Role, Schema};
use crate::serve::wire;
use crate::ty::Type;

/// What this server can do beyond the first version of the protocol.
///
/// Destroys are planned (a refusal can be shown before anything is touched), state moves between types, and the schema need
/// not be asked for: Terraform then asks one of its three or four processes only.
pub(super) const CAPABILITIES: proto::ServerCapabilities = proto::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: false,
};

/// Something with a schema.
pub(super) struct Entry<T: ?Sized> {
    pub(super) implementation: Arc<T>,
    pub(super) schema: Schema,
    pub(super) ty: Type,
}

/// A managed resource.
pub(super) struct ResourceEntry {
    pub(super) entry: Entry<dyn Resource>,
    pub(super) identity: Option<(Schema, Type)>,
}

/// Everything on offer, by name.
pub(super) struct Catalog {
    pub(super) provider_type: Type,
    pub(super) resources: BTreeMap<String, Arc<ResourceEntry>>,
    pub(super) data_sources: BTreeMap<String, Arc<Entry<dyn DataSource>>>,
    pub(super) ephemeral_resources: BTreeMap<String, Arc<Entry<dyn EphemeralResource>>>,
    pub(super) functions: BTreeMap<String, Arc<dyn Function>>,
    /// What Terraform would refuse in the schemas.
    pub(super) faults: Diagnostics,
    pub(super) provider_schema: Schema,
}

impl Catalog {
    pub(super) fn new(provider: &dyn Provider) -> Self {
        let mut faults = Faults::default();
        let provider_schema = faults.checked(provider.schema(), Role::Provider, "the provider");
        let resources = provider.resources().into_iter().map(|resource| {
            let name = resource.type_name().to_owned();
            let schema = faults.checked(resource.schema(), Role::Resource, &name);
            let identity = resource
                .identity_schema()
                .map(|schema| faults.checked(schema, Role::Identity, &format!("the identity of {name}")))
                .map(|schema| (schema.ty(), schema))
                .map(|(ty, schema)| (schema, ty));
            let entry = entry(resource, schema);
            (name, Arc::new(ResourceEntry { entry, identity }))
        });
        let resources: Vec<_> = resources.collect();
        let data_sources: Vec<_> = provider
            .data_sources()
            .into_iter()
            .map(|source| {
                let name = source.type_name().to_owned();
                let schema = faults.checked(source.schema(), Role::Resource, &format!("data source {name}"));
                (name, Arc::new(entry(source, schema)))
            })
            .collect();
        let ephemeral_resources: Vec<_> = provider
            .ephemeral_resources()
            .into_iter()
            .map(|ephemeral| {
                let name = ephemeral.type_name().to_owned();
                let schema = faults.checked(
                    ephemeral.schema(),
                    Role::Resource,
                    &format!("ephemeral resource {name}"),
                );
                (name, Arc::new(entry(ephemeral, schema)))
            })
            .collect();
        let functions = provider
            .functions()
            .into_iter()
            .map(|function| (function.name().to_owned(), function))
            .collect();
        Self {
            provider_type: provider_schema.ty(),
            resources: faults.unique("resource", resources),
            data_sources: faults.unique("data source", data_sources),
            ephemeral_resources: faults.unique("ephemeral resource", ephemeral_resources),
            functions: faults.unique("function", functions),
            faults: faults.0,
            provider_schema,
        }
    }

    /// The answer to GetProviderSchema.
    pub(super) fn schemas(&self) -> proto::get_provider_schema::Response {
        proto::get_provider_schema::Response {
            provider: Some(wire::schema(&self.provider_schema)),
            resource_schemas: mapped(&self.resources, |resource| wire::schema(&resource.entry.schema)),
            data_source_schemas: mapped(&self.data_sources, |source| wire::schema(&source.schema)),
            ephemeral_resource_schemas: mapped(&self.ephemeral_resources, |one| wire::schema(&one.schema)),
            functions: mapped(&self.functions, |function| wire::function(function.as_ref())),
            diagnostics: wire::diagnostics(&self.faults, None),
            provider_meta: None,
            server_capabilities: Some(CAPABILITIES),
        }
    }

    /// The answer to GetResourceIdentitySchemas.
    pub(super) fn identity_schemas(&self) -> proto::get_resource_identity_schemas::Response {
        let identity_schemas = self.resources.iter().filter_map(|(name, resource)| {
            let (schema, _) = resource.identity.as_ref()?;
            Some((name.clone(), wire::identity_schema(schema)))
        });
        proto::get_resource_identity_schemas::Response {
            identity_schemas: identity_schemas.collect(),
            diagnostics: Vec::new(),
        }
    }

    /// The answer to GetFunctions.
    pub(super) fn function_signatures(&self) -> proto::get_functions::Response {
        proto::get_functions::Response {
            functions: mapped(&self.functions, |function| wire::function(function.as_ref())),
            diagnostics: Vec::new(),
        }
    }

    /// The managed resource of a type.
    pub(super) fn resource(&self, name: &str) -> Result<Arc<ResourceEntry>, Diagnostic> {
        self.resources
            .get(name)
            .cloned()
            .ok_or_else(|| unknown("resource type", name))
    }

    /// The schema of a managed resource, for its messages.
    pub(super) fn resource_schema(&self, name: &str) -> Option<&Schema> {
        Some(&self.resources.get(name)?.entry.schema)
    }

    /// The data source of a type.
    pub(super) fn data_source(&self, name: &str) -> Result<Arc<Entry<dyn DataSource>>, Diagnostic> {
        self.data_sources
            .get(name)
            .cloned()
            .ok_or_else(|| unknown("data source", name))
    }

    /// The ephemeral resource of a type.
    pub(super) fn ephemeral(&self, name: &str) -> Result<Arc<Entry<dyn EphemeralResource>>, Diagnostic> {
        self.ephemeral_resources
            .get(name)
            .cloned()
            .ok_or_else(|| unknown("ephemeral resource", name))
    }
}

fn entry<T: ?Sized>(implementation: Arc<T>, schema: Schema) -> Entry<T> {
    Entry {
        ty: schema.ty(),
        implementation,
        schema,
    }
}

fn mapped<V, T>(map: &BTreeMap<String, V>, make: impl Fn(&V) -> T) -> std::collections::HashMap<String, T> {
    map.iter().map(|(name, one)| (name.clone(), make(one))).collect()
}

fn unknown(kind: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Unknown {kind}"),
        format!(
            "This version of the provider has no {kind} {name:?}. Check the version constraint of the provider."
        ),
    )
}

/// Collects what is wrong with the schemas.
#[derive(Default)]
struct Faults(Diagnostics);

impl Faults {
    fn checked(&mut self, schema: Schema, role: Role, of: &str) -> Schema {
        for fault in schema.faults(role) {
            self.add(format!("In the schema of {of}: {fault}."));
        }
        schema
    }

    fn unique<T>(&mut self, kind: &str, entries: Vec<(String, T)>) -> BTreeMap<String, T> {
        let mut map = BTreeMap::new();
        for (name, entry) in entries {
            match map.entry(name) {
                Slot::Vacant(slot) => {
                    slot.insert(entry);
                }
                Slot::Occupied(slot) => self.add(format!("The {kind} {:?} is offered twice.", slot.key())),
            }
        }
        map
    }

    fn add(&mut self, detail: String) {
        self.0.push(Diagnostic::error(
            "The provider's schema is invalid",
            format!("{detail} This is a fault of the provider."),
        ));
    }
}
