//! The real terraform at work in a folder of its own, and what it says as it says it.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Instant;

use mlops_e2e::terraform::Workspace;
use mlops_e2e::{binary, root};
use serde_json::Value;

/// A run.
pub(crate) struct Run {
    started: Instant,
    workspace: Workspace,
}

impl Run {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            started,
            workspace: Workspace::installed(),
        }
    }

    pub(crate) fn say(&self, text: &str) {
        println!("[{:>6.1} s] {text}", self.started.elapsed().as_secs_f32());
    }

    /// Sets a variable for the commands.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.workspace.set(name, value);
    }

    /// Takes an example up, with values for its variables.
    pub(crate) fn take(&self, example: &str, variables: &Value) -> Result<(), String> {
        for file in ["main.tf", "variables.tf", "outputs.tf"] {
            let text = fs::read_to_string(root().join("examples").join(example).join(file))
                .map_err(|error| format!("examples/{example}/{file}: {error}"))?;
            self.workspace.write(file, &text);
        }
        self.workspace
            .write("terraform.tfvars.json", &variables.to_string());
        Ok(())
    }

    /// Runs a command and shows the lines of it that `show` lets through, as they come.
    pub(crate) fn terraform(
        &self,
        arguments: &[impl AsRef<str>],
        accepted: &[i32],
        show: fn(&str) -> Option<String>,
    ) -> Result<i32, String> {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        self.say(&format!("$ terraform {}", arguments.join(" ")));
        let mut child = self
            .workspace
            .command(&arguments)
            .env("TF_LOG_PROVIDER", "info")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("terraform cannot be started: {error}"))?;
        let stdout = child.stdout.take().ok_or("terraform has no output")?;
        let stderr = child.stderr.take().ok_or("terraform has no output")?;
        // Progress comes through the log on standard error, results on standard output: both as they come.
        let started = self.started;
        let log = std::thread::spawn(move || {
            let mut errors = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(progress) = progress(&line) {
                    println!("[{:>6.1} s]   {progress}", started.elapsed().as_secs_f32());
                } else if !line.contains("[INFO]") && !line.contains("[WARN]") && !line.contains("[DEBUG]") {
                    let _ = writeln!(errors, "{line}");
                }
            }
            errors
        });
        let mut everything = String::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(line) = show(&line) {
                self.say(&format!("  {line}"));
            }
            let _ = writeln!(everything, "{line}");
        }
        let code = child
            .wait()
            .map_err(|error| error.to_string())?
            .code()
            .unwrap_or(-1);
        let errors = log.join().unwrap_or_default();
        if accepted.contains(&code) {
            return Ok(code);
        }
        Err(format!(
            "terraform {} ended with {code}\n{everything}{errors}",
            arguments.join(" ")
        ))
    }

    /// Puts the saved plan to the gate, which must find nothing.
    pub(crate) fn check(&self, plan: &str) -> Result<(), String> {
        self.say(&format!("$ tfplan-check {plan}"));
        let checked = std::process::Command::new(binary("tfplan-check"))
            .arg(self.workspace.path(plan))
            .current_dir(self.workspace.path("."))
            .env("NO_COLOR", "1")
            .output()
            .map_err(|error| format!("tfplan-check cannot be started: {error}"))?;
        for line in String::from_utf8_lossy(&checked.stdout)
            .lines()
            .filter(|line| !line.trim().is_empty())
        {
            self.say(&format!("  {line}"));
        }
        if checked.status.code() == Some(0) {
            return Ok(());
        }
        Err(format!(
            "tfplan-check ended with {:?}\n{}",
            checked.status.code(),
            String::from_utf8_lossy(&checked.stderr)
        ))
    }

    /// The environment's attributes in the state.
    pub(crate) fn resource(&self) -> Value {
        self.workspace.resource("mlops_environment.this")
    }
}

/// What is shown of most commands.
pub(crate) fn summary(line: &str) -> Option<String> {
    ["Plan:", "No changes", "Apply complete", "Destroy complete"]
        .iter()
        .any(|word| line.starts_with(word))
        .then(|| line.to_owned())
}

/// A log line's words without the fields behind them.
fn plain(text: &str) -> &str {
    let ends = [": @module=", ": elapsed_s=", ": component="];
    let end = ends.iter().filter_map(|field| text.find(field)).min();
    end.map_or(text, |end| &text[..end])
}

/// The text of a progress line in the provider's log.
fn progress(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("[INFO]  provider.")?;
    let text = rest.split_once(": ")?.1;
    let address = text.split(':').next()?;
    let known = [
        "buckets.",
        "keys.",
        "cluster",
        "node_pools.",
        "identities.",
        "federation.",
        "registry",
        "repositories.",
        "secrets.",
        "trust.",
    ];
    (text.contains(": ready")
        || text.contains(": gone")
        || text.contains("not ready")
        || text.contains("not deleted"))
    .then(|| known.iter().any(|prefix| address.starts_with(prefix)))
    .filter(|wanted| *wanted)
    .map(|_| plain(text).to_owned())
}
