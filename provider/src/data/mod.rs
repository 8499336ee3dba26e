//! Data sources.

mod environment;

pub(crate) use environment::EnvironmentSource;
