//! The AWS driver: carries out the steps of an environment's plan.
//!
//! [`Aws`] is the [`Driver`](mlops_environment::driver::Driver) for Amazon Web Services. One file per kind of component;
//! each says how the component is found, made, changed and removed, and in which order. Nothing here decides what is
//! wanted, and nothing knows whether the other side is Amazon, a private endpoint or a test double.

mod access;
mod access_entry;
mod bucket;
mod budget;
mod calls;
mod claim;
mod client;
mod cluster;
mod credentials;
mod document;
mod driver;
mod ec2;
mod existing_cluster;
mod failure;
mod glance;
mod key;
mod launch_template;
mod leftovers;
mod lifecycle;
mod log_group;
mod nameless_key;
mod network;
mod node_pool;
mod object;
mod oidc_provider;
mod own_network;
mod policy;
mod purge;
mod repository;
mod retry;
mod role;
mod sameness;
mod secret;
mod signed;
mod tags;
mod token;
mod wait;

pub use calls::Calls;
pub use client::{AssumeRole, AssumeRoleWithWebIdentity, QUIET, QUIET_HERE, SERVICES, Settings};
pub use credentials::CredentialsKind;
pub use driver::Aws;
pub use mlops_environment::retry::Retry;
