//! One environment on a local Google Cloud, made by the real terraform.
//!
//! Where terraform or somebody else's client is missing, each test says that it was skipped, and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod calls;
mod drift;
mod ground;
mod identities;
mod life;
mod parity;
mod readers;
mod refusals;
