//! An environment that has stood for a while: taken over, brought under another state, its nodes exchanged. Each scenario on
//! both clouds with the real terraform.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod adoption;
mod budget;
mod consent;
mod existing_cluster;
mod import;
mod lock;
mod reads;
mod rotation;

/// The service that environments are for.
const SERVICE: &str = r#"
  services = { churn = {} }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;
