//! What somebody changes outside on a local AWS is shown by the real terraform and repaired; what is nobody's business of
//! ours is left alone; what cannot be looked at is not guessed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use std::time::{Duration, Instant};

use mlops_e2e::cloud::{Cloud, Network, REGION};
use mlops_e2e::terraform::{Ran, Workspace, available, aws_block, provider_block};
use mlops_sandbox::Sandbox;
use mlops_sandbox::fault::{Effect, Fault};
use serde_json::{Value, json};

/// A standing environment on a local AWS.
struct Ground {
    cloud: Cloud,
    network: Network,
    workspace: Workspace,
}

const SERVICE: &str = r#"
  services = {
    churn = { secrets = { feature-store = { readers = ["runtime"] } } }
  }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
"#;

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

fn ground(settings: &str) -> Option<Ground> {
    if !available() {
        eprintln!("skipped: terraform is not on the path (set TERRAFORM to its place)");
        return None;
    }
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let network = cloud.network().unwrap();
    let ground = Ground {
        cloud,
        network,
        workspace: Workspace::new(),
    };
    ground.configure(&ground.workspace, settings);
    ground.apply();
    Some(ground)
}

impl Ground {
    fn configure(&self, workspace: &Workspace, settings: &str) {
        workspace.write(
            "main.tf",
            &format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{SERVICE}\n{settings}\n}}\n",
                provider_block(&self.cloud),
                aws_block(&self.network)
            ),
        );
    }

    /// Applies, and nothing is left to do.
    fn apply(&self) -> Ran {
        let applied = self.workspace.terraform(&["apply", "-auto-approve"]).expect(0);
        self.workspace
            .terraform(&["plan", "-detailed-exitcode"])
            .expect(0);
        applied
    }

    fn plan(&self) -> Ran {
        self.workspace.terraform(&["plan", "-detailed-exitcode"])
    }

    /// The lines of the next apply.
    fn planned(&self) -> Vec<String> {
        self.workspace.terraform(&["plan", "-out=plan.tfplan"]).expect(0);
        let shown = self
            .workspace
            .terraform(&["show", "-json", "plan.tfplan"])
            .expect(0);
        let plan: Value = serde_json::from_str(&shown.stdout).unwrap();
        lines(&plan["resource_changes"][0]["change"]["after"], "last_change")
    }

    fn environment(&self) -> Value {
        self.workspace.resource("mlops_environment.this")
    }

    fn ask(&self, service: &str, operation: &str, input: Value) -> Value {
        self.cloud
            .sandbox()
            .unwrap()
            .ask(REGION, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{service}:{operation}: {refusal}"))
    }

    fn inventory(&self) -> Value {
        self.cloud.inventory().unwrap()
    }

    /// Deletes a role as somebody would by hand: with everything on it.
    fn delete_role(&self, role: &str) {
        let this = json!({ "RoleName": role });
        for policy in self.ask("iam", "ListRolePolicies", this.clone())["PolicyNames"]
            .as_array()
            .unwrap()
        {
            self.ask(
                "iam",
                "DeleteRolePolicy",
                json!({ "RoleName": role, "PolicyName": policy }),
            );
        }
        for policy in self.ask("iam", "ListAttachedRolePolicies", this.clone())["AttachedPolicies"]
            .as_array()
            .unwrap()
        {
            self.ask(
                "iam",
                "DetachRolePolicy",
                json!({ "RoleName": role, "PolicyArn": policy["PolicyArn"] }),
            );
        }
        self.ask("iam", "DeleteRole", this);
    }

    fn node_groups(&self) -> Vec<String> {
        let listed = self.ask("eks", "ListNodegroups", json!({ "clusterName": "churn-dev" }));
        let names = listed["nodegroups"].as_array().cloned().unwrap_or_default();
        names
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    }

    fn delete_node_group(&self, name: &str) {
        let this = json!({ "clusterName": "churn-dev", "nodegroupName": name });
        self.ask("eks", "DeleteNodegroup", this.clone());
        self.wait_gone("DescribeNodegroup", &this);
    }

    fn wait_gone(&self, operation: &str, input: &Value) {
        let sandbox = self.cloud.sandbox().unwrap();
        let began = Instant::now();
        while sandbox.ask(REGION, "eks", operation, input.clone()).is_ok() {
            assert!(began.elapsed() < Duration::from_secs(30), "{operation} {input}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn bucket(environment: &Value, purpose: &str) -> String {
    environment["bucket_info"][purpose]["name"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The lines of an attribute that is a list.
fn lines(environment: &Value, name: &str) -> Vec<String> {
    let items = environment[name].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect()
}

/// Terraform's own wrapping and quoting taken out.
fn flat(text: &str) -> String {
    text.replace("\n│", " ")
        .replace("\\\"", "\"")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// What somebody did, what the plan says of it, and what must be true again after the apply.
type Case<'a> = (
    &'a str,
    Box<dyn Fn() + 'a>,
    Vec<String>,
    Box<dyn Fn(&Value) -> bool + 'a>,
);

/// B26, B28, B29, B31, B33, B34: each on its own is shown and taken back, and then nothing is left to do.
#[test]
fn what_was_changed_outside_is_shown_and_repaired() {
    let Some(ground) = ground("") else { return };
    let environment = ground.environment();
    let data = bucket(&environment, "data");
    let account = ground.cloud.account();
    let open = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{data}/*") }],
    })
    .to_string();
    let everybody = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com") },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringLike": { "token.actions.githubusercontent.com:sub": "repo:acme/churn:*" } },
        }],
    })
    .to_string();
    let anything = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }],
    })
    .to_string();
    let runtime = "churn-dev-runtime-churn";
    let boundary = format!("arn:aws:iam::{account}:policy/mlops/churn-dev/churn-dev-boundary-deploy");
    let inline = {
        let listed = ground.ask("iam", "ListRolePolicies", json!({ "RoleName": runtime }));
        listed["PolicyNames"][0].as_str().unwrap().to_owned()
    };
    let ask = |service: &'static str, operation: &'static str, input: Value| {
        let ground = &ground;
        Box::new(move || {
            ground.ask(service, operation, input.clone());
        })
    };
    let says = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let storage = environment["keys"]["storage"].as_str().unwrap().to_owned();
    let before = ground.inventory();
    let same = |pointer: String| {
        let was = before.pointer(&pointer).cloned();
        assert!(was.is_some(), "{pointer}");
        Box::new(move |inventory: &Value| inventory.pointer(&pointer).cloned() == was)
            as Box<dyn Fn(&Value) -> bool>
    };
    let escaped = |name: &str| name.replace('/', "~1");
    let closed = format!("/buckets/{data}");
    let cases: Vec<Case<'_>> = vec![
        (
            "a bucket opened to everybody",
            Box::new(|| {
                ground.ask("s3", "DeletePublicAccessBlock", json!({ "Bucket": data }));
                ground.ask("s3", "PutBucketPolicy", json!({ "Bucket": data, "Policy": open }));
            }),
            says(&["buckets.data: block public access false → true", "policy changes"]),
            same(closed.clone()),
        ),
        (
            "the TLS policy taken off",
            ask("s3", "DeleteBucketPolicy", json!({ "Bucket": data })),
            says(&["buckets.data: policy changes"]),
            same(closed.clone()),
        ),
        (
            "versioning suspended",
            ask(
                "s3",
                "PutBucketVersioning",
                json!({ "Bucket": data, "VersioningConfiguration": { "Status": "Suspended" } }),
            ),
            says(&["buckets.data: versioning false → true"]),
            same(closed.clone()),
        ),
        (
            "another encryption",
            ask(
                "s3",
                "PutBucketEncryption",
                json!({ "Bucket": data, "ServerSideEncryptionConfiguration": { "Rules": [
                    { "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }] } }),
            ),
            says(&["buckets.data: encryption AES256 →"]),
            same(closed.clone()),
        ),
        (
            "a lifecycle rule that deletes",
            ask(
                "s3",
                "PutBucketLifecycleConfiguration",
                json!({ "Bucket": data, "LifecycleConfiguration": { "Rules": [
                    { "ID": "gone", "Status": "Enabled", "Filter": { "Prefix": "" }, "Expiration": { "Days": 1 } }] } }),
            ),
            says(&["buckets.data: lifecycle"]),
            same(closed),
        ),
        (
            "the trust of deploy widened",
            ask(
                "iam",
                "UpdateAssumeRolePolicy",
                json!({ "RoleName": "churn-dev-deploy", "PolicyDocument": everybody }),
            ),
            says(&["identities.deploy: trust changes"]),
            same("/roles/churn-dev-deploy".into()),
        ),
        (
            "permissions of runtime widened",
            ask(
                "iam",
                "PutRolePolicy",
                json!({ "RoleName": runtime, "PolicyName": inline, "PolicyDocument": anything }),
            ),
            says(&["identities.runtime.churn: inline policies"]),
            same(format!("/roles/{runtime}")),
        ),
        (
            "a foreign policy attached",
            ask(
                "iam",
                "AttachRolePolicy",
                json!({ "RoleName": runtime, "PolicyArn": ADMINISTRATOR }),
            ),
            says(&["identities.runtime.churn: remove foreign policy", ADMINISTRATOR]),
            same(format!("/roles/{runtime}")),
        ),
        (
            "a foreign inline policy",
            ask(
                "iam",
                "PutRolePolicy",
                json!({ "RoleName": runtime, "PolicyName": "handy", "PolicyDocument": anything }),
            ),
            says(&["identities.runtime.churn: remove foreign inline policy handy"]),
            same(format!("/roles/{runtime}")),
        ),
        (
            "a boundary taken off",
            ask(
                "iam",
                "DeleteRolePermissionsBoundary",
                json!({ "RoleName": runtime }),
            ),
            says(&["identities.runtime.churn: permissions boundary"]),
            same(format!("/roles/{runtime}")),
        ),
        (
            "a boundary opened",
            ask(
                "iam",
                "CreatePolicyVersion",
                json!({ "PolicyArn": boundary, "PolicyDocument": anything, "SetAsDefault": true }),
            ),
            says(&["document changes"]),
            same(format!("/policies/{}", escaped(&boundary))),
        ),
        (
            "a role deleted",
            Box::new(|| ground.delete_role("churn-dev-retrain-churn")),
            says(&["+ identities.retrain.churn: create"]),
            same("/roles/churn-dev-retrain-churn".into()),
        ),
        (
            "a key that no longer rotates",
            ask("kms", "DisableKeyRotation", json!({ "KeyId": storage })),
            says(&["keys.storage: rotation days"]),
            same(format!("/keys/{}/rotation", escaped(&storage))),
        ),
        (
            "images scanned no more",
            ask(
                "ecr",
                "PutImageScanningConfiguration",
                json!({ "repositoryName": "churn-dev/churn-predictor", "imageScanningConfiguration": { "scanOnPush": false } }),
            ),
            says(&["scan on push false → true"]),
            Box::new(|_| true),
        ),
        (
            "the API of the cluster opened",
            Box::new(|| {
                let update = ground.ask(
                    "eks",
                    "UpdateClusterConfig",
                    json!({ "name": "churn-dev", "resourcesVpcConfig": { "endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"] } }),
                );
                let this = json!({ "name": "churn-dev", "updateId": update["update"]["id"] });
                let began = Instant::now();
                while ground.ask("eks", "DescribeUpdate", this.clone())["update"]["status"] == "InProgress" {
                    assert!(began.elapsed() < Duration::from_secs(30));
                    std::thread::sleep(Duration::from_millis(20));
                }
            }),
            says(&["~ cluster: "]),
            Box::new(|inventory| {
                inventory["clusters"]["churn-dev"]["cluster"]["resourcesVpcConfig"]["endpointPublicAccess"]
                    == false
            }),
        ),
        (
            "a node pool deleted",
            Box::new(|| {
                let groups = ground.node_groups();
                ground.delete_node_group(groups.iter().find(|name| name.starts_with("serving")).unwrap());
            }),
            says(&["+ node_pools.serving: create"]),
            Box::new(|_| true),
        ),
    ];
    for (what, happens, says, repaired) in cases {
        happens();
        let plan = ground.plan();
        assert_eq!(plan.code, 2, "{what}: {}", plan.text());
        let text = flat(&plan.stdout);
        assert!(!text.contains("must be replaced"), "{what}: {}", plan.stdout);
        for part in says {
            assert!(
                text.contains(&part),
                "{what}: {part:?} is missing in\n{}",
                plan.stdout
            );
        }
        ground.apply();
        assert_eq!(
            lines(&ground.environment(), "drift"),
            Vec::<String>::new(),
            "{what}"
        );
        assert!(repaired(&ground.inventory()), "{what} is not repaired");
    }
}

/// B27: `-refresh-only` shows it and changes nothing.
#[test]
fn a_refresh_alone_shows_drift_and_changes_nothing() {
    let Some(ground) = ground("") else { return };
    let data = bucket(&ground.environment(), "data");
    ground.ask("s3", "DeletePublicAccessBlock", json!({ "Bucket": data }));
    ground
        .workspace
        .terraform(&["apply", "-refresh-only", "-auto-approve"])
        .expect(0);
    let drift = lines(&ground.environment(), "drift");
    assert!(
        drift[0].starts_with("buckets.data: changed outside, block public access false → true"),
        "{drift:?}"
    );
    assert!(
        ground.inventory()["buckets"][&data]["public_access_block"].is_null(),
        "nothing was changed"
    );
    ground.plan().expect(2);
}

/// `enforcement` = "report": foreign grants are shown for as long as they are there, and left alone; what is ours is repaired.
#[test]
fn what_is_only_reported_is_left_alone_and_no_plan_is_made_of_it() {
    let Some(ground) = ground("enforcement = { identities = \"report\" }") else {
        return;
    };
    let runtime = "churn-dev-runtime-churn";
    ground.ask(
        "iam",
        "AttachRolePolicy",
        json!({ "RoleName": runtime, "PolicyArn": ADMINISTRATOR }),
    );
    let plan = ground.plan();
    assert_eq!(plan.code, 0, "{}", plan.text());
    assert!(
        flat(&plan.text()).contains(&format!(
            "identities.runtime.churn: foreign policy {ADMINISTRATOR} attached"
        )),
        "{}",
        plan.text()
    );
    // Our own settings are ours.
    ground.ask(
        "iam",
        "DeleteRolePermissionsBoundary",
        json!({ "RoleName": runtime }),
    );
    ground.plan().expect(2);
    ground.apply();
    let role = &ground.inventory()["roles"][runtime];
    assert_eq!(role["attached"], json!([ADMINISTRATOR]));
    assert!(role["boundary"].is_string());
    // Once it shall be exclusive, it goes.
    ground.configure(&ground.workspace, "");
    let plan = ground.plan().expect(2);
    assert!(
        flat(&plan.stdout).contains("identities.runtime.churn: remove foreign policy"),
        "{}",
        plan.stdout
    );
    ground.apply();
    assert_eq!(ground.inventory()["roles"][runtime]["attached"], json!([]));
}

/// B35: everything that hangs on the cluster comes back with it; data and everything else stays as it is.
#[test]
fn a_cluster_deleted_outside_comes_back_and_nothing_else_is_touched() {
    let Some(ground) = ground("") else { return };
    let before = ground.environment();
    for group in ground.node_groups() {
        ground.delete_node_group(&group);
    }
    let this = json!({ "name": "churn-dev" });
    ground.ask("eks", "DeleteCluster", this.clone());
    ground.wait_gone("DescribeCluster", &this);
    let planned = ground.planned();
    for line in [
        "+ cluster: create",
        "+ node_pools.system: create",
        "+ node_pools.serving: create",
        "+ federation.pods: create (in place of the old one)",
        "~ identities.runtime.churn: trust changes",
    ] {
        assert!(
            planned.iter().any(|told| told.starts_with(line)),
            "{line} is missing in {planned:#?}"
        );
    }
    for kept in [" buckets.", " registry.", " keys.", " secrets.", " identities.ci"] {
        assert!(
            !planned.iter().any(|told| told.contains(kept)),
            "{kept}: {planned:#?}"
        );
    }
    ground.apply();
    let after = ground.environment();
    assert_ne!(
        before["cluster_info"]["oidc_issuer"],
        after["cluster_info"]["oidc_issuer"]
    );
    assert_eq!(before["bucket_info"], after["bucket_info"]);
    assert_eq!(before["keys"], after["keys"]);
    assert_eq!(before["identity_info"], after["identity_info"]);
    // Pods of the new cluster enter; nothing is left of the old one's way in.
    let inventory = ground.inventory();
    let issuer = after["cluster_info"]["oidc_issuer"]
        .as_str()
        .unwrap()
        .trim_start_matches("https://");
    assert!(
        inventory["roles"]["churn-dev-runtime-churn"]["trust"]
            .to_string()
            .contains(issuer)
    );
    let providers: Vec<&String> = inventory["oidc_providers"].as_object().unwrap().keys().collect();
    assert_eq!(
        providers.len(),
        2,
        "GitHub's and the new cluster's: {providers:?}"
    );
}

/// B36, B37: gone as a whole, it is planned anew; with a single bucket left it is not taken for gone.
#[test]
fn an_environment_deleted_outside_is_planned_anew() {
    let Some(ground) = ground("") else { return };
    let id = ground.environment()["id"].as_str().unwrap().to_owned();
    let elsewhere = Workspace::new();
    ground.configure(&elsewhere, "buckets = { reports = { on_destroy = \"retain\" } }");
    elsewhere
        .terraform(&["import", "mlops_environment.this", &id])
        .expect(0);
    elsewhere.terraform(&["apply", "-auto-approve"]).expect(0);
    elsewhere.terraform(&["destroy", "-auto-approve"]).expect(0);
    let plan = ground.plan().expect(2);
    assert!(
        plan.stdout.contains("0 to add, 1 to change, 0 to destroy"),
        "one bucket is left\n{}",
        plan.stdout
    );
    let planned = ground.planned();
    assert!(
        planned.iter().any(|line| line == "+ cluster: create"),
        "{planned:#?}"
    );
    assert!(
        !planned.iter().any(|line| line.starts_with("+ buckets.reports")),
        "{planned:#?}"
    );
    let reports = bucket(&ground.environment(), "reports");
    ground.ask("s3", "DeleteBucket", json!({ "Bucket": reports }));
    // The key stayed for what the bucket held.
    let key = ground.environment()["keys"]["storage"].clone();
    ground.ask(
        "kms",
        "DeleteAlias",
        json!({ "AliasName": "alias/churn-dev-storage" }),
    );
    ground.ask(
        "kms",
        "ScheduleKeyDeletion",
        json!({ "KeyId": key, "PendingWindowInDays": 7 }),
    );
    let plan = ground.plan().expect(2);
    assert!(
        plan.stdout.contains("1 to add, 0 to change, 0 to destroy"),
        "{}",
        plan.stdout
    );
    ground.apply();
}

/// B38: what cannot be read keeps its last state, with a warning, and the rest is judged.
#[test]
fn what_cannot_be_read_is_not_guessed_and_the_rest_is_judged() {
    let Some(ground) = ground("") else { return };
    let sandbox = ground.cloud.sandbox().unwrap();
    let denied = || {
        Fault::new(Effect::Refused {
            status: 403,
            code: "AccessDeniedException".to_owned(),
            message: "not authorized to perform: eks:DescribeCluster".to_owned(),
            retry_after: None,
        })
    };
    sandbox.fault(denied().on("eks", "DescribeCluster"));
    let plan = ground.plan();
    assert_eq!(plan.code, 0, "{}", plan.text());
    assert!(
        flat(&plan.text()).contains("cluster could not be read"),
        "{}",
        plan.text()
    );
    ground.ask(
        "iam",
        "DeleteRolePermissionsBoundary",
        json!({ "RoleName": "churn-dev-ci" }),
    );
    let planned = ground.planned();
    assert_eq!(planned.len(), 1, "{planned:#?}");
    assert!(
        planned[0].starts_with("~ identities.ci: permissions boundary none →"),
        "{planned:#?}"
    );
    sandbox.heal();
    ground.apply();
}

/// B39, B18: tags of others, the autoscaler's count and patch versions are no differences.
#[test]
fn what_others_may_change_never_differs() {
    let Some(ground) = ground("") else { return };
    let environment = ground.environment();
    let data = bucket(&environment, "data");
    let tagging = ground.ask("s3", "GetBucketTagging", json!({ "Bucket": data }));
    let mut tags = tagging["TagSet"].as_array().unwrap().clone();
    tags.push(json!({ "Key": "cost-center", "Value": "42" }));
    ground.ask(
        "s3",
        "PutBucketTagging",
        json!({ "Bucket": data, "Tagging": { "TagSet": tags } }),
    );
    ground.ask(
        "iam",
        "TagRole",
        json!({ "RoleName": "churn-dev-ci", "Tags": [{ "Key": "cost-center", "Value": "42" }] }),
    );
    let cluster = ground.ask("eks", "DescribeCluster", json!({ "name": "churn-dev" }));
    ground.ask(
        "eks",
        "TagResource",
        json!({ "resourceArn": cluster["cluster"]["arn"], "tags": { "cost-center": "42" } }),
    );
    let group = ground
        .node_groups()
        .into_iter()
        .find(|name| name.starts_with("serving"))
        .unwrap();
    ground.ask(
        "eks",
        "UpdateNodegroupConfig",
        json!({ "clusterName": "churn-dev", "nodegroupName": group, "scalingConfig": { "desiredSize": 2 } }),
    );
    let plan = ground.plan();
    assert_eq!(plan.code, 0, "{}", plan.text());
    // They are not taken off by the next change either.
    ground.configure(&ground.workspace, "tags = { team = \"ml\" }");
    ground.apply();
    let inventory = ground.inventory();
    assert_eq!(inventory["buckets"][&data]["tags"]["cost-center"], "42");
    assert_eq!(inventory["roles"]["churn-dev-ci"]["tags"]["cost-center"], "42");
    assert_eq!(inventory["roles"]["churn-dev-ci"]["tags"]["team"], "ml");
}
