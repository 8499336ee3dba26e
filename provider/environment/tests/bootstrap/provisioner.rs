//! What applying needs is said once, in `provisioner`; what bootstrap hands out is held to it.

use std::collections::BTreeSet;

use mlops_access::pattern::Pattern;
use mlops_environment::names::EnvironmentId;
use mlops_environment::provisioner::policies;
use serde_json::Value;

/// What a provisioner of bootstrap does without, though an environment that stands alone needs it.
const WITHHELD: [(&str, &str); 10] = [
    ("iam:CreatePolicy", BOUNDARY),
    ("iam:CreatePolicyVersion", BOUNDARY),
    ("iam:DeletePolicy", BOUNDARY),
    ("iam:DeletePolicyVersion", BOUNDARY),
    ("iam:GetPolicy", BOUNDARY),
    ("iam:GetPolicyVersion", BOUNDARY),
    ("iam:ListPolicyVersions", BOUNDARY),
    ("iam:TagPolicy", BOUNDARY),
    ("iam:UntagPolicy", BOUNDARY),
    ("iam:DeleteRolePermissionsBoundary", "no role is ever without one"),
];
const BOUNDARY: &str = "the boundary is bootstrap's own, and no provisioner's to change";

/// What bootstrap hands out beyond it.
const BEYOND: [(&str, &str); 0] = [];

/// Actions of every allowing statement of a document.
fn actions(text: &str) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(text).expect("a document");
    let mut found = BTreeSet::new();
    for statement in document["Statement"].as_array().into_iter().flatten() {
        assert_eq!(statement["Effect"], "Allow", "{statement:#}");
        match &statement["Action"] {
            Value::String(one) => found.extend([one.clone()]),
            many => found.extend(
                many.as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|action| action.as_str().map(str::to_owned)),
            ),
        }
    }
    found
}

/// What bootstrap's provisioner of dev may, but for the state.
fn handed_out() -> BTreeSet<String> {
    let places = [
        "reading.dev document",
        "networks.dev document",
        "provisioners.dev write",
    ];
    let documents = super::aws::documents();
    let of_provisioner = documents
        .iter()
        .filter(|(place, _)| places.contains(&place.as_str()));
    let found: Vec<_> = of_provisioner.collect();
    assert_eq!(found.len(), places.len());
    found.iter().flat_map(|(_, text)| actions(text)).collect()
}

fn needed() -> BTreeSet<String> {
    let id: EnvironmentId = "aws/111122223333/ap-southeast-3/abcdefghijkl-dev"
        .parse()
        .expect("an id");
    policies(&id, "aws-us-gov")
        .iter()
        .flat_map(|document| actions(&document.to_string()))
        .collect()
}

#[test]
fn bootstrap_hands_out_everything_that_applying_needs() {
    let patterns: Vec<Pattern> = handed_out().iter().map(|text| Pattern::parse(text)).collect();
    let lacking: BTreeSet<String> = needed()
        .into_iter()
        .filter(|action| !patterns.iter().any(|pattern| pattern.matches(action)))
        .collect();
    let withheld: BTreeSet<String> = WITHHELD.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(
        lacking, withheld,
        "add it to bootstrap/aws/permissions.rs, or say here why not"
    );
}

#[test]
fn bootstrap_hands_out_nothing_that_applying_does_not_need() {
    let needed = needed();
    let idle: BTreeSet<String> = handed_out()
        .into_iter()
        .filter(|text| {
            let pattern = Pattern::parse(text);
            !needed.iter().any(|action| pattern.matches(action))
        })
        .collect();
    let beyond: BTreeSet<String> = BEYOND.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(
        idle, beyond,
        "remove it from bootstrap/aws/permissions.rs, or say here why it stays"
    );
}
