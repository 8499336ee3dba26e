//! One environment on a local AWS, made by the real terraform and read back by somebody else's code.
//!
//! Where terraform or the local AWS is missing, each test says that it was skipped, and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use mlops_access::trust::{Token, TokenSet};
use mlops_e2e::cloud::{Cloud, DUMMY_CREDENTIALS, Network, REGION};
use mlops_e2e::terraform::{Ran, Workspace, available, aws_block, plugin_mirror, provider_block};
use serde_json::{Value, json};

/// A local AWS with a network, and an empty workspace.
struct Ground {
    cloud: Cloud,
    network: Network,
    workspace: Workspace,
}

fn ground(test: &str) -> Option<Ground> {
    if !available() {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
        return None;
    }
    let cloud = match Cloud::start() {
        Ok(cloud) => cloud,
        Err(why) => {
            eprintln!("skipped {test}: {why}");
            return None;
        }
    };
    let network = cloud.network().unwrap();
    Some(Ground {
        cloud,
        network,
        workspace: Workspace::new(),
    })
}

impl Ground {
    /// Writes a configuration with one environment; `settings` are further attributes.
    fn configure(&self, settings: &str) -> &Self {
        self.configure_with("churn-dev", "dev", settings)
    }

    fn configure_with(&self, name: &str, tier: &str, settings: &str) -> &Self {
        self.workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"{name}\"\n  tier = \"{tier}\"\n  {}\n{settings}\n}}\n",
                provider_block(&self.cloud),
                aws_block(&self.network)
            ),
        );
        self
    }

    fn apply(&self) -> Ran {
        self.workspace.terraform(&["apply", "-auto-approve"])
    }

    /// `terraform plan -detailed-exitcode`: 0 nothing to do, 2 changes.
    fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    fn planned(&self) -> Value {
        self.workspace.terraform(&["plan", "-out=plan.tfplan"]).expect(0);
        let shown = self
            .workspace
            .terraform(&["show", "-json", "plan.tfplan"])
            .expect(0);
        serde_json::from_str(&shown.stdout).unwrap()
    }
}

const SERVICE: &str = r#"
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime"] } } }
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {path} in {value:#}"))
}

/// B01, B10, B13, B68, B70, B72, B75: the life of an environment.
#[test]
fn an_environment_is_made_as_documented_changed_in_place_and_gone_without_a_trace() {
    let Some(ground) =
        ground("an_environment_is_made_as_documented_changed_in_place_and_gone_without_a_trace")
    else {
        return;
    };
    ground.configure(SERVICE);
    let applied = ground.apply().expect(0);
    assert!(applied.stdout.contains("1 added"), "{}", applied.stdout);
    ground.plan().expect(0);

    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(text(&environment, "/phase"), "READY");
    let inventory = ground.cloud.inventory().unwrap();
    everything_is_marked(&inventory, text(&environment, "/id"));
    buckets_are_closed(&inventory, &environment);
    keys_rotate(&inventory, &environment);
    the_cluster_is_private_and_guarded(&inventory);
    trusts_are_exact(&inventory, &environment);
    nothing_secret_is_stored(&ground);

    // In place, one at a time; after each, nothing is left to do.
    let ids = |environment: &Value| environment["components"].clone();
    let before = ids(&environment);
    for change in [
        "buckets = { data = { noncurrent_days = 60 } }",
        "logging = { retention_days = 60 }",
        "node_pools = { system = { purpose = \"system\", size = \"small\", min = 1, max = 4 }, serving = { purpose = \"serving\", size = \"medium\", spot = true, min = 0, max = 2 } }",
        "protection = { deletion = true }",
        "registry = { keep_tagged = 12 }",
        "identities = { ci = { max_session = \"2h\" } }",
        "tags = { team = \"ml\" }",
    ] {
        ground.configure(&format!("{SERVICE}\n  {change}"));
        let plan = ground.plan().expect(2);
        assert!(
            plan.stdout.contains("will be updated in-place"),
            "{change}\n{}",
            plan.stdout
        );
        assert!(
            !plan.stdout.contains("must be replaced"),
            "{change}\n{}",
            plan.stdout
        );
        ground.apply().expect(0);
        let second = ground.plan();
        assert_eq!(
            second.code,
            0,
            "{change} leaves something to do\n{}",
            second.text()
        );
    }
    let after = ids(&ground.workspace.resource("mlops_environment.this"));
    for (address, component) in before.as_object().unwrap() {
        assert_eq!(
            after[address]["id"], component["id"],
            "{address} is the same object"
        );
    }

    // A protected environment is neither destroyed nor renamed.
    ground.configure(&format!("{SERVICE}\n  protection = {{ deletion = true }}"));
    ground.apply().expect(0);
    let refused = ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(1);
    assert!(
        refused.stderr.contains("protection.deletion is true"),
        "{}",
        refused.stderr
    );
    ground.configure(SERVICE);
    ground.apply().expect(0);

    // B68: the last lines of the cluster arrive when it is gone, about when its log group goes, which they would make anew.
    let sandbox = ground.cloud.sandbox();
    if let Some(sandbox) = sandbox {
        sandbox.behave(|behaviour| {
            behaviour.durations.insert("eks.logs.late".into(), 900.0);
        });
    }
    let destroyed = ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    assert!(destroyed.stdout.contains("1 destroyed"), "{}", destroyed.stdout);
    if let Some(sandbox) = sandbox {
        let left = sandbox
            .ask(REGION, "logs", "DescribeLogGroups", json!({}))
            .unwrap();
        assert_eq!(left["logGroups"], json!([]));
    }
    only_keys_in_their_window_remain(&ground.cloud.inventory().unwrap());
}

