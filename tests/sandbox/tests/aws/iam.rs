//! Identity and access management.

use serde_json::{Value, json};

use crate::cloud::{ACCOUNT, Cloud, allow, trust};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn role_of(aws: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": aws}, "Action": "sts:AssumeRole"}],
    })
    .to_string()
}

fn policy(cloud: &mut Cloud, name: &str) -> String {
    let made = cloud.ok(
        "iam",
        "CreatePolicy",
        json!({"PolicyName": name, "PolicyDocument": allow(&["s3:GetObject"], "*")}),
    );
    made["Policy"]["Arn"].as_str().unwrap().to_owned()
}

#[test]
fn a_role_is_what_was_asked_for() {
    let mut cloud = Cloud::new();
    let boundary = policy(&mut cloud, "edge");
    let made = cloud.ok(
        "iam",
        "CreateRole",
        json!({
            "RoleName": "Churn", "Path": "/mlops/", "Description": "d", "MaxSessionDuration": 7200,
            "AssumeRolePolicyDocument": trust("eks.amazonaws.com"), "PermissionsBoundary": boundary,
            "Tags": [{"Key": "a", "Value": "b"}],
        }),
    );
    assert_eq!(
        made["Role"]["Arn"],
        format!("arn:aws:iam::{ACCOUNT}:role/mlops/Churn")
    );
    let seen = cloud.ok("iam", "GetRole", json!({"RoleName": "churn"}));
    for member in [
        "RoleId",
        "CreateDate",
        "Tags",
        "PermissionsBoundary",
        "Description",
        "MaxSessionDuration",
    ] {
        assert_eq!(seen["Role"][member], made["Role"][member], "{member}");
        assert!(!seen["Role"][member].is_null(), "{member}");
    }
    assert_eq!(seen["Role"]["RoleId"].as_str().unwrap().len(), 21);
    assert!(
        seen["Role"]["AssumeRolePolicyDocument"]
            .as_str()
            .unwrap()
            .starts_with("%7B%22")
    );
    // Lists tell less.
    let listed = cloud.ok("iam", "ListRoles", json!({"PathPrefix": "/mlops/"}));
    assert!(
        listed["Roles"][0].get("Tags").is_none() && listed["Roles"][0].get("PermissionsBoundary").is_none()
    );
    let elsewhere = cloud.ok("iam", "ListRoles", json!({"PathPrefix": "/other/"}));
    assert_eq!(elsewhere["Roles"], json!([]));
}

#[test]
fn names_that_differ_in_case_are_the_same() {
    let mut cloud = Cloud::new();
    cloud.role("Churn", "eks.amazonaws.com");
    let (code, message) = cloud.no(
        "iam",
        "CreateRole",
        json!({"RoleName": "cHURN", "AssumeRolePolicyDocument": trust("eks.amazonaws.com")}),
    );
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("EntityAlreadyExists", "Role with name cHURN already exists.")
    );
    policy(&mut cloud, "Edge");
    let (code, _) = cloud.no(
        "iam",
        "CreatePolicy",
        json!({"PolicyName": "eDGE", "Path": "/x/", "PolicyDocument": allow(&["s3:*"], "*")}),
    );
    assert_eq!(code, "EntityAlreadyExists");
}

