//! A command of terraform under way, and the provider that it started.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use mlops_e2e::terraform::{Ran, ran};

/// Terraform at work.
pub(crate) struct Working {
    child: Child,
    started: Instant,
}

impl Working {
    pub(crate) fn start(mut command: Command) -> Self {
        use std::os::unix::process::CommandExt;
        use std::process::Stdio;
        // A group of its own: what a terminal interrupts is the whole group.
        let child = command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("terraform starts");
        Self {
            child,
            started: Instant::now(),
        }
    }

    /// Ctrl-C at a terminal: SIGINT to everybody in the group.
    pub(crate) fn interrupt(&self) {
        signal("-INT", &format!("-{}", self.child.id()));
    }

    /// `kill -9` of the provider.
    pub(crate) fn kill_provider(&self) {
        for provider in children(self.child.id()) {
            signal("-KILL", &provider.to_string());
        }
    }

    /// `kill -9` of Terraform and the provider, Terraform first: it must not see the provider go.
    pub(crate) fn kill_both(&self) {
        let providers = children(self.child.id());
        signal("-KILL", &self.child.id().to_string());
        for provider in providers {
            signal("-KILL", &provider.to_string());
        }
    }

    pub(crate) fn wait(self) -> Ran {
        let output = self.child.wait_with_output().expect("terraform ends");
        ran(&output, self.started.elapsed())
    }

    /// Whether it ends within `patience`.
    pub(crate) fn ends_within(&mut self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

fn signal(which: &str, whom: &str) {
    let status = Command::new("kill").args([which, "--", whom]).status();
    assert!(status.is_ok(), "kill cannot be started");
}

/// Processes whose parent this is (proc(5)): the parent is the second field after the name in parentheses.
fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|process| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
            fields.split_whitespace().nth(1) == Some(&parent.to_string())
        })
        .collect()
}