fn marked(inventory: &Value) -> impl Iterator<Item = (&str, &str, &Value, &Value)> {
    inventory
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(kind, items)| {
            items
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(move |(name, item)| {
                    let tags = if kind == "clusters" {
                        &item["cluster"]["tags"]
                    } else {
                        &item["tags"]
                    };
                    (!tags["mlops:environment"].is_null()).then_some((
                        kind.as_str(),
                        name.as_str(),
                        item,
                        tags,
                    ))
                })
        })
}

fn everything_is_marked(inventory: &Value, id: &str) {
    let mut kinds = BTreeSet::new();
    for (kind, name, _, tags) in marked(inventory) {
        kinds.insert(kind);
        assert_eq!(tags["mlops:environment"], id, "{kind} {name}");
        for tag in ["mlops:uid", "mlops:component", "mlops:managed-by"] {
            assert!(tags[tag].is_string(), "{kind} {name} has no {tag}");
        }
    }
    let expected = [
        "buckets",
        "clusters",
        "keys",
        "launch_templates",
        "log_groups",
        "oidc_providers",
        "policies",
        "repositories",
        "roles",
        "secrets",
    ];
    assert_eq!(kinds, BTreeSet::from(expected));
}

fn buckets_are_closed(inventory: &Value, environment: &Value) {
    let purposes: Vec<&str> = environment["bucket_info"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        purposes,
        ["data", "logs", "mlflow", "models", "predictions", "reports"]
    );
    for purpose in purposes {
        let name = text(&environment["bucket_info"][purpose], "/name");
        let bucket = &inventory["buckets"][name];
        for switch in [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ] {
            assert_eq!(bucket["public_access_block"][switch], true, "{purpose}: {switch}");
        }
        assert_eq!(bucket["ownership"], "BucketOwnerEnforced", "{purpose}");
        assert_eq!(bucket["versioning"], "Enabled", "{purpose}");
        let algorithm = text(
            &bucket["encryption"],
            "/0/ApplyServerSideEncryptionByDefault/SSEAlgorithm",
        );
        assert_eq!(
            algorithm,
            if purpose == "logs" { "AES256" } else { "aws:kms" },
            "{purpose}"
        );
        let tls_only = bucket["policy"]["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .any(|statement| {
                statement["Effect"] == "Deny"
                    && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
            });
        assert!(tls_only, "{purpose}: {:#}", bucket["policy"]);
    }
}

fn keys_rotate(inventory: &Value, environment: &Value) {
    for (usage, arn) in environment["keys"].as_object().unwrap() {
        let key = &inventory["keys"][arn.as_str().unwrap()];
        assert_eq!(key["state"], "Enabled", "{usage}");
        assert_eq!(key["rotation"], true, "{usage}");
    }
    assert_eq!(environment["keys"].as_object().unwrap().len(), 4);
}

