//! Reports as their readers need them: the schema, the right line, the limits, and no secret anywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod harness;
use harness::*;
use serde_json::Value;

const SCHEMA: &str = include_str!("sarif-2.1.0.schema.json");

#[track_caller]
fn valid_sarif(text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler
        .add_resource("sarif.json", serde_json::from_str(SCHEMA).unwrap())
        .unwrap();
    let schema = compiler.compile("sarif.json", &mut schemas).unwrap();
    if let Err(e) = schemas.validate(&document, schema) {
        panic!("{e:#}");
    }
    document
}

/// What GitHub and a reader need beyond the schema.
fn sense(document: &Value, root: &std::path::Path) {
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for r in rules {
        for field in [
            "/shortDescription/text",
            "/fullDescription/text",
            "/help/text",
            "/properties/tags/0",
        ] {
            assert!(
                r.pointer(field)
                    .and_then(Value::as_str)
                    .is_some_and(|s| !s.is_empty()),
                "{} {field}",
                r["id"]
            );
        }
        assert!(r["properties"]["tags"].as_array().unwrap().len() <= 10);
    }
    for result in run["results"].as_array().unwrap() {
        assert_eq!(
            rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"],
            result["ruleId"]
        );
        assert!(
            result["partialFingerprints"]
                .as_object()
                .is_some_and(|p| !p.is_empty())
        );
        let location = &result["locations"][0];
        let uri = location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap();
        assert!(!uri.starts_with('/') && !uri.contains(".."), "{uri}");
        assert!(
            location["logicalLocations"][0]["fullyQualifiedName"]
                .as_str()
                .is_some_and(|n| !n.is_empty())
        );
        let region = &location["physicalLocation"]["region"];
        let (line, end) = (
            region["startLine"].as_u64().unwrap(),
            region["endLine"].as_u64().unwrap(),
        );
        assert!(line >= 1 && end >= line && region["startColumn"].as_u64().unwrap() >= 1);
        if let Ok(text) = std::fs::read_to_string(root.join(uri)) {
            assert!(
                usize::try_from(end).unwrap() <= text.lines().count().max(1),
                "{uri}:{end}"
            );
        }
    }
}

#[test]
fn sarif_follows_the_schema_and_points_at_the_line_that_is_meant() {
    let d = folder();
    let source = format!(
        "{REMOTE}\nresource \"aws_iam_user\" \"ci\" {{\n  name = \"someone\"\n}}\n\nresource \"aws_iam_access_key\" \"ci\" {{\n  user = aws_iam_user.ci.name\n}}\n"
    );
    write(d.path(), "live/prod/main.tf", &source);
    write(d.path(), "p.json", &plan(&[access_key()]));
    let r = run(
        d.path(),
        &[
            "p.json",
            "--root",
            "live/prod",
            "--source-prefix",
            "live/prod",
            "--format",
            "sarif",
        ],
    )
    .exits(1);
    let document = valid_sarif(&r.out);
    sense(&document, d.path());
    let results = document["runs"][0]["results"].as_array().unwrap();
    let key = results.iter().find(|r| r["ruleId"] == "SK01").unwrap();
    let physical = &key["locations"][0]["physicalLocation"];
    assert_eq!(physical["artifactLocation"]["uri"], "live/prod/main.tf");
    let line = usize::try_from(physical["region"]["startLine"].as_u64().unwrap()).unwrap();
    assert_eq!(
        source.lines().nth(line - 1).unwrap(),
        "resource \"aws_iam_access_key\" \"ci\" {"
    );
    assert_eq!(
        key["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
        "aws_iam_access_key.ci"
    );
    assert_eq!(key["level"], "error");
    assert_eq!(
        document["runs"][0]["automationDetails"]["id"],
        "tfplan-check/live/prod/"
    );
}

#[test]
fn sarif_of_every_fixture_is_valid_and_sensible() {
    for rule in std::fs::read_dir(fixtures())
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_dir())
    {
        for f in std::fs::read_dir(rule.path()).unwrap().flatten() {
            let plan = f.path().join("plan.json");
            if !plan.exists() || std::fs::metadata(&plan).unwrap().len() > 1 << 20 {
                continue;
            }
            let r = run(
                &f.path(),
                &["plan.json", "--family", "sk,mi", "--format", "sarif"],
            );
            assert!(
                r.code <= 1 || r.code == 3 || !r.out.is_empty(),
                "{}: {}",
                plan.display(),
                r.err
            );
            if !r.out.is_empty() {
                sense(&valid_sarif(&r.out), &f.path());
            }
        }
    }
}

