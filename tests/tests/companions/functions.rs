//! Provider functions, called by terraform without any cloud.

use mlops_e2e::terraform::Workspace;
use serde_json::{Value, json};

const PROVIDER: &str =
    "terraform {\n  required_providers {\n    mlops = { source = \"mlops/mlops\" }\n  }\n}\n";

/// Outputs by name.
fn outputs(workspace: &Workspace, expressions: &[(&str, &str)]) -> Value {
    let lines = expressions
        .iter()
        .map(|(name, expression)| format!("output \"{name}\" {{\n  value = {expression}\n}}\n"));
    workspace.write("main.tf", &format!("{PROVIDER}{}", lines.collect::<String>()));
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    let shown = workspace.terraform(&["output", "-json"]).expect(0);
    serde_json::from_str(&shown.stdout).unwrap()
}

#[test]
fn functions_answer_without_a_cloud() {
    if !super::terraform("functions_answer_without_a_cloud") {
        return;
    }
    let workspace = Workspace::new();
    let policy = r#"jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:Get*", Resource = "arn:aws:s3:::models/*" }] })"#;
    let trust = |sub: &str| {
        format!(
            r#"jsonencode({{ Version = "2012-10-17", Statement = [{{ Effect = "Allow", Action = "sts:AssumeRoleWithWebIdentity",
            Principal = {{ Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }},
            Condition = {{ StringEquals = {{ "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }},
                           StringLike = {{ "token.actions.githubusercontent.com:sub" = {sub} }} }} }}] }})"#
        )
    };
    let ids = r#"{ owner_id = "1", repository_id = "2" }"#;
    let subject = format!(r#"provider::mlops::github_subject("acme/churn", "prod", {ids})"#);
    let overlap = format!(
        "provider::mlops::trust_overlap({}, {})",
        trust(&subject),
        trust("\"repo:acme@1/churn@2:*\"")
    );
    let answers = outputs(
        &workspace,
        &[
            (
                "id",
                r#"provider::mlops::parse_id("aws/111122223333/eu-west-1/shop")"#,
            ),
            (
                "name",
                r#"provider::mlops::resource_name("aws/111122223333/eu-west-1/shop", "identities.runtime.churn")"#,
            ),
            (
                "annotations",
                r#"provider::mlops::service_account_annotations("aws/111122223333/eu-west-1/shop", "runtime", "churn")"#,
            ),
            ("subject", &subject),
            (
                "by_name",
                r#"provider::mlops::github_subject("acme/churn", "refs/heads/main", null)"#,
            ),
            ("overlap", &overlap),
            (
                "allows",
                &format!(
                    r#"provider::mlops::policy_allows({policy}, "s3:GetObject", "arn:aws:s3:::models/x", null)"#
                ),
            ),
            (
                "denies",
                &format!(
                    r#"provider::mlops::policy_allows({policy}, "s3:PutObject", "arn:aws:s3:::models/x", {{}})"#
                ),
            ),
            (
                "policies",
                r#"length(provider::mlops::provisioner_policy("aws/111122223333/eu-west-1/shop").policies)"#,
            ),
        ],
    );
    let value = |name: &str| answers[name]["value"].clone();
    assert_eq!(
        value("id"),
        json!({ "cloud": "aws", "account": "111122223333", "region": "eu-west-1", "name": "shop" })
    );
    assert_eq!(value("name"), "shop-runtime-churn");
    assert_eq!(
        value("annotations"),
        json!({ "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/mlops/shop/shop-runtime-churn" })
    );
    assert_eq!(value("subject"), "repo:acme@1/churn@2:environment:prod");
    assert_eq!(value("by_name"), "repo:acme/churn:ref:refs/heads/main");
    assert_eq!(value("overlap")["disjoint"], false);
    assert!(
        value("overlap")["token"]
            .as_str()
            .unwrap()
            .contains("environment:prod")
    );
    assert_eq!((value("allows"), value("denies")), (json!(true), json!(false)));
    assert_eq!(value("policies"), 3);
}

#[test]
fn an_argument_that_is_wrong_is_pointed_at() {
    if !super::terraform("an_argument_that_is_wrong_is_pointed_at") {
        return;
    }
    let workspace = Workspace::new();
    for (expression, parameter, words) in [
        (
            r#"provider::mlops::parse_id("shop")"#,
            "id",
            "is not the id of an environment",
        ),
        (
            r#"provider::mlops::resource_name("aws/111122223333/eu-west-1/shop", "buckets.photos")"#,
            "component",
            "there is no component",
        ),
        (
            r#"provider::mlops::service_account_annotations("aws/111122223333/eu-west-1/shop", "ci", "churn")"#,
            "purpose",
            "ci has no pods",
        ),
        (
            r#"provider::mlops::github_subject("acme/*", "prod", null)"#,
            "repository",
            "is not a GitHub repository",
        ),
        (r#"provider::mlops::trust_overlap("{}", "[")"#, "a", "a policy"),
        (
            r#"provider::mlops::policy_allows("{\"Statement\": []}", "s3:*", "*", null)"#,
            "action",
            "without wildcards",
        ),
    ] {
        workspace.write(
            "main.tf",
            &format!("{PROVIDER}output \"x\" {{\n  value = {expression}\n}}\n"),
        );
        let refused = workspace.terraform(&["plan"]).expect(1);
        // Terraform breaks lines where it likes.
        let said = refused
            .stderr
            .replace("│", " ")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(
            said.contains(&format!("Invalid value for \"{parameter}\" parameter")),
            "{said}"
        );
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

/// What the documentation shows is run.
#[test]
fn the_examples_of_the_pages_work() {
    if !super::terraform("the_examples_of_the_pages_work") {
        return;
    }
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let folder = mlops_e2e::root().join("examples/functions");
    let mut shown = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path().join("function.tf");
        let mut workspace = Workspace::new();
        for variable in ["TF_VAR_policy", "TF_VAR_build_trust", "TF_VAR_deploy_trust"] {
            workspace.set(variable, policy);
        }
        workspace.write("provider.tf", PROVIDER);
        workspace.write("main.tf", &std::fs::read_to_string(&file).unwrap());
        let applied = workspace.terraform(&["apply", "-auto-approve"]);
        assert_eq!(applied.code, 0, "{}\n{}", file.display(), applied.text());
        assert!(
            !applied.text().contains("Check block assertion"),
            "{}\n{}",
            file.display(),
            applied.text()
        );
        shown += 1;
    }
    assert_eq!(shown, 7);
}
