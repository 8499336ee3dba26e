//! Judges Terraform plans: static credentials, local state, monolithic IAM.
