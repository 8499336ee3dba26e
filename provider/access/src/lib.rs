//! What an identity may do: policy documents, trust, evaluation and the allow/deny matrix for AWS and Google Cloud.

pub mod aws;
pub mod generate;
pub mod pattern;
mod purpose;
pub mod verdict;

pub use purpose::{Purpose, UnknownPurpose};
