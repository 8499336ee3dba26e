//! Google Cloud: allow and deny policies, roles, conditions, workload identity providers.

pub mod cel;
mod federation;
mod policy;
mod roles;

pub use federation::{Provider, WorkloadMember};
pub use policy::{
    Binding, Condition, DenyRule, Policy, PolicyError, Question, Resource, allows, is_group_like,
};
pub use roles::{Role, role};
