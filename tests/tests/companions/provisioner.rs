//! Exactly what `provisioner_policy` gives is enough for an environment's whole life, and nothing of it is idle.

use std::collections::BTreeSet;

use mlops_e2e::cloud::REGION;
use mlops_environment::names::EnvironmentId;
use mlops_environment::provisioner::{BEYOND_CALLS, policies, policies_in_cluster};
use mlops_sandbox::Sandbox;
use serde_json::{Value, json};

use super::{Ground, SERVICE};

const ACCOUNT: &str = mlops_sandbox::account::USUAL_ACCOUNT;

fn environment() -> EnvironmentId {
    format!("aws/{ACCOUNT}/{REGION}/churn-dev").parse().unwrap()
}

/// The documents that the function gives.
fn documents() -> Vec<Value> {
    let documents = policies(&environment(), "aws");
    documents
        .iter()
        .map(|document| serde_json::from_str(&document.to_string()).unwrap())
        .collect()
}

fn actions(documents: &[Value]) -> BTreeSet<String> {
    let statements = documents
        .iter()
        .flat_map(|document| document["Statement"].as_array().unwrap());
    statements
        .flat_map(|statement| match &statement["Action"] {
            Value::String(action) => vec![action.clone()],
            Value::Array(actions) => actions
                .iter()
                .map(|action| action.as_str().unwrap().to_owned())
                .collect(),
            other => panic!("{other}"),
        })
        .collect()
}

/// A local AWS in which terraform runs as a role that has these documents and nothing else.
fn as_provisioner(documents: &[Value]) -> Ground {
    let mut ground = Ground::new(Sandbox::builder().enforce(true));
    let ask = |operation: &str, input: Value| ground.sandbox().ask(REGION, "iam", operation, input).unwrap();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") } }] });
    ask(
        "CreateRole",
        json!({ "RoleName": "provisioner", "AssumeRolePolicyDocument": trust.to_string() }),
    );
    for (number, document) in documents.iter().enumerate() {
        let name = format!("provisioner-{number}");
        let made = ask(
            "CreatePolicy",
            json!({ "PolicyName": name, "PolicyDocument": document.to_string() }),
        );
        ask(
            "AttachRolePolicy",
            json!({ "RoleName": "provisioner", "PolicyArn": made["Policy"]["Arn"] }),
        );
    }
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/provisioner/terraform");
    ground.sandbox().register("provisioner", ACCOUNT, Some(&session));
    ground.workspace.set("AWS_ACCESS_KEY_ID", "provisioner");
    ground
}

