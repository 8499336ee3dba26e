//! Components of an environment on AWS.

mod access;
mod blueprint;
mod buckets;
mod budget;
mod cluster;
mod federation;
mod identities;
mod keys;
mod log_groups;
mod network;
mod node_pools;
mod properties;
mod registry;
mod scope;
mod secrets;

pub(crate) use blueprint::canonical;
pub use blueprint::{blueprint, names};
pub(crate) use network::{private_subnets, public_subnets};
pub use properties::*;
pub use scope::scope;
