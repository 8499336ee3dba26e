//! How many calls the work takes, and that none of them was one that Google's descriptions do not know.

use std::collections::BTreeMap;

use crate::ground::{Ground, SERVICE, ground};

/// Calls of a command by operation, as Google Cloud saw them; looks at work under way are left out, because how often we look
/// depends on the cloud's time, not on us.
fn calls(ground: &Ground, arguments: &[&str]) -> BTreeMap<String, usize> {
    ground.sandbox.forget_calls();
    ground.workspace.terraform(arguments).expect(0);
    let mut calls = ground.sandbox.calls();
    calls.retain(|operation, _| !operation.ends_with("perations.get"));
    calls
}

/// Prints what was called beside the floor.
fn shown(what: &str, calls: &BTreeMap<String, usize>, floor: usize) -> usize {
    let sum: usize = calls.values().sum();
    println!("{what}: {sum} calls, floor {floor}");
    for (operation, count) in calls {
        println!("  {count:>3} {operation}");
    }
    sum
}

/// What the environment consists of, as far as calls go.
struct Size {
    /// data, logs, mlflow, models, predictions, reports.
    buckets: usize,
    /// Managed folders of the service: models and its versions, predictions, reports, reference data, data, mlflow.
    folders: usize,
    /// cluster, logs, secrets, storage.
    keys: usize,
    /// The five purposes and the nodes.
    accounts: usize,
    /// Pods' and pipelines' entrances.
    trusts: usize,
}

const ENVIRONMENT: Size = Size {
    buckets: 6,
    folders: 7,
    keys: 4,
    accounts: 6,
    trusts: 5,
};

impl Size {
    /// Each thing made in one call; each policy of a fresh thing written once without being read, because it is known to be empty;
    /// the project's read and written.
    fn create(&self) -> usize {
        let project = 1;
        // Asked for and enabled in one batch each.
        let apis = 2;
        let network = 2;
        // The bucket of the claim looked for (itself, its policy, its folders), the claim written at the beginning, at the end, and when
        // Terraform has the answer.
        let claim = 6;
        // Whether another environment has the same pods.
        let sameness = 1;
        let ring = 1;
        // Two service agents tell their e-mail, three are made.
        let agents = 5;
        let repository = 2;
        let secret = 2;
        let log_bucket = 2;
        let federation = 2;
        let project_policy = 2;
        let cluster = 1;
        project
            + apis
            + network
            + claim
            + sameness
            + ring
            + agents
            + 2 * self.keys
            + self.buckets
            + 2 * self.folders
            + repository
            + secret
            + log_bucket
            + federation
            + self.accounts
            + self.trusts
            + project_policy
            + cluster
    }

    /// Accounts and keys from one list each, cluster and pools from one answer; policies one by one.
    fn refresh(&self) -> usize {
        let project = 1;
        let apis = 1;
        let network = 2;
        let ring = 1;
        let agents = 2;
        let repository = 2;
        let secret = 2;
        let log_bucket = 2;
        let federation = 2;
        let project_policy = 1;
        let cluster = 1;
        project
            + apis
            + network
            + ring
            + agents
            + (1 + self.keys)
            // The bucket, its policy, the list of its folders.
            + (3 * self.buckets + self.folders)
            + repository
            + secret
            + log_bucket
            + federation
            // One list, and each account's static keys.
            + (1 + self.accounts)
            + self.trusts
            + project_policy
            + cluster
    }

    /// Each thing deleted in one call; keys are labelled under what they carry, the project's policy read and written. A bucket's
    /// folders are listed, whoever made them, and go one by one; what must not go with objects in it is looked into twice, before
    /// anything is deleted and before itself is. The logs' bucket is emptied: its claim in its versions.
    fn destroy(&self) -> usize {
        // Asked by each of the two processes in which terraform plans and applies.
        let project = 2;
        // Read, written, and its four versions listed and deleted.
        let claim = 8;
        // Load balancers that its services left looked for, and deleted.
        let cluster = 2;
        let repository = 1;
        let secret = 1;
        let log_bucket = 2;
        let federation = 2;
        let project_policy = 2;
        // All but the logs'.
        let kept = self.buckets - 1;
        project
            + claim
            + cluster
            + repository
            + secret
            + log_bucket
            + federation
            + project_policy
            + 2 * self.keys
            + self.accounts
            + (self.buckets + 3 * kept + self.folders)
    }
}

#[test]
fn no_more_calls_than_the_work_takes() {
    let Some(ground) = ground("no_more_calls_than_the_work_takes") else {
        return;
    };
    ground.configure(SERVICE);
    ground
        .workspace
        .terraform(&["plan", "-out=plan.tfplan"])
        .expect(0);
    let mut create = calls(&ground, &["apply", "plan.tfplan"]);
    // Looks at what is being made, as with operations.
    create.remove("container:container.projects.locations.clusters.get");
    let refresh = calls(&ground, &["plan", "-refresh-only"]);
    let destroy = calls(&ground, &["apply", "-destroy", "-auto-approve", "-refresh=false"]);
    let counted = [
        // Which APIs are enabled is asked once more after they were.
        ("create", create, ENVIRONMENT.create(), 1),
        ("refresh", refresh, ENVIRONMENT.refresh(), 0),
        ("destroy", destroy, ENVIRONMENT.destroy(), 0),
    ];
    let counted = counted.map(|(what, calls, floor, more)| (what, shown(what, &calls, floor), floor, more));
    for (what, sum, floor, more) in counted {
        assert!(
            sum <= floor + more,
            "{what} takes {sum} calls, the floor is {floor}"
        );
    }
}

/// Every request was one that Google's descriptions know, with what they require, in a whole life: the local cloud answers 400
/// or 501 to anything else.
#[test]
fn every_request_is_one_of_googles() {
    let Some(ground) = ground("every_request_is_one_of_googles") else {
        return;
    };
    ground.configure(SERVICE);
    ground.apply().expect(0);
    ground.plan().expect(0);
    for change in [
        "buckets = { data = { noncurrent_days = 60 } }",
        "logging = { retention_days = 60 }",
        "node_pools = { system = { purpose = \"system\", size = \"small\", min = 1, max = 4 }, serving = { purpose = \"serving\", size = \"large\", spot = true, min = 0, max = 2 } }",
        "registry = { immutable_tags = false, keep_tagged = 12 }",
        "identities = { drift = { enabled = false } }",
        "cluster = { endpoint = { public = true, public_cidrs = [\"192.0.2.0/24\"] } }",
        "tags = { team = \"ml\" }",
    ] {
        ground.configure(&format!("{SERVICE}\n  {change}"));
        ground.apply().expect(0);
    }
    ground.destroy().expect(0);
    let journal = ground.sandbox.journal();
    assert!(journal.len() > 300, "a whole life was seen");
    let refused: Vec<String> = journal
        .iter()
        .filter(|entry| matches!(entry.status, 400 | 405 | 501) || entry.operation.is_empty())
        .map(|entry| {
            format!(
                "{} {} {:?} {:?}",
                entry.status,
                entry.name(),
                entry.code,
                entry.resource
            )
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
