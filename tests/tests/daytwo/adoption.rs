//! What was there before: taken over by word, used as it is, or left alone with a message that says whose it is.

use http::Method;
use mlops_e2e::cloud::REGION;
use mlops_e2e::gcp::{self, PROJECT};
use mlops_e2e::ground::{Ground, On, flat};
use serde_json::{Value, json};

use crate::SERVICE;

/// A bucket of somebody else's, with an object in it.
fn bucket(ground: &Ground, name: &str) {
    match ground.on {
        On::Aws => {
            let place = json!({ "LocationConstraint": REGION });
            let made = json!({ "Bucket": name, "CreateBucketConfiguration": place });
            ground.ask_aws("s3", "CreateBucket", made);
            let tags = json!({ "TagSet": [{ "Key": "cost-center", "Value": "42" }] });
            ground.ask_aws(
                "s3",
                "PutBucketTagging",
                json!({ "Bucket": name, "Tagging": tags }),
            );
        }
        On::Gcp => {
            let made = json!({ "name": name, "location": gcp::REGION, "labels": { "cost-center": "42" } });
            let path = format!("storage/storage/v1/b?project={PROJECT}");
            ground.ask_gcp(&Method::POST, &path, Some(&made));
        }
    }
    ground.put(name, "one");
}

/// A bucket as it stands: all of its settings, and what is in it.
fn held(ground: &Ground, name: &str) -> Value {
    ground.sandbox().world(|world| match ground.on {
        On::Aws => serde_json::to_value(&world.aws.s3.buckets[name]).unwrap(),
        On::Gcp => serde_json::to_value(&world.gcp.buckets[name]).unwrap(),
    })
}

fn settings(more: &str) -> String {
    format!("{SERVICE}\n  {more}")
}

/// Values of the planned environment, which are known before anything is made.
fn planned(ground: &Ground) -> Value {
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let shown = ground
        .workspace
        .terraform(&["show", "-json", "plan.tfplan"])
        .expect(0);
    let plan: Value = serde_json::from_str(&shown.stdout).unwrap();
    plan["resource_changes"][0]["change"]["after"].clone()
}

/// B56: the plan lists every setting that will change, the objects stay, and so does the bucket on destroy.
#[test]
fn a_bucket_is_taken_over_with_every_change_listed_and_kept_on_destroy() {
    let name = "a_bucket_is_taken_over_with_every_change_listed_and_kept_on_destroy";
    for ground in Ground::both(name) {
        bucket(&ground, "acme-data");
        ground.configure(&settings("adopt = { \"buckets.data\" = \"acme-data\" }"));
        let plan = ground.workspace.terraform(&["plan"]).expect(0);
        let text = flat(&plan.stdout);
        let changes: &[&str] = match ground.on {
            On::Aws => &[
                "encryption AES256 → arn of keys.storage",
                "versioning false → true",
                "policy changes",
            ],
            On::Gcp => &[
                "versioning false → true",
                "public access prevention inherited → enforced",
                "kms key none → ",
            ],
        };
        for part in changes.iter().chain(&["> buckets.data: adopt, ", "(acme-data)"]) {
            assert!(text.contains(part), "{part:?} is missing in\n{}", plan.stdout);
        }
        ground.settle();
        let now = held(&ground, "acme-data");
        let (versioning, tag) = match ground.on {
            On::Aws => (now["versioning"] == "Enabled", &now["tags"]["cost-center"]),
            On::Gcp => (
                now["body"]["versioning"]["enabled"] == true,
                &now["body"]["labels"]["cost-center"],
            ),
        };
        assert!(versioning, "{now:#}");
        assert_eq!(tag, "42", "labels of others stay");
        assert_eq!(ground.keys("acme-data"), ["one"]);
        let components = &ground.environment()["components"];
        assert_eq!(components["buckets.data"]["managed"], "adopted");
        ground.destroy().expect(0);
        assert_eq!(ground.keys("acme-data"), ["one"], "it was kept with its objects");

        // What is not there cannot be taken over: said before anything is made.
        ground.configure(&settings("adopt = { \"buckets.data\" = \"acme-nothing\" }"));
        let refused = ground.workspace.terraform(&["plan"]).expect(1);
        assert!(
            flat(&refused.stderr).contains("there is no acme-nothing to take over"),
            "{}",
            refused.stderr
        );
    }
}

/// How something stands now.
type Look = Box<dyn Fn(&Ground) -> Value>;

