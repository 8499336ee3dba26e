//! The contract of the command line, on the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod harness;
use harness::*;

#[test]
fn exit_codes_tell_clean_findings_cannot_judge_and_nothing_apart() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "clean.json", &harmless());
    write(d.path(), "bad.json", &plan(&[access_key()]));
    run(d.path(), &["clean.json"]).exits(0).says("clean: 0 errors");
    run(d.path(), &["bad.json"])
        .exits(1)
        .says("error[SK01]")
        .says("aws_iam_access_key.ci");
    run(d.path(), &["bad.json", "--exit-zero"])
        .exits(0)
        .says("error[SK01]");
    run(d.path(), &["absent.json"])
        .exits(2)
        .says("cannot read absent.json: there is no such file; `terraform plan -out plan.bin` writes a plan");
    run(d.path(), &[]).exits(2).says("PLAN");
    run(d.path(), &["clean.json", "--frobnicate"]).exits(2);
    let e = folder();
    write(e.path(), "empty.json", &plan(&[]));
    run(e.path(), &["empty.json", "--family", "sk"])
        .exits(3)
        .says("nothing was checked");
}

#[test]
fn a_name_that_is_nearly_right_and_a_directory_are_answered_with_what_to_give() {
    let d = folder();
    run(d.path(), &["explain", "aws-access-kee"])
        .exits(2)
        .says("did you mean \"aws-access-key\"");
    run(d.path(), &["."])
        .exits(2)
        .says("is a directory")
        .says("--root");
    write(
        d.path(),
        "odd.json",
        "{\"format_version\":\"1.2\",\"resource_changes\":[[[]]]}",
    );
    let said = run(d.path(), &["odd.json"]).exits(2).err;
    assert_eq!(said.matches("not a readable plan").count(), 1, "{said}");
}

#[test]
fn json_alone_cannot_say_where_the_state_is_and_says_how_to_tell() {
    let d = folder();
    write(d.path(), "p.json", &harmless());
    run(d.path(), &["p.json"])
        .exits(2)
        .says("nothing shows where the state is kept")
        .says("--plan-file")
        .says("--root DIR")
        .says("cannot judge");
    run(d.path(), &["p.json", "--family", "sk,mi"]).exits(0);
    run(d.path(), &["p.json", "--backend", "s3"]).says("not observed");
    // Findings come first, whatever else could not be seen.
    write(d.path(), "bad.json", &plan(&[access_key()]));
    run(d.path(), &["bad.json"])
        .exits(1)
        .says("nothing shows where the state is kept");
}

#[test]
fn incomplete_plans_are_never_clean() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    for (key, value, says) in [
        ("complete", false, "leaves changes out"),
        ("errored", true, "planning failed"),
    ] {
        let mut p: serde_json::Value = serde_json::from_str(&harmless()).unwrap();
        p[key] = value.into();
        write(d.path(), "p.json", &p.to_string());
        run(d.path(), &["p.json"]).exits(2).says(says);
    }
}

#[test]
fn several_plans_give_one_verdict_and_standard_input_is_a_plan() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "a.json", &harmless());
    let bad = plan(&[access_key()]);
    write(d.path(), "b.json", &bad);
    run(d.path(), &["a.json", "b.json"]).exits(1).says("in 2 plans");
    run_with(d.path(), &["-"], bad.as_bytes(), &[])
        .exits(1)
        .says("SK01");
    run(d.path(), &["a.json", "b.json", "--plan-file", "x"])
        .exits(2)
        .says("belongs to one plan");
}

