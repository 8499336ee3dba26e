//! What `make dist` packs, from binaries that are there already: the Registry's names, sums that hold, a bill of materials.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod harness;
use harness::*;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

fn dist(binaries: &Path, into: &Path, args: &[&str]) -> Output {
    Command::new("bash")
        .arg("tests/dist")
        .args(args)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .env("DIST_BINARIES", binaries)
        .env("DIST_FOLDER", into)
        .output()
        .unwrap()
}

#[track_caller]
fn text(out: &Output) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    assert!(out.status.success(), "{text}");
    text
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A folder with both binaries: ours, and a stand-in for the provider's, which this package does not build.
fn binaries(d: &Path) -> std::path::PathBuf {
    let folder = d.join("binaries");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_tfplan-check"), folder.join("tfplan-check")).unwrap();
    let provider = write(&folder, "terraform-provider-mlops", "#!/bin/sh\necho provider\n");
    std::fs::set_permissions(provider, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn archives_are_named_as_the_registry_wants_and_their_sums_hold() {
    let d = folder();
    let (from, into) = (binaries(d.path()), d.path().join("dist"));
    text(&dist(&from, &into, &["x86_64-unknown-linux-musl", "1.2.3"]));
    let wanted = [
        "terraform-provider-mlops_1.2.3_SHA256SUMS",
        "terraform-provider-mlops_1.2.3_linux_amd64.cdx.json",
        "terraform-provider-mlops_1.2.3_linux_amd64.zip",
        "terraform-provider-mlops_1.2.3_manifest.json",
        "tfplan-check_1.2.3_SHA256SUMS",
        "tfplan-check_1.2.3_linux_amd64.cdx.json",
        "tfplan-check_1.2.3_linux_amd64.zip",
    ];
    assert_eq!(names(&into), wanted.map(str::to_owned).into());

    // Another platform's archives are laid beside, as the release does it, and summed up again.
    std::fs::copy(
        into.join(wanted[2]),
        into.join("terraform-provider-mlops_1.2.3_darwin_arm64.zip"),
    )
    .unwrap();
    text(&dist(&from, &into, &["sums", "1.2.3"]));
    for (sums, lines) in [(wanted[0], 4), (wanted[4], 2)] {
        let list = std::fs::read_to_string(into.join(sums)).unwrap();
        assert_eq!(list.lines().count(), lines, "{list}");
        for line in list.lines() {
            let (sum, name) = line.split_once("  ").unwrap();
            assert!(
                sum.len() == 64 && !name.contains('/') && !name.ends_with("SHA256SUMS"),
                "{line}"
            );
        }
        let check = Command::new("sha256sum")
            .args(["--check", "--strict", sums])
            .current_dir(&into)
            .output();
        match check {
            Ok(out) => drop(text(&out)),
            Err(_) => println!("skipped: sha256sum is not here"),
        }
    }
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(into.join(wanted[3])).unwrap()).unwrap();
    assert_eq!(
        manifest["metadata"]["protocol_versions"],
        serde_json::json!(["6.0"])
    );
}

#[test]
fn an_archive_holds_one_binary_that_can_be_run() {
    let d = folder();
    let (from, into) = (binaries(d.path()), d.path().join("dist"));
    text(&dist(&from, &into, &["aarch64-unknown-linux-musl", "1.2.3"]));
    for (archive, inside) in [
        (
            "terraform-provider-mlops_1.2.3_linux_arm64.zip",
            "terraform-provider-mlops_v1.2.3",
        ),
        ("tfplan-check_1.2.3_linux_arm64.zip", "tfplan-check"),
    ] {
        let mut zip = zip::ZipArchive::new(std::fs::File::open(into.join(archive)).unwrap()).unwrap();
        assert_eq!(zip.len(), 1, "{archive}");
        let mut file = zip.by_index(0).unwrap();
        assert_eq!(file.name().unwrap(), inside);
        assert_eq!(
            file.unix_mode().unwrap() & 0o111,
            0o111,
            "{archive}: it can be run"
        );
        let out = d.path().join("unpacked");
        std::io::copy(&mut file, &mut std::fs::File::create(&out).unwrap()).unwrap();
        std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(
            Command::new(&out)
                .arg("--version")
                .output()
                .unwrap()
                .status
                .success(),
            "{archive}"
        );
    }
}

#[test]
fn the_bill_of_materials_tells_what_is_in_the_binary_and_nothing_else() {
    let d = folder();
    let (from, into) = (binaries(d.path()), d.path().join("dist"));
    text(&dist(
        &from,
        &into,
        &["x86_64-unknown-linux-musl", "1.2.3", "tfplan-check"],
    ));
    assert!(
        !names(&into).iter().any(|n| n.contains("provider")),
        "nothing of the provider: {:?}",
        names(&into)
    );
    let bill: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(into.join("tfplan-check_1.2.3_linux_amd64.cdx.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"]),
        (&"CycloneDX".into(), &"1.5".into())
    );
    let components = bill["components"].as_array().unwrap();
    let has = |name: &str| components.iter().any(|c| c["name"] == name);
    assert!(has("hcl-edit") && has("mlops-access") && has("sha2"));
    assert!(
        !has("proptest") && !has("criterion") && !has("tokio") && !has("windows-sys"),
        "tests and other platforms stay outside"
    );
    for c in components.iter().filter(|c| c["name"] != "mlops-access") {
        assert_eq!(c["hashes"][0]["content"].as_str().map(str::len), Some(64), "{c}");
        assert!(c["licenses"][0]["expression"].is_string(), "{c}");
        assert!(c["purl"].as_str().unwrap().starts_with("pkg:cargo/"));
    }
}

#[test]
fn what_cannot_be_packed_is_said() {
    let d = folder();
    let (from, into) = (binaries(d.path()), d.path().join("dist"));
    let out = dist(&from, &into, &["riscv64gc-unknown-linux-gnu", "1.2.3"]);
    assert!(!out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("no name for the processor"));
    let out = dist(Path::new(""), &into, &["aarch64-pc-windows-msvc", "1.2.3"]);
    assert!(!out.status.success());
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        said.contains("rustup target add aarch64-pc-windows-msvc"),
        "{said}"
    );
    assert!(!into.exists(), "nothing half packed");
}
