//! The sandbox's edge, over real connections: what is refused, what faults do, what survives, who meets whom.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on shows why"
)]

mod admin;
mod faults;
mod isolation;
mod refusals;
mod state;
mod wire;