/// An identity of somebody else's under the name of ours, and how it stands.
fn identity(ground: &Ground) -> (String, Look) {
    if ground.on == On::Aws {
        let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }] });
        let role = json!({ "RoleName": "churn-dev-ci", "Path": "/mlops/churn-dev/",
            "AssumeRolePolicyDocument": trust.to_string() });
        ground.ask_aws("iam", "CreateRole", role);
        let now = |ground: &Ground| ground.ask_aws("iam", "GetRole", json!({ "RoleName": "churn-dev-ci" }));
        return ("churn-dev-ci".to_owned(), Box::new(now));
    }
    let email = planned(ground)["identity_info"]["ci"]["principal"].clone();
    let email = email.as_str().unwrap().to_owned();
    let id = email.split('@').next().unwrap();
    let account = json!({ "accountId": id, "serviceAccount": { "displayName": "theirs" } });
    let path = format!("iam/v1/projects/{PROJECT}/serviceAccounts");
    ground.ask_gcp(&Method::POST, &path, Some(&account));
    let place = format!("{path}/{email}");
    let now = move |ground: &Ground| ground.ask_gcp(&Method::GET, &place, None);
    (email, Box::new(now))
}

/// B54: of the same name and not ours: named with both ways out, and nothing of it is changed. The first way works.
#[test]
fn what_is_somebody_elses_is_left_alone_with_both_ways_out() {
    for ground in Ground::both("what_is_somebody_elses_is_left_alone_with_both_ways_out") {
        ground.configure(SERVICE);
        let (name, now) = identity(&ground);
        let before = now(&ground);
        let refused = ground.apply().expect(1);
        let text = flat(&refused.stderr);
        let line = format!("adopt = {{ \"identities.ci\" = \"{name}\" }}");
        for part in [
            "exists and was not made by this environment",
            "choose another name for the environment",
            &line,
        ] {
            assert!(text.contains(part), "{part:?} is missing in\n{}", refused.stderr);
        }
        assert_eq!(before, now(&ground), "it was not touched");
        // The first way out, as printed.
        ground.configure(&settings(&line));
        ground.settle();
        ground.destroy().expect(0);
        // It is still there.
        now(&ground);
    }
}

/// B55: the name of a bucket is taken by somebody whom nobody here knows: told, and nothing of theirs is read or written.
#[test]
fn a_bucket_name_that_is_taken_elsewhere_is_told_and_left_alone() {
    for ground in Ground::both("a_bucket_name_that_is_taken_elsewhere_is_told_and_left_alone") {
        ground.configure(SERVICE);
        let name = planned(&ground)["bucket_info"]["models"]["name"].clone();
        let name = name.as_str().unwrap().to_owned();
        bucket(&ground, &name);
        ground.sandbox().world(|world| {
            if let Some(bucket) = world.aws.s3.buckets.get_mut(&name) {
                bucket.account = "999988887777".to_owned();
            }
            if let Some(bucket) = world.gcp.buckets.get_mut(&name) {
                bucket.project = "somebody-elses".to_owned();
            }
        });
        let before = held(&ground, &name);
        let refused = ground.apply().expect(1);
        let text = flat(&refused.stderr);
        assert!(
            text.contains("buckets.models") && text.contains(&name),
            "{}",
            refused.stderr
        );
        assert!(
            text.contains("is taken by") && text.contains("choose another one"),
            "{}",
            refused.stderr
        );
        assert_eq!(before, held(&ground, &name));
    }
}

