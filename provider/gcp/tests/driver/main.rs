//! The driver against a server that answers by script, and against a local Google Cloud that we did not write for it.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clusters;
mod environment;
mod faults;
mod given;
mod harness;
mod life;
mod local;
mod policies;
mod retries;
mod revivals;
mod server;
mod together;
