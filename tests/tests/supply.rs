//! What we take in from others: licences, what reaches the validator, and what our workflows run. Needs no network but for crates
//! that this platform's build had no use for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use mlops_e2e::root;
use serde_json::Value;

/// The dependency graph of the lock file.
fn metadata() -> Value {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo is there: it runs this test");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The licences that `deny.toml` allows: one list for both.
fn allowed() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let list = text.split("allow = [").nth(1).unwrap().split(']').next().unwrap();
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether the licences in `allowed` suffice for an SPDX expression (`/` is the old way to write OR).
fn suffices(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let holds = either(&words, &mut at, allowed);
    assert_eq!(at, words.len(), "not an SPDX expression: {expression}");
    holds
}

fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut holds = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= both(words, at, allowed);
    }
    holds
}

fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut holds = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, allowed);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    if words.get(*at) == Some(&"(") {
        *at += 1;
        let holds = either(words, at, allowed);
        assert_eq!(words.get(*at), Some(&")"), "unbalanced: {}", words.join(" "));
        *at += 1;
        return holds;
    }
    let mut name = words[*at].to_owned();
    *at += 1;
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words[*at + 1]);
        *at += 2;
    }
    allowed.contains(&name)
}

#[test]
fn licences_are_weighed_as_spdx_says() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()]);
    assert!(suffices("GPL-3.0-only OR MIT", &allowed));
    assert!(suffices("MIT/GPL-3.0-only", &allowed));
    assert!(suffices("Apache-2.0 WITH LLVM-exception", &allowed));
    assert!(!suffices("Apache-2.0", &allowed));
    assert!(!suffices("MIT AND GPL-3.0-only", &allowed));
    assert!(!suffices("(MIT OR ISC) AND GPL-3.0-only", &allowed));
}

#[test]
fn every_dependency_has_a_licence_that_we_allow() {
    let allowed = allowed();
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = &package["name"];
        match package["license"].as_str() {
            Some(licence) if suffices(licence, &allowed) => {}
            licence => wrong.push(format!("{name}: {}", licence.unwrap_or("no licence given"))),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `cargo install --path validator` is a matter of a minute: no SDK, no HTTP, no TLS, no runtime comes with it.
#[test]
fn the_validator_pulls_in_no_cloud() {
    let metadata = metadata();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package["name"].as_str().unwrap()))
        .collect();
    let start = names.iter().find(|(_, name)| **name == "tfplan-check").unwrap().0;
    let mut reached = BTreeSet::new();
    let mut queue = vec![*start];
    while let Some(id) = queue.pop() {
        if !reached.insert(id) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            // Kind null is a normal dependency, neither for building nor for tests.
            let shipped = dependency["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kind["kind"].is_null());
            if shipped {
                queue.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    let reached: BTreeSet<&str> = reached.into_iter().map(|id| names[id]).collect();
    assert!(reached.contains("mlops-access"), "the walk went nowhere");
    let heavy: Vec<_> = reached
        .iter()
        .filter(|name| {
            ["aws-", "google-cloud-", "mlops-aws", "mlops-gcp"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
                || ["hyper", "reqwest", "tokio", "tonic", "rustls"].contains(name)
        })
        .collect();
    assert!(heavy.is_empty(), "tfplan-check depends on {heavy:?}");
}

/// Every crate with its features, as a build of the workspace takes them.
fn features(edges: &str) -> BTreeSet<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--workspace", "--locked", "--prefix", "none"])
        .args(["--edges", edges, "--format", "{p}|{f}"])
        .current_dir(root())
        .output()
        .expect("cargo is there: it runs this test");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// `make demo` builds, `make test` tests: a feature that only one of them turns on compiles both clouds' SDKs a second time, minutes of it.
#[test]
fn building_and_testing_share_what_they_compile() {
    let build = features("normal,build");
    let test = features("normal,build,dev");
    assert!(build.len() > 100, "{}", build.len());
    let differ: Vec<_> = build.difference(&test).collect();
    assert!(
        differ.is_empty(),
        "tests compile these with other features; name the missing ones in tests/Cargo.toml: {differ:?}"
    );
}

fn files(folder: &Path, extension: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path
            .extension()
            .is_some_and(|is| extension.iter().any(|wanted| is == *wanted))
        {
            found.push(path);
        }
    }
}

/// A tag can be moved to other code, a hash cannot; the version beside it is for the reader.
#[test]
fn actions_are_pinned_by_hash_and_workflows_say_what_they_may() {
    let mut all = Vec::new();
    files(&root().join(".github"), &["yml", "yaml"], &mut all);
    files(&root().join("examples"), &["yml", "yaml"], &mut all);
    all.extend(
        ["action.yml"]
            .map(|name| root().join(name))
            .into_iter()
            .filter(|path| path.exists()),
    );
    assert!(all.len() >= 2, "{all:?}");
    let mut wrong = Vec::new();
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        let shown = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        for (number, line) in text.lines().enumerate() {
            let Some((_, used)) = line.split_once("uses: ") else {
                continue;
            };
            let mut words = used.split_whitespace();
            let action = words.next().unwrap_or_default();
            // Our own is named by its release in what users copy: a hash of it cannot be in itself.
            let ours = action.starts_with("mlops/terraform-provider-mlops@v");
            let pinned = ours
                || action.starts_with("./")
                || action.split_once('@').is_some_and(|(_, hash)| {
                    hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                });
            let versioned = ours || action.starts_with("./") || words.next() == Some("#");
            if !pinned || !versioned {
                wrong.push(format!("{shown}:{}: {}", number + 1, line.trim()));
            }
        }
        let workflow = text.contains("\njobs:\n");
        if workflow && !text.contains("\npermissions:") {
            wrong.push(format!(
                "{shown}: no permissions at the top: the default may write"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