#[test]
fn what_is_not_there_is_no_such_entity() {
    let mut cloud = Cloud::new();
    cloud.role("a", "eks.amazonaws.com");
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/none");
    for (operation, input) in [
        ("GetRole", json!({"RoleName": "none"})),
        ("DeleteRole", json!({"RoleName": "none"})),
        ("GetRolePolicy", json!({"RoleName": "a", "PolicyName": "none"})),
        ("DeleteRolePolicy", json!({"RoleName": "a", "PolicyName": "none"})),
        ("AttachRolePolicy", json!({"RoleName": "a", "PolicyArn": arn})),
        (
            "AttachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": "arn:aws:iam::aws:policy/NoneSuch"}),
        ),
        (
            "DetachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": READ_ONLY}),
        ),
        (
            "PutRolePermissionsBoundary",
            json!({"RoleName": "a", "PermissionsBoundary": arn}),
        ),
        ("DeleteRolePermissionsBoundary", json!({"RoleName": "a"})),
        ("GetPolicy", json!({"PolicyArn": arn})),
        ("DeletePolicy", json!({"PolicyArn": arn})),
        ("ListEntitiesForPolicy", json!({"PolicyArn": arn})),
        (
            "GetPolicyVersion",
            json!({"PolicyArn": READ_ONLY, "VersionId": "v2"}),
        ),
        ("GetInstanceProfile", json!({"InstanceProfileName": "none"})),
        (
            "GetOpenIDConnectProvider",
            json!({"OpenIDConnectProviderArn": "arn:aws:iam::1:oidc-provider/x"}),
        ),
        (
            "DeleteOpenIDConnectProvider",
            json!({"OpenIDConnectProviderArn": "arn:aws:iam::1:oidc-provider/x"}),
        ),
        (
            "GetServiceLinkedRoleDeletionStatus",
            json!({"DeletionTaskId": "task"}),
        ),
        ("DeleteServiceLinkedRole", json!({"RoleName": "a"})),
        ("GetUser", json!({"UserName": "none"})),
        (
            "SimulatePrincipalPolicy",
            json!({"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"]}),
        ),
    ] {
        let (code, message) = cloud.no("iam", operation, input);
        assert_eq!(code, "NoSuchEntity", "{operation}: {message}");
    }
}

#[test]
fn an_unknown_operation_is_refused_and_never_a_friendly_200() {
    let mut cloud = Cloud::new();
    assert_eq!(
        cloud.no("iam", "CreateUser", json!({})).0,
        "UnknownOperationException"
    );
    assert_eq!(
        cloud.no("sqs", "ListQueues", json!({})).0,
        "UnknownOperationException"
    );
}

#[test]
fn a_role_goes_when_nothing_hangs_on_it() {
    let mut cloud = Cloud::new();
    cloud.role("a", "ec2.amazonaws.com");
    cloud.ok(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": READ_ONLY}),
    );
    cloud.ok(
        "iam",
        "PutRolePolicy",
        json!({"RoleName": "a", "PolicyName": "p", "PolicyDocument": allow(&["s3:*"], "*")}),
    );
    cloud.ok(
        "iam",
        "CreateInstanceProfile",
        json!({"InstanceProfileName": "i"}),
    );
    cloud.ok(
        "iam",
        "AddRoleToInstanceProfile",
        json!({"InstanceProfileName": "i", "RoleName": "a"}),
    );
    cloud.role("b", "ec2.amazonaws.com");
    let (code, _) = cloud.no(
        "iam",
        "AddRoleToInstanceProfile",
        json!({"InstanceProfileName": "i", "RoleName": "b"}),
    );
    assert_eq!(code, "LimitExceeded");

    let gone = |cloud: &mut Cloud| cloud.no("iam", "DeleteRole", json!({"RoleName": "a"})).1;
    assert!(gone(&mut cloud).contains("detach all policies"));
    cloud.ok(
        "iam",
        "DetachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": READ_ONLY}),
    );
    assert!(gone(&mut cloud).contains("delete policies"));
    cloud.ok(
        "iam",
        "DeleteRolePolicy",
        json!({"RoleName": "a", "PolicyName": "p"}),
    );
    assert!(gone(&mut cloud).contains("instance profile"));
    assert_eq!(
        cloud
            .no(
                "iam",
                "DeleteInstanceProfile",
                json!({"InstanceProfileName": "i"})
            )
            .0,
        "DeleteConflict"
    );
    cloud.ok(
        "iam",
        "RemoveRoleFromInstanceProfile",
        json!({"InstanceProfileName": "i", "RoleName": "a"}),
    );
    cloud.ok(
        "iam",
        "DeleteInstanceProfile",
        json!({"InstanceProfileName": "i"}),
    );
    cloud.ok("iam", "DeleteRole", json!({"RoleName": "a"}));
    assert_eq!(
        cloud.no("iam", "GetRole", json!({"RoleName": "a"})).0,
        "NoSuchEntity"
    );
}

