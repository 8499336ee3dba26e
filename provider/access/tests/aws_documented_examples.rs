//! AWS's documented evaluation examples as cases. Each names its page in the IAM user guide
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/>).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests panic to fail")]

use mlops_access::aws::{Caller, Context, Decision, Denial, Layer, Policies, Policy, Request, evaluate};
use mlops_access::verdict::Verdict;

const ACCOUNT: &str = "123456789012";

fn policy(text: &str) -> Policy {
    let policy = Policy::parse(text).unwrap();
    assert!(
        policy
            .statements
            .iter()
            .all(|statement| statement.unread.is_empty()),
        "{policy:?}"
    );
    policy
}

fn user(name: &str) -> Caller {
    Caller::user(format!("arn:aws:iam::{ACCOUNT}:user/{name}"))
}

fn role(name: &str) -> Caller {
    Caller::role(format!("arn:aws:iam::{ACCOUNT}:role/{name}"))
}

fn may(caller: Caller, action: &str, resource: &str, policies: &Policies<'_>) -> Verdict {
    evaluate(&Request::new(caller, action, resource), policies).verdict()
}

/// `reference_policies_evaluation-logic.html`, "Example of identity-based and resource-based policy evaluation": Carlos.
#[test]
fn carlos_and_the_three_buckets() {
    let identity = policy(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Sid": "AllowS3ListRead", "Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:GetAccountPublicAccessBlock",
             "s3:ListAccessPoints", "s3:ListAllMyBuckets"], "Resource": "arn:aws:s3:::*"},
            {"Sid": "AllowS3Self", "Effect": "Allow", "Action": "s3:*",
             "Resource": ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"]},
            {"Sid": "DenyS3Logs", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::*log*"}]}"#,
    );
    let bucket = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/carlossalazar"},
            "Action": "s3:*", "Resource": ["arn:aws:s3:::carlossalazar/*", "arn:aws:s3:::carlossalazar"]}}"#,
    );
    let carlos = || user("carlossalazar");
    let with_bucket = Policies::identity([&identity]).on_resource_with(&bucket);
    assert_eq!(
        may(
            carlos(),
            "s3:PutObject",
            "arn:aws:s3:::carlossalazar/object1",
            &with_bucket
        ),
        Verdict::Yes
    );
    // A name with "log" in it is denied, whatever allows.
    assert_eq!(
        may(
            carlos(),
            "s3:PutObject",
            "arn:aws:s3:::carlossalazar/object1.log",
            &with_bucket
        ),
        Verdict::No
    );
    assert_eq!(
        may(
            carlos(),
            "s3:GetObject",
            "arn:aws:s3:::other/object1",
            &with_bucket
        ),
        Verdict::No
    );
    // The bucket's policy alone suffices within one account.
    assert_eq!(
        may(
            carlos(),
            "s3:GetObject",
            "arn:aws:s3:::carlossalazar/x",
            &Policies::resource(&bucket)
        ),
        Verdict::Yes
    );
    // Nobody else is named.
    assert_eq!(
        may(
            user("nikki"),
            "s3:GetObject",
            "arn:aws:s3:::carlossalazar/x",
            &Policies::resource(&bucket)
        ),
        Verdict::No
    );
}

/// `access_policies_boundaries.html`, "Permissions boundaries": Shirley.
#[test]
fn a_boundary_limits_and_grants_nothing() {
    let boundary = policy(
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "cloudwatch:*", "ec2:*"], "Resource": "*"}]}"#,
    );
    let identity = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*"}}"#,
    );
    let shirley = || user("ShirleyRodriguez");
    let new_user = "arn:aws:iam::123456789012:user/x";
    assert_eq!(
        may(
            shirley(),
            "iam:CreateUser",
            new_user,
            &Policies::identity([&identity])
        ),
        Verdict::Yes
    );
    let bounded = Policies::identity([&identity]).bounded_by(&boundary);
    let decision = evaluate(&Request::new(shirley(), "iam:CreateUser", new_user), &bounded);
    assert_eq!(
        decision,
        Decision::Denied {
            by: Denial::Implicit(Layer::Boundary)
        }
    );
    assert_eq!(
        may(shirley(), "s3:GetObject", "arn:aws:s3:::x/y", &bounded),
        Verdict::No
    );
}

