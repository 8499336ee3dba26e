//! One ML environment as data: spec, names, components, plan and claim.
//!
//! Everything here decides and nothing does: no I/O, no runtime, no cloud SDK. A [`driver::Driver`] (one per cloud)
//! observes components and carries out the steps that [`plan`] decides on.
//!
//! ```
//! use mlops_environment::plan::{Decision, Foresight, plan_change};
//! use mlops_environment::{Config, Environment, Facts, Spec, spec::CloudFacts};
//!
//! let config: Config = serde_json::from_value(serde_json::json!({
//!     "name": "shop",
//!     "tier": "dev",
//!     "aws": { "existing_network": {
//!         "vpc_id": "vpc-0123456789abcdef0",
//!         "private_subnet_ids": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
//!     } },
//!     "services": { "churn": {} },
//!     "federation": { "github": { "repository": "acme/churn" } },
//! }))?;
//! let facts = Facts {
//!     cloud: CloudFacts::Aws {
//!         account: "111122223333".parse()?,
//!         partition: "aws".to_owned(),
//!         region: Some("eu-west-1".parse()?),
//!     },
//!     default_tags: Default::default(),
//! };
//! let spec = Spec::build(&config, &facts).map_err(|violations| format!("{violations:?}"))?;
//! let environment = Environment::new(spec).map_err(|violations| format!("{violations:?}"))?;
//! assert_eq!(
//!     environment.outputs()["identity_info"]["runtime"]["churn"]["principal"],
//!     "arn:aws:iam::111122223333:role/mlops/shop/shop-runtime-churn"
//! );
//!
//! let foresight =
//!     Foresight { prior: &[], next: &environment.components, drift: &[], standing: &Default::default(), summaries: &environment.summaries() };
//! let steps = plan_change(&foresight, &Decision::new(&environment.spec, "uid")).map_err(|refusals| format!("{refusals:?}"))?;
//! assert_eq!(steps[0].to_string(), "+ buckets.logs: create");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aws;
pub mod blueprint;
pub mod bootstrap;
mod ci_variables;
pub mod claim;
pub mod component;
pub mod config;
pub mod defaults;
pub mod driver;
pub mod environment;
pub mod examine;
pub mod gcp;
pub mod graph;
pub mod guard;
pub mod kubernetes;
pub mod names;
pub mod outputs;
pub mod pace;
pub mod permission_sets;
mod picture;
pub mod plan;
pub mod provisioner;
pub mod reference;
pub mod retry;
pub mod spec;

pub use config::Config;
pub use environment::Environment;
pub use spec::{Facts, Spec, Violation};
