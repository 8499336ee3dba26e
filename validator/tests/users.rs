//! The files that users put into their CI, looked at by those for whom they are written: the schemas of GitHub and GitLab, linters of
//! workflows and container files, and the real pre-commit. `make linters` installs them; what is not there is said.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod harness;
use harness::*;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// A linter: of ours, else one on the path. None is said.
fn linter(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = std::iter::once(repository().join("tests/lint/.venv/bin"));
    let found = ours
        .chain(std::env::split_paths(&path))
        .map(|d| d.join(name))
        .find(|p| p.is_file());
    if found.is_none() {
        println!("skipped: {name} is not here (make linters)");
    }
    found
}

#[track_caller]
fn passes(out: &Output) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(out.status.success(), "{text}");
    text
}

fn run_in(dir: &Path, program: &Path, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

const WORKFLOWS: [&str; 5] = [
    ".github/workflows/ci.yml",
    ".github/workflows/release.yml",
    "examples/ci/github.yml",
    "examples/github-actions/.github/workflows/environment.yml",
    "examples/github-actions/.github/workflows/environment-gcp.yml",
];

#[test]
fn files_for_github_and_gitlab_follow_their_schemas() {
    let Some(check) = linter("check-jsonschema") else {
        return;
    };
    let of = |schema: &str, files: &[&str]| {
        let mut args = vec!["--builtin-schema", schema];
        args.extend(files);
        run_in(&repository(), &check, &args)
    };
    passes(&of("vendor.github-workflows", &WORKFLOWS));
    passes(&of("vendor.github-actions", &["action.yml"]));
    passes(&of(
        "vendor.gitlab-ci",
        &["examples/ci/gitlab.yml", "examples/gitlab-ci/.gitlab-ci.yml"],
    ));
    // The look is one that finds something.
    assert!(!of("vendor.github-workflows", &["action.yml"]).status.success());
}

#[test]
fn workflows_and_the_action_give_nobody_a_way_in() {
    let Some(zizmor) = linter("zizmor") else { return };
    let mut args = vec!["--offline", "--no-progress", "action.yml"];
    args.extend(WORKFLOWS);
    passes(&run_in(&repository(), &zizmor, &args));
    let d = folder();
    write(
        d.path(),
        "bad.yml",
        "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - run: echo ${{ github.event.pull_request.title }}\n",
    );
    assert!(
        !run_in(d.path(), &zizmor, &["--offline", "bad.yml"])
            .status
            .success(),
        "it finds something"
    );
}

#[test]
fn the_container_file_is_one() {
    let Some(hadolint) = linter("hadolint") else {
        return;
    };
    passes(&run_in(&repository(), &hadolint, &["examples/ci/Containerfile"]));
    let text = std::fs::read_to_string(repository().join("examples/ci/Containerfile")).unwrap();
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(
        last.starts_with("scratch\n") && last.contains("USER 65534:65534"),
        "nothing but the binary, as nobody"
    );
}

#[test]
fn what_the_gitlab_template_runs_is_understood() {
    let text = std::fs::read_to_string(repository().join("examples/ci/gitlab.yml")).unwrap();
    let line = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("- tfplan-check "))
        .unwrap();
    let d = folder();
    write(d.path(), "live/main.tf", REMOTE);
    write(d.path(), "live/plan.json", &plan(&[access_key()]));
    let out = Command::new("sh")
        .args(["-c", &format!("exec \"$PROGRAM\" {line}")])
        .current_dir(d.path())
        .env_clear()
        .env("PROGRAM", env!("CARGO_BIN_EXE_tfplan-check"))
        .env("TFPLAN_CHECK_PLAN", "live/plan.json")
        .env("TFPLAN_CHECK_ROOT", "live")
        .output()
        .unwrap();
    assert_eq!(
        out.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(d.path().join("gl-code-quality-report.json")).unwrap())
            .unwrap();
    assert_eq!(report[0]["check_name"], "SK01");
    assert!(d.path().join("tfplan-check.html").is_file());
    assert!(
        std::fs::read_to_string(d.path().join("tfplan-check.xml"))
            .unwrap()
            .contains("<testsuites")
    );
}

