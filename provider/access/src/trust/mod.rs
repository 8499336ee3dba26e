//! Trust as sets of tokens: who is at the door, whom a trust lets in, and what two trusts share.
//!
//! A [`Token`] is whoever asks to enter an identity: a CI job or a pod with a signed token, a cloud service, an account's
//! principal. A [`TokenSet`] is every token that a trust accepts: a union of [`Entry`] boxes, each with one
//! [`Constraint`] a claim. Every answer about sets comes with a token that shows it.
//!
//! ```
//! use mlops_access::{Purpose, generate::aws::{self, Principal, Scope}, trust::{Overlap, Token, TokenSet}};
//!
//! let mut scope = Scope::example();
//! let set = |scope: &Scope, purpose| {
//!     TokenSet::of_aws_trust(&aws::trust(scope, Principal::of_environment(purpose)).to_string())
//! };
//! let (ci, deploy) = (set(&scope, Purpose::Ci)?, set(&scope, Purpose::Deploy)?);
//! assert_eq!(ci.overlap(&deploy), Overlap::None);
//!
//! let job = Token::oidc("token.actions.githubusercontent.com")
//!     .with("aud", "sts.amazonaws.com")
//!     .with("sub", "repo:acme@1/churn@2:environment:aws-prod");
//! assert!(deploy.accepts(&job).is_yes() && ci.accepts(&job).is_no());
//! # Ok::<(), mlops_access::trust::TrustError>(())
//! ```

mod aws;
mod constraint;
mod gcp;
mod rules;
mod set;
mod token;

pub use aws::TrustError;
pub use constraint::{Constraint, Presence};
pub use rules::{Trusts, Violation, separation};
pub use set::{Containment, Entry, Overlap, TokenSet};
pub use token::{Caller, Token};
