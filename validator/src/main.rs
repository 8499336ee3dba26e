//! Judges Terraform plans in CI.

use std::process::ExitCode;

fn main() -> ExitCode {
    tfplan_check::cli::main()
}
