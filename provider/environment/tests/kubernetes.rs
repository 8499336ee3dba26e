//! The files for the cluster: readable YAML, and exactly what trusts and permissions rely on.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeSet;

use fixtures::{environment, full, minimal, with};
use mlops_access::kubernetes::{Request, Rule, allows};
use mlops_environment::Environment;
use serde_json::{Value, json};

/// The objects of one file, read by somebody else's YAML reader.
fn read(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn objects(environment: &Environment, kind: &str) -> Vec<Value> {
    let files = environment.manifests();
    let all = files.values().flat_map(|text| read(text));
    all.filter(|object| object["kind"] == kind).collect()
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {object}"))
}

#[test]
fn the_files_of_a_full_environment() {
    let files = environment(full()).manifests();
    let shown: Vec<String> = files
        .iter()
        .map(|(name, text)| format!("# {name}\n{text}"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

/// Names, namespaces and annotations are those that the trusts name: derived from the trusts here.
#[test]
fn service_accounts_are_exactly_those_that_the_trusts_name() {
    let environment = environment(full());
    let from_trusts: BTreeSet<(String, String)> = environment
        .components
        .iter()
        .filter_map(|component| {
            let trust = component.properties.get("trust")?.as_str()?;
            let subject = trust.split("system:serviceaccount:").nth(1)?;
            let subject = subject.split('"').next()?.to_owned();
            Some((subject, component.id.clone()?))
        })
        .collect();
    let from_manifests: BTreeSet<(String, String)> = objects(&environment, "ServiceAccount")
        .iter()
        .map(|account| {
            let subject = format!(
                "{}:{}",
                text(account, "/metadata/namespace"),
                text(account, "/metadata/name")
            );
            let role = text(account, "/metadata/annotations/eks.amazonaws.com~1role-arn");
            (subject, role.rsplit('/').next().unwrap_or_default().to_owned())
        })
        .collect();
    assert!(from_trusts.len() >= 3, "{from_trusts:?}");
    assert_eq!(from_manifests, from_trusts);
}

#[test]
fn a_switched_off_identity_has_no_service_account() {
    let environment = environment(with(
        minimal(),
        "identities",
        json!({ "drift": { "enabled": false } }),
    ));
    let accounts = objects(&environment, "ServiceAccount");
    assert_eq!(accounts.len(), 2, "{accounts:?}");
    assert!(
        accounts
            .iter()
            .all(|account| !text(account, "/metadata/name").contains("drift"))
    );
}

/// The matrix's questions to the Kubernetes API, put to the Role as it is written.
#[test]
fn deploy_changes_workloads_and_reads_no_secret() {
    let environment = environment(full());
    for role in objects(&environment, "Role") {
        let rules: Vec<Rule> = serde_json::from_value(role["rules"].clone()).expect("rules");
        for allowed in [
            Request::of("apps", "patch", "deployments"),
            Request::core("create", "configmaps"),
            Request::of("batch", "create", "cronjobs"),
        ] {
            assert!(allows(&rules, &allowed), "{allowed:?}");
        }
        for denied in [
            Request::core("get", "secrets"),
            Request::core("list", "secrets"),
            Request::core("create", "pods/exec"),
            Request::core("create", "serviceaccounts/token"),
            Request::core("patch", "namespaces"),
            Request::of("rbac.authorization.k8s.io", "create", "rolebindings"),
            Request::of("rbac.authorization.k8s.io", "bind", "roles"),
            Request::of("rbac.authorization.k8s.io", "escalate", "roles"),
        ] {
            assert!(!allows(&rules, &denied), "{denied:?}");
        }
    }
    let readers = objects(&environment, "ClusterRole");
    let rules: Vec<Rule> = serde_json::from_value(readers[0]["rules"].clone()).expect("rules");
    assert!(!allows(&rules, &Request::core("list", "namespaces")));
}

/// The binding's group is the one that deploy's access entry puts it into.
#[test]
fn the_rbac_is_bound_to_whom_the_access_entry_names() {
    let environment = environment(full());
    let entry = environment.component("access.deploy").expect("an access entry");
    let bindings = objects(&environment, "RoleBinding");
    assert!(!bindings.is_empty());
    for binding in bindings {
        assert_eq!(binding["subjects"][0]["name"], entry.properties["groups"][0]);
    }
}

#[test]
fn deploy_runs_pods_as_serving_identities_only() {
    let environment = environment(full());
    let policy = &objects(&environment, "ValidatingAdmissionPolicy")[0];
    let allowed = policy["spec"]["variables"]
        .as_array()
        .expect("variables")
        .iter()
        .find(|variable| variable["name"] == "allowed")
        .expect("a variable");
    let allowed = text(allowed, "/expression");
    let retrain: Vec<String> = objects(&environment, "ServiceAccount")
        .iter()
        .filter(|account| text(account, "/metadata/labels/mlops~1purpose") == "retrain")
        .map(|account| text(account, "/metadata/name").to_owned())
        .collect();
    assert!(!retrain.is_empty());
    assert!(
        retrain.iter().all(|name| !allowed.contains(name.as_str())),
        "{allowed}"
    );
    assert!(allowed.contains("-sa'"), "{allowed}");
    let binding = &objects(&environment, "ValidatingAdmissionPolicyBinding")[0];
    assert_eq!(binding["spec"]["policyName"], policy["metadata"]["name"]);
}

#[test]
fn every_namespace_is_labelled_bounded_and_closed() {
    let environment = environment(full());
    let namespaces = objects(&environment, "Namespace");
    for namespace in &namespaces {
        assert_eq!(
            namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "restricted"
        );
    }
    let names: BTreeSet<&str> = namespaces
        .iter()
        .map(|object| text(object, "/metadata/name"))
        .collect();
    for kind in ["ResourceQuota", "NetworkPolicy"] {
        let objects = objects(&environment, kind);
        let covered: BTreeSet<&str> = objects
            .iter()
            .map(|object| text(object, "/metadata/namespace"))
            .collect();
        assert_eq!(covered, names, "{kind}");
    }
    let denied = objects(&environment, "NetworkPolicy");
    let default = denied
        .iter()
        .find(|policy| policy["metadata"]["name"] == "mlops-default-deny")
        .expect("a default");
    assert_eq!(default["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
}

#[test]
fn with_managed_access_the_cloud_decides_and_no_rbac_is_written() {
    let environment = environment(minimal());
    assert!(objects(&environment, "Role").is_empty());
    assert!(objects(&environment, "ValidatingAdmissionPolicy").is_empty());
}

#[test]
fn an_overlay_repeats_the_service_accounts_of_its_service() {
    let environment = environment(full());
    let overlays = environment.kustomize();
    for (service, text_) in &overlays {
        let accounts = read(text_);
        assert!(!accounts.is_empty());
        assert!(
            accounts
                .iter()
                .all(|account| text(account, "/metadata/labels/mlops~1service") == service)
        );
    }
    let all: usize = overlays.values().map(|text| read(text).len()).sum();
    assert_eq!(all, objects(&environment, "ServiceAccount").len());
}

#[test]
fn the_kubeconfig_holds_no_credential() {
    let config = environment(full()).kubeconfig();
    let read = &read(&config)[0];
    let user = &read["users"][0]["user"];
    assert_eq!(
        user.as_object().expect("a user").keys().collect::<Vec<_>>(),
        ["exec"]
    );
    assert_eq!(user["exec"]["command"], "aws");
    assert_eq!(
        read["clusters"][0]["cluster"]["server"], "@{cluster:endpoint}",
        "known once the cluster stands"
    );
}

/// Kubernetes' own description of what an object may hold, as far as ours go:
/// <https://github.com/kubernetes/kubernetes/tree/v1.32.0/api/openapi-spec>, Apache-2.0.
fn description() -> Value {
    serde_json::from_str(include_str!("fixtures/kubernetes-1.32.json")).expect("a description")
}

/// Where a value is not what a schema says.
fn faults(schema: &Value, value: &Value, at: &str, all: &Value, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        return faults(&all["definitions"][name], value, at, all, found);
    }
    if let Some(ways) = schema["oneOf"].as_array() {
        let fits = |way: &Value| {
            let mut wrong = Vec::new();
            faults(way, value, at, all, &mut wrong);
            wrong.is_empty()
        };
        if !ways.iter().any(fits) {
            found.push(format!("{at}: {value} is none of {ways:?}"));
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        many => many
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
    };
    if !allowed.is_empty() && !allowed.contains(&kind) {
        found.push(format!("{at}: {kind} where {allowed:?} belongs"));
    }
    if let Some(one_of) = schema["enum"].as_array()
        && !one_of.contains(value)
    {
        found.push(format!("{at}: {value} is none of {one_of:?}"));
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{at}: there is no such field")),
            (Value::Null, Value::Object(_)) => {
                faults(&schema["additionalProperties"], inner, &at, all, found)
            }
            (Value::Null, _) => {}
            (field, _) => faults(field, inner, &at, all, found),
        }
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if value.get(name).is_none() {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(&schema["items"], item, &format!("{at}/{index}"), all, found);
    }
}

fn of_object(object: &Value, all: &Value) -> Vec<String> {
    let kind = format!("{} {}", text(object, "/apiVersion"), text(object, "/kind"));
    let mut found = Vec::new();
    match all["kinds"][&kind].as_str() {
        Some(name) => faults(&all["definitions"][name], object, &kind, all, &mut found),
        None => found.push(format!("{kind} is not described")),
    }
    found
}

#[test]
fn every_manifest_is_what_kubernetes_describes() {
    let all = description();
    for settings in [full(), minimal(), fixtures::gcp_full(), fixtures::gcp_minimal()] {
        let environment = environment(settings);
        let mut count = 0;
        for (file, manifests) in environment.manifests().into_iter().chain(environment.kustomize()) {
            for object in read(&manifests) {
                assert_eq!(of_object(&object, &all), [""; 0], "{file}: {object:#}");
                count += 1;
            }
        }
        assert!(count > 5, "{count} objects");
    }
}

/// The description bites.
#[test]
fn a_manifest_with_a_wrong_field_is_found() {
    let all = description();
    let policy = |spec: Value| {
        let object = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": { "name": "a", "namespace": "b" }, "spec": spec,
        });
        of_object(&object, &all)
    };
    let selector = json!({});
    assert_eq!(policy(json!({ "podSelector": selector })), [""; 0]);
    for (spec, words) in [
        (
            json!({ "podSelector": {}, "policyTypez": ["Ingress"] }),
            "policyTypez: there is no such field",
        ),
        (
            json!({ "podSelector": {}, "policyTypes": "Ingress" }),
            "string where",
        ),
        (
            json!({ "podSelector": {}, "ingress": [{ "ports": [{ "port": true }] }] }),
            "is none of",
        ),
        (json!({ "policyTypes": ["Ingress"] }), "podSelector is missing"),
    ] {
        let found = policy(spec);
        assert!(
            found.iter().any(|line| line.contains(words)),
            "{words}: {found:?}"
        );
    }
}
