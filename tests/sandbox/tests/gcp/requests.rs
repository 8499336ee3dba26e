//! Requests that do not fit their description.

use mlops_sandbox::Refusal;
use mlops_sandbox::gcp::description::{self, Query};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT};

fn read(service: &str, request: &str, body: &str) -> Result<Value, Refusal> {
    let (verb, target) = request.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let found = description::find(service, verb, path).unwrap();
    description::read(
        &found,
        &Query(mlops_sandbox::exchange::parameters(query)),
        body.as_bytes(),
    )
}

const CREATE: &str = "POST v1/projects/p/locations/l/clusters";

#[test]
fn everything_wrong_is_told_at_once_in_the_front_ends_words() {
    let body = json!({"cluster": {
        "nam": "x",
        "releaseChannel": {"channel": "STABEL"},
        "nodePools": [{"name": "p", "initialNodeCount": "many", "config": {"taints": [{"effect": "NoSchedule"}]}}],
        "network": 5,
        "shieldedNodes": {"enabled": "yes"},
        "resourceLabels": {"a": 1},
    }});
    let refusal = read("container", CREATE, &body.to_string()).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "INVALID_ARGUMENT"));
    for words in [
        "Invalid JSON payload received. Unknown name \"nam\" at 'cluster': Cannot find field.",
        "Invalid value at 'cluster.release_channel.channel' (type.googleapis.com/google.container.v1.ReleaseChannel.Channel), \"STABEL\"",
        "Invalid value at 'cluster.node_pools[0].initial_node_count' (TYPE_INT32), \"many\"",
        "Invalid value at 'cluster.node_pools[0].config.taints[0].effect' (type.googleapis.com/google.container.v1.NodeTaint.Effect)",
        "Invalid value at 'cluster.network' (TYPE_STRING), 5",
        "Invalid value at 'cluster.shielded_nodes.enabled' (TYPE_BOOL), \"yes\"",
        "Invalid value at 'cluster.resource_labels[a]' (TYPE_STRING), 1",
    ] {
        assert!(
            refusal.message.contains(words),
            "no {words:?} in\n{}",
            refusal.message
        );
    }
    let violations = refusal.members["details"][0]["fieldViolations"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(violations, 7);
}

#[test]
fn enums_come_by_name_or_number_and_output_is_ignored() {
    let body = json!({"cluster": {"name": "x", "release_channel": {"channel": 2}, "status": "RUNNING", "selfLink": "y"}});
    let input = read(
        "container",
        &format!("{CREATE}?$alt=json;enum-encoding=int&prettyPrint=false&$apiVersion=1"),
        &body.to_string(),
    )
    .unwrap();
    assert_eq!(
        input["body"]["cluster"],
        json!({"name": "x", "releaseChannel": {"channel": "REGULAR"}})
    );
    let refusal = read(
        "container",
        CREATE,
        r#"{"cluster":{"name":"x","releaseChannel":{"channel":77}}}"#,
    )
    .unwrap_err();
    assert!(refusal.message.contains("ReleaseChannel.Channel"), "{refusal}");
}

#[test]
fn what_is_required_must_be_there() {
    let missing = read("container", CREATE, "{}").unwrap_err();
    assert!(
        missing.message.contains("Required field 'cluster' is missing"),
        "{missing}"
    );
    let missing = read("storage", "POST storage/v1/b", r#"{"name":"x"}"#).unwrap_err();
    assert!(
        missing.message.contains("Required parameter: project"),
        "{missing}"
    );
}

#[test]
fn unknown_parameters_bad_values_and_masks_are_refused() {
    let unknown = read(
        "container",
        "GET v1/projects/p/locations/l/clusters?colour=red",
        "",
    )
    .unwrap_err();
    assert!(
        unknown
            .message
            .contains("Unknown name \"colour\": Cannot bind query parameter"),
        "{unknown}"
    );
    let bad = read("iam", "GET v1/projects/p/serviceAccounts?pageSize=lots", "").unwrap_err();
    assert!(
        bad.message
            .contains("Invalid value at 'page_size' (TYPE_INT32), \"lots\""),
        "{bad}"
    );
    let mask = "PATCH v1/projects/p/locations/l/repositories/r?updateMask=labels.a,docker_config.immutable_tags,nonsense";
    let refused = read("artifactregistry", mask, "{}").unwrap_err();
    assert!(
        refused.message.contains("no such field: nonsense") && !refused.message.contains("docker"),
        "{refused}"
    );
    let input = read("artifactregistry", &mask.replace(",nonsense", ""), "{}").unwrap();
    assert_eq!(input["updateMask"], "labels.a,dockerConfig.immutableTags");
    let inside = read(
        "iam",
        "PATCH v1/projects/p/serviceAccounts/a",
        r#"{"serviceAccount":{},"updateMask":"colour"}"#,
    )
    .unwrap_err();
    assert!(inside.message.contains("no such field: colour"), "{inside}");
}

#[test]
fn a_body_that_is_no_message_is_refused() {
    for body in ["{", "[]", "7", "\"x\"", "{\"cluster\": }"] {
        let refusal = read("container", CREATE, body).unwrap_err();
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, "INVALID_ARGUMENT"),
            "{body}"
        );
        assert!(
            refusal.message.starts_with("Invalid JSON payload received."),
            "{refusal}"
        );
    }
}

