//! Our types as the protocol's messages, and back.

use crate::codec::{json, msgpack};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::path::{Path, PathStep};
use crate::proto::tfplugin6 as proto;
use crate::provider::{DeferReason, Function, Parameter};
use crate::schema::{Attribute, Block, Kind, Mode, Nesting, Schema};
use crate::ty::Type;
use crate::value::Value;

/// Decodes a value of type `ty`; `what` names it in the message.
///
/// # Errors
/// When the bytes do not fit the type. That is a fault of the schema or of the host, so the message says both.
pub(crate) fn value(wire: Option<&proto::DynamicValue>, ty: &Type, what: &str) -> Result<Value, Diagnostic> {
    let decoded = match wire {
        None => return Ok(Value::Null),
        Some(wire) if !wire.msgpack.is_empty() => msgpack::decode(ty, &wire.msgpack),
        Some(wire) if !wire.json.is_empty() => json::decode(ty, &wire.json),
        Some(_) => return Ok(Value::Null),
    };
    decoded.map_err(|error| {
        Diagnostic::error(
            "Terraform and the provider disagree about a value",
            format!("The {what} that Terraform sent does not fit the provider's schema: {error}."),
        )
        .at(error.path)
    })
}

/// Encodes a value of type `ty`; `what` names it in the message.
///
/// # Errors
/// When the value does not fit the type: a fault of the provider.
pub(crate) fn dynamic(value: &Value, ty: &Type, what: &str) -> Result<proto::DynamicValue, Diagnostic> {
    match msgpack::encode(ty, value) {
        Ok(msgpack) => Ok(proto::DynamicValue {
            msgpack,
            json: Vec::new(),
        }),
        Err(error) => Err(Diagnostic::error(
            "The provider made a value that does not fit its schema",
            format!("The {what} cannot be sent to Terraform: {error}. This is a fault of the provider."),
        )
        .at(error.path)),
    }
}

/// Messages, with paths cut to what Terraform can show; `schema` is that of the value they are about.
pub(crate) fn diagnostics(diagnostics: &Diagnostics, schema: Option<&Schema>) -> Vec<proto::Diagnostic> {
    let diagnostic = |diagnostic: Diagnostic| proto::Diagnostic {
        severity: match diagnostic.severity {
            Severity::Error => proto::diagnostic::Severity::Error,
            Severity::Warning => proto::diagnostic::Severity::Warning,
        }
        .into(),
        attribute: diagnostic.path.as_ref().map(path),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
    };
    diagnostics.for_wire(schema).into_iter().map(diagnostic).collect()
}

/// A path as steps.
pub(crate) fn path(path: &Path) -> proto::AttributePath {
    use proto::attribute_path::{Step, step::Selector};
    let steps = path.steps().iter().map(|step| Step {
        selector: Some(match step {
            PathStep::Attribute(name) => Selector::AttributeName(name.clone()),
            PathStep::Key(key) => Selector::ElementKeyString(key.clone()),
            PathStep::Index(index) => Selector::ElementKeyInt(*index),
        }),
    });
    proto::AttributePath {
        steps: steps.collect(),
    }
}

/// Why something is deferred.
pub(crate) fn deferred(reason: DeferReason) -> proto::Deferred {
    use proto::deferred::Reason;
    proto::Deferred {
        reason: match reason {
            DeferReason::ResourceConfigUnknown => Reason::ResourceConfigUnknown,
            DeferReason::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
            DeferReason::AbsentPrerequisite => Reason::AbsentPrereq,
        }
        .into(),
    }
}

/// A schema.
pub(crate) fn schema(schema: &Schema) -> proto::Schema {
    proto::Schema {
        version: i64::try_from(schema.version).unwrap_or(i64::MAX),
        block: Some(proto::schema::Block {
            attributes: attributes(&schema.attributes),
            block_types: blocks(&schema.blocks),
            description: schema.description.clone(),
            description_kind: proto::StringKind::Markdown.into(),
            ..Default::default()
        }),
    }
}

fn attributes(attributes: &std::collections::BTreeMap<String, Attribute>) -> Vec<proto::schema::Attribute> {
    attributes
        .iter()
        .map(|(name, one)| attribute(name, one))
        .collect()
}

