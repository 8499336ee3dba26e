//! The local AWS that tests and the demo run on: our sandbox in this process, or the third-party emulator moto.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use mlops_sandbox::{Behaviour, Sandbox};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{inventory, root};

/// Credentials that open nothing: accepted by the provider only because every endpoint is overridden.
pub const DUMMY_CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
    ("AWS_SESSION_TOKEN", "test"),
];

/// The region that environments stand in.
pub const REGION: &str = "eu-west-1";

/// Services that the provider calls.
pub const SERVICES: [&str; 10] = [
    "budgets",
    "ec2",
    "ecr",
    "eks",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sts",
];

/// A running local AWS; it ends with the value.
#[derive(Debug)]
pub struct Cloud {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sandbox(Box<Sandbox>),
    Moto(#[expect(dead_code, reason = "ends the process when it is dropped")] Moto),
}

/// moto, in a virtual environment.
#[derive(Debug)]
struct Moto(Child);

/// The network that environments use, made beforehand as a platform team would.
#[derive(Debug, Clone, Deserialize)]
pub struct Network {
    /// The VPC.
    pub vpc_id: String,
    /// Private subnets in three zones.
    pub private_subnet_ids: Vec<String>,
    /// Public subnets in three zones.
    pub public_subnet_ids: Vec<String>,
}

impl Cloud {
    /// Starts the sandbox; moto where the variable `MLOPS_LOCAL_AWS` says `moto`.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn start() -> Result<Self, String> {
        match std::env::var("MLOPS_LOCAL_AWS").as_deref() {
            Ok("moto") => Self::moto(),
            Ok("sandbox" | "") | Err(_) => Self::sandboxed(Sandbox::builder()),
            Ok(other) => Err(format!("MLOPS_LOCAL_AWS is \"{other}\": sandbox or moto")),
        }
    }

    /// Starts a sandbox that is made to order, in which a cluster takes a fifth of a second.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn sandboxed(builder: mlops_sandbox::sandbox::Builder) -> Result<Self, String> {
        let behaviour = Behaviour {
            scale: 0.0004,
            ..Behaviour::default()
        };
        Self::behaving(builder, behaviour)
    }

    /// Starts a sandbox in which things take the time that they are told to.
    ///
    /// # Errors
    /// Why it does not start.
    pub fn behaving(builder: mlops_sandbox::sandbox::Builder, behaviour: Behaviour) -> Result<Self, String> {
        let sandbox = builder
            .behaviour(behaviour)
            .start()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            url: sandbox.url.clone(),
            kind: Kind::Sandbox(Box::new(sandbox)),
        })
    }

    /// Starts moto.
    ///
    /// # Errors
    /// What is missing, in words: `make venv` installs it.
    pub fn moto() -> Result<Self, String> {
        let python = python();
        if !python.exists() {
            return Err(format!(
                "{} is missing: `make venv` installs moto",
                python.display()
            ));
        }
        let mut process = Command::new(&python)
            .arg(script("serve.py"))
            .args(["--port", "0", "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", python.display()))?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(|error| format!("moto said nothing: {error}"))?;
        }
        let url = line.trim().to_owned();
        let kind = Kind::Moto(Moto(process));
        if !url.starts_with("http://127.0.0.1:") {
            return Err(format!("moto did not start: it said \"{url}\""));
        }
        Ok(Self { url, kind })
    }

    /// The sandbox, where it is one: for faults, time and the journal.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        match &self.kind {
            Kind::Sandbox(sandbox) => Some(sandbox),
            Kind::Moto(_) => None,
        }
    }

    /// The account that [`DUMMY_CREDENTIALS`] open.
    pub fn account(&self) -> &'static str {
        match self.kind {
            Kind::Sandbox(_) => mlops_sandbox::account::USUAL_ACCOUNT,
            Kind::Moto(_) => "123456789012",
        }
    }

    /// Runs one of the scripts beside moto's launcher against this cloud and reads the JSON it prints.
    ///
    /// # Errors
    /// What the script said.
    pub fn script(&self, name: &str, arguments: &[&str]) -> Result<Value, String> {
        let output = Command::new(python())
            .arg(script(name))
            .arg(&self.url)
            .args(arguments)
            .envs(DUMMY_CREDENTIALS)
            .env("AWS_DEFAULT_REGION", REGION)
            .output()
            .map_err(|error| format!("{name} cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{name} printed no JSON: {error}"))
    }

    /// Makes the network.
    ///
    /// # Errors
    /// What the cloud said.
    pub fn network(&self) -> Result<Network, String> {
        match &self.kind {
            Kind::Sandbox(sandbox) => network(sandbox).map_err(|refusal| format!("the network: {refusal}")),
            Kind::Moto(_) => serde_json::from_value(self.script("network.py", &["--region", REGION])?)
                .map_err(|error| format!("network.py: {error}")),
        }
    }

    /// Makes a versioned bucket for Terraform's state, as a platform team would have.
    ///
    /// # Errors
    /// What the cloud said.
    pub fn state_bucket(&self, name: &str) -> Result<(), String> {
        let Kind::Sandbox(sandbox) = &self.kind else {
            return self.script("state_bucket.py", &[name]).map(|_| ());
        };
        let ask = |operation: &str, input: Value| {
            sandbox
                .ask(REGION, "s3", operation, input)
                .map_err(|refusal| format!("the bucket {name}: {refusal}"))
        };
        let place = json!({"LocationConstraint": REGION});
        ask(
            "CreateBucket",
            json!({"Bucket": name, "CreateBucketConfiguration": place}),
        )?;
        let versioned = json!({"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}});
        ask("PutBucketVersioning", versioned)?;
        Ok(())
    }

    /// Everything that stands: asked of the sandbox itself, or read by boto3.
    ///
    /// # Errors
    /// What the cloud or the script said.
    pub fn inventory(&self) -> Result<Value, String> {
        match &self.kind {
            Kind::Sandbox(sandbox) => inventory::inventory(sandbox),
            Kind::Moto(_) => self.script("inventory.py", &[]),
        }
    }
}

fn network(sandbox: &Sandbox) -> Result<Network, mlops_sandbox::Refusal> {
    let ask = |operation: &str, input: Value| sandbox.ask(REGION, "ec2", operation, input);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let zones = ask("DescribeAvailabilityZones", json!({}))?;
    let mut zones: Vec<String> = zones["AvailabilityZones"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|zone| text(&zone["ZoneName"]))
        .collect();
    zones.sort_unstable();
    zones.truncate(3);
    let vpc_id = text(&ask("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))?["Vpc"]["VpcId"]);
    // Role tags: https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
    let subnets = |first: usize, role: &str| -> Result<Vec<String>, mlops_sandbox::Refusal> {
        zones
            .iter()
            .enumerate()
            .map(|(number, zone)| {
                let made = ask(
                    "CreateSubnet",
                    json!({
                        "VpcId": vpc_id,
                        "CidrBlock": format!("10.0.{}.0/24", first + number),
                        "AvailabilityZone": zone,
                        "TagSpecifications": [{"ResourceType": "subnet", "Tags": [{"Key": role, "Value": "1"}]}],
                    }),
                )?;
                Ok(text(&made["Subnet"]["SubnetId"]))
            })
            .collect()
    };
    Ok(Network {
        private_subnet_ids: subnets(0, "kubernetes.io/role/internal-elb")?,
        public_subnet_ids: subnets(100, "kubernetes.io/role/elb")?,
        vpc_id,
    })
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python() -> PathBuf {
    root().join("tests/.venv/bin/python")
}

fn script(name: &str) -> PathBuf {
    root().join("tests/moto").join(name)
}