#[test]
fn formats_are_checked() {
    let key = "POST v1/projects/p/locations/l/keyRings/r/cryptoKeys?cryptoKeyId=k";
    for (member, value) in [("rotationPeriod", "90 days"), ("nextRotationTime", "tomorrow")] {
        let refusal = read(
            "cloudkms",
            key,
            &json!({"purpose": "ENCRYPT_DECRYPT", member: value}).to_string(),
        )
        .unwrap_err();
        assert!(
            refusal.message.contains("type.googleapis.com/google.protobuf."),
            "{refusal}"
        );
    }
    let refusal = read(
        "compute",
        "GET compute/v1/projects/p/global/networks/Bad_Name",
        "",
    )
    .unwrap_err();
    assert!(refusal.message.contains("Must be a match of regex"), "{refusal}");
}

#[test]
fn enums_are_answered_by_number_to_those_who_ask() {
    let mut cloud = Cloud::swift();
    let ring = cloud.ok(
        "cloudkms",
        &format!("POST v1/projects/{PROJECT}/locations/europe-west1/keyRings?keyRingId=r"),
        json!({}),
    );
    let ring = ring["name"].as_str().unwrap();
    let key = cloud.ok(
        "cloudkms",
        &format!("POST v1/{ring}/cryptoKeys?cryptoKeyId=k"),
        json!({"purpose": 1}),
    );
    assert_eq!(key["purpose"], "ENCRYPT_DECRYPT");
    let found = description::find("cloudkms", "GET", &format!("v1/{ring}/cryptoKeys/k")).unwrap();
    let numbers = description::with_enum_numbers(found.api, found.method, &key);
    assert_eq!(
        (numbers["purpose"].as_i64(), numbers["primary"]["state"].as_i64()),
        (Some(1), Some(1))
    );
}

/// JSON that is near to what a method takes: its own member names with any values.
fn near() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9_./:@*-]{0,24}".prop_map(Value::from),
        Just(json!("roles/viewer")),
        Just(json!("serviceAccount:x@acme-ml.iam.gserviceaccount.com")),
    ];
    let name = prop_oneof![
        Just("cluster"),
        Just("nodePools"),
        Just("name"),
        Just("policy"),
        Just("bindings"),
        Just("members"),
        Just("role"),
        Just("condition"),
        Just("expression"),
        Just("update"),
        Just("desiredMasterVersion"),
        Just("labels"),
        Just("replication"),
        Just("userManaged"),
        Just("replicas"),
        Just("oidc"),
        Just("issuerUri"),
        Just("attributeMapping"),
        Just("location"),
        Just("lifecycle"),
        Just("rule"),
        Just("ipCidrRange"),
        Just("network"),
        Just("etag"),
        Just("version"),
        Just("accountId"),
        Just("retentionDays"),
        Just("serviceIds"),
        Just("subjectToken"),
        Just("audience"),
        Just("format"),
        Just("purpose"),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    })
}

/// Every carried method, with a path that fits.
fn requests() -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for service in description::names() {
        for api in description::apis(service) {
            for (verb, path) in api.examples() {
                all.push((service, format!("{verb} {path}")));
            }
        }
    }
    all
}

#[test]
fn every_described_method_is_carried() {
    let mut cloud = Cloud::swift();
    for (service, request) in requests() {
        if let Err(refusal) = cloud.call(service, &request, json!({})) {
            assert_ne!(refusal.code, "UNIMPLEMENTED", "{service} {request}");
        }
    }
}

#[test]
fn an_identity_without_grants_may_do_nothing() {
    let mut cloud = Cloud::swift();
    // Of a bucket that is not there everybody hears that it is not.
    let bucket = "somebody-elses";
    cloud.ok(
        "storage",
        &format!("POST storage/v1/b?project={PROJECT}"),
        json!({ "name": bucket }),
    );
    let email = cloud.account("nobody-at-all");
    cloud.as_account(&email);
    // What anybody may: exchange a token, ask what one may, read public keys, follow an operation, see the regions.
    let open = [
        "POST v1/token",
        "estIamPermissions",
        "/jwks",
        "/.well-known/openid-configuration",
        "/operations/x",
        "GET v1/operations/x",
        "/locations",
        "/locations/europe-west1",
    ];
    let mut refused = 0;
    for (service, request) in requests() {
        let request = match service {
            "storage" => request.replace("storage/v1/b/x", &format!("storage/v1/b/{bucket}")),
            _ => request,
        };
        let anybody =
            open.iter().any(|end| request.ends_with(end)) || request.ends_with("/iam/testPermissions");
        match cloud.may(service, &request) {
            Err(refusal) => {
                assert_eq!(
                    (refusal.status, refusal.code.as_str()),
                    (403, "PERMISSION_DENIED"),
                    "{request}"
                );
                refused += 1;
            }
            Ok(()) => assert!(anybody, "{service} {request} is open to everybody"),
        }
    }
    assert!(refused > 150, "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics_and_every_answer_fits(
        picks in prop::collection::vec((any::<prop::sample::Index>(), near(), "[a-zA-Z0-9=&,.%_-]{0,30}"), 1..6)
    ) {
        let all = requests();
        let mut cloud = Cloud::swift();
        for (pick, body, query) in picks {
            let (service, request) = pick.get(&all);
            let body = if body.is_object() { body } else { json!({"x": body}) };
            let _ = cloud.call(service, request, body);
            let _ = cloud.call(service, &format!("{request}?{query}"), Value::Null);
        }
        // Whatever came to stand survives a restart.
        let kept: mlops_sandbox::World = serde_json::from_str(&serde_json::to_string(&cloud.world).unwrap()).unwrap();
        prop_assert!(kept == cloud.world);
    }
}
