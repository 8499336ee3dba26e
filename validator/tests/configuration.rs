//! What `tfplan-check.toml` says changes what the rules say: trusted accounts and repositories, purposes, environments, state buckets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tfplan_check::backend::Evidence;
use tfplan_check::config::{self, Config};
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Verdict};
use tfplan_check::judge;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::{Sources, build};

fn configuration(text: &str) -> Config {
    config::parse(text, jiff::civil::date(2026, 1, 1)).unwrap()
}

fn judged(source: &str, config: &str) -> Vec<Finding> {
    let sources = Sources::from_text(source);
    assert!(sources.files[0].error.is_none(), "{:?}", sources.files[0].error);
    let plan = build::sketch(&sources);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let (backend, config) = (Evidence::default(), configuration(config));
    judge::judge(&Context::new(&plan, &backend, &sources, &config), &all)
}

/// Findings of one rule, as `level place: what`.
fn of(rule: &str, source: &str, config: &str) -> Vec<String> {
    judged(source, config)
        .iter()
        .filter(|f| f.rule.code == rule && f.verdict == Verdict::Wrong)
        .map(|f| format!("{} {}: {}", f.level, f.place, f.what))
        .collect()
}

fn role(name: &str, principal: &str) -> String {
    format!(
        r#"resource "aws_iam_role" "{name}" {{
  name = "{name}"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {principal} }}]
  }})
}}
"#
    )
}

#[test]
fn a_trusted_account_is_silent_and_another_is_found() {
    let trusted = "[trusted]\naccounts = [\"111122223333\"]\n";
    let whole = |account: &str| role("partner", &format!("{{ AWS = \"arn:aws:iam::{account}:root\" }}"));
    let exact = |account: &str| {
        role(
            "partner",
            &format!("{{ AWS = \"arn:aws:iam::{account}:role/deployer\" }}"),
        )
    };
    // Without a list: a whole account is a fault, an exact role of any account is none.
    assert_eq!(of("MI14", &whole("111122223333"), "").len(), 1);
    assert_eq!(of("MI14", &exact("444455556666"), ""), Vec::<String>::new());
    // With one: what is listed is silent, what is not is found however exactly it is named.
    assert_eq!(of("MI14", &whole("111122223333"), trusted), Vec::<String>::new());
    assert_eq!(of("MI14", &exact("111122223333"), trusted), Vec::<String>::new());
    for source in [whole("444455556666"), exact("444455556666")] {
        let found = of("MI14", &source, trusted);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("error aws_iam_role.partner.assume_role_policy")
                && found[0].contains("444455556666"),
            "{found:?}"
        );
    }
    // A trusted account's IAM user has a key without an end all the same.
    let user = role("people", "{ AWS = \"arn:aws:iam::111122223333:user/somebody\" }");
    assert_eq!(of("MI14", &user, trusted).len(), 1);
}