#[test]
fn quotas_are_kept() {
    let mut cloud = Cloud::new();
    cloud.role("a", "eks.amazonaws.com");
    // Ten managed policies on a role.
    let arns: Vec<String> = (0..11).map(|n| policy(&mut cloud, &format!("p{n}"))).collect();
    for arn in &arns[..10] {
        cloud.ok(
            "iam",
            "AttachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": arn}),
        );
    }
    let (code, message) = cloud.no(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": arns[10]}),
    );
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
    );
    cloud.ok(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": arns[0]}),
    );

    // Inline policies of a role together; white space is free.
    let long = |characters: usize| {
        let empty = allow(&["s3:GetObject"], "arn:aws:s3:::").chars().count();
        allow(
            &["s3:GetObject"],
            &format!("arn:aws:s3:::{}", "x".repeat(characters - empty)),
        )
    };
    let put = |name: &str, text: String| json!({"RoleName": "a", "PolicyName": name, "PolicyDocument": text});
    cloud.ok("iam", "PutRolePolicy", put("one", long(10_000)));
    let (code, message) = cloud.no("iam", "PutRolePolicy", put("two", long(241)));
    assert_eq!(code, "LimitExceeded");
    assert!(message.contains("10240"), "{message}");
    cloud.ok(
        "iam",
        "PutRolePolicy",
        put("two", format!("{}{}", " ".repeat(500), long(240))),
    );
    // Replacing does not count twice.
    cloud.ok("iam", "PutRolePolicy", put("one", long(9_999)));

    let version = |text: String| json!({"PolicyName": "long", "PolicyDocument": text});
    let (code, message) = cloud.no("iam", "CreatePolicy", version(long(6_145)));
    assert_eq!((code.as_str(), message.contains("6144")), ("LimitExceeded", true));
    cloud.ok("iam", "CreatePolicy", version(long(6_144)));

    let trust = |count: usize| {
        let services: Vec<String> = (0..count).map(|n| format!("s{n}.amazonaws.com")).collect();
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}]})
            .to_string()
    };
    let (code, message) = cloud.no(
        "iam",
        "UpdateAssumeRolePolicy",
        json!({"RoleName": "a", "PolicyDocument": trust(120)}),
    );
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048")
    );

    let tags: Vec<Value> = (0..51)
        .map(|n| json!({"Key": format!("k{n}"), "Value": ""}))
        .collect();
    assert_eq!(
        cloud
            .no("iam", "TagRole", json!({"RoleName": "a", "Tags": tags}))
            .0,
        "LimitExceeded"
    );
    assert_eq!(
        cloud
            .no(
                "iam",
                "TagRole",
                json!({"RoleName": "a", "Tags": [{"Key": "aws:x", "Value": ""}]})
            )
            .0,
        "InvalidInput"
    );
}

