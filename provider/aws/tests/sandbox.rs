//! The driver against the project's own local AWS: the same tests as on moto, where time passes, permissions count and what is
//! referred to must exist.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "driver/budget.rs"]
mod budget;
#[path = "driver/documents.rs"]
mod documents;
#[path = "driver/eks.rs"]
mod eks;
#[path = "driver/faults.rs"]
mod faults;
#[path = "driver/harness.rs"]
mod harness;
#[path = "driver/cloud/sandbox.rs"]
mod server;
#[path = "driver/storage.rs"]
mod storage;
#[path = "driver/who.rs"]
mod who;