fn attribute(name: &str, attribute: &Attribute) -> proto::schema::Attribute {
    // Never both: Terraform rejects the whole provider then.
    let (ty, nested_type) = match &attribute.kind {
        Kind::Plain(ty) => (ty.to_json(), None),
        Kind::Nested(nesting, inner) => (Vec::new(), Some(nested(*nesting, inner))),
    };
    let (required, optional, computed) = match attribute.mode {
        Mode::Required => (true, false, false),
        Mode::Optional => (false, true, false),
        Mode::OptionalComputed => (false, true, true),
        Mode::Computed => (false, false, true),
    };
    proto::schema::Attribute {
        name: name.to_owned(),
        r#type: ty,
        nested_type,
        description: attribute.description.clone(),
        description_kind: proto::StringKind::Markdown.into(),
        required,
        optional,
        computed,
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        deprecated: attribute.deprecated.is_some(),
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn nested(nesting: Nesting, inner: &std::collections::BTreeMap<String, Attribute>) -> proto::schema::Object {
    use proto::schema::object::NestingMode;
    proto::schema::Object {
        attributes: attributes(inner),
        nesting: match nesting {
            Nesting::Single => NestingMode::Single,
            Nesting::List => NestingMode::List,
            Nesting::Set => NestingMode::Set,
            Nesting::Map => NestingMode::Map,
        }
        .into(),
        ..Default::default()
    }
}

fn blocks(blocks: &std::collections::BTreeMap<String, Block>) -> Vec<proto::schema::NestedBlock> {
    use proto::schema::nested_block::NestingMode;
    let block = |(name, block): (&String, &Block)| {
        // Core wants equal bounds of 0 or 1 for a single block, and none for a map.
        let (nesting, min, max) = match block.nesting {
            Nesting::Single => (
                NestingMode::Single,
                block.min_items.min(1),
                block.min_items.min(1),
            ),
            Nesting::List => (NestingMode::List, block.min_items, block.max_items),
            Nesting::Set => (NestingMode::Set, block.min_items, block.max_items),
            Nesting::Map => (NestingMode::Map, 0, 0),
        };
        proto::schema::NestedBlock {
            type_name: name.clone(),
            block: Some(proto::schema::Block {
                attributes: attributes(&block.attributes),
                block_types: self::blocks(&block.blocks),
                description: block.description.clone(),
                description_kind: proto::StringKind::Markdown.into(),
                ..Default::default()
            }),
            nesting: nesting.into(),
            min_items: min.into(),
            max_items: max.into(),
        }
    };
    blocks.iter().map(block).collect()
}

/// The schema of an identity: required attributes are required for import, optional ones may be given.
pub(crate) fn identity_schema(schema: &Schema) -> proto::ResourceIdentitySchema {
    use proto::resource_identity_schema::IdentityAttribute;
    let attribute = |(name, attribute): (&String, &Attribute)| IdentityAttribute {
        name: name.clone(),
        r#type: match &attribute.kind {
            Kind::Plain(ty) => ty.to_json(),
            // Refused by the check at start: identities are flat.
            Kind::Nested(..) => Type::Dynamic.to_json(),
        },
        required_for_import: attribute.mode == Mode::Required,
        optional_for_import: attribute.mode != Mode::Required,
        description: attribute.description.clone(),
    };
    proto::ResourceIdentitySchema {
        version: i64::try_from(schema.version).unwrap_or(i64::MAX),
        identity_attributes: schema.attributes.iter().map(attribute).collect(),
    }
}

/// A function's signature.
pub(crate) fn function(function: &dyn Function) -> proto::Function {
    let parameter = |parameter: Parameter| proto::function::Parameter {
        name: parameter.name,
        r#type: parameter.ty.to_json(),
        allow_null_value: parameter.allow_null,
        // Core does not call the function then and knows only the type of the result.
        allow_unknown_values: false,
        description: parameter.description,
        description_kind: proto::StringKind::Markdown.into(),
    };
    proto::Function {
        parameters: function.parameters().into_iter().map(parameter).collect(),
        variadic_parameter: function.variadic().map(parameter),
        r#return: Some(proto::function::Return {
            r#type: function.returns().to_json(),
        }),
        summary: function.summary(),
        description: function.description(),
        description_kind: proto::StringKind::Markdown.into(),
        deprecation_message: String::new(),
    }
}
