//! Components of an environment on Google Cloud.

mod apis;
mod blueprint;
mod buckets;
mod budget;
mod cluster;
mod federation;
mod grants;
mod identities;
mod keys;
mod log_groups;
mod mark;
mod network;
mod node_pools;
mod properties;
mod registry;
mod scope;
mod secrets;

pub use apis::ALWAYS;
pub use blueprint::{blueprint, names};
pub use properties::*;
pub use scope::scope;