/// What somebody else does to an environment behind terraform's back.
fn disturb(ground: &Ground) {
    let environment = ground.workspace.resource("mlops_environment.this");
    let text = |pointer: &str| {
        environment
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    let ask = |service: &str, operation: &str, input: Value| {
        ground
            .sandbox()
            .ask(REGION, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"));
    };
    let open = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    let role = |name: &str| format!("churn-dev-{name}");
    ask(
        "iam",
        "AttachRolePolicy",
        json!({ "RoleName": role("ci"), "PolicyArn": administrator }),
    );
    ask(
        "iam",
        "DetachRolePolicy",
        json!({ "RoleName": role("cluster"), "PolicyArn": "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy" }),
    );
    ask(
        "iam",
        "PutRolePolicy",
        json!({ "RoleName": role("deploy"), "PolicyName": "wide", "PolicyDocument": open.to_string() }),
    );
    ask(
        "iam",
        "DeleteRolePermissionsBoundary",
        json!({ "RoleName": role("deploy") }),
    );
    ask(
        "iam",
        "PutRolePermissionsBoundary",
        json!({ "RoleName": role("cluster"), "PermissionsBoundary": administrator }),
    );
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") } }] });
    ask(
        "iam",
        "UpdateAssumeRolePolicy",
        json!({ "RoleName": role("ci"), "PolicyDocument": trust.to_string() }),
    );
    let boundary = format!("arn:aws:iam::{ACCOUNT}:policy/mlops/churn-dev/churn-dev-boundary-ci");
    for _ in 0..4 {
        ask(
            "iam",
            "CreatePolicyVersion",
            json!({ "PolicyArn": boundary, "PolicyDocument": open.to_string(), "SetAsDefault": true }),
        );
    }
    let pods = text("/federation_info/pod_provider");
    ask(
        "iam",
        "AddClientIDToOpenIDConnectProvider",
        json!({ "OpenIDConnectProviderArn": pods, "ClientID": "anybody" }),
    );
    ask(
        "iam",
        "RemoveClientIDFromOpenIDConnectProvider",
        json!({ "OpenIDConnectProviderArn": pods, "ClientID": "sts.amazonaws.com" }),
    );
    let key = text("/keys/storage");
    ask("kms", "DisableKeyRotation", json!({ "KeyId": key }));
    let gone = json!({ "KeyId": text("/keys/logs"), "PendingWindowInDays": 7 });
    ask("kms", "ScheduleKeyDeletion", gone);
    ask(
        "kms",
        "UpdateKeyDescription",
        json!({ "KeyId": key, "Description": "mine" }),
    );
    let mine = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") } }] });
    ask(
        "kms",
        "PutKeyPolicy",
        json!({ "KeyId": key, "Policy": mine.to_string() }),
    );
    let secret = json!({ "SecretId": "churn-dev/churn/feature-store", "Description": "mine" });
    ask("secretsmanager", "UpdateSecret", secret);
    ask(
        "logs",
        "DisassociateKmsKey",
        json!({ "logGroupName": "/aws/eks/churn-dev/cluster" }),
    );
    ask(
        "logs",
        "DeleteRetentionPolicy",
        json!({ "logGroupName": "/aws/eks/churn-dev/cluster" }),
    );
    let repository = "churn-dev/churn-predictor";
    ask(
        "ecr",
        "PutImageScanningConfiguration",
        json!({ "repositoryName": repository, "imageScanningConfiguration": { "scanOnPush": false } }),
    );
    ask(
        "ecr",
        "PutImageTagMutability",
        json!({ "repositoryName": repository, "imageTagMutability": "MUTABLE" }),
    );
    ask(
        "ecr",
        "DeleteLifecyclePolicy",
        json!({ "repositoryName": repository }),
    );
    let data = text("/bucket_info/data/name");
    for operation in [
        "DeleteBucketPolicy",
        "DeletePublicAccessBlock",
        "DeleteBucketLifecycle",
    ] {
        ask("s3", operation, json!({ "Bucket": data }));
    }
    ask(
        "s3",
        "PutBucketVersioning",
        json!({ "Bucket": data, "VersioningConfiguration": { "Status": "Suspended" } }),
    );
    ask(
        "s3",
        "PutBucketLogging",
        json!({ "Bucket": data, "BucketLoggingStatus": {} }),
    );
    ask("s3", "DeleteBucketEncryption", json!({ "Bucket": data }));
    ask(
        "s3",
        "PutBucketOwnershipControls",
        json!({ "Bucket": data,
        "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerPreferred" }] } }),
    );
    let deploy = text("/identity_info/deploy/principal");
    ask(
        "eks",
        "UpdateAccessEntry",
        json!({ "clusterName": "churn-dev", "principalArn": deploy, "kubernetesGroups": ["others"] }),
    );
    ask(
        "eks",
        "AssociateAccessPolicy",
        json!({ "clusterName": "churn-dev", "principalArn": deploy,
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "accessScope": { "type": "cluster" } }),
    );
}

