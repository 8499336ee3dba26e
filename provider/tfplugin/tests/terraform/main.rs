//! The example provider under the real `terraform`: what no fake can show.
//!
//! `terraform` is taken from `TERRAFORM`, else from `PATH`. Where there is none, every test that needs it prints that it was
//! skipped and why. `process` needs none: there the tests are the host themselves.

// Helpers outside of the test functions may fail as loudly as these.
#![allow(clippy::unwrap_used)]

mod faults;
mod figures;
mod interruption;
mod language;
mod process;
mod workspace;
