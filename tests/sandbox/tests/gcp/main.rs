//! Google's half of the sandbox: what each service does, refuses and remembers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod cloud;
mod container;
mod federation;
mod iam;
mod keys;
mod network;
mod requests;
mod storage;
mod wire;
