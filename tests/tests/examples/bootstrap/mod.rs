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

/// Lines of the documents that call `bootstrap`, each with the file that shows it.
fn shown(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
    {
        let path = entry.path();
        if path.is_dir() {
            shown(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for rest in text.split("terraform-provider-mlops bootstrap ").skip(1) {
            let line = rest.split(['\n', '`', '#']).next().unwrap_or_default().trim();
            // Others speak of the command and do not show it.
            if line.contains("--name") {
                found.insert((line.to_owned(), path.display().to_string()));
            }
        }
    }
}

#[test]
fn every_bootstrap_that_the_documents_show_is_understood() {
    use std::process::Command;
    let mut commands = BTreeSet::new();
    for folder in ["docs/guides", "docs/resources", "examples", "modules"] {
        shown(&mlops_e2e::root().join(folder), &mut commands);
    }
    let readme = std::fs::read_to_string(mlops_e2e::root().join("README.md")).unwrap();
    let own = readme
        .split("terraform-provider-mlops bootstrap ")
        .nth(1)
        .unwrap();
    commands.insert((
        own.split(['\n', '#']).next().unwrap().trim().to_owned(),
        "README.md".to_owned(),
    ));
    assert!(commands.len() >= 6, "{commands:?}");
    let (aws, gcp) = (aws::empty(), mlops_e2e::gcp::start().unwrap());
    for (line, page) in commands {
        let mut command = Command::new(mlops_e2e::binary("terraform-provider-mlops"));
        command
            .arg("bootstrap")
            .args(line.split_whitespace())
            .arg("--check")
            .env_clear();
        if line.starts_with("aws") {
            command
                .envs(mlops_e2e::cloud::DUMMY_CREDENTIALS)
                .env("AWS_ENDPOINT_URL", &aws.url)
                .env("AWS_EC2_METADATA_DISABLED", "true");
        } else {
            let (name, token) = mlops_e2e::gcp::DUMMY_TOKEN;
            command.env(name, token);
            for service in mlops_e2e::gcp::SERVICES {
                command.arg(format!("--endpoint={service}={}", gcp.gcp(service)));
            }
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(1) && said.contains("not as they shall be"),
            "{page}: bootstrap {line}: {said}"
        );
    }
}
