//! What bootstrap hands out, judged.
#![allow(clippy::expect_used, reason = "a test that cannot go on shows why")]

mod aws;
mod gcp;
mod provisioner;
mod recover;
