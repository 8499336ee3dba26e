use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::layer::digest;
use crate::aws::trial::{Trial, inputs};

const NAME: &str = "prod/churn";

fn create(trial: &mut Trial, input: Value) -> Value {
    let mut whole = json!({"repositoryName": NAME});
    whole
        .as_object_mut()
        .unwrap()
        .extend(input.as_object().unwrap().clone());
    trial.ok("CreateRepository", whole)["repository"].clone()
}

fn manifest(layer: &str) -> String {
    json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"size": 10},
        "layers": [{"digest": layer, "size": 90}]})
    .to_string()
}

fn push(trial: &mut Trial, layer: &str, tag: &str) -> Value {
    trial.ok(
        "PutImage",
        json!({"repositoryName": NAME, "imageManifest": manifest(layer), "imageTag": tag}),
    )["image"]["imageId"]
        .clone()
}

#[test]
fn a_repository_lives_with_its_settings() {
    let mut trial = Trial::of("ecr");
    let made = create(&mut trial, json!({"tags": [{"Key": "a", "Value": "1"}]}));
    assert_eq!(
        made["repositoryUri"],
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com/prod/churn"
    );
    assert_eq!(
        (
            &made["imageTagMutability"],
            &made["imageScanningConfiguration"],
            &made["encryptionConfiguration"]
        ),
        (
            &json!("MUTABLE"),
            &json!({"scanOnPush": false}),
            &json!({"encryptionType": "AES256"})
        )
    );
    assert_eq!(
        trial.code("CreateRepository", json!({"repositoryName": NAME})),
        "RepositoryAlreadyExistsException"
    );
    trial.ok(
        "PutImageTagMutability",
        json!({"repositoryName": NAME, "imageTagMutability": "IMMUTABLE"}),
    );
    trial.ok(
        "PutImageScanningConfiguration",
        json!({"repositoryName": NAME, "imageScanningConfiguration": {"scanOnPush": true}}),
    );
    let arn = made["repositoryArn"].clone();
    trial.ok(
        "TagResource",
        json!({"resourceArn": arn, "tags": [{"Key": "b", "Value": "2"}]}),
    );
    trial.ok("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]}));
    assert_eq!(
        trial.ok("ListTagsForResource", json!({"resourceArn": arn}))["tags"],
        json!([{"Key": "b", "Value": "2"}])
    );
    let found =
        trial.ok("DescribeRepositories", json!({"repositoryNames": [NAME]}))["repositories"][0].clone();
    assert_eq!(
        (
            &found["imageTagMutability"],
            &found["imageScanningConfiguration"]["scanOnPush"]
        ),
        (&json!("IMMUTABLE"), &json!(true))
    );
    // What is left out is off.
    trial.ok(
        "PutImageScanningConfiguration",
        json!({"repositoryName": NAME, "imageScanningConfiguration": {}}),
    );
    let found = trial.ok("DescribeRepositories", json!({}))["repositories"][0].clone();
    assert_eq!(found["imageScanningConfiguration"]["scanOnPush"], json!(false));
    trial.ok("DeleteRepository", json!({"repositoryName": NAME}));
    assert_eq!(
        trial.code("DeleteRepository", json!({"repositoryName": NAME})),
        "RepositoryNotFoundException"
    );
    assert_eq!(
        trial.code("DescribeRepositories", json!({"repositoryNames": [NAME]})),
        "RepositoryNotFoundException"
    );
}

#[test]
fn a_repository_with_images_refuses_to_go_without_force() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    push(&mut trial, "one", "v1");
    assert_eq!(
        trial.code("DeleteRepository", json!({"repositoryName": NAME})),
        "RepositoryNotEmptyException"
    );
    trial.ok("DeleteRepository", json!({"repositoryName": NAME, "force": true}));
}