#[test]
fn a_policy_has_five_versions_and_one_in_force() {
    let mut cloud = Cloud::new();
    let arn = policy(&mut cloud, "p");
    for number in 2..=5 {
        let made = cloud.ok(
            "iam",
            "CreatePolicyVersion",
            json!({"PolicyArn": arn, "PolicyDocument": allow(&["s3:*"], "*"), "SetAsDefault": number == 3}),
        );
        assert_eq!(made["PolicyVersion"]["VersionId"], format!("v{number}"));
    }
    let more = json!({"PolicyArn": arn, "PolicyDocument": allow(&["s3:*"], "*")});
    assert_eq!(
        cloud.no("iam", "CreatePolicyVersion", more.clone()).0,
        "LimitExceeded"
    );
    assert_eq!(
        cloud
            .no(
                "iam",
                "DeletePolicyVersion",
                json!({"PolicyArn": arn, "VersionId": "v3"})
            )
            .0,
        "DeleteConflict"
    );
    assert!(
        cloud
            .no("iam", "DeletePolicy", json!({"PolicyArn": arn}))
            .1
            .contains("more than one version")
    );
    cloud.ok(
        "iam",
        "DeletePolicyVersion",
        json!({"PolicyArn": arn, "VersionId": "v2"}),
    );
    // Numbers are not used twice.
    assert_eq!(
        cloud.ok("iam", "CreatePolicyVersion", more)["PolicyVersion"]["VersionId"],
        "v6"
    );
    let versions = cloud.all(
        "iam",
        "ListPolicyVersions",
        json!({"PolicyArn": arn, "MaxItems": 2}),
        "Versions",
        "Marker",
    );
    let ids: Vec<_> = versions
        .iter()
        .map(|version| version["VersionId"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["v6", "v5", "v4", "v3", "v1"]);
    cloud.ok(
        "iam",
        "SetDefaultPolicyVersion",
        json!({"PolicyArn": arn, "VersionId": "v5"}),
    );
    assert_eq!(
        cloud.ok("iam", "GetPolicy", json!({"PolicyArn": arn}))["Policy"]["DefaultVersionId"],
        "v5"
    );
}

#[test]
fn a_policy_in_use_stays() {
    let mut cloud = Cloud::new();
    cloud.role("a", "eks.amazonaws.com");
    let arn = policy(&mut cloud, "p");
    cloud.ok(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": arn}),
    );
    let seen = cloud.ok("iam", "GetPolicy", json!({"PolicyArn": arn}));
    assert_eq!(seen["Policy"]["AttachmentCount"], 1);
    assert_eq!(
        cloud.no("iam", "DeletePolicy", json!({"PolicyArn": arn})).0,
        "DeleteConflict"
    );
    cloud.ok(
        "iam",
        "DetachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": arn}),
    );
    cloud.ok(
        "iam",
        "PutRolePermissionsBoundary",
        json!({"RoleName": "a", "PermissionsBoundary": arn}),
    );
    assert_eq!(
        cloud.no("iam", "DeletePolicy", json!({"PolicyArn": arn})).0,
        "DeleteConflict"
    );
    let entities = cloud.ok("iam", "ListEntitiesForPolicy", json!({"PolicyArn": arn}));
    assert_eq!(entities["PolicyRoles"][0]["RoleName"], "a");
    cloud.ok("iam", "DeleteRolePermissionsBoundary", json!({"RoleName": "a"}));
    cloud.ok("iam", "DeletePolicy", json!({"PolicyArn": arn}));
}

#[test]
fn amazons_own_policies_are_there_and_cannot_be_changed() {
    let mut cloud = Cloud::new();
    let version = cloud.ok(
        "iam",
        "GetPolicyVersion",
        json!({"PolicyArn": READ_ONLY, "VersionId": "v1"}),
    );
    assert!(
        version["PolicyVersion"]["Document"]
            .as_str()
            .unwrap()
            .contains("Statement")
    );
    let seen = cloud.ok(
        "iam",
        "GetPolicy",
        json!({"PolicyArn": "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"}),
    );
    assert_eq!(seen["Policy"]["Path"], "/service-role/");
    for operation in ["DeletePolicy", "CreatePolicyVersion", "TagPolicy"] {
        let input = json!({"PolicyArn": READ_ONLY, "PolicyDocument": allow(&["s3:*"], "*"), "Tags": []});
        assert_eq!(cloud.no("iam", operation, input).0, "AccessDenied", "{operation}");
    }
    let all = cloud.all(
        "iam",
        "ListPolicies",
        json!({"Scope": "AWS", "MaxItems": 500}),
        "Policies",
        "Marker",
    );
    assert!(all.len() > 1_000);
}

#[test]
fn principals_of_a_trust_policy_must_exist() {
    let mut cloud = Cloud::new();
    let create =
        |name: &str, document: String| json!({"RoleName": name, "AssumeRolePolicyDocument": document});
    let other = format!("arn:aws:iam::{ACCOUNT}:role/other");
    let (code, message) = cloud.no("iam", "CreateRole", create("a", role_of(&other)));
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "MalformedPolicyDocument",
            format!("Invalid principal in policy: \"AWS\":\"{other}\"").as_str()
        )
    );
    cloud.role("other", "eks.amazonaws.com");
    cloud.ok("iam", "CreateRole", create("a", role_of(&other)));
    cloud.ok("iam", "CreateRole", create("b", role_of(ACCOUNT)));
    cloud.ok(
        "iam",
        "CreateRole",
        create("c", role_of(&format!("arn:aws:iam::{ACCOUNT}:user/operator"))),
    );
    for document in [
        role_of(&format!("arn:aws:iam::{ACCOUNT}:user/nobody")),
        role_of("AROAAAAAAAAAAAAAAAAAA"),
        trust("eks.example.com"),
    ] {
        assert_eq!(
            cloud.no("iam", "CreateRole", create("d", document)).0,
            "MalformedPolicyDocument"
        );
    }
    let federated = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "x"}, "Action": "sts:AssumeRoleWithWebIdentity"}]});
    let (_, message) = cloud.no("iam", "CreateRole", create("d", federated.to_string()));
    assert_eq!(
        message,
        "Federated principals must be valid domain names or SAML metadata ARNs"
    );
}

