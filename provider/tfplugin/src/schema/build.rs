//! Writing schemas down.
//!
//! ```
//! use tfplugin::{Attribute, Nesting, Schema, Type};
//!
//! let schema = Schema::new()
//!     .describe("A bucket.")
//!     .attribute("name", Attribute::string().required().describe("Name.").requires_replace())
//!     .attribute("versioning", Attribute::bool().default(true).describe("Keeps old versions. Default: true."))
//!     .attribute("labels", Attribute::map_of(Type::String).optional().describe("Labels."))
//!     .attribute(
//!         "lifecycle_rules",
//!         Attribute::map_nested([("days", Attribute::number().required().describe("Age in days."))])
//!             .optional()
//!             .describe("Rules by name."),
//!     )
//!     .attribute("url", Attribute::string().computed().keep().describe("Where it is."));
//! assert!(schema.faults(tfplugin::schema::Role::Provider).is_empty());
//! ```

use std::collections::BTreeMap;

use super::{Attribute, Block, Kind, Mode, Nesting, OnChange, Schema};
use crate::ty::Type;
use crate::value::Value;

impl Schema {
    /// An empty schema of version 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the state version.
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Sets the description (Markdown).
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.attributes.insert(name.into(), attribute);
        self
    }

    /// Adds attributes.
    #[must_use]
    pub fn attributes<N: Into<String>>(
        mut self,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        self.attributes.extend(
            attributes
                .into_iter()
                .map(|(name, attribute)| (name.into(), attribute)),
        );
        self
    }

    /// Adds a nested block.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.blocks.insert(name.into(), block);
        self
    }
}

/// Each constructor gives an optional attribute; the mode is changed by the methods below.
impl Attribute {
    /// An attribute of any type.
    pub fn of(ty: Type) -> Self {
        Self::with(Kind::Plain(ty))
    }

    /// A string.
    pub fn string() -> Self {
        Self::of(Type::String)
    }

    /// A number.
    pub fn number() -> Self {
        Self::of(Type::Number)
    }

    /// A boolean.
    pub fn bool() -> Self {
        Self::of(Type::Bool)
    }

    /// A value of any type.
    pub fn dynamic() -> Self {
        Self::of(Type::Dynamic)
    }

    /// A list of plain values.
    pub fn list_of(element: Type) -> Self {
        Self::of(Type::list(element))
    }

    /// A set of plain values.
    pub fn set_of(element: Type) -> Self {
        Self::of(Type::set(element))
    }

    /// A map of plain values.
    pub fn map_of(element: Type) -> Self {
        Self::of(Type::map(element))
    }

    /// One object with attributes of its own.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Single, attributes)
    }

    /// A map of objects. Preferred over lists and sets: keys stay, diffs are readable, paths work.
    pub fn map_nested<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Map, attributes)
    }

    /// A list of objects.
    pub fn list_nested<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::List, attributes)
    }

    /// A set of objects.
    pub fn set_nested<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Set, attributes)
    }

    /// Objects with attributes of their own, held as `nesting` says.
    pub fn nested<N: Into<String>>(
        nesting: Nesting,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        let attributes = attributes
            .into_iter()
            .map(|(name, attribute)| (name.into(), attribute))
            .collect();
        Self::with(Kind::Nested(nesting, attributes))
    }

    fn with(kind: Kind) -> Self {
        Self {
            kind,
            mode: Mode::Optional,
            description: String::new(),
            sensitive: false,
            write_only: false,
            deprecated: None,
            default: None,
            requires_replace: false,
            on_change: OnChange::Unknown,
        }
    }

    /// The configuration must set it.
    #[must_use]
    pub fn required(self) -> Self {
        self.mode(Mode::Required)
    }

    /// The configuration may set it.
    #[must_use]
    pub fn optional(self) -> Self {
        self.mode(Mode::Optional)
    }

    /// The provider sets it.
    #[must_use]
    pub fn computed(self) -> Self {
        self.mode(Mode::Computed)
    }

    /// The configuration may set it, the provider does otherwise.
    #[must_use]
    pub fn optional_computed(self) -> Self {
        self.mode(Mode::OptionalComputed)
    }

    /// Sets who sets it.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the description (Markdown): values, default, what a change does.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The same as [`Attribute::describe`].
    #[must_use]
    pub fn description(self, description: impl Into<String>) -> Self {
        self.describe(description)
    }

    /// Planned where the configuration is null. Makes the attribute `OptionalComputed`, as Terraform demands.
    #[must_use]
    pub fn default(mut self, default: impl Into<Value>) -> Self {
        self.default = Some(default.into());
        self.mode(Mode::OptionalComputed)
    }

    /// Hidden in Terraform's output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Never in plan or state; the value is only in the configuration that comes with the apply (Terraform 1.11).
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// Marks it deprecated, with what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecated = Some(message.into());
        self
    }

    /// A change of it replaces the resource.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// The computed value stays as it is when something else changes.
    #[must_use]
    pub fn keep(mut self) -> Self {
        self.on_change = OnChange::Keep;
        self
    }
}

/// Each constructor gives an optional block without limits.
impl Block {
    /// A block that may stand once.
    pub fn single<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Single, attributes)
    }

    /// A block that may be repeated, in order.
    pub fn list<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::List, attributes)
    }

    /// A block that may be repeated, without order.
    pub fn set<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Set, attributes)
    }

    /// Blocks with labels.
    pub fn map<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Attribute)>) -> Self {
        Self::nested(Nesting::Map, attributes)
    }

    fn nested<N: Into<String>>(
        nesting: Nesting,
        attributes: impl IntoIterator<Item = (N, Attribute)>,
    ) -> Self {
        Self {
            nesting,
            attributes: attributes
                .into_iter()
                .map(|(name, attribute)| (name.into(), attribute))
                .collect(),
            blocks: BTreeMap::new(),
            description: String::new(),
            min_items: 0,
            max_items: 0,
        }
    }

    /// The block must stand (single), or at least `min` of them (list, set).
    #[must_use]
    pub fn at_least(mut self, min: u32) -> Self {
        self.min_items = min;
        if self.nesting == Nesting::Single {
            self.max_items = min;
        }
        self
    }

    /// At most `max` of them (list, set).
    #[must_use]
    pub fn at_most(mut self, max: u32) -> Self {
        self.max_items = max;
        self
    }

    /// Sets the description (Markdown).
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a block in the block.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: Block) -> Self {
        self.blocks.insert(name.into(), block);
        self
    }
}
