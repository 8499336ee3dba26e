//! A cluster of somebody else: used, shared, left as it was to the last byte, or refused while planning.

use std::process::Command;

use http::Method;
use mlops_e2e::gcp::{PROJECT, REGION, grants};
use mlops_e2e::ground::{Ground, On, flat};
use mlops_e2e::{binary, cloud, gcp};
use serde_json::{Value, json};

use crate::SERVICE;

const CLUSTER: &str = "platform";

/// A cluster as a platform team makes it: `plain` as its cloud made them for long, without what identities need.
fn cluster(ground: &Ground, plain: bool) {
    match ground.on {
        On::Aws => {
            let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
                "Principal": { "Service": "eks.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
            let role = json!({ "RoleName": "platform", "AssumeRolePolicyDocument": trust.to_string() });
            let role = ground.ask_aws("iam", "CreateRole", role)["Role"]["Arn"].clone();
            let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
            ground.ask_aws(
                "iam",
                "AttachRolePolicy",
                json!({ "RoleName": "platform", "PolicyArn": policy }),
            );
            let subnets = ground.ask_aws("ec2", "DescribeSubnets", json!({}));
            let subnets: Vec<&Value> = subnets["Subnets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|subnet| &subnet["SubnetId"])
                .collect();
            let mode = if plain { "CONFIG_MAP" } else { "API_AND_CONFIG_MAP" };
            let made = json!({ "name": CLUSTER, "roleArn": role, "resourcesVpcConfig": { "subnetIds": subnets },
                "accessConfig": { "authenticationMode": mode }, "tags": { "owner": "platform" } });
            ground.ask_aws("eks", "CreateCluster", made);
        }
        On::Gcp => {
            let pool = format!("{PROJECT}.svc.id.goog");
            let identity = if plain {
                json!({})
            } else {
                json!({ "workloadPool": pool })
            };
            let cluster = json!({ "name": CLUSTER, "network": "ml", "subnetwork": "ml-nodes",
                "ipAllocationPolicy": { "useIpAliases": true, "clusterSecondaryRangeName": "pods",
                                        "servicesSecondaryRangeName": "services" },
                "workloadIdentityConfig": identity, "resourceLabels": { "owner": "platform" },
                "nodePools": [{ "name": "all", "initialNodeCount": 1 }] });
            let path = format!("container/v1/projects/{PROJECT}/locations/{REGION}/clusters");
            ground.ask_gcp(&Method::POST, &path, Some(&json!({ "cluster": cluster })));
        }
    }
    ground.sandbox().skip(jiff::SignedDuration::from_hours(1));
    let usable = match ground.on {
        On::Aws => {
            ground.ask_aws("eks", "DescribeCluster", json!({ "name": CLUSTER }))["cluster"]["status"].clone()
        }
        On::Gcp => {
            let path = format!("container/v1/projects/{PROJECT}/locations/{REGION}/clusters/{CLUSTER}");
            ground.ask_gcp(&Method::GET, &path, None)["status"].clone()
        }
    };
    assert!(
        ["ACTIVE", "RUNNING"].contains(&usable.as_str().unwrap()),
        "{usable}"
    );
}

/// The cluster as its cloud holds it, all of it.
fn held(ground: &Ground) -> String {
    let now = ground.sandbox().snapshot();
    let mut found = Vec::new();
    look_for(&now, &mut found);
    assert_eq!(found.len(), 1, "one cluster: {found:#?}");
    found[0].to_string()
}

/// Everything in a world that is the cluster.
fn look_for<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    let Value::Object(members) = value else { return };
    for (name, inner) in members {
        if name == "clusters" {
            let named = |(key, _): &(&String, _)| key.as_str() == CLUSTER || key.ends_with("/platform");
            found.extend(
                inner
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(named)
                    .map(|(_, held)| held),
            );
        }
        look_for(inner, found);
    }
}

/// Configures an environment in the cluster.
fn configure(ground: &Ground, name: &str, settings: &str) {
    let block = match ground.on {
        On::Aws => "aws",
        On::Gcp => "gcp",
    };
    let provider = ground.provider();
    ground.workspace.write(
        "main.tf",
        &format!(
            "{provider}\nresource \"mlops_environment\" \"this\" {{\n  name = \"{name}\"\n  tier = \"dev\"\n  {block} = {{}}\n  \
             cluster = {{ existing = \"{CLUSTER}\" }}\n{settings}\n}}\n"
        ),
    );
}

/// B64: nothing is made of a cluster, identities are wired to it, what goes outside comes back, and it stays as it was.
#[test]
fn a_given_cluster_is_wired_and_left_as_it_was_to_the_last_byte() {
    let name = "a_given_cluster_is_wired_and_left_as_it_was_to_the_last_byte";
    for ground in Ground::both(name) {
        cluster(&ground, false);
        let before = held(&ground);
        configure(&ground, "churn-dev", SERVICE);
        ground.settle();
        let environment = ground.environment();
        assert_eq!(environment["cluster_info"]["name"], CLUSTER);
        assert_eq!(environment["components"]["cluster"]["managed"], "existing");
        assert_eq!(environment["node_pools"], Value::Null);
        let kubeconfig = environment["kubeconfig"].as_str().unwrap();
        let endpoint = environment["cluster_info"]["endpoint"].as_str().unwrap();
        assert!(
            endpoint.starts_with("https://") && kubeconfig.contains(endpoint),
            "{kubeconfig}"
        );

        disturb(&ground, &environment);
        let plan = ground.plan().expect(2);
        let lost = match ground.on {
            On::Aws => "access.deploy",
            On::Gcp => "project_grants",
        };
        assert!(plan.stdout.contains(lost), "{}", plan.stdout);
        ground.settle();

        // Another state finds all of it.
        let address = "mlops_environment.this";
        ground.workspace.terraform(&["state", "rm", address]).expect(0);
        ground
            .workspace
            .terraform(&["import", address, &ground.id("churn-dev")])
            .expect(0);
        ground.plan().expect(0);

        ground.destroy().expect(0);
        assert_eq!(held(&ground), before);
        if ground.on == On::Gcp {
            let left = grants(ground.sandbox());
            assert!(
                left.iter().all(|grant| !grant.member.contains("churn")),
                "{left:#?}"
            );
        }
        assert_eq!(ground.sandbox().mistakes(), [""; 0]);
    }
}

/// Somebody shuts deploy out.
fn disturb(ground: &Ground, environment: &Value) {
    let deploy = environment["identity_info"]["deploy"]["principal"]
        .as_str()
        .unwrap();
    if ground.on == On::Aws {
        let entry = json!({ "clusterName": CLUSTER, "principalArn": deploy });
        ground.ask_aws("eks", "DeleteAccessEntry", entry);
        return;
    }
    let member = format!("serviceAccount:{deploy}");
    ground.sandbox().world(|world| {
        let project = world.gcp.projects.get_mut(PROJECT).unwrap();
        let mut policy = serde_json::to_value(&project.policy).unwrap();
        for binding in policy["bindings"].as_array_mut().unwrap() {
            binding["members"]
                .as_array_mut()
                .unwrap()
                .retain(|other| *other != member.as_str());
        }
        project.policy = serde_json::from_value(policy).unwrap();
    });
}

/// What will not do is said before anything is made.
#[test]
fn a_given_cluster_that_will_not_do_is_refused_before_anything_is_made() {
    let name = "a_given_cluster_that_will_not_do_is_refused_before_anything_is_made";
    for ground in Ground::both(name) {
        configure(&ground, "churn-dev", SERVICE);
        let before = ground.sandbox().snapshot();
        let refused = ground.workspace.terraform(&["plan"]).expect(1);
        let said = flat(&refused.stderr);
        assert!(said.contains("platform is not there"), "{said}");
        assert!(said.contains("name it by what is known only then"), "{said}");
        assert_eq!(ground.sandbox().compare(&before).len(), 0);

        cluster(&ground, true);
        let refused = ground.workspace.terraform(&["plan"]).expect(1);
        let said = flat(&refused.stderr);
        let way_out = match ground.on {
            On::Aws => "authenticationMode=API_AND_CONFIG_MAP",
            On::Gcp => "--workload-pool acme-ml-dev.svc.id.goog",
        };
        assert!(said.contains(way_out), "{said}");

        configure(
            &ground,
            "churn-dev",
            &format!("{SERVICE}\n  logging = {{ retention_days = 30 }}"),
        );
        let refused = ground.workspace.terraform(&["validate"]).expect(1);
        assert!(
            flat(&refused.stderr).contains("would not be honoured"),
            "{}",
            refused.stderr
        );
    }
}

/// Two environments in one cluster: the second uses the provider of its issuer that the first made, and neither takes it from
/// the other. The last one leaves the cluster as it was.
#[test]
fn two_environments_share_a_given_cluster_and_either_may_go_first() {
    let name = "two_environments_share_a_given_cluster_and_either_may_go_first";
    for first in Ground::both(name) {
        cluster(&first, false);
        let before = held(&first);
        let second = first.beside();
        configure(&first, "churn-dev", SERVICE);
        configure(&second, "fraud-dev", &SERVICE.replace("churn = {}", "fraud = {}"));
        first.settle();
        second.settle();
        first.plan().expect(0);
        first.destroy().expect(0);
        second.plan().expect(0);
        second.destroy().expect(0);
        assert_eq!(held(&first), before);
        if first.on == On::Aws {
            let left = first.ask_aws("iam", "ListOpenIDConnectProviders", json!({}));
            assert_eq!(left["OpenIDConnectProviderList"], json!([]));
        }
    }
}

/// B62, and the same on AWS in one cluster: pods that two environments let in could act as either.
#[test]
fn two_environments_of_one_cluster_may_not_let_the_same_pods_in() {
    let name = "two_environments_of_one_cluster_may_not_let_the_same_pods_in";
    for first in Ground::both(name) {
        cluster(&first, false);
        let second = first.beside();
        configure(&first, "churn-dev", SERVICE);
        configure(&second, "other-dev", SERVICE);
        first.settle();
        let refused = second.workspace.terraform(&["plan"]).expect(1);
        let said = flat(&refused.stderr);
        assert!(said.contains("identity sameness"), "{said}");
        assert!(
            said.contains("churn-dev/churn-sa") || said.contains("churn-dev/churn"),
            "{said}"
        );
        assert!(said.contains("Give the service another namespace"), "{said}");
        let own = SERVICE.replace(
            "churn = {}",
            "churn = { namespace = \"other\", train_namespace = \"other\" }",
        );
        configure(&second, "other-dev", &own);
        second.settle();
        second.destroy().expect(0);
        first.plan().expect(0);
        first.destroy().expect(0);
    }
}

/// `doctor` finds every identity as it should be in a cluster of somebody else.
#[test]
fn doctor_finds_all_well_in_a_given_cluster() {
    for ground in Ground::both("doctor_finds_all_well_in_a_given_cluster") {
        cluster(&ground, false);
        configure(&ground, "churn-dev", SERVICE);
        ground.settle();
        let sandbox = ground.sandbox();
        let endpoints: Vec<String> = match ground.on {
            On::Aws => cloud::SERVICES
                .iter()
                .map(|service| format!("{service}={}", sandbox.url))
                .collect(),
            On::Gcp => gcp::SERVICES
                .iter()
                .map(|service| format!("{service}={}", sandbox.gcp(service)))
                .collect(),
        };
        let mut doctor = Command::new(binary("terraform-provider-mlops"));
        doctor
            .args(["doctor", &ground.id("churn-dev")])
            .args(endpoints.iter().flat_map(|endpoint| ["--endpoint", endpoint]))
            .env("AWS_EC2_METADATA_DISABLED", "true");
        match ground.on {
            On::Aws => doctor.envs(cloud::DUMMY_CREDENTIALS),
            On::Gcp => doctor.envs([gcp::DUMMY_TOKEN]),
        };
        let said = doctor.output().unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        assert!(
            said.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&said.stderr)
        );
        assert!(
            text.contains("Every identity may exactly what it should."),
            "{text}"
        );
        ground.destroy().expect(0);
    }
}

/// A provider of the issuer that somebody else made stays, with whatever it had.
#[test]
fn a_provider_of_the_issuer_that_stands_is_used_and_stays() {
    let Some(ground) = Ground::new(On::Aws, "a_provider_of_the_issuer_that_stands_is_used_and_stays") else {
        return;
    };
    cluster(&ground, false);
    let found = ground.ask_aws("eks", "DescribeCluster", json!({ "name": CLUSTER }));
    let issuer = &found["cluster"]["identity"]["oidc"]["issuer"];
    let made = json!({ "Url": issuer, "ClientIDList": ["sts.amazonaws.com", "others"] });
    let arn = ground.ask_aws("iam", "CreateOpenIDConnectProvider", made)["OpenIDConnectProviderArn"].clone();
    let look = || {
        ground.ask_aws(
            "iam",
            "GetOpenIDConnectProvider",
            json!({ "OpenIDConnectProviderArn": arn }),
        )
    };
    let before = look();
    configure(&ground, "churn-dev", SERVICE);
    ground.settle();
    assert_eq!(ground.environment()["federation_info"]["pod_provider"], arn);
    ground.destroy().expect(0);
    assert_eq!(look(), before, "not a tag is left");
}
