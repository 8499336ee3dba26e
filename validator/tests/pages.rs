//! `docs/rules`: one page a rule, rendered from the rule's own documentation, and an index. `helpUri` of SARIF points there.
//!
//! `UPDATE_DOCS=1 cargo test -p tfplan-check --test pages` writes them; without it the test compares.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use tfplan_check::finding::Family;
use tfplan_check::rules::{self, Meta};
use tfplan_check::waiver;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules")
}

fn metas() -> impl Iterator<Item = &'static Meta> {
    rules::all().map(|r| r.meta()).chain(waiver::ALL)
}

fn index() -> String {
    let mut out = String::from(
        "# Rules of tfplan-check\n\nEvery rule has a permanent code and name; either is understood by `tfplan-check explain`, by `tfplan-check.toml` and by waivers. The pages are\nrendered from the rules themselves: what stands under *Bad* is found and what stands under *Good* is not, as the tests show.\n",
    );
    let families = [
        (
            Family::StaticCredentials,
            "Static credentials",
            "Keys without an end, and secrets in code, plan and state.",
        ),
        (
            Family::StateBackend,
            "State backend",
            "Where state is kept, who locks it, who can read it.",
        ),
        (
            Family::MonolithicIam,
            "Monolithic IAM",
            "Policies and trusts decided by what they allow, and identities that do the work of several.",
        ),
        (
            Family::Waivers,
            "Waivers",
            "What becomes of exceptions. Always on.",
        ),
    ];
    for (family, title, about) in families {
        let _ = write!(
            out,
            "\n## {title}\n\n{about}\n\n| Rule | Level | Rejects |\n|---|---|---|\n"
        );
        for m in metas().filter(|m| m.family == family) {
            let _ = writeln!(
                out,
                "| [{code} {name}]({code}.md) | {level} | {title} |",
                code = m.code,
                name = m.name,
                level = m.level,
                title = m.title
            );
        }
    }
    out
}

#[test]
fn the_manual_is_what_the_rules_say() {
    let mut pages: BTreeMap<String, String> = metas()
        .map(|m| (format!("{}.md", m.code), m.document()))
        .collect();
    pages.insert("README.md".into(), index());
    let have: Vec<String> = std::fs::read_dir(folder())
        .map(|d| {
            d.flatten()
                .map(|e| e.file_name().to_string_lossy().into_owned())
                .collect()
        })
        .unwrap_or_default();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        for gone in have.iter().filter(|n| !pages.contains_key(*n)) {
            std::fs::remove_file(folder().join(gone)).unwrap();
        }
        for (name, text) in &pages {
            std::fs::write(folder().join(name), text).unwrap();
        }
        return;
    }
    let mut stale: Vec<String> = pages
        .iter()
        .filter(|(name, text)| std::fs::read_to_string(folder().join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| name.clone())
        .collect();
    stale.extend(have.into_iter().filter(|n| !pages.contains_key(n)));
    assert!(
        stale.is_empty(),
        "docs/rules is not what the rules say: {stale:?}; UPDATE_DOCS=1 cargo test -p tfplan-check --test pages writes it"
    );
}

/// What a report points to exists.
#[test]
fn every_link_of_a_report_leads_to_a_page() {
    for m in metas() {
        let link = tfplan_check::report::page(m.code);
        let (_, path) = link.split_once("/blob/main/").unwrap();
        assert!(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(path)
                .is_file(),
            "{link}"
        );
    }
}
