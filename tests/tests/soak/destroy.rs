//! What a destroy looks at before its first deletion, and what it leaves.

use mlops_e2e::cloud::REGION;
use serde_json::{Value, json};

use crate::ground::{Ground, On, Story as _, Watched as _};

/// An environment that stands.
fn standing(on: On, test: &str, settings: &str) -> Option<Ground> {
    let ground = Ground::new(on, test)?;
    ground.configure(&format!("{}\n{settings}", on.first()));
    ground.apply().expect(0);
    Some(ground)
}

/// The destroy fails with these words, and nothing was deleted anywhere.
fn refused(ground: &Ground, words: &[&str]) {
    ground.sandbox().forget_calls();
    let before = ground.standing();
    let refused = ground.destroy().expect(1);
    // Terraform wraps lines where it likes.
    let said = refused.stderr.replace(['│', '\n'], " ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words.iter().chain(&["Nothing was"]) {
        assert!(said.contains(word), "{word} is not in\n{}", refused.reasons());
    }
    assert_eq!(ground.standing(), before);
    assert_eq!(ground.deletions(), Vec::<String>::new());
    assert_eq!(ground.phase(), "READY", "the state is as it was");
}

/// Puts objects into the data bucket.
fn fill(ground: &Ground, count: usize) {
    let environment = ground.environment();
    let data = &environment["bucket_info"]["data"]["name"];
    for number in 0..count {
        ground.put(data.as_str().expect("a name"), &format!("churn/raw/{number}"));
    }
}

/// B65: a bucket that holds something stands in the way, with about how much, until the user says what to do.
#[test]
fn a_bucket_that_holds_something_stops_a_destroy_before_the_first_deletion() {
    for on in On::BOTH {
        let name = "a_bucket_that_holds_something_stops_a_destroy_before_the_first_deletion";
        let Some(ground) = standing(on, name, "") else {
            return;
        };
        fill(&ground, 3);
        refused(
            &ground,
            &[
                "buckets.data is not empty",
                "holds",
                "3 ",
                "on_destroy = \"purge\"",
            ],
        );
        ground.configure(&format!(
            "{}\nprotection = {{ data = false }}\nbuckets = {{ data = {{ on_destroy = \"purge\" }} }}",
            on.first()
        ));
        ground.apply().expect(0);
        ground.destroy().expect(0);
        assert!(ground.state_is_empty());
    }
}

/// B66: protection is looked at first.
#[test]
fn a_protected_environment_is_not_destroyed() {
    for on in On::BOTH {
        let name = "a_protected_environment_is_not_destroyed";
        let Some(ground) = standing(on, name, "protection = { deletion = true }") else {
            return;
        };
        refused(&ground, &["is protected", "protection = { deletion = false }"]);
        ground.configure(on.first());
        ground.apply().expect(0);
        ground.destroy().expect(0);
    }
}

/// B67: a service in the cluster made a load balancer, which would outlive it.
#[test]
fn a_load_balancer_of_a_service_stops_a_destroy_and_is_named_by_its_service() {
    let name = "a_load_balancer_of_a_service_stops_a_destroy_and_is_named_by_its_service";
    let Some(ground) = standing(On::Aws, name, "") else {
        return;
    };
    let ask = |operation: &str, input: Value| {
        ground
            .sandbox()
            .ask(REGION, "ec2", operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
    };
    let vpc = ask("DescribeVpcs", json!({}))["Vpcs"][0]["VpcId"].clone();
    let mut groups = Vec::new();
    for (number, cluster) in ["churn-dev", "somebody-elses"].iter().enumerate() {
        let made = ask(
            "CreateSecurityGroup",
            json!({
                "GroupName": format!("k8s-churn-web-{number}"),
                "Description": "[k8s] Managed SecurityGroup for LoadBalancer",
                "VpcId": vpc,
                "TagSpecifications": [{ "ResourceType": "security-group", "Tags": [
                    { "Key": "elbv2.k8s.aws/cluster", "Value": cluster },
                    { "Key": "service.k8s.aws/stack", "Value": "churn/web" },
                ] }],
            }),
        );
        groups.push(made["GroupId"].clone());
    }
    refused(
        &ground,
        &[
            "cluster is still in use",
            "the load balancer of service churn/web",
            "kubectl -n churn delete service web",
        ],
    );
    ask("DeleteSecurityGroup", json!({ "GroupId": groups[0] }));
    ground.destroy().expect(0);
}

/// B70: what remains by design is said, and nothing else remains.
#[test]
fn a_destroy_says_what_remains_by_design() {
    for on in On::BOTH {
        let Some(ground) = standing(on, "a_destroy_says_what_remains_by_design", "") else {
            return;
        };
        let gone = ground.destroy().expect(0);
        let left = ground.standing();
        // Labels cannot hold dots.
        let plain = |text: &str| text.replace(['.', '_'], " ");
        assert!(
            gone.text().contains("this remains by design"),
            "{}",
            gone.reasons()
        );
        for name in left.objects.keys() {
            let (_, component) = name.split_once(' ').expect("a kind and a component");
            assert!(
                plain(&gone.text()).contains(&plain(&format!("{component}: "))),
                "{on}: {component} remains and is not named in\n{}",
                gone.reasons()
            );
        }
    }
}