#[test]
fn what_was_made_a_moment_ago_is_not_seen_by_others_yet() {
    let mut cloud = Cloud::new();
    cloud.world.behaviour.lag = 8.0;
    let arn = cloud.role("fresh", "eks.amazonaws.com");
    let user = json!({"RoleName": "user", "AssumeRolePolicyDocument": role_of(&arn)});
    assert_eq!(
        cloud.no("iam", "CreateRole", user.clone()).0,
        "MalformedPolicyDocument"
    );
    let policy = policy(&mut cloud, "p");
    let attach = json!({"RoleName": "fresh", "PolicyArn": policy});
    assert_eq!(
        cloud.no("iam", "AttachRolePolicy", attach.clone()).0,
        "NoSuchEntity"
    );
    cloud.later(8.0);
    cloud.ok("iam", "CreateRole", user);
    cloud.ok("iam", "AttachRolePolicy", attach);
}

#[test]
fn an_issuer_has_one_provider() {
    let mut cloud = Cloud::new();
    let url = "https://token.actions.githubusercontent.com";
    let create =
        json!({"Url": url, "ClientIDList": ["sts.amazonaws.com"], "Tags": [{"Key": "a", "Value": "b"}]});
    let made = cloud.ok("iam", "CreateOpenIDConnectProvider", create.clone());
    let arn = made["OpenIDConnectProviderArn"].clone();
    assert_eq!(
        arn,
        format!("arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com")
    );
    let (code, message) = cloud.no("iam", "CreateOpenIDConnectProvider", create);
    assert_eq!(
        (code.as_str(), message),
        (
            "EntityAlreadyExists",
            format!("Provider with url {url} already exists.")
        )
    );
    for bad in ["http://a.example", "https://a.example:8443/x", "a.example"] {
        assert_eq!(
            cloud
                .no("iam", "CreateOpenIDConnectProvider", json!({"Url": bad}))
                .0,
            "ValidationError",
            "{bad}"
        );
    }
    let of = |client: &str| json!({"OpenIDConnectProviderArn": arn, "ClientID": client});
    for _ in 0..2 {
        cloud.ok("iam", "AddClientIDToOpenIDConnectProvider", of("more"));
    }
    cloud.ok(
        "iam",
        "RemoveClientIDFromOpenIDConnectProvider",
        of("never there"),
    );
    let seen = cloud.ok(
        "iam",
        "GetOpenIDConnectProvider",
        json!({"OpenIDConnectProviderArn": arn}),
    );
    assert_eq!(seen["ClientIDList"], json!(["sts.amazonaws.com", "more"]));
    assert_eq!(seen["Url"], "token.actions.githubusercontent.com");
    assert_eq!(seen["ThumbprintList"][0].as_str().unwrap().len(), 40);
    let six = vec!["a".repeat(40); 6];
    assert_eq!(
        cloud
            .no(
                "iam",
                "UpdateOpenIDConnectProviderThumbprint",
                json!({"OpenIDConnectProviderArn": arn, "ThumbprintList": six})
            )
            .0,
        "InvalidInput"
    );
    for n in 1..100 {
        cloud.ok(
            "iam",
            "CreateOpenIDConnectProvider",
            json!({"Url": format!("https://i.example/{n}")}),
        );
    }
    assert_eq!(
        cloud
            .no(
                "iam",
                "CreateOpenIDConnectProvider",
                json!({"Url": "https://i.example/100"})
            )
            .0,
        "LimitExceeded"
    );
}

