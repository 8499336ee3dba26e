//! `tfplan-check` on generated plans of growing size, against a bare typed parse of the same file, `jq .` and a scanner of others.

use std::path::{Path, PathBuf};
use std::process::Command;

use mlops_e2e::{binary, root};

use crate::measure::{self, Taken};
use crate::report::{Table, megabytes, seconds};

const SIZES: [usize; 5] = [100, 1_000, 10_000, 50_000, 200_000];

/// Scanners of others get plans up to this size: at 1,000 resources they already take half a minute.
const MOST_FOR_SCANNERS: usize = 1_000;

/// The scanner that the bench installs, pinned.
const CHECKOV: &str = "checkov==3.3.30";

/// One of the validator's own examples, built beside the binaries.
fn example(name: &str) -> PathBuf {
    let mut path = binary("tfplan-check");
    path.pop();
    path.join("examples").join(name)
}

/// Runs a check that may find something (exit code 1 is an answer).
fn checked(program: &Path, arguments: &[&str]) -> Result<Taken, String> {
    let mut shell = Command::new("sh");
    // The shell is there to take "found something" for success.
    shell
        .arg("-c")
        .arg("\"$@\" || [ $? -eq 1 ]")
        .arg("sh")
        .arg(program)
        .args(arguments);
    Ok(measure::run(&mut shell)?.0)
}

fn median_of(rounds: usize, run: impl Fn() -> Result<Taken, String>) -> Result<Taken, String> {
    let all = (0..rounds).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    Ok(measure::median(&all))
}

/// Installs the scanner of others into a virtual environment below `target`; where that fails, why.
fn checkov() -> Result<PathBuf, String> {
    let folder = root().join("target/peers");
    let program = folder.join("bin/checkov");
    if program.exists() {
        return Ok(program);
    }
    eprintln!("plans: installing {CHECKOV}");
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    measure::run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
    measure::run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", CHECKOV]))?;
    Ok(program)
}

/// The tables.
///
/// # Errors
/// What failed.
pub(crate) fn compare() -> Result<Vec<Table>, String> {
    let mut table = Table::new(
        "tfplan-check on plans of growing size",
        "Generated plans (`validator/benches/generated`, mix *families*: three resources in ten hold a policy). The bare parse reads \
         the same JSON into borrowed types with serde_json and does nothing else. Whole processes, medians of 3 (1 at 200,000). Memory \
         is the peak less the file.",
        &[
            "resources",
            "kind",
            "file",
            "time",
            "MB/s",
            "memory over file",
            "bare parse",
            "ratio",
            "jq .",
            "ratio",
        ],
    );
    let mut scanners = Table::new(
        "tfplan-check and a scanner of others",
        "The same generated plan JSON; each with all its rules. What they look for differs: the docs of the rules say what ours find.",
        &[
            "resources",
            "tfplan-check",
            CHECKOV,
            "ratio",
            "memory",
            "theirs",
            "ratio",
        ],
    );
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let (check, generate, budget) = (
        binary("tfplan-check"),
        example("generate-plan"),
        example("budget"),
    );
    let rival = checkov();
    if let Err(why) = &rival {
        scanners.notes.push(format!(
            "{CHECKOV}: not available here ({}).",
            why.lines().next().unwrap_or_default()
        ));
    }
    let jq = Command::new("jq").arg("--version").output().is_ok();
    for size in SIZES {
        let rounds = if size >= 200_000 { 1 } else { 3 };
        let json = folder.path().join("plan.json");
        let saved = folder.path().join("plan.tfplan");
        for file in [&json, &saved] {
            measure::run(
                Command::new(&generate)
                    .args([&size.to_string(), "families"])
                    .arg(file),
            )?;
        }
        let name = json.display().to_string();
        let bare = median_of(rounds, || {
            Ok(measure::run(Command::new(&budget).args(["bare", &name]))?.0)
        })?;
        let queried = if jq && size <= 50_000 {
            Some(median_of(rounds, || checked(Path::new("jq"), &[".", &name]))?)
        } else {
            None
        };
        for (kind, path) in [("JSON", &json), ("saved plan", &saved)] {
            let name = path.display().to_string();
            let ours = median_of(rounds, || {
                checked(&check, &[&name, "--backend", "s3", "--format", "json=/dev/null"])
            })?;
            #[expect(clippy::cast_precision_loss, reason = "megabytes")]
            let bytes = std::fs::metadata(path).map_or(0.0, |file| file.len() as f64);
            table.row([
                size.to_string(),
                kind.to_owned(),
                megabytes(bytes),
                seconds(ours.wall),
                format!("{:.0}", bytes / 1e6 / ours.wall),
                // Memory is looked at every 10 ms: of shorter runs it is not told.
                if ours.wall < 0.1 {
                    "-".to_owned()
                } else {
                    megabytes((ours.memory - bytes).max(0.0))
                },
                seconds(bare.wall),
                format!("{:.1}x", ours.wall / bare.wall),
                queried.map_or("-".to_owned(), |queried| seconds(queried.wall)),
                queried.map_or("-".to_owned(), |queried| {
                    format!("{:.2}x", ours.wall / queried.wall)
                }),
            ]);
            if let (Ok(rival), "JSON") = (&rival, kind)
                && size <= MOST_FOR_SCANNERS
            {
                let theirs = checked(rival, &["--quiet", "--compact", "--file", &name])?;
                scanners.row([
                    size.to_string(),
                    seconds(ours.wall),
                    seconds(theirs.wall),
                    format!("{:.0}x", theirs.wall / ours.wall),
                    megabytes(ours.memory),
                    megabytes(theirs.memory),
                    format!("{:.0}x", theirs.memory / ours.memory),
                ]);
            }
        }
        eprintln!("plans: {size} resources");
    }
    table.notes.push(
        "Budgets, for JSON of 50,000 resources: at most 3 times the bare parse, at most 100 MB over the file; 100 resources within 20 ms."
            .to_owned(),
    );
    Ok(vec![table, scanners])
}
