//! The rules about the backend, put to evidence of every kind: what a saved plan, a data directory, source or a claim would say.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::PathBuf;

use tfplan_check::backend::{Backend, Evidence, Source, hide_secrets};
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Verdict};
use tfplan_check::plan::Plan;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::Sources;
use tfplan_check::value::Value;
use tfplan_check::{judge, plan};

fn evidence(kind: &str, config: &str, source: Source) -> Backend {
    let config: Value<'_> = serde_json::from_str(config).unwrap();
    Backend {
        kind: kind.into(),
        config: hide_secrets(config.into_owned()),
        workspace: Some("default".into()),
        partial: matches!(source, Source::Configuration(_) | Source::Claim),
        source,
        no_block: false,
    }
}

fn judged(plan: &Plan<'_>, found: Vec<Backend>) -> Vec<Finding> {
    let sources = Sources::from_text("");
    let rules: Vec<&'static dyn Rule> = rules::all().collect();
    judge::judge(
        &Context::new(plan, &Evidence { found }, &sources, &Config::default()),
        &rules,
    )
}

fn codes(found: &[Finding], verdict: Verdict) -> Vec<String> {
    let mut out: Vec<String> = found
        .iter()
        .filter(|f| f.verdict == verdict)
        .map(|f| format!("{} {} {}", f.rule.code, f.level.name(), f.place))
        .collect();
    out.sort();
    out
}

