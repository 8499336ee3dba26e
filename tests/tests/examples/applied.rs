//! Every example, applied by the real terraform on the local clouds, gated by `tfplan-check`, and gone again.
//!
//! Where terraform is missing, each test says that it was skipped.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use mlops_e2e::cloud::{Cloud, Network, REGION};
use mlops_e2e::terraform::{Ran, Workspace, available, plugin_mirror};
use mlops_e2e::{binary, gcp, root};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

/// An example and what is needed around it.
struct Example {
    /// Its folder below `examples`.
    folder: &'static str,
    /// What stands beforehand, and the variables that name it.
    variables: fn(&Ground) -> Value,
    /// Made for ever: `terraform destroy` is refused.
    kept: bool,
    /// Needs hashicorp/aws.
    with_aws: bool,
    /// What is special about it.
    shows: fn(&Ground, &Outputs),
}

/// Outputs of an applied configuration.
struct Outputs(Value);

impl Outputs {
    fn of(&self, name: &str) -> &Value {
        &self.0[name]["value"]
    }
}

const PLAIN: Example = Example {
    folder: "",
    variables: |ground| ground.on_aws(json!({})),
    kept: false,
    with_aws: false,
    shows: |_, _| (),
};

/// One test for each, named after its folder.
macro_rules! examples {
    ($($name:ident: $example:expr,)*) => {
        const EXAMPLES: &[Example] = &[$($example),*];

        mod applies {
            use super::*;

            $(
                #[test]
                fn $name() {
                    lives(&$example);
                }
            )*
        }
    };
}

const IMAGES: &str = "999988887777.dkr.ecr.eu-west-1.amazonaws.com/churn-dev";
const GCP_IMAGES: &str = "europe-west1-docker.pkg.dev/acme-ml-build/churn-dev";
/// The account that the sandbox's credentials open.
const ACCOUNT: &str = mlops_sandbox::account::USUAL_ACCOUNT;

