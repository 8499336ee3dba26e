//! Whole stacks under all rules: what popular guides and modules write must stay silent, the reference stack's faults must be found.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::{Path, PathBuf};

use tfplan_check::backend::{Backend, Evidence};
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Level, Verdict};
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::{Sources, build};
use tfplan_check::{judge, plan};

fn stacks(group: &str) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/fixtures")
        .join(group);
    let mut out: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.is_dir())
        .collect();
    out.sort();
    assert!(!out.is_empty());
    out
}

/// Findings of the plan with its source, and of the plan alone.
fn judged(folder: &Path) -> [(&'static str, Vec<Finding>); 2] {
    let text = std::fs::read_to_string(folder.join("plan.json"))
        .unwrap_or_else(|e| panic!("{}: {e}: run tests/fixtures/make", folder.display()));
    let plan = plan::json::read(&text).unwrap();
    let sources = Sources::from_dir(folder).unwrap();
    let about_backend = sources.modules.get("").is_some_and(|m| !m.terraform.is_empty());
    let backend = Evidence {
        found: Backend::from_sources(&sources, folder.join("main.tf"))
            .filter(|_| about_backend)
            .into_iter()
            .collect(),
    };
    let all = |sources: &Sources| {
        let rules: Vec<&'static dyn Rule> = rules::all().collect();
        judge::judge(
            &Context::new(&plan, &backend, sources, &Config::default()),
            &rules,
        )
    };
    [
        ("with its source", all(&sources)),
        ("alone", all(&build::sources_of(&plan.configuration))),
    ]
}

fn shown(f: &Finding) -> String {
    format!("{} {} [{}]: {}", f.rule.code, f.place, f.level.name(), f.what)
}

#[test]
fn what_guides_and_popular_modules_write_is_silent() {
    let mut wrong = Vec::new();
    for folder in stacks("popular").into_iter().chain(
        stacks("reference")
            .into_iter()
            .filter(|f| f.ends_with("corrected") || f.to_string_lossy().ends_with("-corrected")),
    ) {
        for (how, found) in judged(&folder) {
            for f in found
                .iter()
                .filter(|f| f.verdict == Verdict::Wrong && f.level > Level::Note)
            {
                wrong.push(format!(
                    "{} {how}: {}",
                    folder.file_name().unwrap().to_string_lossy(),
                    shown(f)
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} false alarms:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_fault_of_the_reference_stack_is_found_where_it_stands() {
    let mut wrong = Vec::new();
    for folder in stacks("reference")
        .into_iter()
        .filter(|f| f.to_string_lossy().ends_with("-seed"))
    {
        let main = std::fs::read_to_string(folder.join("main.tf")).unwrap();
        let expected: Vec<(&str, &str)> = main
            .lines()
            .filter_map(|l| l.trim().strip_prefix("# expect: "))
            .map(|l| l.split_once(' ').unwrap())
            .collect();
        assert!(expected.len() > 8, "{}", folder.display());
        let [(_, found), _] = judged(&folder);
        for (code, place) in expected {
            let met = found.iter().any(|f| {
                f.rule.code == code
                    && f.verdict == Verdict::Wrong
                    && (f.place.address == place || f.place.to_string() == place)
            });
            if !met {
                let here: Vec<String> = found.iter().filter(|f| f.rule.code == code).map(shown).collect();
                wrong.push(format!(
                    "{}: {code} at {place} not found; of this rule: {here:?}",
                    folder.display()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table of the 27 faults names rules that the two seeds expect, or says why no plan shows the fault.
#[test]
fn each_of_the_27_faults_is_expected_or_cannot_be_seen() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/reference");
    let seeds: String = ["aws-seed", "gcp-seed"]
        .iter()
        .map(|s| std::fs::read_to_string(folder.join(s).join("main.tf")).unwrap())
        .collect();
    let expected: Vec<&str> = seeds
        .lines()
        .filter_map(|l| l.trim().strip_prefix("# expect: ")?.split(' ').next())
        .collect();
    let table = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|l| l.split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.len() == 5 && cells[1].parse::<u32>().is_ok())
        .collect();
    assert_eq!(rows.len(), 27);
    let mut wrong = Vec::new();
    let mut cited = std::collections::BTreeSet::new();
    for row in &rows {
        if row[3].starts_with("no plan shows it: ") {
            continue;
        }
        for code in row[3].split(", ") {
            cited.insert(code);
            if !expected.contains(&code) {
                wrong.push(format!("{}: {code} is expected nowhere", row[1]));
            }
        }
    }
    for code in expected.iter().filter(|c| !cited.contains(*c)) {
        wrong.push(format!("{code} is expected and not in the table"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
