//! The example provider under the real `terraform`: what no fake can show.
//!
//! `terraform` is taken from `TERRAFORM`, else from `PATH`. Where there is none, every test here prints that it was skipped and
//! why.

mod faults;
mod figures;
mod interruption;
mod language;
mod workspace;
