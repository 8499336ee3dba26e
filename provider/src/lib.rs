//! Terraform provider for ML environments: the `mlops_environment` resource and what carries it out.
//!
//! The way of one apply: [`tfplugin`] decodes the call, `resource` turns values into a spec and components,
//! [`mlops_environment`] decides what has to be done, `executor` calls the cloud's driver, `resource` writes down what
//! was reached.

pub mod bootstrap;
mod clouds;
mod command;
mod credentials;
mod data;
mod decode;
pub mod doctor;
mod ephemeral;
mod executor;
mod functions;
pub mod graph;
pub mod program;
mod provider;
pub mod resource;
pub mod settings;
mod state_backend;

pub use clouds::{Cloud, Clouds, Standing};
pub use provider::Mlops;
pub use resource::Rhythm;