/// A key of somebody else's that our services may use; tells its name.
fn key(ground: &Ground) -> String {
    if ground.on == On::Aws {
        let account = mlops_sandbox::account::USUAL_ACCOUNT;
        let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{account}:root") }, "Action": "kms:*", "Resource": "*" }] });
        let made = ground.ask_aws("kms", "CreateKey", json!({ "Policy": policy.to_string() }));
        return made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    }
    let rings = format!("projects/{PROJECT}/locations/{}/keyRings", gcp::REGION);
    ground.ask_gcp(
        &Method::POST,
        &format!("cloudkms/v1/{rings}?keyRingId=acme"),
        Some(&json!({})),
    );
    let ring = format!("{rings}/acme");
    ground.ask_gcp(
        &Method::POST,
        &format!("cloudkms/v1/{ring}/cryptoKeys?cryptoKeyId=secrets"),
        Some(&json!({ "purpose": "ENCRYPT_DECRYPT" })),
    );
    let name = format!("{ring}/cryptoKeys/secrets");
    // Its owner lets our services use it.
    let number = ground.sandbox().world(|world| world.gcp.projects[PROJECT].number);
    let agent = format!("serviceAccount:service-{number}@gcp-sa-secretmanager.iam.gserviceaccount.com");
    let policy = json!({ "policy": { "bindings": [
        { "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "members": [agent] }] } });
    ground.sandbox().world(|world| {
        let project = world.gcp.projects.get_mut(PROJECT).unwrap();
        project.agents.insert(agent["serviceAccount:".len()..].to_owned());
    });
    ground.ask_gcp(
        &Method::POST,
        &format!("cloudkms/v1/{name}:setIamPolicy"),
        Some(&policy),
    );
    name
}

/// B64: an existing key and network, on AWS a bucket too, are used, never changed, never deleted.
#[test]
fn what_exists_is_used_and_never_changed() {
    for ground in Ground::both("what_exists_is_used_and_never_changed") {
        let key = key(&ground);
        let aws = ground.on == On::Aws;
        let mut lines = format!("encryption = {{ secrets = {{ key = \"{key}\" }} }}");
        // On Google Cloud the environment writes grants on all its buckets.
        if aws {
            bucket(&ground, "acme-mlflow");
            lines += "\n  buckets = { mlflow = { existing = \"acme-mlflow\" } }";
        }
        let theirs = |ground: &Ground| -> Vec<Value> {
            if aws {
                let mut around = ["DescribeVpcs", "DescribeSubnets", "DescribeRouteTables"]
                    .map(|operation| ground.ask_aws("ec2", operation, json!({})));
                // The cluster's interfaces take addresses.
                for subnet in around[1]["Subnets"].as_array_mut().unwrap() {
                    subnet["AvailableIpAddressCount"].take();
                }
                let key = ground.ask_aws(
                    "kms",
                    "GetKeyPolicy",
                    json!({ "KeyId": key, "PolicyName": "default" }),
                );
                return around
                    .into_iter()
                    .chain([key, held(ground, "acme-mlflow")])
                    .collect();
            }
            let key = ground.ask_gcp(&Method::GET, &format!("cloudkms/v1/{key}"), None);
            let network = ground
                .sandbox()
                .world(|world| serde_json::to_value(&world.gcp.projects[PROJECT].network).unwrap());
            vec![key, network]
        };
        let before = theirs(&ground);
        ground.configure(&settings(&lines));
        ground.settle();
        assert_eq!(before, theirs(&ground));
        let environment = ground.environment();
        assert_eq!(environment["components"]["keys.secrets"]["managed"], "existing");
        assert_eq!(environment["keys"]["secrets"], key.as_str());
        if aws {
            assert_eq!(environment["components"]["buckets.mlflow"]["managed"], "existing");
            // Somebody changes theirs: their business.
            ground.ask_aws(
                "s3",
                "PutBucketVersioning",
                json!({ "Bucket": "acme-mlflow", "VersioningConfiguration": { "Status": "Enabled" } }),
            );
            ground.plan().expect(0);
        }
        let before = theirs(&ground);
        ground.destroy().expect(0);
        assert_eq!(before, theirs(&ground));
    }
}

/// B59, B60: GitHub's provider with others' audiences is used; nothing of it is removed, by the first to go or the last.
/// On Google Cloud every environment has a pool of its own.
#[test]
fn a_provider_of_the_account_is_shared_and_survives() {
    let Some(ground) = Ground::new(On::Aws, "a_provider_of_the_account_is_shared_and_survives") else {
        return;
    };
    let made = ground.ask_aws(
        "iam",
        "CreateOpenIDConnectProvider",
        json!({ "Url": "https://token.actions.githubusercontent.com", "ClientIDList": ["acme-internal"] }),
    );
    let arn = made["OpenIDConnectProviderArn"].as_str().unwrap().to_owned();
    ground.configure(SERVICE);
    ground.settle();
    let other = ground.beside();
    other.configure_as("fraud-dev", SERVICE);
    other.apply().expect(0);
    let audiences = || {
        let this = json!({ "OpenIDConnectProviderArn": arn });
        let found = ground.ask_aws("iam", "GetOpenIDConnectProvider", this);
        let mut found: Vec<String> = serde_json::from_value(found["ClientIDList"].clone()).unwrap();
        found.sort();
        found
    };
    assert_eq!(audiences(), ["acme-internal", "sts.amazonaws.com"]);
    ground.destroy().expect(0);
    assert!(audiences().contains(&"acme-internal".to_owned()));
    other.plan().expect(0);
    other.destroy().expect(0);
    assert!(
        audiences().contains(&"acme-internal".to_owned()),
        "made by somebody else, it stays"
    );
}
