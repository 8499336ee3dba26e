//! Figures, printed and never asserted:
//!
//! ```text
//! cargo test --release -p tfplugin --test terraform figures -- --ignored --nocapture
//! ```

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::process::{COOKIE, end};
use super::workspace::{Workspace, provider};

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Time from spawn to the handshake line, and the memory then, in KiB.
fn handshake() -> (Duration, u64) {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let started = Instant::now();
    let mut child = Command::new(provider())
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_CLIENT_CERT", key.cert.pem())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let took = started.elapsed();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let memory = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap_or_default();
    end(&mut child);
    (took, memory)
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let rounds: Vec<_> = (0..21).map(|_| handshake()).collect();
    println!(
        "handshake: {:?} (median of 21)",
        median(rounds.iter().map(|round| round.0).collect())
    );
    println!("memory at handshake: {} KiB", rounds[0].1);
    let plan = |config: &str| {
        let workspace = Workspace::with(config)?;
        Some(median((0..11).map(|_| workspace.plan().ok().took).collect()))
    };
    let Some(alone) = plan("") else { return };
    let with = plan("resource \"example_board\" \"a\" {\n  name = \"a\"\n}\n").unwrap_or_default();
    println!(
        "plan: {with:?}, terraform alone: {alone:?}, more: {:?}",
        with.saturating_sub(alone)
    );
    let size = std::fs::metadata(provider()).unwrap().len();
    println!("program: {} MiB", size >> 20);
}