/// `access_policies_boundaries.html`, "Evaluating effective permissions with boundaries: Resource-based policies": a policy that
/// names a user or a session is not limited by an implicit denial of the boundary, one that names the role is.
#[test]
fn a_resource_policy_that_names_the_role_is_limited_by_the_boundary() {
    let boundary = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}"#,
    );
    let naming = |principal: &str| {
        policy(&format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}},
                "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}}}}"#
        ))
    };
    let get = |caller: Caller, bucket: &Policy| {
        may(
            caller,
            "s3:GetObject",
            "arn:aws:s3:::b/x",
            &Policies::resource(bucket).bounded_by(&boundary),
        )
    };
    let session = Caller::Role {
        arn: format!("arn:aws:iam::{ACCOUNT}:role/path/app"),
        session: Some("one".into()),
    };
    assert_eq!(
        get(user("ada"), &naming("arn:aws:iam::123456789012:user/ada")),
        Verdict::Yes
    );
    assert_eq!(
        get(role("app"), &naming("arn:aws:iam::123456789012:role/app")),
        Verdict::No
    );
    assert_eq!(
        get(session, &naming("arn:aws:sts::123456789012:assumed-role/app/one")),
        Verdict::Yes
    );
    // Of a session without a name it cannot be told whether it is that one.
    assert!(
        get(
            role("app"),
            &naming("arn:aws:sts::123456789012:assumed-role/app/one")
        )
        .is_unknown()
    );
}

