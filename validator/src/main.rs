//! Judges Terraform plans in CI.

fn main() {}