fn the_cluster_is_private_and_guarded(inventory: &Value) {
    let cluster = &inventory["clusters"]["churn-dev"]["cluster"];
    assert_eq!(cluster["resourcesVpcConfig"]["endpointPrivateAccess"], true);
    assert_eq!(cluster["accessConfig"]["authenticationMode"], "API");
    assert_ne!(
        cluster["accessConfig"]["bootstrapClusterCreatorAdminPermissions"],
        true
    );
    assert_eq!(cluster["encryptionConfig"][0]["resources"][0], "secrets");
    let logs = cluster["logging"]["clusterLogging"].as_array().unwrap();
    let enabled: usize = logs
        .iter()
        .filter(|set| set["enabled"] == true)
        .map(|set| set["types"].as_array().unwrap().len())
        .sum();
    assert_eq!(enabled, 5);
    for (name, template) in inventory["launch_templates"].as_object().unwrap() {
        assert_eq!(
            template["data"]["MetadataOptions"]["HttpTokens"], "required",
            "{name}"
        );
        assert_eq!(
            template["data"]["MetadataOptions"]["HttpPutResponseHopLimit"], 1,
            "{name}"
        );
    }
}

fn trust(inventory: &Value, role: &str) -> TokenSet {
    TokenSet::of_aws_trust(&inventory["roles"][role]["trust"].to_string()).unwrap()
}

fn github(claim: &str) -> Token {
    Token::oidc("token.actions.githubusercontent.com")
        .with("aud", "sts.amazonaws.com")
        .with("sub", &format!("repo:acme@1/churn@2:{claim}"))
}

/// What stands in the cloud, judged: which tokens enter which role.
fn trusts_are_exact(inventory: &Value, environment: &Value) {
    let ci = trust(inventory, "churn-dev-ci");
    let deploy = trust(inventory, "churn-dev-deploy");
    let main = github("ref:refs/heads/main");
    let gated = github("environment:aws-dev");
    assert!(ci.accepts(&main).is_yes(), "main enters ci");
    assert!(
        deploy.accepts(&gated).is_yes(),
        "the protected environment enters deploy"
    );
    assert!(deploy.accepts(&main).is_no(), "main does not enter deploy");
    assert!(
        ci.accepts(&gated).is_no(),
        "the protected environment does not enter ci"
    );
    for stranger in [
        "pull_request",
        "ref:refs/heads/main-evil",
        "environment:aws-dev-x",
        "environment:aws-prod",
    ] {
        assert!(ci.accepts(&github(stranger)).is_no(), "{stranger} enters ci");
        assert!(
            deploy.accepts(&github(stranger)).is_no(),
            "{stranger} enters deploy"
        );
    }
    let issuer = text(environment, "/cluster_info/oidc_issuer").trim_start_matches("https://");
    for (purpose, account) in [
        ("runtime", "churn-sa"),
        ("drift", "churn-drift-sa"),
        ("retrain", "churn-retrain-sa"),
    ] {
        let info = &environment["identity_info"][purpose]["churn"];
        assert_eq!(info["service_account"], account);
        let set = trust(inventory, text(info, "/name"));
        let namespace = text(info, "/namespace");
        let pod =
            |namespace: &str, account: &str| Token::pod(issuer, namespace, account, "sts.amazonaws.com");
        assert!(set.accepts(&pod(namespace, account)).is_yes(), "{purpose}");
        assert!(set.accepts(&pod(namespace, "default")).is_no(), "{purpose}");
        assert!(set.accepts(&pod("kube-system", account)).is_no(), "{purpose}");
        assert!(
            set.accepts(&Token::pod("elsewhere", namespace, account, "sts.amazonaws.com"))
                .is_no(),
            "{purpose}"
        );
        assert!(set.accepts(&main).is_no(), "{purpose}");
    }
}

/// B10: neither state nor plan holds a credential, a token or a secret's value.
fn nothing_secret_is_stored(ground: &Ground) {
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let shown = ground
        .workspace
        .terraform(&["show", "-json", "plan.tfplan"])
        .expect(0)
        .stdout;
    let state = fs::read_to_string(ground.workspace.path("terraform.tfstate")).unwrap();
    for (what, content) in [("plan", &shown), ("state", &state)] {
        for pattern in [
            "AKIA",
            "ASIA",
            "PRIVATE KEY",
            "k8s-aws-v1.",
            "SecretString",
            "client-certificate",
            "secret_key",
        ] {
            assert!(!content.contains(pattern), "the {what} holds {pattern}");
        }
    }
}

