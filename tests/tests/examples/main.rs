//! What people start from: examples and modules, run as their READMEs say, and the workflow that runs them for a team.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod applied;
mod bootstrap;
mod modules;
mod tables;
mod workflow;