#[test]
fn a_bucket_that_lets_a_stranger_in_is_found_once_accounts_are_listed() {
    let bucket = r#"resource "aws_s3_bucket_policy" "models" {
  bucket = "acme-models"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::444455556666:role/reader" }, Action = "s3:GetObject", Resource = "arn:aws:s3:::acme-models/*" }]
  })
}
"#;
    assert_eq!(of("MI18", bucket, ""), Vec::<String>::new());
    let both = "[trusted]\naccounts = [\"111122223333\", \"444455556666\"]\n";
    assert_eq!(of("MI18", bucket, both), Vec::<String>::new());
    let found = of("MI18", bucket, "[trusted]\naccounts = [\"111122223333\"]\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("warning"), "{found:?}");
}

fn github(name: &str, subject: &str) -> String {
    format!(
        r#"resource "aws_iam_role" "{name}" {{
  name = "{name}"
  assume_role_policy = jsonencode({{
    Version = "2012-10-17"
    Statement = [{{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = {{ Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }}
      Condition = {{ StringEquals = {{
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = "{subject}"
      }} }}
    }}]
  }})
}}
"#
    )
}

#[test]
fn jobs_of_trusted_repositories_enter_and_others_are_found() {
    let own = github("ci", "repo:acme/churn:ref:refs/heads/main");
    let foreign = github("ci", "repo:acm3/churn:ref:refs/heads/main");
    let trusted = "[trusted]\nrepositories = [\"acme/*\"]\n";
    for (source, config, count) in [
        (&own, "", 0),
        (&foreign, "", 0),
        (&own, trusted, 0),
        (&foreign, trusted, 1),
    ] {
        let found = of("MI09", source, config);
        assert_eq!(found.len(), count, "{found:?}");
        assert!(found.iter().all(|f| f.contains("`acm3/churn`")), "{found:?}");
    }
}

const BUILDS: &str = r#"resource "aws_iam_role" "github" {
  name = "github"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "codebuild.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "github" {
  name = "github"
  role = aws_iam_role.github.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Sid = "Push", Effect = "Allow", Action = ["ecr:PutImage"], Resource = "arn:aws:ecr:eu-west-1:111122223333:repository/dev/churn" }]
  })
}
"#;

#[test]
fn what_an_identity_is_for_decides_what_it_may_hold() {
    // It pushes images and nothing else: one purpose, and silent until it is said to be for another.
    assert_eq!(of("MI06", BUILDS, ""), Vec::<String>::new());
    assert_eq!(
        of("MI06", BUILDS, "[purposes]\nci = [\"aws_iam_role.github\"]\n"),
        Vec::<String>::new()
    );
    let found = of("MI06", BUILDS, "[purposes]\ndrift = [\"aws_iam_role.github\"]\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("an identity for drift may push an image"),
        "{found:?}"
    );

    let both = BUILDS.replace(
        "Statement = [{ Sid",
        "Statement = [{ Sid = \"Publish\", Effect = \"Allow\", Action = [\"s3:PutObject\"], Resource = \"arn:aws:s3:::acme-models/churn/*\" }, { Sid",
    );
    assert_eq!(of("MI06", &both, "").len(), 1);
    // One purpose covers one of the two; both cover both; who plans holds all.
    assert_eq!(of("MI06", &both, "[purposes]\nci = [\"github\"]\n").len(), 1);
    let mapped = "[purposes]\nci = [\"github\"]\nretrain = [\"github\"]\n";
    assert_eq!(of("MI06", &both, mapped), Vec::<String>::new());
    assert_eq!(
        of("MI06", &both, "[purposes]\nplanner = [\"github\"]\n"),
        Vec::<String>::new()
    );
}

#[test]
fn a_purpose_counts_before_a_name_where_refs_and_environments_enter() {
    // Called like a builder, entered by a branch: only as a deployer that is a fault.
    let source = github("builder", "repo:acme/churn:ref:refs/heads/main");
    assert_eq!(of("MI12", &source, ""), Vec::<String>::new());
    let found = of("MI12", &source, "[purposes]\ndeploy = [\"builder\"]\n");
    assert_eq!(found.len(), 1, "{found:?}");
    let deploys = github("deploy", "repo:acme/churn:ref:refs/heads/main");
    assert_eq!(of("MI12", &deploys, "").len(), 1);
    assert_eq!(
        of("MI12", &deploys, "[purposes]\nci = [\"deploy\"]\n"),
        Vec::<String>::new()
    );
}

#[test]
fn environments_are_those_of_the_mapping() {
    let source = r#"resource "aws_iam_role" "shared" {
  name = "shared"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "shared" {
  name = "shared"
  role = aws_iam_role.shared.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = ["arn:aws:s3:::acme-blue-data/*", "arn:aws:s3:::acme-green-data/*"] }]
  })
}
"#;
    assert_eq!(of("MI07", source, ""), Vec::<String>::new());
    let found = of(
        "MI07",
        source,
        "[environments]\nblue = [\"*-blue-*\"]\ngreen = [\"*-green-*\"]\n",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("blue and green"), "{found:?}");
}

#[test]
fn further_state_buckets_are_judged_as_such() {
    let source = "resource \"aws_s3_bucket\" \"vault\" {\n  bucket = \"acme-vault\"\n}\n";
    assert_eq!(of("LS08", source, ""), Vec::<String>::new());
    let found = of("LS08", source, "[state]\nbuckets = [\"acme-vault\"]\n");
    assert!(
        found.iter().any(|f| f.contains("not versioned")) && found.iter().any(|f| f.contains("asks for TLS")),
        "{found:?}"
    );
    // And who reads one that does not plan is found too.
    let reader = BUILDS.replace(
        "Action = [\"ecr:PutImage\"], Resource = \"arn:aws:ecr:eu-west-1:111122223333:repository/dev/churn\"",
        "Action = [\"s3:GetObject\"], Resource = \"arn:aws:s3:::acme-vault/*\"",
    );
    assert_eq!(of("LS13", &reader, ""), Vec::<String>::new());
    let state = "[state]\nbuckets = [\"acme-vault\"]\n";
    assert_eq!(of("LS13", &reader, state).len(), 1);
    let planner = format!("{state}[purposes]\nplanner = [\"aws_iam_role.github\"]\n");
    assert_eq!(of("LS13", &reader, &planner), Vec::<String>::new());
}
