//! Terraform provider for ML environments on AWS and Google Cloud.

fn main() {}
