//! `make bench`: what this project costs beside what people use today, every figure measured in the same run.
//!
//! Needs release builds of the binaries (`make bench` makes them) in the folder that `MLOPS_BINARIES` names, Terraform, and for the
//! rivals' columns a mirror with hashicorp/aws and a network that pip can install from; what is not there is marked so.
//! Arguments take parts: `start`, `lives`, `refresh`, `paths`, `plans`. `BENCH_ROUNDS` (3) sets the number of lives. All parts together
//! write `docs/benchmarks.md`.

mod lives;
mod measure;
mod paths;
mod plans;
mod report;
mod start;

use std::process::ExitCode;

use report::Table;

const PARTS: [&str; 5] = ["start", "lives", "refresh", "paths", "plans"];

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), String> {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let Some(unknown) = asked.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("no part is called \"{unknown}\": {}", PARTS.join(", ")));
    }
    let rounds = match std::env::var("BENCH_ROUNDS") {
        Ok(text) => text.parse().ok().filter(|rounds| *rounds > 0).ok_or(format!(
            "BENCH_ROUNDS is \"{text}\": a number of rounds is wanted"
        ))?,
        Err(_) => 3,
    };
    let start = std::time::Instant::now();
    let mut text = heading();
    for part in PARTS {
        if !asked.is_empty() && !asked.iter().any(|wanted| wanted == part) {
            continue;
        }
        let tables: Vec<Table> = match part {
            "start" => vec![start::compare()?],
            "lives" => lives::compare(rounds)?,
            "refresh" => vec![lives::refresh()?],
            "paths" => vec![paths::compare()?],
            _ => plans::compare()?,
        };
        for table in tables {
            let table = table.markdown();
            println!("{table}");
            text.push('\n');
            text.push_str(&table);
        }
    }
    println!("Measured in {:.1} min.", start.elapsed().as_secs_f64() / 60.0);
    if asked.is_empty() {
        let path = mlops_e2e::root().join("docs/benchmarks.md");
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("Written to docs/benchmarks.md.");
    }
    Ok(())
}

fn heading() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: String, name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name).map(str::to_owned));
        line.map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
            .unwrap_or_default()
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory: f64 = value(read("/proc/meminfo"), "MemTotal")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or_default();
    format!(
        "# Benchmarks\n\nWritten by `make bench` on {}, on {processors} x {} with {:.0} GiB of memory. Every ratio is of figures of this \
         one run; on another machine the figures differ, the ratios hardly.\n",
        jiff::Zoned::now().date(),
        value(read("/proc/cpuinfo"), "model name"),
        memory / 1024.0 / 1024.0
    )
}
