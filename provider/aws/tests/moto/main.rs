//! The driver against an emulator that others wrote: each kind of component is made, observed, changed and deleted.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod documents;
mod eks;
mod faults;
mod harness;
mod server;
mod storage;
mod who;