fn only_keys_in_their_window_remain(inventory: &Value) {
    for (kind, name, item, _) in marked(inventory) {
        assert!(
            kind == "keys" && item["state"] == "PendingDeletion",
            "{kind} {name} was left behind: {item:#}"
        );
    }
}

/// B03: whatever can be computed is known in the first plan, so `for_each` over it works in the first apply.
#[test]
fn names_are_known_in_the_first_plan() {
    let Some(ground) = ground("names_are_known_in_the_first_plan") else {
        return;
    };
    ground.configure(&format!(
        "{SERVICE}\n}}\n\nresource \"terraform_data\" \"bucket\" {{\n  for_each = mlops_environment.this.bucket_info\n  input    = each.value.arn"
    ));
    let plan = ground.planned();
    let after = &plan["planned_values"]["root_module"]["resources"];
    let buckets = after
        .as_array()
        .unwrap()
        .iter()
        .filter(|resource| resource["type"] == "terraform_data")
        .count();
    assert_eq!(buckets, 6);
    let environment = after
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| resource["type"] == "mlops_environment")
        .unwrap();
    let account = ground.cloud.account();
    assert_eq!(
        text(environment, "/values/identity_info/deploy/principal"),
        format!("arn:aws:iam::{account}:role/mlops/churn-dev/churn-dev-deploy")
    );
    assert_eq!(
        text(
            environment,
            "/values/identity_info/runtime/churn/annotation/eks.amazonaws.com~1role-arn"
        ),
        format!("arn:aws:iam::{account}:role/mlops/churn-dev/churn-dev-runtime-churn")
    );
}

/// B04: offline checks need no credentials; a plan says what is missing.
#[test]
fn without_credentials_validate_works_and_plan_says_what_is_missing() {
    let Some(mut ground) = ground("without_credentials_validate_works_and_plan_says_what_is_missing") else {
        return;
    };
    ground.configure(SERVICE);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        ground.workspace.set(name, "");
    }
    ground.workspace.terraform(&["validate"]).expect(0);
    let plan = ground.workspace.terraform(&["plan"]).expect(1);
    assert!(
        plan.stderr.contains("No usable AWS credentials"),
        "{}",
        plan.stderr
    );
    assert!(plan.stderr.contains("aws sso login"), "{}", plan.stderr);
}

/// Settings that come from variables and other resources are unknown while they are validated: nothing is missing then.
#[test]
fn what_is_not_known_yet_is_not_missing() {
    let Some(ground) = ground("what_is_not_known_yet_is_not_missing") else {
        return;
    };
    ground.configure(SERVICE);
    let config = fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
    let network = &aws_block(&ground.network);
    assert!(config.contains(network.as_str()));
    let variable = "\nvariable \"network\" {\n  type = object({ vpc_id = string, private_subnet_ids = set(string) })\n}\n";
    ground.workspace.write(
        "main.tf",
        &format!(
            "{}{variable}",
            config.replace(network, "aws = { existing_network = var.network }")
        ),
    );
    ground.workspace.terraform(&["validate"]).expect(0);
    let subnets = serde_json::json!({
        "network": { "vpc_id": ground.network.vpc_id, "private_subnet_ids": ground.network.private_subnet_ids }
    });
    ground
        .workspace
        .write("terraform.tfvars.json", &subnets.to_string());
    ground.planned();

    // Known only after apply: the plan goes on with what it can know.
    let late = "resource \"terraform_data\" \"vpc\" {\n  input = var.network.vpc_id\n}\n";
    let from_resource = config.replace(
        network,
        "aws = { existing_network = { vpc_id = terraform_data.vpc.output, private_subnet_ids = var.network.private_subnet_ids } }",
    );
    ground
        .workspace
        .write("main.tf", &format!("{from_resource}{variable}{late}"));
    let plan = ground.planned();
    let resources = plan["planned_values"]["root_module"]["resources"]
        .as_array()
        .unwrap();
    let environment = resources
        .iter()
        .find(|resource| resource["type"] == "mlops_environment")
        .unwrap();
    assert!(environment["values"]["bucket_info"]["data"]["arn"].is_string());
}

