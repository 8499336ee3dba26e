//! From nothing to a first environment, without a state on any disk.

mod aws;
mod described;
mod gcp;
mod gitlab;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mlops_e2e::terraform::Workspace;
use serde_json::{Value, json};

/// Whose jobs plan and apply.
const GITHUB: [&str; 3] = ["--github", "acme/infra", "--github-ids=1/2"];

/// The part of standard output between its heading and the next.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let from = text
        .find(heading)
        .unwrap_or_else(|| panic!("no {heading} in\n{text}"));
    let rest = &text[from..];
    let body = &rest[rest.find('\n').unwrap() + 1..];
    &body[..body.find("# ----").unwrap_or(body.len())]
}

/// A token with these claims; the sandbox vouches for every issuer.
fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.signature", part(&json!({ "alg": "none" })), part(claims))
}

/// State files anywhere below a folder, but for terraform's note of where its backend is.
fn state_files(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".terraform" || name == "mirror" {
            continue;
        }
        if entry.path().is_dir() {
            state_files(&entry.path(), found);
        } else if name.contains(".tfstate") {
            found.insert(entry.path().display().to_string());
        }
    }
}

/// Does the work while somebody watches the workspace for states.
fn without_a_state_on_disk(workspace: &Workspace, work: impl FnOnce()) {
    let over = AtomicBool::new(false);
    let seen = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while !over.load(Ordering::Relaxed) {
                state_files(&workspace.path("."), &mut seen);
                std::thread::sleep(Duration::from_millis(5));
            }
            seen
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        over.store(true, Ordering::Relaxed);
        let seen = watcher.join().unwrap();
        if let Err(why) = done {
            std::panic::resume_unwind(why);
        }
        seen
    });
    assert_eq!(seen, BTreeSet::new(), "no state was ever on a disk");
}
