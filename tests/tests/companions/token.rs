//! The cluster's token: given to whoever needs it while terraform runs, and to no file.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use mlops_e2e::cloud::{DUMMY_CREDENTIALS, REGION};
use mlops_e2e::gcp;
use mlops_e2e::terraform::Workspace;
use mlops_sandbox::Sandbox;
use serde_json::Value;

use super::{Ground, SERVICE};

/// Somebody who uses the token while terraform runs, and writes down what they got.
const USER: &str = r#"
ephemeral "mlops_cluster_token" "this" {
  cluster = mlops_environment.this.cluster_info
}

resource "terraform_data" "user" {
  triggers_replace = timestamp()
  provisioner "local-exec" {
    command = "printf '%s\\n%s\\n%s\\n%s\\n' \"$HOST\" \"$CERTIFICATE\" \"$EXPIRES\" \"$TOKEN\" > used"
    environment = {
      HOST        = ephemeral.mlops_cluster_token.this.host
      CERTIFICATE = coalesce(ephemeral.mlops_cluster_token.this.ca_certificate, "none")
      EXPIRES     = coalesce(ephemeral.mlops_cluster_token.this.expires_at, "none")
      TOKEN       = ephemeral.mlops_cluster_token.this.token
    }
  }
}
"#;

/// What the user got: host, certificate, end, token.
fn used(workspace: &Workspace) -> [String; 4] {
    let text = fs::read_to_string(workspace.path("used")).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.try_into().unwrap()
}

/// A token is in no file that terraform writes, and in nothing that it says.
fn leaves_no_trace(workspace: &Workspace, token: &str) {
    let planned = workspace.terraform(&["plan", "-out=plan.tfplan"]).expect(0);
    let shown = workspace.terraform(&["show", "-json", "plan.tfplan"]).expect(0);
    let state = workspace.terraform(&["show", "-json"]).expect(0);
    for text in [planned.text(), shown.text(), state.text()] {
        assert!(!text.contains(token));
    }
    let mut files = 0;
    for entry in fs::read_dir(workspace.path(".")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && name != "used" {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(token.len()).any(|part| part == token.as_bytes());
            assert!(!found, "{name} holds the token");
            files += 1;
        }
    }
    assert!(files >= 3, "state, backup, plan");
}

fn decoded(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = 0_u32;
    let mut held = 0;
    let mut bytes = Vec::new();
    for c in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == c).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Asks the question that a token is, as the cluster does.
fn asked(sandbox: &Sandbox, url: &str, cluster: &str) -> String {
    let address = sandbox.url.strip_prefix("http://").unwrap();
    let path = url.strip_prefix(&sandbox.url).expect("the sandbox's own STS");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nx-k8s-aws-id: {cluster}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn parameters(url: &str) -> BTreeSet<String> {
    let query = url.split_once('?').unwrap().1;
    query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_token_for_eks_is_given_when_the_cluster_stands_and_written_nowhere() {
    if !super::terraform("a_token_for_eks_is_given_when_the_cluster_stands_and_written_nowhere") {
        return;
    }
    let ground = Ground::new(Sandbox::builder());
    ground.configure(SERVICE, USER);
    // One apply for both: the token is made after the cluster.
    ground.apply().expect(0);
    let [host, certificate, expires, token] = used(&ground.workspace);
    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(environment["cluster_info"]["endpoint"], host.as_str());
    assert_eq!(
        environment["cluster_info"]["ca_certificate"],
        certificate.as_str()
    );
    let left = expires.parse::<jiff::Timestamp>().unwrap().as_second() - jiff::Timestamp::now().as_second();
    assert!((600..=14 * 60).contains(&left), "{left} seconds");

    let url = decoded(token.strip_prefix("k8s-aws-v1.").unwrap());
    let answer = asked(ground.sandbox(), &url, "churn-dev");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains(":user/operator"), "{answer}");
    leaves_no_trace(&ground.workspace, &token);

    // Amazon's own tool asks the same.
    let tool = Command::new("aws")
        .args([
            "eks",
            "get-token",
            "--cluster-name",
            "churn-dev",
            "--output",
            "json",
        ])
        .envs(DUMMY_CREDENTIALS)
        .env("AWS_DEFAULT_REGION", REGION)
        .output();
    match tool {
        Ok(output) if output.status.success() => {
            let said: Value = serde_json::from_slice(&output.stdout).unwrap();
            let theirs = said["status"]["token"].as_str().unwrap();
            let theirs = decoded(theirs.strip_prefix("k8s-aws-v1.").unwrap());
            assert_eq!(parameters(&url), parameters(&theirs));
        }
        _ => eprintln!("skipped the comparison with `aws eks get-token`: the AWS CLI is not on the path"),
    }
}

#[test]
fn a_token_for_gke_is_the_callers_and_written_nowhere() {
    if !super::terraform("a_token_for_gke_is_the_callers_and_written_nowhere") {
        return;
    }
    const TOKEN: &str = "local-token-7f3a1c";
    let sandbox = gcp::start().unwrap();
    let mut workspace = Workspace::new();
    workspace.set("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN);
    workspace.write(
        "main.tf",
        &format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  name = \"churn-dev\"\n  tier = \"dev\"\n  {}\n{SERVICE}\n}}\n{USER}\n",
            gcp::provider_block(&sandbox),
            gcp::gcp_block()
        ),
    );
    workspace.terraform(&["apply", "-auto-approve"]).expect(0);
    let [host, _, expires, token] = used(&workspace);
    assert!(host.starts_with("https://"), "{host}");
    assert_eq!((expires.as_str(), token.as_str()), ("none", TOKEN));
    leaves_no_trace(&workspace, TOKEN);
}

#[test]
fn a_cluster_that_is_none_is_refused_at_its_place() {
    if !super::terraform("a_cluster_that_is_none_is_refused_at_its_place") {
        return;
    }
    let ground = Ground::new(Sandbox::builder());
    let wrong = r#"ephemeral "mlops_cluster_token" "this" {
  cluster = { arn = "churn-dev", endpoint = "https://127.0.0.1" }
}"#;
    ground.configure(SERVICE, wrong);
    let refused = ground.workspace.terraform(&["validate"]).expect(1);
    assert!(refused.stderr.contains("Not a cluster"), "{}", refused.stderr);
    assert!(refused.stderr.contains("on main.tf line"), "{}", refused.stderr);
}
