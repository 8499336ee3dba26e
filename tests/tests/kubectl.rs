//! `kubectl` with the kubeconfig that an environment prints, as deploy: who am I? Authentication alone, because the local clouds
//! stop at the cluster's door. The server's name and certificate are the cloud's, so both are overridden.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use std::path::Path;
use std::process::{Command, Output};

use http::Method;
use mlops_e2e::cloud::{Cloud, REGION};
use mlops_e2e::gcp::{self, PROJECT};
use mlops_e2e::terraform::{Workspace, available, aws_block, provider_block};
use mlops_e2e::tls::Door;
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

fn missing(test: &str, programs: &[&str]) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    for program in programs {
        if !std::env::split_paths(&paths).any(|folder| folder.join(program).exists()) {
            eprintln!("skipped {test}: {program} is not on the path");
            return true;
        }
    }
    if !available() {
        eprintln!("skipped {test}: terraform is not on the path (set TERRAFORM to its place)");
        return true;
    }
    false
}

const SETTINGS: &str = r#"
  services   = { churn = {} }
  federation = { github = { repository = "acme/churn", owner_id = "1", repository_id = "2" } }
  kubernetes = { access = "group" }
"#;

fn environment(workspace: &Workspace, head: &str, block: &str) -> Value {
    workspace.write(
        "main.tf",
        &format!("{head}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {block}\n{SETTINGS}\n}}\n"),
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    workspace.resource("mlops_environment.this")
}

fn text(value: &Value, path: &str) -> String {
    let found = value.pointer(path).and_then(Value::as_str);
    found
        .unwrap_or_else(|| panic!("no text at {path} in {value:#}"))
        .to_owned()
}

/// `kubectl auth whoami` at a cluster's door, with the printed kubeconfig and nothing of the user's own.
fn whoami(home: &Path, kubeconfig: &str, server: &str, variables: &[(&str, &str)]) -> Output {
    let file = home.join("kubeconfig.yaml");
    std::fs::write(&file, kubeconfig).unwrap();
    let mut command = Command::new("kubectl");
    command
        .args(["auth", "whoami", "--output=json", "--insecure-skip-tls-verify"])
        .arg(format!("--kubeconfig={}", file.display()))
        .arg(format!("--server={server}"))
        .arg(format!("--cache-dir={}", home.join("cache").display()))
        .envs(variables.iter().copied());
    command.output().unwrap()
}

fn user(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["status"]["userInfo"].clone()
}

#[test]
fn the_deploy_role_is_known_to_the_cluster_by_its_group() {
    if missing(
        "the_deploy_role_is_known_to_the_cluster_by_its_group",
        &["kubectl", "aws"],
    ) {
        return;
    }
    let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
    let sandbox = cloud.sandbox().unwrap();
    let workspace = Workspace::new();
    let environment = environment(
        &workspace,
        &provider_block(&cloud),
        &aws_block(&cloud.network().unwrap()),
    );
    built_by_kustomize(&workspace, &environment);
    let door = Door::before(&cloud.url).unwrap();
    let server = format!("{}/_kubernetes/aws/{REGION}/churn-dev", door.url);
    let kubeconfig = text(&environment, "/kubeconfig");
    let entered = |purpose: &str, claim: &str| -> Output {
        let token = json!({
            "iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com",
            "sub": format!("repo:acme@1/churn@2:{claim}"), "iat": 1_700_000_000, "exp": 4_102_444_800_u32,
        });
        let input = json!({
            "RoleArn": text(&environment["identity_info"][purpose], "/principal"),
            "RoleSessionName": "run-7",
            "WebIdentityToken": format!("{}.{}.x", part(&json!({ "alg": "RS256" })), part(&token)),
        });
        let held = sandbox
            .ask(REGION, "sts", "AssumeRoleWithWebIdentity", input)
            .unwrap_or_else(|refusal| panic!("{refusal}"));
        let of = |member: &str| text(&held["Credentials"], member);
        let home = workspace.path(".");
        whoami(
            &home,
            &kubeconfig,
            &server,
            &[
                ("AWS_ACCESS_KEY_ID", &of("/AccessKeyId")),
                ("AWS_SECRET_ACCESS_KEY", &of("/SecretAccessKey")),
                ("AWS_SESSION_TOKEN", &of("/SessionToken")),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ],
        )
    };
    let deploy = user(&entered("deploy", "environment:aws-dev"));
    assert!(
        deploy["groups"]
            .as_array()
            .unwrap()
            .contains(&json!("mlops:churn-dev:deployers")),
        "{deploy:#}"
    );
    assert!(
        text(&deploy, "/username").contains("run-7"),
        "the session is told: {deploy:#}"
    );
    let ci = entered("ci", "ref:refs/heads/main");
    assert!(
        !ci.status.success(),
        "ci has no entry: {}",
        String::from_utf8_lossy(&ci.stdout)
    );
}

/// `kubectl kustomize` takes the manifests and the patches of a service as they are: every object once, and the service
/// account that a team's own base has gets its annotation. (`kubectl apply --dry-run=client` asks a cluster which kinds it
/// knows; fields are held to Kubernetes' own description in `provider/environment/tests/kubernetes.rs`.)
fn built_by_kustomize(workspace: &Workspace, environment: &Value) {
    let objects = |yaml: &str| -> Vec<Value> { serde_saphyr::from_multiple(yaml).unwrap() };
    let named = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    let build = |folder: &str| -> Vec<Value> {
        let output = Command::new("kubectl")
            .args(["kustomize", folder])
            .current_dir(workspace.path("."))
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        objects(&String::from_utf8_lossy(&output.stdout))
    };
    let files = environment["manifests"].as_object().unwrap();
    let mut written = Vec::new();
    for (name, yaml) in files {
        let yaml = yaml.as_str().unwrap();
        workspace.write(&format!("manifests/{name}"), yaml);
        written.extend(objects(yaml).iter().map(named));
    }
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    workspace.write(
        "manifests/kustomization.yaml",
        &json!({ "resources": names }).to_string(),
    );
    let mut built: Vec<String> = build("manifests").iter().map(named).collect();
    written.sort();
    built.sort();
    assert_eq!(built, written);

    let patch = environment["kustomize"]["churn"].as_str().unwrap();
    let accounts = objects(patch);
    let bare: Vec<String> = accounts
        .iter()
        .map(|account| {
            let metadata =
                json!({ "name": account["metadata"]["name"], "namespace": account["metadata"]["namespace"] });
            json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata }).to_string()
        })
        .collect();
    workspace.write("base/accounts.yaml", &bare.join("\n---\n"));
    workspace.write("base/kustomization.yaml", "resources: [accounts.yaml]\n");
    workspace.write("overlay/patch.yaml", patch);
    workspace.write(
        "overlay/kustomization.yaml",
        "resources: [../base]\npatches:\n  - path: patch.yaml\n",
    );
    let patched = build("overlay");
    assert_eq!(patched.len(), accounts.len());
    for account in patched {
        let role = text(&account, "/metadata/annotations/eks.amazonaws.com~1role-arn");
        assert!(role.starts_with("arn:aws:iam::"), "{role}");
    }
}

