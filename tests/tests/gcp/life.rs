//! The life of an environment: made, changed in place, gone, made again; lost in part and in whole.

use std::collections::BTreeSet;

use mlops_e2e::gcp::{PROJECT, left};
use serde_json::Value;

use crate::ground::{Ground, SERVICE, account, ground, text};

/// B01, B10, B13, B70 on Google Cloud: the life of an environment.
#[test]
fn an_environment_is_made_changed_in_place_and_gone() {
    let Some(ground) = ground("an_environment_is_made_changed_in_place_and_gone") else {
        return;
    };
    ground.configure(SERVICE);
    let applied = ground.apply().expect(0);
    assert!(applied.stdout.contains("1 added"), "{}", applied.stdout);
    ground.plan().expect(0);

    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(text(&environment, "/phase"), "READY");
    assert!(text(&environment, "/id").starts_with(&format!("gcp/{PROJECT}/")));
    let accounts: BTreeSet<&str> = ["ci", "deploy"]
        .iter()
        .map(|purpose| text(&environment["identity_info"][purpose], "/principal"))
        .chain(
            ["runtime", "drift", "retrain"]
                .iter()
                .map(|purpose| text(&environment["identity_info"][purpose]["churn"], "/principal")),
        )
        .collect();
    assert_eq!(accounts.len(), 5, "one account per purpose: {accounts:?}");
    let standing = ground.project();
    for account in &accounts {
        assert!(
            standing.to_string().contains(*account),
            "{account} does not stand"
        );
    }
    nothing_secret_is_stored(&ground);

    for change in [
        "buckets = { data = { noncurrent_days = 60 } }",
        "identities = { drift = { enabled = false } }",
        "protection = { deletion = true }",
        "tags = { team = \"ml\" }",
    ] {
        ground.configure(&format!("{SERVICE}\n  {change}"));
        let plan = ground.plan().expect(2);
        assert!(
            plan.stdout.contains("will be updated in-place"),
            "{change}\n{}",
            plan.stdout
        );
        ground.apply().expect(0);
        ground.plan().expect(0);
    }

    ground.configure(SERVICE);
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["destroy", "-auto-approve"])
        .expect(0);
    let forgotten: Vec<String> = left(&ground.sandbox)
        .into_iter()
        .filter(|(_, why)| why.is_none())
        .map(|(what, _)| what)
        .collect();
    assert!(forgotten.is_empty(), "{forgotten:#?}");
}

/// B10: no token, key or secret in state or plan.
fn nothing_secret_is_stored(ground: &Ground) {
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let shown = ground
        .workspace
        .terraform(&["show", "-json", "plan.tfplan"])
        .expect(0);
    let state = std::fs::read_to_string(ground.workspace.path("terraform.tfstate")).unwrap();
    for (what, content) in [("the plan", &shown.stdout), ("the state", &state)] {
        for secret in [
            "private_key",
            "ya29.",
            "BEGIN RSA",
            "BEGIN PRIVATE",
            "client_secret",
        ] {
            assert!(!content.contains(secret), "{secret} is in {what}");
        }
    }
}

/// B61: destroyed and made again the same day, with pools, providers and accounts soft-deleted and key names used up.
#[test]
fn an_environment_can_be_made_again_the_same_day() {
    let Some(ground) = ground("an_environment_can_be_made_again_the_same_day") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    ground
        .workspace
        .terraform(&["destroy", "-auto-approve"])
        .expect(0);
    ground.apply().expect(0);
    ground.plan().expect(0);
    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(text(&environment, "/phase"), "READY");
}

/// B03: names, e-mails and URLs are known in the first plan.
#[test]
fn what_can_be_computed_is_known_before_anything_is_made() {
    let Some(ground) = ground("what_can_be_computed_is_known_before_anything_is_made") else {
        return;
    };
    ground.configure(SERVICE);
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let shown = ground
        .workspace
        .terraform(&["show", "-json", "plan.tfplan"])
        .expect(0);
    let plan: Value = serde_json::from_str(&shown.stdout).unwrap();
    let change = &plan["resource_changes"][0]["change"];
    for known in ["identity_info", "bucket_info", "registry_info", "github"] {
        assert!(
            !change["after_unknown"][known].to_string().contains("true"),
            "{known} is not wholly known: {}",
            change["after_unknown"][known]
        );
    }
    assert!(
        text(
            &change["after"]["identity_info"]["runtime"]["churn"],
            "/principal"
        )
        .ends_with(&format!("@{PROJECT}.iam.gserviceaccount.com"))
    );
    assert!(
        ground.sandbox.journal().iter().all(|entry| !entry.write),
        "a plan writes nothing"
    );
}

