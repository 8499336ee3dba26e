//! A root module in a folder of its own, and `terraform` to run in it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value as Json;

const HEAD: &str = r#"
terraform {
  required_providers {
    example = { source = "example/example" }
  }
}
"#;

/// The `terraform` to use, or why there is none.
fn terraform() -> Result<PathBuf, String> {
    let program = std::env::var_os("TERRAFORM").map_or_else(|| PathBuf::from("terraform"), PathBuf::from);
    match Command::new(&program).arg("version").output() {
        Ok(output) if output.status.success() => Ok(program),
        Ok(output) => Err(format!("`{} version` gave {}", program.display(), output.status)),
        Err(error) => Err(format!("{}: {error} (set TERRAFORM)", program.display())),
    }
}

/// The example provider, built.
pub(crate) fn provider() -> PathBuf {
    // Test binaries are in `deps`, examples beside it.
    let mut folder = std::env::current_exe().unwrap();
    while folder.file_name().is_some_and(|name| name != "deps") {
        folder.pop();
    }
    folder.pop();
    let program = folder.join("examples").join("terraform-provider-example");
    if modified(&program) < newest(Path::new(env!("CARGO_MANIFEST_DIR"))) {
        // `cargo test --test terraform` builds no examples.
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "-p",
                "tfplugin",
                "--example",
                "terraform-provider-example",
            ])
            .status();
        assert!(built.unwrap().success(), "the example provider does not build");
    }
    program
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

/// When a source below `folder` was last changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    entries
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with("tests"))
        .filter_map(|path| {
            if path.is_dir() {
                newest(&path)
            } else {
                modified(&path)
            }
        })
        .max()
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
    pub(crate) took: Duration,
}

impl Said {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn failed(self) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.text);
        self
    }

    /// Asserts that `words` were said, wherever the lines were broken.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        let flat = |text: &str| {
            let bare: String = text
                .chars()
                .map(|c| if "│╷╵".contains(c) { ' ' } else { c })
                .collect();
            bare.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert!(
            flat(&self.text).contains(&flat(words)),
            "not said: {words}\n{}",
            self.text
        );
        self
    }
}

/// The folder.
pub(crate) struct Workspace {
    folder: tempfile::TempDir,
    terraform: PathBuf,
    variables: Vec<(String, String)>,
}

impl Workspace {
    /// A root module with `config` in it. `None`, and a line that says so, where there is no terraform.
    pub(crate) fn with(config: &str) -> Option<Self> {
        let terraform = match terraform() {
            Ok(terraform) => terraform,
            Err(why) => {
                eprintln!("SKIPPED: no terraform: {why}");
                return None;
            }
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("boards")).unwrap();
        let overrides = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"example/example\" = {:?}\n  }}\n  direct {{}}\n}}\n",
            provider().parent().unwrap()
        );
        std::fs::write(folder.path().join("terraformrc"), overrides).unwrap();
        let workspace = Self {
            folder,
            terraform,
            variables: Vec::new(),
        };
        workspace.write(config);
        Some(workspace)
    }

    /// Replaces the configuration.
    pub(crate) fn write(&self, config: &str) {
        let provider = format!("provider \"example\" {{\n  folder = {:?}\n}}\n", self.boards());
        std::fs::write(self.path().join("main.tf"), format!("{HEAD}{provider}{config}")).unwrap();
    }

    /// Sets an environment variable for the commands to come.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn boards(&self) -> PathBuf {
        self.path().join("boards")
    }

    /// What the "cloud" keeps under a name.
    pub(crate) fn board(&self, name: &str) -> Option<Json> {
        let bytes = std::fs::read(self.boards().join(format!("{name}.json"))).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.terraform);
        command
            .args(arguments)
            .current_dir(self.path())
            .env("TF_CLI_CONFIG_FILE", self.path().join("terraformrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_LOG")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let started = Instant::now();
        let output = self.command(arguments).output().unwrap();
        Said {
            code: output.status.code(),
            took: started.elapsed(),
            text: format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
        }
    }

    pub(crate) fn apply(&self) -> Said {
        self.run(&["apply", "-no-color", "-input=false", "-auto-approve"])
    }

    pub(crate) fn destroy(&self) -> Said {
        self.run(&["destroy", "-no-color", "-input=false", "-auto-approve"])
    }

    pub(crate) fn plan(&self) -> Said {
        self.run(&["plan", "-no-color", "-input=false"])
    }

    /// Asserts that nothing is left to do, with and without looking at what stands.
    #[track_caller]
    pub(crate) fn converged(&self) {
        for refresh in ["-refresh=false", "-refresh=true"] {
            let said = self.run(&["plan", "-no-color", "-input=false", "-detailed-exitcode", refresh]);
            assert_eq!(said.code, Some(0), "plan {refresh} is not empty:\n{}", said.text);
        }
    }

    /// Starts an apply in a process group of its own, as a shell does.
    pub(crate) fn start_apply(&self) -> Running {
        let child = self
            .command(&["apply", "-no-color", "-input=false", "-auto-approve"])
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Running(child)
    }

    /// The managed resource in the state, with `status` (for `tainted`).
    pub(crate) fn stored(&self) -> Option<Json> {
        let state: Json =
            serde_json::from_slice(&std::fs::read(self.path().join("terraform.tfstate")).ok()?).ok()?;
        let managed = state["resources"]
            .as_array()?
            .iter()
            .find(|one| one["mode"] == "managed")?;
        Some(managed["instances"][0].clone())
    }
}

/// A command that runs.
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for the end, at most `limit`.
    #[track_caller]
    pub(crate) fn ends_within(&mut self, limit: Duration) -> (Option<i32>, Duration) {
        let started = Instant::now();
        let mut status = None;
        eventually("the command ends", limit, || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap().code(), started.elapsed())
    }

    /// The provider processes it has started.
    pub(crate) fn providers(&self) -> Vec<u32> {
        processes()
            .into_iter()
            .filter(|process| process.parent == self.id() && process.name.starts_with("terraform-prov"))
            .map(|process| process.id)
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal; a negative `id` means the group.
pub(crate) fn signal(name: &str, id: i64) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), "--".to_owned(), id.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits until `holds`.
#[track_caller]
pub(crate) fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < limit, "waited {limit:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process lives; one that only waits to be fetched does not.
pub(crate) fn alive(id: u32) -> bool {
    process(id).is_some_and(|process| process.state != 'Z')
}

struct Process {
    id: u32,
    parent: u32,
    state: char,
    name: String,
}

fn process(id: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let mut fields = tail.split_whitespace();
    Some(Process {
        id,
        name: head.split_once('(')?.1.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
    })
}

fn processes() -> Vec<Process> {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect()
}
