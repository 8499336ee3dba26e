//! The command line: reads arguments, runs the check, writes reports, returns the exit code.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use annotate_snippets::{AnnotationKind, Group, Level as Mark, Renderer, Snippet};
use clap::{Args, CommandFactory, Parser, Subcommand};
use jiff::civil::Date;

use crate::baseline::Baseline;
use crate::check::{self, Outcome, Request, RunVerdict, Status};
use crate::config::{self, Config};
use crate::finding::{Family, Level};
use crate::report::{self, Format};
use crate::{rules, waiver};

/// Judge Terraform and OpenTofu plans before they are applied: static credentials, local state, monolithic IAM.
///
/// Give the saved plan (terraform plan -out plan.bin) itself: it holds the backend and the source lines, and no Terraform, provider or
/// network is needed to read it. Plan JSON (terraform show -json) works too; together they are best:
/// tfplan-check plan.json --plan-file plan.bin
#[derive(Debug, Parser)]
#[command(name = "tfplan-check", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    check: CheckArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  terraform plan -out plan.bin && tfplan-check plan.bin
  terraform show -json plan.bin | tfplan-check - --plan-file plan.bin
  tfplan-check live/*/plan.bin --format text --format sarif=tfplan.sarif
  tfplan-check plan.json --root live/prod --family sk,mi
  tfplan-check plan.bin --write-baseline .tfplan-baseline.json    (then: --baseline .tfplan-baseline.json)

Exit codes:
  0  checked, and nothing at or above --fail-on stands
  1  findings at or above --fail-on
  2  could not judge: usage, unreadable input, an incomplete plan, no evidence about the state backend
  3  nothing was checked";

#[derive(Debug, Args)]
struct CheckArgs {
    /// Saved plan, plan JSON, or - for standard input; several give one report and one verdict
    #[arg(value_name = "PLAN", required = true)]
    plans: Vec<PathBuf>,
    /// The saved plan that belongs to a plan JSON: adds the backend, the source and its lines
    #[arg(long, value_name = "FILE")]
    plan_file: Option<PathBuf>,
    /// Directory of the root module [default: the plan's folder, then the current one, where it holds *.tf]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Path of the root module from the repository root, for locations in reports
    #[arg(long, value_name = "PATH")]
    source_prefix: Option<String>,
    /// Claim which backend is used; reported as asserted, and used only where nothing better is known
    #[arg(long, value_name = "TYPE")]
    backend: Option<String>,
    /// Judge only these families: static-credentials (sk), state-backend (ls), monolithic-iam (mi)
    #[arg(long, value_name = "F,...", value_delimiter = ',', value_parser = family)]
    family: Vec<Family>,
    /// Report format, to standard output or a file: text (default), json, sarif, github, gitlab, junit, markdown, html (a page that shows every identity: who enters it, what it may do); repeatable
    #[arg(long, value_name = "F[=FILE]", value_parser = format)]
    format: Vec<(Format, Option<PathBuf>)>,
    /// Lowest level that fails the run: error (default), warning, note
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    fail_on: Option<Level>,
    /// Exit 0 although there are findings (what cannot be judged still exits 2)
    #[arg(long)]
    exit_zero: bool,
    /// What cannot be decided is an error in every family
    #[arg(long)]
    strict: bool,
    /// Configuration [default: tfplan-check.toml, found upwards from --root]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Findings in this file are known: only new ones fail
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings of this run to a baseline file, and exit 0
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// The day to judge waivers by
    #[arg(long, value_name = "DATE", hide = true)]
    today: Option<Date>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explain a rule: what it rejects, why, bad and good examples
    Explain {
        /// Code or name: SK01, aws-access-key
        #[arg(value_name = "RULE")]
        rule: String,
    },
    /// List all rules
    Rules {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write an example tfplan-check.toml into the current directory
    Init,
    /// Print completions for a shell
    Completions {
        /// bash, zsh, fish, elvish, powershell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

fn family(s: &str) -> Result<Family, String> {
    config::parse_family(s)
        .ok_or_else(|| "write static-credentials (sk), state-backend (ls) or monolithic-iam (mi)".into())
}

fn level(s: &str) -> Result<Level, String> {
    config::parse_level(s).ok_or_else(|| "write error, warning or note".into())
}

fn format(s: &str) -> Result<(Format, Option<PathBuf>), String> {
    let (name, file) = s
        .split_once('=')
        .map_or((s, None), |(n, f)| (n, Some(PathBuf::from(f))));
    let names: Vec<&str> = Format::ALL.iter().map(|(n, _)| *n).collect();
    let format = Format::named(name).ok_or_else(|| format!("write one of {}", names.join(", ")))?;
    if file.as_ref().is_some_and(|f| f.as_os_str().is_empty()) {
        return Err(format!("write a file name after {name}="));
    }
    Ok((format, file))
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // A panic is a bug, and its message may quote the input: only the place is printed.
    std::panic::set_hook(Box::new(|info| {
        let at = info
            .location()
            .map_or_else(String::new, |l| format!(" at {}:{}", l.file(), l.line()));
        let _ = writeln!(
            std::io::stderr(),
            "error: internal error{at}; nothing was judged. This is a bug in tfplan-check: please report it with the version and, if you can, the plan's structure"
        );
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let code = if e.use_stderr() { 2 } else { 0 };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match cli.command {
        None => check(&cli.check),
        Some(Command::Explain { rule }) => explain(&rule),
        Some(Command::Rules { json }) => list(json),
        Some(Command::Init) => init(),
        Some(Command::Completions { shell }) => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tfplan-check", &mut out);
            print(&String::from_utf8_lossy(&out));
            0
        }
    }));
    ExitCode::from(result.unwrap_or(2))
}

/// Writes to standard output; a reader that has gone away is no error.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn fail(message: impl std::fmt::Display) -> u8 {
    let _ = writeln!(anstream::stderr(), "\u{1b}[1;31merror\u{1b}[0m: {message}");
    2
}

fn explain(rule: &str) -> u8 {
    let meta = rules::find(rule).map(|r| r.meta()).or_else(|| {
        waiver::ALL
            .into_iter()
            .find(|m| m.code.eq_ignore_ascii_case(rule) || m.name.eq_ignore_ascii_case(rule))
    });
    let Some(m) = meta else {
        return fail(format!(
            "there is no rule {rule:?}{}; `tfplan-check rules` lists them",
            config::nearest(rule)
        ));
    };
    print(&m.document());
    0
}

fn list(json: bool) -> u8 {
    let metas = rules::all().map(|r| r.meta()).chain(waiver::ALL);
    if json {
        let all: Vec<_> = metas
            .map(|m| serde_json::json!({ "code": m.code, "name": m.name, "family": m.family.name(), "level": m.level.name(), "title": m.title, "why": m.why, "invariants": m.invariants, "since": m.since }))
            .collect();
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&all).unwrap_or_default()
        ));
        return 0;
    }
    let mut out = String::new();
    for m in metas {
        let _ = writeln!(out, "{}  {:<34} {:<8} {}", m.code, m.name, m.level, m.title);
    }
    print(&out);
    0
}

fn init() -> u8 {
    let file = Path::new(config::FILE);
    match std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut f| f.write_all(config::EXAMPLE.as_bytes()))
    {
        Ok(()) => {
            print(&format!(
                "wrote {}; it changes nothing until you edit it\n",
                config::FILE
            ));
            0
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            fail(format!("{} is already here; it was left as it is", config::FILE))
        }
        Err(e) => fail(format!("cannot write {}: {e}", config::FILE)),
    }
}

fn check(args: &CheckArgs) -> u8 {
    let stdout_formats = args.format.iter().filter(|(_, f)| f.is_none()).count();
    if stdout_formats > 1 {
        return fail("two formats want standard output; give all but one a file: --format sarif=FILE");
    }
    let today = args
        .today
        .unwrap_or_else(|| jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date());
    let config = match load_config(args, today) {
        Ok(c) => c,
        Err(code) => return code,
    };
    let baseline = match &args.baseline {
        None => None,
        Some(path) => match std::fs::read_to_string(path)
            .map_err(|e| e.to_string())
            .and_then(|t| Baseline::parse(&t))
        {
            Ok(b) => Some(b),
            Err(e) => return fail(format!("cannot read the baseline {}: {e}", path.display())),
        },
    };
    let families = match (args.family.is_empty(), config.families.is_empty()) {
        (false, _) => args.family.clone(),
        (true, false) => config.families.clone(),
        (true, true) => Family::ALL.to_vec(),
    };
    let fail_on = args.fail_on.or(config.fail_on).unwrap_or(Level::Error);
    let request = Request {
        plans: args.plans.clone(),
        plan_file: args.plan_file.clone(),
        root: args.root.clone(),
        source_prefix: args.source_prefix.clone(),
        backend: args.backend.clone(),
        families,
        strict: args.strict,
        config,
        baseline,
        today,
        picture: args.format.iter().any(|(f, _)| *f == Format::Html),
    };
    if let Some(root) = &request.root
        && !root.is_dir()
    {
        return fail(format!("--root {}: no such directory", root.display()));
    }
    let outcome = match check::run(&request) {
        Ok(o) => o,
        Err(e) => return fail(e),
    };
    let written = write_reports(args, &outcome, fail_on);
    if let Some(code) = written {
        return code;
    }
    if let Some(path) = &args.write_baseline {
        let all = outcome.plans.iter().flat_map(|p| &p.findings).filter(|j| {
            !matches!(j.status, Status::Waived { .. }) && j.finding.verdict == crate::finding::Verdict::Wrong
        });
        let baseline = Baseline::of(all.map(|j| (&j.finding, j.fingerprint.as_str())));
        let n = baseline.findings.len();
        let text = serde_json::to_string_pretty(&baseline).unwrap_or_default() + "\n";
        if let Err(e) = std::fs::write(path, text) {
            return fail(format!("cannot write the baseline {}: {e}", path.display()));
        }
        let _ = writeln!(std::io::stderr(), "wrote {n} findings to {}", path.display());
        // What could not be judged is not in a baseline, so it still fails.
        return match outcome.verdict(fail_on) {
            RunVerdict::Findings | RunVerdict::Clean => 0,
            other => other.code(),
        };
    }
    match outcome.verdict(fail_on) {
        RunVerdict::Findings if args.exit_zero => 0,
        verdict => verdict.code(),
    }
}

fn write_reports(args: &CheckArgs, outcome: &Outcome, fail_on: Level) -> Option<u8> {
    let default = [(Format::Text, None)];
    let formats: &[(Format, Option<PathBuf>)] = if args.format.is_empty() {
        &default
    } else {
        &args.format
    };
    for (format, file) in formats {
        match file {
            Some(path) => {
                if let Err(e) = std::fs::write(path, format.render(outcome, fail_on, false)) {
                    return Some(fail(format!("cannot write the report {}: {e}", path.display())));
                }
            }
            None => {
                let color = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
                print(&format.render(outcome, fail_on, color));
            }
        }
    }
    if formats.iter().all(|(_, f)| f.is_some()) {
        let _ = writeln!(std::io::stderr(), "{}", report::summary(outcome, fail_on));
    }
    None
}

fn load_config(args: &CheckArgs, today: Date) -> Result<Config, u8> {
    let path = match &args.config {
        Some(p) => p.clone(),
        None => {
            let beside = args
                .plans
                .first()
                .filter(|p| p.as_path() != Path::new("-"))
                .and_then(|p| p.parent())
                .map(|p| {
                    if p.as_os_str().is_empty() {
                        Path::new(".")
                    } else {
                        p
                    }
                });
            let from = args.root.as_deref().or(beside).unwrap_or(Path::new("."));
            match config::find(from).or_else(|| config::find(Path::new("."))) {
                Some(p) => p,
                None => return Ok(Config::default()),
            }
        }
    };
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(&path)
        .map_err(|e| fail(format!("cannot read the configuration {shown}: {e}")))?;
    match config::parse(&text, today) {
        Ok(mut c) => {
            c.path = Some(path);
            Ok(c)
        }
        Err(complaints) => {
            let color = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
            let renderer = if color {
                Renderer::styled()
            } else {
                Renderer::plain()
            };
            for c in complaints {
                let mut group = Group::with_title(Mark::ERROR.primary_title(c.message.as_str()));
                let span = c
                    .span
                    .map_or(0..0, |s| s.start.min(text.len())..s.end.min(text.len()));
                group = group.element(
                    Snippet::source(text.as_str())
                        .path(shown.as_str())
                        .annotation(AnnotationKind::Primary.span(span)),
                );
                let _ = writeln!(std::io::stderr(), "{}", renderer.render(&[group]));
            }
            Err(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
