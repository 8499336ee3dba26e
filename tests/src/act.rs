//! Acting as an identity that was made: somebody else's library exchanges a token for it and tries things out.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::root;

/// Tries doors with a program of `tests/readers`; none where the library it needs is not installed.
///
/// # Panics
/// Where the program fails.
pub fn tried(program: &str, library: &str, arguments: &[&str], doors: &Value) -> Option<Value> {
    let python = root().join("tests/.venv/bin/python");
    let installed = Command::new(&python)
        .args(["-c", &format!("import {library}")])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        return None;
    }
    let mut child = Command::new(&python)
        .arg(root().join("tests/readers").join(program))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(doors.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("{program}: {error}"));
    }
    let output = child
        .wait_with_output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = serde_json::from_slice(&output.stdout);
    Some(said.unwrap_or_else(|error| panic!("{program} printed no JSON: {error}")))
}
