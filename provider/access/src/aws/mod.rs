//! AWS: policy documents, what they allow, and questions about sets of them.
//!
//! ```
//! use mlops_access::aws::{Caller, Policies, Policy, Request, evaluate};
//!
//! let trust = Policy::parse(r#"{
//!   "Version": "2012-10-17",
//!   "Statement": {
//!     "Effect": "Allow",
//!     "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
//!     "Action": "sts:AssumeRoleWithWebIdentity",
//!     "Condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/churn:environment:prod"}}
//!   }
//! }"#).unwrap();
//! let token = |sub: &str| {
//!     let github = Caller::Federated("token.actions.githubusercontent.com".into());
//!     Request::new(github, "sts:AssumeRoleWithWebIdentity", "arn:aws:iam::123456789012:role/deploy")
//!         .with("token.actions.githubusercontent.com:sub", sub)
//! };
//! assert!(evaluate(&token("repo:acme/churn:environment:prod"), &Policies::resource(&trust)).is_allowed());
//! assert!(evaluate(&token("repo:acme/churn:ref:refs/heads/main"), &Policies::resource(&trust)).is_denied());
//! ```

pub mod actions;
mod arn;
mod condition;
mod context;
mod escalation;
mod evaluate;
mod findings;
mod grants;
mod json;
pub mod managed;
mod narrowing;
mod pack;
mod policy;
mod principal;
mod read;
mod search;
mod skim;
mod template;
mod write;

pub use arn::{Arn, is_account_id};
pub use condition::{Compare, Condition, ConditionKey, Operator, Quantifier};
pub use context::{Context, KeyValue};
pub use escalation::{Escalation, METHODS, Method, Need};
pub(crate) use evaluate::Asker;
pub use evaluate::{Cause, Decision, Denial, Layer, Policies, Request, evaluate};
pub use findings::{Finding, FindingKind};
pub use grants::{Containment, Grants, Overlap, Reach};
pub use json::{ParseError, Place};
pub use narrowing::Narrowing;
pub use policy::{ActionPattern, Effect, Policy, Scope, Statement, Unread, Version};
pub use principal::{Caller, PrincipalName, Principals};
pub use skim::{Skimmed, Word, skim};
pub use template::{Template, UNKNOWN_TEXT};
pub use write::{SizeLimit, TooLarge};
