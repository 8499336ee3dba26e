//! The driver against an emulator that others wrote: each kind of component is made, observed, changed and deleted.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "driver/documents.rs"]
mod documents;
#[path = "driver/eks.rs"]
mod eks;
#[path = "driver/faults.rs"]
mod faults;
#[path = "driver/harness.rs"]
mod harness;
#[path = "driver/cloud/moto.rs"]
mod server;
#[path = "driver/storage.rs"]
mod storage;
#[path = "driver/who.rs"]
mod who;
