//! Starts the emulator and ends it with the test process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// The account of every caller.
pub(crate) const ACCOUNT: &str = "123456789012";

/// A running emulator: ends when `_stdin` closes, at the latest with this process.
pub(crate) struct Emulator {
    pub(crate) url: String,
    pub(crate) network: Network,
    python: PathBuf,
    /// File with an identity token.
    pub(crate) token: PathBuf,
    /// ARN of a key; nobody looks whether it exists.
    pub(crate) key: String,
    _stdin: Option<ChildStdin>,
    _process: Child,
}

/// A VPC with subnets in three zones.
#[derive(serde::Deserialize)]
pub(crate) struct Network {
    pub(crate) vpc_id: String,
    pub(crate) private_subnet_ids: Vec<String>,
    pub(crate) public_subnet_ids: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn start() -> Result<Emulator, String> {
    let python = std::env::var_os("MLOPS_TEST_PYTHON")
        .map_or_else(|| root().join("tests/.venv/bin/python"), PathBuf::from);
    if !python.exists() {
        return Err(format!(
            "no {}: make it as tests/moto/README.md says, or set MLOPS_TEST_PYTHON",
            python.display()
        ));
    }
    let mut process = Command::new(&python)
        .arg(root().join("tests/moto/serve.py"))
        .args(["--until-stdin-closes", "--eks-seconds", "0.1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", python.display()))?;
    let mut url = String::new();
    let stdout = process.stdout.take().ok_or("no stdout")?;
    BufReader::new(stdout)
        .read_line(&mut url)
        .map_err(|error| error.to_string())?;
    let url = url.trim().to_owned();
    if url.is_empty() {
        return Err("the emulator did not start; its message is above".into());
    }
    let made = Command::new(&python)
        .arg(root().join("tests/moto/network.py"))
        .arg(&url)
        .output()
        .map_err(|error| error.to_string())?;
    let network = serde_json::from_slice(&made.stdout)
        .map_err(|error| format!("network.py: {error}: {}", String::from_utf8_lossy(&made.stderr)))?;
    let token = std::env::temp_dir().join(format!("mlops-aws-token-{}", std::process::id()));
    std::fs::write(&token, "header.claims.signature").map_err(|error| error.to_string())?;
    Ok(Emulator {
        url,
        network,
        python,
        token,
        key: format!("arn:aws:kms:eu-central-1:{ACCOUNT}:key/k"),
        _stdin: process.stdin.take(),
        _process: process,
    })
}

/// The emulator of this test process, or `None` with the reason printed.
pub(crate) fn emulator() -> Option<&'static Emulator> {
    static MOTO: OnceLock<Result<Emulator, String>> = OnceLock::new();
    match MOTO.get_or_init(start) {
        Ok(emulator) => Some(emulator),
        Err(reason) => {
            // Where the emulator must be there, skipping would hide a broken setup.
            assert!(std::env::var_os("MLOPS_REQUIRE_MOTO").is_none(), "{reason}");
            eprintln!("skipped: {reason}");
            None
        }
    }
}

impl Emulator {
    /// Runs a few lines of boto3 with `client(service)` at hand; what they print as JSON comes back.
    pub(crate) fn boto3(&self, script: &str) -> serde_json::Value {
        crate::harness::boto3(&self.python, &self.url, script)
    }
}
