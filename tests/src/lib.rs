//! What end-to-end tests and the demo share: a local AWS, a workspace with the real terraform, and an inventory of the
//! cloud taken by somebody else's code.

pub mod act;
pub mod cloud;
pub mod gcloud;
pub mod gcp;
pub mod ground;
pub mod inventory;
pub mod terraform;
pub mod tls;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A binary of this workspace: taken from the folder `MLOPS_BINARIES` where that is set (`make` has built them), else
/// built on first use so that no test runs against an old one.
///
/// # Panics
/// Where the build fails: there is nothing to test then.
pub fn binary(package: &'static str) -> PathBuf {
    if let Some(folder) = std::env::var_os("MLOPS_BINARIES") {
        let built = PathBuf::from(folder).join(package);
        assert!(
            built.exists(),
            "MLOPS_BINARIES is set, but {} is not there",
            built.display()
        );
        return built;
    }
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // What cargo tells the program it runs would make build scripts run anew, and with them half of everything.
        for (name, _) in std::env::vars_os() {
            let told = name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_") || name == "RUSTC" || name == "RUSTDOC");
            if told && name != "CARGO_HOME" && name != "CARGO_TARGET_DIR" {
                command.env_remove(&name);
            }
        }
        // The whole workspace: a package alone has other features, and compiles the SDKs a second time.
        let status = command
            .args(["build", "--quiet", "--locked", "--workspace", "--bins"])
            .current_dir(root())
            .status()
            .unwrap_or_else(|error| panic!("cargo cannot be started: {error}"));
        assert!(status.success(), "building {package} failed");
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        target.join("debug")
    });
    folder.join(package)
}
