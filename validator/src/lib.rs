//! Judges Terraform plans: static credentials, local state, monolithic IAM.
//!
//! A plan is read ([`plan`]), joined with what else is known (the backend, the source), and judged by [`rules`]; what they find is
//! rendered by [`report`]. Everything between reading and rendering is pure.

pub mod address;
pub mod backend;
pub mod baseline;
pub mod check;
pub mod cli;
pub mod config;
pub mod context;
pub mod document;
mod environment;
pub mod finding;
pub mod graph;
pub mod judge;
pub mod picture;
pub mod plan;
mod references;
pub mod report;
pub mod rules;
pub mod source;
pub mod value;
pub mod waiver;

pub mod secrets;