/// B33: an account and the pipelines' provider and pool, deleted outside, are brought back as what they were: the account with its
/// unique id, all with who may enter and what they may do.
#[test]
fn deleted_identities_come_back_as_what_they_were() {
    let Some(ground) = ground("deleted_identities_come_back_as_what_they_were") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.environment();
    let email = account(&environment, "runtime", Some("churn"));
    let path = format!("iam/v1/projects/{PROJECT}/serviceAccounts/{email}");
    let before = ground.ask(&http::Method::GET, &path, None);
    let held = standing(&ground, &email);
    assert!(held.len() > 3, "{held:?}");
    let pools = format!("iam/v1/projects/{PROJECT}/locations/global/workloadIdentityPools");
    let state = |path: &str| text(&ground.ask(&http::Method::GET, path, None), "/state").to_owned();
    let only = |path: &str, list: &str| {
        let found = ground.ask(&http::Method::GET, path, None);
        let name = text(&found[list][0], "/name").to_owned();
        format!("iam/v1/{name}")
    };
    let pool = only(&pools, "workloadIdentityPools");
    let provider = only(&format!("{pool}/providers"), "workloadIdentityPoolProviders");

    ground.ask(&http::Method::DELETE, &path, None);
    ground.ask(&http::Method::DELETE, &provider, None);
    ground.sandbox.skip(jiff::SignedDuration::from_mins(5));
    assert_eq!(state(&provider), "DELETED");
    let plan = Plan::of(&ground);
    for address in ["identities.runtime.churn", "federation.github"] {
        plan.tells(&format!("{address}: missing"));
        plan.makes(address);
    }
    ground.sandbox.forget_calls();
    ground.apply().expect(0);
    ground.plan().expect(0);
    let after = ground.ask(&http::Method::GET, &path, None);
    assert_eq!(before["uniqueId"], after["uniqueId"]);
    assert_eq!(before["email"], after["email"]);
    assert_eq!(standing(&ground, &email), held);
    assert!(
        !ground.project().to_string().contains("deleted:serviceAccount"),
        "no grant is left to a deleted account"
    );
    assert_eq!(state(&provider), "ACTIVE");

    ground.ask(&http::Method::DELETE, &pool, None);
    ground.sandbox.skip(jiff::SignedDuration::from_mins(5));
    assert_eq!(state(&pool), "DELETED");
    let plan = Plan::of(&ground);
    plan.tells("federation.pool: missing");
    plan.makes("federation.pool");
    ground.apply().expect(0);
    ground.plan().expect(0);
    assert_eq!(
        (state(&pool), state(&provider)),
        ("ACTIVE".into(), "ACTIVE".into())
    );
    let written = written(&ground);
    for brought in ["serviceAccounts", "workloadIdentityPools", "providers"] {
        let times = |verb: &str| {
            let end = format!("{brought}.{verb}");
            written.iter().filter(|call| call.ends_with(&end)).count()
        };
        assert_eq!(
            (times("undelete"), times("create")),
            (1, 0),
            "{brought}: {written:?}"
        );
    }
}

/// Everything granted to an account, and who may enter it.
fn standing(ground: &Ground, email: &str) -> Vec<mlops_e2e::gcp::Standing> {
    let own = format!("account {email}");
    mlops_e2e::gcp::grants(&ground.sandbox)
        .into_iter()
        .filter(|grant| grant.member.contains(email) || grant.on == own)
        .collect()
}

/// What a plan says of the environment: Terraform's own view shows of two lists only where they differ.
struct Plan {
    actions: Vec<String>,
    drift: Vec<String>,
    steps: Vec<String>,
}

impl Plan {
    fn of(ground: &Ground) -> Self {
        let plan = ground.planned();
        let change = &plan["resource_changes"][0]["change"];
        let lines = |value: &Value| -> Vec<String> {
            let lines = value.as_array().into_iter().flatten();
            lines.map(|line| line.as_str().unwrap().to_owned()).collect()
        };
        Self {
            actions: lines(&change["actions"]),
            drift: lines(&change["before"]["drift"]),
            steps: lines(&change["after"]["last_change"]),
        }
    }

    fn tells(&self, line: &str) {
        assert!(
            self.drift.iter().any(|told| told == line),
            "{line}: {:#?}",
            self.drift
        );
    }

    fn makes(&self, address: &str) {
        let made = format!("+ {address}: ");
        assert!(
            self.steps.iter().any(|step| step.starts_with(&made)),
            "{made}: {:#?}",
            self.steps
        );
    }
}

