//! `make demo`: the main job, start to end, against a local AWS: no account, nothing left behind.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

use mlops_e2e::cloud::{Cloud, SERVICES};
use mlops_e2e::terraform::Workspace;
use mlops_e2e::{binary, root};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let started = Instant::now();
    match run(started) {
        Ok(()) => {
            println!(
                "\nDone in {:.1} s. Nothing is left running or lying about.",
                started.elapsed().as_secs_f32()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Demo {
    started: Instant,
    workspace: Workspace,
}

impl Demo {
    fn say(&self, text: &str) {
        println!("[{:>6.1} s] {text}", self.started.elapsed().as_secs_f32());
    }

    /// Runs a command and shows the lines of it that `show` lets through, as they come.
    fn terraform(
        &self,
        arguments: &[&str],
        accepted: &[i32],
        show: fn(&str) -> Option<String>,
    ) -> Result<i32, String> {
        self.say(&format!("$ terraform {}", arguments.join(" ")));
        let mut child = self
            .workspace
            .command(arguments)
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
        "repositories.",
        "secrets.",
    ];
    (text.contains(": ready")
        || text.contains(": gone")
        || text.contains("not ready")
        || text.contains("not deleted"))
    .then(|| known.iter().any(|prefix| address.starts_with(prefix)))
    .filter(|wanted| *wanted)
    .map(|_| plain(text).to_owned())
}

fn run(started: Instant) -> Result<(), String> {
    println!("One ML environment on a local AWS: plan, check, apply, plan again, destroy.\n");
    let cloud = Cloud::start()?;
    let mut demo = Demo {
        started,
        workspace: Workspace::installed(),
    };
    demo.say(&format!("local AWS (the project's own sandbox) on {}", cloud.url));
    let network = cloud.network()?;
    demo.say(&format!(
        "a network, as a platform team would have: {} with 3 zones",
        network.vpc_id
    ));
    cloud.state_bucket("mlops-demo-state")?;
    demo.say("a bucket for the state: mlops-demo-state, versioned, with lockfile; no state on this disk");

    for file in ["main.tf", "variables.tf", "outputs.tf"] {
        let text = fs::read_to_string(root().join("examples/aws-dev").join(file))
            .map_err(|error| format!("examples/aws-dev/{file}: {error}"))?;
        demo.workspace.write(file, &text);
    }
    let endpoints: BTreeMap<&str, &str> = SERVICES.map(|service| (service, cloud.url.as_str())).into();
    let variables = json!({
        "endpoints": endpoints,
        "network": {
            "vpc_id": network.vpc_id,
            "private_subnet_ids": network.private_subnet_ids,
            "public_subnet_ids": network.public_subnet_ids,
        },
    });
    demo.workspace
        .write("terraform.tfvars.json", &variables.to_string());
    demo.workspace.set("AWS_ENDPOINT_URL_S3", &cloud.url);

    println!();
    demo.terraform(
        &[
            "init",
            "-backend-config=bucket=mlops-demo-state",
            "-backend-config=key=churn-dev/terraform.tfstate",
            "-backend-config=region=eu-west-1",
            "-backend-config=skip_credentials_validation=true",
            "-backend-config=skip_requesting_account_id=true",
            "-backend-config=use_path_style=true",
        ],
        &[0],
        |line| line.contains("successfully initialized").then(|| line.to_owned()),
    )?;
    let summary: fn(&str) -> Option<String> = |line| {
        ["Plan:", "No changes", "Apply complete", "Destroy complete"]
            .iter()
            .any(|word| line.starts_with(word))
            .then(|| line.to_owned())
    };
    demo.terraform(&["plan", "-out=plan.tfplan"], &[0], summary)?;

    let plan = demo.workspace.path("plan.tfplan");
    demo.say("$ tfplan-check plan.tfplan");
    let checked = std::process::Command::new(binary("tfplan-check"))
        .arg(&plan)
        .current_dir(demo.workspace.path("."))
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| format!("tfplan-check cannot be started: {error}"))?;
    for line in String::from_utf8_lossy(&checked.stdout)
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        demo.say(&format!("  {line}"));
    }
    if checked.status.code() != Some(0) {
        return Err(format!(
            "tfplan-check ended with {:?}\n{}",
            checked.status.code(),
            String::from_utf8_lossy(&checked.stderr)
        ));
    }

    demo.terraform(&["apply", "plan.tfplan"], &[0], summary)?;
    let second = demo.terraform(&["plan", "-detailed-exitcode"], &[0, 2], summary)?;
    if second != 0 {
        return Err("the second plan is not empty".into());
    }
    let environment = demo.workspace.resource("mlops_environment.this");
    let inventory = cloud.inventory()?;

    println!();
    print_components(&environment);
    print_identities(&inventory);

    demo.terraform(&["apply", "-destroy", "-auto-approve"], &[0], summary)?;
    let left = leftovers(&cloud.inventory()?);
    println!();
    println!("second plan   empty");
    let (waiting, unexpected): (Vec<&String>, Vec<&String>) =
        left.iter().partition(|item| item.contains("PendingDeletion"));
    println!(
        "left behind   nothing but {} keys in the window in which they can be brought back",
        waiting.len()
    );
    if unexpected.is_empty() {
        Ok(())
    } else {
        Err(format!("destroy left {unexpected:?}"))
    }
}

fn print_components(environment: &Value) {
    println!("{:<34} {:<20} {:<8} managed", "component", "kind", "state");
    for (address, component) in environment["components"].as_object().into_iter().flatten() {
        let text = |name: &str| component[name].as_str().unwrap_or("").to_owned();
        println!(
            "{address:<34} {:<20} {:<8} {}",
            text("kind"),
            text("state"),
            text("managed")
        );
    }
    println!();
}

/// What each identity may do, judged from the documents that stand in the cloud.
fn print_identities(inventory: &Value) {
    println!("identity                 may (as the policies in the cloud say, read back from it)");
    for (name, role) in inventory["roles"].as_object().into_iter().flatten() {
        if role["tags"]["mlops:environment"].is_null()
            || !role["tags"]["mlops:component"]
                .as_str()
                .unwrap_or("")
                .starts_with("identities.")
        {
            continue;
        }
        let mut may: Vec<String> = Vec::new();
        for document in role["inline"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, document)| document)
        {
            for statement in document["Statement"].as_array().into_iter().flatten() {
                if let Some(sid) = statement["Sid"].as_str() {
                    may.push(sid.to_owned());
                }
            }
        }
        println!("{name:<24} {}", may.join(", "));
    }
    println!();
}

/// Whatever carries our mark after a destroy.
fn leftovers(inventory: &Value) -> Vec<String> {
    let mut left = Vec::new();
    for (kind, items) in inventory.as_object().into_iter().flatten() {
        for (name, item) in items.as_object().into_iter().flatten() {
            let tags = if kind == "clusters" {
                &item["cluster"]["tags"]
            } else {
                &item["tags"]
            };
            if !tags["mlops:environment"].is_null() {
                let state = item["state"]
                    .as_str()
                    .map(|state| format!(" ({state})"))
                    .unwrap_or_default();
                left.push(format!("{kind} {name}{state}"));
            }
        }
    }
    left
}
