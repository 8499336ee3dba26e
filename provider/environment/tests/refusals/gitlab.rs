//! What is refused and warned of in GitLab's federation, where, and with which way out.
use crate::fixtures::{gcp_minimal, minimal, with};
use crate::{refuses, warns};
use serde_json::{Value, json};

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[
    what_a_cloud_cannot_see_is_refused_there,
    the_path_alone_is_warned_of_where_the_number_could_be_told,
    without_a_tier_nobody_deploys_from_gitlab_on_aws,
];

fn gitlab(base: Value, more: Value) -> Value {
    let mut block = json!({ "project_path": "acme/ml/churn" });
    let fields = block.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    with(base, "/federation/gitlab", block)
}

#[test]
fn what_a_cloud_cannot_see_is_refused_there() {
    let (aws, gcp) = (|more| gitlab(minimal(), more), |more| gitlab(gcp_minimal(), more));
    let at = |rest: &str| format!("federation.gitlab.{rest}");
    for (config, path, words) in [
        (
            aws(json!({ "project_id": "42" })),
            at("project_id"),
            "names the project by its path",
        ),
        (
            aws(json!({ "protected_only": true })),
            at("protected_only"),
            "Protect the refs",
        ),
        (
            gcp(json!({ "environments": { "tier": "production" } })),
            at("environments.tier"),
            "Remove tier",
        ),
        (gcp(json!({ "audience": "x" })), at("audience"), "gitlab_audience"),
        (
            gcp(json!({ "oidc_provider": "reference" })),
            at("oidc_provider"),
            "a workload identity pool of its own",
        ),
        (
            aws(json!({ "oidc_provider": "mine" })),
            at("oidc_provider"),
            "\"reference\"",
        ),
        (
            aws(json!({ "environments": { "tier": "live" } })),
            at("environments.tier"),
            "\"production\"",
        ),
        (aws(json!({ "url": "http://gitlab.com" })), at("url"), "https://"),
        (
            aws(json!({ "url": "https://git.acme.example:8443" })),
            at("url"),
            "without port",
        ),
        (
            aws(json!({ "url": "https://gitlab.com/" })),
            at("url"),
            "final slash",
        ),
        (
            aws(json!({ "project_path": "churn" })),
            at("project_path"),
            "group/project",
        ),
        (
            aws(json!({ "project_path": "acme/*" })),
            at("project_path"),
            "without wildcards",
        ),
        (
            aws(json!({ "project_path": null })),
            at("project_path"),
            "Missing",
        ),
        (
            gcp(json!({ "project_id": "churn" })),
            at("project_id"),
            "digits only",
        ),
        (
            aws(json!({ "ci_refs": ["refs/heads/*"] })),
            at("ci_refs"),
            "who may push a branch",
        ),
        (aws(json!({ "ci_refs": [] })), at("ci_refs"), "Nobody could build"),
        (
            aws(json!({ "environments": { "deploy": "a:b" } })),
            at("environments.deploy"),
            "no colon",
        ),
        (
            aws(json!({ "audience": "a b" })),
            at("audience"),
            "without spaces",
        ),
    ] {
        refuses(config, &path, words);
    }
}

#[test]
fn the_path_alone_is_warned_of_where_the_number_could_be_told() {
    warns(
        gitlab(gcp_minimal(), json!({})),
        "federation.gitlab.project_id",
        "Give project_id",
    );
}

#[test]
fn without_a_tier_nobody_deploys_from_gitlab_on_aws() {
    let mut config = gitlab(minimal(), json!({}));
    let federation = config["federation"].as_object_mut().expect("an object");
    federation.remove("github");
    warns(
        config,
        "federation.gitlab.environments.tier",
        "ci_id_token_sub_claim_components",
    );
}
