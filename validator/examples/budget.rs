//! Measures the budget: a whole run of tfplan-check against a bare typed parse of the same file, in the same run, and the peak of memory.
//!
//! ```text
//! cargo run --release -p tfplan-check --example budget [RESOURCES] [ROUNDS]
//! ```
//!
//! Each measurement is a process of its own (this program again): `bare` and `whole` in turns, and the median of each is compared. Times
//! are from the start of reading the file to the verdict; `cpu` is that of all threads, which is what to compare on a machine that has other
//! things to do. Budgets: at most 3 times the bare parse, at most
//! 100 MB more than the file, and 20 ms from the start of the process to the verdict on 100 resources.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a measurement"
)]

#[path = "../benches/generated/mod.rs"]
mod generated;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use generated::{Mix, bare};
use tfplan_check::check::{self, Request};
use tfplan_check::config::Config;
use tfplan_check::finding::{Family, Level};

/// What one process tells about itself.
#[derive(Clone, Copy, Debug)]
struct Told {
    seconds: f64,
    cpu: f64,
    /// Peak of resident memory, in bytes.
    peak: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(what @ ("bare" | "whole")) => one(what, Path::new(&arguments[1])),
        _ => {
            let number = |i: usize, default| arguments.get(i).and_then(|n| n.parse().ok()).unwrap_or(default);
            all(number(0, 50_000), number(1, 5));
        }
    }
}

/// The measured work, and what it took.
fn one(what: &str, path: &Path) {
    let start = Instant::now();
    if what == "bare" {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(bare::parse(&text) > 0);
        println!("{}", told(start));
    } else {
        let saved = path.extension().is_some_and(|e| e == "tfplan");
        let request = Request {
            plans: vec![path.to_owned()],
            plan_file: None,
            root: None,
            source_prefix: None,
            backend: (!saved).then(|| "s3".to_owned()),
            families: Family::ALL.to_vec(),
            strict: false,
            config: Config::default(),
            baseline: None,
            today: jiff::civil::date(2026, 1, 1),
            picture: false,
        };
        let outcome = check::run(&request).unwrap();
        let _ = outcome.verdict(Level::Error);
        println!("{}", told(start));
    }
}

fn told(start: Instant) -> String {
    let seconds = start.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux: /proc tells the peak of memory");
    let kilobytes: f64 = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.trim().trim_end_matches(" kB").parse().ok())
        .unwrap();
    // Fields 14 and 15, counted behind the name in brackets, in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|f| f.parse().unwrap())
        .collect();
    format!(
        "{seconds} {} {}",
        (fields[0] + fields[1]) / 100.0,
        kilobytes * 1024.0
    )
}

fn child(what: &str, path: &Path) -> Told {
    let out = Command::new(std::env::current_exe().unwrap())
        .arg(what)
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    let n: Vec<f64> = text.split_whitespace().map(|f| f.parse().unwrap()).collect();
    let [seconds, cpu, peak] = n[..] else {
        panic!("{text} {}", String::from_utf8_lossy(&out.stderr));
    };
    Told { seconds, cpu, peak }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn met(ok: bool) -> &'static str {
    if ok { "met" } else { "MISSED" }
}

fn all(n: usize, rounds: usize) {
    let folder = std::env::temp_dir().join(format!("tfplan-check-budget-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!(
        "{n} resources, median of {rounds}, {} processors",
        rayon_threads()
    );
    println!(
        "{:<18} {:>8} {:>8} {:>8} {:>7} {:>8} {:>8} {:>7} {:>10}",
        "plan", "file MB", "bare s", "whole s", "ratio", "bare cpu", "cpu", "ratio", "over file"
    );
    for mix in Mix::ALL {
        let json = write(&folder, mix.name(), "json", generated::plan(n, mix).as_bytes());
        let (mut floor, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            floor.push(child("bare", &json));
            whole.push(child("whole", &json));
        }
        row(mix.name(), &json, &floor, &whole);
        if mix != Mix::First {
            let saved = write(&folder, mix.name(), "tfplan", &generated::saved(n, mix));
            let whole: Vec<Told> = (0..rounds).map(|_| child("whole", &saved)).collect();
            row(&format!("{}, saved", mix.name()), &saved, &floor, &whole);
        }
    }
    let small = write(
        &folder,
        "small",
        "json",
        generated::plan(100, Mix::Families).as_bytes(),
    );
    let times = (0..rounds.max(15)).map(|_| {
        let start = Instant::now();
        child("whole", &small);
        start.elapsed().as_secs_f64() * 1000.0
    });
    let ms = median(times.collect());
    println!(
        "100 resources, start of the process to the verdict: {ms:.1} ms (at most 20: {})",
        met(ms <= 20.0)
    );
    std::fs::remove_dir_all(folder).unwrap();
}

fn row(name: &str, path: &Path, floor: &[Told], whole: &[Told]) {
    let size = std::fs::metadata(path).unwrap().len() as f64;
    let of = |all: &[Told], what: fn(&Told) -> f64| median(all.iter().map(what).collect());
    let (bare, seconds) = (of(floor, |t| t.seconds), of(whole, |t| t.seconds));
    let (bare_cpu, cpu) = (of(floor, |t| t.cpu), of(whole, |t| t.cpu));
    let over = whole.iter().map(|t| t.peak).fold(0.0, f64::max) - size;
    println!(
        "{name:<18} {:>8.1} {bare:>8.2} {seconds:>8.2} {:>6.1}x {bare_cpu:>8.2} {cpu:>8.2} {:>6.1}x {:>7.0} MB   ratio {}, memory {}",
        size / 1e6,
        seconds / bare,
        cpu / bare_cpu,
        over / 1e6,
        met(seconds <= 3.0 * bare),
        met(over <= 100e6)
    );
}

fn write(folder: &Path, name: &str, ending: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(format!("{name}.{ending}"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn rayon_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