examples! {
    aws_dev: Example { folder: "aws-dev", ..PLAIN },
    aws_prod: Example {
        folder: "aws-prod",
        variables: |ground| ground.on_aws(json!({
            "account_id": ACCOUNT,
            "images": IMAGES,
        })),
        kept: true,
        shows: |ground, outputs| {
            assert_eq!(ground.inventory("repositories"), [""; 0], "nobody pushes into prod");
            let environments: Vec<&String> = outputs.of("github").as_object().unwrap().keys().collect();
            assert_eq!(environments, ["", "aws-prod", "aws-prod-drift", "aws-prod-retrain"]);
        },
        ..PLAIN
    },
    gcp_dev: Example { folder: "gcp-dev", variables: |ground| ground.on_gcp(json!({})), ..PLAIN },
    gcp_prod: Example {
        folder: "gcp-prod",
        variables: |ground| ground.on_gcp(json!({ "images": GCP_IMAGES })),
        kept: true,
        shows: |_, outputs| {
            let environments: Vec<&String> = outputs.of("github").as_object().unwrap().keys().collect();
            assert_eq!(environments, ["", "gcp-prod", "gcp-prod-drift", "gcp-prod-retrain"]);
        },
        ..PLAIN
    },
    multi_cloud: Example {
        folder: "multi-cloud",
        variables: |ground| json!({
            "aws": ground.on_aws(json!({})),
            "gcp": ground.on_gcp(json!({})),
        }),
        shows: |_, outputs| both_clouds_tell_the_same(outputs),
        ..PLAIN
    },
    existing_network: Example {
        folder: "existing-network",
        variables: |ground| {
            ground.name_the_network("ml");
            json!({ "endpoints": ground.aws_endpoints() })
        },
        with_aws: true,
        shows: |ground, outputs| {
            let network = outputs.of("network");
            assert_eq!(network["vpc_id"], ground.network.vpc_id.as_str());
            assert_eq!(network["private_subnet_ids"].as_array().unwrap().len(), 3);
        },
        ..PLAIN
    },
    existing_cluster: Example {
        folder: "existing-cluster",
        variables: |ground| {
            ground.cluster("platform");
            json!({ "endpoints": ground.aws_endpoints() })
        },
        shows: |ground, outputs| {
            assert_eq!(outputs.of("cluster")["name"], "platform");
            assert_eq!(outputs.of("components")["cluster"], "existing");
            assert_eq!(ground.inventory("clusters"), ["platform"]);
        },
        ..PLAIN
    },
    own_network: Example {
        folder: "own-network",
        variables: |ground| json!({ "endpoints": ground.aws_endpoints() }),
        shows: |ground, outputs| {
            let network = outputs.of("network");
            for side in ["private_subnet_ids", "public_subnet_ids"] {
                assert_eq!(network[side].as_array().unwrap().len(), 2);
            }
            let found = ground.ask("ec2", "DescribeVpcs", json!({ "VpcIds": [network["vpc_id"]] }));
            assert_eq!(found["Vpcs"][0]["CidrBlock"], "10.20.0.0/16");
            let scopes: Vec<&String> = outputs.of("gitlab").as_object().unwrap().keys().collect();
            assert_eq!(scopes, ["*", "staging"]);
        },
        ..PLAIN
    },
    two_envs_one_account: Example {
        folder: "two-envs-one-account",
        shows: |ground, _| nobody_names_the_other(ground),
        ..PLAIN
    },
    gpu: Example {
        folder: "gpu",
        shows: |_, outputs| {
            let pools = outputs.of("node_pools").as_object().unwrap();
            let states: Vec<(&str, &Value)> =
                pools.iter().map(|(name, pool)| (name.as_str(), &pool["state"])).collect();
            let ready = Value::from("ready");
            assert_eq!(states, ["inference", "serving", "system", "training"].map(|name| (name, &ready)));
        },
        ..PLAIN
    },
    adopt: Example {
        folder: "adopt",
        variables: |ground| {
            ground.cloud.state_bucket("acme-churn-data").unwrap();
            ground.on_aws(json!({ "data_bucket": "acme-churn-data" }))
        },
        shows: |_, outputs| {
            let data = outputs.of("data");
            assert_eq!(data["bucket"]["name"], "acme-churn-data");
            assert_eq!(data["managed"], "adopted");
        },
        ..PLAIN
    },
    overlay_aws_dev: Example {
        folder: "overlays/aws-dev",
        variables: |ground| ground.on_aws(json!({ "account_id": ACCOUNT })),
        shows: |_, outputs| patches_name_the_identity(outputs, r#""eks.amazonaws.com/role-arn": "arn:aws:iam::"#),
        ..PLAIN
    },
    overlay_aws_staging: Example {
        folder: "overlays/aws-staging",
        variables: |ground| ground.on_aws(json!({ "account_id": ACCOUNT, "images_from": IMAGES })),
        kept: true,
        ..PLAIN
    },
    overlay_aws_prod: Example {
        folder: "overlays/aws-prod",
        variables: |ground| ground.on_aws(json!({ "account_id": ACCOUNT, "images_from": IMAGES })),
        kept: true,
        shows: |ground, _| assert_eq!(ground.inventory("repositories"), [""; 0], "nobody pushes into prod"),
        ..PLAIN
    },
    overlay_gcp_dev: Example {
        folder: "overlays/gcp-dev",
        variables: |ground| ground.on_gcp(json!({})),
        shows: |_, outputs| patches_name_the_identity(outputs, r#""iam.gke.io/gcp-service-account": ""#),
        ..PLAIN
    },
    overlay_gcp_staging: Example {
        folder: "overlays/gcp-staging",
        variables: |ground| ground.on_gcp(json!({ "images_from": GCP_IMAGES })),
        kept: true,
        ..PLAIN
    },
    overlay_gcp_prod: Example {
        folder: "overlays/gcp-prod",
        variables: |ground| ground.on_gcp(json!({ "images_from": GCP_IMAGES })),
        kept: true,
        ..PLAIN
    },
}

/// Both local clouds with the networks that a platform team would have made, and a place for state.
struct Ground {
    cloud: Cloud,
    network: Network,
}

const STATE_BUCKET: &str = "acme-terraform-state";

impl Ground {
    fn new() -> Self {
        let cloud = Cloud::sandboxed(Sandbox::builder()).unwrap();
        gcp::furnish(cloud.sandbox().unwrap());
        cloud.state_bucket(STATE_BUCKET).unwrap();
        gcp::state_bucket(cloud.sandbox().unwrap(), STATE_BUCKET).unwrap();
        let network = cloud.network().unwrap();
        Self { cloud, network }
    }

    fn sandbox(&self) -> &Sandbox {
        self.cloud.sandbox().unwrap()
    }

    fn aws_endpoints(&self) -> Value {
        let endpoints = mlops_e2e::cloud::SERVICES
            .iter()
            .map(|service| ((*service).to_owned(), Value::from(self.cloud.url.clone())));
        endpoints.collect::<serde_json::Map<_, _>>().into()
    }

    fn on_aws(&self, more: Value) -> Value {
        let own = json!({
            "network": {
                "vpc_id": self.network.vpc_id,
                "private_subnet_ids": self.network.private_subnet_ids,
                "public_subnet_ids": self.network.public_subnet_ids,
            },
            "endpoints": self.aws_endpoints(),
        });
        merged(own, more)
    }

    fn on_gcp(&self, more: Value) -> Value {
        let sandbox = self.sandbox();
        let endpoints = gcp::SERVICES
            .iter()
            .map(|service| ((*service).to_owned(), Value::from(sandbox.gcp(service))));
        let own = json!({
            "project": gcp::PROJECT,
            "network": {
                "network": "ml",
                "subnetwork": "ml-nodes",
                "pods_range": "pods",
                "services_range": "services",
            },
            "endpoints": endpoints.collect::<serde_json::Map<_, _>>(),
        });
        merged(own, more)
    }

    fn ask(&self, service: &str, operation: &str, input: Value) -> Value {
        let asked = self.sandbox().ask(REGION, service, operation, input);
        asked.unwrap_or_else(|refusal| panic!("{service}:{operation}: {refusal}"))
    }

    /// A cluster of a platform team.
    fn cluster(&self, name: &str) {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "Service": "eks.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
        let role = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
        let role = self.ask("iam", "CreateRole", role)["Role"]["Arn"].clone();
        let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
        self.ask(
            "iam",
            "AttachRolePolicy",
            json!({ "RoleName": name, "PolicyArn": policy }),
        );
        let subnets = json!({ "subnetIds": self.network.private_subnet_ids });
        let access = json!({ "authenticationMode": "API_AND_CONFIG_MAP" });
        self.ask(
            "eks",
            "CreateCluster",
            json!({ "name": name, "roleArn": role, "resourcesVpcConfig": subnets, "accessConfig": access }),
        );
    }

    fn name_the_network(&self, name: &str) {
        let tag = json!({ "Key": "Name", "Value": name });
        self.ask(
            "ec2",
            "CreateTags",
            json!({ "Resources": [self.network.vpc_id], "Tags": [tag] }),
        );
    }

    /// Names of a kind of thing that stands.
    fn inventory(&self, kind: &str) -> Vec<String> {
        let inventory = self.cloud.inventory().unwrap();
        inventory[kind].as_object().unwrap().keys().cloned().collect()
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

/// A copy of an example in a workspace of its own.
struct Place {
    workspace: Workspace,
    folder: String,
}

impl Place {
    fn terraform(&self, arguments: &[&str]) -> Ran {
        let chdir = format!("-chdir={}", self.folder);
        let all: Vec<&str> = std::iter::once(chdir.as_str())
            .chain(arguments.iter().copied())
            .collect();
        self.workspace.terraform(&all)
    }

    /// Initialised, with the state in a bucket of its cloud.
    fn init(ground: &Ground, example: &Example) -> Option<Self> {
        let mut workspace = if example.with_aws {
            let Some(mirror) = plugin_mirror() else {
                eprintln!(
                    "skipped {}: no mirror with hashicorp/aws (set TF_PLUGIN_MIRROR)",
                    example.folder
                );
                return None;
            };
            Workspace::installed_beside(&mirror)
        } else {
            Workspace::installed()
        };
        workspace.copy("examples").copy("modules");
        workspace.set("AWS_ENDPOINT_URL", &ground.cloud.url);
        let storage = format!("{}/storage/v1/", ground.cloud.url);
        workspace.set("GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT", &storage);
        workspace.set(gcp::DUMMY_TOKEN.0, gcp::DUMMY_TOKEN.1);
        let place = Self {
            workspace,
            folder: format!("examples/{}", example.folder),
        };
        let variables = (example.variables)(ground);
        place.write("terraform.tfvars.json", &variables.to_string());
        let main = fs::read_to_string(place.path("main.tf")).unwrap();
        let mut settings = vec![format!("bucket={STATE_BUCKET}")];
        if main.contains("backend \"s3\"") {
            settings.extend([
                format!("region={REGION}"),
                "skip_requesting_account_id=true".to_owned(),
                "use_path_style=true".to_owned(),
            ]);
            if !main.contains("/terraform.tfstate") {
                settings.push(format!("key={}/terraform.tfstate", example.folder));
            }
        }
        let settings = settings
            .into_iter()
            .map(|setting| format!("-backend-config={setting}"));
        let arguments: Vec<String> = std::iter::once("init".to_owned()).chain(settings).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        place.terraform(&arguments).expect(0);
        Some(place)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.workspace.path(&format!("{}/{name}", self.folder))
    }

    fn write(&self, name: &str, text: &str) {
        self.workspace.write(&format!("{}/{name}", self.folder), text);
    }

    /// The gate finds nothing, not even a warning.
    fn is_clean(&self, plan: &str) {
        let checked = Command::new(binary("tfplan-check"))
            .args(["--fail-on", "warning", plan])
            .current_dir(self.path("."))
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert_eq!(
            checked.status.code(),
            Some(0),
            "{}{}",
            String::from_utf8_lossy(&checked.stdout),
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}

/// init, plan, gate, apply, plan again (empty), destroy: as the example's README says it.
fn lives(example: &Example) {
    if !available() {
        eprintln!(
            "skipped {}: terraform is not on the path (set TERRAFORM to its place)",
            example.folder
        );
        return;
    }
    let ground = Ground::new();
    let Some(place) = Place::init(&ground, example) else {
        return;
    };
    place.terraform(&["plan", "-out=plan.tfplan"]).expect(0);
    place.is_clean("plan.tfplan");
    place.terraform(&["apply", "plan.tfplan"]).expect(0);
    place.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    let outputs = place.terraform(&["output", "-json"]).expect(0);
    let outputs = Outputs(serde_json::from_str(&outputs.stdout).unwrap());
    (example.shows)(&ground, &outputs);

    if example.kept {
        let refused = place.terraform(&["destroy", "-auto-approve"]).expect(1);
        assert!(
            refused.stderr.contains("protection.deletion") || refused.stderr.contains("prevent_destroy"),
            "{}",
            refused.stderr
        );
        place.terraform(&["plan", "-detailed-exitcode"]).expect(0);
    } else {
        place.terraform(&["destroy", "-auto-approve"]).expect(0);
    }
    assert_eq!(
        state_files(&place.workspace.path(".")),
        [""; 0],
        "state lies on no disk"
    );
    assert_eq!(ground.sandbox().mistakes(), [""; 0]);
}

/// State files below a folder; `.terraform/terraform.tfstate` is where terraform remembers the backend, no state.
fn state_files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == ".terraform" {
            continue;
        }
        if path.is_dir() {
            found.extend(state_files(&path));
        } else if name.contains(".tfstate") {
            found.push(path.display().to_string());
        }
    }
    found
}

/// B02: what uses an environment needs to know no cloud.
fn both_clouds_tell_the_same(outputs: &Outputs) {
    for name in ["registries", "models", "service_accounts", "clusters"] {
        let value = outputs.of(name);
        assert_eq!(
            shape(&value["aws"]),
            shape(&value["gcp"]),
            "{name} has one shape on both clouds"
        );
    }
}

/// Names of members, all the way down, apart from the annotation's own key, which each cloud's tools read.
fn shape(value: &Value) -> BTreeSet<String> {
    let Value::Object(members) = value else {
        return BTreeSet::new();
    };
    members
        .iter()
        .flat_map(|(name, inner)| {
            let inner = if name == "annotations" {
                BTreeSet::new()
            } else {
                shape(inner)
            };
            std::iter::once(name.clone()).chain(inner.into_iter().map(move |below| format!("{name}.{below}")))
        })
        .collect()
}

/// No policy of one team's identities names anything of the other's.
fn nobody_names_the_other(ground: &Ground) {
    let inventory = ground.cloud.inventory().unwrap();
    let mut judged = 0;
    for (name, role) in inventory["roles"].as_object().unwrap() {
        let other = match name.split_once("-dev-") {
            Some(("churn", _)) => "fraud-dev",
            Some(("fraud", _)) => "churn-dev",
            _ => continue,
        };
        judged += 1;
        for document in ["inline", "trust"] {
            assert!(
                !role[document].to_string().contains(other),
                "{name}: {:#}",
                role[document]
            );
        }
    }
    assert!(judged >= 14, "seven roles of each team and more: {judged}");
    assert_eq!(
        inventory["oidc_providers"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|arn| arn.contains("githubusercontent"))
            .count(),
        1,
        "an account has GitHub's provider once"
    );
}

fn patches_name_the_identity(outputs: &Outputs, annotation: &str) {
    let patch = outputs.of("kustomize")["churn"].as_str().unwrap();
    assert!(patch.contains(annotation), "{patch}");
}

/// Folders below `examples` that are configurations to be applied.
fn configurations(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.path().is_dir() || name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        let main = fs::read_to_string(entry.path().join("main.tf")).unwrap_or_default();
        if main.contains("backend \"") {
            found.insert(name.clone());
        }
        configurations(&entry.path(), &format!("{name}/"), found);
    }
}

#[test]
fn every_example_is_applied_and_has_a_readme_of_one_screen() {
    let mut found = BTreeSet::new();
    configurations(&root().join("examples"), "", &mut found);
    let applied: BTreeSet<String> = EXAMPLES.iter().map(|example| example.folder.to_owned()).collect();
    assert_eq!(found, applied);
    for folder in found {
        // The six overlays share one.
        let folder = folder.split('/').next().unwrap_or(&folder).to_owned();
        let readme = fs::read_to_string(root().join("examples").join(&folder).join("README.md")).unwrap();
        let lines = readme.lines().count();
        assert!((8..=45).contains(&lines), "{folder}/README.md has {lines} lines");
        assert!(
            readme.contains("tfplan-check plan.tfplan"),
            "{folder}/README.md shows the gate"
        );
    }
}

#[test]
fn examples_are_formatted() {
    if !available() {
        eprintln!("skipped examples_are_formatted: terraform is not on the path");
        return;
    }
    // No provider is needed for that.
    let workspace = Workspace::mirrored(&root());
    workspace.copy("examples").copy("modules");
    let ran = workspace.terraform(&["fmt", "-check", "-recursive", "-diff"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
}