#[test]
fn deleted_things_are_no_finding_and_old_ones_are() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    for (actions, code) in [
        (r#"["delete"]"#, 0),
        (r#"["forget"]"#, 0),
        (r#"["no-op"]"#, 1),
        (r#"["update"]"#, 1),
        (r#"["delete","create"]"#, 1),
        (r#"["create","delete"]"#, 1),
    ] {
        let mut key = access_key();
        key["change"]["actions"] = serde_json::from_str(actions).unwrap();
        key["change"]["before"] = key["change"]["after"].clone();
        let other = created("terraform_data", "x", serde_json::json!({}));
        write(d.path(), "p.json", &plan(&[key, other]));
        assert_eq!(run(d.path(), &["p.json"]).code, code, "{actions}");
    }
}

#[test]
fn the_saved_plan_alone_shows_backend_source_and_lines() {
    let f = fixtures().join("saved-plans");
    let d = folder();
    let over = f.join("override/saved.tfplan");
    // backend.tf says s3; what counts is the override.
    let r = run(d.path(), &[over.to_str().unwrap(), "--format", "json"]).exits(1);
    let j = r.json();
    assert_eq!(j["plans"][0]["backend"]["type"], "local");
    let ls01 = j["plans"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|f| f["rule"] == "LS01")
        .unwrap()
        .clone();
    assert_eq!(ls01["location"]["file"], "backend_override.tf");
    assert_eq!(ls01["location"]["line"], 2);
    assert_eq!(ls01["address"], "terraform.backend");
}

#[test]
fn a_json_of_another_plan_is_refused() {
    let f = fixtures().join("saved-plans");
    let d = folder();
    let (a, b) = (f.join("override"), f.join("unknown-policy"));
    run(
        d.path(),
        &[
            a.join("plan.json").to_str().unwrap(),
            "--plan-file",
            b.join("saved.tfplan").to_str().unwrap(),
        ],
    )
    .exits(2)
    .says("are not the same plan");
    run(
        d.path(),
        &[
            b.join("plan.json").to_str().unwrap(),
            "--plan-file",
            b.join("saved.tfplan").to_str().unwrap(),
        ],
    )
    .says("state backend `local`, known from the saved plan");
    // The same time and version, another set of changes.
    let text = std::fs::read_to_string(b.join("plan.json"))
        .unwrap()
        .replace("aws_iam_role_policy.heredoc", "aws_iam_role_policy.other");
    write(d.path(), "p.json", &text);
    run(
        d.path(),
        &["p.json", "--plan-file", b.join("saved.tfplan").to_str().unwrap()],
    )
    .exits(2)
    .says("only the JSON has aws_iam_role_policy.other");
}

#[test]
fn bookmarks_prove_remote_state_and_nothing_else() {
    let d = folder();
    write(
        d.path(),
        "plan.bin",
        r#"{"remote_plan_format":1,"run_id":"run-x","hostname":"app.terraform.io"}"#,
    );
    write(d.path(), "p.json", &harmless());
    run(d.path(), &["plan.bin"])
        .exits(2)
        .says("only a bookmark of run run-x");
    run(d.path(), &["p.json", "--plan-file", "plan.bin"])
        .exits(0)
        .says("state backend `cloud`");
}

#[test]
fn waivers_cover_and_rot_aloud() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "p.json", &plan(&[access_key()]));
    let waiver = |extra: &str| {
        write(
            d.path(),
            "tfplan-check.toml",
            &format!(
                "[[waivers]]\nrule = \"SK01\"\naddress = \"aws_iam_access_key.*\"\nreason = \"vendor\"\nowner = \"platform\"\n{extra}"
            ),
        )
    };
    waiver("expires = 2026-03-01\n");
    let on = |day: &'static str| run(d.path(), &["p.json", "--today", day]);
    on("2026-01-15")
        .exits(0)
        .says("1 waived")
        .says("waived[SK01]")
        .says("platform")
        .says("2026-03-01");
    on("2026-03-02").exits(1).says("error[WV01]").says("error[SK01]");
    on("2025-06-01").exits(1).says("error[WV03]").says("within 90");
    write(d.path(), "p.json", &harmless());
    on("2026-01-15")
        .exits(1)
        .says("error[WV02]")
        .says("covers nothing");
    // A run of another family says nothing about this waiver.
    run(d.path(), &["p.json", "--today", "2026-01-15", "--family", "mi"]).exits(0);
}

#[test]
fn a_waiver_follows_a_resource_that_moved() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    let mut key = access_key();
    key["address"] = "module.new.aws_iam_access_key.ci".into();
    key["previous_address"] = "aws_iam_access_key.ci".into();
    key["change"]["actions"] = serde_json::json!(["no-op"]);
    write(d.path(), "p.json", &plan(&[key]));
    write(
        d.path(),
        "tfplan-check.toml",
        "[[waivers]]\nrule = \"SK01\"\naddress = \"aws_iam_access_key.ci\"\nreason = \"r\"\nowner = \"o\"\nexpires = 2026-03-01\n",
    );
    run(d.path(), &["p.json", "--today", "2026-01-15"])
        .exits(0)
        .says("1 waived");
}

#[test]
fn a_baseline_lets_only_new_findings_fail() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "old.json", &plan(&[access_key()]));
    run(d.path(), &["old.json", "--write-baseline", "base.json"])
        .exits(0)
        .says("wrote");
    run(d.path(), &["old.json", "--baseline", "base.json"])
        .exits(0)
        .says("known from the baseline");
    let new = created("aws_iam_access_key", "new", serde_json::json!({ "user": "new" }));
    write(d.path(), "new.json", &plan(&[access_key(), new]));
    let r = run(d.path(), &["new.json", "--baseline", "base.json"])
        .exits(1)
        .says("aws_iam_access_key.new");
    assert!(
        !r.out.contains("error[SK01]: access key of IAM user `ci`"),
        "{}",
        r.out
    );
    write(d.path(), "gone.json", &harmless());
    run(d.path(), &["gone.json", "--baseline", "base.json"])
        .exits(0)
        .says("of the baseline resolved");
    write(d.path(), "broken.json", "{}");
    run(d.path(), &["old.json", "--baseline", "broken.json"])
        .exits(2)
        .says("not a baseline");
}

