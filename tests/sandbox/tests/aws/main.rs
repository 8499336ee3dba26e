//! Amazon's services as pure functions: what they answer, what they refuse, what time does.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod authorize;
mod cloud;
mod ec2;
mod eks;
mod iam;
mod sts;
