//! What one command took: wall time, processor time and peak of memory of it and everything it starts.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// What it took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of all processors, of all its processes that have ended.
    pub(crate) cpu: f64,
    /// Largest sum of resident memory of its processes at one time, in bytes; pages that they share count for each.
    pub(crate) memory: f64,
}

/// Runs a command to its end.
///
/// # Errors
/// What it said where it failed.
pub(crate) fn run(command: &mut Command) -> Result<(Taken, String), String> {
    let before = children_cpu()?;
    let start = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let (process, ended) = (child.id(), AtomicBool::new(false));
    let (output, memory) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut peak: f64 = 0.0;
            while !ended.load(Ordering::Relaxed) {
                peak = peak.max(tree_memory(process));
                std::thread::sleep(LOOK);
            }
            peak
        });
        let output = child.wait_with_output();
        ended.store(true, Ordering::Relaxed);
        (output, watch.join().unwrap_or_default())
    });
    let wall = start.elapsed().as_secs_f64();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let end: Vec<&str> = stdout.lines().rev().take(20).collect();
        return Err(format!(
            "{command:?}: {}\n{errors}\n{}",
            output.status,
            end.into_iter().rev().collect::<Vec<_>>().join("\n")
        ));
    }
    let cpu = children_cpu()? - before;
    Ok((Taken { wall, cpu, memory }, stdout))
}

/// The middle one of several measurements, each figure for itself.
pub(crate) fn median(all: &[Taken]) -> Taken {
    Taken {
        wall: middle(all.iter().map(|taken| taken.wall)),
        cpu: middle(all.iter().map(|taken| taken.cpu)),
        memory: middle(all.iter().map(|taken| taken.memory)),
    }
}

/// The middle one of several figures; 0 of none.
pub(crate) fn middle(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = all.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Processor seconds of this process's ended and awaited descendants: fields 16 and 17 of proc_pid_stat(5), in hundredths.
fn children_cpu() -> Result<f64, String> {
    let stat = std::fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("/proc/self/stat: {error}: this measures on Linux"))?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields
        .skip(13)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(ticks / 100.0)
}

/// Resident memory of a process and its descendants, in bytes.
fn tree_memory(root: u32) -> f64 {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut resident: HashMap<u32, f64> = HashMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        // A process that ended meanwhile has no status any more.
        let Ok(status) = std::fs::read_to_string(entry.path().join("status")) else {
            continue;
        };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
        };
        if let Some(parent) = field("PPid:") {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "numbers of processes are small and positive"
            )]
            children.entry(parent as u32).or_default().push(process);
        }
        resident.insert(process, field("VmRSS:").unwrap_or_default() * 1024.0);
    }
    let (mut sum, mut left) = (0.0, vec![root]);
    while let Some(process) = left.pop() {
        sum += resident.get(&process).copied().unwrap_or_default();
        left.extend(children.get(&process).into_iter().flatten());
    }
    sum
}