#[test]
fn rules_are_levelled_and_switched_off_and_counted() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "p.json", &plan(&[access_key()]));
    write(d.path(), "tfplan-check.toml", "[rules]\nSK01 = \"warning\"\n");
    run(d.path(), &["p.json"]).exits(0).says("warning[SK01]");
    run(d.path(), &["p.json", "--fail-on", "warning"]).exits(1);
    write(
        d.path(),
        "tfplan-check.toml",
        "[rules]\naws-access-key = \"off\"\n",
    );
    run(d.path(), &["p.json"]).exits(0).says("1 rule disabled (SK01)");
    write(d.path(), "tfplan-check.toml", "[rules]\nSK01 = \"eror\"\n");
    run(d.path(), &["p.json"])
        .exits(2)
        .says("tfplan-check.toml:2:8")
        .says("is no level");
    run(d.path(), &["p.json", "--config", "absent.toml"])
        .exits(2)
        .says("absent.toml");
}

#[test]
fn colour_stays_out_of_pipes_and_reports_are_stable() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(
        d.path(),
        "p.json",
        &plan(&[
            access_key(),
            created("aws_iam_access_key", "b", serde_json::json!({ "user": "b" })),
        ]),
    );
    for format in [
        "text", "json", "sarif", "github", "gitlab", "junit", "markdown", "html",
    ] {
        let (a, b) = (
            run(d.path(), &["p.json", "--format", format]),
            run(d.path(), &["p.json", "--format", format]),
        );
        assert!(!a.out.contains('\u{1b}'), "{format}");
        assert_eq!(a.out, b.out, "{format}");
        assert!(!a.out.trim().is_empty() && a.out.ends_with('\n'), "{format}");
    }
    run(d.path(), &["p.json", "--format", "json", "--format", "sarif"])
        .exits(2)
        .says("two formats");
    run(
        d.path(),
        &[
            "p.json",
            "--format",
            "text",
            "--format",
            "sarif=o.sarif",
            "--format",
            "junit=o.xml",
        ],
    )
    .exits(1);
    assert!(d.path().join("o.sarif").exists() && d.path().join("o.xml").exists());
    run(d.path(), &["p.json", "--format", "sarif=o.sarif"])
        .exits(1)
        .says("failed: 2 errors");
    run(d.path(), &["p.json", "--format", "sarif=no/such/dir"])
        .exits(2)
        .says("cannot write the report");
    run(d.path(), &["p.json", "--format", "yaml"])
        .exits(2)
        .says("text, json, sarif");
}

