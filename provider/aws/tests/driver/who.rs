//! Roles, policies, OIDC providers, and who is calling.

use std::collections::{BTreeMap, BTreeSet};

use mlops_aws::CredentialsKind;
use mlops_environment::aws::{ManagedPolicy, OidcProvider, Role};
use mlops_environment::component::{Kind, Management, Observation, Owner};
use mlops_environment::driver::{Driver, Reason};
use serde_json::json;

use crate::documents::{allow, other_trust, trust};
use crate::harness::{
    ACCOUNT, ENVIRONMENT, Hurry, UID, changed, component, deleted, diff, driver, life, made, present, tags,
};
use crate::server::emulator;

pub(crate) fn policy(name: &str) -> ManagedPolicy {
    ManagedPolicy {
        name: name.into(),
        path: "/mlops/test/".into(),
        description: "boundary".into(),
        document: allow("s3:GetObject"),
        tags: tags("boundaries.ci"),
    }
}

fn role(name: &str) -> Role {
    Role {
        name: name.into(),
        path: "/mlops/test/".into(),
        description: "ci".into(),
        trust: trust(),
        inline_policies: BTreeMap::from([
            ("a".to_owned(), allow("s3:GetObject")),
            ("b".to_owned(), allow("s3:PutObject")),
        ]),
        managed_policies: BTreeSet::from(["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy".to_owned()]),
        permissions_boundary: None,
        max_session_seconds: 3600,
        tags: tags("identities.ci"),
    }
}

#[tokio::test]
async fn says_who_is_calling_without_a_long_term_key() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    assert_eq!(aws.credentials_kind().await.unwrap(), CredentialsKind::Temporary);
    assert_eq!(aws.at_amazon(), Vec::<&str>::new());
    let caller = aws.caller().await.unwrap();
    assert_eq!(
        (caller.account.as_str(), caller.partition.as_str()),
        (ACCOUNT, "aws")
    );
    assert_eq!(aws.caller().await.unwrap(), caller);
    assert_eq!(aws.calls().counts()["sts:GetCallerIdentity"], 1);
}

#[tokio::test]
async fn a_policy_lives_through_more_versions_than_iam_keeps() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    made(
        &aws,
        &component("boundaries.ci", Kind::AwsPolicy, &policy("life")),
    )
    .await;
    for number in 0..7 {
        let mut next = ManagedPolicy {
            document: allow(&format!("s3:Get{number}")),
            ..policy("life")
        };
        next.tags.insert("number".into(), number.to_string());
        changed(&aws, &component("boundaries.ci", Kind::AwsPolicy, &next)).await;
    }
    let mut last = policy("life");
    last.tags.insert("number".into(), "6".into());
    deleted(&aws, &component("boundaries.ci", Kind::AwsPolicy, &last)).await;
}

#[tokio::test]
async fn a_role_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let boundary = made(
        &aws,
        &component("boundaries.ci", Kind::AwsPolicy, &policy("of-role")),
    )
    .await
    .id;
    let first = Role {
        permissions_boundary: Some(boundary.clone()),
        ..role("life")
    };
    let mut second = Role {
        description: "other".into(),
        trust: other_trust(),
        inline_policies: BTreeMap::from([
            ("b".to_owned(), allow("s3:ListBucket")),
            ("c".to_owned(), allow("s3:Get*")),
        ]),
        managed_policies: BTreeSet::from([boundary]),
        permissions_boundary: None,
        max_session_seconds: 7200,
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    let (first, second) = (
        component("identities.ci", Kind::AwsRole, &first),
        component("identities.ci", Kind::AwsRole, &second),
    );
    let found = made(&aws, &first).await;
    assert_eq!(
        found.outputs["arn"],
        format!("arn:aws:iam::{ACCOUNT}:role/mlops/test/life")
    );
    let seen = emulator.boto3(
        "iam = client('iam')\nrole = iam.get_role(RoleName='life')['Role']\n\
         show([role['AssumeRolePolicyDocument'], role['PermissionsBoundary']['PermissionsBoundaryArn'], \
         {t['Key']: t['Value'] for t in role['Tags']}, iam.list_role_policies(RoleName='life')['PolicyNames'], \
         iam.get_role_policy(RoleName='life', PolicyName='a')['PolicyDocument']])",
    );
    assert_eq!(seen[0].to_string(), trust());
    assert_eq!(seen[2], json!(tags("identities.ci")));
    assert_eq!(
        (&seen[3], seen[4].to_string()),
        (&json!(["a", "b"]), allow("s3:GetObject"))
    );
    changed(&aws, &second).await;
    deleted(&aws, &second).await;
}

#[tokio::test]
async fn foreign_policies_on_a_role_are_told_and_taken_off() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = component("identities.ci", Kind::AwsRole, &role("attacked"));
    made(&aws, &wanted).await;
    emulator.boto3(
        "iam = client('iam')\n\
         iam.attach_role_policy(RoleName='attacked', PolicyArn='arn:aws:iam::aws:policy/AdministratorAccess')\n\
         iam.put_role_policy(RoleName='attacked', PolicyName='theirs', PolicyDocument=json.dumps({'Version': '2012-10-17', \
         'Statement': [{'Effect': 'Allow', 'Action': 's3:*', 'Resource': '*'}]}))",
    );
    let found = present(&aws, &wanted).await;
    assert_eq!(
        found.foreign,
        [
            "foreign policy arn:aws:iam::aws:policy/AdministratorAccess attached",
            "foreign inline policy theirs"
        ]
    );
    assert_eq!(diff(&wanted, &found), []);
    changed(&aws, &wanted).await;
}

