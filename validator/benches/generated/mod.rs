//! Generates plans of any size: roles with policies, buckets, functions and configuration, as `terraform show -json` writes them.

use std::fmt::Write;

/// A plan of `n` resources, as JSON. Per 50 resources: 12 roles, 20 inline policies of about 6 kB each with their own text, 10 buckets,
/// 8 functions. 50,000 resources give about 180 MB.
pub(crate) fn plan(n: usize) -> String {
    let mut out = String::with_capacity(n * 3700 + 4096);
    out.push_str(r#"{"format_version":"1.2","terraform_version":"1.11.4","timestamp":"2026-01-01T00:00:00Z","complete":true,"errored":false,"variables":{"env":{"value":"prod"}},"planned_values":{"root_module":{"resources":["#);
    // A plan says everything twice.
    for i in 0..n {
        if i > 0 {
            out.push(',');
        }
        let (kind, name, after) = resource(i);
        let _ = write!(
            out,
            r#"{{"address":"{kind}.{name}[\"k{i}\"]","mode":"managed","type":"{kind}","name":"{name}","index":"k{i}","provider_name":"registry.terraform.io/hashicorp/aws","schema_version":0,"values":{after},"sensitive_values":{{}}}}"#
        );
    }
    out.push_str(r#"]}},"resource_changes":["#);
    for i in 0..n {
        if i > 0 {
            out.push(',');
        }
        let (kind, name, after) = resource(i);
        let _ = write!(
            out,
            r#"{{"address":"{kind}.{name}[\"k{i}\"]","mode":"managed","type":"{kind}","name":"{name}","index":"k{i}","provider_name":"registry.terraform.io/hashicorp/aws","change":{{"actions":["create"],"before":null,"after":{after},"after_unknown":{{"id":true,"arn":true,"tags_all":{{}}}},"before_sensitive":false,"after_sensitive":{{"tags":{{}}}}}}}}"#
        );
    }
    out.push_str(r#"],"configuration":{"provider_config":{"aws":{"name":"aws","full_name":"registry.terraform.io/hashicorp/aws","expressions":{"region":{"constant_value":"eu-west-1"}}}},"root_module":{"resources":["#);
    for (i, (kind, name)) in [
        ("aws_iam_role", "role"),
        ("aws_iam_role_policy", "policy"),
        ("aws_s3_bucket", "bucket"),
        ("aws_lambda_function", "function"),
    ]
    .iter()
    .enumerate()
    {
        if i > 0 {
            out.push(',');
        }
        let _ = write!(
            out,
            r#"{{"address":"{kind}.{name}","mode":"managed","type":"{kind}","name":"{name}","provider_config_key":"aws","expressions":{{"name":{{"references":["each.key"]}},"policy":{{"references":["each.value"]}}}},"schema_version":0,"for_each_expression":{{"references":["local.all"]}}}}"#
        );
    }
    out.push_str("]}}}");
    out
}

fn resource(i: usize) -> (&'static str, &'static str, String) {
    match i % 50 {
        0..12 => (
            "aws_iam_role",
            "role",
            format!(
                r#"{{"name":"role-{i}","path":"/","max_session_duration":3600,"force_detach_policies":false,"permissions_boundary":null,"tags":{{"team":"t{}"}},"assume_role_policy":{}}}"#,
                i % 9,
                quoted(&trust(i))
            ),
        ),
        12..32 => (
            "aws_iam_role_policy",
            "policy",
            format!(
                r#"{{"name":"policy-{i}","role":"role-{}","policy":{}}}"#,
                i / 50 * 50 + i % 12,
                quoted(&policy(i))
            ),
        ),
        32..42 => (
            "aws_s3_bucket",
            "bucket",
            format!(
                r#"{{"bucket":"bucket-{i}","force_destroy":false,"tags":{{"team":"t{}","purpose":"models of service {i}"}},"timeouts":null}}"#,
                i % 9
            ),
        ),
        _ => (
            "aws_lambda_function",
            "function",
            format!(
                r#"{{"function_name":"function-{i}","role":"arn:aws:iam::111122223333:role/role-{}","handler":"main","runtime":"python3.13","memory_size":512,"environment":[{{"variables":{{"LOG_LEVEL":"info","TABLE":"table-{i}","ENDPOINT":"https://service-{i}.internal.example.com/v1"}}}}],"tags":null}}"#,
                i / 50 * 50 + i % 12
            ),
        ),
    }
}

fn quoted(s: &str) -> String {
    serde_json::Value::String(s.to_owned()).to_string()
}

fn trust(i: usize) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity","Principal":{{"Federated":"arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"}},"Condition":{{"StringEquals":{{"oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud":"sts.amazonaws.com","oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub":"system:serviceaccount:ns{i}:sa{i}"}}}}}}]}}"#
    )
}

fn policy(i: usize) -> String {
    let mut s = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for k in 0..9 {
        if k > 0 {
            s.push(',');
        }
        let _ = write!(
            s,
            r#"{{"Sid":"Statement{k}","Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion","s3:ListBucket"],"Resource":["arn:aws:s3:::bucket-{i}-{k}/models/*","arn:aws:s3:::bucket-{i}-{k}/data/{k}/*"],"Condition":{{"StringEquals":{{"aws:ResourceAccount":"111122223333","aws:PrincipalTag/team":"team-{k}"}}}}}}"#
        );
    }
    s.push_str("]}");
    s
}