/// The hook, by the real pre-commit, in a repository that uses it.
#[test]
fn the_hook_refuses_a_plan_with_findings_and_lets_a_clean_one_through() {
    let Some(pre_commit) = linter("pre-commit") else {
        return;
    };
    let d = folder();
    let git = |dir: &Path, args: &[&str]| {
        let config = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "-c",
            "init.defaultBranch=main",
        ];
        let out = Command::new("git")
            .args(config)
            .args(args)
            .current_dir(dir)
            .output()
            .unwrap();
        passes(&out).trim().to_owned()
    };
    let hooks = d.path().join("hooks");
    let manifest = std::fs::read_to_string(repository().join(".pre-commit-hooks.yaml")).unwrap();
    write(&hooks, ".pre-commit-hooks.yaml", &manifest);
    git(&hooks, &["init", "--quiet"]);
    git(&hooks, &["add", "."]);
    git(&hooks, &["commit", "--quiet", "--message", "hooks"]);
    let revision = git(&hooks, &["rev-parse", "HEAD"]);
    let project = d.path().join("project");
    write(
        &project,
        ".pre-commit-config.yaml",
        &format!(
            "repos:\n  - repo: {}\n    rev: {revision}\n    hooks:\n      - id: tfplan-check\n",
            hooks.display()
        ),
    );
    write(&project, "main.tf", REMOTE);
    write(&project, "plan.json", &plan(&[access_key()]));
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "."]);
    let ours = Path::new(env!("CARGO_BIN_EXE_tfplan-check")).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(ours.to_owned()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let hook = || {
        Command::new(&pre_commit)
            .args(["run", "--all-files", "--color", "never"])
            .current_dir(&project)
            .env("PATH", &path)
            .env("PRE_COMMIT_HOME", d.path().join("cache"))
            .output()
            .unwrap()
    };
    let refused = hook();
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert_eq!(
        refused.status.code(),
        Some(1),
        "{text}{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    assert!(
        text.contains("SK01") && text.contains("aws_iam_access_key.ci"),
        "{text}"
    );
    write(&project, "plan.json", &harmless());
    git(&project, &["add", "."]);
    assert!(passes(&hook()).contains("Passed"));
}

/// As CI looks at it: words that are meant as they stand are in `typos.toml`.
#[test]
fn words_are_spelt_as_they_are() {
    let Some(typos) = linter("typos") else { return };
    passes(&run_in(&repository(), &typos, &[]));
    let d = folder();
    write(d.path(), "bad.md", "A plan taht is checked.\n");
    assert!(
        !run_in(d.path(), &typos, &[]).status.success(),
        "it finds something"
    );
}

/// What the documents tell people to type is understood: it judges, and never says that it does not know an option.
#[test]
fn every_command_that_the_documents_show_is_understood() {
    let mut documents = vec![repository().join("README.md")];
    for folder in ["docs/guides", "examples", "modules"] {
        pages_below(&repository().join(folder), &mut documents);
    }
    let mut commands = std::collections::BTreeSet::new();
    for page in &documents {
        let text = std::fs::read_to_string(page).unwrap();
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|l| l.starts_with("tfplan-check "));
        let inline = text
            .split('`')
            .filter(|piece| piece.starts_with("tfplan-check ") && !piece.contains('\n'));
        for command in lines.chain(inline) {
            let command = command.split(" #").next().unwrap().trim();
            commands.insert(command.strip_prefix("tfplan-check ").unwrap().to_owned());
        }
    }
    assert!(commands.len() >= 8, "{commands:?}");
    let saved = repository().join("tests/fixtures/saved-plans/planted");
    for command in commands {
        let d = folder();
        for (from, to) in [
            ("main.tf", "main.tf"),
            ("plan.json", "plan.json"),
            ("saved.tfplan", "plan.tfplan"),
        ] {
            std::fs::copy(saved.join(from), d.path().join(to)).unwrap();
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        let ran = run(d.path(), &words);
        assert!(
            matches!(ran.code, 0 | 1),
            "tfplan-check {command} exits {}: {}",
            ran.code,
            ran.all()
        );
    }
}

fn pages_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}