#[test]
fn digests_are_those_of_the_manifests() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    let id = push(&mut trial, "one", "v1");
    assert_eq!(id["imageDigest"], digest(manifest("one").as_bytes()));
    let wrong =
        json!({"repositoryName": NAME, "imageManifest": manifest("two"), "imageDigest": id["imageDigest"]});
    assert_eq!(trial.code("PutImage", wrong), "ImageDigestDoesNotMatchException");
    let again = json!({"repositoryName": NAME, "imageManifest": manifest("one"), "imageTag": "v1"});
    assert_eq!(trial.code("PutImage", again), "ImageAlreadyExistsException");
    assert_eq!(
        trial.code("PutImage", json!({"repositoryName": NAME, "imageManifest": "{"})),
        "InvalidParameterException"
    );
    let detail = trial.ok("DescribeImages", json!({"repositoryName": NAME}))["imageDetails"][0].clone();
    assert_eq!(
        (&detail["imageSizeInBytes"], &detail["imageTags"]),
        (&json!(100), &json!(["v1"]))
    );
}

#[test]
fn an_immutable_tag_stays_where_it_is() {
    let mut trial = Trial::of("ecr");
    create(
        &mut trial,
        json!({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev-*"}]}),
    );
    push(&mut trial, "one", "v1");
    push(&mut trial, "one", "dev-1");
    let moved =
        |tag: &str| json!({"repositoryName": NAME, "imageManifest": manifest("two"), "imageTag": tag});
    assert_eq!(
        trial.code("PutImage", moved("v1")),
        "ImageTagAlreadyExistsException"
    );
    let id = push(&mut trial, "two", "dev-1");
    let got = trial.ok(
        "BatchGetImage",
        json!({"repositoryName": NAME, "imageIds": [{"imageTag": "dev-1"}, {"imageTag": "none"}]}),
    );
    assert_eq!(got["images"][0]["imageId"]["imageDigest"], id["imageDigest"]);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    let without = json!({"repositoryName": NAME, "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"});
    assert_eq!(
        trial.code("PutImageTagMutability", without),
        "InvalidParameterException"
    );
}

#[test]
fn images_go_by_tag_and_by_digest() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    let id = push(&mut trial, "one", "v1");
    push(&mut trial, "one", "v2");
    let delete = |id: Value| json!({"repositoryName": NAME, "imageIds": [id]});
    trial.ok("BatchDeleteImage", delete(json!({"imageTag": "v1"})));
    assert_eq!(
        trial.ok("ListImages", json!({"repositoryName": NAME}))["imageIds"],
        json!([{"imageDigest": id["imageDigest"], "imageTag": "v2"}])
    );
    let failures = trial.ok("BatchDeleteImage", delete(json!({"imageTag": "v1"})))["failures"].clone();
    assert_eq!(failures[0]["failureCode"], "ImageNotFound");
    trial.ok(
        "BatchDeleteImage",
        delete(json!({"imageDigest": id["imageDigest"]})),
    );
    assert_eq!(
        trial.ok("ListImages", json!({"repositoryName": NAME}))["imageIds"],
        json!([])
    );
    let missing = json!({"repositoryName": NAME, "imageIds": [{"imageTag": "v1"}]});
    assert_eq!(trial.code("DescribeImages", missing), "ImageNotFoundException");
}

#[test]
fn layers_are_uploaded_in_order_and_checked() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    let id = trial.ok("InitiateLayerUpload", json!({"repositoryName": NAME}))["uploadId"].clone();
    let part = |first: usize, bytes: &[u8]| {
        json!({"repositoryName": NAME, "uploadId": id, "partFirstByte": first,
        "partLastByte": first + bytes.len() - 1, "layerPartBlob": STANDARD.encode(bytes)})
    };
    let done = |digest: &str| json!({"repositoryName": NAME, "uploadId": id, "layerDigests": [digest]});
    assert_eq!(
        trial.code("CompleteLayerUpload", done("sha256:0")),
        "EmptyUploadException"
    );
    trial.ok("UploadLayerPart", part(0, b"one"));
    assert_eq!(
        trial.code("UploadLayerPart", part(7, b"two")),
        "InvalidLayerPartException"
    );
    trial.ok("UploadLayerPart", part(3, b"two"));
    assert_eq!(
        trial.code("CompleteLayerUpload", done("sha256:0")),
        "InvalidLayerException"
    );
    let digest = digest(b"onetwo");
    trial.ok("CompleteLayerUpload", done(&digest));
    assert_eq!(
        trial.code("CompleteLayerUpload", done(&digest)),
        "UploadNotFoundException"
    );
    let seen = trial.ok(
        "BatchCheckLayerAvailability",
        json!({"repositoryName": NAME, "layerDigests": [digest, "sha256:0"]}),
    );
    assert_eq!(
        (
            &seen["layers"][0]["layerSize"],
            &seen["layers"][1]["layerAvailability"]
        ),
        (&json!(6), &json!("UNAVAILABLE"))
    );
    let none = json!({"repositoryName": NAME, "layerDigest": "sha256:0"});
    assert_eq!(
        trial.code("GetDownloadUrlForLayer", none),
        "LayersNotFoundException"
    );
}

