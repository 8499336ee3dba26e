//! A workspace in which the real terraform runs our provider.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::cloud::{Cloud, DUMMY_CREDENTIALS, Network, SERVICES};
use crate::{binary, root};

/// Version under which the provider is installed for `terraform init`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Lines of a command's output that are worth a look when it failed: a plan before them has hundreds.
const TAIL: usize = 40;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Wall time.
    pub took: Duration,
}

impl Ran {
    /// Both streams.
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// What it said, for a reader who wants to know why: errors first, and of the rest the end, where it stopped.
    pub fn reasons(&self) -> String {
        let lines: Vec<&str> = self.stdout.lines().collect();
        let cut = lines.len().saturating_sub(TAIL);
        let left_out = if cut > 0 {
            format!("({cut} lines left out)\n")
        } else {
            String::new()
        };
        format!(
            "exit code {} after {:.1} s\n{}\n--- standard output\n{left_out}{}",
            self.code,
            self.took.as_secs_f64(),
            self.stderr.trim(),
            lines[cut..].join("\n")
        )
    }

    /// The same, or a panic that shows why.
    ///
    /// # Panics
    /// Where the exit code is another one.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "unexpected {}", self.reasons());
        self
    }
}

/// A directory with a configuration and the provider at hand.
#[derive(Debug)]
pub struct Workspace {
    directory: TempDir,
    environment: BTreeMap<String, String>,
    program: OsString,
}

impl Workspace {
    /// An empty one whose provider comes straight from the build (no `init` needed).
    ///
    /// # Panics
    /// Where the directory cannot be written.
    pub fn new() -> Self {
        let provider = binary("terraform-provider-mlops");
        let folder = provider.parent().unwrap_or(Path::new(".")).display().to_string();
        Self::with_cli_config(&format!(
            "provider_installation {{\n  dev_overrides {{\n    \"mlops/mlops\" = \"{folder}\"\n  }}\n  direct {{}}\n}}\n"
        ))
    }

    /// An empty one with the provider in a mirror, as after `make install`: `terraform init` finds it.
    ///
    /// # Panics
    /// Where the directory cannot be written.
    pub fn installed() -> Self {
        let workspace = Self::with_cli_config("");
        workspace.mirror("mlops/mlops", VERSION, "terraform-provider-mlops");
        let config = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            workspace.path("mirror").display()
        );
        workspace.write("cli.tfrc", &config);
        workspace
    }

    /// Puts a binary of this workspace into its mirror, as the provider of that source.
    ///
    /// # Panics
    /// Where the mirror cannot be written.
    pub fn mirror(&self, source: &str, version: &str, package: &'static str) {
        let platform = format!(
            "{}_{}",
            std::env::consts::OS,
            match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            }
        );
        let folder = self.path(&format!(
            "mirror/registry.terraform.io/{source}/{version}/{platform}"
        ));
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let kind = source.rsplit('/').next().unwrap_or(source);
        let target = folder.join(format!("terraform-provider-{kind}_v{version}"));
        let provider = binary(package);
        fs::hard_link(&provider, &target)
            .or_else(|_| fs::copy(&provider, &target).map(|_| ()))
            .unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    }

    /// The same with the providers of another mirror beside ours.
    ///
    /// # Panics
    /// Where the directory cannot be written.
    pub fn installed_beside(others: &Path) -> Self {
        let workspace = Self::installed();
        let mirror = |path: &Path, scope: &str| {
            format!(
                "  filesystem_mirror {{\n    path = \"{}\"\n    {scope} = [\"mlops/mlops\"]\n  }}\n",
                path.display()
            )
        };
        let ours = mirror(&workspace.path("mirror"), "include");
        let theirs = mirror(others, "exclude");
        workspace.write(
            "cli.tfrc",
            &format!("provider_installation {{\n{ours}{theirs}}}\n"),
        );
        workspace
    }

    /// An empty one with the providers of a mirror, and not ours.
    ///
    /// # Panics
    /// Where the directory cannot be written.
    pub fn mirrored(mirror: &Path) -> Self {
        Self::with_cli_config(&format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        ))
    }

    /// An empty one without any provider but those that terraform itself holds.
    ///
    /// # Panics
    /// Where the directory cannot be written.
    pub fn empty() -> Self {
        Self::with_cli_config("provider_installation {\n  direct {}\n}\n")
    }

    fn with_cli_config(config: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("mlops-e2e-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary directory: {error}"));
        let workspace = Self {
            directory,
            environment: BTreeMap::new(),
            program: program(),
        };
        workspace.write("cli.tfrc", config);
        workspace
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
        }
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        self
    }

    /// Sets a variable of the environment of later commands.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Lets another program that speaks Terraform's protocol do the work: OpenTofu's `tofu`.
    pub fn by(&mut self, program: &str) -> &mut Self {
        self.program = program.into();
        self
    }

    /// A command of terraform, ready to run: scrubbed environment, no colours, no questions.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("TF_CLI_ARGS", "-no-color")
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(DUMMY_CREDENTIALS)
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    /// Runs terraform.
    ///
    /// # Panics
    /// Where terraform cannot be started.
    pub fn terraform(&self, arguments: &[&str]) -> Ran {
        let started = Instant::now();
        let output = self
            .command(arguments)
            .output()
            .unwrap_or_else(|error| panic!("terraform cannot be started: {error}"));
        ran(&output, started.elapsed())
    }

    /// Copies a folder of the repository into it, at the same place; without what terraform leaves behind.
    ///
    /// # Panics
    /// Where it cannot be copied.
    pub fn copy(&self, folder: &str) -> &Self {
        let from = root().join(folder);
        let entries = fs::read_dir(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        for entry in entries.filter_map(Result::ok) {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if name.contains("/.terraform") {
                continue;
            }
            if entry.path().is_dir() {
                self.copy(&name);
            } else {
                let text = fs::read_to_string(entry.path())
                    .unwrap_or_else(|error| panic!("{}: {error}", entry.path().display()));
                self.write(&name, &text);
            }
        }
        self
    }

    /// The state as terraform tells it.
    ///
    /// # Panics
    /// Where it cannot be read.
    pub fn state(&self) -> Value {
        let shown = self.terraform(&["show", "-json"]).expect(0);
        serde_json::from_str(&shown.stdout).unwrap_or_else(|error| panic!("show -json: {error}"))
    }

    /// Attributes of a managed resource in the state.
    ///
    /// # Panics
    /// Where it is not in the state.
    pub fn resource(&self, address: &str) -> Value {
        let state = self.state();
        let resources = state["values"]["root_module"]["resources"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        resources
            .into_iter()
            .find(|resource| resource["address"] == address)
            .map_or_else(
                || panic!("{address} is not in the state"),
                |resource| resource["values"].clone(),
            )
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}

/// The result of a finished command.
pub fn ran(output: &Output, took: Duration) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took,
    }
}

