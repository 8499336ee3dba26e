//! What a state folder keeps.

use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use mlops_sandbox::sandbox::NoStart;
use mlops_sandbox::store::Unusable;
use mlops_sandbox::{Effect, Fault, Sandbox};

use crate::wire::{create_role, role_stands};

#[test]
fn state_and_time_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
    sandbox.skip(SignedDuration::from_hours(100));
    create_role(&sandbox, "kept").unwrap();
    let (before, then) = (sandbox.snapshot(), sandbox.now());
    drop(sandbox);
    let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
    assert!(role_stands(&sandbox, "kept"));
    assert_eq!(sandbox.compare(&before), []);
    assert!(sandbox.now().duration_since(then).abs() < SignedDuration::from_secs(60));
}

#[test]
fn a_sandbox_that_dies_in_a_write_keeps_what_it_was_before_or_after() {
    for (effect, stands) in [(Effect::HoldBefore, false), (Effect::HoldAfter, true)] {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
        create_role(&sandbox, "first").unwrap();
        sandbox.fault(Fault::new(effect).writes().nth(1, 1));
        thread::scope(|scope| {
            let held = scope.spawn(|| create_role(&sandbox, "second"));
            assert!(sandbox.wait_held(Duration::from_secs(5)));
            sandbox.drop_held();
            held.join().unwrap().unwrap_err();
        });
        drop(sandbox);
        let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
        assert!(role_stands(&sandbox, "first"));
        assert_eq!(role_stands(&sandbox, "second"), stands);
    }
}

#[test]
fn a_folder_belongs_to_one_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Sandbox::builder().state(folder.path()).start().unwrap();
    let refused = Sandbox::builder().state(folder.path()).start().unwrap_err();
    assert!(matches!(refused, NoStart::Folder(Unusable::Busy(_))), "{refused}");
}

#[test]
fn a_folder_that_holds_something_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, "precious").unwrap();
    let refused = Sandbox::builder().state(folder.path()).start().unwrap_err();
    assert!(
        refused.to_string().contains("no state of this version"),
        "{refused}"
    );
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}

/// A sandbox of its own process, by its binary.
struct Process {
    child: std::process::Child,
    url: String,
    said: String,
}

fn process(folder: &std::path::Path) -> Process {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_mlops-sandbox"))
        .args(["--port", "0", "--until-stdin-closes", "--state"])
        .arg(folder.join("state"))
        .arg("--journal")
        .arg(folder.join("journal.jsonl"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut said = String::new();
    // The line about its own endpoint is the last one.
    while let Some(Ok(line)) = lines.next() {
        said.push_str(&line);
        said.push('\n');
        if line.contains("/_sandbox") {
            break;
        }
    }
    let url = said.split("AWS_ENDPOINT_URL=").nth(1).unwrap();
    let url = url.split_whitespace().next().unwrap().to_owned();
    Process { child, url, said }
}

/// Unoptimised too; the fastest of five, because what else runs only makes a start slower.
#[test]
fn a_process_is_ready_within_50_ms_of_its_start() {
    let fastest = (0..5)
        .map(|_| {
            let folder = tempfile::tempdir().unwrap();
            let started = std::time::Instant::now();
            let mut process = process(folder.path());
            let ready = started.elapsed();
            drop(process.child.stdin.take());
            assert!(process.child.wait().unwrap().success());
            ready
        })
        .min()
        .unwrap();
    eprintln!("process start to readiness: {fastest:?} (budget 50 ms)");
    assert!(fastest < std::time::Duration::from_millis(50), "{fastest:?}");
}

#[test]
fn a_killed_process_has_lost_nothing_that_it_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = process(folder.path());
    for name in ["a", "b", "c"] {
        assert_eq!(crate::wire::create_role_at(&first.url, name).unwrap().status, 200);
    }
    // SIGKILL: nothing can be tidied up.
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let mut second = process(folder.path());
    for name in ["a", "b", "c"] {
        assert_eq!(
            crate::wire::create_role_at(&second.url, name).unwrap().code(),
            "EntityAlreadyExists"
        );
    }
    let journal = std::fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
    let entries: Vec<mlops_sandbox::journal::Entry> = journal
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 6);
    assert!(
        entries
            .iter()
            .all(|entry| entry.name() == "iam:CreateRole" && entry.write)
    );
    assert_eq!(entries[0].resource.as_deref(), Some("a"));
    assert_eq!(entries[3].code.as_deref(), Some("EntityAlreadyExists"));
    for variable in [
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_CONTAINER",
    ] {
        assert!(second.said.contains(variable), "{}", second.said);
    }
    // It ends with its parent.
    drop(second.child.stdin.take());
    assert!(second.child.wait().unwrap().success());
}
