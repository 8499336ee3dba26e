//! One ML environment as data: spec, names, components, plan and claim.
//!
//! Everything here decides and nothing does: no I/O, no runtime, no cloud SDK. A [`driver::Driver`] (one per cloud)
//! observes components and carries out the steps that [`plan`] decides on.

pub mod aws;
pub mod claim;
pub mod component;
pub mod config;
pub mod defaults;
pub mod driver;
pub mod environment;
pub mod graph;
pub mod guard;
pub mod names;
pub mod outputs;
pub mod plan;
pub mod reference;
pub mod spec;

pub use config::Config;
pub use environment::Environment;
pub use spec::{Facts, Spec, Violation};