/// `reference_policies_evaluation-logic-cross-account.html`, "Example cross-account policy evaluation".
#[test]
fn across_accounts_both_sides_must_allow() {
    let identity = policy(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::Production/*"},
            {"Effect": "Deny", "Action": "s3:*", "Resource": ["arn:aws:s3:::*log*", "arn:aws:s3:::*log"]}]}"#,
    );
    let bucket = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:GetObject*", "s3:PutObject*"],
            "Principal": {"AWS": "arn:aws:iam::111111111111:user/carlossalazar"}, "Resource": "arn:aws:s3:::Production/*"}}"#,
    );
    let request = |action, resource| {
        Request::new(
            Caller::user("arn:aws:iam::111111111111:user/carlossalazar"),
            action,
            resource,
        )
        .owned_by("222222222222")
    };
    let both = Policies::identity([&identity]).on_resource_with(&bucket);
    let put = request("s3:PutObject", "arn:aws:s3:::Production/object1");
    assert!(evaluate(&put, &both).is_allowed());
    assert!(evaluate(&put, &Policies::identity([&identity])).is_denied());
    assert!(evaluate(&put, &Policies::resource(&bucket)).is_denied());
    assert!(evaluate(&request("s3:PutObject", "arn:aws:s3:::Production/log1"), &both).is_denied());
    assert!(
        evaluate(
            &request("s3:DeleteObject", "arn:aws:s3:::Production/object1"),
            &both
        )
        .is_denied()
    );
}

/// `reference_policies_elements_principal.html`, "AWS account principals": naming an account delegates to it.
#[test]
fn naming_the_account_leaves_it_to_its_identity_policies() {
    let trust = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}}"#,
    );
    let may_enter = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::123456789012:role/admin"}}"#,
    );
    let target = "arn:aws:iam::123456789012:role/admin";
    assert_eq!(
        may(user("ada"), "sts:AssumeRole", target, &Policies::resource(&trust)),
        Verdict::No
    );
    let both = Policies::identity([&may_enter]).on_resource_with(&trust);
    assert_eq!(may(user("ada"), "sts:AssumeRole", target, &both), Verdict::Yes);
    // A trust that names the user needs no identity policy in the same account.
    let named = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/ada"}, "Action": "sts:AssumeRole"}}"#,
    );
    assert_eq!(
        may(user("ada"), "sts:AssumeRole", target, &Policies::resource(&named)),
        Verdict::Yes
    );
    // A trust that does not speak of the caller cannot be made up for by identity policies.
    let other = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}"#,
    );
    assert_eq!(
        may(
            user("ada"),
            "sts:AssumeRole",
            target,
            &Policies::identity([&may_enter]).on_resource_with(&other)
        ),
        Verdict::No
    );
    let ec2 = Caller::Service("ec2.amazonaws.com".into());
    assert_eq!(
        may(ec2, "sts:AssumeRole", target, &Policies::resource(&other)),
        Verdict::Yes
    );
}

/// KMS developer guide, `key-policy-default.html`: identity policies count only as far as the key policy lets the account in.
#[test]
fn a_key_policy_rules_over_identity_policies() {
    let decrypt = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}}"#,
    );
    let delegates = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Sid": "Enable IAM User Permissions", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "kms:*", "Resource": "*"}}"#,
    );
    let closed = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/keeper"},
            "Action": "kms:*", "Resource": "*"}}"#,
    );
    let key = "arn:aws:kms:eu-west-1:123456789012:key/1";
    let with = |key_policy| {
        may(
            role("app"),
            "kms:Decrypt",
            key,
            &Policies::identity([&decrypt]).on_resource_with(key_policy),
        )
    };
    assert_eq!(with(&delegates), Verdict::Yes);
    assert_eq!(with(&closed), Verdict::No);
    assert_eq!(
        may(role("app"), "kms:Decrypt", key, &Policies::resource(&delegates)),
        Verdict::No
    );
}

/// Organizations user guide, `orgs_manage_policies_scps_evaluation.html`: every level must allow, and any denies.
#[test]
fn every_level_of_service_control_policies_must_allow() {
    let identity = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    );
    let full = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    );
    let s3 = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#,
    );
    let region = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "NotAction": ["iam:*", "s3:ListAllMyBuckets"], "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "eu-west-1"]}}}}"#,
    );
    let request =
        |action: &str, region: &str| Request::new(role("x"), action, "*").with("aws:RequestedRegion", region);
    let under = Policies::identity([&identity])
        .under([&full, &region])
        .under([&s3]);
    assert!(evaluate(&request("s3:CreateBucket", "eu-west-1"), &under).is_allowed());
    assert!(evaluate(&request("s3:CreateBucket", "us-east-1"), &under).is_denied());
    assert!(evaluate(&request("s3:ListAllMyBuckets", "us-east-1"), &under).is_allowed());
    assert_eq!(
        evaluate(&request("ec2:RunInstances", "eu-west-1"), &under),
        Decision::Denied {
            by: Denial::Implicit(Layer::ServiceControl)
        }
    );
}

/// `access_policies.html`, "Session policies": the session has the intersection.
#[test]
fn a_session_policy_cuts_what_the_role_may() {
    let identity = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#,
    );
    let session = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:Get*", "ec2:*"], "Resource": "*"}}"#,
    );
    let policies = Policies::identity([&identity]).in_session_with(&session);
    assert_eq!(
        may(role("x"), "s3:GetObject", "arn:aws:s3:::b/x", &policies),
        Verdict::Yes
    );
    assert_eq!(
        may(role("x"), "s3:PutObject", "arn:aws:s3:::b/x", &policies),
        Verdict::No
    );
    assert_eq!(may(role("x"), "ec2:RunInstances", "*", &policies), Verdict::No);
}

/// `reference_policies_elements_notprincipal.html`: Deny with NotPrincipal.
#[test]
fn not_principal_spares_only_who_is_listed_with_the_account() {
    let denies = |names: &str| {
        policy(&format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Deny", "NotPrincipal": {{"AWS": {names}}}, "Action": "s3:*", "Resource": "*"}},
                {{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}]}}"#
        ))
    };
    let get = |caller, policy: &Policy| {
        may(
            caller,
            "s3:GetObject",
            "arn:aws:s3:::b/x",
            &Policies::resource(policy),
        )
    };
    let both = denies(r#"["arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:root"]"#);
    assert_eq!(get(user("ada"), &both), Verdict::Yes);
    assert_eq!(
        get(Caller::user("arn:aws:iam::999999999999:user/eve"), &both),
        Verdict::No
    );
    assert!(get(user("ada"), &denies(r#""arn:aws:iam::123456789012:user/ada""#)).is_unknown());
}

/// `reference_policies_variables.html`: a home directory for each user, and what an absent variable does.
#[test]
fn a_policy_variable_scopes_each_user_to_a_prefix() {
    let text = |version: &str| {
        format!(
            r#"{{{version} "Statement": [
            {{"Action": ["s3:ListBucket"], "Effect": "Allow", "Resource": ["arn:aws:s3:::amzn-s3-demo-bucket"],
              "Condition": {{"StringLike": {{"s3:prefix": ["${{aws:username}}/*"]}}}}}},
            {{"Action": ["s3:GetObject", "s3:PutObject"], "Effect": "Allow", "Resource": ["arn:aws:s3:::amzn-s3-demo-bucket/${{aws:username}}/*"]}}]}}"#
        )
    };
    let home = policy(&text(r#""Version": "2012-10-17","#));
    let policies = Policies::identity([&home]);
    assert_eq!(
        may(
            user("ada"),
            "s3:GetObject",
            "arn:aws:s3:::amzn-s3-demo-bucket/ada/notes",
            &policies
        ),
        Verdict::Yes
    );
    assert_eq!(
        may(
            user("bob"),
            "s3:GetObject",
            "arn:aws:s3:::amzn-s3-demo-bucket/ada/notes",
            &policies
        ),
        Verdict::No
    );
    // A role has no aws:username.
    assert_eq!(
        may(
            role("ada"),
            "s3:GetObject",
            "arn:aws:s3:::amzn-s3-demo-bucket/ada/notes",
            &policies
        ),
        Verdict::No
    );
    let list = Request::new(user("ada"), "s3:ListBucket", "arn:aws:s3:::amzn-s3-demo-bucket");
    assert!(evaluate(&list.clone().with("s3:prefix", "ada/x"), &policies).is_allowed());
    assert!(evaluate(&list, &policies).is_denied());
    // Without a version the variable is plain text.
    let old = policy(&text(""));
    assert_eq!(
        may(
            user("ada"),
            "s3:GetObject",
            "arn:aws:s3:::amzn-s3-demo-bucket/ada/notes",
            &Policies::identity([&old])
        ),
        Verdict::No
    );
}

/// `reference_policies_condition-single-vs-multi-valued-context-keys.html`: TagKeys.
#[test]
fn for_all_values_lets_a_request_without_the_key_pass() {
    let tags = policy(
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
            "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "cost-center"]}}}}"#,
    );
    let request = |tags: &[&str]| {
        Request::new(user("ada"), "ec2:CreateTags", "*").with_all("aws:TagKeys", tags.iter().copied())
    };
    let policies = Policies::identity([&tags]);
    assert!(evaluate(&request(&["environment"]), &policies).is_allowed());
    assert!(evaluate(&request(&["environment", "owner"]), &policies).is_denied());
    assert!(evaluate(&Request::new(user("ada"), "ec2:CreateTags", "*"), &policies).is_allowed());
}

/// What is not known matters only where the rest leaves it open.
#[test]
fn doubt_travels_only_as_far_as_it_matters() {
    let mfa = policy(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
            {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}]}"#,
    );
    let decide = |action: &str| {
        let request = Request::in_context(user("ada"), action, "*", Context::open());
        evaluate(&request, &Policies::identity([&mfa])).verdict()
    };
    assert!(decide("s3:GetObject").is_unknown());
    assert_eq!(decide("s3:ListAllMyBuckets"), Verdict::Yes);
    assert_eq!(decide("s3:DeleteBucket"), Verdict::No);
    assert_eq!(decide("ec2:RunInstances"), Verdict::No);
}

/// A statement that cannot be read is in doubt, its neighbours are not.
#[test]
fn an_unread_element_puts_its_own_statement_in_doubt_and_no_other() {
    let odd = Policy::parse(
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
            {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*", "Condition": {"StringMatches": {"aws:x": "y"}}},
            {"Effect": "Maybe", "Action": "ec2:*", "Resource": "*"},
            {"Effect": "Allow", "Actions": "sqs:*", "Action": "sqs:SendMessage", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
            {"Effect": "Allow", "Action": 5, "Resource": "arn:aws:sns:::x"}]}"#,
    )
    .unwrap();
    let decide = |action: &str, resource: &str| may(role("x"), action, resource, &Policies::identity([&odd]));
    assert_eq!(decide("s3:GetObject", "*"), Verdict::Yes);
    assert!(decide("s3:PutObject", "*").is_unknown());
    assert!(decide("ec2:RunInstances", "*").is_unknown());
    assert!(decide("sqs:SendMessage", "*").is_unknown());
    assert_eq!(decide("sqs:DeleteQueue", "*"), Verdict::No);
    assert!(decide("sns:Publish", "arn:aws:sns:::x").is_unknown());
    assert_eq!(decide("sns:Publish", "arn:aws:sns:::y"), Verdict::No);
    assert_eq!(odd.statements[2].unread[0].at.line, 4);
}
