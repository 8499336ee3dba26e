//! The closure test: every rule flags its bad fixtures at the places they name, and is silent on its good ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use tfplan_check::backend::Evidence;
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Verdict};
use tfplan_check::rules::{self, Rule};
use tfplan_check::{judge, plan};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

fn folders(code: &str) -> Vec<PathBuf> {
    let Ok(dir) = std::fs::read_dir(fixtures().join(code)) else {
        return Vec::new();
    };
    let mut out: Vec<PathBuf> = dir.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    out.sort();
    out
}

/// What the fixture's plan gives, by all rules; `None` when it has no plan that this test can judge.
fn judged(folder: &Path) -> Option<Vec<Finding>> {
    let text = std::fs::read_to_string(folder.join("plan.json")).ok()?;
    let plan = plan::json::read(&text).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let rules: Vec<&'static dyn Rule> = rules::all().collect();
    Some(judge::judge(
        &Context {
            plan: &plan,
            backend: &Evidence::default(),
        },
        &rules,
    ))
}

fn expectations(folder: &Path) -> Vec<(String, String)> {
    let main = std::fs::read_to_string(folder.join("main.tf")).unwrap_or_default();
    main.lines()
        .filter_map(|l| l.strip_prefix("# expect: "))
        .map(|l| {
            let (code, place) = l.split_once(' ').expect("`# expect: CODE place`");
            (code.to_owned(), place.trim().to_owned())
        })
        .collect()
}

#[test]
fn bad_fixtures_are_flagged_and_good_ones_are_not() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        let code = rule.meta().code;
        for folder in folders(code) {
            let name = format!("{code}/{}", folder.file_name().unwrap().to_string_lossy());
            let Some(found) = judged(&folder) else { continue };
            let own: Vec<&Finding> = found
                .iter()
                .filter(|f| f.rule.code == code && f.verdict == Verdict::Wrong)
                .collect();
            let places: Vec<String> = found
                .iter()
                .map(|f| format!("{} {}", f.rule.code, f.place))
                .collect();
            if folder.file_name().unwrap().to_string_lossy().starts_with("good-") {
                if !own.is_empty() {
                    wrong.push(format!("{name}: must be silent, but: {places:?}"));
                }
                continue;
            }
            if own.is_empty() {
                wrong.push(format!("{name}: must be flagged, but nothing was found"));
            }
            for (code, place) in expectations(&folder) {
                let met = found.iter().any(|f| {
                    f.rule.code == code && (f.place.to_string() == place || f.place.address == place)
                });
                if !met {
                    wrong.push(format!("{name}: expected {code} at {place}, found {places:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
