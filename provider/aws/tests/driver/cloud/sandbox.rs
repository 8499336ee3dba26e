//! Starts the project's local AWS in this process, and makes what a platform team would have made: a network, a key, and a
//! role that a token lets in.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mlops_sandbox::{Behaviour, Sandbox};
use serde_json::{Value, json};

use crate::harness::REGION;

pub(crate) const ACCOUNT: &str = mlops_sandbox::account::USUAL_ACCOUNT;

/// How long a role or a policy is not seen by other services.
const LAG: Duration = Duration::from_millis(100);

/// A running sandbox.
pub(crate) struct Emulator {
    pub(crate) url: String,
    pub(crate) network: Network,
    /// File with an identity token.
    pub(crate) token: PathBuf,
    /// ARN of a key that any of the account's identities may use if their own policies say so.
    pub(crate) key: String,
    python: PathBuf,
    pub(crate) sandbox: Sandbox,
}

/// A VPC with subnets in three zones.
pub(crate) struct Network {
    pub(crate) vpc_id: String,
    pub(crate) private_subnet_ids: Vec<String>,
    pub(crate) public_subnet_ids: Vec<String>,
}

fn start() -> Result<Emulator, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = std::env::var_os("MLOPS_TEST_PYTHON")
        .map_or_else(|| root.join("tests/.venv/bin/python"), PathBuf::from);
    if !python.exists() {
        return Err(format!(
            "no {}, which reads what the driver made: make it as tests/moto/README.md says, or set MLOPS_TEST_PYTHON",
            python.display()
        ));
    }
    // A cluster takes a quarter of a second.
    let behaviour = Behaviour {
        scale: 0.0004,
        ..Behaviour::default()
    };
    let sandbox = Sandbox::builder()
        .behaviour(behaviour)
        .enforce(true)
        .start()
        .map_err(|error| error.to_string())?;
    let ask = |service: &str, operation: &str, input: Value| -> Value {
        sandbox
            .ask(REGION, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
    };
    let key = text(&ask("kms", "CreateKey", json!({}))["KeyMetadata"]["Arn"]);
    let network = network(&ask);
    provisioner(&ask);
    let token = std::env::temp_dir().join(format!("mlops-aws-sandbox-token-{}", std::process::id()));
    std::fs::write(&token, identity_token()).map_err(|error| error.to_string())?;
    // From now on what is new is not seen by other services at first; what stands here is seen.
    std::thread::sleep(LAG);
    sandbox.behave(|behaviour| behaviour.lag = LAG.as_secs_f64());
    Ok(Emulator {
        url: sandbox.url.clone(),
        network,
        token,
        key,
        python,
        sandbox,
    })
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn network(ask: &impl Fn(&str, &str, Value) -> Value) -> Network {
    let vpc = text(&ask("ec2", "CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))["Vpc"]["VpcId"]);
    // Role tags: https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
    let subnets = |first: usize, role: &str| {
        ["a", "b", "c"]
            .iter()
            .enumerate()
            .map(|(number, zone)| {
                let input = json!({
                    "VpcId": vpc,
                    "CidrBlock": format!("10.0.{}.0/24", first + number),
                    "AvailabilityZone": format!("{REGION}{zone}"),
                    "TagSpecifications": [{"ResourceType": "subnet", "Tags": [{"Key": role, "Value": "1"}]}],
                });
                text(&ask("ec2", "CreateSubnet", input)["Subnet"]["SubnetId"])
            })
            .collect()
    };
    Network {
        private_subnet_ids: subnets(0, "kubernetes.io/role/internal-elb"),
        public_subnet_ids: subnets(100, "kubernetes.io/role/elb"),
        vpc_id: vpc,
    }
}

/// The role that runs Terraform: an administrator whom the tokens of one issuer let in.
fn provisioner(ask: &impl Fn(&str, &str, Value) -> Value) {
    let issuer = json!({"Url": "https://ci.example.com", "ClientIDList": ["sts.amazonaws.com"]});
    let provider = ask("iam", "CreateOpenIDConnectProvider", issuer);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"ci.example.com:sub": "provisioner"}},
        }],
    });
    let role = json!({"RoleName": "provisioner", "AssumeRolePolicyDocument": trust.to_string()});
    ask("iam", "CreateRole", role);
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    ask(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": "provisioner", "PolicyArn": administrator}),
    );
}

/// A token whose signature is nobody's: the sandbox fetches no issuer's keys.
fn identity_token() -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": "https://ci.example.com",
        "sub": "provisioner",
        "aud": "sts.amazonaws.com",
        "iat": 1_700_000_000,
        // The year 2100.
        "exp": 4_102_444_800_u32,
    });
    format!("{}.{}.signature", part(json!({"alg": "none"})), part(claims))
}

/// The sandbox of this test process, or `None` with the reason printed.
pub(crate) fn emulator() -> Option<&'static Emulator> {
    static EMULATOR: OnceLock<Result<Emulator, String>> = OnceLock::new();
    match EMULATOR.get_or_init(start) {
        Ok(emulator) => {
            let mistakes = emulator.sandbox.mistakes();
            assert!(mistakes.is_empty(), "the sandbox made mistakes: {mistakes:?}");
            Some(emulator)
        }
        Err(reason) => {
            // Where Python must be there, skipping would hide a broken setup.
            assert!(std::env::var_os("MLOPS_REQUIRE_MOTO").is_none(), "{reason}");
            eprintln!("skipped: {reason}");
            None
        }
    }
}

impl Emulator {
    /// Runs a few lines of boto3 with `client(service)` at hand; what they print as JSON comes back.
    pub(crate) fn boto3(&self, script: &str) -> Value {
        crate::harness::boto3(&self.python, &self.url, script)
    }
}
