//! `terraform-provider-mlops`: see [`terraform_provider_mlops::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    terraform_provider_mlops::program::run(std::env::args())
}
