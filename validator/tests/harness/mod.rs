//! Runs the real binary with a scrubbed environment.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests, each of which uses a part"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a run gave.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Everything it printed.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.all().contains(text), "{text:?} is not in\n{}", self.all());
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}", self.out))
    }
}

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .canonicalize()
        .unwrap()
}

/// A folder of its own, without any configuration above it.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub fn run(dir: &Path, args: &[&str]) -> Run {
    run_with(dir, args, b"", &[])
}

pub fn run_with(dir: &Path, args: &[&str], stdin: &[u8], env: &[(&str, &str)]) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tfplan-check"))
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = input.write_all(&bytes);
    });
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        code: out.status.code().unwrap_or(-1),
        out: String::from_utf8(out.stdout).unwrap(),
        err: String::from_utf8(out.stderr).unwrap(),
    }
}

pub fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

/// A plan JSON with the given resource changes.
pub fn plan(changes: &[serde_json::Value]) -> String {
    serde_json::json!({ "format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": changes, "configuration": { "root_module": {} } }).to_string()
}

/// A created managed resource.
pub fn created(kind: &str, name: &str, after: serde_json::Value) -> serde_json::Value {
    serde_json::json!({
        "address": format!("{kind}.{name}"), "mode": "managed", "type": kind, "name": name, "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": { "actions": ["create"], "before": null, "after": after, "after_unknown": {}, "before_sensitive": false, "after_sensitive": {} }
    })
}

/// A plan in which no rule finds anything.
pub fn harmless() -> String {
    plan(&[created("terraform_data", "x", serde_json::json!({}))])
}

pub const REMOTE: &str = "terraform {\n  backend \"s3\" {\n    bucket       = \"acme-prod-tfstate\"\n    key          = \"churn/prod/terraform.tfstate\"\n    region       = \"eu-west-1\"\n    encrypt      = true\n    kms_key_id   = \"alias/tfstate\"\n    use_lockfile = true\n  }\n}\n";

pub fn access_key() -> serde_json::Value {
    created(
        "aws_iam_access_key",
        "ci",
        serde_json::json!({ "user": "ci", "status": "Active" }),
    )
}
