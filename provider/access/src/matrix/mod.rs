//! Who may do what, as a table: 40 probes by six principals, 23 tokens by five purposes, and invariants over everything.
//!
//! [`PROBES`] is the table itself; [`check_aws`] and [`check_gcp`] put every question of it to documents, the generated
//! ones or a user's, and return each answer that differs as a [`Breach`] with row, identity and the statement that did it.
//!
//! ```
//! use mlops_access::{Purpose, generate::aws::{AdditionalPermission, Scope}, matrix::{AwsDocuments, check_aws}};
//!
//! let mut scope = Scope::example();
//! assert_eq!(check_aws(&scope, &AwsDocuments::generated(&scope)?), []);
//!
//! scope.additional_permissions.insert(Purpose::Runtime, vec![AdditionalPermission {
//!     id: "publish".into(), actions: vec!["s3:PutObject".into()],
//!     resources: vec!["arn:aws:s3:::shop-models-0a1b2c3d/churn/*".into()], conditions: Default::default() }]);
//! let breaches = check_aws(&scope, &AwsDocuments::generated(&scope)?);
//! let text = breaches.iter().map(ToString::to_string).find(|b| b.starts_with("P11")).unwrap();
//! assert_eq!(text, "P11 create model version: runtime/churn must not s3:PutObject on \
//!     arn:aws:s3:::shop-models-0a1b2c3d/churn/versions/2/m, but \"Additionalpublish\" allows it");
//! # Ok::<(), mlops_access::matrix::DocumentError>(())
//! ```

mod aws;
mod boundary;
mod breach;
mod classify;
mod gcp;
mod gitlab;
mod grid;
mod invariants;
mod probes;
mod questions;
mod resource;
mod tokens;

pub use aws::{AwsDocuments, AwsIdentity, DocumentError, check_aws};
pub use breach::{Breach, Expected};
pub use classify::{Capability, capabilities_aws, capabilities_gcp, purposes};
pub use gcp::{GcpDocuments, GcpIdentity, check_gcp};
pub use grid::{Grid, Mark, Row};
pub use probes::{At, Cell, Enforcement, PROBES, Probe, probe};
pub use questions::{Question, aws_questions};
pub use tokens::{Entrance, TokenRow, aws_tokens, gcp_tokens};
