//! What `action.yml` runs, with a release of this very binary in a folder: it is verified before it is run, and what is given in an input is
//! never a command.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod harness;
use harness::*;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Runs one of the action's scripts with these variables and what a runner always has.
fn script(name: &str, dir: &Path, path: &str, variables: &[(&str, &str)]) -> Run {
    let out = Command::new("bash")
        .arg(repository().join(".ci").join(name))
        .current_dir(dir)
        .env_clear()
        .env("PATH", path)
        .env("HOME", dir)
        .env("RUNNER_TEMP", dir.join("temp"))
        .env("GITHUB_PATH", dir.join("path"))
        .env("GITHUB_OUTPUT", dir.join("output"))
        .env("GITHUB_STEP_SUMMARY", dir.join("summary"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    Run {
        code: out.status.code().unwrap_or(-1),
        out: String::from_utf8(out.stdout).unwrap(),
        err: String::from_utf8(out.stderr).unwrap(),
    }
}

/// The tools of a runner, without anything of ours.
const SYSTEM: &str = "/usr/local/bin:/usr/bin:/bin";

fn has(tool: &str) -> bool {
    let found = SYSTEM.split(':').any(|d| Path::new(d).join(tool).exists());
    if !found {
        println!("skipped: the installation of the action needs {tool}, which is not here");
    }
    found
}

/// A folder of releases with version 9.8.7 for this machine; gives the name of the archive.
fn release(dir: &Path) -> String {
    let os = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let arch = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let archive = format!("tfplan-check_9.8.7_{os}_{arch}.zip");
    let folder = dir.join("releases/v9.8.7");
    std::fs::create_dir_all(&folder).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.join(&archive)).unwrap());
    zip.start_file("tfplan-check", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&std::fs::read(env!("CARGO_BIN_EXE_tfplan-check")).unwrap())
        .unwrap();
    zip.finish().unwrap();
    let sum = Command::new("sha256sum")
        .arg(folder.join(&archive))
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let sum = sum.split(' ').next().unwrap();
    std::fs::write(
        folder.join("tfplan-check_9.8.7_SHA256SUMS"),
        format!(
            "{}  tfplan-check_9.8.7_plan9_mips.zip\n{sum}  {archive}\n",
            "0".repeat(64)
        ),
    )
    .unwrap();
    archive
}

#[test]
fn a_release_is_installed_when_its_checksum_holds_and_refused_otherwise() {
    if !["curl", "unzip", "sha256sum"].iter().all(|t| has(t)) {
        return;
    }
    let d = folder();
    let archive = release(d.path());
    let releases = format!("file://{}", d.path().join("releases").display());
    let install = |more: &[(&str, &str)]| {
        let mut variables = vec![
            ("TFPLAN_CHECK_RELEASES", releases.as_str()),
            ("ACTION_REF", "v9.8.7"),
        ];
        variables.extend(more);
        script("install-tfplan-check", d.path(), SYSTEM, &variables)
    };
    install(&[])
        .exits(0)
        .says("verified: checksum")
        .says("tfplan-check");
    let added = std::fs::read_to_string(d.path().join("path")).unwrap();
    assert!(Path::new(added.trim()).join("tfplan-check").exists(), "{added}");

    install(&[("SHA256", &"a".repeat(64))])
        .exits(2)
        .says("is not run");
    install(&[("VERSION", "9.9.9")]).exits(2).says("cannot download");
    install(&[("ACTION_REF", "main")])
        .exits(2)
        .says("pin the action to a release");
    install(&[("VERSION", "9.8.7/../../x")])
        .exits(2)
        .says("no version");
    std::fs::OpenOptions::new()
        .append(true)
        .open(d.path().join("releases/v9.8.7").join(archive))
        .unwrap()
        .write_all(b"more")
        .unwrap();
    install(&[]).exits(2).says("is not run");
}

#[test]
fn a_job_gets_annotations_a_summary_sarif_and_the_exit_code() {
    let d = folder();
    write(d.path(), "live/prod/main.tf", REMOTE);
    write(d.path(), "live/prod/plan.json", &plan(&[access_key()]));
    let ours = Path::new(env!("CARGO_BIN_EXE_tfplan-check")).parent().unwrap();
    let path = format!("{}:{SYSTEM}", ours.display());
    std::fs::create_dir_all(d.path().join("temp")).unwrap();
    let output = |variables: &[(&str, &str)]| {
        let _ = std::fs::remove_file(d.path().join("output"));
        let run = script("run-tfplan-check", d.path(), &path, variables).exits(0);
        (
            run,
            std::fs::read_to_string(d.path().join("output")).unwrap_or_default(),
        )
    };
    let (run, told) = output(&[("PLAN", "live/prod/plan.json\n"), ("ROOT", "live/prod")]);
    run.says("::error ").says("aws_iam_access_key.ci");
    assert!(
        told.contains("exit-code=1") && told.contains("sarif=") && told.contains("page="),
        "{told}"
    );
    assert!(
        std::fs::read_to_string(d.path().join("temp/tfplan-check.html"))
            .unwrap()
            .contains("aws_iam_access_key.ci")
    );
    let sarif = std::fs::read_to_string(d.path().join("temp/tfplan-check.sarif")).unwrap();
    assert!(sarif.contains("SK01"));
    assert!(
        std::fs::read_to_string(d.path().join("summary"))
            .unwrap()
            .contains("SK01")
    );

    let (_, told) = output(&[
        ("PLAN", "live/prod/plan.json"),
        ("FAMILY", "state-backend"),
        ("ROOT", "live/prod"),
    ]);
    assert!(told.contains("exit-code=0"), "{told}");
    let (run, told) = output(&[("PLAN", "\n")]);
    run.says("no plan was given");
    assert!(told.contains("exit-code=2") && !told.contains("sarif="), "{told}");
    let (_, told) = output(&[("PLAN", "$(touch pwned); touch pwned `touch pwned` --help")]);
    assert!(told.contains("exit-code=2"), "{told}");
    assert!(!d.path().join("pwned").exists());
}

/// An expression inside a script is replaced before the shell reads it: what is written in an input would be run.
#[test]
fn no_script_of_the_action_or_the_examples_holds_an_expression() {
    for file in ["action.yml", "examples/ci/github.yml"] {
        let text = std::fs::read_to_string(repository().join(file)).unwrap();
        for line in text.lines() {
            let runs = line.trim_start().trim_start_matches("- ").starts_with("run:");
            assert!(!(runs && line.contains("${{")), "{file}: {line}");
            // Actions of others are named by a commit; ours in the example by the release it describes.
            if let Some((_, uses)) = line.split_once("uses: ") {
                let (_, at) = uses.split_once('@').unwrap();
                let commit = at.split(' ').next().unwrap();
                let pinned = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(
                    pinned || uses.starts_with("mlops/terraform-provider-mlops@v"),
                    "{file}: {line}"
                );
            }
        }
    }
}