/// B05, B06, B73, B74 and the rest of what is refused before anything is asked of the cloud: message, place, remedy.
#[test]
fn what_cannot_be_is_refused_with_a_remedy() {
    let Some(ground) = ground("what_cannot_be_is_refused_with_a_remedy") else {
        return;
    };
    let refused = |command: &str, says: &[&str]| {
        let ran = ground.workspace.terraform(&[command]);
        assert_eq!(ran.code, 1, "{}", ran.text());
        let flat = ran
            .stderr
            .replace("\n│", "")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for part in says {
            assert!(flat.contains(part), "\"{part}\" is missing in\n{}", ran.stderr);
        }
    };
    ground.workspace.write(
        "main.tf",
        &format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"a-dev\"\n  tier = \"dev\"\n}}\n",
            provider_block(&ground.cloud)
        ),
    );
    refused("validate", &["No cloud chosen", "aws = {"]);
    ground.configure_with("a-name-of-21-letters-x", "dev", "");
    refused("validate", &["name", "20"]);
    ground.configure_with("shop", "production", "");
    refused("validate", &["tier", "prod"]);
    ground.configure("cluster = { endpoint = { public = true, public_cidrs = [\"not-a-cidr\"] } }");
    refused("validate", &["public_cidrs"]);
    ground.configure("services = { Churn = {} }");
    refused("validate", &["is not a service name", "lower-case"]);
    ground.configure(
        "services = { churn = {} }\n  identities = { runtime = { additional_permissions = [{ id = \"x\", actions = \
         [\"s3:PutObject\"], resources = [\"arn:aws:s3:::*/churn/*\"] }] } }",
    );
    refused("plan", &["Breaks row", "additional_permissions", "narrow"]);
    ground.configure(
        "federation = { github = { repository = \"acme/churn\", ci_refs = [\"environment:aws-dev\"] } }",
    );
    refused("validate", &["ci_refs"]);
}

/// B07: what a tier stands for, seen in the plan.
#[test]
fn tiers_differ_in_their_defaults_only() {
    let Some(ground) = ground("tiers_differ_in_their_defaults_only") else {
        return;
    };
    for (tier, registry, retention, deletion, noncurrent, access) in [
        ("dev", "", 30, false, 14, "managed"),
        (
            "staging",
            "registry = { mode = \"create\" }",
            90,
            true,
            30,
            "group",
        ),
        ("prod", "registry = { mode = \"create\" }", 365, true, 90, "group"),
    ] {
        ground.configure_with(&format!("shop-{tier}"), tier, registry);
        let plan = ground.planned();
        let values = &plan["planned_values"]["root_module"]["resources"][0]["values"];
        assert_eq!(values["logging"]["retention_days"], retention, "{tier}");
        assert_eq!(values["protection"]["deletion"], deletion, "{tier}");
        assert_eq!(values["protection"]["data"], true, "{tier}");
        assert_eq!(values["buckets"]["data"]["noncurrent_days"], noncurrent, "{tier}");
        assert_eq!(values["buckets"]["data"]["on_destroy"], "refuse", "{tier}");
        assert_eq!(values["kubernetes"]["access"], access, "{tier}");
        assert_eq!(values["guardrails"]["permissions_boundary"], true, "{tier}");
    }
}

/// B08: the account is compared before anything is written.
#[test]
fn the_wrong_account_is_refused_before_any_write() {
    let Some(ground) = ground("the_wrong_account_is_refused_before_any_write") else {
        return;
    };
    let block = provider_block(&ground.cloud).replace(
        "region = ",
        "allowed_account_ids = [\"999999999999\"]\n    region = ",
    );
    ground.configure(SERVICE);
    let config = fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
    ground
        .workspace
        .write("main.tf", &config.replace(&provider_block(&ground.cloud), &block));
    let apply = ground.apply().expect(1);
    assert!(
        apply.stderr.contains(ground.cloud.account()) && apply.stderr.contains("999999999999"),
        "{}",
        apply.stderr
    );
    assert_eq!(marked(&ground.cloud.inventory().unwrap()).count(), 0);
}

/// B09: a user's access key is refused, whatever it may do.
#[test]
fn a_long_term_key_is_refused() {
    let Some(mut ground) = ground("a_long_term_key_is_refused") else {
        return;
    };
    // The example key of AWS's own documentation.
    ground
        .workspace
        .set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .set("AWS_SESSION_TOKEN", "");
    ground.configure(SERVICE);
    let plan = ground.workspace.terraform(&["plan"]).expect(1);
    assert!(
        plan.stderr.contains("Long-term AWS credentials are refused"),
        "{}",
        plan.stderr
    );
    assert!(
        !plan.text().contains("AKIAIOSFODNN7EXAMPLE"),
        "the key itself is not shown"
    );
}

