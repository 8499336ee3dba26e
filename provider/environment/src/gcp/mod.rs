//! Components of an environment on Google Cloud.

mod properties;

pub use properties::*;
