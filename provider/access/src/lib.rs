//! What an identity may do: policy documents, trust, evaluation and the allow/deny matrix for AWS and Google Cloud.

pub mod pattern;
pub mod verdict;
