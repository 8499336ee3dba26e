//! Google Cloud: role grants, workload identity federation, and the optional deny rule.
//!
//! ```
//! use mlops_access::{Purpose, generate::gcp::{self, Principal, Scope}};
//!
//! let scope = Scope::example();
//! let grants = gcp::permissions(&scope, Principal::of_service(Purpose::Runtime, "churn"));
//! assert_eq!(grants[0].to_string(), "roles/storage.objectViewer on folder shop-models-0a1b2c3d/churn/");
//! let entrance = gcp::trust(&scope, Principal::of_environment(Purpose::Deploy));
//! assert!(entrance[0].member.ends_with("/attribute.gate/2/env/gcp-prod"));
//! ```

mod federation;
mod permissions;
mod scope;

pub use federation::{providers, trust, workload_pool};
pub use permissions::{METRICS_READER, METRICS_READER_PERMISSIONS, deny_rule, permissions};
pub use scope::{AdditionalRole, Grant, Options, Scope};

pub use crate::generate::aws::{Bucket, Principal};
