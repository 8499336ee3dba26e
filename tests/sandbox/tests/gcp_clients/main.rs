//! Clients that others wrote: Google's Python client and `gcloud`, on the sandbox.
//!
//! They are looked for; where one is missing its test says so and passes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod gcloud;
mod python;