#[test]
fn the_tool_explains_itself() {
    let d = folder();
    run(d.path(), &["explain", "sk01"])
        .exits(0)
        .says("# SK01 aws-access-key")
        .says("## Good")
        .says("enforces D-18");
    run(d.path(), &["explain", "WV02"]).exits(0).says("Remove it");
    run(d.path(), &["explain", "SK99"])
        .exits(2)
        .says("there is no rule");
    let r = run(d.path(), &["rules"]).exits(0).says("LS01  local-backend");
    assert!(r.out.lines().count() > 10);
    let all = run(d.path(), &["rules", "--json"]).exits(0).json();
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|r| r["why"].as_str().is_some_and(|w| !w.is_empty()))
    );
    run(d.path(), &["init"]).exits(0);
    run(d.path(), &["init"]).exits(2).says("left as it is");
    write(d.path(), "p.json", &harmless());
    run(d.path(), &["p.json", "--family", "sk"]).exits(0);
    run(d.path(), &["completions", "bash"])
        .exits(0)
        .says("tfplan-check");
    run(d.path(), &["--help"])
        .exits(0)
        .says("Exit codes:")
        .says("terraform plan -out plan.bin && tfplan-check plan.bin");
    run(d.path(), &["--version"]).exits(0);
}

#[test]
fn what_cannot_be_parsed_is_said_and_not_taken_for_absent() {
    let d = folder();
    write(d.path(), "main.tf", "terraform {\n  backend \"s3\" {\n");
    write(d.path(), "p.json", &harmless());
    run(d.path(), &["p.json"])
        .exits(2)
        .says("main.tf: cannot be parsed")
        .says("nothing shows where the state is kept");
}

#[test]
fn data_directory_and_source_are_evidence_in_this_order() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "p.json", &harmless());
    run(d.path(), &["p.json"])
        .exits(0)
        .says("known from the configuration");
    write(
        d.path(),
        ".terraform/terraform.tfstate",
        r#"{"version":3,"backend":{"type":"local","config":{"path":"x.tfstate"},"hash":1}}"#,
    );
    run(d.path(), &["p.json"])
        .exits(1)
        .says("known from the data directory")
        .says("LS01");
    std::fs::remove_file(d.path().join(".terraform/terraform.tfstate")).unwrap();
    write(d.path(), ".terraform/providers/x", "");
    run(d.path(), &["p.json"])
        .exits(1)
        .says("no backend is configured");
}

/// What people pass by mistake is named, with what to give instead, and never judged; what only wears odd clothes is read.
#[test]
fn inputs_are_recognised_by_what_they_are() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    let whole = plan(&[access_key()]);
    for (name, bytes, says) in [
        (
            "state.json",
            br#"{"format_version":"1.0","terraform_version":"1.5.0","values":{"root_module":{}}}"#.to_vec(),
            "this is a state",
        ),
        (
            "terraform.tfstate",
            br#"{"version":4,"terraform_version":"1.5.0","serial":1,"lineage":"x","outputs":{},"resources":[]}"#.to_vec(),
            "state file",
        ),
        (
            "stream.json",
            b"{\"@level\":\"info\",\"@message\":\"Terraform 1.5\"}\n{\"@level\":\"info\"}\n".to_vec(),
            "log of `terraform plan -json`",
        ),
        (
            "encrypted.json",
            br#"{"meta":{},"encrypted_data":"AA==","encryption_version":"v0"}"#.to_vec(),
            "encrypted",
        ),
        ("truncated.json", whole.as_bytes()[..whole.len() / 2].to_vec(), "truncated"),
        ("future.json", br#"{"format_version":"2.0","resource_changes":[]}"#.to_vec(), "format 2.0"),
        ("readable.txt", b"Terraform will perform the following actions:\n".to_vec(), "readable output"),
        ("empty.json", Vec::new(), "empty"),
    ] {
        std::fs::write(d.path().join(name), &bytes).unwrap();
        let r = run(d.path(), &[name]).exits(2).says(says).says(name);
        assert!(r.out.is_empty(), "{name}: nothing is reported of what was not judged: {}", r.out);
        run_with(d.path(), &["-"], &bytes, &[]).exits(2).says(says);
        // One that cannot be read makes the run one that could not judge, whatever the others hold.
        write(d.path(), "good.json", &harmless());
        run(d.path(), &["good.json", name]).exits(2);
    }
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(whole.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let bom = [&[0xef, 0xbb, 0xbf][..], whole.as_bytes()].concat();
    let wrapped =
        format!("[command]/opt/terraform-bin show -json plan\n{whole}\n::set-output name=exitcode::0\n");
    for bytes in [utf16, bom, wrapped.into_bytes()] {
        std::fs::write(d.path().join("odd.json"), &bytes).unwrap();
        run(d.path(), &["odd.json"]).exits(1).says("error[SK01]");
    }
}