/// Objects, an upload that was not finished, and the profile that a node group forgot.
fn leave_something_behind(ground: &Ground) {
    let environment = ground.workspace.resource("mlops_environment.this");
    let data = &environment["bucket_info"]["data"]["name"];
    let ask = |service: &str, operation: &str, input: Value| {
        ground
            .sandbox()
            .ask(REGION, service, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"));
    };
    ask(
        "s3",
        "PutObject",
        json!({ "Bucket": data, "Key": "churn/reference/x" }),
    );
    ask(
        "s3",
        "CreateMultipartUpload",
        json!({ "Bucket": data, "Key": "churn/training/x" }),
    );
    ask(
        "iam",
        "CreateInstanceProfile",
        json!({ "InstanceProfileName": "eks-1234" }),
    );
    let profile = json!({ "InstanceProfileName": "eks-1234", "RoleName": "churn-dev-node" });
    ask("iam", "AddRoleToInstanceProfile", profile);
}

/// Made, changed in place, repaired, and destroyed.
fn life(ground: &Ground) {
    ground.configure(&format!("{SERVICE}\n  cluster = {{ version = \"1.33\" }}"), "");
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["plan", "-detailed-exitcode"])
        .expect(0);
    for settings in [
        "cluster = { version = \"1.34\", log_types = [\"audit\"] }",
        "tags = { team = \"ml\" }",
        "buckets = { data = { noncurrent_days = 60 } }\n  logging = { retention_days = 60 }",
        "registry = { keep_tagged = 12 }\n  identities = { ci = { max_session = \"2h\" } }",
        "node_pools = { system = { purpose = \"system\", size = \"small\", min = 1, max = 4 }, serving = { purpose = \"serving\", size = \"medium\", min = 0, max = 2 } }",
        "cluster = { admins = [\"arn:aws:iam::111122223333:role/provisioner\"] }",
        "budget = { monthly = 500, emails = [\"ml@example.com\"] }\n  tags = { team = \"ml\" }",
        "budget = { monthly = 700, thresholds = [90], emails = [\"ml@example.com\"] }\n  tags = { unit = \"ml\" }",
        "buckets = { data = { on_destroy = \"purge\" } }\n  protection = { data = false }",
    ] {
        ground.configure(&format!("{SERVICE}\n  {settings}"), "");
        let applied = ground.apply();
        assert_eq!(applied.code, 0, "{settings}\n{}", applied.text());
    }
    disturb(ground);
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["plan", "-detailed-exitcode"])
        .expect(0);
    let input = json!({ "SecretId": "churn-dev/churn/feature-store" });
    ground
        .sandbox()
        .ask(REGION, "secretsmanager", "DeleteSecret", input)
        .unwrap();
    ground.apply().expect(0);
    leave_something_behind(ground);
    ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    // A bucket that is locked for good, and goes because nothing was ever in it.
    let locked = "buckets = { reports = { retention_locked = true, retention_days = 60 } }";
    ground.configure(&format!("{SERVICE}\n  {locked}"), "");
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
}