#[tokio::test]
async fn a_role_with_foreign_policies_can_be_deleted() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = component("identities.ci", Kind::AwsRole, &role("burdened"));
    made(&aws, &wanted).await;
    emulator.boto3(
        "iam = client('iam')\n\
         iam.attach_role_policy(RoleName='burdened', PolicyArn='arn:aws:iam::aws:policy/ReadOnlyAccess')\n\
         iam.create_instance_profile(InstanceProfileName='p')\n\
         iam.add_role_to_instance_profile(InstanceProfileName='p', RoleName='burdened')",
    );
    deleted(&aws, &wanted).await;
}

#[tokio::test]
async fn an_existing_name_is_told_as_such() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let wanted = component("identities.ci", Kind::AwsRole, &role("twice"));
    made(&aws, &wanted).await;
    let failure = aws.create(&wanted, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.operation.as_str(), failure.reason),
        ("iam:CreateRole", Reason::AlreadyExists)
    );
}

#[tokio::test]
async fn what_is_fixed_at_creation_is_refused_with_a_reason() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    made(&aws, &component("identities.ci", Kind::AwsRole, &role("fixed"))).await;
    let moved = component(
        "identities.ci",
        Kind::AwsRole,
        &Role {
            path: "/".into(),
            ..role("fixed")
        },
    );
    let found = present(&aws, &moved).await;
    let failure = aws
        .update(&moved, &found, &diff(&moved, &found), &Hurry::default())
        .await
        .unwrap_err();
    assert_eq!(failure.reason, Reason::Invalid);
    assert!(
        failure.message.contains("path") && failure.message.contains("fixes it at creation"),
        "{failure}"
    );
}

pub(crate) fn provider(url: &str, audiences: &[&str]) -> OidcProvider {
    OidcProvider {
        url: url.into(),
        audiences: audiences.iter().map(|audience| (*audience).to_owned()).collect(),
        tags: tags("oidc"),
    }
}

#[tokio::test]
async fn an_oidc_provider_of_ones_own_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let first = provider("https://issuer.example/own", &["sts.amazonaws.com", "old"]);
    let mut second = provider("https://issuer.example/own", &["sts.amazonaws.com", "new"]);
    second.tags.insert("team".into(), "a".into());
    let first = component("oidc", Kind::AwsOidcProvider, &first);
    life(&aws, &first, &component("oidc", Kind::AwsOidcProvider, &second)).await;
}

#[tokio::test]
async fn a_shared_oidc_provider_stays_as_long_as_somebody_uses_it() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let url = "https://issuer.example/shared";
    let mut ours = component(
        "oidc",
        Kind::AwsOidcProvider,
        &provider(url, &["sts.amazonaws.com"]),
    );
    ours.management = Management::Shared;
    let mut theirs = provider(url, &["other.example"]);
    theirs
        .tags
        .insert("mlops:environment".into(), "aws/1/r/other".into());
    let mut theirs = component("oidc", Kind::AwsOidcProvider, &theirs);
    theirs.management = Management::Shared;

    made(&aws, &ours).await;
    // A second environment finds it, marks its use and adds its audience.
    let found = present(&aws, &theirs).await;
    assert_eq!(
        found.owner,
        Owner::Environment {
            id: ENVIRONMENT.into(),
            uid: UID.into()
        }
    );
    assert_eq!(diff(&theirs, &found).len(), 2);
    changed(&aws, &theirs).await;
    assert_eq!(diff(&ours, &present(&aws, &ours).await), []);

    // The maker leaves: the provider stays, with the other's mark and both audiences.
    let found = present(&aws, &ours).await;
    aws.delete(&ours, &found, &Hurry::default()).await.unwrap();
    let left = present(&aws, &theirs).await;
    assert_eq!(diff(&theirs, &left), []);

    // The last one takes it down.
    aws.delete(&theirs, &left, &Hurry::default()).await.unwrap();
    assert_eq!(aws.observe(&theirs).await.unwrap(), Observation::Absent);
}

#[tokio::test]
async fn a_shared_oidc_provider_that_we_did_not_make_is_never_deleted() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let url = "https://issuer.example/foreign";
    emulator.boto3(&format!(
        "client('iam').create_open_id_connect_provider(Url={url:?}, ClientIDList=['theirs'])"
    ));
    let mut wanted = component(
        "oidc",
        Kind::AwsOidcProvider,
        &provider(url, &["sts.amazonaws.com"]),
    );
    wanted.management = Management::Shared;
    assert_eq!(present(&aws, &wanted).await.owner, Owner::Unmarked);
    let used = changed(&aws, &wanted).await;
    aws.delete(&wanted, &used, &Hurry::default()).await.unwrap();
    let seen = emulator.boto3(
        "iam = client('iam')\n\
         arn = next(p['Arn'] for p in iam.list_open_id_connect_providers()['OpenIDConnectProviderList'] if 'foreign' in p['Arn'])\n\
         found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)\n\
         show([sorted(found['ClientIDList']), found.get('Tags', [])])",
    );
    assert_eq!(seen, json!([["sts.amazonaws.com", "theirs"], []]));
}