/// Base64 for URLs of JSON, without padding.
fn part(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn the_deploy_account_is_known_to_the_cluster_by_its_e_mail() {
    if missing(
        "the_deploy_account_is_known_to_the_cluster_by_its_e_mail",
        &["kubectl", "gke-gcloud-auth-plugin", "gcloud"],
    ) {
        return;
    }
    let sandbox = gcp::start().unwrap();
    let mut workspace = Workspace::new();
    workspace.set(gcp::DUMMY_TOKEN.0, gcp::DUMMY_TOKEN.1);
    let environment = environment(&workspace, &gcp::provider_block(&sandbox), &gcp::gcp_block());
    let door = Door::before(&sandbox.url).unwrap();
    let location = text(&environment, "/cluster_info/location");
    let server = format!("{}/_kubernetes/gcp/{PROJECT}/{location}/churn-dev", door.url);
    let kubeconfig = text(&environment, "/kubeconfig");
    let entered = |purpose: &str| -> Output {
        let account = text(&environment["identity_info"][purpose], "/principal");
        let path = format!("iamcredentials/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
        let body = json!({ "scope": ["https://www.googleapis.com/auth/cloud-platform"] });
        let held = sandbox
            .ask_gcp(&Method::POST, &path, Some(&body))
            .unwrap_or_else(|refusal| panic!("{refusal}"));
        let home = workspace.path(purpose);
        std::fs::create_dir_all(&home).unwrap();
        let token = home.join("token");
        std::fs::write(&token, text(&held, "/accessToken")).unwrap();
        let (home_text, token) = (home.display().to_string(), token.display().to_string());
        whoami(
            &home,
            &kubeconfig,
            &server,
            &[
                ("HOME", &home_text),
                ("CLOUDSDK_CONFIG", &home_text),
                ("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", &token),
                ("CLOUDSDK_CORE_PROJECT", PROJECT),
                ("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "true"),
                ("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "true"),
            ],
        )
    };
    let deploy = user(&entered("deploy"));
    assert_eq!(
        deploy["username"],
        environment["identity_info"]["deploy"]["principal"]
    );
    let ci = entered("ci");
    let said = String::from_utf8_lossy(&ci.stderr);
    assert!(
        !ci.status.success() && said.contains("do not have permission"),
        "{said}"
    );
}