/// B76: the repository is renamed; with its ids given, the same tokens enter.
#[test]
fn a_renamed_repository_keeps_its_trust_by_id() {
    let Some(ground) = ground("a_renamed_repository_keeps_its_trust_by_id") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    ground.configure(&SERVICE.replace("acme/churn", "acme/retention"));
    ground.apply().expect(0);
    ground.plan().expect(0);
    let inventory = ground.cloud.inventory().unwrap();
    let ci = trust(&inventory, "churn-dev-ci");
    let renamed = Token::oidc("token.actions.githubusercontent.com")
        .with("aud", "sts.amazonaws.com")
        .with("sub", "repo:acme@1/retention@2:ref:refs/heads/main");
    assert!(ci.accepts(&renamed).is_yes());
}

/// Two environments in one account share GitHub's provider; the first to go leaves it to the other.
#[test]
fn two_environments_share_the_account() {
    let Some(ground) = ground("two_environments_share_the_account") else {
        return;
    };
    let other = Workspace::new();
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let config = fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
    other.write("main.tf", &config.replace("churn-dev", "fraud-dev"));
    other.terraform(&["apply", "-auto-approve"]).expect(0);
    ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    let inventory = ground.cloud.inventory().unwrap();
    let providers: Vec<&String> = inventory["oidc_providers"].as_object().unwrap().keys().collect();
    assert!(
        providers
            .iter()
            .any(|arn| arn.contains("token.actions.githubusercontent.com")),
        "{providers:?}"
    );
    let plan = other.terraform(&["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.text());
    other.terraform(&["apply", "-destroy", "-auto-approve"]).expect(0);
}

/// Calls of a command by operation, from the provider's debug log; polls are left out.
fn calls(ground: &Ground, arguments: &[&str]) -> BTreeMap<String, usize> {
    let mut command = ground.workspace.command(arguments);
    let output = command.env("TF_LOG_PROVIDER", "debug").output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    let mut calls = BTreeMap::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("calling ") {
            let operation = rest.split([' ', ':']).take(2).collect::<Vec<_>>();
            let operation = format!("{}:{}", operation[0], operation.get(1).unwrap_or(&""));
            *calls.entry(operation).or_default() += 1;
        }
    }
    calls
}

fn print(what: &str, calls: &BTreeMap<String, usize>, floor: usize) -> usize {
    let sum: usize = calls.values().sum();
    println!("{what}: {sum} calls, floor {floor}");
    for (operation, count) in calls {
        println!("  {count:>3} {operation}");
    }
    sum
}

/// How many calls the work takes, and that it stays so: each managed property written, read and removed once.
#[test]
fn no_more_calls_than_the_work_takes() {
    let Some(ground) = ground("no_more_calls_than_the_work_takes") else {
        return;
    };
    ground.configure(SERVICE);
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let mut create = calls(&ground, &["apply", "plan.tfplan"]);
    let mut refresh = calls(&ground, &["plan", "-refresh-only"]);
    let mut destroy = calls(&ground, &["apply", "-destroy", "-auto-approve", "-refresh=false"]);
    // One look per poll comes on top: how often depends on the cloud's time, not on us.
    for polled in [
        "eks:DescribeCluster",
        "eks:DescribeNodegroup",
        "eks:DescribeUpdate",
    ] {
        for (calls, own) in [(&mut create, 0), (&mut refresh, 2), (&mut destroy, 0)] {
            if calls.contains_key(polled) && own == 0 {
                calls.remove(polled);
            }
        }
    }
    let (buckets, keys, roles, boundaries, pools) = (6, 4, 7, 6, 2);
    // CreateKey, rotation, alias; CreateBucket with ownership and tags, public access block, versioning, encryption,
    // policy, lifecycle, and logging but for the logs bucket; CreateRole, its inline policy and managed attachments;
    // policies; two OIDC providers; cluster, entry and its policy, pools with templates; repository and its lifecycle;
    // log group and its retention; secret; subnets; STS; the claim looked for, written at the beginning, at the end and when
    // Terraform has the answer.
    let create_floor = 3 * keys
        + 6 * buckets
        + 5
        + 2 * roles
        + 4
        + boundaries
        + 2
        + 1
        + 2
        + 2 * pools
        + 2
        + 2
        + 1
        + 1
        + 1
        + 4;
    let sum = print("create", &create, create_floor);
    assert!(
        sum * 10 <= create_floor * 11,
        "create takes {sum} calls, the floor is {create_floor}"
    );
    // Key: description, policy, rotation, tags; bucket: versioning, encryption, block, ownership, policy, lifecycle,
    // logging, tags; role: itself, its inline policy, its attachments; and so on.
    let refresh_floor =
        4 * keys + 8 * buckets + 3 * roles + 2 * boundaries + 3 + 2 + 2 * pools + 3 + 2 + 1 + 1 + 1;
    let sum = print("refresh", &refresh, refresh_floor);
    assert!(
        sum * 10 <= refresh_floor * 11,
        "a refresh takes {sum} calls, the floor is {refresh_floor}"
    );
    let destroy_floor =
        2 * keys + 3 * buckets + 2 * roles + 4 + boundaries + 2 + 1 + 1 + 2 * pools + 1 + 1 + 1 + 1 + 2;
    let sum = print("destroy", &destroy, destroy_floor);
    assert!(
        sum * 10 <= destroy_floor * 11,
        "destroy takes {sum} calls, the floor is {destroy_floor}"
    );
}

/// The same for a network of the environment's own: what EC2 is asked beside launch templates, looks at what is being made left
/// out.
#[test]
fn no_more_calls_than_a_network_takes() {
    let Some(ground) = ground("no_more_calls_than_a_network_takes") else {
        return;
    };
    ground.workspace.write(
        "main.tf",
        &format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  aws  = {{}}\n}}\n",
            provider_block(&ground.cloud)
        ),
    );
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let of_network = |arguments: &[&str], polled: &[&str]| {
        let mut calls = calls(&ground, arguments);
        calls.retain(|operation, _| {
            operation.starts_with("ec2:")
                && !operation.contains("LaunchTemplate")
                && !polled.contains(&operation.as_str())
        });
        calls
    };
    let (zones, subnets, tables) = (2, 4, 3);
    let polls = ["ec2:DescribeNatGateways", "ec2:DescribeVpcEndpoints"];
    let create = of_network(&["apply", "plan.tfplan"], &polls);
    let refresh = of_network(&["plan", "-refresh-only"], &[]);
    let destroy = of_network(&["apply", "-destroy", "-auto-approve", "-refresh=false"], &polls);
    // VPC and names in it; which zones there are; subnets; gateway made and attached; address and NAT gateway; tables, each with
    // its route and its subnets; the endpoint.
    let create_floor = 2 + 1 + subnets + 2 + 2 + 2 * tables + subnets + 1;
    // Each found by its mark in one call, the VPC's names and the gateway's address in one more.
    let refresh_floor = 2 + subnets + 1 + 1 + tables + 1;
    // Each deleted; the gateway detached, the address released; tables let go of their subnets. Looked for before, because
    // nobody else tells: which subnets follow a table, interfaces that dead nodes left in a subnet, where the gateway hangs, the
    // address, and what the cluster's load balancers left.
    let destroy_floor = (1 + subnets + 2 + 2 + tables + subnets + 1) + (tables + subnets + 1 + 1 + 1);
    for (what, calls, floor) in [
        ("create", create, create_floor),
        ("refresh", refresh, refresh_floor),
        ("destroy", destroy, destroy_floor),
    ] {
        let sum = print(what, &calls, floor);
        assert!(
            sum * 10 <= floor * 11,
            "{what} takes {sum} calls for {zones} zones, the floor is {floor}"
        );
    }
}