/// The provider block for a local cloud.
pub fn provider_block(cloud: &Cloud) -> String {
    let endpoints = SERVICES
        .map(|service| format!("      {service} = \"{}\"\n", cloud.url))
        .concat();
    format!(
        "terraform {{\n  required_providers {{\n    mlops = {{ source = \"mlops/mlops\" }}\n  }}\n}}\n\n\
         provider \"mlops\" {{\n  aws = {{\n    region = \"eu-west-1\"\n    endpoints = {{\n{endpoints}    }}\n  }}\n}}\n"
    )
}

/// The `aws` attribute of an environment in the given network.
pub fn aws_block(network: &Network) -> String {
    format!(
        "aws = {{\n    existing_network = {{\n      vpc_id             = {:?}\n      private_subnet_ids = {:?}\n      \
         public_subnet_ids  = {:?}\n    }}\n  }}",
        network.vpc_id, network.private_subnet_ids, network.public_subnet_ids
    )
}

/// Whether terraform can be started; tests say so where it cannot.
pub fn available() -> bool {
    starts(&program())
}

/// Whether a program can be asked for its version.
pub fn starts(program: &OsStr) -> bool {
    let asked = Command::new(program).arg("version").output();
    asked.is_ok_and(|output| output.status.success())
}

fn program() -> OsString {
    std::env::var_os("TERRAFORM").unwrap_or_else(|| "terraform".into())
}

/// A folder with provider packages: named in `TF_PLUGIN_MIRROR`, or found a level below the usual places.
pub fn plugin_mirror() -> Option<PathBuf> {
    let holds_aws = |folder: &PathBuf| folder.join("registry.terraform.io/hashicorp/aws").is_dir();
    if let Some(named) = std::env::var_os("TF_PLUGIN_MIRROR").map(PathBuf::from) {
        return Some(named).filter(holds_aws);
    }
    [
        "/opt",
        "/usr/share",
        "/usr/local/share",
        "/usr/share/terraform",
        "/usr/local/share/terraform",
    ]
    .into_iter()
    .filter_map(|place| fs::read_dir(place).ok())
    .flat_map(|folder| folder.filter_map(Result::ok))
    .map(|entry| entry.path())
    .find(holds_aws)
}
