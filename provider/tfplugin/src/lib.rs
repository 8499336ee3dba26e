//! Terraform plugin protocol 6 for providers written in Rust.
//!
//! The crate knows the protocol and Terraform core's rules, and no cloud. A provider implements [`Provider`] and
//! [`Resource`] (and, where it has them, [`DataSource`], [`Function`], [`EphemeralResource`]) over plain
//! [`Value`]s described by a [`Schema`]; [`serve()`] does the rest.

#[cfg(test)]
mod arbitrary;
pub mod codec;
pub mod diagnostic;
pub mod guard;
pub mod logging;
pub mod path;
pub mod plan;
mod proto;
pub mod provider;
pub mod rules;
pub mod schema;
pub mod serve;
pub mod testing;
pub mod ty;
pub mod value;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use path::{Path, PathStep};
pub use provider::{
    ApplyRequest, ApplyResponse, CallContext, DataSource, DeferReason, EphemeralResource, Function, Imported,
    PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse, Resource, StopReason,
};
pub use schema::{Attribute, Block, Nesting, Schema};
pub use serve::{ServeOptions, serve, started_by_terraform};
pub use ty::Type;
pub use value::{Number, Value, ValueError};