#[test]
fn every_backend_is_judged_by_its_settings() {
    let s3 = r#"{"bucket": "acme-tfstate-prod", "key": "a", "region": "eu-west-1""#;
    for (kind, config, expected) in [
        (
            "s3",
            format!(r#"{s3}, "encrypt": true, "kms_key_id": "k", "use_lockfile": true}}"#),
            vec![],
        ),
        (
            "s3",
            format!(r#"{s3}, "encrypt": true, "use_lockfile": true}}"#),
            vec!["LS04 note terraform.backend.kms_key_id"],
        ),
        (
            "s3",
            format!(r#"{s3}, "encrypt": false, "kms_key_id": "k", "use_lockfile": true}}"#),
            vec!["LS04 error terraform.backend.encrypt"],
        ),
        (
            "s3",
            format!(r#"{s3}, "kms_key_id": "k", "use_lockfile": true}}"#),
            vec!["LS04 warning terraform.backend.encrypt"],
        ),
        (
            "s3",
            format!(r#"{s3}, "encrypt": true, "kms_key_id": "k"}}"#),
            vec!["LS03 error terraform.backend"],
        ),
        (
            "s3",
            format!(r#"{s3}, "encrypt": true, "kms_key_id": "k", "dynamodb_table": "locks"}}"#),
            vec!["LS03 warning terraform.backend.dynamodb_table"],
        ),
        (
            "s3",
            format!(
                r#"{s3}, "encrypt": true, "kms_key_id": "k", "use_lockfile": true, "access_key": "AKIAQ7XK2LMR9VTZ4WBJ", "secret_key": "x"}}"#
            ),
            vec![
                "LS05 error terraform.backend.access_key",
                "LS05 error terraform.backend.secret_key",
            ],
        ),
        (
            "gcs",
            r#"{"bucket": "acme-tfstate", "prefix": "prod"}"#.into(),
            vec![],
        ),
        (
            "gcs",
            r#"{"bucket": "b", "credentials": "{\"type\": \"service_account\"}"}"#.into(),
            vec!["LS05 error terraform.backend.credentials"],
        ),
        (
            "gcs",
            r#"{"bucket": "b", "credentials": "federation.json"}"#.into(),
            vec!["LS05 warning terraform.backend.credentials"],
        ),
        (
            "http",
            r#"{"address": "https://s.example/p", "lock_address": "https://s.example/p/lock"}"#.into(),
            vec![],
        ),
        (
            "http",
            r#"{"address": "http://127.0.0.1:8080/p", "password": "hunter2"}"#.into(),
            vec![
                "LS02 error terraform.backend.address",
                "LS03 error terraform.backend.lock_address",
                "LS04 error terraform.backend.address",
                "LS05 error terraform.backend.password",
            ],
        ),
        (
            "pg",
            r#"{"conn_str": "postgres://db.example/state?sslmode=disable"}"#.into(),
            vec!["LS04 error terraform.backend.conn_str"],
        ),
        (
            "consul",
            r#"{"scheme": "http", "lock": false}"#.into(),
            vec![
                "LS03 error terraform.backend.lock",
                "LS04 error terraform.backend.scheme",
            ],
        ),
        (
            "local",
            r#"{"path": "/mnt/share/prod.tfstate"}"#.into(),
            vec!["LS01 error terraform.backend"],
        ),
        (
            "cloud",
            r#"{"organization": "acme", "workspaces": {"name": "prod"}}"#.into(),
            vec![],
        ),
        (
            "cloud",
            r#"{"organization": "acme", "token": "abcdefgh"}"#.into(),
            vec!["LS05 error terraform.backend.token"],
        ),
    ] {
        let found = judged(&Plan::default(), vec![evidence(kind, &config, Source::SavedPlan)]);
        assert_eq!(codes(&found, Verdict::Wrong), expected, "{kind} {config}");
        for f in &found {
            let said = format!("{} {} {:?} {:?}", f.what, f.why, f.fix, f.place);
            assert!(
                !said.contains("hunter2")
                    && !said.contains("AKIAQ7XK2LMR9VTZ4WBJ")
                    && !said.contains("abcdefgh"),
                "{said}"
            );
        }
    }
}

#[test]
fn what_the_source_or_a_claim_does_not_say_may_be_said_elsewhere() {
    for (config, source) in [
        (
            r#"{"key": "prod"}"#,
            Source::Configuration(PathBuf::from("main.tf")),
        ),
        ("{}", Source::Claim),
    ] {
        let found = judged(&Plan::default(), vec![evidence("s3", config, source)]);
        assert_eq!(codes(&found, Verdict::Wrong), Vec::<String>::new());
        assert_eq!(
            codes(&found, Verdict::Undecided),
            [
                "LS03 note terraform.backend",
                "LS04 note terraform.backend.encrypt"
            ]
        );
    }
}

#[test]
fn the_block_to_write_instead_is_one_that_can_be_written() {
    for (kind, config) in [
        ("s3", "{}"),
        ("s3", r#"{"bucket": "b", "key": "k"}"#),
        ("gcs", "{}"),
        ("local", "{}"),
    ] {
        let found = judged(&Plan::default(), vec![evidence(kind, config, Source::SavedPlan)]);
        for fix in found
            .iter()
            .filter_map(|f| f.fix.as_deref())
            .filter(|f| f.starts_with("terraform {"))
        {
            let sources = Sources::from_text(fix);
            assert!(sources.files[0].error.is_none(), "{fix}");
            assert_eq!(fix.matches('<').count(), fix.matches('>').count(), "{fix}");
        }
    }
}

#[test]
fn an_override_that_redirects_the_state_is_a_disagreement() {
    let plan = evidence("local", "{}", Source::SavedPlan);
    let source = evidence(
        "s3",
        r#"{"bucket": "b"}"#,
        Source::Configuration(PathBuf::from("backend.tf")),
    );
    let found = judged(&Plan::default(), vec![plan, source]);
    assert!(
        codes(&found, Verdict::Wrong).contains(&"LS15 error terraform.backend".to_owned()),
        "{found:?}"
    );
    let one = evidence("s3", r#"{"bucket": "a"}"#, Source::SavedPlan);
    let two = evidence(
        "s3",
        r#"{"bucket": "b"}"#,
        Source::DataDirectory(PathBuf::from(".terraform")),
    );
    let found = judged(&Plan::default(), vec![one, two]);
    assert!(
        codes(&found, Verdict::Wrong).contains(&"LS15 error terraform.backend.bucket".to_owned()),
        "{found:?}"
    );
}

#[test]
fn a_workspace_alone_does_not_separate_environments() {
    let mut b = evidence(
        "s3",
        r#"{"bucket": "acme-tfstate", "key": "platform", "encrypt": true, "kms_key_id": "k", "use_lockfile": true}"#,
        Source::SavedPlan,
    );
    b.workspace = Some("prod".into());
    assert_eq!(
        codes(&judged(&Plan::default(), vec![b.clone()]), Verdict::Wrong),
        ["LS09 warning terraform.backend"]
    );
    b.workspace = Some("team-ml".into());
    assert_eq!(
        codes(&judged(&Plan::default(), vec![b]), Verdict::Wrong),
        Vec::<String>::new()
    );
}

#[test]
fn an_unknown_store_is_undecided() {
    let found = judged(
        &Plan::default(),
        vec![evidence("acme_store", "{}", Source::SavedPlan)],
    );
    assert_eq!(codes(&found, Verdict::Undecided), ["LS02 note terraform.backend"]);
}

/// The one deletion that is reported: a protection of a state bucket that stays.
#[test]
fn taking_a_protection_from_a_state_bucket_that_stays_is_reported() {
    let bucket = |actions: &str| {
        format!(
            r#"{{"address":"aws_s3_bucket.s","mode":"managed","type":"aws_s3_bucket","name":"s","change":{{"actions":["{actions}"],"before":{{"bucket":"acme-tfstate"}},"after":{},"after_unknown":{{}}}}}}"#,
            if actions == "delete" {
                "null"
            } else {
                r#"{"bucket":"acme-tfstate"}"#
            }
        )
    };
    let versioning = r#"{"address":"aws_s3_bucket_versioning.s","mode":"managed","type":"aws_s3_bucket_versioning","name":"s","change":{"actions":["delete"],"before":{"bucket":"acme-tfstate"},"after":null,"after_unknown":{}}}"#;
    let says = |bucket: String| {
        let text = format!(
            r#"{{"format_version":"1.2","resource_changes":[{bucket},{versioning}],"configuration":{{"root_module":{{}}}}}}"#
        );
        let plan = plan::json::read(&text).unwrap();
        codes(&judged(&plan, Vec::new()), Verdict::Wrong)
    };
    assert!(says(bucket("no-op")).contains(&"LS08 error aws_s3_bucket_versioning.s".to_owned()));
    assert!(
        !says(bucket("delete")).iter().any(|c| c.contains("versioning")),
        "the bucket goes too"
    );
}