/// Data sources of the hashicorp/aws provider read what we made, where that provider is installed.
#[test]
fn the_aws_provider_reads_what_we_made() {
    let Some(ground) = ground("the_aws_provider_reads_what_we_made") else {
        return;
    };
    let Some(mirror) = plugin_mirror() else {
        eprintln!(
            "skipped the_aws_provider_reads_what_we_made: no mirror with hashicorp/aws (set TF_PLUGIN_MIRROR)"
        );
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.workspace.resource("mlops_environment.this");
    let bucket = text(&environment, "/bucket_info/models/name");
    let key = text(&environment, "/keys/storage");

    let reader = Workspace::mirrored(&mirror);
    let url = &ground.cloud.url;
    reader.write(
        "main.tf",
        &format!(
            r#"
terraform {{
  required_providers {{ aws = {{ source = "hashicorp/aws" }} }}
}}
provider "aws" {{
  region                      = "eu-west-1"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {{
    eks = "{url}"
    iam = "{url}"
    kms = "{url}"
    s3  = "{url}"
    ecr = "{url}"
    secretsmanager = "{url}"
  }}
}}
data "aws_eks_cluster" "this" {{ name = "churn-dev" }}
data "aws_iam_role" "deploy" {{ name = "churn-dev-deploy" }}
data "aws_kms_key" "storage" {{ key_id = "{key}" }}
data "aws_s3_bucket_policy" "models" {{ bucket = "{bucket}" }}
data "aws_ecr_repository" "churn" {{ name = "churn-dev/churn-predictor" }}
data "aws_secretsmanager_secret" "store" {{ name = "churn-dev/churn/feature-store" }}
output "read" {{
  value = {{
    private  = data.aws_eks_cluster.this.vpc_config[0].endpoint_private_access
    public   = data.aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    mode     = data.aws_eks_cluster.this.access_config[0].authentication_mode
    boundary = data.aws_iam_role.deploy.permissions_boundary
    trust    = data.aws_iam_role.deploy.assume_role_policy
    key      = data.aws_kms_key.storage.key_state
    policy   = data.aws_s3_bucket_policy.models.policy
    tags     = data.aws_ecr_repository.churn.image_tag_mutability
    secret   = data.aws_secretsmanager_secret.store.kms_key_id
  }}
}}
"#
        ),
    );
    reader.terraform(&["init"]).expect(0);
    reader.terraform(&["apply", "-auto-approve"]).expect(0);
    let read = &reader.state()["values"]["outputs"]["read"]["value"];
    assert_eq!(read["private"], true);
    assert_eq!(read["public"], false);
    assert_eq!(read["mode"], "API");
    let account = ground.cloud.account();
    assert_eq!(
        read["boundary"],
        format!("arn:aws:iam::{account}:policy/mlops/churn-dev/churn-dev-boundary-deploy")
    );
    let trust = TokenSet::of_aws_trust(text(read, "/trust")).unwrap();
    assert!(trust.accepts(&github("environment:aws-dev")).is_yes());
    assert!(trust.accepts(&github("ref:refs/heads/main")).is_no());
    assert_eq!(read["key"], "Enabled");
    assert!(text(read, "/policy").contains("aws:SecureTransport"));
    assert_eq!(read["tags"], "IMMUTABLE");
    assert_eq!(read["secret"], environment["keys"]["secrets"]);
}

/// The AWS CLI reads what we made, where it is installed.
#[test]
fn the_aws_cli_reads_what_we_made() {
    let Some(ground) = ground("the_aws_cli_reads_what_we_made") else {
        return;
    };
    if Command::new("aws").arg("--version").output().is_err() {
        eprintln!("skipped the_aws_cli_reads_what_we_made: aws is not on the path");
        return;
    }
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let aws = |arguments: &[&str]| -> Value {
        let output = Command::new("aws")
            .args(arguments)
            .args([
                "--endpoint-url",
                &ground.cloud.url,
                "--region",
                "eu-west-1",
                "--output",
                "json",
            ])
            .envs(DUMMY_CREDENTIALS)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "aws {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let cluster = aws(&["eks", "describe-cluster", "--name", "churn-dev"]);
    assert_eq!(cluster["cluster"]["status"], "ACTIVE");
    assert_eq!(
        cluster["cluster"]["encryptionConfig"][0]["resources"][0],
        "secrets"
    );
    let pools = aws(&["eks", "list-nodegroups", "--cluster-name", "churn-dev"]);
    assert_eq!(pools["nodegroups"].as_array().unwrap().len(), 2);
    let role = aws(&["iam", "get-role", "--role-name", "churn-dev-runtime-churn"]);
    let trust = TokenSet::of_aws_trust(&role["Role"]["AssumeRolePolicyDocument"].to_string()).unwrap();
    assert!(trust.accepts(&github("ref:refs/heads/main")).is_no());
    let repository = aws(&[
        "ecr",
        "describe-repositories",
        "--repository-names",
        "churn-dev/churn-predictor",
    ]);
    assert_eq!(
        repository["repositories"][0]["imageScanningConfiguration"]["scanOnPush"],
        true
    );
}
