//! The documents of an environment, made from one description: what each purpose may do, who may enter it, and what
//! stands around it.
//!
//! Everything here is a pure function of a scope ([`aws::Scope`], [`gcp::Scope`]); values that are only known after
//! other objects exist may be any text, such as a reference `@{keys.storage:arn}`, and pass through untouched.

pub mod aws;
mod document;
pub mod gcp;
mod gitlab;
pub mod kubernetes;
mod service;

pub use document::{Conditions, Document, Effect, Principals, Statement};
pub use gitlab::Gitlab;
pub(crate) use gitlab::ref_part as gitlab_ref;
pub use service::{
    Github, Registry, RegistryMode, Secret, Service, ServiceAccounts, SubjectFormat, subjects,
};