/// The same in a network of the environment's own.
fn life_in_a_network(ground: &Ground) {
    ground.alone("network = { egress = \"none\" }\n  aws = {}\n");
    ground.apply().expect(0);
    for settings in [
        "network = { egress = \"nat_per_zone\" }\n  aws = { vpc_endpoints = [\"s3\", \"sts\"] }",
        "network = { egress = \"nat_single\" }\n  aws = { vpc_endpoints = [\"s3\", \"sts\"] }\n  tags = { team = \"ml\" }",
        "network = { egress = \"none\" }\n  aws = {}",
        "network = { egress = \"nat_single\" }\n  aws = { vpc_endpoints = [\"s3\", \"sts\"] }",
    ] {
        ground.alone(settings);
        let applied = ground.apply();
        assert_eq!(applied.code, 0, "{settings}\n{}", applied.text());
    }
    let environment = ground.workspace.resource("mlops_environment.this");
    let id = |address: &str| {
        environment["components"][address]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let ask = |operation: &str, input: Value| {
        ground
            .sandbox()
            .ask(REGION, "ec2", operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
    };
    let table = id("routes.private.1");
    ask(
        "ModifyVpcEndpoint",
        json!({ "VpcEndpointId": id("endpoints.s3"), "RemoveRouteTableIds": [table] }),
    );
    let open = json!([{ "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    ask(
        "AuthorizeSecurityGroupIngress",
        json!({ "GroupId": id("security_groups.endpoints"), "IpPermissions": open }),
    );
    ask(
        "DeleteRoute",
        json!({ "RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0" }),
    );
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["plan", "-detailed-exitcode"])
        .expect(0);
    ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    let tagged = json!([{ "Name": "tag-key", "Values": ["mlops:environment"] }]);
    for (operation, list) in [
        ("DescribeVpcs", "Vpcs"),
        ("DescribeAddresses", "Addresses"),
        ("DescribeSubnets", "Subnets"),
        ("DescribeVpcEndpoints", "VpcEndpoints"),
        ("DescribeInternetGateways", "InternetGateways"),
        ("DescribeRouteTables", "RouteTables"),
        ("DescribeSecurityGroups", "SecurityGroups"),
    ] {
        let left = ask(operation, json!({ "Filters": tagged }));
        assert_eq!(left[list], json!([]), "{operation}");
    }
}

/// Actions that calls of the provisioner needed.
fn needed(ground: &Ground) -> BTreeSet<String> {
    let journal = ground.sandbox().journal();
    let own = journal
        .iter()
        .filter(|entry| entry.caller.ends_with("/terraform"));
    own.flat_map(|entry| entry.needs.iter().map(|need| need.action.clone()))
        .collect()
}

#[test]
fn a_whole_life_needs_every_action_and_no_other() {
    if !super::terraform("a_whole_life_needs_every_action_and_no_other") {
        return;
    }
    let documents = documents();
    for document in &documents {
        let size = document.to_string().chars().count();
        assert!(
            size <= 6_144,
            "a managed policy takes 6,144 characters, not {size}"
        );
    }
    let ground = as_provisioner(&documents);
    life(&ground);
    life_in_a_network(&ground);
    let given = actions(&documents);
    let beyond: BTreeSet<String> = BEYOND_CALLS
        .iter()
        .map(|(action, _)| (*action).to_owned())
        .collect();
    let needed = needed(&ground);
    let idle: Vec<&String> = given
        .difference(&needed)
        .filter(|action| !beyond.contains(*action))
        .collect();
    assert!(idle.is_empty(), "no call needs {idle:?}");
    let needless: Vec<&String> = beyond.intersection(&needed).collect();
    assert!(needless.is_empty(), "calls do need {needless:?}");
}

/// In a cluster of somebody else it takes less: nothing of machines, and of the cluster no more than to let somebody in.
#[test]
fn a_whole_life_in_a_given_cluster_takes_less() {
    if !super::terraform("a_whole_life_in_a_given_cluster_takes_less") {
        return;
    }
    let documents: Vec<Value> = policies_in_cluster(&environment(), "aws", "platform")
        .iter()
        .map(|document| serde_json::from_str(&document.to_string()).unwrap())
        .collect();
    let ground = as_provisioner(&documents);
    let ask = |service: &str, operation: &str, input: Value| {
        let asked = ground.sandbox().ask(REGION, service, operation, input);
        asked.unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
    };
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "eks.amazonaws.com" } }] });
    let role = json!({ "RoleName": "platform", "AssumeRolePolicyDocument": trust.to_string() });
    let role = ask("iam", "CreateRole", role)["Role"]["Arn"].clone();
    let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
    ask(
        "iam",
        "AttachRolePolicy",
        json!({ "RoleName": "platform", "PolicyArn": policy }),
    );
    let cluster = json!({ "name": "platform", "roleArn": role, "accessConfig": { "authenticationMode": "API" },
        "resourcesVpcConfig": { "subnetIds": ground.network.private_subnet_ids } });
    ask("eks", "CreateCluster", cluster);
    for settings in [
        "",
        "tags = { team = \"ml\" }",
        "cluster = { existing = \"platform\", admins = [\"arn:aws:iam::111122223333:role/provisioner\"] }",
        "kubernetes = { access = \"group\" }",
    ] {
        let cluster = if settings.starts_with("cluster") {
            ""
        } else {
            "cluster = { existing = \"platform\" }"
        };
        let pipeline = "federation = { github = { repository = \"acme/churn\", owner_id = \"1\", repository_id = \"2\" } }";
        ground.alone(&format!("aws = {{}}\n  {pipeline}\n  {cluster}\n  {settings}"));
        let applied = ground.apply();
        assert_eq!(applied.code, 0, "{settings}\n{}", applied.text());
    }
    ground
        .workspace
        .terraform(&["apply", "-destroy", "-auto-approve"])
        .expect(0);
    let needed = needed(&ground);
    let given = actions(&documents);
    let idle: Vec<&String> = given
        .difference(&needed)
        .filter(|action| action.starts_with("eks:"))
        .collect();
    assert!(idle.is_empty(), "no call needs {idle:?}");
}

/// That every action is needed is shown above for all of them; here for a few what becomes of an apply without one.
#[test]
fn without_one_action_the_apply_stops_and_names_it() {
    if !super::terraform("without_one_action_the_apply_stops_and_names_it") {
        return;
    }
    for action in [
        "eks:CreateCluster",
        "iam:PassRole",
        "kms:CreateKey",
        "s3:PutBucketPolicy",
    ] {
        let mut documents = documents();
        for statement in documents
            .iter_mut()
            .flat_map(|document| document["Statement"].as_array_mut().unwrap())
        {
            match &mut statement["Action"] {
                Value::Array(actions) => actions.retain(|given| given != action),
                one if *one == action => *one = json!("sts:GetCallerIdentity"),
                _ => {}
            }
        }
        let ground = as_provisioner(&documents);
        ground.configure(SERVICE, "");
        let refused = ground.apply().expect(1);
        // Terraform breaks lines where it likes.
        let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            said.contains(&format!("is not authorized to perform: {action} on resource")),
            "{action}\n{said}"
        );
    }
}