/// B34: a pool deleted outside is the only thing that is made again.
#[test]
fn a_deleted_node_pool_is_all_that_is_made_again() {
    let Some(ground) = ground("a_deleted_node_pool_is_all_that_is_made_again") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.environment();
    let cluster = text(&environment, "/cluster_info/arn");
    let pools = ground.ask(
        &http::Method::GET,
        &format!("container/v1/{cluster}/nodePools"),
        None,
    );
    let pool = pools["nodePools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pool| text(pool, "/name"))
        .find(|name| name.starts_with("serving"))
        .unwrap()
        .to_owned();
    let path = format!("container/v1/{cluster}/nodePools/{pool}");
    ground.ask(&http::Method::DELETE, &path, None);
    ground.sandbox.skip(jiff::SignedDuration::from_hours(1));
    let plan = Plan::of(&ground);
    plan.tells("node_pools.serving: missing");
    plan.makes("node_pools.serving");
    assert_eq!(plan.steps.len(), 1, "{:#?}", plan.steps);
    ground.sandbox.forget_calls();
    ground.apply().expect(0);
    ground.plan().expect(0);
    let made: Vec<String> = written(&ground);
    assert!(
        made.iter().any(|call| call.contains("nodePools.create")),
        "{made:?}"
    );
    for other in [
        "clusters.create",
        "buckets.insert",
        "serviceAccounts.create",
        "storage.buckets.create",
    ] {
        assert!(
            !made.iter().any(|call| call.ends_with(other)),
            "{other}: {made:?}"
        );
    }
}

/// Writes since the journal was last forgotten, but for the claim.
fn written(ground: &Ground) -> Vec<String> {
    ground
        .sandbox
        .journal()
        .into_iter()
        .filter(|entry| entry.write && entry.status < 300)
        .map(|entry| entry.name())
        .collect()
}

/// B35: a cluster deleted outside takes its pools along; data, images, keys and accounts stay as they are.
#[test]
fn a_deleted_cluster_takes_nothing_else_along() {
    let Some(ground) = ground("a_deleted_cluster_takes_nothing_else_along") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.environment();
    let cluster = text(&environment, "/cluster_info/arn");
    let kept = |ground: &Ground| {
        let project = ground.project();
        let accounts: Vec<Value> = project["accounts"]
            .as_object()
            .unwrap()
            .values()
            .map(|account| account["unique_id"].clone())
            .collect();
        let buckets: Vec<Value> = ground.sandbox.snapshot()["gcp"]["buckets"]
            .as_object()
            .unwrap()
            .values()
            .map(|bucket| bucket["generation"].clone())
            .collect();
        (
            accounts,
            buckets,
            project["repositories"].as_object().unwrap().len(),
        )
    };
    let before = kept(&ground);
    ground.ask(&http::Method::DELETE, &format!("container/v1/{cluster}"), None);
    ground.sandbox.skip(jiff::SignedDuration::from_hours(1));
    let plan = Plan::of(&ground);
    for address in ["cluster", "node_pools.system", "node_pools.serving"] {
        plan.tells(&format!("{address}: missing"));
        plan.makes(address);
    }
    assert_eq!(plan.actions, ["update"]);
    assert!(
        !plan.steps.iter().any(|step| step.contains("buckets.")),
        "{:#?}",
        plan.steps
    );
    ground.apply().expect(0);
    ground.plan().expect(0);
    assert_eq!(kept(&ground), before);
}

/// B36, B37: an environment of which nothing is left is planned anew; one of which a bucket is left is not.
#[test]
fn an_environment_that_is_wholly_gone_is_planned_anew() {
    let Some(ground) = ground("an_environment_that_is_wholly_gone_is_planned_anew") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.environment();
    let data = text(&environment, "/bucket_info/data/name").to_owned();
    let lost = |cloud: &mut Value, bucket: Option<&str>| {
        cloud["buckets"]
            .as_object_mut()
            .unwrap()
            .retain(|name, _| Some(name.as_str()) == bucket);
        let project = &mut cloud["projects"][PROJECT];
        for place in [
            "accounts",
            "pools",
            "repositories",
            "secrets",
            "log_buckets",
            "sinks",
            "key_rings",
        ] {
            project[place] = serde_json::json!({});
        }
        project["container"]["clusters"] = serde_json::json!({});
        let ours = |member: &Value| !member.as_str().unwrap_or_default().contains("@acme-ml-dev.iam");
        for binding in project["policy"]["bindings"].as_array_mut().unwrap() {
            binding["members"].as_array_mut().unwrap().retain(ours);
        }
        project["policy"]["bindings"]
            .as_array_mut()
            .unwrap()
            .retain(|binding| !binding["members"].as_array().unwrap().is_empty());
    };
    ground.outside(|cloud| lost(cloud, Some(&data)));
    let plan = Plan::of(&ground);
    assert_eq!(plan.actions, ["update"]);
    plan.tells("buckets.models: missing");
    assert!(
        !plan.drift.iter().any(|line| line == "buckets.data: missing"),
        "{:#?}",
        plan.drift
    );

    ground.outside(|cloud| lost(cloud, None));
    let plan = ground.plan().expect(2);
    assert!(plan.stdout.contains("will be created"), "{}", plan.stdout);
    ground.apply().expect(0);
    ground.plan().expect(0);
}