#[test]
fn lifecycle_policies_are_checked() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    let selection = json!({"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14});
    let rule = |priority: u64, selection: &Value| json!({"rulePriority": priority, "selection": selection, "action": {"type": "expire"}});
    let put = |rules: Value| json!({"repositoryName": NAME, "lifecyclePolicyText": json!({"rules": rules}).to_string()});
    assert_eq!(
        trial.code("GetLifecyclePolicy", json!({"repositoryName": NAME})),
        "LifecyclePolicyNotFoundException"
    );
    trial.ok("PutLifecyclePolicy", put(json!([rule(1, &selection)])));
    assert!(
        trial.ok("GetLifecyclePolicy", json!({"repositoryName": NAME}))["lifecyclePolicyText"].is_string()
    );
    let with = |member: &str, value: Value| {
        let mut other = selection.clone();
        other[member] = value;
        other
    };
    let any = json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5});
    for rules in [
        json!([]),
        json!([rule(0, &selection)]),
        json!([rule(1, &selection), rule(1, &any)]),
        json!([rule(1, &any), rule(2, &selection)]),
        json!([rule(1, &selection), rule(2, &selection)]),
        json!([rule(1, &with("tagStatus", json!("tagged")))]),
        json!([rule(1, &with("tagStatus", json!("all")))]),
        json!([rule(1, &with("countUnit", json!("hours")))]),
        json!([rule(1, &with("countNumber", json!(0)))]),
        json!([rule(1, &with("countType", json!("imageCountMoreThan")))]),
        json!([{"rulePriority": 1, "selection": selection, "action": {"type": "keep"}}]),
    ] {
        assert_eq!(
            trial.code("PutLifecyclePolicy", put(rules.clone())),
            "InvalidParameterException",
            "{rules}"
        );
    }
    trial.ok("DeleteLifecyclePolicy", json!({"repositoryName": NAME}));
    assert_eq!(
        trial.code("DeleteLifecyclePolicy", json!({"repositoryName": NAME})),
        "LifecyclePolicyNotFoundException"
    );
}

#[test]
fn repository_and_registry_policies_are_checked() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    let document = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "ecr:BatchGetImage"}]}).to_string();
    assert_eq!(
        trial.code("GetRepositoryPolicy", json!({"repositoryName": NAME})),
        "RepositoryPolicyNotFoundException"
    );
    assert_eq!(
        trial.code("GetRegistryPolicy", json!({})),
        "RegistryPolicyNotFoundException"
    );
    trial.ok(
        "SetRepositoryPolicy",
        json!({"repositoryName": NAME, "policyText": document}),
    );
    assert_eq!(
        trial.ok("GetRepositoryPolicy", json!({"repositoryName": NAME}))["policyText"],
        json!(document)
    );
    assert_eq!(
        trial.code(
            "SetRepositoryPolicy",
            json!({"repositoryName": NAME, "policyText": "{}"})
        ),
        "InvalidParameterException"
    );
    trial.ok("PutRegistryPolicy", json!({"policyText": document}));
    trial.ok("DeleteRegistryPolicy", json!({}));
    assert_eq!(
        trial.code("DeleteRegistryPolicy", json!({})),
        "RegistryPolicyNotFoundException"
    );
    trial.ok("DeleteRepositoryPolicy", json!({"repositoryName": NAME}));
}

