//! `mlops-sandbox`: local AWS and Google Cloud by hand.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use mlops_sandbox::protocol::description::SERVICES;
use mlops_sandbox::sandbox::{NoStart, Sandbox};
use mlops_sandbox::world::Behaviour;

const AFTER: &str = "\
The sandbox answers as the two clouds answer, for every call that it knows, and refuses every other one. It listens on
loopback alone. Any access key opens account 111122223333 as its operator, any bearer token a Google project.

    mlops-sandbox --port 4566                     # prints the variables that point clients here
    eval \"$(mlops-sandbox --port 4566 --print env)\"   # the same, without starting anything
    aws eks list-clusters                         # the AWS CLI then talks to the sandbox
    curl http://127.0.0.1:4566/_sandbox           # faults, time, journal, snapshots: all that can be controlled";

/// Local AWS and Google Cloud on loopback, for tests and demonstrations.
#[derive(Debug, Parser)]
#[command(name = "mlops-sandbox", version, after_help = AFTER)]
struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 4566)]
    port: u16,
    /// Folder that keeps the state over restarts; without it the state ends with the process
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// File that gets a JSON line for every call
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Factor on what takes time (a cluster: 9 minutes): 0 = everything at once, 1 = as long as in the cloud
    #[arg(long, default_value_t = 0.01, value_name = "FACTOR")]
    scale: f64,
    /// How much faster than real time the sandbox's clock runs
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    speed: f64,
    /// Milliseconds of real time that every call takes on its way
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Seed of ids, etags and chances: the same seed and the same calls give the same answers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Refuse what the caller's policies do not allow (the operator may do everything)
    #[arg(long)]
    enforce: bool,
    /// Print and exit: the variables as shell commands, or the services
    #[arg(long, value_enum)]
    print: Option<Print>,
    /// End when standard input ends: for a parent process that may be killed
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Print {
    /// Variables that point clients at this port
    Env,
    /// Services that are known
    Services,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.print {
        Some(Print::Env) => {
            print!("{}", variables(&format!("http://127.0.0.1:{}", arguments.port)));
            return ExitCode::SUCCESS;
        }
        Some(Print::Services) => {
            println!("{}", SERVICES.join("\n"));
            return ExitCode::SUCCESS;
        }
        None => {}
    }
    match start(&arguments) {
        Ok(sandbox) => {
            println!(
                "# Local AWS and Google Cloud at {}; Ctrl-C ends them.",
                sandbox.url
            );
            print!("{}", variables(&sandbox.url));
            println!("# Control: {}/_sandbox", sandbox.url);
            wait(arguments.until_stdin_closes);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("mlops-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<Sandbox, NoStart> {
    let mut builder = Sandbox::builder()
        .port(arguments.port)
        .seed(arguments.seed)
        .speed(arguments.speed)
        .latency(Duration::from_millis(arguments.latency))
        .enforce(arguments.enforce)
        .strict(false)
        .behaviour(Behaviour {
            scale: arguments.scale,
            ..Behaviour::default()
        });
    if let Some(folder) = &arguments.state {
        builder = builder.state(folder);
    }
    if let Some(file) = &arguments.journal {
        builder = builder.journal(file);
    }
    builder.start()
}

/// What points clients here: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>,
/// <https://cloud.google.com/sdk/gcloud/reference/topic/configurations>
fn variables(url: &str) -> String {
    let mut text = format!(
        "export AWS_ENDPOINT_URL={url} AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1\n\
         export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox AWS_SESSION_TOKEN=sandbox\n\
         export AWS_EC2_METADATA_DISABLED=true\n\
         export CLOUDSDK_AUTH_DISABLE_CREDENTIALS=true CLOUDSDK_CORE_DISABLE_PROMPTS=1\n"
    );
    for service in [
        "artifactregistry",
        "cloudkms",
        "cloudresourcemanager",
        "container",
        "iam",
        "iamcredentials",
        "logging",
        "secretmanager",
        "serviceusage",
    ] {
        let name = service.to_uppercase();
        text.push_str(&format!(
            "export CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}={url}/gcp/{service}/\n"
        ));
    }
    text.push_str(&format!(
        "export CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE={url}/gcp/storage/storage/v1/\n\
         export CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE={url}/gcp/compute/compute/v1/\n"
    ));
    text
}

fn wait(until_stdin_closes: bool) {
    if until_stdin_closes {
        let mut rest = Vec::new();
        // An error ends it as the end does.
        let _ = std::io::stdin().read_to_end(&mut rest);
        return;
    }
    loop {
        std::thread::park();
    }
}
