//! The GCP driver: carries out the steps of an environment's plan.
//!
//! [`Gcp`] is the [`Driver`](mlops_environment::driver::Driver) for Google Cloud. One file per kind of component; each
//! says how the component is found, made, changed and removed, and in which order. Nothing here decides what is wanted,
//! and nothing knows whether the other side is Google, a private endpoint or a test double.

mod agents;
mod bucket;
mod budget;
mod calls;
mod claim;
mod client;
mod cluster;
mod credentials;
mod custom_role;
mod driver;
mod existing_cluster;
mod failure;
mod folders;
mod gke;
mod glance;
mod key;
mod key_ring;
mod leftovers;
mod lifecycle;
mod log_bucket;
mod mark;
mod name;
mod network;
mod node_pool;
mod object;
mod operation;
mod own_network;
mod pace;
mod policy;
mod pool;
mod project_grants;
mod purge;
mod repository;
mod rest;
mod retry;
mod sameness;
mod secret;
mod service_account;
mod services;
mod token;
mod trust;
mod wait;

pub use calls::Calls;
pub use client::{SERVICES, Settings};
pub use credentials::{CredentialsKind, CredentialsSource};
pub use driver::{Gcp, Project};
pub use mlops_environment::retry::Retry;
