//! What Terraform starts, and what a person may run by hand.

use std::process::ExitCode;

use tfplugin::ServeOptions;

use crate::Mlops;

const HELP: &str = "\
Terraform provider for ML environments on AWS and Google Cloud, without static keys.

Terraform starts this program by itself. In a configuration:

  terraform {
    required_providers {
      mlops = { source = \"mlops/mlops\" }
    }
  }

  provider \"mlops\" {
    aws = { region = \"eu-west-1\" }
  }

  resource \"mlops_environment\" \"dev\" {
    name = \"churn-dev\"
    tier = \"dev\"
    aws  = { existing_network = { vpc_id = \"vpc-…\", private_subnet_ids = [\"subnet-…\", \"subnet-…\"] } }
    services = { churn = {} }
  }

Usage: terraform-provider-mlops [COMMAND] [OPTION]

Commands:
  bootstrap      Make what must stand before the first environment: a place for state, and a way in (--help tells more)
  doctor         Check what the identities of an environment may really do (--help tells more)
  graph          Draw an environment as SVG (--help tells more)

Options:
  --debug        Serve one provider process for many runs and print TF_REATTACH_PROVIDERS to set
  -V, --version  Print the version
  -h, --help     Print this help

Environment:
  TF_LOG, TF_LOG_PROVIDER   Log level of Terraform and of providers: info shows the progress of every component
  AWS_PROFILE, AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, …
                            Credentials come from the AWS SDK's chain; long-term access keys are refused
  GOOGLE_APPLICATION_CREDENTIALS, …
                            Application default credentials; a service account's key file is refused
";

/// The program, from its arguments to its exit code.
///
/// Whole and without a type parameter, so that it is compiled into this crate once: in the binary's crate it would be compiled there a
/// second time, with the protocol's server and every call of the clouds' clients that it leads to.
pub fn run(arguments: std::env::Args) -> ExitCode {
    let mut debug = false;
    let mut arguments = arguments.skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "doctor" => return crate::doctor::run(arguments),
            "graph" => return crate::graph::run(arguments),
            "bootstrap" => return crate::bootstrap::run(arguments),
            "--debug" | "-debug" => debug = true,
            "-V" | "--version" => {
                println!("terraform-provider-mlops {}", env!("CARGO_PKG_VERSION"));
                return ExitCode::SUCCESS;
            }
            "-h" | "--help" | "help" => {
                print!("{HELP}");
                return ExitCode::SUCCESS;
            }
            other => {
                eprintln!("error: unknown argument '{other}'\n\nTry 'terraform-provider-mlops --help'.");
                return ExitCode::from(2);
            }
        }
    }
    if !debug && !tfplugin::serve::started_by_terraform() {
        println!("terraform-provider-mlops {}\n", env!("CARGO_PKG_VERSION"));
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let mut options = ServeOptions::new("registry.terraform.io/mlops/mlops");
    options.debug = debug;
    tfplugin::serve(Mlops::new(), options)
}
