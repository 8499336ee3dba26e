//! What a destroy looks at before its first deletion, and what it leaves.

use http::Method;
use mlops_e2e::cloud::REGION;
use mlops_e2e::gcp::PROJECT;
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

/// What the cluster's controllers, and those of somebody else's, leave for the Service `churn/web`; how ours is taken away.
fn load_balancers(ground: &Ground) -> Box<dyn Fn() + '_> {
    match ground.on {
        On::Aws => {
            let ask = |operation: &str, input: Value| {
                ground
                    .sandbox()
                    .ask(REGION, "ec2", operation, input)
                    .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"))
            };
            let vpc = ask("DescribeVpcs", json!({}))["Vpcs"][0]["VpcId"].clone();
            let groups = ["churn-dev", "somebody-elses"].map(|cluster| {
                let made = ask(
                    "CreateSecurityGroup",
                    json!({
                        "GroupName": format!("k8s-web-{cluster}"),
                        "Description": "[k8s] Managed SecurityGroup for LoadBalancer",
                        "VpcId": vpc,
                        "TagSpecifications": [{ "ResourceType": "security-group", "Tags": [
                            { "Key": "elbv2.k8s.aws/cluster", "Value": cluster },
                            { "Key": "service.k8s.aws/stack", "Value": "churn/web" },
                        ] }],
                    }),
                );
                made["GroupId"].clone()
            });
            Box::new(move || {
                ask("DeleteSecurityGroup", json!({ "GroupId": groups[0] }));
            })
        }
        On::Gcp => {
            let ask = |verb: Method, path: &str, body: Option<&Value>| {
                let path = format!("compute/v1/projects/{PROJECT}/global/firewalls{path}");
                ground
                    .sandbox()
                    .ask_gcp(&verb, &format!("compute/{path}"), body)
                    .unwrap_or_else(|refusal| panic!("{path}: {refusal}"))
            };
            let clusters = &ground.sandbox().snapshot()["gcp"]["projects"][PROJECT]["container"]["clusters"];
            let cluster = clusters
                .as_object()
                .and_then(|all| all.values().next())
                .expect("a cluster");
            let id = cluster["body"]["id"].as_str().expect("an id");
            for (name, id) in [("k8s-fw-ours", id), ("k8s-fw-theirs", "ffffffffffff")] {
                let rule = json!({
                    "name": name,
                    "description": r#"{"kubernetes.io/service-name":"churn/web", "kubernetes.io/service-ip":"192.0.2.1"}"#,
                    "network": "global/networks/ml",
                    "targetTags": [format!("gke-churn-dev-{}-node", &id[..8])],
                    "sourceRanges": ["0.0.0.0/0"],
                    "allowed": [{ "IPProtocol": "tcp", "ports": ["80"] }],
                });
                ask(Method::POST, "", Some(&rule));
            }
            ground.let_time_pass();
            Box::new(move || {
                ask(Method::DELETE, "/k8s-fw-ours", None);
                ground.let_time_pass();
            })
        }
    }
}

/// B67: a service in the cluster made a load balancer, which would outlive it.
#[test]
fn a_load_balancer_of_a_service_stops_a_destroy_and_is_named_by_its_service() {
    for on in On::BOTH {
        let name = "a_load_balancer_of_a_service_stops_a_destroy_and_is_named_by_its_service";
        let Some(ground) = standing(on, name, "") else {
            return;
        };
        let take_away = load_balancers(&ground);
        refused(
            &ground,
            &[
                "cluster is still in use",
                "the load balancer of service churn/web",
                "kubectl -n churn delete service web",
            ],
        );
        take_away();
        drop(take_away);
        ground.destroy().expect(0);
    }
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