#[test]
fn waived_and_known_findings_are_suppressed_in_sarif() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "p.json", &plan(&[access_key()]));
    write(
        d.path(),
        "tfplan-check.toml",
        "[[waivers]]\nrule = \"SK01\"\naddress = \"*\"\nreason = \"vendor\"\nowner = \"platform\"\nexpires = 2026-03-01\n",
    );
    let r = run(
        d.path(),
        &["p.json", "--today", "2026-01-15", "--format", "sarif"],
    )
    .exits(0);
    let document = valid_sarif(&r.out);
    assert_eq!(
        document["runs"][0]["results"][0]["suppressions"][0]["justification"],
        "vendor (platform, until 2026-03-01)"
    );
}

#[test]
fn github_shows_the_worst_and_sums_up_the_rest() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    let many: Vec<Value> = (0..30)
        .map(|i| {
            created(
                "aws_iam_access_key",
                &format!("k{i}"),
                serde_json::json!({ "user": format!("100%, u:{i}") }),
            )
        })
        .collect();
    write(d.path(), "p.json", &plan(&many));
    let r = run(d.path(), &["p.json", "--family", "sk", "--format", "github"]).exits(1);
    let errors: Vec<&str> = r.out.lines().filter(|l| l.starts_with("::error")).collect();
    assert_eq!(errors.len(), 10, "{}", r.out);
    assert!(
        errors[9].contains("21 more of this level are not shown"),
        "{}",
        errors[9]
    );
    assert!(errors[0].contains("100%25") && !errors[0].contains('\r'));
}

#[test]
fn gitlab_fingerprints_are_unique_and_paths_relative() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    let many: Vec<Value> = (0..5)
        .map(|i| {
            created(
                "aws_iam_access_key",
                &format!("k{i}"),
                serde_json::json!({ "user": "x" }),
            )
        })
        .collect();
    write(d.path(), "p.json", &plan(&many));
    let r = run(d.path(), &["p.json", "--family", "sk", "--format", "gitlab"]).exits(1);
    let list = r.json();
    let prints: std::collections::HashSet<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["fingerprint"].as_str().unwrap())
        .collect();
    assert_eq!(prints.len(), list.as_array().unwrap().len());
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .all(|i| !i["location"]["path"].as_str().unwrap().starts_with(['/', '.']))
    );
}

#[test]
fn junit_counts_what_passed_too() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "p.json", &plan(&[access_key()]));
    let r = run(d.path(), &["p.json", "--family", "sk", "--format", "junit"]).exits(1);
    assert!(
        r.out.contains("<failure type=\"error\"") && r.out.contains("name=\"whole plan\"/>"),
        "{}",
        r.out
    );
    assert_eq!(
        r.out.matches("<testcase").count().to_string(),
        r.out.split("tests=\"").nth(1).unwrap().split('"').next().unwrap()
    );
}

/// The planted fixture holds secrets in provider and backend blocks, defaults, values, environments, user data, provisioners, policies and
/// outputs. Every report of it, with and without source, is searched for them.
#[test]
fn no_secret_appears_in_any_report() {
    let f = fixtures().join("saved-plans/planted");
    let source = std::fs::read_to_string(f.join("main.tf")).unwrap();
    let secrets: Vec<&str> = source
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_/".contains(c)))
        .filter(|w| w.contains("PLANTED"))
        .collect();
    assert!(secrets.len() >= 12, "{secrets:?}");
    let given = "PLANTED-9a-Zq8Lw3Xv7Rt2Nc6";
    let saved = f.join("saved.tfplan");
    let json = f.join("plan.json");
    assert!(
        std::fs::read_to_string(&json).unwrap().contains(given),
        "the plan itself holds them in clear text"
    );
    let d = folder();
    std::fs::copy(&json, d.path().join("alone.json")).unwrap();
    for plan in [saved.to_str().unwrap(), json.to_str().unwrap(), "alone.json"] {
        for format in [
            "text", "json", "sarif", "github", "gitlab", "junit", "markdown", "html",
        ] {
            for strict in [false, true] {
                let mut args = vec![plan, "--format", format];
                if strict {
                    args.push("--strict");
                }
                let r = run(d.path(), &args).exits(1);
                let all = r.all();
                for s in secrets.iter().copied().chain([given]) {
                    let at = all
                        .find(s)
                        .map(|i| all[i.saturating_sub(200)..(i + 60).min(all.len())].to_owned());
                    assert!(
                        at.is_none(),
                        "{plan} as {format} shows {s}: …{}",
                        at.unwrap_or_default()
                    );
                }
                assert!(
                    !all.contains("PLANTED"),
                    "{plan} as {format} shows part of a secret"
                );
            }
        }
    }
}
