//! The driver against a server that answers by script: what no well-behaved cloud does on demand.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clusters;
mod harness;
mod policies;
mod retries;
mod revivals;
mod server;
