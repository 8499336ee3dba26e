//! What the binaries cost before they do anything: size, handshake, memory; and a plan over Terraform alone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use mlops_e2e::binary;
use mlops_e2e::terraform::{Workspace, plugin_mirror};
use mlops_sandbox::Behaviour;

use crate::lives::{self, Maker};
use crate::measure;
use crate::report::{Table, megabytes, seconds, times};

/// <https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol>: what tells a plugin that Terraform started it.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

const ROUNDS: usize = 9;

/// Seconds to the handshake, and resident memory then.
fn handshake(program: &Path) -> Result<(f64, f64), String> {
    let said = |error: std::io::Error| format!("{}: {error}", program.display());
    let start = Instant::now();
    let mut child = Command::new(program)
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(said)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(said)?;
    }
    let took = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default();
    let memory = peak
        .trim()
        .trim_end_matches(" kB")
        .parse::<f64>()
        .unwrap_or_default()
        * 1024.0;
    child.kill().map_err(said)?;
    child.wait().map_err(said)?;
    if line.starts_with("1|") {
        Ok((took, memory))
    } else {
        Err(format!(
            "{} shook no hands: it said \"{line}\"",
            program.display()
        ))
    }
}

/// The program of the hashicorp/aws provider in the mirror.
fn rival() -> Option<PathBuf> {
    let mut folders = vec![plugin_mirror()?.join("registry.terraform.io/hashicorp/aws")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if entry
                .file_name()
                .to_string_lossy()
                .starts_with("terraform-provider-aws")
            {
                return Some(path);
            }
        }
    }
    None
}

/// `hashicorp/aws 5.100.0`, as the mirror's folders say: its program lies below its version and the platform.
pub(crate) fn rivals_name() -> String {
    let version = rival().and_then(|program| {
        let folder = program.parent()?.parent()?.file_name()?;
        Some(format!("hashicorp/aws {}", folder.to_string_lossy()))
    });
    version.unwrap_or_else(|| "hashicorp/aws".to_owned())
}

/// The table.
///
/// # Errors
/// What failed.
pub(crate) fn compare() -> Result<Table, String> {
    let mut table = Table::new(
        "Start",
        &format!("Medians of {ROUNDS} in turns. Memory is the provider's own peak when it has shaken hands."),
        &["what", "ours", "hashicorp/aws", "ratio", "budget"],
    );
    let ours = binary("terraform-provider-mlops");
    let theirs = rival();
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(handshake(&ours)?);
        if let Some(theirs) = &theirs {
            other.push(handshake(theirs)?);
        }
    }
    let size = |path: &Path| {
        #[expect(clippy::cast_precision_loss, reason = "megabytes")]
        std::fs::metadata(path).map_or(0.0, |file| file.len() as f64)
    };
    let mut row = |what: &str, own: f64, other: Option<f64>, written: fn(f64) -> String, budget: &str| {
        table.row([
            what.to_owned(),
            written(own),
            other.map_or("not available here".to_owned(), written),
            other.map_or("-".to_owned(), |other| times(own, other)),
            budget.to_owned(),
        ]);
    };
    let of = |all: &[(f64, f64)], figure: fn(&(f64, f64)) -> f64| measure::middle(all.iter().map(figure));
    let present = |value: f64| theirs.is_some().then_some(value);
    row(
        "binary",
        size(&ours),
        theirs.as_deref().map(size),
        megabytes,
        "80 MB",
    );
    row(
        "handshake",
        of(&own, |one| one.0),
        present(of(&other, |one| one.0)),
        seconds,
        "5 ms",
    );
    row(
        "memory",
        of(&own, |one| one.1),
        present(of(&other, |one| one.1)),
        megabytes,
        "30 MB",
    );

    let alone = Workspace::empty();
    alone.write("main.tf", "resource \"terraform_data\" \"this\" {}\n");
    measure::run(&mut alone.command(&["init"]))?;
    let (cloud, network) = lives::cloud(Behaviour::default())?;
    let with = lives::workspace(Maker::Ours, &cloud, &network)?;
    let rival = match theirs {
        Some(_) => Some(lives::workspace(Maker::Theirs, &cloud, &network)?),
        None => None,
    };
    let (mut bare, mut own, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(measure::run(&mut alone.command(&["plan"]))?.0);
        own.push(measure::run(&mut with.command(&["plan"]))?.0);
        if let Some(rival) = &rival {
            other.push(measure::run(&mut rival.command(&["plan"]))?.0);
        }
    }
    let bare = measure::median(&bare).wall;
    row(
        "plan of a create, over Terraform alone",
        measure::median(&own).wall - bare,
        rival.map(|_| measure::median(&other).wall - bare),
        seconds,
        "0.15 s",
    );
    table.notes.push(format!(
        "Terraform alone plans a `terraform_data` in {}.",
        seconds(bare)
    ));
    Ok(table)
}
