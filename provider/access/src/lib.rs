//! What an identity may do: policy documents, trust, evaluation and the allow/deny matrix for AWS and Google Cloud.

pub mod aws;
pub mod gcp;
pub mod generate;
pub mod kubernetes;
pub mod matrix;
pub mod pattern;
mod purpose;
pub mod trust;
pub mod verdict;

pub use purpose::{Purpose, UnknownPurpose};
