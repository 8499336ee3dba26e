//! Components of an environment on AWS.

mod properties;

pub use properties::*;
