//! Which credentials we work with, and which we refuse.

pub(crate) mod aws;
pub(crate) mod gcp;
