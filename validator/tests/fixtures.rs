//! The closure test: every rule flags its bad fixtures at the places they name, and is silent on its good ones.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::{Path, PathBuf};

use tfplan_check::backend::{Backend, Evidence, Source};
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Verdict};
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::{Sources, build};
use tfplan_check::value::Value;
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

/// What the fixture gives by all rules: its plan with its source, and where there is a plan, the plan alone.
fn judged(folder: &Path) -> (Vec<Finding>, Option<Vec<Finding>>) {
    let text = std::fs::read_to_string(folder.join("plan.json")).unwrap_or_default();
    let sources = Sources::from_dir(folder).unwrap();
    // A fixture that writes a terraform block is about the backend; the others must not depend on it.
    let about_backend = sources.modules.get("").is_some_and(|m| !m.terraform.is_empty());
    let backend = Backend::from_sources(&sources, folder.join("main.tf")).filter(|_| about_backend);
    let evidence = Evidence {
        found: backend.into_iter().collect(),
    };
    if text.is_empty() {
        return (all(&build::sketch(&sources), &sources, &evidence), None);
    }
    let plan = plan::json::read(&text).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let alone = build::sources_of(&plan.configuration);
    (
        all(&plan, &sources, &evidence),
        Some(all(&plan, &alone, &evidence)),
    )
}

fn all(plan: &plan::Plan<'_>, sources: &Sources, backend: &Evidence) -> Vec<Finding> {
    let rules: Vec<&'static dyn Rule> = rules::all().collect();
    judge::judge(&Context::new(plan, backend, sources, &Config::default()), &rules)
}

/// The `hcl` blocks under a heading of a page.
fn examples(page: &str, heading: &str) -> Vec<String> {
    let Some(section) = page.split(heading).nth(1) else {
        return Vec::new();
    };
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .split("```hcl\n")
        .skip(1)
        .filter_map(|b| b.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// A configuration that is judged by itself. A comment in it says what the operator claims: `# tfplan-check --backend s3`.
fn by_itself(text: &str) -> Result<Vec<Finding>, String> {
    let sources = Sources::from_text(text);
    if let Some(e) = &sources.files[0].error {
        return Err(e.to_string());
    }
    let backend = Backend::from_sources(&sources, "main.tf".into());
    let claim = text
        .lines()
        .find_map(|l| l.strip_prefix("# tfplan-check --backend "))
        .map(|kind| Backend {
            kind: kind.to_owned(),
            config: Value::Null,
            workspace: None,
            source: Source::Claim,
            partial: true,
            no_block: false,
        });
    let evidence = Evidence {
        found: backend.into_iter().chain(claim).collect(),
    };
    Ok(all(&build::sketch(&sources), &sources, &evidence))
}

fn own(found: &[Finding], code: &str) -> Vec<String> {
    found
        .iter()
        .filter(|f| f.rule.code == code && f.verdict == Verdict::Wrong)
        .map(|f| f.place.to_string())
        .collect()
}

/// A bad example of a page with an edit that puts it right.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NearMiss {
    /// Which of the page's bad examples, from 1.
    #[serde(default = "first")]
    bad: usize,
    edit: (String, String),
    /// A second edit, where the first leaves something behind.
    also: Option<(String, String)>,
    why: String,
}

const fn first() -> usize {
    1
}

#[test]
fn every_rule_is_silent_one_edit_away_from_its_bad_examples() {
    let text = std::fs::read_to_string(fixtures().join("near-misses.toml")).unwrap();
    let near: std::collections::BTreeMap<String, Vec<NearMiss>> = toml::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for code in near.keys().filter(|code| rules::find(code).is_none()) {
        wrong.push(format!("{code} is no rule"));
    }
    for rule in rules::all() {
        let code = rule.meta().code;
        let of_rule = near.get(code).map_or(&[][..], Vec::as_slice);
        if of_rule.len() < 3 {
            wrong.push(format!(
                "{code} has {} near misses; three are needed",
                of_rule.len()
            ));
        }
        let bad = examples(&rule.meta().page(), "## Bad");
        for miss in of_rule {
            let Some(before) = bad.get(miss.bad - 1) else {
                wrong.push(format!("{code} has no bad example {}", miss.bad));
                continue;
            };
            let mut after = before.clone();
            for (from, to) in std::iter::once(&miss.edit).chain(&miss.also) {
                if !after.contains(from) {
                    wrong.push(format!("{code} ({}): {from:?} is not in\n{after}", miss.why));
                }
                after = after.replace(from, to);
            }
            if by_itself(before).map_or(0, |f| own(&f, code).len()) == 0 {
                wrong.push(format!("{code} ({}): nothing is found before the edit", miss.why));
            }
            match by_itself(&after) {
                Err(e) => wrong.push(format!("{code} ({}): {e}\n{after}", miss.why)),
                Ok(found) => {
                    for place in own(&found, code) {
                        wrong.push(format!("{code} ({}): {place} is found in\n{after}", miss.why));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_in_the_pages_are_what_the_pages_say() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        let (code, page) = (rule.meta().code, rule.meta().page());
        for (heading, bad) in [("## Bad", true), ("## Good", false)] {
            let blocks = examples(&page, heading);
            if blocks.is_empty() {
                wrong.push(format!("{code}: no hcl block under {heading}"));
            }
            for block in blocks {
                let own = match by_itself(&block) {
                    Ok(found) => own(&found, code),
                    Err(e) => {
                        wrong.push(format!("{code} {heading}: {e}"));
                        continue;
                    }
                };
                if bad == own.is_empty() {
                    wrong.push(format!("{code} {heading}: found {own:?} in\n{block}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
            let (found, alone) = judged(&folder);
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
                for f in alone
                    .iter()
                    .flatten()
                    .filter(|f| f.rule.code == code && f.verdict == Verdict::Wrong)
                {
                    wrong.push(format!(
                        "{name}: must be silent without the source too, but: {}",
                        f.place
                    ));
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

/// A fixture has a plan of the real Terraform, or says in its first line why it has none.
#[test]
fn every_fixture_says_where_its_plan_comes_from() {
    let page = std::fs::read_to_string(fixtures().join("README.md")).unwrap();
    assert!(page.contains("`stand-in`") && page.contains("# hand-written:"));
    let mut wrong = Vec::new();
    let (mut planned, mut by_hand) = (0, 0);
    for group in std::fs::read_dir(fixtures())
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_dir())
    {
        for folder in folders(&group.file_name().to_string_lossy()) {
            let Ok(main) = std::fs::read_to_string(folder.join("main.tf")) else {
                continue;
            };
            let marked = main.starts_with("# hand-written: ");
            let has_plan = folder.join("plan.json").exists();
            by_hand += usize::from(marked);
            planned += usize::from(has_plan);
            if !marked && !has_plan {
                wrong.push(folder.display().to_string());
            }
        }
    }
    assert!(planned > 100 && by_hand > 5, "{planned} {by_hand}");
    assert!(wrong.is_empty(), "neither a plan nor a mark: {wrong:?}");
}