#[test]
fn a_service_linked_role_is_made_once_and_changed_by_nobody() {
    let mut cloud = Cloud::new();
    let create = json!({"AWSServiceName": "eks.amazonaws.com"});
    let made = cloud.ok("iam", "CreateServiceLinkedRole", create.clone());
    assert_eq!(made["Role"]["RoleName"], "AWSServiceRoleForAmazonEKS");
    assert_eq!(
        cloud.no("iam", "CreateServiceLinkedRole", create).0,
        "InvalidInput"
    );
    assert_eq!(
        cloud
            .no(
                "iam",
                "CreateServiceLinkedRole",
                json!({"AWSServiceName": "none.amazonaws.com"})
            )
            .0,
        "InvalidInput"
    );
    let name = json!({"RoleName": "AWSServiceRoleForAmazonEKS"});
    assert_eq!(
        cloud.no("iam", "DeleteRole", name.clone()).0,
        "UnmodifiableEntity"
    );
    let task = cloud.ok("iam", "DeleteServiceLinkedRole", name.clone())["DeletionTaskId"].clone();
    let status = cloud.ok(
        "iam",
        "GetServiceLinkedRoleDeletionStatus",
        json!({"DeletionTaskId": task}),
    );
    assert_eq!(status["Status"], "SUCCEEDED");
    assert_eq!(cloud.no("iam", "GetRole", name).0, "NoSuchEntity");
}

#[test]
fn lists_come_in_pages_without_gaps() {
    let mut cloud = Cloud::new();
    for n in 0..7 {
        cloud.role(&format!("role-{n}"), "eks.amazonaws.com");
    }
    cloud.world.behaviour.page = 3;
    let roles = cloud.all("iam", "ListRoles", json!({}), "Roles", "Marker");
    let names: Vec<_> = roles
        .iter()
        .map(|role| role["RoleName"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, (0..7).map(|n| format!("role-{n}")).collect::<Vec<_>>());
    assert_eq!(
        cloud.no("iam", "ListRoles", json!({"Marker": "bad"})).0,
        "ValidationError"
    );
    let details = cloud.all(
        "iam",
        "GetAccountAuthorizationDetails",
        json!({}),
        "RoleDetailList",
        "Marker",
    );
    assert_eq!(details.len(), 7);
}

#[test]
fn a_simulation_answers_as_a_call_would_be() {
    let mut cloud = Cloud::new();
    let arn = cloud.role("a", "ec2.amazonaws.com");
    let edge = cloud.ok(
        "iam",
        "CreatePolicy",
        json!({"PolicyName": "edge", "PolicyDocument": allow(&["s3:Get*", "s3:Put*"], "*")}),
    );
    cloud.ok(
        "iam",
        "PutRolePermissionsBoundary",
        json!({"RoleName": "a", "PermissionsBoundary": edge["Policy"]["Arn"]}),
    );
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::models/*"},
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "a"}}},
    ]});
    cloud.ok(
        "iam",
        "PutRolePolicy",
        json!({"RoleName": "a", "PolicyName": "p", "PolicyDocument": document.to_string()}),
    );
    let answer = cloud.ok(
        "iam",
        "SimulatePrincipalPolicy",
        json!({
            "PolicySourceArn": arn,
            "ActionNames": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "ResourceArns": ["arn:aws:s3:::models/1"],
            "ContextEntries": [{"ContextKeyName": "aws:PrincipalTag/team", "ContextKeyType": "string", "ContextKeyValues": ["a"]}],
        }),
    );
    let words: Vec<_> = answer["EvaluationResults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["EvalDecision"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["allowed", "explicitDeny", "implicitDeny"]);
    assert_eq!(
        answer["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"],
        "p"
    );
    let custom = cloud.ok(
        "iam",
        "SimulateCustomPolicy",
        json!({"PolicyInputList": [document.to_string()], "ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::other/1"]}),
    );
    assert_eq!(custom["EvaluationResults"][0]["EvalDecision"], "implicitDeny");
    assert_eq!(
        custom["EvaluationResults"][0]["MissingContextValues"],
        json!(["aws:PrincipalTag/team"])
    );
    assert_eq!(
        cloud
            .no(
                "iam",
                "SimulateCustomPolicy",
                json!({"PolicyInputList": ["{"], "ActionNames": ["s3:GetObject"]})
            )
            .0,
        "InvalidInput"
    );
}
