//! The local AWS: moto in a virtual environment, started on a free port of loopback.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::root;

/// Credentials that open nothing: accepted by the provider only because every endpoint is overridden.
pub const DUMMY_CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_SESSION_TOKEN", "test"),
];

/// Services that the provider calls.
pub const SERVICES: [&str; 9] = [
    "ec2",
    "ecr",
    "eks",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sts",
];

/// A running local AWS; it ends with the value.
#[derive(Debug)]
pub struct Cloud {
    process: Child,
    /// `http://127.0.0.1:<port>`.
    pub url: String,
}

/// The network that environments use, made beforehand as a platform team would.
#[derive(Debug, Clone, Deserialize)]
pub struct Network {
    /// The VPC.
    pub vpc_id: String,
    /// Private subnets in three zones.
    pub private_subnet_ids: Vec<String>,
    /// Public subnets in three zones.
    pub public_subnet_ids: Vec<String>,
}

impl Cloud {
    /// Starts it.
    ///
    /// # Errors
    /// What is missing, in words: `make venv` installs it.
    pub fn start() -> Result<Self, String> {
        let python = python();
        if !python.exists() {
            return Err(format!(
                "{} is missing: `make venv` installs the local AWS",
                python.display()
            ));
        }
        let mut process = Command::new(&python)
            .arg(script("serve.py"))
            .args(["--port", "0", "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", python.display()))?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(|error| format!("the local AWS said nothing: {error}"))?;
        }
        let url = line.trim().to_owned();
        if !url.starts_with("http://127.0.0.1:") {
            return Err(format!("the local AWS did not start: it said \"{url}\""));
        }
        Ok(Self { process, url })
    }

    /// Runs one of the scripts beside the launcher against this cloud and reads the JSON it prints.
    ///
    /// # Errors
    /// What the script said.
    pub fn ask(&self, name: &str, arguments: &[&str]) -> Result<Value, String> {
        let output = Command::new(python())
            .arg(script(name))
            .arg(&self.url)
            .args(arguments)
            .envs(DUMMY_CREDENTIALS)
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .output()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{name} printed no JSON: {error}"))
    }

    /// Makes the network.
    ///
    /// # Errors
    /// What the script said.
    pub fn network(&self) -> Result<Network, String> {
        serde_json::from_value(self.ask("network.py", &["--region", "eu-west-1"])?)
            .map_err(|error| format!("network.py: {error}"))
    }

    /// Everything that stands, read by boto3.
    ///
    /// # Errors
    /// What the script said.
    pub fn inventory(&self) -> Result<Value, String> {
        self.ask("inventory.py", &[])
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn python() -> PathBuf {
    root().join("tests/.venv/bin/python")
}

fn script(name: &str) -> PathBuf {
    root().join("tests/moto").join(name)
}
