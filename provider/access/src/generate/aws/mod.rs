//! AWS: identity policies, trusts, boundaries, bucket and key policies.
//!
//! ```
//! use mlops_access::{Purpose, generate::aws::{self, Principal, Scope}};
//!
//! let scope = Scope::example();
//! let policy = aws::permissions(&scope, Principal::of_service(Purpose::Runtime, "churn"));
//! assert_eq!(policy.statements[0].sid, "ReadOwnModels");
//! let trust = aws::trust(&scope, Principal::of_environment(Purpose::Deploy));
//! assert!(trust.to_string().contains("repo:acme@1/churn@2:environment:aws-prod"));
//! ```

mod boundary;
mod names;
mod node;
mod permissions;
mod resource;
mod scope;
mod trust;

pub use boundary::boundary;
pub use names::{access_group, boundary_name, role_arn, role_name};
pub use node::{node_boundary, node_permissions};
pub use permissions::permissions;
pub use resource::{KeyUse, bucket_policy, key_policy};
pub use scope::{AdditionalPermission, Bucket, Cluster, KubernetesAccess, Options, Principal, Scope};
pub use trust::{service_trust, trust};