#[test]
fn scanning_is_set_for_the_whole_registry() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    let get = |trial: &mut Trial| {
        trial.ok("GetRegistryScanningConfiguration", json!({}))["scanningConfiguration"].clone()
    };
    assert_eq!(get(&mut trial), json!({"scanType": "BASIC", "rules": []}));
    let rule = json!({"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "prod/*", "filterType": "WILDCARD"}]});
    assert_eq!(
        trial.code(
            "PutRegistryScanningConfiguration",
            json!({"scanType": "BASIC", "rules": [rule]})
        ),
        "InvalidParameterException"
    );
    trial.ok(
        "PutRegistryScanningConfiguration",
        json!({"scanType": "ENHANCED", "rules": [rule]}),
    );
    assert_eq!(get(&mut trial)["rules"], json!([rule]));
    let seen = trial.ok(
        "BatchGetRepositoryScanningConfiguration",
        json!({"repositoryNames": [NAME, "none"]}),
    );
    assert_eq!(
        seen["scanningConfigurations"][0]["scanFrequency"],
        "CONTINUOUS_SCAN"
    );
    assert_eq!(seen["failures"][0]["failureCode"], "REPOSITORY_NOT_FOUND");
}

#[test]
fn an_unscanned_image_has_no_findings() {
    let mut trial = Trial::of("ecr");
    create(&mut trial, json!({}));
    push(&mut trial, "one", "v1");
    let of = |tag: &str| json!({"repositoryName": NAME, "imageId": {"imageTag": tag}});
    assert_eq!(
        trial.code("DescribeImageScanFindings", of("v1")),
        "ScanNotFoundException"
    );
    assert_eq!(
        trial.code("DescribeImageScanFindings", of("v2")),
        "ImageNotFoundException"
    );
    trial.ok("StartImageScan", of("v1"));
    assert_eq!(
        trial.ok("DescribeImageScanFindings", of("v1"))["imageScanStatus"]["status"],
        "COMPLETE"
    );
}

#[test]
fn a_repository_needs_a_usable_key() {
    let mut trial = Trial::of("ecr");
    let made = create(
        &mut trial,
        json!({"encryptionConfiguration": {"encryptionType": "KMS"}}),
    );
    assert!(
        made["encryptionConfiguration"]["kmsKey"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:kms:")
    );
    let with = |kind: &str, key: &str| json!({"repositoryName": "b", "encryptionConfiguration": {"encryptionType": kind, "kmsKey": key}});
    assert_eq!(
        trial.code("CreateRepository", with("KMS", "alias/none")),
        "KmsException"
    );
    assert_eq!(
        trial.code("CreateRepository", with("AES256", "alias/none")),
        "InvalidParameterException"
    );
}

#[test]
fn the_login_token_is_good_for_twelve_hours() {
    let mut trial = Trial::of("ecr");
    let data = trial.ok("GetAuthorizationToken", json!({}))["authorizationData"][0].clone();
    assert_eq!(data["expiresAt"], "2026-03-01T12:00:00Z");
    let token = STANDARD
        .decode(data["authorizationToken"].as_str().unwrap())
        .unwrap();
    assert!(token.starts_with(b"AWS:"));
    assert_eq!(
        trial.code("DescribeRepositories", json!({"registryId": "444455556666"})),
        "AccessDeniedException"
    );
}

#[test]
fn tags_layers_and_settings_have_rules() {
    let mut trial = Trial::of("ecr");
    let arn = create(&mut trial, json!({}))["repositoryArn"].clone();
    let many: Vec<Value> = (0..51)
        .map(|n| json!({"Key": n.to_string(), "Value": ""}))
        .collect();
    for (tags, code) in [
        (json!(many), "TooManyTagsException"),
        (
            json!([{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]),
            "InvalidTagParameterException",
        ),
        (
            json!([{"Key": "aws:a", "Value": ""}]),
            "InvalidTagParameterException",
        ),
    ] {
        assert_eq!(
            trial.code("TagResource", json!({"resourceArn": arn, "tags": tags})),
            code
        );
    }
    assert_eq!(
        trial.code("ListTagsForResource", json!({"resourceArn": "x"})),
        "InvalidParameterException"
    );
    let gone = arn.as_str().unwrap().replace("churn", "none");
    for operation in ["ListTagsForResource", "TagResource", "UntagResource"] {
        assert_eq!(
            trial.code(operation, json!({"resourceArn": gone})),
            "RepositoryNotFoundException"
        );
    }
    let upload = |trial: &mut Trial| {
        let id = trial.ok("InitiateLayerUpload", json!({"repositoryName": NAME}))["uploadId"].clone();
        let part = json!({"repositoryName": NAME, "uploadId": id, "partFirstByte": 0, "partLastByte": 2, "layerPartBlob": STANDARD.encode("one")});
        trial.ok("UploadLayerPart", part);
        json!({"repositoryName": NAME, "uploadId": id, "layerDigests": []})
    };
    let first = upload(&mut trial);
    trial.ok("CompleteLayerUpload", first);
    let second = upload(&mut trial);
    assert_eq!(
        trial.code("CompleteLayerUpload", second),
        "LayerAlreadyExistsException"
    );
    let setting = |value: &str| json!({"name": "BASIC_SCAN_TYPE_VERSION", "value": value});
    assert_eq!(
        trial.code("PutAccountSetting", setting("x")),
        "InvalidParameterException"
    );
    assert_eq!(
        trial.code("GetAccountSetting", json!({"name": "x"})),
        "InvalidParameterException"
    );
    trial.ok("PutAccountSetting", setting("CLAIR"));
    assert_eq!(
        trial.ok("GetAccountSetting", json!({"name": "BASIC_SCAN_TYPE_VERSION"}))["value"],
        "CLAIR"
    );
    assert_eq!(
        trial.code("DescribeRepositories", json!({"nextToken": "?"})),
        "InvalidParameterException"
    );
    let three = json!({"scanType": "ENHANCED", "rules": [{}, {}, {}]});
    assert_eq!(
        trial.code("PutRegistryScanningConfiguration", three),
        "InvalidParameterException"
    );
}

const OPERATIONS: [&str; 37] = [
    "CreateRepository",
    "DescribeRepositories",
    "DeleteRepository",
    "PutImageTagMutability",
    "PutImageScanningConfiguration",
    "GetRegistryScanningConfiguration",
    "PutRegistryScanningConfiguration",
    "BatchGetRepositoryScanningConfiguration",
    "StartImageScan",
    "DescribeImageScanFindings",
    "PutLifecyclePolicy",
    "GetLifecyclePolicy",
    "DeleteLifecyclePolicy",
    "SetRepositoryPolicy",
    "GetRepositoryPolicy",
    "DeleteRepositoryPolicy",
    "PutRegistryPolicy",
    "GetRegistryPolicy",
    "DeleteRegistryPolicy",
    "DescribeRegistry",
    "PutReplicationConfiguration",
    "GetAccountSetting",
    "PutAccountSetting",
    "GetAuthorizationToken",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "PutImage",
    "BatchGetImage",
    "BatchDeleteImage",
    "ListImages",
    "DescribeImages",
    "BatchCheckLayerAvailability",
    "InitiateLayerUpload",
    "UploadLayerPart",
    "CompleteLayerUpload",
    "GetDownloadUrlForLayer",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(calls in proptest::collection::vec((proptest::sample::select(&OPERATIONS[..]), inputs(&[
        "repositoryName", "repositoryNames", "tags", "Key", "Value", "imageTagMutability", "imageTagMutabilityExclusionFilters",
        "filter", "imageScanningConfiguration", "encryptionConfiguration", "encryptionType", "kmsKey", "rules", "scanType",
        "repositoryFilters", "scanFrequency", "lifecyclePolicyText", "policyText", "resourceArn", "imageManifest", "imageTag",
        "imageDigest", "imageId", "imageIds", "layerDigests", "uploadId", "layerPartBlob", "partFirstByte", "nextToken", "maxResults",
    ])), 1..12)) {
        let mut trial = Trial::of("ecr");
        for (operation, input) in calls {
            let _ = trial.call(operation, input, b"");
        }
    }
}
