//! Ephemeral resources: what is never written into a plan or a state.

mod cluster_token;

pub(crate) use cluster_token::ClusterToken;
